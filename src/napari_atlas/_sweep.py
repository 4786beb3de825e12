"""A sweep: many fits of one project, one after the other, and the table of how they did."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_atlas._fit import begin_fit, resume_fit
from napari_atlas._runs import OBJECTIVE, best_row, caution
from napari_atlas.data.results import Event
from napari_atlas.data.sweeps import SweepPlan, plan_sweep
from napari_atlas.errors import AtlasError, InputError, StoppedError, naming
from napari_atlas.io.atomic import locked
from napari_atlas.io.loading import load_windows
from napari_atlas.io.project import read_project
from napari_atlas.io.provenance import provenance
from napari_atlas.io.running import process_of, resumable
from napari_atlas.io.runs import RunFolder, list_runs
from napari_atlas.io.tables import read_document, read_rows, write_rows

__all__ = ["run_sweep"]

ShouldStop = Callable[[], bool]
_TERMS = ("total", "reconstruction", "kl", "temperature")


@dataclass(frozen=True)
class _Sweep:
    """A plan in its project.

    Attributes
    ----------
    made_of
        What a run has to be made of to count as a point: recipe, recordings, labels.
    species
        Names, for the columns.
    records
        What is known of the runs, by id; what made a run never changes.
    """

    project: Path
    table: Path
    plan: SweepPlan
    made_of: dict[str, Any]
    species: tuple[str, ...]
    records: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """Names of the columns of the table."""
        figures = [f"{part}_r2 {name}" for part in ("validation", "test") for name in self.species]
        terms = [f"validation_{term}" for term in _TERMS]
        return ["point", "run", "state", *self.plan.varied, "score", "best_epoch", *terms, *figures, "error", "note"]

    @property
    def ranked_by(self) -> tuple[str, ...]:
        """Terms of the validation objective whose sum is the score.

        Where a setting varies that the total itself depends on, it is what is left when the weights and the KL term
        are taken out: how well held-out windows are drawn and their temperatures told, each over its variance. A
        point without a temperature head has no such error, and then none counts.
        """
        if not set(self.plan.varied) & set(OBJECTIVE):
            return ("total",)
        headless = any(not config.temperature_weight for config in self.plan.points)
        return ("reconstruction",) if headless else ("reconstruction", "temperature")

    @property
    def note(self) -> str:
        """By what the points are ranked, and what cannot be compared."""
        told = [f"best first by validation {' + '.join(self.ranked_by)}, never by test figures"]
        if any(config.split == "none" for config in self.plan.points):
            told.append("what holds nothing out has no score")
        return "; ".join([*told, *filter(None, [caution(self.plan.varied)])])

    def is_of(self, run: RunFolder, index: int) -> bool:
        """Return whether a run has the settings of a point, and was fitted to the project as it is."""
        if run.name not in self.records:
            self.records[run.name] = run.config if (run.path / "config.json").is_file() else {}
        record = self.records[run.name]
        wanted = self.made_of | {"config": self.plan.points[index].as_dict()}
        taken = record.get("reference") or record.get("weights")
        return not taken and all(record.get(key) == value for key, value in wanted.items())

    def runs_of(self, index: int) -> list[RunFolder]:
        """Return the runs of a point, the newest first."""
        return [run for run in reversed(list_runs(self.project)) if self.is_of(run, index)]


def run_sweep(
    folder: Path, file: Path, given: Mapping[str, Any], should_stop: ShouldStop, point: int
) -> Iterator[Event]:
    """Fit the points of a sweep, or one of them, counted from 1; see `workflow.sweep`."""
    project = read_project(folder)
    with naming(file):
        plan = plan_sweep(read_document(file), given)
    n_points = len(plan.points)
    if not 0 <= point <= n_points:
        raise InputError.of(f"point {point}", f"{file} has points 1 to {n_points}", "choose one of them")
    record = provenance(project, plan.points[0], load_windows(project)[0])
    made_of = {key: record[key] for key in ("recipe", "recordings", "labels")}
    species, stopped = tuple(s.name for s in project.species), False
    whole = _Sweep(folder, folder / "sweeps" / f"{file.stem}.csv", plan, made_of, species)
    for index in range(n_points) if point == 0 else (point - 1,):
        for event in _point(whole, index, should_stop):
            yield event
            stopped = stopped or bool(event.data.get("stopped"))
        if stopped or should_stop():
            break
    yield _told(whole)


def _point(work: _Sweep, index: int, should_stop: ShouldStop) -> Iterator[Event]:
    """Fit a point, unless there is nothing left to fit, and enter it in the table."""
    values = ", ".join(f"{name} = {_cell(value)}" for name, value in work.plan.values(index).items())
    where = f"point {index + 1} of {len(work.plan.points)}: {values}"
    runs = work.runs_of(index)
    if busy := [run for run in runs if process_of(run)]:
        yield Event("log", f"{where}: run {busy[0].name} is being fitted by another process")
    elif complete := [run for run in runs if not resumable(run)]:
        _enter(work, index, complete[0])
        yield Event("log", f"{where}: run {complete[0].name} is complete")
    else:
        yield Event("log", where)
        yield from _fit_point(work, index, runs, should_stop)


def _fit_point(work: _Sweep, index: int, runs: list[RunFolder], should_stop: ShouldStop) -> Iterator[Event]:
    """Fit a point, or go on with the newest of its runs; a fault of it is a row, not the end of the sweep."""
    try:
        if runs:
            yield from resume_fit(work.project, runs[0].name, should_stop)
        else:
            yield from begin_fit(work.project, work.plan.points[index], should_stop)
    except StoppedError:
        raise
    except AtlasError as error:
        _enter(work, index, error=str(error))
        yield Event("log", f"point {index + 1} failed: {error}")
    else:
        _enter(work, index, work.runs_of(index)[0])


def _enter(work: _Sweep, index: int, run: RunFolder | None = None, error: str = "") -> None:
    """Write a point's row into the table, beside those of its other points; other processes may do the same."""
    told = {"point": index + 1, **work.plan.values(index), "error": error, "note": work.note, "state": "failed"}
    row = told | (_figures(work, run) if run else {})
    with locked(work.project):
        rows = {int(kept["point"]): kept for kept in _rows(work)}
        rows[index + 1] = {column: _cell(row.get(column)) for column in work.columns}
        write_rows(work.table, [rows[number] for number in sorted(rows)])


