"""The rows above and below the latent map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget
from superqt import QElidingLabel

from napari_atlas.session.map_state import SHOWN
from napari_atlas.views._canvas import palette_of
from napari_atlas.views._legend import Legend
from napari_atlas.views._map_mouse import Mode

if TYPE_CHECKING:
    from napari_atlas.data.window_columns import WindowColumns
    from napari_atlas.session.map_state import MapState
    from napari_atlas.views._canvas import Palette
    from napari_atlas.views._colors import Coloring

__all__ = ["MapFooter", "MapHeader"]


class MapHeader(QWidget):  # type: ignore[misc]
    """Colour, what is brought forward, and the legend."""

    column_chosen = Signal(str)
    shown_chosen = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._palette = palette_of("dark")
        self._column, self._shown = _combo(self, "colour by"), _combo(self, "show")
        self._shown.addItems(list(SHOWN))
        self._shown.setToolTip("Which windows to bring forward; the others turn grey")
        self.legend = Legend(self)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        grid.addWidget(QLabel("Colour", self), 0, 0)
        grid.addWidget(self._column, 0, 1)
        grid.addWidget(QLabel("Show", self), 0, 2)
        grid.addWidget(self._shown, 0, 3)
        grid.addWidget(self.legend, 1, 0, 1, 5)
        grid.setColumnStretch(4, 1)
        # Only what the user chooses is told; what the session chose is merely shown.
        self._column.textActivated.connect(self.column_chosen)
        self._shown.textActivated.connect(self.shown_chosen)

    def paint(self, palette: Palette) -> None:
        """Use the colours of a theme."""
        self._palette = palette
        self.legend.setStyleSheet(
            f"QToolButton {{ background: transparent; border: none; border-radius: 3px; padding: 2px 5px;"
            f" color: {palette.text}; }} QToolButton:hover {{ background: {palette.line}; }}"
        )

    def show_state(self, state: MapState) -> None:
        """Show what is brought forward."""
        self._shown.setCurrentText(state.shown)

    def show_columns(self, columns: WindowColumns | None, coloring: Coloring | None) -> None:
        """Offer the columns there are and show the colouring in use."""
        names = columns.names if columns is not None else ()
        if names != tuple(self._column.itemText(i) for i in range(self._column.count())):
            self._column.clear()
            self._column.addItems(list(names))
        if coloring is not None:
            self._column.setCurrentText(coloring.column)
        for widget in (self._column, self._shown):
            widget.setEnabled(coloring is not None)
        self.legend.show_coloring(coloring, self._palette)


class MapFooter(QWidget):  # type: ignore[misc]
    """What is selected, and the buttons of the map."""

    mode_chosen = Signal(object)
    fit_asked = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._selection = QElidingLabel("", self)
        self._selection.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.lasso = _button(self, "lasso  L", "Draw round windows to select them; Shift adds, Alt subtracts", True)
        self.box = _button(self, "box  B", "Drag a box to select windows; Shift adds, Alt subtracts", True)
        self.fit = _button(self, "fit  F", "Show the whole map", False)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._selection, 1)
        for button in (self.lasso, self.box, self.fit):
            row.addWidget(button)
        self.lasso.clicked.connect(self._on_lasso)
        self.box.clicked.connect(self._on_box)
        self.fit.clicked.connect(self.fit_asked)

    def paint(self, palette: Palette) -> None:
        """Use the colours of a theme."""
        self._selection.setStyleSheet(f"color: {palette.accent};")
        on = "#10141A" if palette.dark else "#FFFFFF"
        style = (
            f"QToolButton {{ background: {palette.line}; color: {palette.text}; border: none; border-radius: 4px;"
            f" padding: 4px 12px; }} QToolButton:hover {{ border: 1px solid {palette.muted}; padding: 3px 11px; }}"
            f" QToolButton:checked {{ background: {palette.accent}; color: {on}; }}"
        )
        for button in (self.lasso, self.box, self.fit):
            button.setStyleSheet(style)

    def set_mode(self, mode: Mode) -> None:
        """Choose what dragging does."""
        self.lasso.setChecked(mode is Mode.LASSO)
        self.box.setChecked(mode is Mode.BOX)
        self.mode_chosen.emit(mode)

    def show_selection(self, name: str, count: int) -> None:
        """Say what is selected."""
        windows = f"{count} window{'s' if count != 1 else ''}"
        said = f"selection “{name}” · {windows}" if name else f"{windows} selected"
        self._selection.setText(said if count else "")

    def _on_lasso(self, checked: bool) -> None:
        self.set_mode(Mode.LASSO if checked else Mode.PAN)

    def _on_box(self, checked: bool) -> None:
        self.set_mode(Mode.BOX if checked else Mode.PAN)


def _combo(parent: QWidget, name: str) -> QComboBox:
    combo = QComboBox(parent)
    combo.setAccessibleName(name)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    return combo


def _button(parent: QWidget, text: str, tip: str, checkable: bool) -> QToolButton:
    button = QToolButton(parent)
    button.setText(text)
    button.setToolTip(tip)
    button.setCheckable(checkable)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
