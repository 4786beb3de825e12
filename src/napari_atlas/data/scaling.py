"""Bring every species' signal, and every temperature, to mean 0 and spread 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.track_signals import TrackSignals
from napari_atlas.data.windows import Windows
from napari_atlas.errors import InputError

__all__ = ["Scaler"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scaler:
    """Mean and (biased) standard deviation per channel.

    Attributes
    ----------
    mean, std
        (n_channels,) in the signal's unit.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @classmethod
    def identity(cls, n_channels: int) -> Scaler:
        """Return the scaler that changes nothing."""
        return cls(np.zeros(n_channels), np.ones(n_channels))

    @classmethod
    def of_windows(cls, windows: Windows, ids: NDArray[np.int64]) -> Scaler:
        """Return the scaler of the windows *ids* of one species, ignoring NaN.

        A bin counts as often as windows cover it, as it does when windows are stacked.

        Raises
        ------
        InputError
            If there is no window, or a channel is constant or all NaN.
        """
        name = windows.table.keys[windows.table.track[ids[0]]].species
        signals, length = windows.signals[name], windows.lengths[name]
        steps = np.zeros(len(signals) + 1)
        np.add.at(steps, windows.offsets[ids], 1.0)
        np.add.at(steps, windows.offsets[ids] + length, -1.0)
        covered = np.cumsum(steps)
        mean = _weighted_mean(signals, covered, lambda values: values)
        std = np.sqrt(_weighted_mean(signals, covered, lambda values: (values - mean) ** 2))
        varies = std > 1e-12 * np.maximum(1.0, np.abs(mean))
        if not varies.all():
            n_channels, still = varies.size, ", ".join(str(i + 1) for i in np.flatnonzero(~varies)[:9])
            what = "its signal" if n_channels == 1 else f"of its {n_channels} channels number {still}"
            cure = "check the tracking, or choose another signal" + (" or fewer keypoints" if n_channels > 1 else "")
            raise InputError.of(f"species {name}", f"{what} is constant or empty", cure)
        return cls(mean, std)

    @classmethod
    def of_labels(cls, labels: NDArray[np.float64]) -> Scaler:
        """Return the scaler of (n_windows,) labels, ignoring NaN; constant labels keep a spread of 1.

        Without any label it is the scaler that makes all of them NaN: nothing can be predicted in their unit.
        """
        known = labels[np.isfinite(labels)]
        if not known.size:
            return cls(np.array([np.nan]), np.ones(1))
        spread = known.std()
        return cls(np.array([known.mean()]), np.array([spread if spread > 1e-9 else 1.0]))

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (value − mean) / std; NaN stays NaN."""
        return (values - self.mean) / self.std

    def undo(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return value · std + mean; NaN stays NaN."""
        return values * self.std + self.mean


def _weighted_mean(signals: TrackSignals, covered: Floats, of: Callable[[Floats], Floats]) -> Floats:
    """Return the (n_channels,) mean of a function of the known values, each counted as often as it is covered."""
    counts, sums = np.zeros(signals.n_channels), np.zeros(signals.n_channels)
    for rows, track in signals.parts():
        known = np.isfinite(track)
        weights = np.where(known, covered[rows, None], 0.0)
        counts += weights.sum(axis=0)
        sums += (weights * of(np.where(known, track, 0.0))).sum(axis=0)
    return sums / np.maximum(counts, 1.0)
