"""What is done with runs that are there: listed, named, compared, deleted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from napari_atlas.data.results import json_safe
from napari_atlas.errors import InputError
from napari_atlas.io import running
from napari_atlas.io.project import read_project
from napari_atlas.io.runs import RunFolder, find_run, label_of, list_runs

__all__ = ["OBJECTIVE", "best_row", "caution", "compare_runs", "delete_run", "rename_run", "runs"]

OBJECTIVE = ("latent_dim", "beta", "free_bits", "temperature_weight")
"""Settings that the validation total itself depends on; the KL term is a mean over latent dimensions."""

_HELD_OUT = ("split", "folds", "fold", "validation_fraction", "test_fraction", "seed")


def runs(folder: Path) -> list[dict[str, Any]]:
    """Return one summary per run, the oldest first."""
    read_project(folder)
    return [_summary(run) for run in list_runs(folder)]


def rename_run(folder: Path, run: str, label: str) -> str:
    """Give a run a label to be shown beside its id, which stays, and return the id; an empty one takes it away."""
    read_project(folder)
    found = find_run(folder, run)
    running.rename_run(found, label)
    return found.name


def delete_run(folder: Path, run: str) -> None:
    """Delete a run with all that belongs to it; one that is being fitted is refused."""
    read_project(folder)
    running.delete_run(find_run(folder, run))


def compare_runs(folder: Path, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return one row per run: the settings that differ, and how far each run came.

    Parameters
    ----------
    folder
        The project.
    names
        Ids or labels; none stands for all runs.

    Returns
    -------
    list
        Rows with ``run``, ``label``, ``state``, ``settings`` (those that differ; None where a run has no such
        setting), ``epochs``, ``best_epoch``, ``validation_total`` at the best epoch, what the card says of held-out
        windows, and ``note``, which tells what cannot be compared. What is undefined is None.

    Raises
    ------
    InputError
        If there are fewer than two runs, or one is not there.
    """
    read_project(folder)
    chosen = [find_run(folder, name) for name in dict.fromkeys(names)] if names else list_runs(folder)
    if len({run.name for run in chosen}) < 2:
        raise InputError.of(folder, "two runs are needed to compare", "name two of those that 'runs' lists")
    kept = [_settings(run) for run in chosen]
    every = dict.fromkeys(name for settings in kept for name in settings)
    differing = [name for name in every if any(settings.get(name) != kept[0].get(name) for settings in kept)]
    note = caution(differing)
    return [
        _compared(run, {name: settings.get(name) for name in differing}) | {"note": note}
        for run, settings in zip(chosen, kept, strict=True)
    ]


def best_row(run: RunFolder) -> dict[str, float]:
    """Return the epoch that a run kept, as its history tells it; nothing before there is one."""
    return next((row for row in reversed(run.read_history()) if row.get("best")), {})


def caution(differing: Collection[str]) -> str:
    """Return what cannot be compared between fits in which these settings differ; empty if all can be."""
    told = []
    if found := [name for name in OBJECTIVE if name in differing]:
        told.append(f"validation totals are not comparable, since {_listed(found)}")
    if found := [name for name in _HELD_OUT if name in differing]:
        told.append(f"not the same windows may be held out, since {_listed(found)}")
    return "; ".join(told)


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names)} {'differ' if len(names) > 1 else 'differs'}"


def _settings(run: RunFolder) -> dict[str, Any]:
    found = run.config.get("config")
    return found if isinstance(found, dict) else {}


def _summary(run: RunFolder) -> dict[str, Any]:
    return {
        "run": run.name,
        "label": label_of(run),
        "state": _state(run),
        "epochs": len(run.read_history()),
        "maps": list(run.map_recipes),
        "resumable": running.resumable(run),
        **run.card,
    }


def _state(run: RunFolder) -> str:
    if running.process_of(run):
        return "running"
    if run.card:
        return "complete"
    return "interrupted" if run.weights.is_file() else "unfinished"


def _compared(run: RunFolder, settings: dict[str, Any]) -> dict[str, Any]:
    row, card = best_row(run), run.card
    return {
        "run": run.name,
        "label": label_of(run),
        "state": _state(run),
        "settings": settings,
        "epochs": len(run.read_history()),
        "best_epoch": int(row.get("epoch", 0)),
        "validation_total": json_safe(row.get("validation_total")),
        "validation_reconstruction": json_safe(row.get("validation_reconstruction")),
        **{name: card.get(name) or {} for name in ("temperature_r2", "reconstruction_r2", "neighbours")},
    }
