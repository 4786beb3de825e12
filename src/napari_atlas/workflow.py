"""One function per user deed; long ones are generators of events that ask whether to stop."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_atlas.data.atlas import Atlas, RecordingInfo
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest, Project, RecordingEntry
from napari_atlas.data.recording import Recording
from napari_atlas.data.results import Event, json_safe
from napari_atlas.data.splits import assign_split
from napari_atlas.data.windows import Track, Windows, make_tracks
from napari_atlas.errors import AtlasError, InputError, StoppedError, naming
from napari_atlas.io.atomic import read_json
from napari_atlas.io.inspection import inspect_file
from napari_atlas.io.loading import default_species, entry_of, keep_tracks, load_recording, make_recording
from napari_atlas.io.project import FILE, create_project, read_project, update_project
from napari_atlas.io.provenance import as_fitted, provenance, recipe_hash
from napari_atlas.io.readers import parts, read_tracks
from napari_atlas.io.runs import RunFolder, find_run, list_runs, new_run

if TYPE_CHECKING:
    from napari_atlas.analysis.projection import MapRecipe
    from napari_atlas.model.fitting import EpochReport
    from napari_atlas.model.runner import Prepared

__all__ = [
    "DEMO_PROJECT",
    "add",
    "add_reef",
    "demo",
    "fit",
    "inspect",
    "load_atlas",
    "load_tracks_of",
    "load_windows",
    "make_map",
    "new",
    "runs",
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


def add(folder: Path, request: AddRequest) -> tuple[RecordingEntry, ...]:
    """Add a file's recordings to a project, after reading them to the end; on a fault nothing is changed.

    Returns
    -------
    tuple
        The new entries: one, or one per part of a file that holds several recordings.
    """
    project = read_project(folder)
    request = replace(request, tracks=request.tracks.absolute(), video=_absolute(request.video))
    grown, made = project, []
    with naming(request.tracks):
        for part in parts(request.tracks) or ("",):
            file = read_tracks(request.tracks, part)
            if all(s.name != request.species for s in grown.species):
                grown = grown.with_species(default_species(request.species, file.tracks, request.settings))
            grown.species_called(request.species).check_settings(request.settings)
            grown = grown.with_recording(entry_of(request, part, file))
            made.append(make_recording(grown.recordings[-1], file.tracks))
        _check_windows(project, grown, made)
    added = grown.recordings[len(project.recordings) :]
    for entry, recording in zip(added, made, strict=True):
        keep_tracks(folder, entry, recording.tracks)
    update_project(project, grown)
    return added


def runs(folder: Path) -> list[dict[str, Any]]:
    """Return one summary per run, the oldest first."""
    read_project(folder)
    return [_summary(run) for run in list_runs(folder)]


def load_windows(project: Project) -> tuple[Windows, tuple[Track, ...]]:
    """Return the windows of a whole project and the tracks they lie in, in the order of the table's keys."""
    return _windows_of(project, {e.name: load_recording(project, e) for e in project.recordings})


def _windows_of(project: Project, recordings: dict[str, Recording]) -> tuple[Windows, tuple[Track, ...]]:
    tracks: list[Track] = []
    for species in project.species:
        for recording in recordings.values():
            if recording.species == species.name:
                with naming(f"{project.folder / FILE}, recording {recording.name}"):
                    tracks += make_tracks(recording, species)
    return Windows.from_tracks(tracks, project.species), tuple(tracks)


def load_tracks_of(folder: Path, recording: str) -> Recording:
    """Return one recording of a project with its keypoints or hulls."""
    project = read_project(folder)
    return load_recording(project, project.recording_called(recording))


def load_atlas(folder: Path, run: str = "") -> Atlas:
    """Return a project with its newest run, or the one named, ready to be looked at.

    Before a run has a map of its own, its latents are laid out by their principal components.
    A run whose recordings or settings have changed since is shown as "out of date": windows, but no map.
    """
    project = read_project(folder)
    fitted = [r.name for r in list_runs(folder) if r.weights.is_file()]
    chosen = find_run(folder, run) if run or fitted else None
    if chosen is not None:
        project = as_fitted(project, chosen.config)
    recordings = {e.name: load_recording(project, e) for e in project.recordings}
    infos = {e.name: _info(e, recordings[e.name]) for e in project.recordings}
    windows, tracks = _windows_of(project, recordings)
    atlas = Atlas(folder, infos, windows, tracks)
    if chosen is None:
        return atlas
    if chosen.config["recipe"] != recipe_hash(project):
        return replace(atlas, card={"notes": [f"run {chosen.name} is out of date: its recordings or settings changed"]})
    return _with_run(atlas, chosen)


