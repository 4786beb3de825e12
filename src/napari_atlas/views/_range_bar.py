"""A scale whose ends can be moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QEvent, QObject, Qt, QTimer, Signal
from qtpy.QtGui import QBrush, QColor, QLinearGradient
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QWidget
from superqt import QDoubleRangeSlider

if TYPE_CHECKING:
    from napari_atlas.views._canvas import Palette
    from napari_atlas.views._colors import Coloring

__all__ = ["RangeBar"]

_WAIT_MS = 60
_STEPS = 100

Limits = tuple[float, float]


class RangeBar(QWidget):  # type: ignore[misc]
    """Lowest value, a bar of colours with two handles, highest value, unit.

    What lies beyond a handle takes the colour of that end. A double click on the bar goes back to the whole range.
    """

    moved = Signal(object)
    """The (low, high) that the user chose, at most every 60 ms; None for the whole range."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._whole: Limits = (0.0, 1.0)
        self._stops: tuple[str, ...] = ()
        self._low, self._high = _end(self, "lowest"), _end(self, "highest")
        self._slider = QDoubleRangeSlider(Qt.Orientation.Horizontal, self)
        self._slider.setObjectName("atlas-map-range")
        self._slider.setAccessibleName("range of the scale")
        self._slider.setToolTip("Drag the ends to spread the colours over fewer values; double click for all of them")
        self._slider.setMinimumWidth(90)
        self._slider.setBarMovesAllHandles(False)
        self._slider.installEventFilter(self)
        self._unit = QLabel(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 2, 0, 2)
        row.setSpacing(6)
        for widget in (self._low, self._slider, self._high, self._unit):
            row.addWidget(widget, 1 if widget is self._slider else 0)
        self._timer = QTimer(self, singleShot=True, interval=_WAIT_MS)
        self._timer.timeout.connect(self._tell)
        self._shown: Limits = self._whole
        # Only what the user does is told; what the session chose is merely shown.
        self._slider.sliderMoved.connect(self._on_slider)
        self._slider.sliderReleased.connect(self._tell)
        for end in (self._low, self._high):
            end.editingFinished.connect(self._on_ends)

    def paint(self, palette: Palette) -> None:
        """Use the colours of a theme."""
        self._unit.setStyleSheet(f"color: {palette.muted};")
        style = f"QDoubleSpinBox {{ color: {palette.text}; background: {palette.canvas}; padding: 1px 3px; }}"
        for end in (self._low, self._high):
            end.setStyleSheet(style)

    def show_scale(self, coloring: Coloring) -> None:
        """Show a scale, the handles at its ends."""
        low, high = min(coloring.whole[0], coloring.low), max(coloring.whole[1], coloring.high)
        if not high > low:
            high = low + 1.0
        self._shown = (coloring.low, coloring.high)
        self._slider.setSingleStep((high - low) / _STEPS)
        self._slider.setRange(low, high)
        self._slider.setValue(self._shown)
        self._slider.setProperty("barColor", _brush(coloring.stops))
        self._slider.update()
        decimals = int(np.clip(2 - np.floor(np.log10(high - low)), 0, 6))
        for end, value in zip((self._low, self._high), self._shown, strict=True):
            end.setDecimals(decimals)
            end.setRange(low, high)
            end.setSingleStep((high - low) / _STEPS)
            end.setValue(value)
        self._unit.setText(coloring.unit)
        self._unit.setVisible(bool(coloring.unit))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Take a double click on the bar as the wish for the whole range."""
        if event.type() == QEvent.Type.MouseButtonDblClick:
            self._timer.stop()
            self.moved.emit(None)
            return True
        return bool(super().eventFilter(watched, event))

    def _on_slider(self, _: Any) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _tell(self) -> None:
        self._timer.stop()
        low, high = (float(value) for value in self._slider.value())
        if (low, high) != self._shown:
            self.moved.emit((low, high))

    def _on_ends(self) -> None:
        """Take what was typed; a field that was merely left tells nothing."""
        ends = (self._low, self._high)
        typed = tuple(end.value() for end in ends)
        if typed[0] < typed[1] and typed != tuple(round(v, ends[0].decimals()) for v in self._shown):
            self.moved.emit(typed)


def _end(parent: QWidget, which: str) -> QDoubleSpinBox:
    end = QDoubleSpinBox(parent)
    end.setObjectName(f"atlas-map-{which}")
    end.setAccessibleName(f"{which} value of the scale")
    end.setToolTip(f"The {which} value of the scale")
    end.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
    end.setKeyboardTracking(False)
    end.setFixedWidth(58)
    return end


def _brush(stops: tuple[str, ...]) -> QBrush:
    gradient = QLinearGradient(0.0, 0.0, 1.0, 0.0)
    gradient.setCoordinateMode(QLinearGradient.CoordinateMode.ObjectMode)
    for i, color in enumerate(stops):
        gradient.setColorAt(i / (len(stops) - 1), QColor(color))
    return QBrush(gradient)
