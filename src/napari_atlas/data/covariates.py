"""What was measured beside the animals: temperature first of all, and any other number or class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_atlas.errors import InputError

__all__ = ["NO_COURSE", "Course"]


@dataclass(frozen=True)
class Course:
    """The course of one number or class: readings over time, one constant, or nothing.

    Attributes
    ----------
    times
        (n_readings,) rising, in seconds since time zero, or video frames if ``by_frame``; empty for a constant and
        for none.
    values
        (n_readings,) numbers in the covariate's unit (°C for temperature), or indices into ``classes``; NaN where
        unknown. One value for a constant, empty for none.
    classes
        Names of the classes; empty if it is a number.
    by_frame
        Whether ``times`` are video frames.
    extended
        Whether the first and the last reading hold beyond the ends; they do only where somebody asked for it.
    """

    times: NDArray[np.float64]
    values: NDArray[np.float64]
    classes: tuple[str, ...] = ()
    by_frame: bool = False
    extended: bool = False

    def __post_init__(self) -> None:
        if self.times.size and self.times.size != self.values.size:
            raise InputError.of(
                "covariate", f"{self.times.size} times but {self.values.size} values", "give one value for each time"
            )

    @classmethod
    def constant(cls, value: float) -> Course:
        """Return the course of a number that stays the same."""
        return cls(np.empty(0), np.array([value], dtype=np.float64))

    @classmethod
    def constant_class(cls, name: str) -> Course:
        """Return the course of a class that stays the same."""
        return cls(np.empty(0), np.zeros(1), (name,))

    @classmethod
    def per_frame(cls, values: NDArray[np.float64], first_frame: int, classes: tuple[str, ...] = ()) -> Course:
        """Return the course that has one value for each video frame, from *first_frame* on."""
        return cls(first_frame + np.arange(values.size, dtype=np.float64), values, classes, by_frame=True)

    @property
    def present(self) -> bool:
        """Whether there is anything."""
        return bool(self.values.size)

    @property
    def is_constant(self) -> bool:
        """Whether one value holds at all times."""
        return self.present and not self.times.size

    @property
    def span(self) -> tuple[float, float]:
        """First and last time of the readings; without any, (−inf, inf) for a constant and NaN for none."""
        if self.times.size:
            return float(self.times[0]), float(self.times[-1])
        return (-np.inf, np.inf) if self.present else (np.nan, np.nan)

    def at(self, times: ArrayLike) -> NDArray[np.float64]:
        """Return the value at each time; numbers are interpolated linearly, a class holds until the next reading.

        Parameters
        ----------
        times
            In seconds since time zero, or video frames if ``by_frame``.

        Returns
        -------
        NDArray
            NaN beyond the ends (unless ``extended``), beside a reading that is NaN, at NaN times, and everywhere if
            there is no reading.
        """
        wanted = np.asarray(times, dtype=np.float64)
        if not self.times.size:
            return np.full(wanted.shape, self.values[0] if self.present else np.nan)
        if self.classes or self.by_frame:
            return self._held(wanted)
        ends = (self.values[0], self.values[-1]) if self.extended else (np.nan, np.nan)
        return np.interp(wanted, self.times, self.values, left=ends[0], right=ends[1])

    def _held(self, wanted: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the last reading at or before each time; a per-frame value holds for its own frame alone."""
        known = np.isfinite(wanted)
        rows = np.searchsorted(self.times, np.where(known, wanted, self.times[0]), side="right") - 1
        held = self.values[np.clip(rows, 0, self.values.size - 1)]
        last = self.times[-1] + (1.0 if self.by_frame else 0.0)
        beyond = (wanted < self.times[0]) | ((wanted >= last) if self.by_frame else (wanted > last))
        return np.where(known & (self.extended | ~beyond), held, np.nan)


NO_COURSE = Course(np.empty(0), np.empty(0))
