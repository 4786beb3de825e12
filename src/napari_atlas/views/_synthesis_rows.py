"""One thing to set in the synthesis dock: a number on a slider, or one of several classes."""

from __future__ import annotations

import math
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSlider, QToolButton, QWidget
from superqt import QElidingLabel

from napari_atlas.views._canvas import paint_later
from napari_atlas.views._wheel import WheelPasses

__all__ = ["ChoiceRow", "SlideRow"]

_STEPS, _NAME_WIDTH, _LATER_MS = 200, 88, 24
_UNKNOWN = "unknown"


class _Slider(QSlider):  # type: ignore[misc]
    """A slider in a row that is painted a moment after it was moved.

    All of a window with GL canvases is put together anew whenever a part of it is painted, so what the slider changes
    goes first.
    """

    def sliderChange(self, change: QSlider.SliderChange) -> None:  # noqa: N802
        """Hold the painting of the row back, once it can be seen."""
        if change == QSlider.SliderChange.SliderValueChange and self.isVisible():
            paint_later(self.parentWidget(), _LATER_MS)
        super().sliderChange(change)


class SlideRow(QWidget):  # type: ignore[misc]
    """A name, a slider, what it stands at, and the way back to what the window has.

    Parameters
    ----------
    key
        Part of its object name.
    text, tip
        Its name, and what it means.
    ends
        Lowest and highest value.
    unit
        Behind the number.
    scale
        How many of these are one of what the decoder is told: degrees per radian.
    """

    changed = Signal()

    def __init__(
        self, key: str, text: str, tip: str, ends: tuple[float, float], *, unit: str = "", scale: float = 1.0
    ) -> None:
        super().__init__()
        self.scale = scale
        self._own, self._value = math.nan, math.nan
        self._unit = unit
        self._changed = False
        self._set_ends(*ends)
        self._name, self._said = QElidingLabel(text, self), QLabel(self)
        self._name.setFixedWidth(_NAME_WIDTH)
        self._name.setToolTip(tip)
        self._said.setFixedWidth(60)
        self._slider = _Slider(Qt.Orientation.Horizontal, self)
        self._slider.setObjectName(f"atlas-synthesis-{key}")
        self._slider.setAccessibleName(text)
        self._slider.setToolTip(f"{tip}. Arrow keys move it by a little, Page keys by more")
        self._slider.setRange(0, _STEPS)
        self._slider.setPageStep(_STEPS // 10)
        self._slider.setMinimumWidth(56)
        self._slider.installEventFilter(WheelPasses(self))
        self._back = _back_button(self, key, text)
        _row(self, self._name, self._slider, self._said, self._back)
        self._slider.valueChanged.connect(self._on_slider)
        self._back.clicked.connect(self.reset)
        self._show()

    @property
    def value(self) -> float:
        """What it stands at; NaN where nobody knows."""
        return self._value

    @property
    def told(self) -> float:
        """What the decoder is told; the middle, where the slider stands, if nobody knows."""
        return (self._value if math.isfinite(self._value) else (self._low + self._high) / 2) / self.scale

    @property
    def set_by_hand(self) -> bool:
        """Whether it stands at another value than the window's."""
        return self._changed

    def show_own(self, value: float) -> None:
        """Take the value of another window; what was set by hand stays."""
        self._own = value
        if not self._changed:
            self._value = value
        self._show()

    def put(self, value: float) -> None:
        """Be at a value, as if set by hand, and tell nobody."""
        self._value, self._changed = value, True
        self._show()

    def reset(self) -> None:
        """Go back to the window's own value."""
        if self._changed:
            self.forget()
            self.changed.emit()

    def forget(self) -> None:
        """Go back to the window's own value, and tell nobody."""
        self._value, self._changed = self._own, False
        self._show()

    def _on_slider(self, step: int) -> None:
        if step != self._step():  # else it merely shows the value
            self._value, self._changed = self._low + step / _STEPS * (self._high - self._low), True
            self._show()
            self.changed.emit()

    def _set_ends(self, low: float, high: float) -> None:
        self._low, self._high = (low, high) if high > low else (low - 0.5, low + 0.5)

    def _step(self) -> int:
        if not math.isfinite(self._value):
            return _STEPS // 2
        return round(min(max((self._value - self._low) / (self._high - self._low), 0.0), 1.0) * _STEPS)

    def _show(self) -> None:
        self._slider.setValue(self._step())
        known = math.isfinite(self._value)
        digits = max(0, 2 - math.floor(math.log10(self._high - self._low)))
        words = f"{self._value:.{min(digits, 6)}f}{self._unit}" if known else _UNKNOWN
        self._said.setText(words.replace("-", "−"))
        self._slider.setAccessibleDescription(words)
        _embolden(self._name, self._changed)
        self._back.setEnabled(self._changed)


class ChoiceRow(QWidget):  # type: ignore[misc]
    """A name, and the classes to choose from; the first entry is what the window has.

    Parameters
    ----------
    key
        Part of its object name.
    text, tip
        Its name, and what it means.
    classes
        To choose from.
    """

    changed = Signal()

    def __init__(self, key: str, text: str, tip: str, classes: tuple[str, ...]) -> None:
        super().__init__()
        self._name = QElidingLabel(text, self)
        self._name.setFixedWidth(_NAME_WIDTH)
        self._name.setToolTip(tip)
        self._combo = QComboBox(self)
        self._combo.setObjectName(f"atlas-synthesis-{key}")
        self._combo.setAccessibleName(text)
        self._combo.setToolTip(tip)
        self._combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._combo.setMinimumContentsLength(6)
        self._combo.addItem("")
        self._combo.addItems(list(classes))
        self._combo.installEventFilter(WheelPasses(self))
        self._back = _back_button(self, key, text)
        _row(self, self._name, self._combo, None, self._back)
        self._combo.activated.connect(self._on_choice)
        self._back.clicked.connect(self.reset)
        self.show_own(None)

    @property
    def value(self) -> str:
        """The class that was chosen."""
        return str(self._combo.currentText())

    @property
    def set_by_hand(self) -> bool:
        """Whether a class was chosen."""
        return bool(self._combo.currentIndex() > 0)

    def show_own(self, value: Any) -> None:
        """Say what another window has; what was chosen stays."""
        self._combo.setItemText(0, f"as it is ({value or _UNKNOWN})")

    def reset(self) -> None:
        """Go back to what the window has."""
        self.forget()
        self.changed.emit()

    def forget(self) -> None:
        """Go back to what the window has, and tell nobody."""
        self._combo.setCurrentIndex(0)
        self._show()

    def _on_choice(self, index: int) -> None:
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        _embolden(self._name, self.set_by_hand)
        self._back.setEnabled(self.set_by_hand)


def _back_button(parent: QWidget, key: str, text: str) -> QToolButton:
    button = QToolButton(parent)
    button.setText("↺")
    button.setObjectName(f"atlas-synthesis-{key}-back")
    button.setAccessibleName(f"{text}: as it is in the window")
    button.setToolTip("As it is in the window")
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setEnabled(False)
    return button


def _row(row: QWidget, name: QLabel, editor: QWidget, said: QLabel | None, back: QToolButton) -> None:
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 4, 0)
    layout.setSpacing(4)
    layout.addWidget(name)
    layout.addWidget(editor, 1)
    if said is not None:
        layout.addWidget(said)
    layout.addWidget(back)
    name.setBuddy(editor)


def _embolden(label: QLabel, bold: bool) -> None:
    font = label.font()
    if font.bold() != bold:
        font.setBold(bold)
        label.setFont(font)
