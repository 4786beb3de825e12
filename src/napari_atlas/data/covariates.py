"""What was measured beside the animals: temperature first of all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_atlas.errors import InputError

__all__ = ["NO_TEMPERATURE", "Temperature"]


@dataclass(frozen=True)
class Temperature:
    """A temperature course in °C: a log, one constant, or nothing.

    Attributes
    ----------
    times
        (n_readings,) seconds since LED-on, rising; empty for a constant and for none.
    values
        (n_readings,) °C; one value for a constant, empty for none.
    """

    times: NDArray[np.float64]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.times.size and self.times.size != self.values.size:
            raise InputError.of(
                "temperature", f"{self.times.size} times but {self.values.size} values", "give one value for each time"
            )

    @classmethod
    def constant(cls, celsius: float) -> Temperature:
        """Return the course that stays at *celsius*."""
        return cls(np.empty(0), np.array([celsius], dtype=np.float64))

    @property
    def present(self) -> bool:
        """Whether there is any temperature."""
        return bool(self.values.size)

    def at(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """Return °C at each time, linearly interpolated; NaN beyond the log's ends, at NaN times and without a log."""
        times = np.asarray(seconds, dtype=np.float64)
        if not self.present:
            return np.full(times.shape, np.nan)
        if not self.times.size:
            return np.full(times.shape, self.values[0])
        return np.interp(times, self.times, self.values, left=np.nan, right=np.nan)


NO_TEMPERATURE = Temperature(np.empty(0), np.empty(0))
