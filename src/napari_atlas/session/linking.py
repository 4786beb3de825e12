"""Translate between video frames, windows and map rows; nothing else does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.atlas import Atlas
from napari_atlas.session.session import Cursor

__all__ = ["cursor_of", "matched", "window_at", "window_rank", "windows_of_track"]


def windows_of_track(atlas: Atlas, recording: str, individual: str) -> NDArray[np.int64]:
    """Return the rising window ids of one individual; empty if it has none."""
    index = atlas.track_index(recording, individual)
    return _windows_of(atlas, index) if index >= 0 else np.empty(0, dtype=np.int64)


def window_at(atlas: Atlas, cursor: Cursor) -> int:
    """Return the window that the cursor is in, −1 if none; where windows overlap, the one with the nearest centre."""
    ids = windows_of_track(atlas, cursor.recording, cursor.individual)
    table = atlas.windows.table
    if not ids.size:
        return -1
    # The windows of a track follow each other, so those that hold a frame lie between two places.
    own = slice(ids[0], ids[-1] + 1)
    begin, end = table.first_frame[own], table.stop_frame[own]
    first, stop = (int(np.searchsorted(edges, cursor.frame, side="right")) for edges in (end, begin))
    if first >= stop:
        return -1
    distance = np.abs((begin[first:stop] + end[first:stop]) // 2 - cursor.frame)
    return int(ids[0]) + first + int(np.argmin(distance))


def cursor_of(atlas: Atlas, window: int) -> Cursor:
    """Return the animal and the middle video frame of a window."""
    table = atlas.windows.table
    key = table.keys[table.track[window]]
    return Cursor(key.recording, key.individual, int(table.first_frame[window] + table.stop_frame[window]) // 2)


def window_rank(atlas: Atlas, window: int) -> tuple[int, int]:
    """Return which of its track's windows it is, from 1, and how many there are."""
    ids = _windows_of(atlas, int(atlas.windows.table.track[window]))
    return int(np.searchsorted(ids, window)) + 1, int(ids.size)


def matched(one: Atlas, other: Atlas) -> NDArray[np.int64]:
    """Return for each window of an atlas the one that means the same stretch of video in another; −1 if none does.

    Runs that share their windows share the ids. Else a window is matched with the one of the same animal whose middle
    is nearest, if that lies within it.
    """
    here, there = one.windows.table, other.windows.table
    same = here.keys == there.keys and np.array_equal(here.track, there.track)
    if same and np.array_equal(here.first_frame, there.first_frame):
        return np.arange(len(here), dtype=np.int64)
    found = np.full(len(here), -1, dtype=np.int64)
    for index, key in enumerate(here.keys):
        mine, theirs = _windows_of(one, index), windows_of_track(other, key.recording, key.individual)
        if mine.size and theirs.size:
            middle, candidates = here.centre_frame()[mine], there.centre_frame()[theirs]
            nearest = _nearest(candidates, middle)
            inside = (here.first_frame[mine] <= candidates[nearest]) & (candidates[nearest] < here.stop_frame[mine])
            found[mine[inside]] = theirs[nearest[inside]]
    return found


def _nearest(rising: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which of some rising numbers is nearest to each value."""
    after = np.clip(np.searchsorted(rising, values), 1, max(1, rising.size - 1))
    if rising.size == 1:
        return np.zeros(values.size, dtype=np.int64)
    return np.where(values - rising[after - 1] <= rising[after] - values, after - 1, after)


def _windows_of(atlas: Atlas, track: int) -> NDArray[np.int64]:
    """Return the window ids of a track; the table holds one track after the other."""
    return np.arange(*np.searchsorted(atlas.windows.table.track, [track, track + 1]), dtype=np.int64)
