"""The fits of a project: listed, shown, continued, named, compared, deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QMessageBox, QPushButton, QVBoxLayout, QWidget
from superqt import QFlowLayout

from napari_atlas import workflow
from napari_atlas.session.session import JobState
from napari_atlas.views._canvas import Links
from napari_atlas.views._run_comparison import RunComparison
from napari_atlas.views._run_model import RunTable, run_table
from napari_atlas.views._run_table import RunsTable
from napari_atlas.views._worker import call_in_thread
from napari_atlas.views.desk import Desk

__all__ = ["RunsDock"]

_NO_PROJECT = "No project is open."
_NO_RUNS = "No fit yet: press Train in the training dock."
_TO_SEE = ("complete", "stopped", "interrupted")


class RunsDock(QWidget):  # type: ignore[misc]
    """List the runs of the project on show, the newest first; it listens only while it can be seen.

    Parameters
    ----------
    desk
        What carries wishes out.
    """

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-runs")
        self._desk = desk
        self._table = table = RunsTable(self)
        self._said = QLabel()
        self._said.setObjectName("atlas-runs-said")
        self._said.setWordWrap(True)
        self._said.setMinimumWidth(1)  # A long path must not widen the dock.
        self._buttons = {
            "show": _button(
                "Show", "Show the selected run (Return)", lambda: desk.open(self._folder, table.chosen()[0].name)
            ),
            "continue": _button(
                "Continue",
                "Go on with a fit that was stopped or cut off (Ctrl+Return)",
                lambda: desk.go_on(table.chosen()[0].name),
            ),
            "rename": _button("Rename", "Give the selected run a name (F2)", table.edit_name),
            "compare": _button("Compare", "Set the selected runs side by side (Ctrl+D)", self._compare),
            "delete": _button("Delete", "Delete the selected runs (Del)", self._ask_to_delete),
        }
        self._lay_out()
        self._folder, self._asked, self._error, self._verb = Path(), 0, "", ""
        table.runs.renamed.connect(self._rename)
        table.selectionModel().selectionChanged.connect(self._offer)
        table.doubleClicked.connect(self._buttons["show"].click)
        self._links = Links(
            (desk.session.atlas_changed, self.refresh),
            (desk.session.job_changed, self._on_job),
            (desk.runner.event, self._on_event),
        )

    def refresh(self) -> None:
        """Read the runs in a worker thread; a later reading overtakes an earlier one."""
        self._asked += 1
        asked, folder = self._asked, self._desk.folder

        def fill(table: RunTable, said: str = "") -> None:
            if asked == self._asked:
                self._fill(folder, table, said)

        if folder == Path():
            fill(RunTable(), _NO_PROJECT)
            return
        call_in_thread(lambda: run_table(workflow.runs(folder)), fill, lambda error: fill(RunTable(), str(error)))

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Listen, and read anew what may have changed meanwhile."""
        super().showEvent(event)
        self._links.connect()
        self._verb = self._desk.session.job.verb
        self.refresh()

    def hideEvent(self, event: Any) -> None:  # noqa: N802
        """Let go of the session."""
        self._links.disconnect()
        self._asked += 1
        super().hideEvent(event)

    def _lay_out(self) -> None:
        keys = {
            "show": ("Return", "Enter"),
            "continue": ("Ctrl+Return",),
            "rename": ("F2",),
            "compare": ("Ctrl+D",),
            "delete": ("Del",),
        }
        row = QFlowLayout()
        row.setContentsMargins(0, 0, 0, 0)
        for name, button in self._buttons.items():
            row.addWidget(button)
            self._table.add_keys(keys[name], button.click)
        self._table.add_keys(("F5",), self.refresh)
        layout = QVBoxLayout(self)
        layout.addWidget(self._table, 1)
        layout.addWidget(self._said)
        layout.addLayout(row)

    def _fill(self, folder: Path, table: RunTable, said: str) -> None:
        atlas = self._desk.session.atlas
        if folder != self._folder:
            self._folder, self._error = folder, ""
        self._table.show_table(table, atlas.run if atlas else "")
        self._say(self._error or said or ("" if table.rows else _NO_RUNS))
        self._offer()

    def _say(self, text: str) -> None:
        self._said.setText(text)
        self._said.setToolTip(text)
        self._said.setVisible(bool(text))

    def _offer(self) -> None:
        """Let the buttons be pressed that make sense for what is selected."""
        chosen = self._table.chosen()
        only = chosen[0] if len(chosen) == 1 else None
        idle = not self._desk.session.job.running
        self._buttons["show"].setEnabled(only is not None and only.state in _TO_SEE)
        self._buttons["continue"].setEnabled(only is not None and only.resumable and idle)
        self._buttons["rename"].setEnabled(only is not None)
        self._buttons["compare"].setEnabled(len(chosen) > 1)
        self._buttons["delete"].setEnabled(len(chosen) > 0)

    def _on_job(self, job: JobState) -> None:
        if job.verb != self._verb:
            self._verb = job.verb
            self.refresh()

    def _on_event(self, event: dict[str, Any]) -> None:
        if event.get("event") == "started" and "folder" in event:
            self.refresh()
        elif event.get("event") == "epoch":
            self._table.runs.count_epochs(self._desk.runner.run_folder.name, event["epoch"])

    def _rename(self, run: str, label: str) -> None:
        folder = self._folder
        self._do(lambda: workflow.rename_run(folder, run, label), lambda _: self.refresh())

    def _compare(self) -> None:
        folder, names = self._folder, [row.name for row in self._table.chosen()]
        self._do(lambda: workflow.compare_runs(folder, names), lambda rows: RunComparison(rows, self).show())

    def _ask_to_delete(self) -> None:
        chosen = self._table.chosen()
        if busy := [row.called for row in chosen if row.state == "running"]:
            self._say(f"Run {busy[0]} is being fitted: stop it first.")
            return
        what = f"run {chosen[0].called}" if len(chosen) == 1 else f"{len(chosen)} runs"
        box = QMessageBox(QMessageBox.Icon.Question, "Delete", f"Delete {what}? This cannot be undone.", parent=self)
        box.setObjectName("atlas-runs-ask")
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.addButton("Delete", QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.accepted.connect(lambda: self._delete([row.name for row in chosen]))
        box.open()

    def _delete(self, names: list[str]) -> None:
        folder, desk = self._folder, self._desk

        def delete() -> None:
            for name in names:
                workflow.delete_run(folder, name)

        def reopen(_: Any) -> None:
            """Show the newest run if the one on show is gone; what lists runs hears of it either way."""
            if desk.session.atlas and desk.folder == folder:
                beside = desk.session.beside
                if beside is not None and beside.run in names:
                    desk.session.show_beside(None)
                shown = desk.session.atlas.run
                desk.open(folder, "" if shown in names else shown)

        self._do(delete, reopen)

    def _do(self, deed: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Do something in a worker thread, and say in one line what went wrong."""

        def fail(error: Exception) -> None:
            self._error = str(error)
            self.refresh()

        self._error = ""
        self._say("")
        call_in_thread(deed, then, fail)


def _button(text: str, meaning: str, action: Callable[[], None]) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(f"atlas-runs-{text.lower()}")
    button.setToolTip(meaning)
    button.setAccessibleName(meaning)
    button.setMinimumWidth(72)
    button.clicked.connect(action)
    return button
