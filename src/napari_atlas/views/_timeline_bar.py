"""The row above the timeline: whose it is, what is shown, and the buttons."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QAction, QActionGroup, QIcon
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QToolTip, QWidget

from napari_atlas.session.stretch import Axis, Scope
from napari_atlas.views._buttons import MENU, button_style
from napari_atlas.views._timeline_strips import Wishes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_atlas.views._canvas import Palette

__all__ = ["TimelineBar"]

_ALL_CHANNELS = "all channels"
_AXES = {Axis.TEMPERATURE: "by temperature", Axis.TIME: "by time"}


class TimelineBar(QWidget):  # type: ignore[misc]
    """Signals: ``wishes_changed(wishes)``, ``axis_chosen(axis)``; buttons are told of by their own signals."""

    wishes_changed = Signal(object)
    axis_chosen = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._wishes, self._names = Wishes(), dict[str, str]()
        self._thermal = False
        self._icon, self._title = QLabel(self), QLabel(self)
        self._title.setMinimumWidth(1)  # A long name must not widen the window.
        self._title.setTextFormat(Qt.TextFormat.PlainText)
        self._legend = QLabel(self)
        self._legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._legend.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._channels = _combo(self, "channel", "channel of the signal", "Which channel of the signal is drawn")
        self._axes = _combo(self, "axis", "laid side by side on", "What the recordings are laid side by side on")
        self.rows = _button(self, "rows", "Rows" + MENU, "Choose which rows are shown, and where a range of °C selects")
        self.rows.setMenu(QMenu(self.rows))
        self.rows.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.stack = _button(
            self, "stack", "All recordings  A", "One row for each animal, on temperature or on time", True
        )
        self.select = _button(
            self, "select", "Select  T", "Drag over the timeline to select windows; Shift adds, Alt subtracts", True
        )
        self.window = _button(self, "zoom-window", "Window  W", "Zoom to the window at the cursor")
        self.selection = _button(self, "zoom-selection", "Selection  S", "Zoom to the selected windows")
        self.whole = _button(self, "zoom-whole", "All  0", "Show the whole recording; a double click does the same")
        self._zoom = QLabel("Zoom to", self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for widget in (self._icon, self._title, self._channels, self._axes):
            row.addWidget(widget)
        row.addWidget(self._legend, 1)
        for button in (self.rows, self.stack, self.select, self._zoom, self.window, self.selection, self.whole):
            row.addWidget(button)
        self.rows.menu().aboutToShow.connect(self._fill_menu)
        self._channels.activated.connect(self._on_channel)
        self._axes.activated.connect(lambda index: self.axis_chosen.emit(self._axes.itemData(index)))

    @property
    def wishes(self) -> Wishes:
        """What the user wants to see."""
        return self._wishes

    @property
    def title(self) -> str:
        """Whose timeline it says it is."""
        return str(self._title.text())

    def paint(self, palette: Palette) -> None:
        """Use the colours of a theme."""
        self._legend.setStyleSheet(f"color: {palette.muted};")
        self._zoom.setStyleSheet(f"color: {palette.muted};")
        for button in self._buttons():
            button.setStyleSheet(button_style(palette))

    def show_title(self, text: str, icon: QIcon | None = None) -> None:
        """Say whose timeline it is."""
        self._title.setText(text)
        self._title.setToolTip(text)
        self._icon.setVisible(icon is not None)
        if icon is not None:
            self._icon.setPixmap(icon.pixmap(14, 14))

    def show_legend(self, text: str) -> None:
        """Say what colours mean, in rich text."""
        self._legend.setText(text)
        self._legend.setToolTip(text)

    def tell(self, button: QToolButton, text: str) -> None:
        """Say below a button why it did nothing."""
        QToolTip.showText(button.mapToGlobal(button.rect().bottomLeft()), text, button)

    def show_rows(self, names: Mapping[str, str], thermal: bool) -> None:
        """Offer the rows there are, by their names, and ranges of temperature if there is any."""
        self._names, self._thermal = dict(names), thermal

    def show_channels(self, names: Sequence[str]) -> None:
        """Offer the channels, if there are several; the one on show stays if it is among them."""
        offered, chosen = [_ALL_CHANNELS, *names], self._channels.currentText()
        if offered != [self._channels.itemText(i) for i in range(self._channels.count())]:
            self._channels.clear()
            self._channels.addItems(offered)
            self._channels.setCurrentIndex(offered.index(chosen) if chosen in offered else 0)
        self._channels.setVisible(len(names) > 1)
        self._wishes = replace(self._wishes, channel=self._channels.currentIndex() - 1)

    def show_axes(self, axes: Sequence[Axis], axis: Axis) -> None:
        """Offer what recordings can be laid side by side on; nothing to choose if there are fewer than two."""
        if list(axes) != [self._axes.itemData(i) for i in range(self._axes.count())]:
            self._axes.clear()
            for one in axes:
                self._axes.addItem(_AXES[one], one)
        self._axes.setCurrentIndex(max(0, self._axes.findData(axis)))
        self._axes.setVisible(len(axes) > 1)

    def switch(self, row: str, on: bool) -> None:
        """Switch a row on or off."""
        hidden = self._wishes.hidden - {row} if on else self._wishes.hidden | {row}
        self._wish(replace(self._wishes, hidden=hidden))

    def _buttons(self) -> tuple[QToolButton, ...]:
        return self.rows, self.stack, self.select, self.window, self.selection, self.whole

    def _on_channel(self, index: int) -> None:
        self._wish(replace(self._wishes, channel=index - 1))

    def _wish(self, wishes: Wishes) -> None:
        if wishes != self._wishes:
            self._wishes = wishes
            self.wishes_changed.emit(wishes)

    def _fill_menu(self) -> None:
        menu = self.rows.menu()
        menu.clear()
        for row, name in self._names.items():
            action = QAction(name, menu, checkable=True, checked=row not in self._wishes.hidden)
            action.setObjectName(f"atlas-timeline-row-{row}")
            action.setData(row)
            action.toggled.connect(lambda on, row=row: self.switch(row, on))
            menu.addAction(action)
        if not self._thermal:
            return
        menu.addSeparator()
        menu.addAction("A range of °C selects in").setEnabled(False)
        group = QActionGroup(menu)
        for scope in Scope:
            action = QAction(scope.value, group, checkable=True, checked=scope is self._wishes.scope)
            action.setObjectName(f"atlas-timeline-scope-{scope.name.lower()}")
            action.triggered.connect(lambda on, scope=scope: self._wish(replace(self._wishes, scope=scope)))
            menu.addAction(action)


def _combo(parent: QWidget, name: str, accessible: str, tip: str) -> QComboBox:
    combo = QComboBox(parent)
    combo.setObjectName(f"atlas-timeline-{name}")
    combo.setAccessibleName(accessible)
    combo.setToolTip(tip)
    return combo


def _button(parent: QWidget, name: str, text: str, tip: str, checkable: bool = False) -> QToolButton:
    button = QToolButton(parent)
    button.setObjectName(f"atlas-timeline-{name}")
    button.setText(text)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setCheckable(checkable)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
