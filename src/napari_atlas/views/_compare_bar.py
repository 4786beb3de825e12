"""The controls above the panes of the compare dock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QPushButton, QSpinBox, QWidget
from superqt import QFlowLayout

from napari_atlas.analysis.compare import CompareWishes
from napari_atlas.views._preferences import preference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_atlas.data.clusters import Clustering

__all__ = ["CompareBar"]

_NEAREST, _NONE = "nearest windows", "no other"


class CompareBar(QWidget):  # type: ignore[misc]
    """What to compare with what.

    Signals
    -------
    changed
        Something else is wanted.
    stepped
        To the next window (1), or to the one before (−1).
    """

    changed = Signal()
    stepped = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clusterings: Sequence[Clustering] = ()
        self._layout = QFlowLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self.play = self._button("play", "Pause", "Play or pause all panes (Space)", checkable=False)
        self._back = self._button("back", "Previous", "To the window before (K)", checkable=False)
        self._on = self._button("on", "Next", "To the next window (J)", checkable=False)
        self.pin = self._button("pin", "Keep this window", "Stay with this window while the video moves on (P)")
        self._what = self._choice("what", "what to show", "The nearest windows, or typical windows of a cluster")
        self._against = self._choice("against", "another cluster", "A second cluster to set beside the first")
        self._k = QSpinBox(self)
        self._k.setRange(1, 5)
        self._k.setValue(preference("n_neighbours"))
        self._k.setSuffix(" of each species")
        self._add("k", self._k, "How many windows of each species are shown", "windows of each species")
        self._held_out = self._check("held-out", "held-out only", "Only windows that the model was not trained on")
        self._held_out.setChecked(True)
        self._one = self._check("one", "one per recording", "At most one window of each recording")
        self._own = self._check(
            "own", "own species too", "Other animals of the same species as well, to hold the other species against"
        )
        self._connect()

    @property
    def wishes(self) -> CompareWishes:
        """How many windows are wanted, and among which."""
        among = "test" if self._held_out.isChecked() else ""
        return CompareWishes(self._k.value(), among, self._one.isChecked(), self._own.isChecked())

    @property
    def clusters(self) -> tuple[str, ...]:
        """A clustering and one or two of its clusters; empty if the nearest windows are wanted."""
        chosen = self._what.currentData() or ()
        other = self._against.currentData()
        return (*chosen, other) if chosen and other and other != chosen[1] else tuple(chosen)

    def offer(self, clusterings: Sequence[Clustering]) -> None:
        """Offer these clusters; what is chosen stays if it is still there."""
        self._clusterings = clusterings
        parts = [(f"{c.name}: {label}", (c.name, label)) for c in clusterings for label in c.labels]
        _fill(self._what, [(_NEAREST, ()), *parts])
        self._what.setVisible(bool(parts))
        self._offer_others()

    def say_playing(self, playing: bool) -> None:
        """Call the button by what it does next."""
        self.play.setText("Pause" if playing else "Play")

    def _offer_others(self) -> None:
        """Offer the other clusters beside the chosen one, and only what has a meaning then."""
        chosen: tuple[str, ...] = self._what.currentData() or ()
        labels = [label for c in self._clusterings if c.name in chosen[:1] for label in c.labels]
        others = [label for label in labels if label not in chosen[1:]]
        _fill(self._against, [(_NONE, ""), *((f"beside: {label}", label) for label in others)])
        self._against.setVisible(bool(chosen))
        for widget in (self._own, self.pin):
            widget.setVisible(not chosen)

    def _on_what(self) -> None:
        self._offer_others()
        self.changed.emit()

    def _connect(self) -> None:
        self._what.activated.connect(self._on_what)
        self._against.activated.connect(self._tell)
        self._k.valueChanged.connect(self._tell)
        for check in (self._held_out, self._one, self._own):
            check.toggled.connect(self._tell)
        self._back.clicked.connect(self._step_back)
        self._on.clicked.connect(self._step_on)

    def _tell(self, _value: object = None) -> None:
        self.changed.emit()

    def _step_back(self) -> None:
        self.stepped.emit(-1)

    def _step_on(self) -> None:
        self.stepped.emit(1)

    def _button(self, name: str, text: str, tip: str, checkable: bool = True) -> QPushButton:
        button = QPushButton(text, self)
        button.setCheckable(checkable)
        return self._add(name, button, tip)

    def _check(self, name: str, text: str, tip: str) -> QCheckBox:
        return self._add(name, QCheckBox(text, self), tip)

    def _choice(self, name: str, told: str, tip: str) -> QComboBox:
        combo = QComboBox(self)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(16)
        combo.setMaxVisibleItems(24)
        return self._add(name, combo, tip, told)

    def _add(self, name: str, widget: QWidget, tip: str, told: str = "") -> QWidget:
        widget.setObjectName(f"atlas-compare-{name}")
        widget.setToolTip(tip)
        widget.setAccessibleName(told or tip)
        self._layout.addWidget(widget)
        return widget


def _fill(combo: QComboBox, entries: Sequence[tuple[str, object]]) -> None:
    """Offer entries of a text and what it stands for; the chosen one stays if it is offered again."""
    texts = [text for text, _ in entries]
    if texts == [combo.itemText(i) for i in range(combo.count())]:
        return
    chosen = combo.currentText()
    combo.clear()
    for text, data in entries:
        combo.addItem(text, data)
    combo.setCurrentIndex(texts.index(chosen) if chosen in texts else 0)
