"""Turn what the mouse does on the map into gestures."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QEvent, QObject, QTimer, Signal

from napari_atlas.views._canvas import combine_of

if TYPE_CHECKING:
    from vispy.scene import SceneCanvas

    from napari_atlas.views._map_view import MapView

__all__ = ["MapMouse", "Mode"]

_CLICK_PX = 4.0
_HOVER_MS = 50
_STEP_PX = 3.0


class Mode(Enum):
    """What dragging does."""

    PAN = "pan"
    LASSO = "lasso"
    BOX = "box"


class MapMouse(QObject):  # type: ignore[misc]
    """Gestures on a canvas, in its logical pixels.

    Signals: ``clicked(x, y, combine)``, ``clicked_twice(x, y)``, ``hovered(x, y)`` at most every 50 ms, ``left()``,
    ``drawing(polygon)`` while a shape is dragged, ``drawn(polygon, combine)`` when it is finished, ``moved()`` when
    the view pans, turns, zooms or is shown.

    Parameters
    ----------
    canvas
        Where the mouse is.
    view
        Its camera rests while a shape is drawn.
    """

    clicked = Signal(float, float, object)
    clicked_twice = Signal(float, float)
    hovered = Signal(float, float)
    left = Signal()
    drawing = Signal(object)
    drawn = Signal(object, object)
    moved = Signal()

    def __init__(self, canvas: SceneCanvas, view: MapView) -> None:
        super().__init__(canvas.native)
        self._view = view
        self._mode = Mode.PAN
        self._path: list[tuple[float, float]] = []
        self._last = (0.0, 0.0)
        self._throttle = QTimer(self, singleShot=True, interval=_HOVER_MS)
        self._throttle.timeout.connect(self._hover)
        canvas.events.mouse_press.connect(self._press)
        canvas.events.mouse_move.connect(self._move)
        canvas.events.mouse_release.connect(self._release)
        canvas.events.mouse_double_click.connect(self._twice)
        canvas.events.mouse_wheel.connect(self._wheel)
        canvas.native.installEventFilter(self)

    @property
    def mode(self) -> Mode:
        """What dragging does now."""
        return self._mode

    def set_mode(self, mode: Mode) -> None:
        """Choose what dragging does."""
        self._mode = mode
        self._path = []

    def stop(self) -> None:
        """Stop the timer."""
        self._throttle.stop()

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802
        """Notice that the mouse leaves the canvas, and that the canvas is shown again."""
        if event.type() == QEvent.Type.Leave:
            self._throttle.stop()
            self.left.emit()
        elif event.type() == QEvent.Type.Show:
            self.moved.emit()
        return False

    def _press(self, event: Any) -> None:
        if event.button != 1:
            return
        self._path = [_place(event)]
        # The camera would pan under a shape that is being drawn.
        self._view.camera.interactive = self._mode is Mode.PAN

    def _move(self, event: Any) -> None:
        self._last = _place(event)
        if not event.is_dragging:
            if not self._throttle.isActive():
                self._throttle.start()
            return
        if self._mode is Mode.PAN:
            self.moved.emit()
        elif self._path and _distance(self._last, self._path[-1]) >= _STEP_PX:
            self._path.append(self._last)
            self.drawing.emit(self._shape())

    def _release(self, event: Any) -> None:
        self._view.camera.interactive = True
        if not self._path:
            return
        path, end, combine = self._path, _place(event), combine_of(tuple(event.modifiers))
        shape = self._shape(end)
        self._path = []
        if max(_distance(place, path[0]) for place in [*path, end]) <= _CLICK_PX:
            self.clicked.emit(*end, combine)
        elif self._mode is not Mode.PAN:
            self.drawn.emit(shape, combine)

    def _twice(self, event: Any) -> None:
        if event.button == 1:
            self.clicked_twice.emit(*_place(event))

    def _wheel(self, event: Any) -> None:
        self.moved.emit()

    def _hover(self) -> None:
        self.hovered.emit(*self._last)

    def _shape(self, *ends: tuple[float, float]) -> Any:
        path = np.array([*self._path, *ends])
        if self._mode is Mode.LASSO:
            return path
        (x0, y0), (x1, y1) = path[0], path[-1]
        return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def _place(event: Any) -> tuple[float, float]:
    return float(event.pos[0]), float(event.pos[1])


def _distance(first: tuple[float, float], second: tuple[float, float]) -> float:
    return float(np.hypot(first[0] - second[0], first[1] - second[1]))
