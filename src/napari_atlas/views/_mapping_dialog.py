"""Say what the columns of a table are, see at once what would be read, and use it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qtpy.QtCore import QModelIndex, Qt, QTimer, Signal
from qtpy.QtGui import QStandardItem, QStandardItemModel
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QStyledItemDelegate,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_atlas.data.mapping import ColumnMapping
from napari_atlas.data.plans import ImportPlan, PlannedRecording
from napari_atlas.errors import AtlasError, InputError
from napari_atlas.io.table import read_table, write_mapping
from napari_atlas.io.track_file import TrackFile
from napari_atlas.views._canvas import Palette
from napari_atlas.views._mapping_roles import (
    OF_KEYPOINT,
    ROLES,
    Beginning,
    Said,
    begin,
    begin_anew,
    keypoint_of,
    mapping_of,
    missing_of,
    place_for,
    planned_table,
    sentence,
)
from napari_atlas.views._worker import Latest, call_in_thread

__all__ = ["MappingDialog"]

_NAME, _VALUES, _ROLE, _KEYPOINT = range(4)
_HEADINGS = ("Column", "First values", "What it is", "Keypoint")
_WIDTHS = (190, 230, 170, 130)
_WAIT = "Reading …"
_HINT = "Select several lines with Ctrl or Shift to say of all at once what they are."
_LABELS = {label: role for role, label in ROLES.items()}
_Edit = QAbstractItemView.EditTrigger


@dataclass(frozen=True)
class _Read:
    """A mapping that reads, what it gives, where it is to be saved, and whether it is there already."""

    mapping: ColumnMapping
    file: TrackFile
    place: Path
    saved: bool


class MappingDialog(QDialog):  # type: ignore[misc]
    """Ask what the columns of a table are; nothing but the answer is written, and only when it is used.

    Parameters
    ----------
    path
        The table.
    plan
        What the import plans by now; its left-over files may belong to the table.
    palette
        Colours of the theme.
    mapping
        A saved mapping to begin with; ``Path()`` for one that lies beside the table, if there is one.
    """

    planned = Signal(object)
    """The `PlannedRecording` that the table makes, once it is used."""

    def __init__(
        self, path: Path, plan: ImportPlan, palette: Palette, mapping: Path = Path(), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-mapping")
        self.setWindowTitle(f"Columns of {path.name}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._path, self._plan, self._palette = path, plan, palette
        self._source, self._open = Path(), True
        self._read: _Read | None = None
        self._wanted: ColumnMapping | None = None
        self._top: tuple[str, int] = ("", 0)
        self._columns, self._checks, self._begins = _Columns(self), Latest(), Latest()
        self._sheet, self._skip, self._fps, self._missing = QComboBox(), QSpinBox(), QDoubleSpinBox(), QLineEdit()
        self._form, self._said, self._place = QFormLayout(), _label("said"), _label("place")
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._use = self._buttons.addButton("Use", QDialogButtonBox.ButtonRole.AcceptRole)
        self._lay_out()
        self._columns.changed.connect(self._check)
        self._wait()
        self._begins.run(lambda: begin(path, mapping), self._show)

    def done(self, result: int) -> None:
        """Close; what is still being read is let go."""
        self._open = False
        super().done(result)

    def accept(self) -> None:
        """Save the mapping, and plan the recording."""
        if self._read is not None:
            self._save(self._read.place, self._read)

    def _lay_out(self) -> None:
        self._sheet.activated.connect(self._begin_anew)
        self._skip.valueChanged.connect(self._begin_anew)
        self._fps.setRange(0, 1e6)
        self._fps.setDecimals(3)
        self._fps.setSpecialValueText("as the times tell, if any")
        self._fps.valueChanged.connect(self._check)
        self._missing.setPlaceholderText("such as -1, lost")
        self._missing.textChanged.connect(self._check)
        for widget, name, label, meaning in (
            (self._sheet, "sheet", "Sheet", "The sheet of the workbook"),
            (self._skip, "skip", "Rows above the header", "How many rows stand above the names of the columns"),
            (self._fps, "fps", "Frames per second", "How fast the camera was, where no column tells the time"),
            (
                self._missing,
                "missing",
                "Stands for missing",
                "Numbers or words that mean no value, with commas between",
            ),
        ):
            widget.setObjectName(f"atlas-mapping-{name}")
            widget.setAccessibleName(label)
            widget.setToolTip(meaning)
            self._form.addRow(label, widget)
        self._form.setRowVisible(self._sheet, False)
        self._form.setRowVisible(self._skip, self._path.suffix.lower() != ".parquet")
        self._use.setObjectName("atlas-mapping-use")
        self._use.setDefault(True)
        self._buttons.button(QDialogButtonBox.StandardButton.Cancel).setObjectName("atlas-mapping-cancel")
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self._place.setStyleSheet(f"color: {self._palette.muted}")
        layout = QVBoxLayout(self)
        layout.addLayout(self._form)
        layout.addWidget(self._columns, 1)
        for part in (self._said, self._place, self._buttons):
            layout.addWidget(part)
        self.resize(sum(_WIDTHS) + 60, 560)

    def _begin_anew(self, _: Any = None) -> None:
        """Read the columns of another sheet, or below another row."""
        top = self._where()
        if top != self._top:
            self._top = top
            self._wait()
            self._begins.run(lambda: begin_anew(self._path, *top), self._show)

    def _where(self) -> tuple[str, int]:
        """Return the sheet, empty for the first, and the rows above the header."""
        return self._sheet.currentText() if self._sheet.currentIndex() > 0 else "", self._skip.value()

    def _show(self, found: Any) -> None:
        """Show the columns of a table, and what they are thought to be."""
        if not self._open:
            return
        if not isinstance(found, Beginning):
            self._refuse(found)
            return
        plain, self._source = found.mapping, found.source
        if self._sheet.count() != len(found.sheets):
            self._sheet.addItems(found.sheets)
            self._form.setRowVisible(self._sheet, len(found.sheets) > 1)
        self._sheet.setCurrentText(plain.sheet or self._sheet.itemText(0))
        self._top = self._where()[0], plain.skip_rows
        self._skip.setValue(plain.skip_rows)
        if found.source != Path():
            self._fps.setValue(0.0 if math.isnan(plain.fps) else plain.fps)
            self._missing.setText(", ".join(f"{v:g}" if isinstance(v, float) else v for v in plain.missing))
        self._columns.show_columns(found)
        self._check()
        if found.fault:
            self._refuse(found.fault)

    def _check(self, _: Any = None) -> None:
        """Read the table as it is told, in a thread, and tell what comes of it."""
        sheet, skip = self._where()
        missing, fps = missing_of(self._missing.text()), self._fps.value() or math.nan
        plain = ColumnMapping(columns=("any",), fps=fps, sheet=sheet, skip_rows=skip, missing=missing)
        try:
            mapping = mapping_of(self._columns.said(), plain)
        except InputError as error:
            self._checks.drop()
            self._refuse(error)
            return
        path, source = self._path, self._source
        self._wait()
        self._wanted = mapping
        self._checks.run(
            lambda: _Read(mapping, read_table(path, mapping), *place_for(path, mapping, source)),
            lambda read: self._tell(mapping, read),
        )

    def _tell(self, mapping: ColumnMapping, read: Any) -> None:
        """Tell what would be read, and where what was said is kept; or why it cannot be read."""
        if not self._open or self._wanted is not mapping:
            return
        if not isinstance(read, _Read):
            self._refuse(read)
            return
        self._say(sentence(read.file))
        self._read = read
        self._use.setEnabled(True)
        self._use.setToolTip("Plan a recording of this table")
        name = read.place.name
        new = f"Use saves this as {name} beside the table, for other tables like it. No other file is written."
        self._place.setText(f"{name} says so already; nothing is written." if read.saved else new)

    def _wait(self) -> None:
        self._say(_WAIT)

    def _refuse(self, fault: Any) -> None:
        """Tell why the table cannot be read so."""
        self._say(_line(fault, self._path), self._palette.warm)
        self._place.setText(_HINT)

    def _say(self, text: str, color: str = "") -> None:
        """Tell why the table cannot be used yet."""
        self._read = self._wanted = None
        self._use.setEnabled(False)
        self._use.setToolTip(text)
        self._said.setStyleSheet(f"color: {color}" if color else "")
        self._said.setText(text)

    def _save(self, place: Path, read: _Read) -> None:
        """Save the mapping unless it is there, and plan the recording."""
        path, plan = self._path, self._plan

        def work() -> PlannedRecording:
            if not read.saved:
                write_mapping(place, read.mapping)
            return planned_table(path, read.file, place, plan)

        def then(result: Any) -> None:
            if not self._open:
                return
            if isinstance(result, PlannedRecording):
                self.planned.emit(result)
                self.done(QDialog.DialogCode.Accepted)
                return
            self._refuse(result)
            if not read.saved and not place.exists():
                self._ask_place(place, read)

        self._wait()
        call_in_thread(work, then, then)

    def _ask_place(self, place: Path, read: _Read) -> None:
        """Ask where else the mapping can be saved."""
        title = "It cannot be saved beside the table: choose another place"
        chosen, _ = QFileDialog.getSaveFileName(self, title, str(Path.home() / place.name), "Mappings (*.toml)")
        if chosen:
            self._save(Path(chosen), read)
        else:
            self._check()


class _Columns(QTableView):  # type: ignore[misc]
    """A line for each column; what is said of one holds for all lines that are selected."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-mapping-columns")
        self.setAccessibleName("Columns of the table, and what each of them is")
        self.setToolTip(_HINT)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(_Edit.DoubleClicked | _Edit.EditKeyPressed | _Edit.AnyKeyPressed)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.horizontalHeader().setStretchLastSection(True)
        self.horizontalHeader().setHighlightSections(False)
        self.setItemDelegateForColumn(_ROLE, _Roles(self))
        self._lines = QStandardItemModel(self)
        self.setModel(self._lines)
        self._lines.itemChanged.connect(self._on_item)
        self._later = QTimer(self, singleShot=True, interval=0)  # many lines may change at once
        self._later.timeout.connect(self.changed)
        self.clicked.connect(self._on_click)

    def show_columns(self, found: Beginning) -> None:
        """Show the columns of a table."""
        self._lines.clear()
        self._lines.setHorizontalHeaderLabels(_HEADINGS)
        for each in found.said:
            values = " · ".join(filter(None, found.columns[each.column]))
            line = [QStandardItem(text) for text in (each.column, values, ROLES[each.role], each.keypoint)]
            for item in line[:_ROLE]:
                item.setEditable(False)
                item.setToolTip(item.text())
            line[_KEYPOINT].setEnabled(each.role in OF_KEYPOINT)
            line[_KEYPOINT].setToolTip("Its name; for columns of several animals write left/nose, right/nose")
            self._lines.appendRow(line)
        for column, width in enumerate(_WIDTHS):
            self.setColumnWidth(column, width)
        if found.said:
            self.setCurrentIndex(self._lines.index(0, _ROLE))

    def said(self) -> tuple[Said, ...]:
        """Return what is said of each column."""
        texts = (
            [self._lines.item(row, column).text() for column in (_NAME, _ROLE, _KEYPOINT)]
            for row in range(self._lines.rowCount())
        )
        return tuple(Said(name, _LABELS[role], keypoint) for name, role, keypoint in texts)

    def choose(self, index: QModelIndex, label: str) -> None:
        """Say what a column is, and all that are selected with it."""
        rows = {one.row() for one in self.selectionModel().selectedRows()}
        for row in rows if index.row() in rows else {index.row()}:
            self._lines.item(row, _ROLE).setText(label)

    def _on_item(self, item: QStandardItem) -> None:
        """Offer a keypoint where there has to be one."""
        if item.column() == _ROLE:
            keypoint = self._lines.item(item.row(), _KEYPOINT)
            wanted = _LABELS[item.text()] in OF_KEYPOINT
            text = keypoint.text() or keypoint_of(self._lines.item(item.row(), _NAME).text())
            keypoint.setEnabled(wanted)
            keypoint.setText(text if wanted else "")
        self._later.start()

    def _on_click(self, index: QModelIndex) -> None:
        if index.column() in (_ROLE, _KEYPOINT):
            self.edit(index)


