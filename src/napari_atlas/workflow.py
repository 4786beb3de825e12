"""One function per user deed; long ones are generators of events that ask whether to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_atlas._clips import ClipWishes, make_clips
from napari_atlas._clusters import cluster
from napari_atlas._export import ExportWishes, write_table
from napari_atlas._import import ImportWishes, add_many, plan_import, read_plan, serve_tasks
from napari_atlas._maps import MapWishes, make_map, with_map
from napari_atlas._pretrained import InitFrom, start_with
from napari_atlas._recordings import add, change, change_species, notes_of, remove
from napari_atlas._runs import compare_runs, delete_run, rename_run, runs
from napari_atlas._score import ScoreWishes, score
from napari_atlas._serve import serve
from napari_atlas._variables import candidates
from napari_atlas.data.atlas import Atlas, RecordingInfo
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest, Project, RecordingEntry
from napari_atlas.data.recording import Recording
from napari_atlas.data.results import Event
from napari_atlas.data.variables import Candidate
from napari_atlas.data.windows import WindowTable
from napari_atlas.errors import AtlasError, InputError, StoppedError
from napari_atlas.io.atomic import read_json
from napari_atlas.io.clusters import read_clusters
from napari_atlas.io.inspection import inspect_file
from napari_atlas.io.loading import load_recording, load_windows, windows_of
from napari_atlas.io.project import create_project, read_project
from napari_atlas.io.provenance import as_fitted, heads_of, labels_hash, recipe_hash
from napari_atlas.io.proxy import make_proxies, proxy_of
from napari_atlas.io.runs import RunFolder, find_run, list_runs

__all__ = [
    "DEMO_PROJECT",
    "ClipWishes",
    "ExportWishes",
    "ImportWishes",
    "InitFrom",
    "MapWishes",
    "ScoreWishes",
    "add",
    "add_many",
    "add_reef",
    "change",
    "change_species",
    "cluster",
    "compare_runs",
    "delete_run",
    "demo",
    "encode",
    "export",
    "fit",
    "inspect",
    "load_atlas",
    "load_tracks_of",
    "load_windows",
    "make_clips",
    "make_map",
    "make_proxies",
    "new",
    "notes_of",
    "plan_import",
    "read_plan",
    "remove",
    "rename_run",
    "runs",
    "score",
    "scrub_candidates",
    "serve",
    "serve_tasks",
    "sweep",
    "with_map",
]

ShouldStop = Callable[[], bool]
DEMO_PROJECT = "reef.atlas"


def never() -> bool:
    """Return False: nobody asks for a stop."""
    return False


def inspect(path: Path) -> dict[str, Any]:
    """Return what a file holds: kind, format, frames, animals, keypoints, what is missing, notes."""
    return inspect_file(path)


def new(folder: Path, name: str = "") -> Project:
    """Make an empty project."""
    return create_project(folder, name)


def load_tracks_of(folder: Path, recording: str) -> Recording:
    """Return one recording of a project with its keypoints or hulls."""
    project = read_project(folder)
    return load_recording(project, project.recording_called(recording))


def scrub_candidates(folder: Path, table: WindowTable) -> tuple[Candidate, ...]:
    """Return what could be taken out of the latent of these windows of a project, and why something cannot."""
    return candidates(read_project(folder), table)


def load_atlas(folder: Path, run: str = "", map_name: str = "") -> Atlas:
    """Return a project with its newest run, or the one named, ready to be looked at.

    The newest map of all windows is on show, or the one named, which may leave windows out: they are NaN. Before a run
    has a map of its own, its latents are laid out by their principal components. What of a run is damaged, or is of
    another run, is passed over, and the card's notes say so.
    A run whose recordings or settings have changed since is shown as "out of date": windows, but no map.
    Recordings that were added after the run have no windows in it. Those that cannot be read are left out, and why is
    told in ``faults``.

    Raises
    ------
    InputError
        If there is no such project, run or map, or none of its recordings can be read.
    """
    whole = read_project(folder)
    fitted = [r.name for r in list_runs(folder) if r.weights.is_file()]
    chosen = find_run(folder, run) if run or fitted else None
    project = as_fitted(whole, chosen.config) if chosen else whole
    recordings, faults = _readable(whole)
    project = replace(project, recordings=tuple(e for e in project.recordings if e.name in recordings))
    infos = {e.name: _info(folder, e, recordings[e.name]) for e in whole.recordings if e.name in recordings}
    windows, tracks = windows_of(project, {e.name: recordings[e.name] for e in project.recordings})
    left_out = [f"{name} is left out, since it cannot be read: {why}" for name, why in faults.items()]
    atlas = Atlas(folder, infos, windows, tracks, faults=faults, card={"notes": left_out} if left_out else {})
    shown = _shown(atlas, chosen, project) if chosen else atlas
    return with_map(shown, map_name) if map_name else _with_newest_map(shown)


def export(folder: Path, wishes: ExportWishes, run: str = "") -> Iterator[Event]:
    """Write all that is known of the windows of a run as one table; a generator of events.

    Raises
    ------
    InputError
        If the file cannot be written, or there is no such project, run or selection.
    """
    wishes.check()
    return write_table(load_atlas(folder, run), wishes)


def _readable(project: Project) -> tuple[dict[str, Recording], dict[str, str]]:
    """Return the recordings that can be read, and by name why the others cannot; if none can, that is an error."""
    recordings: dict[str, Recording] = {}
    faults: dict[str, AtlasError] = {}
    for entry in project.recordings:
        try:
            recordings[entry.name] = load_recording(project, entry)
        except AtlasError as error:
            faults[entry.name] = error
    if faults and not recordings:
        raise next(iter(faults.values()))
    return recordings, {name: str(error) for name, error in faults.items()}


def _shown(atlas: Atlas, chosen: RunFolder, project: Project) -> Atlas:
    """Return an atlas with a run, or with a note why the run cannot be shown."""
    if chosen.config.get("recipe") != recipe_hash(project):
        return _noted(atlas, f"run {chosen.name} is out of date: its recordings or settings changed")
    before, now = atlas.card.get("notes", ()), labels_hash(atlas.windows.table, heads_of(chosen.config))
    try:
        atlas = _noted(_with_run(atlas, chosen), *before)
    except InputError as error:  # the recordings can be looked at all the same
        return _noted(atlas, str(error))
    if chosen.config.get("labels", now) != now:
        what = "temperatures or covariates" if heads_of(chosen.config) else "temperatures"
        told = f"run {chosen.name} was fitted to other {what} than those of the project now: fit again"
        return _noted(atlas, told)
    return atlas


def _with_newest_map(atlas: Atlas) -> Atlas:
    """Return an atlas with its newest map that is whole, and a note for each newer one that is not."""
    faults: list[str] = []
    for name in RunFolder(atlas.folder / "runs" / atlas.run).map_recipes if len(atlas.latents) else ():
        try:
            return _noted(with_map(atlas, name), *faults)
        except InputError as error:
            faults.append(str(error))
    if not faults:
        return with_map(atlas)
    from napari_atlas.analysis.projection import project_linearly

    return _noted(replace(atlas, coordinates=project_linearly(atlas.latents), recipe="PCA"), *faults)


def _noted(atlas: Atlas, *notes: str) -> Atlas:
    return replace(atlas, card={**atlas.card, "notes": [*notes, *atlas.card.get("notes", ())]})


def fit(
    folder: Path,
    config: FitConfig,
    should_stop: ShouldStop = never,
    from_reference: Path | None = None,
    resume: str | None = None,
    *,
    init_from: InitFrom | None = None,
) -> Iterator[Event]:
    """Fit the model to a project's windows and write a run; a generator of events.

    Parameters
    ----------
    folder
        The project.
    config
        Settings of a new run; a run that is resumed keeps its own.
    should_stop
        Asked between two epochs; the best epoch so far is kept.
    from_reference
        Take the weights of this reference checkpoint instead of training.
    resume
        Continue this run, which was stopped or cut off; "" is the newest one. On the CPU it ends as if it had
        never been interrupted.
    init_from
        Begin with these weights instead of drawing some at random. Species that they do not know join their latent.

    Raises
    ------
    InputError
        If the project cannot be fitted as asked, the run cannot be resumed, or the weights are of other shapes.
    StoppedError
        If a stop was asked for before the first epoch ended.
    """
    from napari_atlas._fit import begin_fit, resume_fit

    if resume is not None:
        return resume_fit(folder, resume, should_stop)
    return begin_fit(folder, config, should_stop, lambda: start_with(folder, from_reference, init_from))


def encode(folder: Path, weights: str) -> Iterator[Event]:
    """Write a new run of what a trained model makes of a project's windows; a generator of events.

    Nothing is trained. Windows of recordings that the model was trained on count as train, the others as test, and
    those outside what it was trained on are flagged.

    Parameters
    ----------
    folder
        The project. Its windows have to be cut as those that the model was trained on.
    weights
        Id or label of a run of the project, a run's folder, or a weight file.

    Raises
    ------
    InputError
        If there are no such weights, or they are of other species or window shapes.
    """
    from napari_atlas._fit import begin_encode

    return begin_encode(folder, weights)


def sweep(
    folder: Path, file: Path, given: Mapping[str, Any], should_stop: ShouldStop = never, point: int = 0
) -> Iterator[Event]:
    """Fit what a sweep file asks for, each point as a run of its own; a generator of events.

    ``sweeps/<name>.csv`` in the project has a row per point, and is written anew after each. A point that has a
    complete run is not fitted again, one that was cut off goes on, and one that fails is a row with its error.

    Parameters
    ----------
    folder
        The project.
    file
        The sweep, in TOML or JSON.
    given
        Settings that are the same for all points; they win over those of the file.
    should_stop
        Asked between two epochs; the point under way is kept.
    point
        Fit this point alone, counted from 1; 0 fits all.

    Raises
    ------
    InputError
        If the project or the file cannot be used; nothing is fitted then.
    StoppedError
        If a stop was asked for before the first epoch of a point ended.
    """
    from napari_atlas._sweep import run_sweep

    return run_sweep(folder, file, given, should_stop, point)


def demo(folder: Path, seed: int = 0, should_stop: ShouldStop = never) -> Iterator[Event]:
    """Make the reef sample in *folder*, add its recordings to a project there, fit it and map it."""
    from napari_atlas.analysis.projection import MapRecipe
    from napari_atlas.sample.reef import ReefSpec, write_reef

    project = folder / DEMO_PROJECT
    if project.exists():
        raise InputError.of(project, "it exists already", f"open it with 'napari-atlas open {project}', or remove it")
    for event in write_reef(folder / "reef", ReefSpec.demo(seed)):
        _stop_if(should_stop)
        yield event
    new(project, "reef")
    for event in add_reef(project, folder / "reef"):
        _stop_if(should_stop)
        yield event
    yield from fit(project, FitConfig(seed=seed), should_stop)
    if not should_stop():
        yield from make_map(project, MapRecipe(seed=seed), should_stop=should_stop)


def add_reef(folder: Path, reef: Path) -> Iterator[Event]:
    """Add the recordings that a reef's ``reef.json`` lists."""
    manifest = read_json(reef / "reef.json")
    settings = {
        s["name"]: {**{k: s[k] for k in ("signal", "bin_rate", "window", "stride")}, "keypoints": tuple(s["keypoints"])}
        for s in manifest["species"]
    }
    entries = manifest["recordings"]
    for i, entry in enumerate(entries, start=1):
        log = entry["temperature"].get("file")
        request = AddRequest(
            tracks=reef / entry["tracks"],
            species=entry["species"],
            name=entry["id"],
            video=reef / entry["video"] if entry["video"] else Path(),
            fps=entry["fps"],
            led_on_frame=entry["led_on_frame"],
            tracking_start_frame=entry["tracking_start_frame"],
            temperature=str(reef / log) if log else "folder",
            settings=settings[entry["species"]],
        )
        add(folder, request)
        yield Event("progress", f"added {entry['id']}", i, len(entries))


