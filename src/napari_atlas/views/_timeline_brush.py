"""The brush of the timeline: drawn while it is dragged, with its limits in words; it selects when it is let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QWidget

from napari_atlas.session.selection import Combine

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_atlas.session.session import Session
    from napari_atlas.views._canvas import Palette
    from napari_atlas.views._timeline_face import Face
    from napari_atlas.views._timeline_mouse import Point, TimelineMouse
    from napari_atlas.views._timeline_visuals import TimelineVisuals

__all__ = ["BrushHand"]


class BrushHand:
    """Carries out what the mouse brushes.

    Parameters
    ----------
    session
        Whose windows are selected.
    face
        What is on show.
    visuals
        What draws the brush.
    native
        The widget that is drawn on.
    mouse
        Whose gestures are carried out.
    """

    def __init__(
        self,
        session: Session,
        face: Callable[[], Face],
        visuals: TimelineVisuals,
        native: QWidget,
        mouse: TimelineMouse,
    ) -> None:
        self._session, self._face, self._visuals, self._native = session, face, visuals, native
        self._reading = QLabel(native)
        self._reading.setObjectName("atlas-timeline-brush")
        self._reading.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._reading.hide()
        mouse.dragging.connect(self._on_dragging)
        mouse.dragged.connect(self._on_dragged)
        mouse.clicked.connect(self._on_clicked)
        mouse.dropped.connect(self._put_down)

    def paint(self, palette: Palette) -> None:
        """Use the colours of a theme."""
        self._reading.setStyleSheet(
            f"background: {palette.background}; color: {palette.text}; border: 1px solid {palette.accent};"
            " border-radius: 3px; padding: 1px 5px;"
        )

    def _on_dragging(self, start: Point, end: Point) -> None:
        brush = self._face().brush(start, end)
        if brush is None:
            return
        self._visuals.set_brush(brush.box)
        self._reading.setText(brush.text)
        self._reading.adjustSize()
        size, room = self._reading.size(), self._native.size()
        x = np.clip((brush.box.left + brush.box.right - size.width()) / 2, 2, max(2, room.width() - size.width() - 2))
        self._reading.move(int(x), int(np.clip(brush.box.top + 4, 2, max(2, room.height() - size.height() - 2))))
        self._reading.show()

    def _on_dragged(self, start: Point, end: Point, combine: Combine) -> None:
        brush = self._face().brush(start, end)
        self._put_down()
        if brush is not None:
            self._session.select(brush.ids, combine)

    def _on_clicked(self, x: float, y: float, combine: Combine) -> None:
        """Select the window there; without Shift or Alt, go there too, as on the map."""
        face = self._face()
        window = face.window_at(x, y)
        if combine is Combine.REPLACE:
            face.seek(x, y)
        if window >= 0:
            self._session.select(np.array([window], dtype=np.int64), combine)

    def _put_down(self) -> None:
        self._visuals.set_brush(None)
        self._reading.hide()
