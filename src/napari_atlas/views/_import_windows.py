"""How the windows of a species are cut, for a species that the project does not have yet."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_atlas.data.signals import signal_label
from napari_atlas.views._canvas import Palette
from napari_atlas.views._import_look import Look

__all__ = ["WindowsForm"]

_AND = " + "
_SPINS = {
    "window": ("Window", "Length of one window; it becomes one point on the map"),
    "stride": ("Step", "From the start of one window to the start of the next"),
    "bin_rate": ("Values per second", "The signal is averaged to so many values per second"),
}
_MOST = 1e5
_MOST_PX = 170


class WindowsForm(QScrollArea):  # type: ignore[misc]
    """Signals that fit, window, step and rate of the species of the recording on show."""

    cut = Signal(str, dict)
    """Name of a species, and the settings that it is to have."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-import-windows")
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self._look: Look | None = None
        self._title, self._count = QLabel(), QLabel()
        self._signals = QListWidget()
        self._signals.setObjectName("atlas-import-signals")
        self._signals.setAccessibleName("Signals that the windows hold")
        self._signals.setToolTip("What is computed from the tracks; tick several to have them side by side")
        self._signals.setSizeAdjustPolicy(QListWidget.SizeAdjustPolicy.AdjustToContents)
        self._signals.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        self._signals.setMinimumHeight(60)
        self._signals.setMaximumHeight(_MOST_PX)
        self._signals.itemChanged.connect(self._on_tick)
        self._spins = {name: _spin(name, *told) for name, told in _SPINS.items()}
        self._inside = QWidget()
        column = QVBoxLayout(self._inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._signals)
        form = QFormLayout()
        column.addLayout(form)
        for name, spin in self._spins.items():
            form.addRow(_SPINS[name][0], spin)
            spin.editingFinished.connect(self._on_edit)
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(0, 4, 8, 4)
        for label in (self._title, self._count):
            label.setWordWrap(True)
        layout.addWidget(self._title)
        layout.addWidget(self._inside)
        layout.addWidget(self._count)
        layout.addStretch(1)
        self.setWidget(inside)
        self.show_look(None, known=False)

    def show_look(self, look: Look | None, known: bool) -> None:
        """Show how the windows of a recording's species are cut; a species that the project has stays as it is."""
        self._look = None
        done = look is not None and look.species.signal == "array"
        for widget in (self._inside, self._count):
            widget.setVisible(look is not None and not done)
        if look is None:
            self._title.setText("Select a recording to see how its windows are cut.")
            return
        name = look.species.name
        titles = {
            done: f"{name}: the windows were cut before; they stay as they are.",
            known and not done: f"{name}: cut as the project cuts them already.",
        }
        self._title.setText(titles.get(True, f"All recordings of {name} are cut like this:"))
        if done:
            return
        self._fill(look)
        self._inside.setEnabled(not known)
        self._count.setText(_count_text(look))
        self._look = look

    def set_palette(self, palette: Palette) -> None:
        """Take the colours of a theme, whose own empty box can hardly be told from the background."""
        self._signals.setStyleSheet(f"QListView::indicator:unchecked {{ border: 1px solid {palette.muted}; }}")

    def _fill(self, look: Look) -> None:
        species = look.species
        unit = " s" if look.recording.timebase.known else " frames"
        used = species.signal.split(_AND)
        self._signals.clear()
        for signal in dict.fromkeys([*used, *look.signals]):
            item = QListWidgetItem(signal_label(signal).capitalize())
            item.setData(Qt.ItemDataRole.UserRole, signal)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if signal in used else Qt.CheckState.Unchecked)
            self._signals.addItem(item)
        for name, spin in self._spins.items():
            spin.setValue(getattr(species, name))
            if name != "bin_rate":
                spin.setSuffix(unit)

    def _on_tick(self, item: QListWidgetItem) -> None:
        """Take the ticked signals; the last tick cannot be taken away."""
        if self._look is None:
            return
        if not self._ticked():
            item.setCheckState(Qt.CheckState.Checked)
            return
        self._on_edit()

    def _ticked(self) -> list[str]:
        items = [self._signals.item(i) for i in range(self._signals.count())]
        return [str(i.data(Qt.ItemDataRole.UserRole)) for i in items if i.checkState() == Qt.CheckState.Checked]

    def _on_edit(self) -> None:
        look = self._look
        if look is None:
            return
        told: dict[str, Any] = {name: spin.value() for name, spin in self._spins.items()}
        told["signal"] = _AND.join(self._ticked())
        if any(getattr(look.species, name) != value for name, value in told.items()):
            self.cut.emit(look.species.name, told)


def _spin(name: str, label: str, meaning: str) -> QDoubleSpinBox:
    spin = QDoubleSpinBox()
    spin.setObjectName(f"atlas-import-{name}".replace("_", "-"))
    spin.setAccessibleName(label)
    spin.setToolTip(meaning)
    spin.setDecimals(3)
    spin.setRange(0.0 if name == "bin_rate" else 0.001, _MOST)
    spin.setKeyboardTracking(False)
    spin.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    if name == "bin_rate":
        spin.setSpecialValueText("every frame")
    return spin


def _count_text(look: Look) -> str:
    """Return how many windows the recording gives, all animals together."""
    species, clock = look.species, look.recording.timebase
    rate = species.bin_rate or (clock.fps if clock.known else 1.0)
    length, step = species.bins(species.window, rate), species.bins(species.stride, rate)
    n = max(0, (len(look.trace) - length) // step + 1) * len(look.recording.individuals)
    if not n:
        return "This recording is too short for one window: make it shorter."
    return f"This recording gives about {n} windows of {length} values each."
