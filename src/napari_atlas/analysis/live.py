"""Latents of a fit under way → places in a plane that turns slowly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Follower"]

_LEAST = 1e-12


class Follower:
    """Lay latents out that change, so that their points move and do not jump.

    The axes begin as the two widest directions. With each picture they turn towards those directions, and never
    about themselves: one step of subspace iteration, shifted by the second largest variance, and its polar factor.
    So a plane for which two directions compete turns over several pictures, and does not flip.
    """

    def __init__(self) -> None:
        self._axes = np.empty((0, 0))

    def place(self, latents: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return (n_windows, 2) places of (n_windows, n_latent) latents, about their mean.

        The second coordinate of a latent of one dimension is 0.
        """
        centred = np.asarray(latents, dtype=np.float64) - latents.mean(axis=0)
        variances, directions = np.linalg.eigh(centred.T @ centred / len(centred))
        if self._axes.size:
            shift = max(float(variances[-2:][0]), _LEAST)
            self._axes = _polar((directions * (variances + shift)) @ (directions.T @ self._axes))
        else:
            self._axes = directions[:, ::-1][:, :2]
        placed = np.zeros((len(centred), 2), dtype=np.float32)
        placed[:, : self._axes.shape[1]] = centred @ self._axes
        return placed


def _polar(axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the orthonormal axes that are nearest."""
    left, _, right = np.linalg.svd(axes, full_matrices=False)
    return np.asarray(left @ right, dtype=np.float64)
