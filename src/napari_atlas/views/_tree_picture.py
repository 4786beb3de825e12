"""The pose in the dialog of a kinematic tree: joints are chosen and hung with the mouse."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QPointF, Qt, Signal
from qtpy.QtWidgets import QWidget

from napari_atlas.views._tree_drawing import TreeDrawing

__all__ = ["TreePicture"]

_STEP, _DRAG = 10.0, 0.5
_TURNS = {
    Qt.Key.Key_Left: (-_STEP, 0.0),
    Qt.Key.Key_Right: (_STEP, 0.0),
    Qt.Key.Key_Up: (0.0, _STEP),
    Qt.Key.Key_Down: (0.0, -_STEP),
}
_ZOOMS = {"+": 1.2, "-": 1 / 1.2}
_NEAR, _STILL = 12.0, 3.0
_MEANING = "Click a joint to choose it; Ctrl and a click lets the chosen one hang on another. Drag to turn."


class TreePicture(TreeDrawing):
    """A click on a joint chooses it, and one with Ctrl lets the chosen joint hang on it.

    A pose in three dimensions is turned with the mouse or the arrow keys; the wheel, or + and −, make it larger.
    """

    picked = Signal(int)
    """The joint that was clicked."""
    hung = Signal(int, int)
    """The chosen joint, and the one that it is to hang on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip(_MEANING)
        self.setMouseTracking(True)
        self._dragged, self._pressed = QPointF(), QPointF()

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Turn, and make larger or smaller."""
        if event.key() in _TURNS:
            self._turn_by(*_TURNS[event.key()])
        elif event.text() in _ZOOMS:
            self._zoom_by(_ZOOMS[event.text()])
        else:
            event.ignore()

    def wheelEvent(self, event: Any) -> None:  # noqa: N802
        """Make larger or smaller."""
        self._zoom_by(_ZOOMS["+"] ** (event.angleDelta().y() / 120))

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802
        """Take the pose."""
        self._dragged = self._pressed = event.position()

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802
        """Turn the pose with the mouse, or name the joint below it."""
        moved, self._dragged = event.position() - self._dragged, event.position()
        if event.buttons():
            self._turn_by(-_DRAG * moved.x(), _DRAG * moved.y())
        elif self._under != (under := self._at(event.position())):
            self._under = under
            self.update()

    def mouseReleaseEvent(self, event: Any) -> None:  # noqa: N802
        """Choose the joint that was clicked, or let the chosen one hang on it."""
        joint = self._at(event.position())
        if joint < 0 or (event.position() - self._pressed).manhattanLength() > _STILL:
            return
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and self._chosen not in (-1, joint):
            self.hung.emit(self._chosen, joint)
        else:
            self.picked.emit(joint)

    def leaveEvent(self, event: Any) -> None:  # noqa: N802
        """Name no joint any more."""
        self._under = -1
        self.update()

    def _at(self, place: QPointF) -> int:
        """Return the joint at a place; −1 if there is none."""
        apart = np.nan_to_num(np.linalg.norm(self.places() - (place.x(), place.y()), axis=1), nan=np.inf)
        return int(np.argmin(apart)) if (apart < _NEAR).any() else -1

    def _zoom_by(self, factor: float) -> None:
        self._zoom = min(max(self._zoom * factor, 0.5), 10.0)
        self.update()

    def _turn_by(self, right: float, up: float) -> None:
        self._turn = self._turn.by(right, up)
        self.update()