def fit(
    folder: Path, config: FitConfig, should_stop: ShouldStop = never, from_reference: Path | None = None
) -> Iterator[Event]:
    """Fit the model to a project's windows, or take a reference checkpoint's weights, and write a new run.

    Raises
    ------
    InputError
        If the project cannot be fitted as asked.
    StoppedError
        If a stop was asked for before the first epoch ended.
    """
    from napari_atlas.model.runner import adopt_reference, prepare

    project = read_project(folder)
    windows, _ = load_windows(project)
    if not len(windows.table):
        raise InputError.of(folder, "it holds no window", "add recordings with 'napari-atlas add'")
    if from_reference is not None:
        config = replace(config, split="none")
    split = assign_split(windows.table, config)
    windows = windows.with_split(split.codes)
    prepared = adopt_reference(windows, config, from_reference) if from_reference else prepare(windows, config)
    run = new_run(folder)
    run.write("config", provenance(project, prepared.config, windows))
    started = {"run": run.name, "folder": str(run.path), "device": prepared.device, "pid": os.getpid()}
    yield _told(run, Event("started", f"run {run.name} on {prepared.device}", 0, config.epochs, started))
    notes = (*split.notes, *prepared.notes)
    for note in notes:
        yield _told(run, Event("log", note))
    stop = _either(should_stop, run.stop_file.exists)
    yield from _epochs(run, prepared, stop, adopted=from_reference is not None)
    stopped = stop()
    run.stop_file.unlink(missing_ok=True)
    card = _finish(run, prepared, project, {"notes": list(notes), "stopped": stopped})
    yield _told(
        run,
        Event("done", f"run {run.name} {'stopped, best kept' if stopped else 'done'}", data={"run": run.name, **card}),
    )


def _epochs(run: RunFolder, prepared: Prepared, stop: ShouldStop, adopted: bool) -> Iterator[Event]:
    """Train and write history and weights; a run without any weights is taken away again."""
    from napari_atlas.model.checkpoint import save_weights
    from napari_atlas.model.runner import train

    if adopted:
        save_weights(run.weights, prepared.model, prepared.scaling)
        return
    rows: list[dict[str, float]] = []
    try:
        for report in train(prepared, run.weights, stop):
            row = {"epoch": report.epoch, "beta": report.beta, "best": float(report.best)}
            row |= {f"train_{k}": v for k, v in report.train.items()}
            row |= {f"validation_{k}": v for k, v in report.validation.items()}
            rows.append(row)
            run.write_history(rows)
            yield _told(run, Event("epoch", _epoch_text(report), report.epoch, prepared.config.epochs, dict(row)))
        if not rows:
            raise StoppedError(f"run {run.name}: stopped before the first epoch ended; nothing was kept")
    except AtlasError:
        if not run.weights.is_file():
            shutil.rmtree(run.path, ignore_errors=True)
        raise


def _epoch_text(report: EpochReport) -> str:
    held_out = report.validation["total"]
    beside = f", held-out {held_out:.3f}" if math.isfinite(held_out) else ""
    return f"epoch {report.epoch}: loss {report.train['total']:.3f}{beside}{' · best' if report.best else ''}"


def _finish(run: RunFolder, prepared: Prepared, project: Project, card: dict[str, Any]) -> dict[str, Any]:
    """Encode all windows, report on held-out ones, and write latents, card and atlas.h5ad."""
    from napari_atlas.analysis.alignment import held_out_r2
    from napari_atlas.model.runner import encode_all

    encoded = encode_all(prepared)
    table = prepared.windows.table
    history = run.read_history()
    best = [int(row["epoch"]) for row in history if row["best"]]
    r2 = {name: asdict(figures) for name, figures in held_out_r2(table, encoded.predicted).items()}
    has_head = np.isfinite(encoded.predicted).any()
    card |= {
        "device": prepared.device,
        "epochs": len(history),
        "best_epoch": best[-1] if best else 0,
        "temperature_r2": json_safe(r2) if has_head else {},
    }
    run.write_latents(
        mu=encoded.mu,
        logvar=encoded.logvar,
        predicted=encoded.predicted,
        reconstruction_error=encoded.reconstruction_error,
        split=table.split,
    )
    run.write("card", card)
    _assemble(project, run)
    return card


