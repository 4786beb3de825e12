"""The latent map: every window of every species as one point."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_atlas.views._canvas import Links, paint_later, palette_of
from napari_atlas.views._map_bars import MapFooter, MapHeader
from napari_atlas.views._map_model import coloring_of
from napari_atlas.views._map_mouse import Mode
from napari_atlas.views._map_plot import MapPlot

if TYPE_CHECKING:
    from napari_atlas.session.selection import Combine
    from napari_atlas.views._colors import Coloring
    from napari_atlas.views.desk import Desk

__all__ = ["LatentMap"]

_PAINT_AFTER_MS = 60


class LatentMap(QWidget):  # type: ignore[misc]
    """Shows the map of a session, and where its cursor and its selection are.

    The wheel zooms and dragging pans. A click picks the nearest window within 14 px: it becomes the selection and the
    cursor goes there. Shift adds, Alt subtracts, a click beside all points clears. Keys: L lasso, B box, F or Home
    fits the view, Esc clears.

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
        self._desk, self._session = desk, session
        self._palette = palette_of("dark")
        self._coloring: Coloring | None = None
        self._moving = False
        self._header, self._footer = MapHeader(self), MapFooter(self)
        self._plot = MapPlot(session, self._palette, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self._header)
        layout.addWidget(self._plot, 1)
        layout.addWidget(self._footer)
        self._header.column_chosen.connect(session.color)
        self._header.shown_chosen.connect(lambda shown: session.arrange(shown=shown))
        self._header.legend.picked.connect(self._on_legend)
        self._footer.mode_chosen.connect(self._plot.mouse.set_mode)
        self._footer.fit_asked.connect(self.fit)
        self._links = Links(
            (session.atlas_changed, self._on_atlas),
            (session.color_by_changed, self._on_color),
            (session.columns_changed, self._on_color),
            (session.map_state_changed, self._on_color),
            (session.selection_changed, self._on_selection),
            (session.cursor_changed, self._plot.draw_cursor),
            (session.live_changed, self._on_live),
        )
        self._links.connect()
        self.destroyed.connect(self._links.disconnect)
        self.set_theme("dark")

    @property
    def canvas_widget(self) -> QWidget:
        """The widget that is drawn on and takes the mouse."""
        return self._plot.native

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
        self._palette = palette_of(theme)
        self._plot.paint(self._palette)
        self._header.paint(self._palette)
        self._footer.paint(self._palette)
        self._on_atlas(self._session.atlas)

    def fit(self) -> None:
        """Show the whole map."""
        self._plot.fit()

    def coordinates_on_screen(self, window: int) -> QPoint:
        """Return where a window is drawn, in logical pixels of `canvas_widget`."""
        return self._plot.screen_of(window)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Answer the keys of the map; other keys go on to the window."""
        deeds = {
            Qt.Key.Key_F: self.fit,
            Qt.Key.Key_Home: self.fit,
            Qt.Key.Key_Escape: self._clear,
            Qt.Key.Key_L: self._footer.lasso.click,
            Qt.Key.Key_B: self._footer.box.click,
        }
        held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        deed = deeds.get(event.key()) if held == Qt.KeyboardModifier.NoModifier else None
        if deed is None:
            super().keyPressEvent(event)
        else:
            deed()

    def closeEvent(self, event: Any) -> None:  # noqa: N802
        """Stop listening and stop the timers."""
        self._links.disconnect()
        self._plot.stop()
        super().closeEvent(event)

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Listen again after having been closed."""
        if self._links.connect():
            self._on_atlas(self._session.atlas)
        super().showEvent(event)

    def _on_atlas(self, atlas: object) -> None:
        paint_later(self._plot.native, _PAINT_AFTER_MS)
        self._on_color(atlas)
        self._on_selection(self._session.selection)
        self._plot.draw_cursor()

    def _on_color(self, change: object) -> None:
        atlas = self._session.mapped
        self._moving = atlas is not self._session.atlas
        columns, state = self._session.columns, self._session.map_state
        if columns is not None and atlas is not None and atlas.has_map:
            columns = replace(columns, atlas=atlas) if self._moving else columns
            column = self._session.color_by
            self._coloring = coloring_of(columns, column, state.limits.get(column))
        else:
            self._coloring = None
        self._header.show_columns(columns, self._coloring)
        self._header.show_state(state)
        self._plot.draw_cloud(self._coloring, state.shown)
        self._count()

    def _on_live(self, live: object) -> None:
        """Let the points of a fit move; colours and legend stay."""
        if self._moving and self._coloring is not None and self._session.mapped is not self._session.atlas:
            paint_later(self._plot.native, _PAINT_AFTER_MS)
            self._plot.draw_cloud(self._coloring, self._session.map_state.shown, moved=True)
            self._plot.draw_selection()
            self._plot.draw_cursor()
        elif self._moving or self._session.mapped is not self._session.atlas:
            self._on_atlas(live)

    def _on_selection(self, selection: object) -> None:
        self._plot.draw_selection()
        self._count()

    def _on_legend(self, label: str, combine: Combine) -> None:
        if self._coloring is not None:
            self._session.select(self._coloring.members(label), combine, label)

    def _count(self) -> None:
        selection = self._session.selection
        if self._coloring is not None:
            self._header.legend.show_counts(self._coloring.selected_counts(selection.ids), len(selection) > 0)
        self._footer.show_selection(selection.name, len(selection))

    def _clear(self) -> None:
        self._footer.set_mode(Mode.PAN)
        self._session.select(np.empty(0, dtype=np.int64))
