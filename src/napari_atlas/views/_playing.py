"""Playing the video: by the clock, on and on or round one window."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal

from napari_atlas.session.linking import window_at

if TYPE_CHECKING:
    from napari_atlas.data.atlas import Atlas
    from napari_atlas.session.session import Session
    from napari_atlas.session.state import Cursor

__all__ = ["SPEEDS", "Player", "Stretch", "frame_after", "stretch_at"]

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)
_TICK_MS = 33
_UNKNOWN_FPS = 25.0


@dataclass(frozen=True)
class Stretch:
    """Video frames to be played: first, and the one after the last; and whether to begin again at the end."""

    first: int
    stop: int
    round: bool


def stretch_at(atlas: Atlas, cursor: Cursor, loop: bool) -> Stretch:
    """Return what is played from a cursor: its window again and again, or the recording to its end."""
    window = window_at(atlas, cursor) if loop else -1
    if window >= 0:
        table = atlas.windows.table
        return Stretch(int(table.first_frame[window]), int(table.stop_frame[window]), True)
    clock = atlas.recordings[cursor.recording].timebase
    return Stretch(clock.tracking_start_frame, clock.tracking_start_frame + max(1, clock.n_samples), False)


def frame_after(stretch: Stretch, begun: int, frames: int) -> int:
    """Return the frame to show so many frames after *begun*; the last one where it does not begin again."""
    at = begun + frames
    if not stretch.round:
        return min(at, stretch.stop - 1)
    return stretch.first + (at - stretch.first) % max(1, stretch.stop - stretch.first)


class Player(QObject):  # type: ignore[misc]
    """Move the session's cursor with time, and leave out frames rather than fall behind.

    Parameters
    ----------
    session
        Whose cursor moves.
    parent
        Qt parent.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._loop, self._speed = False, 1.0
        self._stretch = Stretch(0, 1, False)
        self._begun, self._since, self._expected = 0, 0.0, session.cursor
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.timeout.connect(self._tick)
        session.cursor_changed.connect(self._on_cursor)
        session.atlas_changed.connect(self._on_atlas)

    @property
    def playing(self) -> bool:
        """Whether the cursor is being moved."""
        return bool(self._timer.isActive())

    @property
    def loop(self) -> bool:
        """Whether the window at the cursor is played again and again."""
        return self._loop

    @property
    def speed(self) -> float:
        """How much faster than it was recorded; 1 is as recorded."""
        return self._speed

    def set(self, *, loop: bool | None = None, speed: float | None = None) -> None:
        """Change how it is played; what is not named stays."""
        self._loop = self._loop if loop is None else loop
        self._speed = self._speed if speed is None else speed
        self._begin()
        self.changed.emit()

    def toggle(self) -> None:
        """Play, or pause."""
        if self.playing:
            self.pause()
        elif self._session.atlas is not None and self._session.cursor.recording:
            self._begin(afresh=True)
            self._timer.start()
            self.changed.emit()

    def pause(self) -> None:
        """Stay at the frame on show."""
        self._timer.stop()
        self.changed.emit()

    def close(self) -> None:
        """Stop, and listen no more."""
        self._timer.stop()
        self._session.cursor_changed.disconnect(self._on_cursor)
        self._session.atlas_changed.disconnect(self._on_atlas)

    def _begin(self, afresh: bool = False) -> None:
        """Count from the frame on show; at the very end of a recording from its first frame."""
        atlas, cursor = self._session.atlas, self._session.cursor
        if atlas is None or cursor.recording not in atlas.recordings:
            return
        self._stretch = stretch_at(atlas, cursor, self._loop)
        at_end = afresh and not self._stretch.round and cursor.frame >= self._stretch.stop - 1
        self._begun = self._stretch.first if at_end else cursor.frame
        self._since = time.monotonic()

    def _tick(self) -> None:
        atlas, cursor = self._session.atlas, self._session.cursor
        if atlas is None or cursor.recording not in atlas.recordings:
            self.pause()
            return
        clock = atlas.recordings[cursor.recording].timebase
        rate = (clock.fps if clock.known else _UNKNOWN_FPS) * self._speed
        frame = frame_after(self._stretch, self._begun, int((time.monotonic() - self._since) * rate))
        if frame != cursor.frame:
            self._expected = replace(cursor, frame=frame)
            self._session.seek(cursor.recording, cursor.individual, frame)
        elif not self._stretch.round and frame >= self._stretch.stop - 1:
            self.pause()

    def _on_cursor(self, cursor: Cursor) -> None:
        """Count anew from where somebody else has put the cursor."""
        if cursor != self._expected:
            self._begin()
            self._expected = cursor

    def _on_atlas(self, atlas: object) -> None:
        self._begin()
