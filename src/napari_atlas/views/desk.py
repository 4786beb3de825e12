"""What the docks ask for: open, add, fit, map, stop. One desk per viewer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from napari.utils.notifications import show_error
from psygnal import Signal

from napari_atlas import workflow
from napari_atlas.data.atlas import Atlas
from napari_atlas.data.live import Live
from napari_atlas.data.marks import Annotations
from napari_atlas.errors import AtlasError
from napari_atlas.io.annotations import read_annotations
from napari_atlas.io.live import read_live
from napari_atlas.io.project import is_project
from napari_atlas.io.running import process_of, resumable
from napari_atlas.io.runs import list_runs
from napari_atlas.session.linking import cursor_of
from napari_atlas.session.session import JobState, Session
from napari_atlas.views._keeper import Keeper
from napari_atlas.views._map_placer import MapPlacer
from napari_atlas.views._runner import JobRunner
from napari_atlas.views._scoring import measure_if_scrubbed
from napari_atlas.views._worker import call_in_thread

__all__ = ["Desk"]


class Desk:
    """Turn wishes into verbs, and show what they left.

    Parameters
    ----------
    session
        The state that it changes.
    """

    unfinished_changed = Signal(str)
    import_wanted = Signal(tuple)

    def __init__(self, session: Session) -> None:
        self.session = session
        self.unfinished = ""
        """The run that was stopped or cut off and can be continued; empty if there is none."""
        self.runner = JobRunner(session)
        self.keeper = Keeper(session)
        """What keeps marks and clusters, and has clips at hand."""
        self._wanted = 0
        self._reading = False
        self._placer = MapPlacer(session)
        self.runner.event.connect(self._on_event)
        self.runner.undone.connect(self._on_undone)

    @property
    def folder(self) -> Path:
        """The project on show; ``Path()`` if there is none."""
        return self.session.atlas.folder if self.session.atlas else Path()

    def open(self, folder: Path, run: str = "") -> None:
        """Read a project in a worker thread and show it; a later wish overtakes an earlier one."""
        self._wanted += 1
        generation = self._wanted

        def show(opened: _Opened) -> None:
            if generation == self._wanted:
                self._show(opened)

        def fail(error: Exception) -> None:
            show_error(str(error))

        call_in_thread(lambda: _opened(folder, run), show, fail)

    def new(self, folder: Path) -> None:
        """Make an empty project and show it."""
        try:
            workflow.new(folder)
        except AtlasError as error:
            show_error(str(error))
        else:
            self.open(folder)

    def offer_import(self, sources: Sequence[Path] = ()) -> None:
        """Ask for the import dock, with files and folders to look at if there are any."""
        self.import_wanted.emit(tuple(sources))

    def treat(self, verb: str, recording: str, *options: str) -> None:
        """Change or remove a recording of the project on show, or copy its video, by the verb for that."""
        self.runner.run(verb, str(self.folder), recording, *options, then=lambda: self.open(self.folder))

    def fit(self, settings: dict[str, Any]) -> None:
        """Fit the project on show, then map it."""
        pairs = [text for key, value in settings.items() for text in ("--set", f"{key}={value}")]
        self.runner.run("fit", str(self.folder), *pairs, then=self._fitted)

    def go_on(self, run: str) -> None:
        """Go on with a run that was stopped or cut off, then map it."""
        self.runner.run("fit", str(self.folder), "--resume", run, then=lambda: self._fitted(run))

    def map(self, run: str = "") -> None:
        """Map the newest run of the project on show, or the one named, show it, and measure what scrubbing left."""
        folder, named = self.folder, ("--run", run) if run else ()
        self._placer.expect(folder)

        def show() -> None:
            if folder == self.folder:
                if not self._placer.place():
                    self.open(folder, run)
                measure_if_scrubbed(self, run)

        self.runner.run("map", str(folder), *named, then=show)

    def demo(self, folder: Path) -> None:
        """Show the reef sample; make, fit and map it first if it is not there."""
        project = folder / workflow.DEMO_PROJECT

        def show() -> None:
            self.open(project)

        if is_project(project):
            show()
        else:
            self.runner.run("demo", str(folder), "--no-show", then=show)

    def _fitted(self, run: str = "") -> None:
        self.open(self.folder, run)
        self.map(run)

    def _show(self, opened: _Opened) -> None:
        atlas, session = opened.atlas, self.session
        session.show(atlas, session.live if _is_fit(session.job) else opened.live)
        session.annotate(opened.annotations)
        self.keeper.tell(opened.fault)
        if opened.fault:
            show_error(opened.fault)
        self._offer(opened.unfinished)
        if not session.cursor.recording and len(atlas.windows.table):
            cursor = cursor_of(atlas, 0)
            session.seek(cursor.recording, cursor.individual, cursor.frame)
        self.runner.reattach(atlas.folder, self._fitted)

    def _offer(self, run: str) -> None:
        if run != self.unfinished:
            self.unfinished = run
            self.unfinished_changed.emit(run)

    def _on_event(self, event: dict[str, Any]) -> None:
        """Read what the fit shows, one reading at a time: a later one finds all that was missed."""
        if self.session.job.verb == "map":
            self._placer.hear(event)
        if event.get("live") is not True or self._reading:
            return
        self._reading, folder = True, self.runner.run_folder

        def show(live: Live | None) -> None:
            self._reading = False
            if _is_fit(self.session.job) and folder == self.runner.run_folder:
                self.session.watch(live)

        call_in_thread(lambda: read_live(folder, under_way=True), show, lambda error: show(None))

    def _on_undone(self) -> None:
        """Go back to what was shown before the fit, and see whether it can be continued."""
        self.session.watch(None)
        folder, shown = self.folder, self.session.atlas.run if self.session.atlas else ""

        def offer(run: str) -> None:
            if folder == self.folder:
                self._offer(run)

        if folder != Path():
            call_in_thread(lambda: _unfinished(folder, shown), offer, lambda error: None)


def _is_fit(job: JobState) -> bool:
    return job.verb in ("fit", "demo")


class _Opened(NamedTuple):
    atlas: Atlas
    live: Live | None
    unfinished: str
    annotations: Annotations
    fault: str


def _opened(folder: Path, run: str) -> _Opened:
    atlas = workflow.load_atlas(folder, run)
    live = read_live(folder / "runs" / atlas.run, under_way=False) if atlas.run else None
    return _Opened(atlas, live, _unfinished(folder, atlas.run), *_annotations(folder))


def _annotations(folder: Path) -> tuple[Annotations, str]:
    """Return the marks, or none with the reason; a damaged file is no reason not to open a project."""
    try:
        return read_annotations(folder), ""
    except AtlasError as error:
        return Annotations(), str(error)


def _unfinished(folder: Path, shown: str) -> str:
    """Return the run that was stopped or cut off: the newest one, or the one on show; "" if both are complete."""
    runs = list_runs(folder)
    wanted = [*runs[-1:], *(run for run in runs if run.name == shown)]
    return next((run.name for run in wanted if resumable(run) and not process_of(run)), "")
