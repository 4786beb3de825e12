"""Named columns that a file of tracks holds beside positions, or instead of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.errors import InputError

__all__ = ["NO_COLUMNS", "Columns"]


@dataclass(frozen=True)
class Columns:
    """Numbers per sample and animal, each with a name, such as a measured temperature or a speed.

    Attributes
    ----------
    individuals
        Names along the second axis.
    names
        Names along the third axis, as the file spells them.
    values
        (n_samples, n_individuals, n_columns), in the file's own units; NaN where missing.
    """

    individuals: tuple[str, ...]
    names: tuple[str, ...]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        wanted = (len(self.individuals), len(self.names))
        if self.values.ndim != 3 or self.values.shape[1:] != wanted:
            raise InputError.of(
                "columns",
                f"shape {self.values.shape} does not fit {wanted[0]} individuals and {wanted[1]} columns",
                "use (n_samples, n_individuals, n_columns)",
            )

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return int(self.values.shape[0])

    @property
    def missing_fraction(self) -> float:
        """Fraction of values that are not finite."""
        return float(1.0 - np.isfinite(self.values).mean()) if self.values.size else 1.0

    def column(self, name: str, individual: int = 0) -> NDArray[np.float64]:
        """Return the (n_samples,) values of one column of one animal.

        Raises
        ------
        InputError
            If there is no column of that name.
        """
        if name not in self.names:
            known = ", ".join(self.names) or "none"
            raise InputError.of(f"column {name}", "the tracks do not hold it", f"choose from {known}"[:300])
        return self.values[:, individual, self.names.index(name)]


NO_COLUMNS = Columns((), (), np.empty((0, 0, 0)))
