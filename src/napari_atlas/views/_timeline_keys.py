"""What the keys and the buttons of the timeline do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Qt

from napari_atlas.session import linking
from napari_atlas.session.stretch import stepped
from napari_atlas.views._canvas import combine_of
from napari_atlas.views._timeline_model import bin_of_frame, frame_of_bin, track_at
from napari_atlas.views._timeline_stack import step_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_atlas.session.selection import Combine
    from napari_atlas.session.session import Session
    from napari_atlas.views._timeline_bar import TimelineBar
    from napari_atlas.views._timeline_plot import TimelinePlot

__all__ = ["TimelineKeys"]

_ROUND_WINDOW, _ROUND_SELECTION = 0.75, 0.05  # of what is zoomed to, how much is shown on both sides
_NONE, _SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
_ALT = Qt.KeyboardModifier.AltModifier
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_ARROWS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
_ROWS = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}


class TimelineKeys:
    """Deeds of a timeline.

    Parameters
    ----------
    session
        Whose cursor and selection are moved.
    bar, plot
        The parts of the timeline.
    """

    def __init__(self, session: Session, bar: TimelineBar, plot: TimelinePlot) -> None:
        self._session, self._bar, self._plot = session, bar, plot
        bar.window.clicked.connect(self.zoom_to_window)
        bar.selection.clicked.connect(self.zoom_to_selection)
        bar.whole.clicked.connect(plot.show_whole)
        bar.select.toggled.connect(plot.mouse.set_brushing)

    def answer(self, key: int, modifiers: Qt.KeyboardModifier) -> bool:
        """Do what a key asks for; return whether it asks for anything."""
        held, bar = modifiers & ~Qt.KeyboardModifier.KeypadModifier, self._bar
        stacked = bar.stack.isChecked()
        plain: dict[int, Callable[[], object]] = {
            Qt.Key.Key_T: bar.select.click,
            Qt.Key.Key_A: bar.stack.click,
            Qt.Key.Key_W: bar.window.click,
            Qt.Key.Key_S: bar.selection.click,
            Qt.Key.Key_0: bar.whole.click,
            Qt.Key.Key_Home: bar.whole.click,
            Qt.Key.Key_Escape: self.clear,
        }
        if key in _ARROWS and held in (_NONE, _SHIFT):
            (self.step_window if held == _NONE else self.step_bin)(_ARROWS[Qt.Key(key)])
        elif key in _ROWS and held == _NONE and stacked:
            self.step_row(_ROWS[Qt.Key(key)])
        elif key in _ENTER and held in (_NONE, _SHIFT, _ALT):
            self.select_window(combine_of(held))
        elif key in plain and held == _NONE:
            plain[key]()
        else:
            return False
        return True

    def step_window(self, by: int) -> None:
        """Go to the next window of the animal, or the one before."""
        atlas = self._session.atlas
        window = stepped(atlas, self._session.cursor, by) if atlas is not None else -1
        if atlas is not None and window >= 0:
            cursor = linking.cursor_of(atlas, window)
            self._session.seek(cursor.recording, cursor.individual, cursor.frame)

    def step_bin(self, by: int) -> None:
        """Go to the next bin of the signal, or to the next frame where bins are shorter; or to the one before."""
        cursor = self._session.cursor
        if (track := track_at(self._session.atlas, cursor)) is not None:
            at = np.floor(bin_of_frame(track, cursor.frame) + 1e-9) + by
            frame = frame_of_bin(track, float(np.clip(at, 0, len(track.values))))
            beyond = max(frame, cursor.frame + 1) if by > 0 else min(frame, cursor.frame - 1)
            last = max(int(track.frames[0]), int(track.frames[-1]) - 1)
            self._session.seek(cursor.recording, cursor.individual, int(np.clip(beyond, track.frames[0], last)))

    def select_window(self, combine: Combine) -> None:
        """Select the window at the cursor."""
        atlas = self._session.atlas
        window = linking.window_at(atlas, self._session.cursor) if atlas is not None else -1
        if window >= 0:
            self._session.select(np.array([window], dtype=np.int64), combine)

    def step_row(self, by: int) -> None:
        """Go to the animal below, or above."""
        if (shown := self._plot.stack.shown) is not None:
            step_row(self._session, shown, by)

    def zoom_to_window(self) -> None:
        """Show the window at the cursor, or the one before it where the cursor is in none."""
        atlas = self._session.atlas
        window = stepped(atlas, self._session.cursor, 0) if atlas is not None else -1
        if window >= 0 and self._plot.face.zoom_to(np.array([window], dtype=np.int64), _ROUND_WINDOW):
            self._plot.draw()
        else:
            self._bar.tell(self._bar.window, "There is no window to zoom to here.")

    def zoom_to_selection(self) -> None:
        """Show the selected windows, as far as they are of what is on show."""
        if self._plot.face.zoom_to(self._session.selection.ids, _ROUND_SELECTION):
            self._plot.draw()
        else:
            self._bar.tell(self._bar.selection, "None of the windows shown here is selected.")

    def clear(self) -> None:
        """Give up the brush that is being drawn; else select nothing, and let drags seek again."""
        if not self._plot.mouse.drop():
            self._bar.select.setChecked(False)
            self._session.select(np.empty(0, dtype=np.int64))
