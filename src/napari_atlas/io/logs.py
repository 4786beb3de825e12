"""Logs: text tables with a column of times and columns of readings."""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_atlas.errors import InputError
from napari_atlas.io._sniff import head, text_encoding

__all__ = [
    "MISSING",
    "Table",
    "delimiter_of",
    "find_header",
    "find_time",
    "number",
    "read_table",
    "seconds_of",
    "wall_clock",
]

_DELIMITERS = "\t;,"
MISSING = {"", "nan", "na", "n/a", "null", "none", "-"}
_TIME = re.compile(r"time|sec|date|elapsed", re.IGNORECASE)
_UNITS = {"ms": 1e-3, "millisecond": 1e-3, "milliseconds": 1e-3, "min": 60.0, "minute": 60.0, "minutes": 60.0}
_UNITS |= {"h": 3600.0, "hr": 3600.0, "hour": 3600.0, "hours": 3600.0}
_WALL_CLOCK = 1e8  # seconds since 1970 exceed this, seconds of a recording do not
_ELAPSED = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{2}(?:[.,]\d+)?)")
_SLASHED = re.compile(r"(\d{1,2})([/.])(\d{1,2})[/.](\d{2,4})[ ,T]*(.*)")
_CLOCKS = ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "")
_LINES_ABOVE = 20


@dataclass(frozen=True)
class Table:
    """A text table.

    Attributes
    ----------
    path
        Where it came from.
    header
        Names of the columns.
    rows
        Cells, stripped; rows may be shorter than the header.
    delimiter
        What separates the columns.
    """

    path: Path
    header: list[str]
    rows: list[list[str]]
    delimiter: str

    def cells(self, column: int) -> list[str]:
        """Return the cells of a column, empty where a row is too short."""
        return [row[column] if column < len(row) else "" for row in self.rows]

    def index_of(self, name: str) -> int:
        """Return the index of a named column, or raise an `InputError` that lists them."""
        if name not in self.header:
            known = ", ".join(self.header)
            raise InputError.of(self.path, f"it has no column {name!r}", f"choose from {known}"[:300])
        return self.header.index(name)


def delimiter_of(path: Path) -> str:
    """Return what separates the columns of a text table, judged by its first lines."""
    lines = head(path, 4096).decode("utf-8", "replace").splitlines()[:_LINES_ABOVE]
    return max(_DELIMITERS, key=lambda mark: max((line.count(mark) for line in lines), default=0))


def read_table(path: Path) -> Table:
    """Return a text table; lines that a logger writes above the header are passed over.

    Raises
    ------
    InputError
        If it cannot be read, is no text, or holds nothing.
    """
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise InputError.of(path, "it is a pipe or a device", "give a file")
    try:
        text = path.read_text(encoding=text_encoding(path), errors="replace")
    except OSError as error:
        raise InputError.of(path, f"it cannot be read ({error.strerror})", "check the path") from error
    if head(path, 2) in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError.of(path, "it is text in UTF-16", "save it as 'CSV UTF-8'")
    if "\0" in text:
        raise InputError.of(path, "it is not a text table", "save the log as .csv")
    delimiter = delimiter_of(path)
    lines = (line for line in text.splitlines() if line.strip(" ,;\t"))
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
    except csv.Error as error:
        raise InputError.of(path, f"it is not a text table ({error})", "save the log as .csv") from error
    if not rows:
        raise InputError.of(path, "it is empty", "log the temperature again, or give a number")
    at = find_header(rows)
    return Table(path, rows[at], rows[at + 1 :], delimiter)


def find_header(rows: list[list[str]]) -> int:
    """Return which of the first rows names the columns: the first with a column of times, else the first of all."""
    return next((i for i, row in enumerate(rows[:_LINES_ABOVE]) if len(row) > 1 and find_time(row) >= 0), 0)


def find_time(header: list[str]) -> int:
    """Return the first column whose name speaks of time; −1 if there is none."""
    return next((i for i, name in enumerate(header) if _TIME.search(name)), -1)


def number(table: Table, cell: str, column: int) -> float:
    """Return a cell as a number; NaN where it is empty, and decimal commas where columns end in other marks.

    Raises
    ------
    InputError
        If it is something else.
    """
    if cell.lower() in MISSING:
        return math.nan
    try:
        return float(cell.replace(",", ".") if table.delimiter != "," else cell)
    except ValueError:
        name = table.header[column] if column < len(table.header) else column + 1
        raise InputError.of(
            table.path, f"column {name} holds {cell!r}"[:300], "give seconds and °C as plain numbers"
        ) from None


