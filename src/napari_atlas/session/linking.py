"""Translate between video frames, windows and map rows; nothing else does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.atlas import Atlas
from napari_atlas.session.session import Cursor

__all__ = ["cursor_of", "window_at", "window_rank", "windows_of_track"]


def windows_of_track(atlas: Atlas, recording: str, individual: str) -> NDArray[np.int64]:
    """Return the rising window ids of one individual; empty if it has none."""
    index = atlas.track_index(recording, individual)
    return np.flatnonzero(atlas.windows.table.track == index) if index >= 0 else np.empty(0, dtype=np.int64)


def window_at(atlas: Atlas, cursor: Cursor) -> int:
    """Return the window that the cursor is in, −1 if none; where windows overlap, the one with the nearest centre."""
    ids = windows_of_track(atlas, cursor.recording, cursor.individual)
    table = atlas.windows.table
    inside = ids[(table.first_frame[ids] <= cursor.frame) & (cursor.frame < table.stop_frame[ids])]
    if not inside.size:
        return -1
    return int(inside[np.argmin(np.abs(table.centre_frame()[inside] - cursor.frame))])


def cursor_of(atlas: Atlas, window: int) -> Cursor:
    """Return the animal and the middle video frame of a window."""
    table = atlas.windows.table
    key = table.keys[table.track[window]]
    return Cursor(key.recording, key.individual, int(table.centre_frame()[window]))


def window_rank(atlas: Atlas, window: int) -> tuple[int, int]:
    """Return which of its track's windows it is, from 1, and how many there are."""
    ids = np.flatnonzero(atlas.windows.table.track == atlas.windows.table.track[window])
    return int(np.searchsorted(ids, window)) + 1, int(ids.size)
