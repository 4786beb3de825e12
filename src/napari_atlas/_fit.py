"""A fit from a project's windows to a run's folder, begun or continued."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_atlas._bodies import embody, joint_errors
from napari_atlas._heads import Asked, ask, figures_of, predictions
from napari_atlas._pretrained import AsItIs, Start, find_weights, outside_notes, start_of
from napari_atlas._variables import know
from napari_atlas.data.config import FitConfig
from napari_atlas.data.live import Live
from napari_atlas.data.project import Project
from napari_atlas.data.results import Event, json_safe
from napari_atlas.data.windows import Windows, WindowTable
from napari_atlas.errors import AtlasError, InputError, StoppedError
from napari_atlas.io.live import write_live
from napari_atlas.io.loading import load_windows
from napari_atlas.io.project import read_project
from napari_atlas.io.provenance import as_fitted, provenance, settings_of
from napari_atlas.io.running import claimed, find_resumable, reopen, resume_file
from napari_atlas.io.runs import RunFolder, find_run, new_run

if TYPE_CHECKING:
    from napari_atlas.model.encoding import Encoded
    from napari_atlas.model.fitting import EpochReport, FitState
    from napari_atlas.model.runner import Prepared
    from napari_atlas.model.vae import AtlasVAE

__all__ = ["assemble", "begin_encode", "begin_fit", "resume_fit"]

ShouldStop = Callable[[], bool]

# How often, and for which share of its time, a fit shows what it is doing.
_EVERY_S = 2.0
_SHARE = 0.03
# The first epoch warms up, but nobody waits for a second one that long.
_SLOW_S = 10.0


# Which of several processes this is, as torchrun says.
_RANK = int(os.environ.get("RANK", "0"))


@dataclass(frozen=True)
class _Work:
    """One fit and its folder.

    Attributes
    ----------
    start
        What it began with.
    heads
        Covariates beside the temperature that the latent is asked for.
    history
        Rows of the epochs that are over.
    """

    project: Project
    run: RunFolder
    prepared: Prepared
    notes: tuple[str, ...]
    start: Start
    heads: tuple[Asked, ...] = ()
    history: list[dict[str, float]] = field(default_factory=list)

    def told(self, event: Event) -> Event:
        """Append an event to the run's own list before anybody else hears of it."""
        self.run.append_event(event.as_dict())
        return event


class _Onlooker:
    """Write latents and reconstructions of a fit into its run's folder, at most a few per cent of its time.

    Parameters
    ----------
    work
        The fit.
    """

    def __init__(self, work: _Work) -> None:
        from napari_atlas.analysis.live import Follower
        from napari_atlas.model.live import choose

        self._run, self._prepared = work.run, work.prepared
        self._watched = choose(work.prepared.windows, work.prepared.resident)
        self._follower = Follower()
        self._due = 0.0

    def look_if_due(self, model: AtlasVAE, epoch: int) -> bool:
        """Look, unless the last time was a moment ago; return whether there is something new to be seen."""
        begun = time.monotonic()
        if begun < self._due:
            return False
        self.look(model, epoch)
        ended = time.monotonic()
        self._due = ended + max(_EVERY_S, (ended - begun) / _SHARE)
        return True

    def carried(self, model: AtlasVAE) -> dict[str, int]:
        """Return by species how many dimensions of the latent tell the windows apart."""
        from napari_atlas.analysis.collapse import active_dimensions
        from napari_atlas.model.live import look

        seen = look(model, self._prepared.resident, self._watched)
        return active_dimensions(seen.mu, self._prepared.windows.table.of_key("species")[seen.ids])

    def look(self, model: AtlasVAE, epoch: int) -> None:
        """Write what the network makes of the windows after an epoch."""
        from napari_atlas.model.live import look

        table = self._prepared.windows.table
        seen = look(model, self._prepared.resident, self._watched)
        places = self._follower.place(seen.mu)
        write_live(Live(self._run.path, epoch, len(table), seen.ids, places, table.split[seen.ids], seen.examples))


class _Pace:
    """How long one epoch takes, told once: of the second one, or of a first one that is slow."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._told = False
        self._n = 0

    def after_an_epoch(self) -> float:
        """Return seconds the first time that they are known; else 0."""
        now = time.monotonic()
        took, self._last, self._n = now - self._last, now, self._n + 1
        if self._told or (self._n == 1 and took < _SLOW_S):
            return 0.0
        self._told = True
        return took


def begin_fit(
    folder: Path, config: FitConfig, should_stop: ShouldStop, start: Callable[[], Start] = Start
) -> Iterator[Event]:
    """Write a new run: fit the model to a project's windows, or take over weights as they are."""
    from napari_atlas.model.runner import begin

    project, begun = read_project(folder), start()
    prepared, heads, notes = _prepare(project, config, begun)
    with _of_the_first(lambda: new_run(folder)) as run, claimed(run):
        begun.keep(run)
        run.write("config", provenance(project, prepared.config, prepared.windows) | begun.record())
        work = _Work(project, run, prepared, notes, begun, heads)
        if begun.trains:
            yield _started(work)
            yield from _to_the_end(work, begin(prepared), should_stop)
        else:
            yield from _adopt(work)


