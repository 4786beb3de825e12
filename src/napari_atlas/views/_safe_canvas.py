"""A canvas that says so where the display cannot draw it, and leaves the rest of the window alone."""

from __future__ import annotations

import logging
from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import QLabel, QWidget
from vispy.scene import SceneCanvas, ViewBox

__all__ = ["NO_OPENGL", "SafeCanvas"]

NO_OPENGL = "Nothing can be drawn here: the display lacks OpenGL 2. Update the graphics driver or use another display."
_logger = logging.getLogger(__name__)


class SafeCanvas(SceneCanvas):  # type: ignore[misc]
    """A canvas that gives its place to one line of text where there is no OpenGL 2."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.unfreeze()
        self._watch = _Watch(self.native)
        self.freeze()

    def on_draw(self, event: Any) -> None:
        """Draw, or give up for good."""
        # PyOpenGL has errors of its own; vispy raises a RuntimeError for a shader that the driver does not know.
        from OpenGL.error import Error  # type: ignore[import-untyped]

        try:
            super().on_draw(event)
        except (Error, RuntimeError) as error:
            _logger.warning("a canvas cannot be drawn: %s", error)
            self._watch.give_up()

    def visual_at(self, pos: Any) -> Any:
        """Return the view at a place of the canvas, without drawing the scene to find out, as vispy does."""
        views = [widget for widget in self.central_widget.children if isinstance(widget, ViewBox)]
        return next((view for view in views if view.rect.contains(*pos[:2])), None)


class _Watch(QObject):  # type: ignore[misc]
    """Look a moment after a canvas was shown whether it has an OpenGL to draw with."""

    def __init__(self, native: QWidget) -> None:
        super().__init__(native)
        self._native, self._hopeless = native, False
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._look)
        native.installEventFilter(self)

    def give_up(self) -> None:
        """Give the place of the canvas away, once what is under way has ended."""
        self._hopeless = True
        self._timer.start()

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802
        """Notice that the canvas is shown."""
        if event.type() == QEvent.Type.Show:
            self._timer.start()
        return False

    def _look(self) -> None:
        if self._native.isVisible() and (self._hopeless or not self._native.isValid()):
            _give_up(self._native)


def _give_up(native: QWidget) -> None:
    """Put a line of text in the place of a canvas."""
    host = native.parentWidget()
    if host is None:
        return
    line = QLabel(NO_OPENGL, host)
    line.setObjectName("atlas-no-opengl")
    line.setWordWrap(True)
    line.setAlignment(Qt.AlignmentFlag.AlignCenter)
    native.hide()
    if host.layout() is not None and host.layout().indexOf(native) >= 0:
        host.layout().replaceWidget(native, line)
    else:
        line.setGeometry(native.geometry())
    line.show()
