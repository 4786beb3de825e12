"""One map, or two side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QSizePolicy, QSplitter, QToolButton, QVBoxLayout, QWidget
from superqt import QElidingLabel

from napari_atlas.data.window_columns import CLUSTERS
from napari_atlas.views._buttons import button_style
from napari_atlas.views._colors import MISSING, color_of, rgba_of
from napari_atlas.views._map_layout import recipe_of
from napari_atlas.views._map_mouse import Mode
from napari_atlas.views._map_plot import MapPlot
from napari_atlas.views._map_source import BesideSource, SessionSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_atlas.session.map_state import MapState
    from napari_atlas.views._canvas import Palette
    from napari_atlas.views._colors import Coloring
    from napari_atlas.views._map_source import MapSource
    from napari_atlas.views.desk import Desk

__all__ = ["MapPair"]


class MapPair(QSplitter):  # type: ignore[misc]
    """The map of the run on show, and beside it that of another run while the session shows one.

    Both are laid out and coloured alike, and have one selection and one cursor.

    Parameters
    ----------
    desk
        Whose session is shown, and whose clips are on the hover cards.
    palette
        Colours.
    parent
        Qt parent, which takes the keys.
    """

    clicked_twice = Signal(int)
    """A window of the session."""
    closed = Signal()
    """The user wants one map."""

    def __init__(self, desk: Desk, palette: Palette, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setObjectName("atlas-map-pair")
        self.setChildrenCollapsible(False)
        session = desk.session
        self._keeper, self._session, self._palette, self._host = desk.keeper, session, palette, parent
        self._coloring: Coloring | None = None
        self._state = session.map_state
        self._mode = Mode.PAN
        self._second: _Pane | None = None
        self._first = self._pane(SessionSource(session))
        self.plot = self._first.plot
        """The map of the run on show."""

    def plots(self) -> Iterator[MapPlot]:
        """The maps that can be seen."""
        yield self.plot
        if self._second is not None and self._second.isVisibleTo(self):
            yield self._second.plot

    def paint(self, palette: Palette) -> None:
        """Use the colours of a theme; the caller draws again."""
        self._palette = palette
        for pane in self._panes():
            pane.paint(palette)

    def fit(self) -> None:
        """Show both maps whole."""
        for plot in self.plots():
            plot.fit()

    def zoom_to_selection(self) -> None:
        """Show where the selected windows are."""
        for plot in self.plots():
            plot.zoom_to(self._session.selection.ids)

    def draw(self, coloring: Coloring | None, state: MapState, moved: bool = False) -> None:
        """Draw the points of both, those of the second in the colours that they have in the first."""
        self._coloring, self._state = coloring, state
        self.plot.draw_cloud(coloring, state, moved)
        self._draw_second()
        if self._second is not None and self._second.isVisibleTo(self):
            for pane in self._panes():
                pane.show_caption(state)

    def draw_selection(self) -> None:
        """Outline the selected windows on both."""
        for plot in self.plots():
            plot.draw_selection()

    def draw_cursor(self) -> None:
        """Put the cursor where it is on both."""
        for plot in self.plots():
            plot.draw_cursor()

    def show_beside(self, beside: object) -> None:
        """Show the session's second run, or none."""
        if beside is not None and self._second is None:
            self._second = self._pane(BesideSource(self._session))
            self._second.close_button.clicked.connect(self.closed)
            self._second.plot.mouse.set_mode(self._mode)
            self._second.paint(self._palette)
        if self._second is not None:
            self._second.setVisible(beside is not None)
            if beside is not None:
                self.setSizes([1000, 1000])
        for pane in self._panes():
            pane.show_caption(self._state if beside is not None else None)
        self._draw_second()
        self.draw_selection()
        self.draw_cursor()

    def set_mode(self, mode: Mode) -> None:
        """Choose what dragging does."""
        self._mode = mode
        for pane in self._panes():
            pane.plot.mouse.set_mode(mode)

    def stop(self) -> None:
        """Stop the timers."""
        for pane in self._panes():
            pane.plot.stop()

    def _panes(self) -> tuple[_Pane, ...]:
        return (self._first,) if self._second is None else (self._first, self._second)

    def _pane(self, source: MapSource) -> _Pane:
        pane = _Pane(source, MapPlot(self._session, self._palette, self._host, source), self)
        pane.plot.hover.take_pictures_from(self._keeper)
        pane.plot.clicked_twice.connect(pane.tell_twice)
        pane.twice.connect(self.clicked_twice)
        pane.plot.hover.entered.connect(pane.tell_hover)
        pane.hovered.connect(self._on_hover)
        self.addWidget(pane)
        return pane

    def _on_hover(self, window: int, pane: QWidget) -> None:
        """Ring the same window on the other map."""
        for other in self._panes():
            if other is not pane and other.isVisibleTo(self):
                other.ring(window)

    def _draw_second(self) -> None:
        if self._second is not None:
            shown = self._second.isVisibleTo(self) and self._coloring is not None
            source = self._second.source
            coloring = _carried(self._coloring, source) if shown and self._coloring is not None else None
            self._second.plot.draw_cloud(coloring, self._state)


