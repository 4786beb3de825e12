"""What the docks ask for: open, add, fit, map, stop. One desk per viewer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari.utils.notifications import show_error

from napari_atlas import workflow
from napari_atlas.data.atlas import Atlas
from napari_atlas.errors import AtlasError
from napari_atlas.io.project import is_project
from napari_atlas.session.linking import cursor_of
from napari_atlas.session.session import Session
from napari_atlas.views._runner import JobRunner
from napari_atlas.views._worker import call_in_thread

__all__ = ["Desk"]


class Desk:
    """Turn wishes into verbs, and show what they left.

    Parameters
    ----------
    session
        The state that it changes.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.runner = JobRunner(session)
        self._wanted = 0

    @property
    def folder(self) -> Path:
        """The project on show; ``Path()`` if there is none."""
        return self.session.atlas.folder if self.session.atlas else Path()

    def open(self, folder: Path, run: str = "") -> None:
        """Read a project in a worker thread and show it; a later wish overtakes an earlier one."""
        self._wanted += 1
        generation = self._wanted

        def show(atlas: Atlas) -> None:
            if generation == self._wanted:
                self._show(atlas)

        def fail(error: Exception) -> None:
            show_error(str(error))

        call_in_thread(lambda: workflow.load_atlas(folder, run), show, fail)

    def new(self, folder: Path) -> None:
        """Make an empty project and show it."""
        try:
            workflow.new(folder)
        except AtlasError as error:
            show_error(str(error))
        else:
            self.open(folder)

    def add(self, *arguments: str) -> None:
        """Add a recording to the project on show; the arguments are those of the verb."""
        self.runner.run("add", str(self.folder), *arguments, then=self._reopen)

    def fit(self, settings: dict[str, Any]) -> None:
        """Fit the project on show, then map it."""
        pairs = [text for key, value in settings.items() for text in ("--set", f"{key}={value}")]
        self.runner.run("fit", str(self.folder), *pairs, then=self._fitted)

    def map(self) -> None:
        """Map the newest run of the project on show."""
        self.runner.run("map", str(self.folder), then=self._reopen)

    def demo(self, folder: Path) -> None:
        """Show the reef sample; make, fit and map it first if it is not there."""
        project = folder / workflow.DEMO_PROJECT

        def show() -> None:
            self.open(project)

        if is_project(project):
            show()
        else:
            self.runner.run("demo", str(folder), "--no-show", then=show)

    def _reopen(self) -> None:
        self.open(self.folder)

    def _fitted(self) -> None:
        self._reopen()
        self.map()

    def _show(self, atlas: Atlas) -> None:
        self.session.show(atlas)
        if not self.session.cursor.recording and len(atlas.windows.table):
            cursor = cursor_of(atlas, 0)
            self.session.seek(cursor.recording, cursor.individual, cursor.frame)
        self.runner.reattach(atlas.folder, self._fitted)
