"""Temperatures: logger tables, folder names, one value per window."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.covariates import Temperature
from napari_atlas.errors import InputError
from napari_atlas.io._sniff import array_header, csv_rows, head

__all__ = [
    "is_temperature_log",
    "overlap",
    "read_temperature_csv",
    "read_window_temperatures",
    "temperature_from_name",
]

_DELIMITERS = ",;\t"
_MISSING = {"", "nan", "na", "n/a", "null", "none", "-"}
_CELSIUS = re.compile(
    r"(?P<sign>(?<![^\s(_,/])[-\u2212])?(?<![\d.])(?P<value>\d+(?:\.\d+)?)"
    r"\s*(?:C|(?:\u00b0|\u00ba|deg)\s*[Cc])(?![A-Za-z0-9])"
)
_RANGE = re.compile(r"\d\s*(?:\u00b0|\u00ba|deg)?\s*C?(?:\s*(?:-|\u2013|\u2014|\u2192|>|to)\s*|,)$")


def _delimiter(path: Path) -> str:
    """Return what separates the columns of a text table, judged by its first line."""
    line = head(path, 4096).decode("utf-8", "replace").split("\n", 1)[0]
    return max(_DELIMITERS, key=line.count)


def _find_columns(header: list[str]) -> tuple[int, int]:
    """Return the columns of time and of measured temperature; −1 for one that is not there."""
    names = [name.lower() for name in header]
    times = [i for i, name in enumerate(names) if "time" in name or "sec" in name]
    warm = [i for i, name in enumerate(names) if "temp" in name and i not in times[:1]]
    warm.sort(key=lambda i: ("measured" not in names[i], "setpoint" in names[i]))
    return (times or [-1])[0], (warm or [-1])[0]


def is_temperature_log(path: Path) -> bool:
    """Whether a text table has a column of times and one of temperatures; never raises."""
    rows = csv_rows(path, 1, _delimiter(path))
    return bool(rows) and len(rows[0]) < 100 and min(_find_columns(rows[0])) >= 0


def read_temperature_csv(path: Path | str) -> Temperature:
    """Return the temperature course of a logger table.

    Parameters
    ----------
    path
        Text with a header and columns separated by comma, semicolon or tab. The first column whose name contains
        "time" or "sec" holds seconds; of those whose name contains "temp", one that is "measured" goes first.

    Returns
    -------
    Temperature
        Seconds as the file tells them and °C; rows in which either is missing are dropped.

    Raises
    ------
    InputError
        If the file is missing or empty, a column is missing or not numeric, or the times fall.
    """
    path = Path(path)
    delimiter, rows = _read_rows(path)
    time, warm = _find_columns(rows[0])
    for column, what, name in ((time, "times", "time_s"), (warm, "temperatures", "measured_temp_C")):
        if column < 0:
            raise InputError.of(path, f"no column of {what} among {', '.join(rows[0])}"[:300], f"name one {name}")
    pairs = np.array([[_number(path, row, c, rows[0], delimiter) for c in (time, warm)] for row in rows[1:]])
    pairs = pairs.reshape(-1, 2)
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    if not len(pairs):
        raise InputError.of(path, "it holds no reading", "log the temperature again, or give a number")
    falls = np.flatnonzero(np.diff(pairs[:, 0]) < 0)
    if falls.size:
        raise InputError.of(path, f"time falls after {pairs[falls[0], 0]:g} s", "sort the rows by time")
    return Temperature(np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1]))


def _read_rows(path: Path) -> tuple[str, list[list[str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise InputError.of(path, f"it cannot be read ({error.strerror})", "check the path") from error
    if "\0" in text:
        raise InputError.of(path, "it is not a text table", "save the log as .csv")
    delimiter = _delimiter(path)
    lines = (line for line in text.splitlines() if line.strip(" ,;\t"))
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
    except csv.Error as error:
        raise InputError.of(path, f"it is not a text table ({error})", "save the log as .csv") from error
    if not rows:
        raise InputError.of(path, "it is empty", "log the temperature again, or give a number")
    return delimiter, rows


def _number(path: Path, row: list[str], column: int, header: list[str], delimiter: str) -> float:
    """Return a cell as a number; NaN where it is empty, and decimal commas where columns end in semicolons."""
    cell = row[column] if column < len(row) else ""
    if cell.lower() in _MISSING:
        return math.nan
    try:
        return float(cell.replace(",", ".") if delimiter != "," else cell)
    except ValueError:
        raise InputError.of(
            path, f"column {header[column]} holds {cell!r}"[:300], "give seconds and °C as plain numbers"
        ) from None


def temperature_from_name(name: str) -> float:
    """Return the temperature in °C that a file or folder name tells, such as "22.5C tank a"; NaN if none.

    A name that tells a range or several temperatures tells none, and so does "22_5C", which may be 22.5 or 5.
    """
    found: set[float] = set()
    for match in _CELSIUS.finditer(name):
        digits, before = match["value"], name[: match.start("value")]
        if _RANGE.search(before) or (len(digits) == 1 and re.search(r"\d_$", before)):
            return math.nan
        found.add(-float(digits) if match["sign"] else float(digits))
    return found.pop() if len(found) == 1 else math.nan


def read_window_temperatures(path: Path | str) -> NDArray[np.float64]:
    """Return the (n_windows,) °C of windows that were cut elsewhere, NaN where unknown.

    Parameters
    ----------
    path
        A .npy of one number per window, or a text table of one row per window: its column of temperatures, or its
        only column, with or without a header.

    Raises
    ------
    InputError
        If the file is missing, or does not hold one number per window.
    """
    path = Path(path)
    if head(path, 6) == b"\x93NUMPY":
        shape, kind = array_header(path)
        if kind not in tuple("fiu") or math.prod(shape) != max(shape, default=0):
            raise InputError.of(path, f"its shape {shape} is not one number per window", "save an array (n_windows,)")
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.float64).ravel()
    delimiter, rows = _read_rows(path)
    named = not _is_number(rows[0][0])
    column = _find_columns(rows[0])[1] if named else 0
    if len(rows[0]) > 1 and (column < 0 or not named):
        raise InputError.of(path, "no column of temperatures", "name one temp_C, or give a single column")
    header = rows[0] if named else ["1"]
    values = [_number(path, row, max(column, 0), header, delimiter) for row in rows[named:]]
    return np.array(values, dtype=np.float64)


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return text.lower() in _MISSING
    return True


def overlap(temperature: Temperature, first_s: float, last_s: float) -> float:
    """Return the fraction, 0 to 1, of the time from *first_s* to *last_s* that a temperature course covers.

    A constant covers all, none covers nothing; times that are not known (NaN) are covered by a constant alone.
    """
    if not temperature.present:
        return 0.0
    if not temperature.times.size:
        return 1.0
    begin, end = max(first_s, float(temperature.times[0])), min(last_s, float(temperature.times[-1]))
    if not last_s > first_s:
        return float(begin <= end)
    return max(0.0, (end - begin) / (last_s - first_s))
