"""Temperatures: logger tables, folder names, one value per window."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.covariates import Course
from napari_atlas.data.sources import NOWHERE, UNITS, Source, celsius
from napari_atlas.errors import InputError
from napari_atlas.io._sniff import array_header, csv_rows, head
from napari_atlas.io.logs import MISSING, Table, delimiter_of, find_header, find_time, number, read_table, seconds_of

__all__ = [
    "course_of",
    "in_celsius",
    "is_temperature_log",
    "overlap",
    "plausible",
    "read_temperature_csv",
    "read_window_temperatures",
    "temperature_column",
    "temperature_from_name",
    "unit_of_name",
]

_LINES, _WIDEST = 20, 20
_READING = re.compile(r"(?P<number>[-+]?\d+(?:[.,]\d+)?)\s*(?P<unit>°?[CFK])?")
_CELSIUS = re.compile(
    r"(?P<sign>(?<![^\s(_,/])[-\u2212])?(?<![\d.])(?P<value>\d+(?:\.\d+)?)"
    r"\s*(?:C|(?:\u00b0|\u00ba|deg)\s*[Cc])(?![A-Za-z0-9])"
)
_RANGE = re.compile(r"\d\s*(?:\u00b0|\u00ba|deg)?\s*C?(?:\s*(?:-|\u2013|\u2014|\u2192|>|to)\s*|,)$")


def _find_column(header: list[str], time: int) -> int:
    """Return the column of temperatures, a measured one before a set point; −1 if there is none."""
    names = [name.lower() for name in header]
    warm = [i for i, name in enumerate(names) if "temp" in name and i != time]
    warm.sort(key=lambda i: ("measured" not in names[i], "setpoint" in names[i]))
    return (warm or [-1])[0]


def temperature_column(path: Path) -> str:
    """Return the name of the column of temperatures that is read where none is named; empty if there is none."""
    header = read_table(path).header
    at = _find_column(header, find_time(header))
    return header[at] if at >= 0 else ""


def is_temperature_log(path: Path) -> bool:
    """Whether a text table has a column of times and one of temperatures; never raises."""
    rows = csv_rows(path, _LINES, delimiter_of(path))
    header = rows[find_header(rows)] if rows else []
    time = find_time(header)
    return 1 < len(header) <= _WIDEST and time >= 0 and _find_column(header, time) >= 0


def read_temperature_csv(path: Path | str, source: Source = NOWHERE, start: str = "") -> Course:
    """Return the temperature course of a logger table.

    Parameters
    ----------
    path
        Text with a header and columns separated by comma, semicolon or tab; lines above the header are passed over.
    source
        Column, column of times, unit and extension, where they are not to be found out. The first column whose name
        contains "time", "sec", "date" or "elapsed" holds the times; of those whose name contains "temp", one that is
        "measured" goes first. The unit is what *source*, a cell (``77 F``) or the column's name tells, else °C.
    start
        Wall-clock time of time zero, for a log that tells clock times.

    Returns
    -------
    Course
        Seconds since time zero and °C; NaN where a reading is missing. Rows without a time are dropped.

    Raises
    ------
    InputError
        If the file is missing or empty, a column is missing or not numeric, the times fall, or the readings are no
        temperatures in °C while the unit is not told.
    """
    table = read_table(Path(path))
    time = table.index_of(source.time) if source.time else find_time(table.header)
    warm = table.index_of(source.column) if source.column else _find_column(table.header, time)
    for column, what, name in ((time, "times", "time_s"), (warm, "temperatures", "measured_temp_C")):
        if column < 0:
            told = f"no column of {what} among {', '.join(table.header)}"
            raise InputError.of(table.path, told[:300], f"name one {name}")
    return course_of(table, seconds_of(table, time, start), in_celsius(table, warm, source.unit), source.extend)


def course_of(table: Table, times: NDArray[np.float64], values: NDArray[np.float64], extend: bool) -> Course:
    """Return the course of readings at times; rows without a time are dropped, and times must not fall.

    Raises
    ------
    InputError
        If there is no reading, or time falls.
    """
    timed = np.isfinite(times)
    times, values = np.ascontiguousarray(times[timed]), np.ascontiguousarray(values[timed])
    if not np.isfinite(values).any():
        raise InputError.of(table.path, "it holds no reading", "log the temperature again, or give a number")
    falls = np.flatnonzero(np.diff(times) < 0)
    if falls.size:
        raise InputError.of(table.path, f"time falls after {times[falls[0]]:g} s", "sort the rows by time")
    return Course(times, values, extended=extend)


def in_celsius(table: Table, column: int, unit: str) -> NDArray[np.float64]:
    """Return a column of temperatures in °C, each cell by its own unit, the one given, or that of the column's name.

    Raises
    ------
    InputError
        If a cell is no number, or no unit is told and the readings are no temperatures in °C.
    """
    told = unit or unit_of_name(table.header[column])
    values = np.empty(len(table.rows))
    marked = False
    for i, cell in enumerate(table.cells(column)):
        found = _READING.fullmatch(cell)
        own = found["unit"] if found else ""
        marked |= bool(own)
        values[i] = celsius(number(table, found["number"] if found and own else cell, column), own or told)
    return plausible(table.path, table.header[column], values, told or ("C" if marked else ""))


def plausible(path: Path, column: str, values: NDArray[np.float64], unit: str) -> NDArray[np.float64]:
    """Return temperatures as they are, or raise an `InputError` if no unit is told and they cannot be °C."""
    known = values[np.isfinite(values)]
    middle = float(np.median(known)) if known.size else 0.0
    if not unit and not -60.0 <= middle <= 60.0:
        guess = "K" if 200 < middle < 340 else "F"
        raise InputError.of(
            path, f"column {column} has a median of {middle:.0f}, which cannot be °C", f"give its unit, perhaps {guess}"
        )
    return values


def unit_of_name(name: str) -> str:
    """Return the unit of temperature that a column's name tells: "C", "F" or "K"; empty if it tells none."""
    words = re.split(r"[^A-Za-z°]+", name)
    return next((UNITS[word.lower()] for word in reversed(words) if word.lower() in UNITS), "")


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
    table = read_table(path)
    named = not _is_number(table.header[0])
    if not named:
        table = replace(table, header=["1"] * len(table.header), rows=[table.header, *table.rows])
    column = _find_column(table.header, -1) if named else 0
    if len(table.header) > 1 and (column < 0 or not named):
        raise InputError.of(path, "no column of temperatures", "name one temp_C, or give a single column")
    cells = table.cells(max(column, 0))
    return np.array([number(table, cell, max(column, 0)) for cell in cells], dtype=np.float64)


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return text.lower() in MISSING
    return True


def overlap(temperature: Course, first_s: float, last_s: float) -> float:
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