class _Pane(QWidget):  # type: ignore[misc]
    """A map below a line that says which run it is; the line is there while there are two."""

    twice = Signal(int)
    hovered = Signal(int, QWidget)

    def __init__(self, source: MapSource, plot: MapPlot, parent: QWidget) -> None:
        super().__init__(parent)
        self.source, self.plot = source, plot
        self._caption = QElidingLabel("", self)
        self._caption.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.close_button = QToolButton(self)
        self.close_button.setObjectName("atlas-map-close-second")
        self.close_button.setText("Close")
        self.close_button.setToolTip("Close this second map")
        self.close_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        # As high as the other one's, so that both maps begin at one height.
        self._caption.setMinimumHeight(self.close_button.sizeHint().height())
        row = QHBoxLayout()
        row.addWidget(self._caption, 1)
        row.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(plot, 1)
        self.show_caption(None)

    def paint(self, palette: Palette) -> None:
        """Use the colours of a theme."""
        self.plot.paint(palette)
        self._caption.setStyleSheet(f"color: {palette.text};")
        self.close_button.setStyleSheet(button_style(palette))

    def show_caption(self, state: MapState | None) -> None:
        """Say which run it is and how it is laid out; nothing for None."""
        atlas = self.source.atlas
        run = "no model" if atlas is None or not atlas.run else f"run {atlas.run}"
        said = " · ".join([run, *(word for word in recipe_of(atlas, state).split(" · ") if word != run)])
        self._caption.setText(said)
        self._caption.setToolTip(said)
        self._caption.setVisible(state is not None)
        self.close_button.setVisible(state is not None and not isinstance(self.source, SessionSource))

    def tell_twice(self, window: int) -> None:
        """Tell of a double click, in the session's ids; of a window that the session lacks nothing."""
        for own in self.source.to_session(np.array([window])):
            self.twice.emit(int(own))

    def tell_hover(self, window: int) -> None:
        """Tell which of the session's windows the mouse is over."""
        ids = self.source.to_session(np.array([window] if window >= 0 else [], dtype=np.int64))
        self.hovered.emit(int(ids[0]) if ids.size else -1, self)

    def ring(self, window: int) -> None:
        """Draw a ring where one of the session's windows is on this map; none for −1."""
        ids = self.source.from_session(np.array([window] if window >= 0 else [], dtype=np.int64))
        self.plot.hover.ring(self.plot.places[ids[ids < len(self.plot.places)]])


def _carried(coloring: Coloring, source: MapSource) -> Coloring | None:
    """Return the colouring of another run's map: the same column on the same scale, the clusters of the first run."""
    columns = source.columns
    if columns is None or not columns.atlas.has_map:
        return None
    if coloring.column in columns.names and not coloring.column.startswith(CLUSTERS):
        return color_of(columns, coloring.column, (coloring.low, coloring.high) if coloring.continuous else None)
    if coloring.continuous:
        return color_of(columns, "species")
    n = len(columns.atlas.windows.table)
    rgba, codes = np.repeat(rgba_of([MISSING]), n, axis=0), np.full(n, -1, dtype=np.int64)
    for i, entry in enumerate(coloring.entries):
        ids = source.from_session(coloring.members(entry.label))
        rgba[ids], codes[ids] = rgba_of([entry.color])[0], i
    return replace(coloring, rgba=rgba, codes=codes)
