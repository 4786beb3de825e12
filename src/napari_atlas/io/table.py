"""Any table of tracks, read by a column mapping: text, workbook or Parquet, long or wide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.columns import NO_COLUMNS, Columns
from napari_atlas.data.mapping import TIME_UNITS, ColumnMapping
from napari_atlas.data.pose import Pose
from napari_atlas.errors import InputError
from napari_atlas.io._guess import guess
from napari_atlas.io._rows import rate_of, samples_of_frames, spread_times
from napari_atlas.io._sheets import Sheet, peek, read_columns, sheet_names
from napari_atlas.io.logs import Table, seconds_of
from napari_atlas.io.mapping_file import read_mapping, write_mapping
from napari_atlas.io.track_file import Reader, TrackFile

__all__ = [
    "TABLE",
    "guess_mapping",
    "read_mapping",
    "read_table",
    "sheet_names",
    "table_columns",
    "table_reader",
    "write_mapping",
]

_ALONE = "animal-0"
_SHOWN = 3


def table_columns(path: Path | str, sheet: str = "", skip_rows: int = 0) -> dict[str, tuple[str, ...]]:
    """Return the columns of a table with their first few values, as text, so that people can map them.

    Raises
    ------
    InputError
        If it is no table, is damaged, has no such sheet, or its package is not installed.
    """
    start = peek(Path(path), sheet, skip_rows)
    rows = start.rows[:_SHOWN]
    found: dict[str, tuple[str, ...]] = {}
    for i, name in enumerate(start.header):
        if name:
            found.setdefault(name, tuple(row[i] if i < len(row) else "" for row in rows))
    return found


def guess_mapping(path: Path | str, sheet: str = "", skip_rows: int = 0) -> ColumnMapping | None:
    """Return the mapping that a table's column names tell plainly, such as NAME_x with NAME_y; None where they do not.

    It never raises.
    """
    try:
        return guess(peek(Path(path), sheet, skip_rows))
    except InputError:
        return None


@dataclass(frozen=True)
class _Layout:
    """Where each row of a table goes."""

    samples: NDArray[np.int64]
    owners: NDArray[np.int64]
    individuals: tuple[str, ...]
    first_frame: int

    def place(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n_rows, …) values as (n_samples, n_individuals, …), NaN where no row tells."""
        shape = (int(self.samples.max(initial=-1)) + 1, len(self.individuals), *values.shape[1:])
        result = np.full(shape, np.nan)
        result[self.samples, self.owners] = values
        return result


