"""A recorded window beside a generated one, moving together."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QPointF, Qt, Signal
from qtpy.QtWidgets import QWidget

from napari_atlas.views._pane_player import Player
from napari_atlas.views._synthesis_facts import Made
from napari_atlas.views._synthesis_picture import StagePicture

__all__ = ["Stage"]

_STEP = 10.0
_TURNS = {
    Qt.Key.Key_Left: (-_STEP, 0.0),
    Qt.Key.Key_Right: (_STEP, 0.0),
    Qt.Key.Key_Up: (0.0, _STEP),
    Qt.Key.Key_Down: (0.0, -_STEP),
}


class Stage(StagePicture):
    """Let what was recorded and what was generated move together.

    Space plays and pauses; a pose in three dimensions is turned with the mouse or the arrow keys.
    """

    playing_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-synthesis-stage")
        self.setAccessibleName("recorded and generated window")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(180, 110)
        self._dragged = QPointF()
        self._wanted, self._led = True, False
        self._clock = Player(self)
        self._clock.phase_changed.connect(self._on_phase)

    @property
    def playing(self) -> bool:
        """Whether it plays, or will as soon as it can be seen."""
        return self._wanted

    @property
    def phase(self) -> float:
        """Where both are, from 0 to 1."""
        return self._at

    def show_made(self, recorded: Made | None, generated: Made | None, seconds: float) -> None:
        """Show these two, each in a loop of so many seconds."""
        self.recorded, self.generated = recorded, generated
        self._clock.period = seconds
        self.setAccessibleDescription(self.words())
        self._run()
        self.update()

    def toggle(self) -> None:
        """Play if it is paused, else pause."""
        self._wanted = not self._wanted
        self._run()
        self.playing_changed.emit(self._wanted)

    def follow(self, phase: float) -> None:
        """Be where the video is, until `lead`."""
        self._led = True
        self._run()
        self._clock.go_to(phase)

    def lead(self) -> None:
        """Keep its own time again."""
        self._led = False
        self._run()

    def event(self, event: Any) -> bool:
        """Play only while it can be seen."""
        handled = bool(super().event(event))
        if event.type() in (event.Type.Show, event.Type.Hide):
            self._run()
        return handled

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Play, pause, turn."""
        if event.key() == Qt.Key.Key_Space:
            self.toggle()
        elif event.key() in _TURNS and self._solid():
            self._turn_by(*_TURNS[event.key()])
        else:
            event.ignore()

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802
        """Take the pose."""
        self._dragged = event.position()

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802
        """Turn the pose with the mouse."""
        moved, self._dragged = event.position() - self._dragged, event.position()
        if self._solid():
            self._turn_by(-0.5 * moved.x(), 0.5 * moved.y())

    def _solid(self) -> bool:
        return any(made is not None and made.points.shape[-1] == 3 for made in (self.recorded, self.generated))

    def _turn_by(self, right: float, up: float) -> None:
        self.turn = self.turn.by(right, up)
        self.update()

    def _run(self) -> None:
        on = self._wanted and not self._led and self.generated is not None and self.isVisible()
        (self._clock.start if on else self._clock.stop)()

    def _on_phase(self, phase: float) -> None:
        self._at = phase
        self.update()
