"""Many recordings at once: look through folders, plan, read in parallel, add."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from napari_atlas._pool import Reply, Task, guarded, n_children, run_tasks, serve, through_dask
from napari_atlas._recordings import with_added
from napari_atlas.data.plans import FoundFile, ImportPlan, LeftOver, PlannedRecording
from napari_atlas.data.project import AddRequest, Project, RecordingEntry
from napari_atlas.data.quality import quality_of
from napari_atlas.data.results import Event, counted
from napari_atlas.errors import AtlasError, InputError, StoppedError, naming
from napari_atlas.io.hashes import content_hash
from napari_atlas.io.loading import cached_tracks, keep_tracks, read_steadily
from napari_atlas.io.mapping_file import read_mapping
from napari_atlas.io.pairing import pair_files
from napari_atlas.io.project import is_project, read_project, update_project
from napari_atlas.io.readers import parts
from napari_atlas.io.scanning import files_of, look_at

__all__ = ["ImportWishes", "add_many", "perform", "plan_import", "read_plan", "serve_tasks"]

ShouldStop = Callable[[], bool]
_WRITE_S = 1.0
_FEW = 24  # files that are looked at faster than children start


@dataclass(frozen=True)
class ImportWishes:
    """What a user says of all recordings of an import.

    Attributes
    ----------
    request
        Values that hold for all of them, such as ``fps``; its tracks, name and video are not used. An empty species is
        guessed.
    quality
        Whether to read all tracks and report on them.
    """

    request: AddRequest = field(default_factory=lambda: AddRequest(Path(), ""))
    quality: bool = False


def plan_import(
    folder: Path, sources: Sequence[Path], wishes: ImportWishes, should_stop: ShouldStop = bool
) -> Iterator[Event]:
    """Look at files and folders, and tell what could be added to a project; nothing is written.

    The last event, ``"done"``, has the plan as ``data["plan"]``; see `ImportPlan.from_dict`.

    Parameters
    ----------
    folder
        The project; recordings that it holds already are left over. It need not exist yet.
    sources
        Files, and folders that are looked through to their ends.
    wishes
        What holds for all recordings, and whether their tracks are looked at in full.
    should_stop
        Asked between two files.

    Raises
    ------
    InputError
        If a source does not exist.
    StoppedError
        If a stop was asked for.
    """
    files = files_of(sources)
    yield Event("started", f"looking at {counted(len(files), 'file')}", 0, len(files))
    mapping = wishes.request.mapping
    if mapping != Path():
        read_mapping(mapping)
    tasks = [{"do": "look", "path": str(path), "mapping": _text(mapping)} for path in files]
    found = []
    for done, (i, reply) in enumerate(_replies(tasks, should_stop), start=1):
        told = reply.get("found") or {"path": str(files[i]), "notes": [reply["error"]]}
        found.append(FoundFile.from_dict(told))
        yield Event("progress", f"looked at {files[i].name}", done, len(files))
    entries = read_project(folder).recordings if is_project(folder) else ()
    found.sort(key=lambda f: f.path)
    plan = pair_files(sources, found, wishes.request, [e.name for e in entries])
    plan = _without_known(plan, entries)
    if wishes.quality:
        sizes = {f.path: f.size for f in found}
        plan = yield from _with_quality(plan, sizes, should_stop)
    n, left = len(plan.recordings), len(plan.left_over)
    yield Event("done", f"{counted(n, 'recording')}, {counted(left, 'file')} left over", n, n, {"plan": plan.as_dict()})


def add_many(folder: Path, plan: ImportPlan, should_stop: ShouldStop = bool, dask: str = "") -> Iterator[Event]:
    """Add the recordings of a plan that are chosen, read in parallel; a generator of events.

    A recording that is refused is told and does not stop the others; a stop keeps those that were added. Each has an
    event whose data tell its ``row`` in the plan, the ``recordings`` it became, and the ``error`` that refused it.

    Parameters
    ----------
    folder
        The project.
    plan
        What to add.
    should_stop
        Asked all the time.
    dask
        Address of a Dask scheduler whose workers read the files in the place of child processes; they have to see the
        same folders.

    Raises
    ------
    InputError
        If the project cannot be used, or there is no Dask at that address; nothing is added then.
    """
    adder = _Adder(read_project(folder))
    rows = [(i, r) for i, r in enumerate(plan.recordings) if r.chosen]
    n = len(rows)
    yield Event("started", f"adding {counted(n, 'recording')}", 0, n)
    tasks = [_keeping(folder, r.request) if r.ready else {} for _, r in rows]
    refused: list[dict[str, str]] = []
    waiting: list[Event] = []
    done = 0
    try:
        for done, (row, planned, reply) in enumerate(_in_order(rows, tasks, should_stop, dask), start=1):
            names, error = adder.add(planned, str(reply.get("error", "")))
            refused += [{"tracks": str(planned.request.tracks), "error": error}] if error else []
            text = f"refused {planned.request.name}: {error}" if error else f"added {', '.join(names)}"
            waiting.append(Event("progress", text, done, n, {"row": row, "recordings": names, "error": error}))
            if adder.is_time:
                adder.write()
                yield from waiting
                waiting = []
    finally:
        adder.write()
    yield from waiting
    yield Event("done", _summary(n, refused, done), done, n, {"added": adder.names, "refused": refused})


def read_plan(path: Path) -> ImportPlan:
    """Return a plan from a file: what a dry run told as JSON, all its lines or the last one, edited or not.

    Raises
    ------
    InputError
        If the file cannot be read, or holds no plan that can be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError.of(path, f"it cannot be read ({error})", "check the path") from error
    for part in (text, *reversed(text.splitlines())):
        with contextlib.suppress(ValueError):
            told = json.loads(part)
            plan = told.get("plan", told) if isinstance(told, dict) else {}
            if "recordings" in plan:
                with naming(path):
                    return ImportPlan.from_dict(plan)
    raise InputError.of(
        path, "it holds no plan", "make one with 'napari-atlas add PROJECT --recursive … --dry-run --json'"
    )


