"""All recordings, one row for each animal, and what the mouse means there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_atlas.data.results import counted
from napari_atlas.session import linking
from napari_atlas.session.stretch import Axis, windows_within
from napari_atlas.views._timeline_face import EMPTY, Brush, Face, Label
from napari_atlas.views._timeline_layout import Box, Span
from napari_atlas.views._timeline_sheet import Sheet, row_name
from napari_atlas.views._timeline_stacked import Stacked
from napari_atlas.views._timeline_strips import Wishes, value_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_atlas.session.session import Session

__all__ = ["StackFace", "step_row"]

_FINEST = 200  # of the whole axis, the shortest part that can be shown
_NO_WINDOWS = "No windows yet: add recordings in the project dock."
_WHOLE_NAME = 200


class StackFace(Face):
    """Draws the animals of all recordings, as many as find room; the others are scrolled to."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.axis = Axis.TEMPERATURE
        self.first = 0
        self.shown: Stacked | None = None

    @property
    def sheet(self) -> Sheet | None:
        """Where the rows lie; None while there are none."""
        return Sheet(self.shown, self.span, self._size, self.first) if self.shown is not None else None

    def load(self, wishes: Wishes) -> None:
        """Take up the windows of the session; the part on show stays where the axis does."""
        self.wishes, before = wishes, self.shown
        self.shown = after = Stacked.of(self._session, self.axis, self._colorings)
        if after is None:
            return
        if before is None or (before.axis, before.low, before.high) != (after.axis, after.low, after.high):
            total = after.high - after.low
            self.span = Span.whole(total, total / _FINEST)

    def draw(self, width: float, height: float) -> tuple[Label, ...]:
        """Draw everything; return the texts."""
        self._size = (width, height)
        self._visuals.clear()
        self.scroll(self.first)
        if (sheet := self.sheet) is None:
            return ((width / 2, height / 2, EMPTY if self._session.atlas is None else _NO_WINDOWS, "centre"),)
        sheet.draw(self._visuals)
        self.draw_selection()
        self.draw_cursor()
        return sheet.labels()

    def draw_selection(self) -> None:
        """Mark the selected windows below the colours of each row."""
        if (sheet := self.sheet) is not None:
            sheet.draw_selected(self._visuals, self._session.selection.ids)

    def draw_cursor(self) -> None:
        """Mark the row at the cursor, and where the cursor is in it."""
        sheet, row = self.sheet, self._row()
        box, x = Box(0, 0, 0, 0), -1.0
        if sheet is not None and row in sheet.rows:
            box, at = sheet.row(row), sheet.shown.place_of(row, self._session.cursor.frame)
            x = sheet.x(at) if np.isfinite(at) else -1.0
        self._visuals.set_cursor(x, (box.left, box.right), box)

    def follow(self) -> bool:
        """Scroll to the row at the cursor if it is out of sight; return whether all must be drawn again."""
        sheet, row, before = self.sheet, self._row(), self.first
        if sheet is not None and row >= 0 and row not in sheet.rows:
            self.scroll(row - sheet.room // 2)
        return self.first != before

    def scroll(self, first: int) -> None:
        """Choose the row at the top, as far as there are enough below."""
        if (sheet := self.sheet) is not None:
            self.first = int(np.clip(first, 0, max(0, len(sheet.shown.atlas.tracks) - sheet.room)))

    def seek(self, x: float, y: float) -> None:
        """Go to the animal of a row, at the window whose place is nearest."""
        if (sheet := self.sheet) is not None and (row := sheet.row_at(y)) >= 0:
            _go_to(self._session, sheet.shown, row, sheet.value_at(x))

    def window_at(self, x: float, y: float) -> int:
        """Return the window of the row at a pixel whose place is nearest; −1 if there is none."""
        if (sheet := self.sheet) is None or (row := sheet.row_at(y)) < 0:
            return -1
        return sheet.shown.nearest(row, sheet.value_at(x))

    def bin_at(self, x: float) -> float:
        """Return the place at a pixel, counted from where the axis begins."""
        return self.span.bin_at(x, self.sheet.whole) if self.sheet is not None else 0.0

    def brush(self, start: tuple[float, float], end: tuple[float, float]) -> Brush | None:
        """Return what a drag selects: the windows between two places, of all rows."""
        if (sheet := self.sheet) is None:
            return None
        shown, whole = sheet.shown, sheet.whole
        low, high = sorted(sheet.value_at(x) for x in (start[0], end[0]))
        if shown.axis is Axis.TEMPERATURE:
            # What is said is what is selected, so limits are round.
            low, high = round(low, 1), round(high, 1)
        ids = windows_within(shown.values, low, high)
        told = f"{shown.text(low).removesuffix(' °C')}–{shown.text(high)} · {counted(ids.size, 'window')}"
        return Brush(Box(sheet.x(low), whole.top, sheet.x(high), whole.bottom), told, ids)

    def told(self, x: float, y: float) -> str:
        """Return what lies at a pixel, in words."""
        sheet, columns, window = self.sheet, self._session.columns, self.window_at(x, y)
        if sheet is None or columns is None or (row := sheet.row_at(y)) < 0:
            return ""
        name = row_name(sheet.shown, row, _WHOLE_NAME)
        if window < 0 or x < sheet.whole.left:
            return name
        column = columns.column(sheet.shown.coloring.column)
        return f"{name}\n{sheet.shown.text(float(sheet.shown.values[window]))}\n{value_text(column, window)}"

    def zoom_to(self, ids: NDArray[np.int64], margin: float) -> bool:
        """Show the part of the axis that these windows take; return whether they have any place."""
        values = self.shown.values[ids] if self.shown is not None else np.empty(0)
        values = values[np.isfinite(values)]
        if self.shown is None or not values.size:
            return False
        self.span = self.span.around(float(values.min()) - self.shown.low, float(values.max()) - self.shown.low, margin)
        return True

    def _row(self) -> int:
        """Return the row at the cursor; −1 if there is none."""
        return self.shown.row_of(self._session.cursor) if self.shown is not None else -1


def step_row(session: Session, shown: Stacked, rows: int) -> None:
    """Go to the animal so many rows further down, at the same place on the axis."""
    row = shown.row_of(session.cursor)
    if row >= 0 and 0 <= row + rows < len(shown.atlas.tracks):
        value = shown.place_of(row, session.cursor.frame)
        _go_to(session, shown, row + rows, value if np.isfinite(value) else shown.low)


def _go_to(session: Session, shown: Stacked, row: int, value: float) -> None:
    """Go to the animal of a row, at the window whose place is nearest; without windows, at its first frame."""
    track, window = shown.atlas.tracks[row], shown.nearest(row, value)
    if window >= 0:
        cursor = linking.cursor_of(shown.atlas, window)
        session.seek(cursor.recording, cursor.individual, cursor.frame)
    elif len(track.values):
        session.seek(track.key.recording, track.key.individual, int(track.frames[0]))
