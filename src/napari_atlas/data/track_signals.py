"""The signals of a species: one array per track, addressed as if they lay one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["TrackSignals"]


@dataclass(frozen=True)
class TrackSignals:
    """Signals of several tracks, which are never copied into one array.

    Attributes
    ----------
    tracks
        Per track (n_bins, n_channels), NaN where unknown, in the signal's unit.
    begins
        (n_tracks,) row at which each begins, counted over all tracks.
    """

    tracks: tuple[NDArray[np.float64], ...]
    begins: NDArray[np.int64]

    @classmethod
    def of(cls, tracks: Iterable[NDArray[np.float64]]) -> TrackSignals:
        """Return the signals of these tracks in their order."""
        kept = tuple(tracks)
        ends = np.cumsum([len(track) for track in kept], dtype=np.int64)
        return cls(kept, np.concatenate([[0], ends[:-1]]).astype(np.int64))

    def __len__(self) -> int:
        return sum(len(track) for track in self.tracks)

    @property
    def n_channels(self) -> int:
        """How many channels each track has."""
        return int(self.tracks[0].shape[1])

    def parts(self) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Yield each track with the rows that it takes up."""
        for begin, track in zip(self.begins.tolist(), self.tracks, strict=True):
            yield slice(begin, begin + len(track)), track

    def gather(self, rows: NDArray[np.int64], length: int) -> NDArray[np.float64]:
        """Return the (n_rows, length, n_channels) stretches that begin at these rows; each lies within one track."""
        windows = np.empty((rows.size, length, self.n_channels))
        owners = np.searchsorted(self.begins, rows, side="right") - 1
        for owner in np.unique(owners):
            mine = np.flatnonzero(owners == owner)
            windows[mine] = self.tracks[owner][(rows[mine] - self.begins[owner])[:, None] + np.arange(length)]
        return windows
