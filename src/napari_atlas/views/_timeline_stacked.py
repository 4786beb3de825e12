"""All animals laid side by side on temperature or on time, worked out without drawing anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_atlas.session.stretch import Axis, places
from napari_atlas.views import _timeline_model as model
from napari_atlas.views._colors import rgba_of
from napari_atlas.views._time import clock_text, nice_step, ticks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_atlas.data.atlas import Atlas
    from napari_atlas.data.windows import Track
    from napari_atlas.session.session import Cursor, Session
    from napari_atlas.views._colors import Coloring
    from napari_atlas.views._timeline_strips import Colorings

__all__ = ["Stacked", "color_column"]

_COLUMNS = 100  # steps of temperature on show, about
# Colours that say nothing here: a row has one of them, or the axis says it already.
_PLAIN = ("species", "recording", "individual")
_SAID_BY_AXIS = ("temperature", "temperature in own range")


@dataclass(frozen=True, eq=False)
class Stacked:
    """What is laid side by side.

    Attributes
    ----------
    atlas
        Whose animals.
    axis
        What they are laid on.
    values
        (n_windows,) place of each window on the axis; NaN where unknown.
    low, high
        Where the axis begins and ends.
    coloring
        Colours of the windows.
    """

    atlas: Atlas
    axis: Axis
    values: NDArray[np.float64]
    low: float
    high: float
    coloring: Coloring
    _tables: dict[tuple[int, float], NDArray[np.uint8]] = field(default_factory=dict)
    _times_of: dict[int, NDArray[np.float64]] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Session, wished: Axis, colorings: Colorings) -> Stacked | None:
        """Return the animals of a session on the axis wished for, or else on time; None if there are no windows."""
        atlas = session.atlas
        if atlas is None or not len(atlas.windows.table):
            return None
        axis = wished if atlas.windows.table.has_temperature else Axis.TIME
        values = places(atlas, axis)
        known = values[np.isfinite(values)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        if axis is Axis.TIME:
            low = min(0.0, low)
        pad = max(0.02 * (high - low), 0.25 if axis is Axis.TEMPERATURE else 0.5)
        coloring = colorings.of(session, color_column(session, axis))
        return cls(atlas, axis, values, low - pad * (axis is Axis.TEMPERATURE or low < 0), high + pad, coloring)

    @property
    def unit(self) -> str:
        """Unit of the axis: "°C", "s" or "frames"."""
        if self.axis is Axis.TEMPERATURE:
            return "°C"
        return "s" if np.isfinite(self.atlas.windows.table.seconds).any() else "frames"

    def text(self, value: float) -> str:
        """Return a place on the axis in words."""
        if self.unit == "s":
            return clock_text(value, 1)
        return f"{value:.1f} °C" if self.unit == "°C" else f"{value:.0f}"

    def ticks(self, low: float, high: float, wanted: int) -> list[tuple[float, str]]:
        """Return round places between two, with their labels."""
        clock = self.unit == "s"
        step = nice_step(high - low, wanted, clock=clock)
        decimals = 0 if step >= 1 else int(np.ceil(-np.log10(step)))
        values = ticks(low, high, step)
        return [(float(v), clock_text(float(v), decimals) if clock else f"{v:.{decimals}f}") for v in values]

    def windows_of(self, row: int) -> NDArray[np.int64]:
        """Return the window ids of a row."""
        return np.arange(*np.searchsorted(self.atlas.windows.table.track, [row, row + 1]), dtype=np.int64)

    def nearest(self, row: int, value: float) -> int:
        """Return the window of a row whose place is nearest; −1 if none has a place."""
        ids = self.windows_of(row)
        ids = ids[np.isfinite(self.values[ids])]
        return int(ids[np.argmin(np.abs(self.values[ids] - value))]) if ids.size else -1

    def row_of(self, cursor: Cursor) -> int:
        """Return the row of the cursor's animal; −1 if there is none with any bins."""
        row = self.atlas.track_index(cursor.recording, cursor.individual)
        return row if row >= 0 and len(self.atlas.tracks[row].values) else -1

    def place_of(self, row: int, frame: int) -> float:
        """Return where a video frame of a row lies on the axis; NaN where unknown."""
        track = self.atlas.tracks[row]
        at = model.bin_of_frame(track, frame)
        if self.axis is Axis.TEMPERATURE:
            return float(track.temperature[min(int(at), len(track.temperature) - 1)])
        return float(self._times(track, np.array([at]))[0])

    def colors(self, rows: range, columns: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return (n_rows, n_columns, 4) colours of some rows; columns are given by their (n_columns + 1,) edges."""
        found = np.zeros((len(rows), columns.size - 1, 4), dtype=np.uint8)
        step, at = self._steps(columns)
        for i, row in enumerate(rows):
            if self.axis is Axis.TEMPERATURE:
                found[i] = self._table(row, step)[at]
            else:
                tile = model.tile_at(self._edges(row), columns)
                found[i, tile >= 0] = 255 * self.coloring.rgba[self.windows_of(row)[tile[tile >= 0]]]
        return found

    def holding(self, rows: range, columns: NDArray[np.float64], chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return (n_rows, n_columns) whether a column of a row holds any of the *chosen* windows."""
        found = np.zeros((len(rows), columns.size - 1), dtype=bool)
        step, at = self._steps(columns)
        for i, row in enumerate(rows):
            ids = self.windows_of(row)
            mine = chosen[slice(*np.searchsorted(chosen, [ids[0], ids[-1] + 1]))] if ids.size else ids
            if self.axis is Axis.TEMPERATURE:
                found[i] = np.bincount(self._step_of(mine, step)[1], minlength=at.max() + 1)[at] > 0
            elif ids.size:
                found[i] = model.filled(self._edges(row), columns, mine - ids[0])
        return found

    def _steps(self, columns: NDArray[np.float64]) -> tuple[float, NDArray[np.int64]]:
        """Return a round step, and in which step from the first one the middle of each column lies."""
        step = nice_step(float(columns[-1] - columns[0]), _COLUMNS)
        middle = np.clip((columns[:-1] + columns[1:]) / 2, self.low, self.high)
        return step, (np.floor(middle / step) - np.floor(self.low / step)).astype(np.int64)

    def _step_of(self, ids: NDArray[np.int64], step: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return those of some windows whose place is known, and in which step each lies."""
        ids = ids[np.isfinite(self.values[ids])]
        return ids, (np.floor(self.values[ids] / step) - np.floor(self.low / step)).astype(np.int64)

    def _table(self, row: int, step: float) -> NDArray[np.uint8]:
        """Return (n_steps, 4) colours of a row: of classes the commonest in each step, of numbers the mean colour."""
        if (row, step) not in self._tables:
            ids, place = self._step_of(self.windows_of(row), step)
            n = int(np.floor(self.high / step) - np.floor(self.low / step)) + 1
            counts = np.bincount(place, minlength=n)
            if self.coloring.continuous:
                sums = [np.bincount(place, weights=part, minlength=n) for part in self.coloring.rgba[ids].T]
                mixed = np.stack(sums, axis=1) / np.maximum(counts, 1)[:, None]
            else:
                mixed = _commonest(self.coloring, self.coloring.codes[ids], place, n)
            self._tables[row, step] = np.asarray(255 * np.where(counts[:, None] > 0, mixed, 0.0), dtype=np.uint8)
        return self._tables[row, step]

    def _edges(self, row: int) -> NDArray[np.float64]:
        """Return (n_windows, 2) times from and to which the windows of a row are drawn."""
        if row not in self._times_of:
            track = self.atlas.tracks[row]
            self._times_of[row] = self._times(track, model.tiles(self.atlas, track)[1])
        return self._times_of[row]

    def _times(self, track: Track, bins: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the times of bins; NaN where unknown."""
        if self.unit == "frames":
            first = track.frames[0]
            return np.asarray(np.interp(bins, np.arange(track.frames.size), track.frames - first), dtype=np.float64)
        step = track.times[1] - track.times[0] if track.times.size > 1 else 0.0
        return np.asarray(track.times[0] + bins * step)


def color_column(session: Session, axis: Axis) -> str:
    """Return the column that colours the rows: that of the map, or activity where that would say nothing here."""
    name, names = session.color_by, session.columns.names if session.columns is not None else ()
    plain = (*_PLAIN, *(_SAID_BY_AXIS if axis is Axis.TEMPERATURE else ()))
    return name if name in names and name not in plain else "activity"


def _commonest(coloring: Coloring, codes: NDArray[np.int64], place: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """Return (n, 4) colours of the classes that most of the windows have in each of n places."""
    colors = rgba_of([entry.color for entry in coloring.entries])
    votes = np.bincount(place * len(colors) + codes, minlength=n * len(colors)).reshape(n, -1)
    return np.asarray(colors[votes.argmax(axis=1)], dtype=np.float64)
