"""The import dock: drop a folder, see what was recognised, mend it, add it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QHBoxLayout, QMenu, QPushButton, QScrollArea, QSplitter, QStackedLayout, QVBoxLayout, QWidget
from superqt import QElidingLabel

from napari_atlas.data.atlas import Atlas
from napari_atlas.data.plans import ImportPlan
from napari_atlas.data.species import Species
from napari_atlas.errors import InputError
from napari_atlas.io.project import is_project
from napari_atlas.session.session import JobState
from napari_atlas.views._canvas import Links, palette_of
from napari_atlas.views._import_details import Details, in_window
from napari_atlas.views._import_draft import Draft
from napari_atlas.views._import_drop import Chooser, DropArea, Drops
from napari_atlas.views._import_foot import Foot, summary_of
from napari_atlas.views._import_inspector import Inspector
from napari_atlas.views._import_jobs import ImportJobs
from napari_atlas.views._import_table import ImportTable
from napari_atlas.views.desk import Desk

__all__ = ["ImportDock"]


class ImportDock(QWidget):  # type: ignore[misc]
    """Recognise what files and folders hold, let it be mended, and add it to the project on show.

    Parameters
    ----------
    desk
        What carries wishes out.
    """

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-import")
        self._desk, self._folder = desk, desk.folder
        self.draft = Draft()
        self._jobs = ImportJobs(desk)
        self._area, self._foot, self._sources = DropArea(), Foot(), QElidingLabel()
        self._table, self._details, self._inspector = ImportTable(self.draft), Details(), Inspector()
        self._use = QPushButton("Use as…")
        self._pages = QStackedLayout()
        self._lay_out()
        Drops(self, self.take, self._area.highlight)
        self._table.chosen_changed.connect(self._on_chosen)
        self._inspector.edited.connect(self._on_edited)
        self._inspector.cut.connect(self.draft.cut)
        self._inspector.looked.connect(self._tell)
        self._foot.add_wanted.connect(self._add)
        self._foot.stop_wanted.connect(self._jobs.stop)
        self._foot.project_wanted.connect(desk.new)
        session = desk.session
        self._links = Links(
            (self.draft.changed, self._on_draft),
            (self._jobs.planned, self.draft.take),
            (self._jobs.told, self.draft.tell),
            (self._jobs.ended, self._on_ended),
            (session.atlas_changed, self._on_atlas),
            (session.job_changed, self._on_job),
            *self._jobs.links,
        )
        self._links.connect()
        self._on_draft()

    def set_theme(self, theme: str) -> None:
        """Follow a napari theme, given by its id."""
        for part in (self._area, self._table, self._inspector):
            part.set_theme(theme)
        self._details.set_palette(palette_of(theme))
        self._tell()

    def take(self, sources: Sequence[Path]) -> None:
        """Look at files and folders, beside those that were looked at before; a project is opened instead."""
        if len(sources) == 1 and is_project(sources[0]):
            self._desk.open(sources[0])
        elif sources:
            self._jobs.look(tuple(dict.fromkeys([*self.draft.plan.sources, *sources])))

    def closeEvent(self, event: Any) -> None:  # noqa: N802
        """Let go of session and video; what was edited is kept."""
        self._links.disconnect()
        self._inspector.release()
        super().closeEvent(event)

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Listen again after having been closed."""
        if self._links.connect():
            self._folder = self._desk.folder
            self._on_draft()
            self._on_job(self._desk.session.job)
        super().showEvent(event)

    def _lay_out(self) -> None:
        chooser, clear = Chooser(), QPushButton("Clear")
        for each in (chooser, self._area):
            each.chosen.connect(self.take)
        clear.setObjectName("atlas-import-clear")
        clear.setToolTip("Forget what was recognised here; no file and no project is changed")
        clear.clicked.connect(lambda _: self.draft.take(ImportPlan()))
        self._use.setObjectName("atlas-import-use")
        self._use.setToolTip("Use the selected file for a recording")
        menu = QMenu(self._use)
        menu.setObjectName("atlas-import-use-menu")
        menu.aboutToShow.connect(lambda: self._table.fill_use_menu(menu))
        self._use.setMenu(menu)
        shortcut = QShortcut(QKeySequence("Ctrl+Return"), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(self._add)
        top, below, split = QWidget(), QWidget(), QSplitter()
        _row(top, (self._sources, 1), (clear, 0), (chooser, 0))
        _row(below, (self._details, 1), (self._use, 0))
        below.layout().setAlignment(self._use, Qt.AlignmentFlag.AlignTop)
        left = QSplitter(Qt.Orientation.Vertical)
        for place, (widget, share) in enumerate(((self._table, 3), (below, 1))):
            left.addWidget(widget)
            left.setStretchFactor(place, share)
            left.setCollapsible(place, False)
        for place, (widget, share) in enumerate(((left, 2), (self._inspector, 1))):
            split.addWidget(widget)
            split.setStretchFactor(place, share)
            split.setCollapsible(place, False)
        left.setSizes([310, 120])
        split.setSizes([830, 360])
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(top)
        column.addWidget(split, 1)
        self._pages.addWidget(self._area)
        self._pages.addWidget(page)
        # Scrolled, so that it does not make the docks tall that it shares its place with, and so that what changes
        # here does not lay the whole window out anew.
        scroll, inside = QScrollArea(), QWidget()
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidgetResizable(True)
        column = QVBoxLayout(inside)
        column.addLayout(self._pages, 1)
        column.addWidget(self._foot)
        scroll.setWidget(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)

    def _on_draft(self) -> None:
        plan = self.draft.plan
        self._pages.setCurrentIndex(int(bool(plan.recordings or plan.left_over)))
        self._sources.setText("  ·  ".join(path.name for path in plan.sources))
        self._sources.setToolTip("\n".join(str(path) for path in plan.sources))
        self._table.refresh()
        if not self._jobs.doing:
            self._foot.say(summary_of(plan) if plan.sources else "")
        self._on_chosen()
        self._offer()

    def _on_chosen(self) -> None:
        """Show what is selected: its form, its picture, and what is known of it."""
        self._inspector.show_rows(self.draft, self._table.chosen())
        row = self._table.current()
        planned = self.draft.plan.recordings[row] if row >= 0 else None
        known = _species(self._desk.session.atlas, planned.request.species) if planned else None
        self._inspector.show_recording(planned, known)
        self._use.setVisible(self._table.usable)
        self._tell()

    def _tell(self, _look: Any = None) -> None:
        """Tell what is known of the line that is selected."""
        row, left, look = self._table.current(), self._table.left(), self._inspector.look
        if row >= 0:
            fault = self.draft.fault(row)
            faults = (fault,) if fault else look.faults if look else ()
            self._details.show_recording(self.draft.plan.recordings[row], tuple(map(in_window, faults)))
        elif left is not None:
            self._details.show_left(left)
        else:
            self._details.show_text("Select a line to see how its files were matched.")

    def _on_edited(self, key: str, text: str) -> None:
        try:
            self.draft.edit(self._table.chosen(), key, text)
        except InputError as error:
            self._inspector.say(" ".join(str(error).split()))

    def _on_atlas(self, atlas: Atlas) -> None:
        """Look again if another project was opened, since that may hold other recordings."""
        before, self._folder = self._folder, atlas.folder
        if before not in (Path(), atlas.folder) and self.draft.plan.sources:
            self._jobs.look(self.draft.plan.sources)
        if self.draft.plan.sources:  # an empty dock has nothing to tell, and a fit that ends is no time to linger
            self._on_chosen()
        self._offer()

    def _on_job(self, job: JobState) -> None:
        self._foot.show_job(job, ours=bool(self._jobs.doing) and job.running)
        self._offer()

    def _on_ended(self, problem: str) -> None:
        added, refused = len(self.draft.added), len(self.draft.refused)
        told = [f"{added} added to {self._desk.folder.name}"] if added else []
        told += [f"{refused} refused: the reason is in Notes"] if refused else []
        self._foot.say("; ".join(told) or problem or summary_of(self.draft.plan))
        self._offer()

    def _offer(self) -> None:
        self._foot.offer(self.draft, self._desk.folder != Path(), self._desk.session.job.verb)

    def _add(self) -> None:
        if self.draft.ready and self._desk.folder != Path():
            self._jobs.add(self.draft.plan, self.draft.ready)


def _row(widget: QWidget, *parts: tuple[QWidget, int]) -> None:
    """Lay parts out side by side, each with its stretch."""
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    for part, stretch in parts:
        row.addWidget(part, stretch)


def _species(atlas: Atlas | None, name: str) -> Species | None:
    """Return a species as the project on show has it; None if it does not."""
    return next((s for s in atlas.windows.species if s.name == name), None) if atlas is not None else None