def _stop_if(should_stop: ShouldStop) -> None:
    if should_stop():
        raise StoppedError("stopped; what was made so far is kept")


def _with_run(atlas: Atlas, run: RunFolder) -> Atlas:
    latents = run.read_latents()
    if not latents:
        return replace(atlas, run=run.name, card={"notes": [f"run {run.name} was interrupted before it was encoded"]})
    if not {"mu", "predicted", "split"} <= latents.keys() or len(latents["mu"]) != len(atlas.windows.table):
        note = f"run {run.name} is out of date: another version of the program made it"
        return replace(atlas, card={"notes": [note]})
    return replace(
        atlas,
        windows=atlas.windows.with_split(latents["split"]),
        run=run.name,
        latents=latents["mu"],
        predicted=latents["predicted"],
        clusterings=read_clusters(run, len(latents["mu"])),
        card=run.card,
    )


def _info(folder: Path, entry: RecordingEntry, recording: Recording) -> RecordingInfo:
    video = recording.video
    proxy = proxy_of(folder, video) if recording.has_video and video.exists() else Path()
    return RecordingInfo(
        name=entry.name,
        species=entry.species,
        individuals=recording.individuals,
        timebase=recording.timebase,
        video=video,
        notes=recording.notes,
        proxy=proxy,
        entry=entry,
    )
