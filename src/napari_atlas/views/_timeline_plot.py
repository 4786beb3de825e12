"""The drawing area of the timeline: one canvas with two faces, and what the mouse does there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QScrollBar, QWidget

from napari_atlas.views._canvas import Overlay, Text, make_canvas
from napari_atlas.views._timeline_brush import BrushHand
from napari_atlas.views._timeline_layout import Span
from napari_atlas.views._timeline_mouse import TimelineMouse
from napari_atlas.views._timeline_stack import StackFace
from napari_atlas.views._timeline_strips import Colorings, Wishes
from napari_atlas.views._timeline_track import TrackFace
from napari_atlas.views._timeline_visuals import TimelineVisuals

if TYPE_CHECKING:
    from napari_atlas.session.session import Session
    from napari_atlas.views._canvas import Palette
    from napari_atlas.views._timeline_face import Face

__all__ = ["TimelinePlot"]

_ZOOM, _SCROLL = 0.85, 0.1


class TimelinePlot(QWidget):  # type: ignore[misc]
    """Draws the animal at the cursor, or all animals; seeks and selects where the mouse says.

    Parameters
    ----------
    session
        What to show.
    palette
        Colours.
    parent
        Qt parent.
    """

    def __init__(self, session: Session, palette: Palette, parent: QWidget) -> None:
        super().__init__(parent)
        self._palette, self._turned = palette, 0.0
        self._canvas = make_canvas(parent, palette)
        visuals = self._visuals = TimelineVisuals(self._canvas, palette)
        self.colorings = Colorings()
        self.track = TrackFace(session, visuals, self.colorings)
        self.stack = StackFace(session, visuals, self.colorings)
        self.face: Face = self.track
        self._overlay = Overlay(self._canvas.native)
        self._bar = QScrollBar(Qt.Orientation.Vertical, self)
        self._bar.setObjectName("atlas-timeline-scroll")
        self._bar.valueChanged.connect(self._on_scroll)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._canvas.native, 1)
        layout.addWidget(self._bar)
        self.mouse = TimelineMouse(self._canvas, self._on_grip, self._told)
        self._hand = BrushHand(session, lambda: self.face, visuals, self._canvas.native, self.mouse)
        self.mouse.sought.connect(self._on_sought)
        self.mouse.turned.connect(self._on_wheel)
        self.mouse.doubled.connect(self.show_whole)
        self._canvas.events.resize.connect(self.draw)

    @property
    def native(self) -> QWidget:
        """The widget that is drawn on."""
        return self._canvas.native

    def paint(self, palette: Palette) -> None:
        """Use the colours of a theme."""
        self._palette = palette
        self._visuals.paint(palette)
        self._hand.paint(palette)
        self.draw()

    def turn(self, face: Face, wishes: Wishes) -> None:
        """Show one face or the other, and take up what the session shows."""
        self.face = face
        self.mouse.drop()
        face.load(wishes)
        face.follow()
        self.draw()

    def draw(self, event: Any = None) -> None:
        """Draw everything."""
        native = self._canvas.native
        self._overlay.setGeometry(native.rect())
        labels = self.face.draw(native.width(), native.height())
        self._overlay.show_texts(tuple(Text(x, y, text, self._palette.muted, anchor) for x, y, text, anchor in labels))
        self._show_bar()

    def follow_cursor(self) -> None:
        """Move the cursor, and scroll there if it is out of sight."""
        if self.face.follow():
            self.draw()
        else:
            self.face.draw_cursor()

    def draw_selection(self, selection: object = None) -> None:
        """Mark the selected windows."""
        self.face.draw_selection()

    def show_whole(self) -> None:
        """Show the whole of the axis."""
        self.face.span = Span.whole(self.face.span.total, self.face.span.least)
        self.draw()

    def _show_bar(self) -> None:
        sheet = self.stack.sheet if self.face is self.stack else None
        more = len(sheet.shown.atlas.tracks) - sheet.room if sheet is not None else 0
        self._bar.setVisible(more > 0)
        if sheet is not None and more > 0:
            self._bar.setRange(0, more)
            self._bar.setPageStep(sheet.room)
            self._bar.setValue(sheet.first)

    def _on_scroll(self, first: int) -> None:
        if first != self.stack.first and self.face is self.stack:
            self.stack.scroll(first)
            self.draw()

    def _on_grip(self, x: float, y: float) -> bool:
        grip = self.face.grip()
        return grip is not None and grip.holds(x, y)

    def _told(self, x: float, y: float) -> str:
        return self.face.told(x, y)

    def _on_sought(self, x: float, y: float) -> None:
        self.face.seek(x, y)

    def _on_wheel(self, x: float, steps: float, keys: tuple[str, ...]) -> None:
        face = self.face
        if "Shift" in keys:
            face.span = face.span.moved(-steps * _SCROLL * (face.span.high - face.span.low))
        elif self._bar.isVisible() and "Control" not in keys:
            # A touchpad turns by parts of a row.
            self._turned += steps
            whole = int(self._turned)
            self._turned -= whole
            self.stack.scroll(self.stack.first - whole)
        else:
            face.span = face.span.zoomed(face.bin_at(x), _ZOOM**steps)
        self.draw()