def read_table(path: Path | str, mapping: ColumnMapping) -> TrackFile:
    """Return the tracks of a table.

    Parameters
    ----------
    path
        A text table separated by comma, semicolon or tab, an .xlsx workbook or a Parquet file.
    mapping
        Which column holds what.

    Returns
    -------
    TrackFile
        Rows are laid out by frame; frames that no row tells of, empty cells, values that stand for missing ones and
        numbers that are not finite are NaN. Times that do not rise are left out, and a note says so.

    Raises
    ------
    InputError
        If a column is not there or holds no numbers, a row is there twice, or the table cannot be read.
    """
    path = Path(path)
    table = _Table(path, mapping)
    layout = _layout(table)
    times, fps, notes = _clock(table, layout)
    pose = _pose(table, layout) if mapping.keypoints else None
    owners = pose.individuals if pose else layout.individuals
    columns = NO_COLUMNS
    if mapping.columns:
        values = layout.place(np.stack([table.numbers(name) for name in mapping.columns], axis=1))
        columns = Columns(owners, mapping.columns, np.repeat(values, len(owners) // values.shape[1], axis=1))
    tracks = pose or columns
    return TrackFile(tracks, fps, notes=notes, columns=columns, first_frame=layout.first_frame, times=times)


class _Table:
    """Columns of one table, as numbers or names."""

    def __init__(self, path: Path, mapping: ColumnMapping) -> None:
        self.path = path
        self.mapping = mapping
        known = peek(path, mapping.sheet, mapping.skip_rows).header
        for where, name in mapping.used():
            if name not in known:
                choices = ", ".join(filter(None, known))
                raise InputError.of(path, f"{where}: it has no column {name!r}", f"choose from {choices}"[:300])
        names = list(dict.fromkeys(name for _, name in mapping.used()))
        self._measured = set(names) - {mapping.frame, mapping.time}
        self._columns = read_columns(path, names, mapping.sheet, mapping.skip_rows)
        if not len(self._columns[names[0]]):
            raise InputError.of(path, "it holds a header and no row", "export it again")

    def raw(self, name: str) -> Any:
        """Return a column as pandas has read it."""
        return self._columns[name]

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column as numbers, NaN where it is empty, not finite, or stands for a missing value."""
        import pandas as pd

        missing = list(self.mapping.missing) if name in self._measured else []
        column = self._columns[name].mask(self._columns[name].isin(missing))
        values = np.array(pd.to_numeric(column, errors="coerce"), dtype=np.float64)
        wrong = np.flatnonzero(np.isnan(values) & column.notna().to_numpy())
        if wrong.size:
            row, cell = int(wrong[0]), str(column.iloc[wrong[0]])[:40]
            what = f"column {name!r} holds {cell!r} in row {row + 1} below the header"
            raise InputError.of(self.path, what, "choose a column of numbers, or name that value under missing")
        values[~np.isfinite(values) | np.isin(values, [one for one in missing if not isinstance(one, str)])] = np.nan
        return values

    def names(self, name: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Return a column as codes and the names that they stand for, in order of first appearance."""
        import pandas as pd

        column = self._columns[name]
        if column.isna().any():
            row = int(np.flatnonzero(column.isna())[0])
            raise InputError.of(self.path, f"column {name!r} is empty in row {row + 1}", "name the animal of every row")
        codes, found = pd.factorize(column)
        return codes.astype(np.int64), tuple(_plain_name(value) for value in found)

    def seconds(self) -> NDArray[np.float64]:
        """Return the time of each row: seconds, or for clock times those since the first; NaN where it is missing."""
        name = self.mapping.time
        column = self._columns[name]
        if column.dtype.kind in "fiub":
            return self.numbers(name) * TIME_UNITS[self.mapping.time_unit]
        cells = [str(cell).strip() if there else "" for cell, there in zip(column, column.notna(), strict=True)]
        days = {cell.partition(" ")[0] for cell in cells if cell}
        if len(days) == 1 and all(" " in cell for cell in cells if cell):  # then it does not matter which day it is
            day = days.pop()
            cells = [cell.replace(day, "1/1/1970") for cell in cells]
        rows = [[cell] for cell in cells]
        seconds: NDArray[np.float64] = seconds_of(Table(self.path, [name], rows, ";"), 0, "1970-01-01")
        seconds -= seconds[np.isfinite(seconds)].min(initial=np.inf)
        return seconds


def _plain_name(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _layout(table: _Table) -> _Layout:
    mapping = table.mapping
    n_rows = len(table.raw(next(name for _, name in mapping.used())))
    owners: NDArray[np.int64] = np.zeros(n_rows, dtype=np.int64)
    individuals: tuple[str, ...] = (_ALONE,)
    if mapping.individual:
        owners, individuals = table.names(mapping.individual)
    first = 0
    if mapping.frame:
        samples, first = samples_of_frames(table.path, table.numbers(mapping.frame))
    elif mapping.individual and mapping.time:
        _, samples = np.unique(table.seconds(), return_inverse=True)
    elif mapping.individual:
        order = np.argsort(owners, kind="stable")
        begins = np.searchsorted(owners[order], owners)
        samples = np.empty(n_rows, dtype=np.int64)
        samples[order] = np.arange(n_rows) - begins[order]
    else:
        samples = np.arange(n_rows)
    _check_once(table, samples, owners, (individuals, first))
    return _Layout(samples, owners, individuals, first)


def _check_once(
    table: _Table, samples: NDArray[np.int64], owners: NDArray[np.int64], told: tuple[tuple[str, ...], int]
) -> None:
    individuals, first = told
    _, begins, counts = np.unique(samples * len(individuals) + owners, return_index=True, return_counts=True)
    if (counts > 1).any():
        row = int(begins[counts > 1][0])
        whose = f" of {individuals[owners[row]]}" if table.mapping.individual else ""
        cure = "take out one of them" if whose else "name the column that tells the individuals"
        raise InputError.of(table.path, f"frame {samples[row] + first}{whose} is there twice", cure)


def _clock(table: _Table, layout: _Layout) -> tuple[NDArray[np.float64], float, tuple[str, ...]]:
    """Return the seconds of each sample, none where they do not rise, the frames per second, and what to say."""
    mapping = table.mapping
    if not mapping.time:
        return np.empty(0), mapping.fps, ()
    seconds = table.seconds()
    times = spread_times(seconds, layout.samples)
    fps = mapping.fps if mapping.fps > 0 else rate_of(times if times.size else seconds)
    if not times.size:
        return times, fps, (f"The times in {mapping.time} do not rise from row to row; only their step was used.",)
    column = table.raw(mapping.time)
    return times, fps, (f"Time zero is {column.iloc[0]}.",) if column.dtype.kind not in "fiub" else ()


def _pose(table: _Table, layout: _Layout) -> Pose:
    mapping = table.mapping
    animals = mapping.individuals
    keypoints = tuple(dict.fromkeys(point.keypoint for point in mapping.keypoints))
    axes = ("x", "y", "z") if mapping.keypoints[0].z else ("x", "y")
    n_rows = layout.samples.size
    values = np.full((n_rows, max(len(animals), 1), len(keypoints), len(axes) + 1), np.nan)
    for point in mapping.keypoints:
        owner = animals.index(point.individual) if animals else 0
        for k, axis in enumerate((*axes, "confidence")):
            if name := getattr(point, axis):
                values[:, owner, keypoints.index(point.keypoint), k] = table.numbers(name)
    placed = layout.place(values) if animals else layout.place(values[:, 0])
    placed = placed[:, 0] if animals else placed
    scored = any(point.confidence for point in mapping.keypoints)
    return Pose(
        positions=np.ascontiguousarray(placed[..., :-1]),
        keypoints=keypoints,
        individuals=animals or layout.individuals,
        first_frame=layout.first_frame,
        confidence=np.ascontiguousarray(placed[..., -1]) if scored else np.empty(0),
    )


def table_reader(name: str, find: Callable[[Sheet], ColumnMapping | None], *notes: str) -> Reader:
    """Return the reader of tables whose header *find* knows how to map.

    Parameters
    ----------
    name
        The format, as users read it.
    find
        The beginning of a table → its mapping, None for a table of another format.
    notes
        What to say of such files.
    """

    def mapping_of(path: Path) -> ColumnMapping | None:
        try:
            return find(peek(path))
        except InputError:
            return None

    def load(path: Path, part: str) -> TrackFile:
        mapping = find(peek(path))
        if mapping is None:
            raise InputError.of(path, f"it is no {name} table", "give a column mapping")
        try:
            file = read_table(path, mapping)
        except InputError:
            if not mapping.columns:
                raise
            file = read_table(path, replace(mapping, columns=()))
            file = replace(file, notes=(*file.notes, "Its further columns are not all numbers and are left out."))
        return replace(file, notes=(*file.notes, *notes))

    return Reader(name, "pose", lambda path: mapping_of(path) is not None, load)


TABLE = table_reader("table", guess, "Its columns were recognised by their names; a column mapping overrules that.")
