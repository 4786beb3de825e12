"""Ask for one recording: files, species, clock, temperature."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

__all__ = ["AddDialog"]

_FIELDS = (
    ("tracks", "Tracks", "SLEAP, DeepLabCut, Lightning Pose, hull .mat, windows", True),
    ("video", "Video", "optional", True),
    ("temperature", "Temperature", "a log (CSV), a number in °C, or 'folder'; may stay empty", True),
    ("fps", "Frames per second", "empty: taken from the files", False),
    ("led-on", "Time zero at frame", "0", False),
    ("window", "Window (s)", "empty: a good default", False),
    ("stride", "Step (s)", "empty: a good default", False),
)


class AddDialog(QDialog):  # type: ignore[misc]
    """A form for one recording.

    Parameters
    ----------
    species
        Names that the project knows.
    """

    def __init__(self, species: list[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-add")
        self.setWindowTitle("Add a recording")
        self.setMinimumWidth(460)
        self._species = QComboBox()
        self._species.setObjectName("atlas-add-species")
        self._species.setEditable(True)
        self._species.addItems(species)
        self._species.setAccessibleName("Species or rig; write a new name for a new one")
        self._fields = {key: _field(key, hint) for key, _, hint, _ in _FIELDS}
        form = QFormLayout()
        for key, label, _, browse in _FIELDS:
            form.addRow(label, _with_browse(self, self._fields[key]) if browse else self._fields[key])
            if key == "tracks":
                form.addRow("Species", self._species)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self._ok = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self._ok.setText("Add")
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(QLabel("The files stay where they are; the project only points to them."))
        layout.addWidget(buttons)
        self._fields["tracks"].textChanged.connect(self._check)
        self._species.editTextChanged.connect(self._check)
        self._check()

    def arguments(self) -> list[str]:
        """Return what follows ``add PROJECT`` on the command line."""
        told = [self._fields["tracks"].text(), "--species", self._species.currentText()]
        for key, field in self._fields.items():
            if key != "tracks" and field.text().strip():
                told += [f"--{key}", field.text().strip()]
        return told

    def _check(self, _text: str = "") -> None:
        ready = Path(self._fields["tracks"].text()).is_file() and bool(self._species.currentText().strip())
        self._ok.setEnabled(ready)


def _field(key: str, hint: str) -> QLineEdit:
    field = QLineEdit()
    field.setObjectName(f"atlas-add-{key}")
    field.setPlaceholderText(hint)
    field.setAccessibleName(key)
    return field


def _with_browse(parent: QWidget, field: QLineEdit) -> QWidget:
    def browse(_checked: Any = None) -> None:
        path, _ = QFileDialog.getOpenFileName(parent, "Choose a file", str(Path(field.text()).parent))
        if path:
            field.setText(path)

    button = QPushButton("…")
    button.setAccessibleName(f"Choose a file for {field.accessibleName()}")
    button.setMaximumWidth(36)
    button.clicked.connect(browse)
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(field, 1)
    layout.addWidget(button)
    return row