def perform(task: Task) -> Reply:
    """Do one task in a child process: look at a file, judge its tracks, or keep them in a project's cache.

    Raises
    ------
    AtlasError
        If the file cannot be used.
    """
    path = Path(task["path"])
    mapping = Path(task.get("mapping", ""))
    if task["do"] == "look":
        return {"found": look_at(path, mapping).as_dict()}
    if task["do"] == "judge":
        tracks = read_steadily(path, "", mapping).tracks
        return {"quality": quality_of(tracks, task["video_frames"], tuple(task["size"])).as_dict()}
    folder = Path(task["project"])
    for part in ("",) if mapping != Path() else parts(path) or ("",):
        if cached_tracks(folder, path, part, mapping) is None:
            entry = RecordingEntry("", "", path, part=part, mapping=mapping)
            keep_tracks(folder, entry, read_steadily(path, part, mapping))
    return {}


def serve_tasks() -> None:
    """Do tasks as they come on stdin, until it ends."""
    serve(perform)


def _replies(tasks: Sequence[Task], should_stop: ShouldStop) -> Iterator[tuple[int, Reply]]:
    """Yield the replies to tasks, from child processes if there are more than a few; a stop is an error here."""
    if len(tasks) > _FEW:
        yield from run_tasks(tasks, should_stop, n_children())
    else:
        for i, task in enumerate(tasks):
            if not should_stop():
                yield i, guarded(perform, task)
    if should_stop():
        raise StoppedError("stopped; nothing was written")


def _without_known(plan: ImportPlan, entries: Sequence[RecordingEntry]) -> ImportPlan:
    """Return a plan without the recordings that the project holds already, by path or by content."""
    sizes = {r.found.path: r.found.path.stat().st_size for r in plan.recordings if r.found.path.exists()}
    known: dict[Path | str, str] = {}
    for entry in entries:
        known[entry.tracks.resolve()] = entry.name
        if entry.tracks.exists() and entry.tracks.stat().st_size in sizes.values():
            known[content_hash(entry.tracks)] = entry.name
    left, kept = list(plan.left_over), []
    for planned in plan.recordings:
        name = known.get(planned.found.path.resolve()) or known.get(planned.found.digest)
        if name:
            left.append(LeftOver(planned.found, f"the project holds it already, as {name}"))
        else:
            kept.append(planned)
    return replace(plan, recordings=tuple(kept), left_over=tuple(left))


