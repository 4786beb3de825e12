"""What gestures on the map ask of the session."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_atlas.session import linking
from napari_atlas.session.selection import Combine
from napari_atlas.views._map_cloud import MANY
from napari_atlas.views._worker import Latest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_atlas.views._hover_card import Hover
    from napari_atlas.views._map_finder import Finder
    from napari_atlas.views._map_mouse import MapMouse
    from napari_atlas.views._map_source import MapSource
    from napari_atlas.views._map_visuals import MapVisuals

__all__ = ["MapGestures"]

_NOTHING = np.empty((0, 2), dtype=np.float32)


class MapGestures(QObject):  # type: ignore[misc]
    """A click picks a window and goes there, a shape selects what is inside, and hovering tells what a point is.

    Signals: ``clicked_twice(window)``, a window of the run that is drawn.

    Parameters
    ----------
    source
        The run that is drawn, and the session.
    mouse
        What is done.
    finder
        Which windows are where.
    visuals
        Where shapes are drawn.
    hover
        What tells of the window under the mouse.
    """

    clicked_twice = Signal(int)

    def __init__(self, source: MapSource, mouse: MapMouse, finder: Finder, visuals: MapVisuals, hover: Hover) -> None:
        super().__init__(mouse)
        self._source, self._mouse, self._finder, self._visuals, self._hover = source, mouse, finder, visuals, hover
        self._searcher, self._asked = Latest(), 0
        mouse.clicked.connect(self._on_click)
        mouse.clicked_twice.connect(self._on_twice)
        mouse.hovered.connect(self._on_hover)
        mouse.left.connect(hover.clear)
        mouse.moved.connect(self._on_moved)
        mouse.drawing.connect(self._on_drawing)
        mouse.drawn.connect(self._on_drawn)

    @property
    def busy(self) -> bool:
        """Whether a shape is being searched."""
        return self._searcher.busy

    def stop(self) -> None:
        """Stop the timers, and forget shapes that are being searched."""
        self._asked += 1
        self._hover.clear()
        self._mouse.stop()

    def _on_click(self, x: float, y: float, combine: Combine) -> None:
        atlas, window = self._source.atlas, self._finder.window_at(x, y, wait=True)
        if atlas is None or (window < 0 and combine is not Combine.REPLACE):
            return
        ids = np.array([window] if window >= 0 else [], dtype=np.int64)
        self._asked += 1
        self._source.session.select(self._source.to_session(ids), combine)
        if window >= 0 and combine is not Combine.SUBTRACT:
            cursor = linking.cursor_of(atlas, window)
            self._source.session.seek(cursor.recording, cursor.individual, cursor.frame)

    def _on_twice(self, x: float, y: float) -> None:
        window = self._finder.window_at(x, y, wait=True)
        if window >= 0:
            self.clicked_twice.emit(window)

    def _on_hover(self, x: float, y: float) -> None:
        window = self._finder.window_at(x, y)
        if window >= 0:
            self._hover.over(window, self._finder.places[window][None])
        else:
            self._hover.clear()

    def _on_moved(self) -> None:
        self._hover.clear()
        self._visuals.moving()
        if self._visuals.view.solid:
            self._visuals.set_outline(_NOTHING)

    def _on_drawing(self, polygon: NDArray[np.float64]) -> None:
        self._hover.clear()
        self._visuals.set_outline(self._placed(polygon))

    def _on_drawn(self, polygon: NDArray[np.float64], combine: Combine) -> None:
        self._asked += 1
        find, tell = self._finder.within(polygon), partial(self._on_found, self._asked, self._placed(polygon), combine)
        if len(self._finder.places) > MANY:
            self._searcher.run(find, tell)
        else:
            tell(find())

    def _on_found(
        self, asked: int, placed: NDArray[np.float64], combine: Combine, found: NDArray[np.int64] | Exception
    ) -> None:
        """Select what is in a shape, unless another gesture has come after it."""
        if isinstance(found, Exception):
            raise found
        if asked != self._asked:
            return
        self._source.session.select(self._source.to_session(found), combine)
        # On the map it stays in place when the view zooms, until the selection changes.
        self._visuals.set_outline(placed)

    def _placed(self, polygon: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a polygon of canvas pixels as it is drawn."""
        view = self._visuals.view
        return polygon if view.solid else view.to_map(polygon)