def make_map(folder: Path, recipe: MapRecipe, run: str = "") -> Iterator[Event]:
    """Lay a run's latents out in two dimensions and write the map beside them."""
    from napari_atlas.analysis.projection import FEWEST_FOR_UMAP, project

    whole, chosen = read_project(folder), find_run(folder, run)
    fitted, latents = as_fitted(whole, chosen.config), chosen.read_latents()
    if chosen.config["recipe"] != recipe_hash(fitted):
        raise InputError.of(f"run {chosen.name}", "its recordings or settings have changed since", "fit again")
    if not latents:
        raise InputError.of(f"run {chosen.name}", "it has no latents yet", "wait for the fit, or fit again")
    n = len(latents["mu"])
    yield Event("started", f"mapping {n} windows of run {chosen.name}", data={"run": chosen.name})
    coordinates = project(latents["mu"], recipe)
    name = f"umap-n{recipe.n_neighbors}-d{recipe.min_dist:g}-s{recipe.seed}"
    chosen.write_map(name, str(recipe) if n >= FEWEST_FOR_UMAP else "PCA · too few windows for UMAP", coordinates)
    _assemble(fitted, chosen)
    yield Event("done", f"map {name} of run {chosen.name}: {n} windows", n, n, {"run": chosen.name, "map": name})


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
        yield from make_map(project, MapRecipe(seed=seed))


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


def _absolute(path: Path) -> Path:
    return path if path == Path() else path.absolute()


def _either(first: ShouldStop, second: ShouldStop) -> ShouldStop:
    def asked() -> bool:
        return first() or second()

    return asked


def _told(run: RunFolder, event: Event) -> Event:
    """Append an event to the run's own list before anybody else hears of it."""
    run.append_event(event.as_dict())
    return event


def _with_run(atlas: Atlas, run: RunFolder) -> Atlas:
    latents = run.read_latents()
    if not latents:
        return replace(atlas, run=run.name, card={"notes": [f"run {run.name} was interrupted before it was encoded"]})
    from napari_atlas.analysis.projection import project_linearly

    found = run.map_recipes
    mapped = (
        run.read_map(found[0]) if found else {"coordinates": project_linearly(latents["mu"]), "recipe": np.array("PCA")}
    )
    return replace(
        atlas,
        windows=atlas.windows.with_split(latents["split"]),
        run=run.name,
        latents=latents["mu"],
        predicted=latents["predicted"],
        coordinates=mapped["coordinates"],
        recipe=str(mapped["recipe"]),
        card=run.card,
    )


def _assemble(project: Project, run: RunFolder) -> None:
    """Write atlas.h5ad from the parts that the run has."""
    from napari_atlas.io.h5ad import write_h5ad

    windows, _ = load_windows(as_fitted(project, run.config))
    latents = run.read_latents()
    found = run.map_recipes
    coordinates = run.read_map(found[0])["coordinates"] if found else np.empty((0, 2), dtype=np.float32)
    table = replace(windows.table, split=latents["split"])
    write_h5ad(run.path / "atlas.h5ad", table, latents, coordinates, run.card)


def _info(entry: RecordingEntry, recording: Recording) -> RecordingInfo:
    return RecordingInfo(entry.name, entry.species, recording.individuals, recording.timebase, entry.video)


def _check_windows(before: Project, grown: Project, made: list[Recording]) -> None:
    """Refuse new recordings of one species that give no window, or windows unlike those that the species has."""
    species = grown.species_called(made[0].species)
    known = [load_recording(before, e) for e in before.recordings if e.species == species.name][:1]
    tracks = [track for recording in (*known, *made) for track in make_tracks(recording, species)]
    given = set(Windows.from_tracks(tracks, [species]).table.of_key("recording"))
    for recording in made:
        if recording.name not in given:
            raise InputError.of(
                f"recording {recording.name}",
                f"it gives no window of {species.window:g} s with at most 30 % missing",
                f"shorten the window of species {species.name}, or check the tracking",
            )


def _summary(run: RunFolder) -> dict[str, Any]:
    card = run.card
    state = "complete" if card else "interrupted" if run.weights.is_file() else "unfinished"
    epochs = len(run.read_history())
    return {"run": run.name, "state": state, "epochs": epochs, "maps": list(run.map_recipes), **card}
