"""Ask which windows are to be written as a table, and where to."""

from __future__ import annotations

from pathlib import Path

from napari.utils.notifications import show_info
from qtpy.QtCore import Qt
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_atlas.data.results import counted
from napari_atlas.errors import InputError
from napari_atlas.io.export import check_target, format_of
from napari_atlas.views.desk import Desk

__all__ = ["ExportDialog", "export_dialog"]

_WHAT = (
    "One row per window: recording, animal, frames, seconds, labels, latent, map, clusters, tags, selections and notes."
    " A second file beside it says what each column means."
)
_KINDS = "Comma-separated text (*.csv);;Tab-separated text (*.tsv);;Parquet (*.parquet)"
# What fits on every system's command line.
_LONGEST = 20_000


def export_dialog(desk: Desk, parent: QWidget) -> ExportDialog:
    """Open the dialog that writes the windows of the project on show as a table."""
    dialog = ExportDialog(desk, parent)
    dialog.open()
    return dialog


class ExportDialog(QDialog):  # type: ignore[misc]
    """Choose windows and a file; the verb ``export`` writes it.

    Parameters
    ----------
    desk
        Whose project on show is meant.
    parent
        Qt parent.
    """

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-export-dialog")
        self.setWindowTitle("Export table")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._desk, self._folder = desk, desk.folder
        self._run = desk.session.atlas.run if desk.session.atlas else ""
        self._windows = QComboBox()
        _name(self._windows, "atlas-export-windows", "Which windows are written")
        self._fill()
        self._file = QLineEdit(str(self._folder.parent / f"{self._folder.stem}-windows.csv"))
        _name(self._file, "atlas-export-file", "The file; its ending says how it is written: .csv, .tsv or .parquet")
        self._said = QLabel()
        self._said.setObjectName("atlas-export-said")
        self._said.setWordWrap(True)
        self._lay_out()

    def accept(self) -> None:
        """Write the table, after asking whether a file that is there may be replaced."""
        file = Path(self._file.text().strip()).expanduser()
        try:
            check_target(file, format_of(file), force=True)
        except InputError as error:
            self._said.setText(str(error))
            return
        if not file.exists():
            self._write(file)
            return
        box = QMessageBox(
            QMessageBox.Icon.Question, "Export table", f"{file.name} exists already. Replace it?", parent=self
        )
        box.setObjectName("atlas-export-ask")
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.addButton("Replace", QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.accepted.connect(lambda: self._write(file, "--force"))
        box.open()

    def _write(self, file: Path, *options: str) -> None:
        """Run the verb; the dialog goes, and what came of it is told."""
        if self._desk.session.job.running:
            self._said.setText(f"Wait for the {self._desk.session.job.verb} under way, or stop it.")
            return
        run = ("--run", self._run) if self._run else ()
        chosen = self._windows.currentData()
        wrote = f"Wrote {file}"
        self._desk.runner.run(
            "export", str(self._folder), str(file), *run, *chosen, *options, then=lambda: show_info(wrote)
        )
        super().accept()

    def _fill(self) -> None:
        """Offer all windows, those selected now, and the saved selections."""
        session = self._desk.session
        n_windows = len(session.atlas.windows.table) if session.atlas else 0
        self._windows.addItem(f"all {counted(n_windows, 'window')}", ())
        if len(session.selection):
            ids = ",".join(map(str, session.selection.ids.tolist()))
            self._windows.addItem(f"the selection ({counted(len(session.selection), 'window')})", ("--windows", ids))
            if len(ids) > _LONGEST:
                self._windows.model().item(1).setEnabled(False)
                self._windows.setItemText(1, "the selection: save it first, it is very large")
        for mark in session.annotations.of_kind("selection"):
            self._windows.addItem(f"saved selection: {mark.name}", ("--selection", mark.name))

    def _browse(self) -> None:
        asked = QFileDialog.Option.DontConfirmOverwrite
        path, _ = QFileDialog.getSaveFileName(self, "Export table", self._file.text(), _KINDS, options=asked)
        if path:
            self._file.setText(path)

    def _lay_out(self) -> None:
        what = QLabel(_WHAT)
        what.setWordWrap(True)
        browse = QPushButton("Browse…")
        _name(browse, "atlas-export-browse", "Choose the file")
        browse.setAutoDefault(False)
        browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self._file, 1)
        row.addWidget(browse)
        form = QFormLayout()
        form.addRow("Windows", self._windows)
        form.addRow("File", row)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        cancel = buttons.button(QDialogButtonBox.StandardButton.Cancel)
        _name(cancel, "atlas-export-cancel", "Write nothing")
        cancel.setIcon(QIcon())
        export = buttons.addButton("Export", QDialogButtonBox.ButtonRole.AcceptRole)
        _name(export, "atlas-export-do", "Write the table")
        export.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(what)
        layout.addLayout(form)
        layout.addWidget(self._said)
        layout.addWidget(buttons)
        self.setMinimumWidth(460)


def _name(widget: QWidget, name: str, meaning: str) -> None:
    widget.setObjectName(name)
    widget.setAccessibleName(meaning)
    widget.setToolTip(meaning)
