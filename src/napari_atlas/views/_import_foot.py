"""The last line of the import dock: what there is, how a job is doing, and the button that adds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QProgressBar, QPushButton, QWidget
from superqt import QElidingLabel

from napari_atlas.data.plans import ImportPlan
from napari_atlas.session.session import JobState
from napari_atlas.views._import_draft import Draft

__all__ = ["Foot", "summary_of"]


class Foot(QWidget):  # type: ignore[misc]
    """Say what would be added, or how far a job is, with a button to add and one to stop."""

    add_wanted = Signal()
    project_wanted = Signal(object)
    """Where a project is to be made."""
    stop_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._said = QElidingLabel()
        self._said.setObjectName("atlas-import-said")
        self._bar = QProgressBar()
        self._bar.setObjectName("atlas-import-progress")
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(180, 8)
        self._stop = _button("Stop", "Stop; what was added stays in the project ", self.stop_wanted.emit)
        self._new = _button("New project…", "Recordings are added to a project: make one here", self._ask_project)
        self._add = _button("Add", "", self.add_wanted.emit)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._said, 1)
        for widget in (self._bar, self._stop, self._new, self._add):
            row.addWidget(widget)
        self.show_job(JobState(), ours=False)

    def say(self, text: str) -> None:
        """Say something."""
        self._said.setText(text)
        self._said.setToolTip(text)

    def show_job(self, job: JobState, ours: bool) -> None:
        """Tell how far a job of the import is."""
        if ours:
            self.say(job.text)
        self._stop.setVisible(ours)
        self._bar.setVisible(ours and job.total > 0)
        self._bar.setRange(0, max(1, job.total))
        self._bar.setValue(job.done)

    def offer(self, draft: Draft, project: bool, busy: str) -> None:
        """Offer to add what is chosen; what is missing for that is told in the tooltip.

        Parameters
        ----------
        draft
            What there is.
        project
            Whether a project is open.
        busy
            The verb under way; empty if there is none.
        """
        n = len(draft.ready)
        self._add.setText(f"Add {n} recording{'' if n == 1 else 's'}" if n else "Add recordings")
        reason = ""
        if busy:
            reason = f"Wait for the {busy} under way, or stop it"
        elif not n:
            reason = "Tick a recording first" if draft.plan.recordings else "Choose files or a folder first"
        elif not project:
            reason = "Recordings are added to a project: make one with New project, or open one in the project dock"
        meaning = reason or "Add the ticked recordings to the project; their files stay where they are (Ctrl+Return)"
        self._add.setEnabled(not reason)
        self._add.setToolTip(meaning)
        self._add.setAccessibleDescription(meaning)
        self._new.setVisible(not project)

    def _ask_project(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "New project", "behaviour.atlas")
        if path:
            self.project_wanted.emit(Path(path))


def summary_of(plan: ImportPlan) -> str:
    """Return what was recognised, in one line."""
    n, kinds, left = len(plan.recordings), len(plan.by_species), len(plan.left_over)
    if not n:
        return f"No recording was recognised among {left} files." if left else "There are no files to be looked at."
    told = f"{n} recording{'' if n == 1 else 's'} of {kinds} species"
    return told + (f", {left} file{'' if left == 1 else 's'} not used" if left else "")


def _button(text: str, meaning: str, action: Callable[[], None]) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(f"atlas-import-{text.split(maxsplit=1)[0].lower()}")
    button.setToolTip(meaning)
    button.setAccessibleDescription(meaning)
    button.setMinimumWidth(72)
    button.clicked.connect(lambda _: action())
    return button
