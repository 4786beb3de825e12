"""A fit from a project's windows to a run's folder, begun or continued."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import Project
from napari_atlas.data.results import Event, json_safe
from napari_atlas.data.splits import assign_split
from napari_atlas.data.windows import Windows
from napari_atlas.errors import AtlasError, InputError, StoppedError
from napari_atlas.io.loading import load_windows
from napari_atlas.io.project import read_project
from napari_atlas.io.provenance import as_fitted, provenance
from napari_atlas.io.running import claimed, find_resumable, reopen, resume_file
from napari_atlas.io.runs import RunFolder, new_run

if TYPE_CHECKING:
    from napari_atlas.model.fitting import EpochReport, FitState
    from napari_atlas.model.runner import Prepared

__all__ = ["assemble", "begin_fit", "resume_fit"]

ShouldStop = Callable[[], bool]


@dataclass(frozen=True)
class _Work:
    """One fit and its folder.

    Attributes
    ----------
    history
        Rows of the epochs that are over.
    """

    run: RunFolder
    prepared: Prepared
    notes: tuple[str, ...]
    history: list[dict[str, float]] = field(default_factory=list)

    def told(self, event: Event) -> Event:
        """Append an event to the run's own list before anybody else hears of it."""
        self.run.append_event(event.as_dict())
        return event


def begin_fit(
    folder: Path, config: FitConfig, should_stop: ShouldStop, from_reference: Path | None = None
) -> Iterator[Event]:
    """Fit the model to a project's windows, or take a reference checkpoint's weights, and write a new run."""
    from napari_atlas.model.runner import begin

    project = read_project(folder)
    if from_reference is not None:
        config = replace(config, split="none")
    prepared, notes = _prepare(project, config, from_reference)
    run = new_run(folder)
    with claimed(run):
        record = provenance(project, prepared.config, prepared.windows)
        if from_reference is not None:
            record["reference"] = str(from_reference)
        run.write("config", record)
        work = _Work(run, prepared, notes)
        yield _started(work)
        if from_reference is None:
            yield from _to_the_end(work, begin(prepared), should_stop)
        else:
            yield from _adopt(work)


def resume_fit(folder: Path, name: str, should_stop: ShouldStop) -> Iterator[Event]:
    """Continue a run that was stopped or cut off, by id, or the newest one."""
    from napari_atlas.model.runner import begin

    project, run = read_project(folder), find_resumable(folder, name)
    with claimed(run):
        record = run.config
        fitted = as_fitted(project, record)
        if record.get("reference"):
            raise InputError.of(f"run {run.name}", "it took the weights of a reference", "take them again in a new fit")
        prepared, notes = _prepare(fitted, FitConfig.from_dict(record["config"]))
        now = provenance(fitted, prepared.config, prepared.windows)
        if any(record.get(key, now[key]) != now[key] for key in ("recipe", "recordings", "labels")):
            raise InputError.of(f"run {run.name}", "its recordings or settings have changed since", "fit again")
        kept = resume_file(run)
        state = begin(prepared, kept if kept.is_file() else None)
        work = _Work(run, prepared, notes, reopen(run, state.epoch))
        yield _started(work)
        yield from _to_the_end(work, state, should_stop)


def _prepare(
    project: Project, config: FitConfig, from_reference: Path | None = None
) -> tuple[Prepared, tuple[str, ...]]:
    from napari_atlas.model.runner import adopt_reference, prepare

    windows, _ = load_windows(project)
    if not len(windows.table):
        raise InputError.of(project.folder, "it holds no window", "add recordings with 'napari-atlas add'")
    split = assign_split(windows.table, config)
    windows = windows.with_split(split.codes)
    prepared = adopt_reference(windows, config, from_reference) if from_reference else prepare(windows, config)
    return prepared, (*split.notes, *prepared.notes)


def _started(work: _Work) -> Event:
    run, device, done = work.run, work.prepared.device, len(work.history)
    text = f"run {run.name} on {device}" + (f", continued after epoch {done}" if done else "")
    data = {"run": run.name, "folder": str(run.path), "device": device, "pid": os.getpid()}
    return work.told(Event("started", text, done, work.prepared.config.epochs, data))


