"""The rows above and below the latent map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget
from superqt import QElidingLabel, QFlowLayout

from napari_atlas.session.map_state import SHOWN
from napari_atlas.views._buttons import MENU, button_style
from napari_atlas.views._column_choice import ColumnChoice
from napari_atlas.views._legend import Legend
from napari_atlas.views._map_axes import AxesBar
from napari_atlas.views._map_mouse import Mode
from napari_atlas.views._map_name import NameField

if TYPE_CHECKING:
    from napari_atlas.data.atlas import Atlas
    from napari_atlas.data.window_columns import WindowColumns
    from napari_atlas.session.history import History
    from napari_atlas.session.map_state import MapState
    from napari_atlas.views._canvas import Palette
    from napari_atlas.views._colors import Coloring

__all__ = ["MapFooter", "MapHeader"]

_HINT_MS = 6000
_NOTHING = "Click a point, or draw a lasso."


class MapHeader(QWidget):  # type: ignore[misc]
    """Colour, what is brought forward, axes, and the legend."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.column = ColumnChoice("colour by", self)
        self.column.setObjectName("atlas-map-color")
        self.shown = QComboBox(self)
        self.shown.setObjectName("atlas-map-show")
        self.shown.setAccessibleName("show")
        self.shown.addItems(list(SHOWN))
        self.shown.setToolTip("Which windows to bring forward; the others turn grey")
        self.axes, self.legend = AxesBar(self), Legend(self)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(4)
        grid.addWidget(QLabel("Colour", self), 0, 0)
        grid.addWidget(self.column, 0, 1)
        grid.addWidget(self.shown, 0, 2)
        grid.addWidget(self.axes, 1, 0, 1, 3)
        grid.addWidget(self.legend, 2, 0, 1, 3)
        grid.setColumnStretch(1, 1)

    def paint(self, palette: Palette) -> None:
        """Use the colours of a theme."""
        self.legend.paint(palette)
        self.axes.paint(button_style(palette))

    def show_state(self, state: MapState, atlas: Atlas | None) -> None:
        """Show what is brought forward and how the map is laid out."""
        self.shown.setCurrentText(state.shown)
        self.axes.show_state(state, atlas)

    def offer(self, columns: WindowColumns | None) -> None:
        """Offer the columns there are."""
        self.column.offer(columns.names if columns is not None else ())

    def show_coloring(self, coloring: Coloring | None) -> None:
        """Show the colouring in use."""
        if coloring is not None:
            self.column.show_column(coloring.column)
        for widget in (self.column, self.shown):
            widget.setEnabled(coloring is not None)
        self.legend.show_coloring(coloring)


class MapFooter(QWidget):  # type: ignore[misc]
    """What is selected, and the buttons of the map."""

    mode_chosen = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._said = QElidingLabel("", self)
        self._said.setObjectName("atlas-map-said")
        self._said.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.name = NameField(self)
        self.compare = _button(self, "Compare runs", "Show the map of another run beside this one", shows_menu=True)
        self.menu = _button(
            self, "Selection", "Change the selection, keep it, or take up one that was kept", shows_menu=True
        )
        self.lasso = _button(
            self, "Lasso  L", "Draw round windows to select them; Shift adds, Alt subtracts", checkable=True
        )
        self.box = _button(self, "Box  B", "Drag a box to select windows; Shift adds, Alt subtracts", checkable=True)
        self.fit = _button(self, "Fit  F", "Show the whole map")
        self.undo = _button(self, "Undo", "Go back to the selection before (Ctrl+Z)")
        self.redo = _button(self, "Redo", "Take an undone selection again (Ctrl+Shift+Z)")
        self._lay_out()
        self._selected, self._colors = "", ("", "")
        self._hint = QTimer(self, singleShot=True, interval=_HINT_MS)
        self._hint.timeout.connect(self._show_selected)
        self.name.opened.connect(self._on_name)
        self.lasso.clicked.connect(self._on_lasso)
        self.box.clicked.connect(self._on_box)

    def paint(self, palette: Palette) -> None:
        """Use the colours of a theme."""
        self._colors = (palette.accent, palette.muted)
        self._show_selected()
        for button in self.findChildren(QToolButton):
            button.setStyleSheet(button_style(palette))

    def set_mode(self, mode: Mode) -> None:
        """Choose what dragging does."""
        self.lasso.setChecked(mode is Mode.LASSO)
        self.box.setChecked(mode is Mode.BOX)
        self.mode_chosen.emit(mode)

    def show_selection(self, name: str, count: int) -> None:
        """Say what is selected."""
        windows = f"{count:,} window{'s' if count != 1 else ''}".replace(",", " ")
        said = f"“{name}” · {windows}" if name else f"{windows} selected"
        self._selected = said if count else ""
        self._show_selected()

    def show_history(self, history: History) -> None:
        """Let undo and redo be pressed where there is something to go to."""
        self.undo.setEnabled(bool(history.past))
        self.redo.setEnabled(bool(history.future))

    def say(self, text: str) -> None:
        """Say something for a moment, in the place of what is selected; nothing for an empty text."""
        if text:
            self._tell(text, self._colors[0])
            self._hint.start()

    def stop(self) -> None:
        """Stop the timer."""
        self._hint.stop()
        self._show_selected()

    def _lay_out(self) -> None:
        above, below = QHBoxLayout(), QFlowLayout()
        above.addWidget(self._said, 1)
        above.addWidget(self.name, 1)
        for button in (self.compare, self.menu):
            above.addWidget(button)
        for button in (self.lasso, self.box, self.fit, self.undo, self.redo):
            below.addWidget(button)
        below.setContentsMargins(0, 0, 0, 0)
        below.setHorizontalSpacing(6)
        below.setVerticalSpacing(4)
        above.setSpacing(6)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(above)
        column.addLayout(below)

    def _show_selected(self) -> None:
        self._hint.stop()
        self._tell(self._selected or _NOTHING, self._colors[0 if self._selected else 1])

    def _tell(self, text: str, color: str) -> None:
        self._said.setText(text)
        self._said.setToolTip(text)
        self._said.setStyleSheet(f"color: {color};" if color else "")

    def _on_name(self, opened: bool) -> None:
        for widget in (self._said, self.compare, self.menu):
            widget.setVisible(not opened)

    def _on_lasso(self, checked: bool) -> None:
        self.set_mode(Mode.LASSO if checked else Mode.PAN)

    def _on_box(self, checked: bool) -> None:
        self.set_mode(Mode.BOX if checked else Mode.PAN)


def _button(parent: QWidget, text: str, tip: str, *, checkable: bool = False, shows_menu: bool = False) -> QToolButton:
    button = QToolButton(parent)
    button.setObjectName(f"atlas-map-{text.split(maxsplit=1)[0].lower()}")
    button.setText(text + MENU if shows_menu else text)
    button.setToolTip(tip)
    button.setCheckable(checkable)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if shows_menu:
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    return button
