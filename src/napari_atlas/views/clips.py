"""A wall of clips of a selection or a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QFileDialog, QLabel, QVBoxLayout, QWidget

from napari_atlas.analysis.exemplars import Exemplars, exemplars
from napari_atlas.data.atlas import Atlas
from napari_atlas.data.results import counted
from napari_atlas.session.review import go_to
from napari_atlas.views._behind import hide_behind_tabs
from napari_atlas.views._canvas import Links, palette_of
from napari_atlas.views._clips_bar import ClipsBar
from napari_atlas.views._clips_model import SELECTED, groups_of
from napari_atlas.views._clips_wall import ClipWall
from napari_atlas.views._worker import Latest
from napari_atlas.views.desk import Desk

__all__ = ["ClipsDock"]

_WAIT_MS = 150
_NO_PROJECT = "No project is open."
_NOTHING = "Select windows on the map, or choose a cluster above: clips of them appear here."
_EMPTY = "There is no window in this group."


class ClipsDock(QWidget):  # type: ignore[misc]
    """Show clips of a few windows that stand for the selected ones or for a cluster, all playing together.

    A click on a clip selects its window and goes there. Nothing is read while the dock cannot be seen.

    Parameters
    ----------
    desk
        Whose session is shown.
    parent
        Qt parent.
    """

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-clips")
        self.setAccessibleName("clips")
        self._desk, session = desk, desk.session
        self._selected, self._own = session.selection.ids, -1
        self._total, self._said = 0, ""
        self._notes: tuple[str, ...] = ()
        self._latest, self._asked = Latest(), 0
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._choose)
        self._bar, self.wall, self._foot = ClipsBar(self), ClipWall(self), QLabel(self)
        self._foot.setObjectName("atlas-clips-said")
        self._foot.setWordWrap(True)
        self._foot.setMinimumWidth(1)  # A long path must not widen the dock.
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setSpacing(4)
        layout.addWidget(self._bar)
        layout.addWidget(self.wall, 1)
        layout.addWidget(self._foot)
        self._bar.changed.connect(self._wish)
        self._bar.play.connect(self.wall.toggle)
        self._bar.export.connect(self._ask_to_export)
        self.wall.panes.clicked.connect(self._go)
        self.wall.panes.playing_changed.connect(self._bar.say_playing)
        self.wall.changed.connect(self._tell)
        self._links = Links(
            (session.atlas_changed, self._wish),
            (session.columns_changed, self._wish),
            (session.selection_changed, self._on_selection),
            (session.job_changed, self._tell),
        )

    @property
    def loading(self) -> bool:
        """Whether anything that is wanted is not there yet."""
        return bool(self._later.isActive() or self._latest.busy or self.wall.left)

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
        self.wall.panes.set_theme(theme)
        for label in (self.wall.empty, self._foot):
            label.setStyleSheet(f"color: {palette_of(theme).muted};")

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Listen, and show what was chosen meanwhile."""
        super().showEvent(event)
        hide_behind_tabs(self)
        self._links.connect()
        self._on_selection()
        self._wish()

    def hideEvent(self, event: Any) -> None:  # noqa: N802
        """Let go of the session, and read nothing."""
        self._links.disconnect()
        self._later.stop()
        self._latest.drop()
        self.wall.stop()
        super().hideEvent(event)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Play or pause."""
        if event.key() == Qt.Key.Key_Space:
            self.wall.toggle()
        else:
            super().keyPressEvent(event)

    def export(self, folder: Path, form: str = "mp4", grid: bool = False) -> None:
        """Write the clips on show into a folder, in a child process.

        Parameters
        ----------
        folder
            Where to; it is made if need be.
        form
            ``"mp4"``, ``"gif"`` or ``"png"``.
        grid
            Whether all go into one film.
        """
        atlas = self._desk.session.atlas
        if atlas is None or not self.wall.windows:
            return
        options = ["--windows", ",".join(map(str, self.wall.windows)), "--format", form]
        options += ["--grid"] if grid else []
        options += ["--run", atlas.run] if atlas.run else []

        def say(text: str) -> None:
            self._said = text
            self._tell()

        say("")
        arguments = (str(atlas.folder), str(folder), *options)
        self._desk.runner.run("clips", *arguments, then=lambda: say(f"saved in {folder}"), otherwise=say)

    def _wish(self, _: object = None) -> None:
        """Choose anew in a moment, unless more is changed meanwhile."""
        self._later.start(_WAIT_MS)

    def _on_selection(self, _: object = None) -> None:
        """Take the selected windows, unless it is the one that was clicked here."""
        ids = self._desk.session.selection.ids
        if ids.tolist() != [self._own]:
            self._own = -1
            if not np.array_equal(ids, self._selected):
                self._selected = ids
                self._wish()

    def _choose(self) -> None:
        """Choose the windows in a worker thread, then load their clips."""
        session, atlas = self._desk.session, self._desk.session.atlas
        groups = groups_of(session, self._selected)
        self._bar.offer(groups)
        self._asked += 1
        asked, group = self._asked, next((g for g in groups if g.key == self._bar.key), None)
        if atlas is None or group is None or (group.key == SELECTED and not self._selected.size):
            self._latest.drop()
            self._total, self._notes = 0, ()
            self.wall.say(_NOTHING if atlas is not None else _NO_PROJECT)
            return
        wishes, n_windows = self._bar.wishes, len(atlas.windows.table)

        def choose() -> tuple[int, Exemplars]:
            ids = group.ids()
            ids = ids[ids < n_windows]
            return ids.size, exemplars(atlas.windows.table, atlas.latents, ids, wishes)

        def load(found: tuple[int, Exemplars] | Exception) -> None:
            if asked == self._asked and self.isVisible():
                self._load(atlas, found)

        self._latest.run(choose, load)

    def _load(self, atlas: Atlas, found: tuple[int, Exemplars] | Exception) -> None:
        if isinstance(found, Exception):
            self.wall.say(str(found))
            return
        self._total, self._notes = found[0], found[1].notes
        if found[1].ids.size:
            self.wall.load(self._desk.keeper.library, atlas, found[1].ids.tolist())
        else:
            self.wall.say(_EMPTY)

    def _tell(self, _: object = None) -> None:
        """Say how many clips there are, how many are still read, and what to know of them."""
        job, n = self._desk.session.job, len(self.wall.windows)
        self._bar.allow(n > 0, not job.running)
        told = [f"{n} of {counted(self._total, 'window')}"] if n else []
        told += [f"loading {self.wall.left} …"] if self.wall.left else []
        told += [f"saving: {job.text}"] if job.verb == "clips" else [self._said] if self._said else []
        self._foot.setText(" · ".join([*told, *self._notes]))

    def _go(self, pane: int) -> None:
        """Select the window of a clip and go there; the wall stays as it is."""
        self._own = self.wall.windows[pane]
        self._desk.session.select(np.array([self._own]))
        go_to(self._desk.session, self._own)

    def _ask_to_export(self, form: str, grid: bool) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose a folder for the clips")
        if folder:
            self.export(Path(folder), form, grid)
