"""The latent map: every window of every species as one point."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_atlas.data.window_columns import CLUSTERS
from napari_atlas.views._canvas import Links, paint_later, palette_of
from napari_atlas.views._map_bars import MapFooter, MapHeader
from napari_atlas.views._map_cloud import MANY
from napari_atlas.views._map_control import MapControl
from napari_atlas.views._map_model import coloring_of
from napari_atlas.views._map_pair import MapPair
from napari_atlas.views._subset import SubsetBar
from napari_atlas.views._worker import Latest

if TYPE_CHECKING:
    from napari_atlas.data.window_columns import WindowColumns
    from napari_atlas.views._colors import Coloring
    from napari_atlas.views.desk import Desk

__all__ = ["LatentMap"]

_PAINT_AFTER_MS = 60


class LatentMap(QWidget):  # type: ignore[misc]
    """Shows the map of a session, and where its cursor and its selection are.

    The wheel zooms and dragging pans. A click picks the nearest window within 14 px: it becomes the selection and the
    cursor goes there. Shift adds, Alt subtracts, a click beside all points clears. A double click selects the window's
    cluster. Keys: L lasso, B box, F or Home fits the view, Z zooms to the selection, D density, I inverts the
    selection, Ctrl+A selects all, Esc nothing, Ctrl+S keeps the selection under a name, Ctrl+Z and Ctrl+Shift+Z or
    Ctrl+Y undo and redo it, J and K go to the next window and to the one before.

    Of more than 20,000 windows the colours are worked out in a thread; what was shown before stays until then.
    While the project is being fitted, the points are where their latents are at that moment.

    Parameters
    ----------
    desk
        Whose session is shown, and whose verbs are called.
    parent
        Qt parent.
    """

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        session = desk.session
        self.setObjectName("atlas-latent-map")
        self.setAccessibleName("latent map")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._session = session
        self._coloring: Coloring | None = None
        self._colors, self._waiting = Latest(), False
        self._wanted: tuple[object, ...] = ()
        self._drawn: tuple[object, ...] = ()
        self._moving = False
        self._header, self._footer = MapHeader(self), MapFooter(self)
        self._subset = SubsetBar(desk, self)
        self._maps = MapPair(desk, palette_of("dark"), self)
        parts = (self._header, self._subset, self._maps, self._footer)
        self._control = MapControl(desk, parts, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(6)
        for part in parts:
            layout.addWidget(part, 1 if part is self._maps else 0)
        self._links = Links(
            (session.atlas_changed, self._on_atlas),
            (session.color_by_changed, self._on_color),
            (session.columns_changed, self._on_color),
            (session.map_state_changed, self._on_color),
            (session.selection_changed, self._on_selection),
            (session.cursor_changed, self._maps.draw_cursor),
            (session.live_changed, self._on_live),
            (session.beside_changed, self._maps.show_beside),
            (session.job_changed, self._subset.refresh),
        )
        self._links.connect()
        self.set_theme("dark")

    @property
    def canvas_widget(self) -> QWidget:
        """The widget that is drawn on and takes the mouse."""
        return self._maps.plot.native

    @property
    def busy(self) -> bool:
        """Whether something is still to be worked out or drawn."""
        return self._waiting or any(plot.busy for plot in self._maps.plots())

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
        palette = palette_of(theme)
        for part in (self._header, self._subset, self._maps, self._footer):
            part.paint(palette)
        self._drawn = ()
        self._on_atlas(self._session.atlas)

    def fit(self) -> None:
        """Show the whole map."""
        self._maps.fit()

    def coordinates_on_screen(self, window: int) -> QPoint:
        """Return where a window is drawn, in logical pixels of `canvas_widget`."""
        return self._maps.plot.screen_of(window)

    def closeEvent(self, event: Any) -> None:  # noqa: N802
        """Stop listening and stop the timers."""
        self._links.disconnect()
        self._maps.stop()
        self._footer.stop()
        super().closeEvent(event)

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Listen again after having been closed."""
        if self._links.connect():
            self._on_atlas(self._session.atlas)
            self._maps.show_beside(self._session.beside)
        super().showEvent(event)

    def _on_atlas(self, atlas: object) -> None:
        paint_later(self.canvas_widget, _PAINT_AFTER_MS)
        self._subset.refresh()
        self._on_color(atlas)
        self._on_selection(self._session.selection)
        self._maps.draw_cursor()

    def _on_color(self, change: object) -> None:
        """Show the colours, unless nothing has changed that they depend on."""
        atlas, state = self._session.mapped, self._session.map_state
        self._moving = atlas is not self._session.atlas
        columns = self._session.columns if atlas is not None and atlas.has_map else None
        if columns is not None and atlas is not None and self._moving:
            columns = replace(columns, atlas=atlas)
        column = self._session.color_by
        before, self._wanted = self._wanted, (atlas, column, state.limits.get(column), _depends_on(columns, column))
        self._header.offer(columns)
        self._header.show_state(state, atlas)
        if columns is None:
            self._show(None)
        elif before == self._wanted:
            if not self._waiting:
                self._show(self._coloring)
        elif len(columns.atlas.windows.table) <= MANY:
            self._show(coloring_of(columns, column, state.limits.get(column)))
        else:
            self._waiting = True
            make = partial(coloring_of, columns, column, state.limits.get(column))
            self._colors.run(make, partial(self._on_made, self._wanted))

    def _on_made(self, wanted: tuple[object, ...], made: Coloring | Exception) -> None:
        """Show colours that were worked out in a worker thread, if they are still those that are wanted."""
        if isinstance(made, Exception):
            self._waiting = False
            raise made
        if wanted == self._wanted:
            self._show(made)

    def _show(self, coloring: Coloring | None) -> None:
        state, self._waiting = self._session.map_state, False
        self._coloring = self._control.coloring = coloring
        self._header.show_coloring(coloring)
        if self._drawn != (coloring, state):
            self._maps.draw(coloring, state)
            self._drawn = (coloring, state)
        self._count()

    def _on_live(self, live: object) -> None:
        """Let the points of a fit move; colours and legend stay."""
        if self._waiting:
            return
        if self._moving and self._coloring is not None and self._session.mapped is not self._session.atlas:
            paint_later(self.canvas_widget, _PAINT_AFTER_MS)
            self._maps.draw(self._coloring, self._session.map_state, moved=True)
            self._maps.draw_selection()
            self._maps.draw_cursor()
        elif self._moving or self._session.mapped is not self._session.atlas:
            self._on_atlas(live)

    def _on_selection(self, selection: object) -> None:
        self._maps.draw_selection()
        self._count()

    def _count(self) -> None:
        selection = self._session.selection
        if self._coloring is not None:
            self._header.legend.show_counts(self._coloring.selected_counts(selection.ids), len(selection) > 0)
        self._footer.show_selection(selection.name, len(selection))
        self._footer.show_history(self._session.history)


def _depends_on(columns: WindowColumns | None, column: str) -> object:
    """Return what else than the run a column is made of: clusters or marks."""
    if columns is None or not (column == "tag" or column.startswith(CLUSTERS)):
        return None
    return columns.annotations if column == "tag" else columns.clusterings