class _Roles(QStyledItemDelegate):  # type: ignore[misc]
    """A list of what a column can be, in its cell."""

    def createEditor(self, parent: QWidget, option: Any, index: QModelIndex) -> QComboBox:  # noqa: N802
        """Return the list; what is chosen holds at once."""
        editor = QComboBox(parent)
        editor.setObjectName("atlas-mapping-role")
        editor.setAccessibleName(f"What {index.siblingAtColumn(_NAME).data()} is")
        editor.addItems(list(_LABELS))
        editor.setMaxVisibleItems(len(_LABELS))
        editor.activated.connect(lambda _: self.commitData.emit(editor))
        return editor

    def setEditorData(self, editor: QComboBox, index: QModelIndex) -> None:  # noqa: N802
        """Show what it is."""
        editor.setCurrentText(index.data())

    def setModelData(self, editor: QComboBox, model: Any, index: QModelIndex) -> None:  # noqa: N802
        """Take what was chosen."""
        if editor.currentText() != index.data():
            self.parent().choose(index, editor.currentText())

    def initStyleOption(self, option: Any, index: QModelIndex) -> None:  # noqa: N802
        """Show that there is a list."""
        super().initStyleOption(option, index)
        option.text = f"{option.text}  ▾"


def _label(name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(f"atlas-mapping-{name}")
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label


def _line(error: Any, path: Path) -> str:
    """Return a fault in one line, without the table's name, which stands above, and in the words of the window."""
    text = str(error) if isinstance(error, AtlasError | str) else f"{type(error).__name__}: {error}"
    text = text.removeprefix(f"{path}: ").removeprefix("keypoints.")
    return " ".join(text.replace("say with skip_rows where the header is", "give the rows above the header").split())