def _with_quality(
    plan: ImportPlan, sizes: dict[Path, tuple[int, int]], should_stop: ShouldStop
) -> Generator[Event, None, ImportPlan]:
    """Return the plan with a report on each recording's tracks, and yield how far it is."""
    tasks = [
        {
            "do": "judge",
            "path": str(r.request.tracks),
            "mapping": _text(r.request.mapping),
            "video_frames": r.video_frames,
            "size": sizes.get(r.request.video, (0, 0)),
        }
        for r in plan.recordings
    ]
    recordings = list(plan.recordings)
    for done, (i, reply) in enumerate(_replies(tasks, should_stop), start=1):
        request, error = recordings[i].request, str(reply.get("error", "")).removeprefix(f"{tasks[i]['path']}: ")
        recordings[i] = replace(recordings[i], quality=reply.get("quality", {}), refused=error)
        yield Event("progress", f"judged {request.name}", done, len(tasks))
    return replace(plan, recordings=tuple(recordings))


def _keeping(folder: Path, request: AddRequest) -> Task:
    mapping = _text(request.mapping)
    return {"do": "keep", "path": str(request.tracks), "mapping": mapping, "project": str(folder.absolute())}


def _text(path: Path) -> str:
    return "" if path == Path() else str(path)


def _in_order(
    rows: Sequence[tuple[int, PlannedRecording]], tasks: Sequence[Task], should_stop: ShouldStop, dask: str
) -> Iterator[tuple[int, PlannedRecording, Reply]]:
    """Yield recordings in the order of the plan, each as soon as it and all before it are read."""
    reads = [i for i, task in enumerate(tasks) if task]
    wanted = [tasks[i] for i in reads]
    read = partial(through_dask, dask, perform) if dask else partial(run_tasks, n=n_children())
    replies = read(wanted, should_stop)
    known: dict[int, Reply] = {i: {} for i, task in enumerate(tasks) if not task}
    for i, (row, planned) in enumerate(rows):
        while i not in known:
            at, reply = next(replies, (-1, {}))
            if at < 0:
                return
            known[reads[at]] = reply
        if should_stop():
            return
        yield row, planned, known.pop(i)


class _Adder:
    """Adds recordings to a project, and writes project.toml once for all that were added in a second.

    Parameters
    ----------
    project
        As it is on disk.
    """

    def __init__(self, project: Project) -> None:
        self._n_before = len(project.recordings)
        self._written = self._grown = project
        self._last = time.monotonic()

    @property
    def names(self) -> list[str]:
        """Names of the recordings that were added."""
        return [entry.name for entry in self._grown.recordings[self._n_before :]]

    @property
    def is_time(self) -> bool:
        """Whether the last writing is long enough ago."""
        return time.monotonic() - self._last > _WRITE_S

    def add(self, planned: PlannedRecording, error: str) -> tuple[list[str], str]:
        """Add a recording, unless there is an *error*; return the names it got, or why it was refused."""
        error = planned.fault or error
        if not error:
            try:
                self._grown, added = with_added(self._grown, planned.request)
                return [entry.name for entry in added], ""
            except AtlasError as refused:
                error = str(refused)
            except Exception as fault:  # noqa: BLE001 - one recording must not stop the others
                what = " ".join(f"it cannot be used ({type(fault).__name__}: {fault})".split())
                error = f"{what}; check what the plan says of it"
        return [], error.removeprefix(f"{planned.request.tracks}: ")

    def write(self) -> None:
        """Write what was added, if anything was."""
        if self._grown is not self._written:
            update_project(self._written, self._grown)
            self._written = self._grown
        self._last = time.monotonic()


def _summary(n: int, refused: Sequence[dict[str, str]], done: int) -> str:
    text = f"added {done - len(refused)} of {n}"
    if refused:
        which = "refused" if len(refused) == 1 else "refused, the first"
        text += f"; {len(refused)} {which}: {Path(refused[0]['tracks']).name}: {refused[0]['error']}"
    return text if done == n else f"stopped: {text}"
