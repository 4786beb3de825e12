"""Nearest neighbours across species."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["CrossError", "cross_species_error"]

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class CrossError:
    """How far apart, in a value of interest, nearest neighbours of two species are.

    Attributes
    ----------
    error
        Mean absolute difference between a window and its nearest neighbour in the other species.
    shuffled
        The same for random pairs of the same windows.
    """

    error: float
    shuffled: float

    @property
    def ratio(self) -> float:
        """Error over shuffled error: 1 is chance, 0 is perfect."""
        return self.error / self.shuffled


def cross_species_error(positions: Sequence[Floats], values: Sequence[Floats]) -> CrossError:
    """Return the error of nearest neighbours between two species, averaged over both directions.

    Parameters
    ----------
    positions
        Per species (n_windows, n_dims), such as latents.
    values
        Per species (n_windows,), what neighbours are expected to share.
    """
    from scipy.spatial import cKDTree

    errors, chances = [], []
    for here, there in ((0, 1), (1, 0)):
        _, nearest = cKDTree(positions[there]).query(positions[here])
        errors.append(np.abs(values[here] - values[there][nearest]).mean())
        chances.append(np.abs(values[here][:, None] - values[there][None, :]).mean())
    return CrossError(float(np.mean(errors)), float(np.mean(chances)))
