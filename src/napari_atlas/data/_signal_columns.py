"""Signals that are columns of the file."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data._signal_registry import SignalKind, register_signal
from napari_atlas.data.columns import Columns
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase

__all__ = ["COLUMN", "all_columns", "column_kind"]

COLUMN = "column:"


@register_signal("columns", "", Columns, "All columns of the file", lambda columns, species: columns.names)
def all_columns(columns: Columns, individual: int, timebase: TimeBase, species: Species) -> NDArray[np.float64]:
    """Return all named columns of the file.

    Returns
    -------
    NDArray
        (n_samples, n_columns), each in the file's own unit; NaN where missing.
    """
    return _finite(columns.values[:, _owner(columns, individual)])


def column_kind(name: str) -> SignalKind:
    """Return the signal that is the column of that name."""
    names = partial(_one_name, name)
    return SignalKind(COLUMN + name, "", Columns, partial(_one_column, name), names, f"Column {name}")


def _one_name(name: str, columns: Columns, species: Species) -> tuple[str, ...]:
    columns.column(name)
    return (name,)


def _one_column(
    name: str, columns: Columns, individual: int, timebase: TimeBase, species: Species
) -> NDArray[np.float64]:
    return _finite(columns.column(name, _owner(columns, individual))[:, None])


def _owner(columns: Columns, individual: int) -> int:
    """Return whose columns are those of an individual: a file may hold one set for all of them."""
    return individual if individual < len(columns.individuals) else 0


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(values), values, np.nan).astype(np.float64)
