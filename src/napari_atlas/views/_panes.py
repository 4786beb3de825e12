"""Panes that play clips together, worked by mouse and keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QWidget

from napari_atlas.views._pane_player import Player
from napari_atlas.views._pane_wall import PaneContent, PaneWall

if TYPE_CHECKING:
    from napari_atlas.data.clip import Clip

__all__ = ["PaneContent", "Panes"]

_LOOP_S = (0.8, 4.0)
_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Panes(PaneWall):
    """Play clips side by side and in phase: each takes the same time, whatever its length or frame rate.

    Space plays and pauses, the arrow keys go from pane to pane, Return is a click and Ctrl+Return a double click.
    Playing pauses by itself while the widget cannot be seen.

    Signals
    -------
    clicked, opened
        A pane was clicked, or double clicked; which one, counted from 0.
    phase_changed
        The phase, from 0 to 1, that all panes show.
    playing_changed
        They were asked to play, or to pause.
    """

    clicked = Signal(int)
    opened = Signal(int)
    phase_changed = Signal(float)
    playing_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-panes")
        self.setAccessibleName("clips that play together")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._wanted = True
        self._player = Player(self)
        self._player.phase_changed.connect(self._on_phase)
        for name, slot in (
            ("mouse_press", self._on_press),
            ("mouse_double_click", self._on_press),
            ("mouse_move", self._on_move),
        ):
            getattr(self._canvas.events, name).connect(slot)

    @property
    def playing(self) -> bool:
        """Whether the panes play, or will as soon as they can be seen."""
        return self._wanted

    @property
    def phase(self) -> float:
        """Where all panes are, from 0 to 1."""
        return self._player.phase

    def show_contents(self, contents: tuple[PaneContent, ...], groups: tuple[int, ...] = ()) -> None:
        """Show these and no others; what plays goes on where it is.

        Parameters
        ----------
        contents
            One per pane.
        groups
            How many of the last panes belong together and stay in one row; panes before them stand at the left, over
            the whole height. Without groups the panes fill a grid.
        """
        self.contents, self.groups = contents, groups
        self._current = min(self._current, len(contents) - 1)
        clips = [content.clip for content in contents if content.clip is not None]
        self._player.period = _loop_of(clips[0]) if clips else self._player.period
        self.setAccessibleDescription(self.words())
        self._draw()
        self._run()

    def play(self) -> None:
        """Play from where the panes are."""
        self._wanted = True
        self._run()
        self.playing_changed.emit(True)

    def pause(self) -> None:
        """Stay where the panes are."""
        self._wanted = False
        self._run()
        self.playing_changed.emit(False)

    def toggle(self) -> None:
        """Play if the panes are paused, else pause."""
        (self.pause if self.playing else self.play)()

    def go_to(self, phase: float) -> None:
        """Show all panes at a phase from 0 to 1."""
        self._player.go_to(phase)

    def event(self, event: Any) -> bool:
        """Let what can be seen, and has the keyboard, follow from Qt's events."""
        handled = bool(super().event(event))
        if event.type() in (event.Type.Show, event.Type.Hide):
            self._run()
        elif event.type() in (event.Type.FocusIn, event.Type.FocusOut):
            self._current = max(self._current, 0)
            self._draw_frames()
        return handled

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Play, pause, go from pane to pane, and choose one."""
        key, n = event.key(), len(self.contents)
        if key == Qt.Key.Key_Space:
            self.toggle()
        elif key in _STEPS and n:
            self._current = (self._current + _STEPS[key]) % n
            self._draw_frames()
        elif key in _ENTER and 0 <= self._current < n:
            wide = event.modifiers() & Qt.KeyboardModifier.ControlModifier
            (self.opened if wide else self.clicked).emit(self._current)
        else:
            event.ignore()

    def _run(self) -> None:
        shown = any(content.clip is not None or content.trace.size for content in self.contents)
        (self._player.start if self._wanted and shown and self.isVisible() else self._player.stop)()

    def _on_phase(self, phase: float) -> None:
        self._draw_at(phase)
        self.phase_changed.emit(phase)

    def _on_press(self, event: Any) -> None:
        """Tell which pane the mouse is on, and let the keyboard go on from there."""
        pane = self.pane_at(*event.pos[:2]) if event.button == 1 else -1
        self.setFocus()
        if pane >= 0:
            self._current = pane
            self._draw_frames()
            (self.opened if event.type == "mouse_double_click" else self.clicked).emit(pane)

    def _on_move(self, event: Any) -> None:
        pane = self.pane_at(*event.pos[:2])
        self.native.setToolTip(self.contents[pane].tip if pane >= 0 else "")


def _loop_of(clip: Clip) -> float:
    """Return how many seconds a clip is played for: as long as it is, within limits."""
    steps = np.diff(clip.seconds)
    real = float(np.median(steps)) * len(clip.seconds) if steps.size and np.isfinite(steps).all() else 2.0
    return float(np.clip(real, *_LOOP_S))
