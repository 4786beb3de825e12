"""The drawing area of the latent map, and what the mouse does there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_atlas.session import linking
from napari_atlas.session.selection import Combine
from napari_atlas.views import _map_model as model
from napari_atlas.views._canvas import Overlay, Text, make_canvas
from napari_atlas.views._hover_card import Hover
from napari_atlas.views._map_mouse import MapMouse
from napari_atlas.views._map_visuals import MapVisuals

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from napari_atlas.session.session import Session
    from napari_atlas.views._canvas import Palette
    from napari_atlas.views._colors import Coloring

__all__ = ["MapPlot"]

_REACH_PX = 14.0
_NOTHING = np.empty((0, 2), dtype=np.float32)
_EMPTY = "No map yet. Train a model, then the map appears here."


class MapPlot(QWidget):  # type: ignore[misc]
    """Draws the map of a session and turns gestures into its verbs.

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
        self._session, self._palette = session, palette
        self._canvas = make_canvas(parent, palette)
        self.visuals = MapVisuals(self._canvas, palette)
        self.mouse = MapMouse(self._canvas, self.visuals.view.camera)
        self._overlay = Overlay(self._canvas.native)
        self.hover = Hover(session, self.visuals, self._canvas.native)
        self._picker = model.Picker(_NOTHING)
        self._fitted = _NOTHING
        for signal, slots in (
            (self.mouse.clicked, (self._on_click,)),
            (self.mouse.hovered, (self._on_hover,)),
            (self.mouse.left, (self.hover.clear,)),
            (self.mouse.moved, (self.hover.clear, self.visuals.moving)),
            (self.mouse.drawing, (self._on_drawing,)),
            (self.mouse.drawn, (self._on_drawn,)),
            (self._canvas.events.resize, (self._on_resize,)),
        ):
            for slot in slots:
                signal.connect(slot)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._canvas.native)
        self.paint(palette)

    @property
    def native(self) -> QWidget:
        """The widget that is drawn on."""
        return self._canvas.native

    def paint(self, palette: Palette) -> None:
        """Use the colours of a theme; the caller draws again."""
        self._palette = palette
        self.visuals.paint(palette)
        self.hover.card.paint(palette)
        self._on_resize(None)

    def fit(self) -> None:
        """Show the whole map."""
        self.visuals.moving()
        self.visuals.view.fit(self._fitted)

    def screen_of(self, window: int) -> QPoint:
        """Return the logical pixel of a window on the native widget."""
        x, y = self.visuals.view.to_screen(self._fitted[window])
        return QPoint(round(x), round(y))

    def draw_cloud(self, coloring: Coloring | None, shown: str, moved: bool = False) -> None:
        """Upload the points; the view is kept unless the map itself is another one.

        Parameters
        ----------
        coloring
            Their colours; None draws no point.
        shown
            Which of them to bring forward.
        moved
            Whether they are the points of before in other places.
        """
        atlas = self._session.mapped
        mapped = atlas is not None and atlas.has_map and coloring is not None
        coordinates = atlas.coordinates if atlas is not None and mapped else _NOTHING
        self._canvas.central_widget.visible = mapped
        if atlas is not None and coloring is not None and mapped:
            self.visuals.set_cloud(model.cloud_of(atlas, coloring, shown))
        if not np.array_equal(coordinates, self._fitted, equal_nan=True):
            self._picker, self._fitted = model.Picker(coordinates), coordinates
            self.hover.clear()
            self.visuals.set_outline(_NOTHING)
            if moved:
                self.visuals.view.follow(self._fitted)
            else:
                self.fit()
        self._on_resize(None)
        self._canvas.update()

    def draw_selection(self) -> None:
        """Outline the selected points."""
        atlas, ids = self._session.mapped, self._session.selection.ids
        if atlas is None or not len(self._fitted):
            self.visuals.set_selection(_NOTHING, np.empty(0, dtype=str))
            return
        ids = ids[ids < len(self._fitted)]
        ids = ids[np.isfinite(self._fitted[ids]).all(axis=1)]
        self.visuals.set_selection(self._fitted[ids], model.markers_of(atlas, ids))
        self.visuals.set_outline(_NOTHING)

    def draw_cursor(self) -> None:
        """Put ring and trail where the cursor is."""
        atlas = self._session.mapped
        ids = model.trail(atlas, self._session.cursor) if atlas is not None else np.empty(0, dtype=np.int64)
        self.visuals.set_cursor(self._fitted[ids] if ids.size else _NOTHING)

    def stop(self) -> None:
        """Stop the timers."""
        self.hover.clear()
        self.visuals.stop()
        self.mouse.stop()

    def _pick(self, x: float, y: float) -> int:
        if not len(self._fitted):
            return -1
        return self._picker.nearest(self.visuals.view.to_map([x, y])[0], self.visuals.view.map_units(_REACH_PX))

    def _on_click(self, x: float, y: float, combine: Combine) -> None:
        atlas, window = self._session.mapped, self._pick(x, y)
        if atlas is None or (window < 0 and combine is not Combine.REPLACE):
            return
        ids = np.array([window] if window >= 0 else [], dtype=np.int64)
        self._session.select(ids, combine)
        if window >= 0 and combine is not Combine.SUBTRACT:
            cursor = linking.cursor_of(atlas, window)
            self._session.seek(cursor.recording, cursor.individual, cursor.frame)

    def _on_hover(self, x: float, y: float) -> None:
        window = self._pick(x, y)
        if window >= 0:
            self.hover.over(window, self._fitted[window][None])
        else:
            self.hover.clear()

    def _on_drawing(self, polygon: NDArray[np.float64]) -> None:
        self.hover.clear()
        self.visuals.set_outline(self.visuals.view.to_map(polygon))

    def _on_drawn(self, polygon: NDArray[np.float64], combine: Combine) -> None:
        placed = self.visuals.view.to_map(polygon)
        self._session.select(self._picker.within(placed), combine)
        # Kept in map coordinates, so that it stays in place when the view zooms, until the selection changes.
        self.visuals.set_outline(placed)

    def _on_resize(self, event: Any) -> None:
        native = self._canvas.native
        self._overlay.setGeometry(native.rect())
        empty = Text(native.width() / 2, native.height() / 2, _EMPTY, self._palette.muted, "centre")
        # Inside the canvas, so that it is there however narrow the dock is.
        made = Text(native.width() - 8, 11, model.recipe_of(self._session.mapped), self._palette.muted, "right")
        self._overlay.show_texts((made,) if len(self._fitted) else (empty,))