def seconds_of(table: Table, column: int, start: str = "") -> NDArray[np.float64]:
    """Return a column of times in seconds since time zero; NaN where a cell is empty.

    Parameters
    ----------
    table
        The log.
    column
        Its column of times: numbers in the unit that its name tells (seconds if it tells none), elapsed times such as
        ``1:02:03``, or wall-clock times.
    start
        Wall-clock time of time zero; needed where the log tells wall-clock times, and unused otherwise.

    Raises
    ------
    InputError
        If a cell is no time, a date can be read in two ways, or *start* is missing or wrong.
    """
    cells = table.cells(column)
    if all(_is_number(cell, table.delimiter) for cell in cells):
        values = np.array([number(table, cell, column) for cell in cells]) * _unit_of(table.header[column])
        known = values[np.isfinite(values)]
        if known.size and known[0] > _WALL_CLOCK:
            values = values * (1e-3 if known[0] > _WALL_CLOCK * 1e3 else 1.0)
            return values - _zero(table, start)
        return values
    if all(cell.lower() in MISSING or _ELAPSED.fullmatch(cell) for cell in cells):
        return _elapsed(cells)
    return _dates(table, cells, column) - _zero(table, start)


def wall_clock(text: str, day_first: bool | None = None) -> float:
    """Return a wall-clock time in seconds since 1970; NaN if the text is none.

    Parameters
    ----------
    text
        ISO, or day and month apart by dots or slashes with an optional time of day.
    day_first
        How to read slashes; None reads only those that cannot be read in two ways. Dots put the day first.
    """
    try:
        return _stamp(datetime.fromisoformat(text))
    except ValueError:
        pass
    found = _SLASHED.fullmatch(text)
    if not found:
        return math.nan
    first, mark, second, year, clock = found.groups()
    if mark == "/" and day_first is None and int(first) <= 12 and int(second) <= 12 and first != second:
        return math.nan
    leads = mark == "." or int(first) > 12 or (day_first is True and int(second) <= 12)
    day, month = (first, second) if leads else (second, first)
    for form in _CLOCKS:
        try:
            full = f"20{year}" if len(year) == 2 else year
            return _stamp(datetime.strptime(f"{full}-{month}-{day} {clock}".strip(), f"%Y-%m-%d {form}".strip()))
        except ValueError:
            continue
    return math.nan


def _stamp(moment: datetime) -> float:
    """Return seconds since 1970, of a time without a zone as if it were in the same zone as all others."""
    return (moment.replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds()


def _zero(table: Table, start: str) -> float:
    if not start:
        raise InputError.of(
            table.path, "it tells clock times", "give that of time zero with --start '2026-05-03 10:00:00'"
        )
    moment = wall_clock(start)
    if math.isnan(moment):
        raise InputError.of("start", f"{start!r} is no time", "write it like 2026-05-03 10:00:00")
    return moment


def _dates(table: Table, cells: list[str], column: int) -> NDArray[np.float64]:
    found = [_SLASHED.fullmatch(cell) for cell in cells]
    slashed = [(int(m[1]), int(m[3])) for m in found if m and m[2] == "/"]
    day_first = True if any(a > 12 for a, _ in slashed) else False if any(b > 12 for _, b in slashed) else None
    values = np.array([math.nan if c.lower() in MISSING else wall_clock(c, day_first) for c in cells])
    for cell, value in zip(cells, values, strict=True):
        if math.isnan(value) and cell.lower() not in MISSING:
            twice = slashed and day_first is None
            what = "which can be read in two ways" if twice else "which is no time"
            raise InputError.of(
                table.path, f"column {table.header[column]} holds {cell!r}, {what}"[:300], "write 2026-05-03 10:00:00"
            )
    return values


def _elapsed(cells: list[str]) -> NDArray[np.float64]:
    """Return h:mm:ss or mm:ss in seconds; where the clock passes midnight it goes on."""
    values = np.full(len(cells), np.nan)
    days, last = 0.0, 0.0
    for i, cell in enumerate(cells):
        found = _ELAPSED.fullmatch(cell)
        if not found:
            continue
        seconds = int(found[1] or 0) * 3600 + int(found[2]) * 60 + float(found[3].replace(",", "."))
        if last > 20 * 3600 and seconds < 4 * 3600:
            days += 86400.0
        last = seconds
        values[i] = seconds + days
    return values


def _unit_of(name: str) -> float:
    """Return how many seconds the unit in a column's name has; 1 if it names none."""
    words = re.split(r"[^a-z]+", name.lower())
    return next((_UNITS[word] for word in words if word in _UNITS), 1.0)


def _is_number(cell: str, delimiter: str) -> bool:
    if cell.lower() in MISSING:
        return True
    try:
        float(cell.replace(",", ".") if delimiter != "," else cell)
    except ValueError:
        return False
    return True