def _figures(work: _Sweep, run: RunFolder) -> dict[str, Any]:
    best, card = best_row(run), run.card
    r2 = card.get("temperature_r2") or {}
    return {
        "run": run.name,
        "state": "stopped" if card.get("stopped") else "complete",
        "score": sum(best.get(f"validation_{term}", math.nan) for term in work.ranked_by),
        "best_epoch": int(best.get("epoch", 0)),
        **{f"validation_{term}": best.get(f"validation_{term}") for term in _TERMS},
        **{f"{part}_r2 {name}": r2.get(name, {}).get(part) for part in ("validation", "test") for name in work.species},
    }


def _rows(work: _Sweep) -> list[dict[str, str]]:
    """Return the rows of the table that are about the points as they are now, in its order."""
    kept = []
    for row in read_rows(work.table):
        index = int(row["point"]) - 1 if row.get("point", "").isdecimal() else -1
        if not 0 <= index < len(work.plan.points):
            continue
        same = all(row.get(name) == _cell(value) for name, value in work.plan.values(index).items())
        if same and (not row.get("run") or work.is_of(RunFolder(work.project / "runs" / row["run"]), index)):
            kept.append({column: row.get(column, "") for column in work.columns} | {"note": work.note})
    return kept


def _told(work: _Sweep) -> Event:
    """Return the last event: all rows, the best first, those without a score at the end."""
    rows = [{name: _value(text) for name, text in row.items()} for row in _rows(work)]
    rows.sort(key=lambda row: math.inf if row["score"] is None else row["score"])
    text = f"{len(rows)} of {len(work.plan.points)} points in {work.table}: {work.note}"
    return Event("done", text, len(rows), len(work.plan.points), {"table": str(work.table), "rows": rows})


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _value(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text
