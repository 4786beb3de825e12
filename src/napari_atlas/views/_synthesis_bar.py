"""The controls above the synthesis: whose decoder, the way back, the walk, play."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QComboBox, QLabel, QPushButton, QSlider, QWidget
from superqt import QFlowLayout

__all__ = ["SynthesisBar"]

_STEPS, _STEP_MS = 100, 50
_WALK_S = 5.0


class SynthesisBar(QWidget):  # type: ignore[misc]
    """What to generate from the window at the cursor.

    Signals
    -------
    species_changed
        Another decoder was chosen.
    walked
        The walk is at another place, from 0 at its start to 1 at the window at the cursor.
    """

    species_changed = Signal()
    walked = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout = QFlowLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self.play = self._button("play", "Pause", "Play or pause (Space)")
        self.reset = self._button("reset", "As it is", "Take back all that was set: show the window as it is (R)")
        self._species = QComboBox(self)
        self._species.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._add("species", self._species, "Whose movement is made of the latent", "decode as")
        self.pin = self._button("pin", "Walk from here", "Begin a walk here; then click the window to walk to (W)")
        self.pin.setCheckable(True)
        self._said = QLabel(self)
        self._said.setObjectName("atlas-synthesis-walk-said")
        self._layout.addWidget(self._said)
        self.walk = QSlider(Qt.Orientation.Horizontal, self)
        self.walk.setRange(0, _STEPS)
        self.walk.setFixedWidth(140)
        self._add("walk", self.walk, "Where on the way from the first window to this one", "place on the walk")
        self.go = self._button("go", "Walk", "Walk from the first window to this one")
        self.go.setCheckable(True)
        self._timer = QTimer(self, interval=_STEP_MS)
        self._timer.timeout.connect(self._step)
        self._species.activated.connect(self._on_species)
        self.walk.valueChanged.connect(self._on_walk)
        self.go.toggled.connect(self._on_go)
        self.say_walk("", False)

    @property
    def species(self) -> str:
        """The species whose decoder is wanted; empty for the window's own."""
        return str(self._species.currentData() or "")

    def offer(self, species: Sequence[str]) -> None:
        """Offer the decoders of these species."""
        self._species.clear()
        self._species.addItem("as its own species", "")
        for name in species:
            self._species.addItem(f"as {name}", name)
        self._species.setVisible(len(species) > 1)

    def forget(self) -> None:
        """Want the window's own species, and stand at the end of the walk."""
        self._species.setCurrentIndex(0)
        self.put_at_end()

    def put_at_end(self) -> None:
        """Stand at the window at the cursor, and walk no more."""
        self.go.setChecked(False)
        self.walk.setValue(_STEPS)

    def say_playing(self, playing: bool) -> None:
        """Call the button by what it does next."""
        self.play.setText("Pause" if playing else "Play")

    def say_walk(self, said: str, possible: bool) -> None:
        """Say where the walk begins, and whether it leads anywhere."""
        self._said.setText(said)
        self._said.setVisible(bool(said))
        for widget in (self.walk, self.go):
            widget.setVisible(possible)
        if not possible:
            self.put_at_end()

    def _step(self) -> None:
        at = self.walk.value() + round(_STEPS * _STEP_MS / 1000 / _WALK_S)
        self.walk.setValue(min(at, _STEPS))
        if at >= _STEPS:
            self.go.setChecked(False)

    def _on_species(self, _: int) -> None:
        self.species_changed.emit()

    def _on_walk(self, at: int) -> None:
        self.walked.emit(at / _STEPS)

    def _on_go(self, going: bool) -> None:
        self.go.setText("Stop" if going else "Walk")
        if going and self.walk.value() == _STEPS:
            self.walk.setValue(0)
        (self._timer.start if going else self._timer.stop)()

    def _button(self, name: str, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        self._add(name, button, tip, "")
        return button

    def _add(self, name: str, widget: QWidget, tip: str, told: str) -> None:
        widget.setObjectName(f"atlas-synthesis-{name}")
        widget.setToolTip(tip)
        widget.setAccessibleName(told or tip)
        self._layout.addWidget(widget)
