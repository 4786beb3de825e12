"""Turn what the mouse does on the timeline into gestures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import QToolTip

from napari_atlas.views._canvas import combine_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from vispy.scene import SceneCanvas

__all__ = ["Point", "TimelineMouse"]

_CLICK_PX = 4.0
Point = tuple[float, float]


class TimelineMouse(QObject):  # type: ignore[misc]
    """Gestures on a canvas, in its logical pixels.

    A plain drag seeks along; while `brushing` is chosen, with Shift or Alt, or begun on a grip, it brushes.

    Signals: ``sought(x, y)``, ``dragging(start, end)`` while a brush is drawn, ``dragged(start, end, combine)`` when it
    is finished, ``clicked(x, y, combine)`` for one that did not move, ``dropped()`` when it is given up,
    ``turned(x, steps, modifiers)`` for the wheel, ``doubled()``.

    Parameters
    ----------
    canvas
        Where the mouse is.
    on_grip
        Whether a drag that begins at (x, y) always brushes.
    told
        What lies at (x, y), to be said when the mouse rests there.
    """

    sought = Signal(float, float)
    dragging = Signal(object, object)
    dragged = Signal(object, object, object)
    clicked = Signal(float, float, object)
    dropped = Signal()
    turned = Signal(float, float, object)
    doubled = Signal()

    def __init__(
        self, canvas: SceneCanvas, on_grip: Callable[[float, float], bool], told: Callable[[float, float], str]
    ) -> None:
        super().__init__(canvas.native)
        self._native, self._on_grip, self._told = canvas.native, on_grip, told
        self._brushing, self._seeking = False, False
        self._start: Point | None = None
        self._moved = False
        self._native.setMouseTracking(True)
        canvas.events.mouse_press.connect(self._press)
        canvas.events.mouse_move.connect(self._move)
        canvas.events.mouse_release.connect(self._release)
        canvas.events.mouse_wheel.connect(self._wheel)
        canvas.events.mouse_double_click.connect(self._double)
        self._native.installEventFilter(self)

    @property
    def brushing(self) -> bool:
        """Whether a plain drag brushes."""
        return self._brushing

    def set_brushing(self, on: bool) -> None:
        """Choose whether a plain drag brushes or seeks."""
        self._brushing = on
        self._native.setCursor(Qt.CursorShape.CrossCursor if on else Qt.CursorShape.ArrowCursor)

    def drop(self) -> bool:
        """Give the brush up; return whether one was being drawn."""
        drawn, self._start = self._start is not None, None
        if drawn:
            self.dropped.emit()
        return drawn

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802
        """Say what lies under the mouse when it rests."""
        if event.type() != QEvent.Type.ToolTip:
            return False
        QToolTip.showText(event.globalPos(), self._told(event.pos().x(), event.pos().y()), self._native)
        return True

    def _press(self, event: Any) -> None:
        if event.button != 1:
            return
        place, self._moved = _place(event), False
        if self._brushing or {"Shift", "Alt"} & set(_keys(event)) or self._on_grip(*place):
            self._start = place
        else:
            self._seeking = True
            self.sought.emit(*place)

    def _move(self, event: Any) -> None:
        place = _place(event)
        if not event.is_dragging:
            on_grip = self._on_grip(*place)
            plain = Qt.CursorShape.CrossCursor if self._brushing else Qt.CursorShape.ArrowCursor
            self._native.setCursor(Qt.CursorShape.SizeVerCursor if on_grip else plain)
        elif self._seeking:
            self.sought.emit(*place)
        elif self._start is not None:
            self._moved = self._moved or _distance(place, self._start) > _CLICK_PX
            if self._moved:
                self.dragging.emit(self._start, place)

    def _release(self, event: Any) -> None:
        start, place, self._start, self._seeking = self._start, _place(event), None, False
        if start is None or event.button != 1:
            return
        combine = combine_of(_keys(event))
        if self._moved or _distance(place, start) > _CLICK_PX:
            self.dragged.emit(start, place, combine)
        elif not self._on_grip(*place):
            self.clicked.emit(*place, combine)

    def _wheel(self, event: Any) -> None:
        self.turned.emit(float(event.pos[0]), float(event.delta[1] or event.delta[0]), _keys(event))

    def _double(self, event: Any) -> None:
        self.drop()
        self.doubled.emit()


def _keys(event: Any) -> tuple[str, ...]:
    return tuple(getattr(key, "name", str(key)) for key in event.modifiers)


def _place(event: Any) -> Point:
    return float(event.pos[0]), float(event.pos[1])


def _distance(first: Point, second: Point) -> float:
    return max(abs(first[0] - second[0]), abs(first[1] - second[1]))
