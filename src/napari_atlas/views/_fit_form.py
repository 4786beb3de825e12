"""The settings of a fit as a form."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QFrame, QScrollArea, QSizePolicy, QSpinBox, QWidget

from napari_atlas.data.config import describe
from napari_atlas.data.presets import PRESETS, Preset
from napari_atlas.views._scrub_form import ScrubForm
from napari_atlas.views._wheel import WheelPasses

__all__ = ["FitForm"]

_SHOWN = {
    "latent_dim": "Latent dimensions",
    "epochs": "Epochs, at most",
    "beta": "β (KL weight)",
    "temperature_weight": "Temperature weight",
    "seed": "Seed",
}

# Room for two lines, in a very low window.
_LEAST_PX = 56


class FitForm(QScrollArea):  # type: ignore[misc]
    """A preset, the settings that are changed most often, and what is scrubbed; they scroll where room is short."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-fit-form")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self._presets = QComboBox()
        self._presets.setObjectName("atlas-preset")
        self._presets.setAccessibleName("Settings that belong together")
        for i, (name, preset) in enumerate(PRESETS.items()):
            self._presets.addItem(name)
            self._presets.setItemData(i, _meaning(preset), Qt.ItemDataRole.ToolTipRole)
        self._knobs = {knob["name"]: _editor(knob) for knob in describe() if knob["name"] in _SHOWN}
        self.setWidget(QWidget())
        self._form = form = QFormLayout(self.widget())
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Preset", self._presets)
        for name, editor in self._knobs.items():
            form.addRow(_SHOWN[name], editor)
        self.scrubs = ScrubForm()
        form.addRow(self.scrubs)
        passing = WheelPasses(self)
        for editor in (self._presets, *self._knobs.values()):
            editor.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            editor.installEventFilter(passing)
        self._presets.currentTextChanged.connect(self._fill)
        self._knobs["temperature_weight"].valueChanged.connect(self.scrubs.set_temperature_weight)
        self.scrubs.set_temperature_weight(self._knobs["temperature_weight"].value())
        self.scrubs.folded.connect(self._make_room)
        self._fill(self._presets.currentText())

    def value(self) -> dict[str, Any]:
        """Return the settings of the preset, and in place of them those in the form."""
        shown = {name: editor.value() for name, editor in self._knobs.items()}
        return PRESETS[self._presets.currentText()].values | shown | self.scrubs.value()

    def show_temperature(self, wanted: bool) -> None:
        """Show what has to do with temperature, or leave it out where nothing was measured."""
        editor = self._knobs["temperature_weight"]
        for widget in (self._form.labelForField(editor), editor):
            widget.setVisible(wanted)
        self.updateGeometry()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the room that all settings need."""
        return self.widget().sizeHint()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the room for two settings."""
        return QSize(self.widget().minimumSizeHint().width(), _LEAST_PX)

    def _fill(self, name: str) -> None:
        preset = PRESETS[name]
        self._presets.setToolTip(_meaning(preset))
        for knob in describe():
            if knob["name"] in self._knobs and knob["name"] != "seed":
                self._knobs[knob["name"]].setValue(preset.values.get(knob["name"], knob["default"]))
        self.scrubs.set_value(preset.values.get("scrub", ""), preset.values.get("condition", ""))

    def _make_room(self, opened: bool) -> None:
        """Take the height that all settings need now, and bring the opened part into sight."""
        self.updateGeometry()
        if opened:
            QTimer.singleShot(0, self._show_scrubs)

    def _show_scrubs(self) -> None:
        self.ensureWidgetVisible(self.scrubs, 0, 0)


def _meaning(preset: Preset) -> str:
    """Return what a preset is for, and what it sets besides the form."""
    seen = (*_SHOWN, "scrub", "condition")
    others = [f"{name} = {value}" for name, value in preset.values.items() if name not in seen]
    return preset.meaning + (f"\nIt also sets {', '.join(others)}." if others else "")


def _editor(knob: dict[str, Any]) -> Any:
    editor = QDoubleSpinBox() if isinstance(knob["default"], float) else QSpinBox()
    editor.setObjectName(f"atlas-{knob['name']}")
    editor.setAccessibleName(knob["meaning"])
    editor.setToolTip(knob["meaning"])
    editor.setRange(knob["low"], min(knob["high"], 10**6))
    editor.setValue(knob["default"])
    return editor
