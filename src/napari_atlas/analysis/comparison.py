"""Runs side by side, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["cell", "comparison"]

_FIGURES = {
    "temperature_r2": ("temperature R²", ("validation", "test", "shuffled")),
    "reconstruction_r2": ("reconstruction R²", ("validation", "test")),
    "neighbours": ("neighbours", ("difference", "shuffled")),
}
_FACTS = {
    "state": "state",
    "epochs": "epochs fitted",
    "best_epoch": "best epoch",
    "validation_total": "validation total",
    "validation_reconstruction": "validation reconstruction",
}


def comparison(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return for whatever is known of one of the runs its name, and then its value in each run.

    Parameters
    ----------
    rows
        Runs as ``compare_runs`` returns them; what is undefined becomes an empty text.
    """
    columns = [{"run": row["run"], "label": row["label"], **_facts(row)} for row in rows]
    names = dict.fromkeys(name for column in columns for name, value in column.items() if cell(value))
    return [[name, *(cell(column.get(name)) for column in columns)] for name in names]


def cell(value: Any) -> str:
    """Return a value as a table shows it; nothing where it is undefined."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a run, by the words of a line."""
    facts = {**row["settings"], **{told: row[name] for name, told in _FACTS.items()}}
    for name, (told, kinds) in _FIGURES.items():
        for of, figures in row[name].items():
            facts |= {f"{told} {of}, {kind}": figures.get(kind) for kind in kinds}
    return facts
