"""Which windows lie in a stretch of time or of temperature."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.atlas import Atlas
from napari_atlas.session.linking import window_at, windows_of_track
from napari_atlas.session.session import Cursor

__all__ = ["Axis", "Scope", "in_scope", "places", "stepped", "windows_between", "windows_within"]


class Scope(Enum):
    """Whose windows a range of temperatures selects."""

    ALL = "all recordings"
    SPECIES = "this species"
    RECORDING = "this recording"


class Axis(Enum):
    """What recordings are laid side by side on."""

    TEMPERATURE = "temperature"
    TIME = "time"


def windows_between(atlas: Atlas, recording: str, individual: str, low: float, high: float) -> NDArray[np.int64]:
    """Return the rising ids of an animal's windows whose middle lies between two bins, the second one excluded."""
    ids = windows_of_track(atlas, recording, individual)
    table = atlas.windows.table
    return ids[slice(*np.searchsorted((table.start[ids] + table.stop[ids]) / 2, [low, high]))]


def windows_within(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.int64]:
    """Return the rising ids of the windows whose value is between two others, both included; NaN is nowhere."""
    return np.flatnonzero((values >= low) & (values <= high))


def in_scope(atlas: Atlas, cursor: Cursor, scope: Scope) -> NDArray[np.bool_]:
    """Return (n_windows,) whether each window belongs to what the cursor is in: species, recording or all."""
    table = atlas.windows.table
    info = atlas.recordings.get(cursor.recording)
    species = info.species if info is not None else ""
    mine = [
        scope is Scope.ALL or (key.species == species and (scope is Scope.SPECIES or key.recording == cursor.recording))
        for key in table.keys
    ]
    return np.array(mine or [False])[table.track]


def places(atlas: Atlas, axis: Axis) -> NDArray[np.float64]:
    """Return the (n_windows,) place of each window's middle on an axis.

    These are °C, or seconds since LED-on; where no window has a known time, video frames since its track's first.
    NaN where unknown.
    """
    table = atlas.windows.table
    if axis is Axis.TEMPERATURE:
        return table.temperature
    if np.isfinite(table.seconds).any() or not len(table):
        return table.seconds
    first = np.array([int(track.frames[0]) if track.frames.size else 0 for track in atlas.tracks])
    return np.asarray(table.centre_frame() - first[table.track], dtype=np.float64)


def stepped(atlas: Atlas, cursor: Cursor, step: int) -> int:
    """Return the window *step* windows of the animal further, kept among them; −1 if it has none.

    From between two windows, the first step goes to the next one in its direction.
    """
    ids = windows_of_track(atlas, cursor.recording, cursor.individual)
    if not ids.size:
        return -1
    window = window_at(atlas, cursor)
    if window >= 0:
        place = int(np.searchsorted(ids, window)) + step
    else:
        after = int(np.searchsorted(atlas.windows.table.centre_frame()[ids], cursor.frame))
        place = after + step - (step > 0)
    return int(ids[np.clip(place, 0, ids.size - 1)])
