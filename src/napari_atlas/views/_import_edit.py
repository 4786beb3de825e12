"""A form for what is selected in the table of an import; one value for many recordings at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QFrame,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QWidget,
)

from napari_atlas.data.plans import ImportPlan, PlannedRecording
from napari_atlas.views._import_drop import Drops
from napari_atlas.views._import_fields import FIELDS, Field, common_text

__all__ = ["EditForm"]

_SEVERAL = "several"
_CHOOSE = "Choose a file…"
_THERMAL = ("temperature", "temperature_unit")


class EditForm(QScrollArea):  # type: ignore[misc]
    """Fields of the selected recordings; a value that is typed holds for all of them."""

    edited = Signal(str, str)
    """Name of a field, and what was typed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-import-edit")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setWidget(QWidget())
        self._title, self._fault = QLabel(), QLabel()
        self._fault.setObjectName("atlas-import-fault")
        for label in (self._title, self._fault):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        self._wants_temperature = False
        self._editors: dict[str, _Editor | _Tick] = {key: _editor(field) for key, field in FIELDS.items()}
        self._more = QPushButton("Add temperature…")
        self._more.setObjectName("atlas-import-add-temperature")
        self._more.setToolTip("Give a number or a log; without one, nothing here speaks of temperature")
        self._more.clicked.connect(self._ask_temperature)
        self._form = form = QFormLayout(self.widget())
        form.setContentsMargins(0, 4, 8, 4)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow(self._title)
        for key, editor in self._editors.items():
            form.addRow(FIELDS[key].label, editor)
            editor.edited.connect(self.edited)
        form.addRow(self._more)
        form.addRow(self._fault)

    def show_recordings(self, recordings: Sequence[PlannedRecording], plan: ImportPlan, thermal: bool) -> None:
        """Show what these recordings have in common.

        Parameters
        ----------
        recordings
            What is selected; with none, nothing can be edited.
        plan
            Offers its species and left-over files.
        thermal
            Whether there is any temperature.
        """
        n = len(recordings)
        self._title.setText(
            {0: "Select the recordings to edit.", 1: "For the selected recording:"}.get(
                n, f"For {n} recordings at once:"
            )
        )
        self.say("")
        offered = _offered(plan)
        for key, editor in self._editors.items():
            field = FIELDS[key]
            text, differ = common_text([field.text(r) for r in recordings])
            told, unlike = common_text([field.told(r) for r in recordings])
            hint = _SEVERAL if differ or unlike else told
            editor.setEnabled(n == 1 if key == "name" else n > 0)
            picks = field.choices or offered.get(field.kind or key, ())
            editor.show_value("" if differ else text, hint if n else "", picks)
            self._form.setRowVisible(editor, field.wanted(recordings))
        shown = thermal or self._wants_temperature
        for key in _THERMAL:
            self._form.setRowVisible(self._editors[key], shown)
        self._more.setVisible(not shown and n > 0)

    def say(self, fault: str) -> None:
        """Tell why a value cannot be used; it stays as it was typed."""
        self._fault.setText(fault)
        self._fault.setVisible(bool(fault))

    def set_fault_color(self, color: str) -> None:
        """Take the colour of faults, as "#rrggbb"."""
        self._fault.setStyleSheet(f"color: {color}")

    def _ask_temperature(self) -> None:
        self._wants_temperature = True
        for key in _THERMAL:
            self._form.setRowVisible(self._editors[key], True)
        self._more.hide()
        self._editors["temperature"].setFocus()


def _offered(plan: ImportPlan) -> dict[str, tuple[str, ...]]:
    """Return what can be picked, by kind of file or by field."""
    offered: dict[str, tuple[str, ...]] = {"species": tuple(plan.by_species)}
    for kind, values in (
        ("video", [str(r.request.video) for r in plan.recordings if r.request.video != Path()]),
        ("timestamps", [str(r.request.timestamps) for r in plan.recordings if r.request.timestamps != Path()]),
        ("temperature", [r.request.temperature for r in plan.recordings if r.request.temperature]),
    ):
        left = [str(x.found.path) for x in plan.left_over if x.found.kind == kind]
        offered[kind] = tuple(dict.fromkeys([*left, *values]))
    return offered