def _adopt(work: _Work) -> Iterator[Event]:
    from napari_atlas.model.checkpoint import save_weights

    yield from _told_notes(work)
    save_weights(work.run.weights, work.prepared.model, work.prepared.scaling)
    yield _finish(work, stopped=False)


def _to_the_end(work: _Work, state: FitState, should_stop: ShouldStop) -> Iterator[Event]:
    """Train, encode and report; a run that is complete has nothing left to be resumed."""

    def stop() -> bool:
        return should_stop() or work.run.stop_file.exists()

    yield from _told_notes(work)
    yield from _epochs(work, state, stop)
    stopped = stop()
    work.run.stop_file.unlink(missing_ok=True)
    done = _finish(work, stopped)
    if not stopped:
        resume_file(work.run).unlink(missing_ok=True)
    yield done


def _told_notes(work: _Work) -> Iterator[Event]:
    for note in work.notes:
        yield work.told(Event("log", note))


def _epochs(work: _Work, state: FitState, stop: ShouldStop) -> Iterator[Event]:
    """Train; after each epoch write history and state, so that what was told is never lost.

    A new run without any weights is taken away again.
    """
    from napari_atlas.model.resume import save_resume
    from napari_atlas.model.runner import train

    run, rows, begun = work.run, work.history, bool(work.history)
    try:
        for report in train(work.prepared, run.weights, stop, state):
            rows.append(_row(report))
            run.write_history(rows)
            save_resume(resume_file(run), state)
            yield work.told(
                Event("epoch", _epoch_text(report), report.epoch, work.prepared.config.epochs, dict(rows[-1]))
            )
        if not rows:
            raise StoppedError(f"run {run.name}: stopped before the first epoch ended; nothing was kept")
    except AtlasError as error:
        work.told(Event("error", str(error)))
        if not begun and not run.weights.is_file():
            shutil.rmtree(run.path, ignore_errors=True)
        raise


def _row(report: EpochReport) -> dict[str, float]:
    row = {"epoch": report.epoch, "beta": report.beta, "best": float(report.best)}
    row |= {f"train_{k}": v for k, v in report.train.items()}
    return row | {f"validation_{k}": v for k, v in report.validation.items()}


def _epoch_text(report: EpochReport) -> str:
    held_out = report.validation["total"]
    beside = f", held-out {held_out:.3f}" if math.isfinite(held_out) else ""
    return f"epoch {report.epoch}: loss {report.train['total']:.3f}{beside}{' · best' if report.best else ''}"


def _finish(work: _Work, stopped: bool) -> Event:
    """Encode all windows, report on held-out ones, and write latents, card and atlas.h5ad."""
    from napari_atlas.analysis.alignment import held_out_r2
    from napari_atlas.model.runner import encode_all

    run, prepared = work.run, work.prepared
    encoded = encode_all(prepared)
    table = prepared.windows.table
    best = [int(row["epoch"]) for row in work.history if row["best"]]
    r2 = {name: asdict(figures) for name, figures in held_out_r2(table, encoded.predicted).items()}
    card = {
        "notes": list(work.notes),
        "stopped": stopped,
        "device": prepared.device,
        "epochs": len(work.history),
        "best_epoch": best[-1] if best else 0,
        "temperature_r2": json_safe(r2) if np.isfinite(encoded.predicted).any() else {},
    }
    run.write_latents(
        mu=encoded.mu,
        logvar=encoded.logvar,
        predicted=encoded.predicted,
        reconstruction_error=encoded.reconstruction_error,
        split=table.split,
    )
    run.write("card", card)
    assemble(prepared.windows, run)
    text = f"run {run.name} {'stopped, best kept' if stopped else 'done'}"
    return work.told(Event("done", text, data={"run": run.name, **card}))


def assemble(windows: Windows, run: RunFolder) -> None:
    """Write atlas.h5ad from the parts that the run has."""
    from napari_atlas.io.h5ad import write_h5ad

    latents = run.read_latents()
    found = run.map_recipes
    coordinates = run.read_map(found[0])["coordinates"] if found else np.empty((0, 2), dtype=np.float32)
    table = replace(windows.table, split=latents["split"])
    write_h5ad(run.path / "atlas.h5ad", table, latents, coordinates, run.card)