def begin_encode(folder: Path, weights: str) -> Iterator[Event]:
    """Write a new run of what a trained model makes of a project's windows; nothing is trained."""
    config = FitConfig(split="none")
    return begin_fit(folder, config, lambda: False, lambda: AsItIs(find_weights(folder, weights)))


@contextmanager
def _of_the_first(folder: Callable[[], RunFolder], like: RunFolder | None = None) -> Iterator[RunFolder]:
    """Give the first of several processes its run's folder, and the others one that is thrown away at the end.

    Parameters
    ----------
    folder
        Makes or finds the folder.
    like
        What the others begin with a copy of.
    """
    if _RANK == 0:
        yield folder()
        return
    with tempfile.TemporaryDirectory() as aside:
        run = RunFolder(Path(aside) / "runs" / "aside")
        if like is None:
            (run.path / "maps").mkdir(parents=True)
        else:
            shutil.copytree(like.path, run.path, ignore=shutil.ignore_patterns("running.json"))
        yield run


def resume_fit(folder: Path, name: str, should_stop: ShouldStop) -> Iterator[Event]:
    """Continue a run that was stopped or cut off, by id, or the newest one."""
    from napari_atlas.model.runner import begin

    project = read_project(folder)
    like = find_run(folder, name) if _RANK else None
    with _of_the_first(lambda: find_resumable(folder, name), like) as run, claimed(run):
        record = run.config
        fitted = as_fitted(project, record)
        begun = start_of(run, record)
        prepared, heads, notes = _prepare(fitted, settings_of(record, run.name), begun)
        now = provenance(fitted, prepared.config, prepared.windows)
        if any(record.get(key, now[key]) != now[key] for key in ("recipe", "recordings", "labels")):
            raise InputError.of(f"run {run.name}", "its recordings or settings have changed since", "fit again")
        kept = resume_file(run)
        state = begin(prepared, kept if kept.is_file() else None)
        work = _Work(fitted, run, prepared, notes, begun, heads, reopen(run, state.epoch))
        yield _started(work)
        yield from _to_the_end(work, state, should_stop)


def _prepare(project: Project, config: FitConfig, start: Start) -> tuple[Prepared, tuple[Asked, ...], tuple[str, ...]]:
    windows, _ = load_windows(project)
    if not len(windows.table):
        raise InputError.of(project.folder, "it holds no window", "add recordings with 'napari-atlas add'")
    prepared, notes = start.prepare(project, windows, config)
    prepared, unlike = know(project, prepared, start)
    prepared, flat = embody(project, prepared)
    prepared, heads, told = ask(prepared, start)
    return prepared, heads, (*notes, *unlike, *flat, *told)


def _started(work: _Work) -> Event:
    run, device, done = work.run, work.prepared.device, len(work.history)
    text = f"run {run.name} on {device}" + (f", continued after epoch {done}" if done else "")
    data = {"run": run.name, "folder": str(run.path), "device": device, "pid": os.getpid()}
    return work.told(Event("started", text, done, work.prepared.config.epochs, data))


def _adopt(work: _Work) -> Iterator[Event]:
    """Encode with the weights as they are; a run that is not encoded to the end is taken away again."""
    from napari_atlas.model.checkpoint import save_weights

    try:
        yield _started(work)
        yield from _told(work, work.notes)
        save_weights(work.run.weights, work.prepared.model, work.prepared.scaling)
        told = _finish(work, stopped=False)
    except BaseException:
        shutil.rmtree(work.run.path, ignore_errors=True)
        raise
    yield from told


def _to_the_end(work: _Work, state: FitState, should_stop: ShouldStop) -> Iterator[Event]:
    """Train, encode and report; a run that is complete has nothing left to be resumed."""

    def stop() -> bool:
        return should_stop() or work.run.stop_file.exists()

    from napari_atlas.model.runner import foretell

    onlooker = _Onlooker(work)
    yield from _told(work, (*work.notes, *foretell(work.prepared)))
    yield from _epochs(work, state, stop, onlooker)
    stopped = stop()
    onlooker.look(work.prepared.model, state.best_epoch or state.epoch)
    work.run.stop_file.unlink(missing_ok=True)
    told = _finish(work, stopped)
    if not stopped:
        resume_file(work.run).unlink(missing_ok=True)
    yield from told


def _told(work: _Work, notes: Iterable[str], epoch: int = 0) -> Iterator[Event]:
    for note in notes:
        yield work.told(Event("log", note, epoch, work.prepared.config.epochs if epoch else 0))