class _Editor(QComboBox):  # type: ignore[misc]
    """A line to type in, with a list where there is something to pick from."""

    edited = Signal(str, str)

    def __init__(self, field: Field) -> None:
        super().__init__()
        self._field = field
        self._shown = ""
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setObjectName(f"atlas-import-{field.key}".replace("_", "-"))
        self.setAccessibleName(field.label)
        self.setToolTip(field.meaning)
        self.setMinimumContentsLength(8)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.completer().setCaseSensitivity(Qt.CaseSensitivity.CaseSensitive)
        self.lineEdit().setAcceptDrops(False)
        if field.kind:
            Drops(self, lambda paths: self._tell(str(paths[0])))
        self.activated.connect(self._pick)
        self.lineEdit().editingFinished.connect(self._finish)

    def show_value(self, text: str, hint: str, offered: tuple[str, ...]) -> None:
        """Show a value, or what holds where there is none, and what can be picked."""
        self._shown = text
        self.clear()
        files = bool(self._field.kind)
        for value in dict.fromkeys(offered):
            self.addItem(_short(value) if files else value, value)
        if files:
            self.insertItem(0, "none", "")
            self.addItem(_CHOOSE, _CHOOSE)
        self.setCurrentIndex(-1)
        self.lineEdit().setPlaceholderText(hint)
        self.lineEdit().setText(_short(text) if files else text)
        self.lineEdit().setCursorPosition(0)
        self.setToolTip(f"{self._field.meaning}\n{text}" if text else self._field.meaning)

    def wheelEvent(self, event: Any) -> None:  # noqa: N802
        """Leave the wheel to the form, which scrolls."""
        event.ignore()

    def _pick(self, place: int) -> None:
        value = str(self.itemData(place))
        if value == _CHOOSE:
            self.lineEdit().setText(_short(self._shown))
            value, _ = QFileDialog.getOpenFileName(self, f"{self._field.label}: choose a file")
            if not value:
                return
        self._tell(value)

    def _finish(self) -> None:
        text = self.lineEdit().text().strip()
        known = {_short(str(self.itemData(i))): str(self.itemData(i)) for i in range(self.count())}
        self._tell(known.get(text, self._shown if text == _short(self._shown) else text) if self._field.kind else text)

    def _tell(self, value: str) -> None:
        if value not in (self._shown, _CHOOSE):
            self._shown = value
            self.edited.emit(self._field.key, value)


class _Tick(QCheckBox):  # type: ignore[misc]
    """Yes or no; half ticked where the recordings differ."""

    edited = Signal(str, str)

    def __init__(self, field: Field) -> None:
        super().__init__()
        self._key = field.key
        self.setObjectName(f"atlas-import-{field.key}".replace("_", "-"))
        self.setAccessibleName(field.label)
        self.setToolTip(field.meaning)
        self.clicked.connect(self._tell)

    def show_value(self, text: str, hint: str, offered: tuple[str, ...]) -> None:
        """Show whether it is so."""
        several = hint == _SEVERAL
        self.setCheckState(
            Qt.CheckState.PartiallyChecked
            if several
            else Qt.CheckState.Checked
            if text in offered
            else Qt.CheckState.Unchecked
        )

    def _tell(self) -> None:
        self.setTristate(False)
        self.edited.emit(self._key, "yes" if self.isChecked() else "")


def _editor(field: Field) -> _Editor | _Tick:
    if field.choices == ("yes",):
        return _Tick(field)
    editor = _Editor(field)
    if not (field.kind or field.choices or field.key == "species"):
        editor.setStyleSheet("QComboBox::drop-down, QComboBox::down-arrow { width: 0px; border: none; image: none; }")
    return editor


def _short(value: str) -> str:
    """Return the name of a file, or else the text as it is."""
    return Path(value).name if len(value) > 1 and ("/" in value or "\\" in value) else value
