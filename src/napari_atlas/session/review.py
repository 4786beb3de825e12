"""Go through windows one by one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.atlas import Atlas
from napari_atlas.session.linking import cursor_of, window_at, windows_of_track
from napari_atlas.session.session import Session

__all__ = ["go_to", "inverted", "step"]


def step(session: Session, by: int) -> int:
    """Move the cursor to the next window (1) or the one before (−1).

    It goes through the selected windows in the order of their ids; if fewer than two are selected, as after a click,
    through those of the animal at the cursor. From between two it goes to the nearer one in that direction; at either
    end it stays.

    Returns
    -------
    int
        The window that the cursor is in afterwards; −1 if there is nowhere to go.
    """
    atlas = session.atlas
    if atlas is None:
        return -1
    here = window_at(atlas, session.cursor)
    ids = session.selection.ids
    if ids.size < 2:
        ids = windows_of_track(atlas, session.cursor.recording, session.cursor.individual)
        here = here if here >= 0 or not ids.size else _before(atlas, ids, session.cursor.frame, by)
    if not ids.size:
        return -1
    window = int(ids[_place(ids, here, by)])
    go_to(session, window)
    return window


def go_to(session: Session, window: int) -> None:
    """Move the cursor to the middle of a window, unless it is in that window already."""
    if session.atlas is not None and window_at(session.atlas, session.cursor) != window:
        cursor = cursor_of(session.atlas, window)
        session.seek(cursor.recording, cursor.individual, cursor.frame)


def inverted(atlas: Atlas, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the windows on the map that are not among *ids*, rising; without a map, of all windows."""
    n = len(atlas.windows.table)
    left = np.ones(n, dtype=bool)
    if atlas.has_map:
        left[:] = np.isfinite(atlas.coordinates).all(axis=1)
    left[ids] = False
    return np.flatnonzero(left)


def _before(atlas: Atlas, ids: NDArray[np.int64], frame: int, by: int) -> int:
    """Return the window that a step from a frame between two windows counts from."""
    behind = int(np.searchsorted(atlas.windows.table.first_frame[ids], frame))
    return int(ids[0]) + behind - (1 if by > 0 else 0)


def _place(ids: NDArray[np.int64], here: int, by: int) -> int:
    """Return which of the rising *ids* comes next after the window *here*, which may be none of them."""
    if here < 0:
        return 0 if by > 0 else ids.size - 1
    before, behind = np.searchsorted(ids, here), np.searchsorted(ids, here, side="right")
    place = behind + by - 1 if by > 0 else before + by
    return int(np.clip(place, 0, ids.size - 1))
