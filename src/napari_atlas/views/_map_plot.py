"""The drawing area of the latent map, and what the mouse does there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QPoint, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_atlas.views import _map_model as model
from napari_atlas.views._canvas import Overlay, Text, make_canvas
from napari_atlas.views._hover_card import Hover
from napari_atlas.views._map_cloud import MANY, Look
from napari_atlas.views._map_finder import Finder
from napari_atlas.views._map_gestures import MapGestures
from napari_atlas.views._map_layout import layout_of, recipe_of
from napari_atlas.views._map_mouse import MapMouse
from napari_atlas.views._map_raster import Scale
from napari_atlas.views._map_source import SessionSource
from napari_atlas.views._map_visuals import MapVisuals
from napari_atlas.views._worker import Latest

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from napari_atlas.data.atlas import Atlas
    from napari_atlas.data.window_columns import WindowColumns
    from napari_atlas.session.map_state import MapState
    from napari_atlas.session.session import Session
    from napari_atlas.views._canvas import Palette
    from napari_atlas.views._colors import Coloring
    from napari_atlas.views._map_source import MapSource

__all__ = ["MapPlot"]

_NOTHING = np.empty((0, 2), dtype=np.float32)
_EMPTY = "No map yet. Train a model, then the map appears here."
_PLACELESS = "None of these windows has a place on this map."
# More selected windows than these keep their colours while the others turn grey; fewer are outlined.
_OUTLINED = 5_000


@dataclass(frozen=True, eq=False)
class _Shown:
    """What the map shows: a run, its places with their least and greatest values, and its points."""

    atlas: Atlas
    state: MapState
    places: NDArray[np.float32]
    bounds: NDArray[np.float32]
    picker: model.Picker
    look: Look


class MapPlot(QWidget):  # type: ignore[misc]
    """Draws the map of a run and turns gestures into verbs of the session.

    Up to 20,000 windows are drawn at once. Of more, places, points and pictures are worked out in threads; what was
    shown before stays until they are there.

    Signals: ``clicked_twice(window)``, a window of the run that is drawn.

    Parameters
    ----------
    session
        Whose cursor and selection are shown.
    palette
        Colours.
    parent
        Qt parent.
    source
        The run that is drawn; None stands for the session's own.
    """

    clicked_twice = Signal(int)

    def __init__(self, session: Session, palette: Palette, parent: QWidget, source: MapSource | None = None) -> None:
        super().__init__(parent)
        self._session, self._palette = session, palette
        self._source = source or SessionSource(session)
        self._canvas = make_canvas(parent, palette)
        self.visuals = MapVisuals(self._canvas, palette)
        self.mouse = MapMouse(self._canvas, self.visuals.view)
        self._overlay = Overlay(self._canvas.native)
        self.hover = Hover(session, self.visuals, self._canvas.native, self._source)
        self._finder = Finder(self.visuals.view)
        self._shown: _Shown | None = None
        self._maker, self._wish = Latest(), 0
        self.gestures = MapGestures(self._source, self.mouse, self._finder, self.visuals, self.hover)
        self.gestures.clicked_twice.connect(self.clicked_twice)
        self._canvas.events.resize.connect(self._on_resize)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._canvas.native)
        self.paint(palette)

    @property
    def native(self) -> QWidget:
        """The widget that is drawn on."""
        return self._canvas.native

    @property
    def places(self) -> NDArray[np.float32]:
        """The (n_windows, 2) or (n_windows, 3) places that are drawn; none before there is a map."""
        return self._shown.places if self._shown is not None else _NOTHING

    @property
    def busy(self) -> bool:
        """Whether something is still to be drawn."""
        return self._maker.busy or self.visuals.cloud.busy

    def paint(self, palette: Palette) -> None:
        """Use the colours of a theme; the caller draws again."""
        self._palette = palette
        self.visuals.paint(palette)
        self.hover.card.paint(palette)
        _say(self._overlay, self._shown, self._palette)

    def fit(self) -> None:
        """Show the whole map."""
        self.visuals.view.fit(self._shown.bounds if self._shown is not None else _NOTHING)
        self.visuals.moving()

    def zoom_to(self, ids: NDArray[np.int64]) -> None:
        """Show some windows of the session, as near as they allow."""
        rows = self._source.from_session(ids)
        self.visuals.view.fit(
            self.places[rows[rows < len(self.places)]], self._shown.bounds if self._shown is not None else _NOTHING
        )
        self.visuals.moving()

    def screen_of(self, window: int) -> QPoint:
        """Return the logical pixel on the native widget of a window of the run that is drawn."""
        x, y = self.visuals.view.to_screen(self.places[window])
        return QPoint(round(x), round(y))

    def draw_cloud(self, coloring: Coloring | None, state: MapState, moved: bool = False) -> None:
        """Draw the points; the view is kept unless the map itself is another one.

        Parameters
        ----------
        coloring
            Their colours; None draws no point.
        state
            How the map is laid out and drawn.
        moved
            Whether they are the points of before in other places.
        """
        atlas, before = self._source.atlas, self._shown
        self._wish += 1
        if atlas is None or coloring is None:
            self._put(None)
            return
        if before is not None and len(before.atlas.windows.table) != len(atlas.windows.table):
            before = None
        state = replace(state, axes="map") if self._source.fitting else state
        columns = self._source.columns if state.density else None
        wish = partial(_made, atlas, coloring, state, before, columns)
        if len(atlas.windows.table) <= MANY:
            self._put(wish(), moved)
            return
        if before is None:
            self._put(None)
        self._maker.run(wish, partial(self._on_made, self._wish, moved))

    def draw_selection(self) -> None:
        """Outline the selected points; let the others turn grey instead if there are very many."""
        shown = self._shown
        self.visuals.set_outline(_NOTHING)
        if shown is None:
            self.visuals.set_selection(_NOTHING, np.empty(0, dtype=str))
            return
        ids = self._source.from_session(self._session.selection.ids)
        ids = ids[ids < len(shown.places)]
        kept = None
        if ids.size > _OUTLINED and shown.look.pictured:
            kept = np.zeros(len(shown.places), dtype=bool)
            kept[ids] = True
            ids = ids[:0]
        if not _equal(kept, shown.look.kept):
            look = replace(shown.look, kept=kept)
            self._shown = replace(shown, look=look)
            self.visuals.set_cloud(look)
        ids = ids[np.isfinite(shown.places[ids]).all(axis=1)]
        self.visuals.set_selection(shown.places[ids], model.markers_of(shown.atlas, ids))

    def draw_cursor(self) -> None:
        """Put ring and trail where the cursor is."""
        shown = self._shown
        if shown is None:
            self.visuals.set_cursor(_NOTHING)
        else:
            self.visuals.set_cursor(shown.places[model.trail(shown.atlas, self._source.cursor, shown.places)])

    def stop(self) -> None:
        """Stop the timers."""
        self.gestures.stop()
        self.visuals.stop()

    def _on_made(self, wish: int, moved: bool, made: _Shown | Exception) -> None:
        """Show what a thread has made, unless something else is wished by now."""
        if isinstance(made, Exception):
            raise made
        if wish == self._wish:
            self._put(made, moved)
            self.draw_selection()
            self.draw_cursor()

    def _put(self, shown: _Shown | None, moved: bool = False) -> None:
        """Put points on the map, and bring the view to them unless they are where points were before."""
        before, self._shown = self.places, shown
        self._canvas.central_widget.visible = shown is not None
        if shown is None:
            self.visuals.cloud.clear()
        if before is not self.places:
            self.hover.clear()
            self.visuals.set_outline(_NOTHING)
            view = self.visuals.view
            view.set_solid(self.places.shape[1] > 2)
            self._finder.put(self.places, shown.picker if shown is not None else model.Picker(_NOTHING))
            if moved and not view.solid:
                view.follow(self._shown.bounds if self._shown is not None else _NOTHING)
            else:
                view.fit(self._shown.bounds if self._shown is not None else _NOTHING)
        if shown is not None:
            self.visuals.set_cloud(shown.look)
        _say(self._overlay, self._shown, self._palette)
        self._canvas.update()

    def _on_resize(self, event: Any) -> None:
        _say(self._overlay, self._shown, self._palette)
        self.visuals.moving()


def _made(
    atlas: Atlas, coloring: Coloring, state: MapState, before: _Shown | None, columns: WindowColumns | None
) -> _Shown:
    """Work out what to show, with what can be kept of what was shown before."""
    laid = before is not None and before.atlas is atlas and _axes(before.state) == _axes(state)
    places = before.places if before is not None and laid else layout_of(atlas, state)
    if before is not None and not laid and _same(before.places, places):
        places, laid = before.places, before.atlas.windows is atlas.windows
    known = before.look.cloud if before is not None and laid and before.state.shown == state.shown else None
    cloud = model.cloud_of(atlas, coloring, state.shown, places, known)
    same = before is not None and before.places is places
    picker = before.picker if before is not None and same else model.Picker(places[:, :2])
    bounds = before.bounds if before is not None and same else _bounds_of(places)
    kept = before.look.kept if before is not None else None
    return _Shown(atlas, state, places, bounds, picker, Look(cloud, state.density, _scale_of(columns, coloring), kept))


def _say(overlay: Overlay, shown: _Shown | None, palette: Palette) -> None:
    """Say over the whole canvas what is drawn, or why nothing is."""
    rect = overlay.parentWidget().rect()
    overlay.setGeometry(rect)
    if shown is None or not shown.look.cloud.ids.size:
        said = _PLACELESS if shown is not None and len(shown.places) else _EMPTY
        text = Text(rect.width() / 2, rect.height() / 2, said, palette.muted, "centre")
    else:
        # Inside the canvas, so that it is there however narrow the dock is.
        text = Text(rect.width() - 8, 11, recipe_of(shown.atlas, shown.state), palette.muted, "right")
    overlay.show_texts((text,))


def _scale_of(columns: WindowColumns | None, coloring: Coloring) -> Scale | None:
    """Return the numbers of a column whose mean colours the density; None for classes."""
    if columns is None or not coloring.continuous or coloring.column not in columns.names:
        return None
    values = columns.column(coloring.column).values
    shares = (values - coloring.low) / ((coloring.high - coloring.low) or 1.0)
    return Scale(np.clip(shares, 0.0, 1.0).astype(np.float32), coloring.stops)


def _equal(one: NDArray[np.bool_] | None, other: NDArray[np.bool_] | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))


def _axes(state: MapState) -> tuple[object, ...]:
    return (state.axes, state.dims)


def _bounds_of(places: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (2, n_dimensions) the least and the greatest values; NaN if there are none."""
    known = places if np.isfinite(places).all() else places[np.isfinite(places).all(axis=1)]
    if not len(known):
        return np.full((2, places.shape[1]), np.nan, dtype=np.float32)
    return np.stack([known.min(axis=0), known.max(axis=0)])


def _same(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return one is other or np.array_equal(one, other, equal_nan=True)