def _epochs(work: _Work, state: FitState, stop: ShouldStop, onlooker: _Onlooker) -> Iterator[Event]:
    """Train; after each epoch write history and state, so that what was told is never lost.

    A new run without any weights is taken away again.
    """
    from napari_atlas.model.resume import save_resume
    from napari_atlas.model.runner import train

    run, rows, begun, pace = work.run, work.history, bool(work.history), _Pace()
    try:
        for report in train(work.prepared, run.weights, stop, state):
            rows.append(_row(report))
            run.write_history(rows)
            save_resume(resume_file(run), state)
            told = {**rows[-1], "live": onlooker.look_if_due(state.kept, report.epoch)}
            yield work.told(Event("epoch", _epoch_text(report), report.epoch, work.prepared.config.epochs, told))
            found = _found(work, report.epoch, pace.after_an_epoch(), lambda: onlooker.carried(state.kept))
            yield from _told(work, found, report.epoch)
        if not rows:
            raise StoppedError(f"run {run.name}: stopped before the first epoch ended; nothing was kept")
    except AtlasError as error:
        work.told(Event("error", str(error)))
        if not begun and not run.weights.is_file():
            shutil.rmtree(run.path, ignore_errors=True)
        raise


def _found(work: _Work, epoch: int, seconds: float, carried: Callable[[], dict[str, int]]) -> Iterator[str]:
    """Say how long the fit may take once that is known, and after the warm-up whether the latent carries anything."""
    from napari_atlas.analysis.collapse import collapse_notes
    from napari_atlas.model.estimate import time_text

    config = work.prepared.config
    if epoch >= config.epochs:
        return
    if seconds:
        yield time_text(seconds, config)
    if epoch == max(1, config.beta_warmup * config.beta_cycles):
        yield from collapse_notes(carried(), config)


def _row(report: EpochReport) -> dict[str, float]:
    row = {"epoch": report.epoch, "beta": report.beta, "best": float(report.best)}
    row |= {f"train_{k}": v for k, v in report.train.items()}
    return row | {f"validation_{k}": v for k, v in report.validation.items()}


def _epoch_text(report: EpochReport) -> str:
    held_out = report.validation["total"]
    beside = f", held-out {held_out:.3f}" if math.isfinite(held_out) else ""
    return f"epoch {report.epoch}: loss {report.train['total']:.3f}{beside}{' · best' if report.best else ''}"


def _finish(work: _Work, stopped: bool) -> list[Event]:
    """Encode all windows, report on held-out ones, write latents, card and atlas.h5ad, and return what is told."""
    from napari_atlas.analysis.collapse import active_dimensions, collapse_notes
    from napari_atlas.model.runner import encode_all

    run, prepared = work.run, work.prepared
    encoded = encode_all(prepared)
    table, told = prepared.windows.table, predictions(prepared, work.heads, encoded.mu)
    best = [int(row["epoch"]) for row in work.history if row["best"]]
    active, outside = active_dimensions(encoded.mu, table.of_key("species")), work.start.outside(table, encoded)
    shares, found = outside_notes(table, outside)
    found = (*found, *(collapse_notes(active, prepared.config) if work.start.trains else ()))
    card = {
        "notes": [*work.notes, *found],
        "stopped": stopped,
        "device": prepared.device,
        "epochs": len(work.history),
        "best_epoch": best[-1] if best else 0,
        "active_dimensions": active,
        **({"outside": shares} if shares else {}),
        **_truth(table, encoded),
        **figures_of(table, work.heads, told),
        **joint_errors(prepared),
    }
    run.write_latents(
        mu=encoded.mu,
        logvar=encoded.logvar,
        predicted=encoded.predicted,
        reconstruction_error=encoded.reconstruction_error,
        split=table.split,
        **({"outside": outside} if outside.size else {}),
        **{f"head/{name}": values for name, values in told.items()},
    )
    known = work.start.describe(work.project, run.config, table, encoded)
    run.write("weights", known | ({"heads": {head.name: head.as_dict() for head in work.heads}} if work.heads else {}))
    run.write("card", card)
    assemble(prepared.windows, run)
    text = f"run {run.name} {'stopped, best kept' if stopped else 'done'}"
    return [*_told(work, found), work.told(Event("done", text, data={"run": run.name, **card}))]


def _truth(table: WindowTable, encoded: Encoded) -> dict[str, Any]:
    """Return the figures on held-out windows beside their nulls, as JSON types."""
    from napari_atlas.analysis.alignment import held_out_r2, reconstruction_r2
    from napari_atlas.analysis.neighbours import neighbours

    told = held_out_r2(table, encoded.predicted) if np.isfinite(encoded.predicted).any() else {}
    pairs = neighbours(table, encoded.mu, table.temperature)
    figures = {
        "temperature_r2": {name: asdict(found) for name, found in told.items()},
        "reconstruction_r2": reconstruction_r2(table, encoded.residual_square, encoded.total_square),
        "neighbours": {name: asdict(found) for name, found in pairs.items()},
    }
    return {name: json_safe(found) for name, found in figures.items()}


def assemble(windows: Windows, run: RunFolder) -> None:
    """Write atlas.h5ad from the parts that the run has."""
    from napari_atlas.io.clusters import read_clusters
    from napari_atlas.io.h5ad import write_h5ad

    latents = run.read_latents()
    found = run.map_recipes
    coordinates = run.read_map(found[0])["coordinates"] if found else np.empty((0, 2), dtype=np.float32)
    table = replace(windows.table, split=latents["split"])
    write_h5ad(
        run.path / "atlas.h5ad", table, latents, coordinates, run.card, clusterings=read_clusters(run, len(table))
    )
