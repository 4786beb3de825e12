"""Intervals with a behaviour: Caltech annotations and tables of start, stop and behaviour."""

from __future__ import annotations

import csv
import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from napari_atlas.data.labels import Labels
from napari_atlas.errors import InputError
from napari_atlas.io._guess import plain
from napari_atlas.io._sheets import peek_csv
from napari_atlas.io._sniff import text_encoding

__all__ = ["Interval", "interval_columns", "labels_of", "read_caltech", "read_intervals"]

_STARTS = ("start", "startframe", "starts", "starttime", "startsec", "onset", "begin", "imageindexstart")
_STOPS = (
    "stop",
    "stopframe",
    "stops",
    "stoptime",
    "stopsec",
    "end",
    "endframe",
    "ends",
    "endtime",
    "offset",
    "imageindexstop",
)
_CLASSES = ("behaviour", "behavior", "label", "class", "type", "event", "action", "name")
_STREAMS = ("subject", "stream", "channel", "individual", "animal")
_RATES = ("fps", "fpsframes", "mediafps")
_STREAM = re.compile(r"(\w+):\s+start\s+end\s+type", re.IGNORECASE)
_ROW = re.compile(r"\s*(\d+)\s+(\d+)\s+(\S+)\s*$")


@dataclass(frozen=True)
class Interval:
    """Frames from *start*, counted from 0, up to but without *stop*."""

    stream: str
    start: int
    stop: int
    behaviour: str


def read_caltech(path: Path) -> list[Interval]:
    """Return the intervals of a Caltech annotation, whose frames count from 1 and include the last.

    Raises
    ------
    InputError
        If a line of a stream cannot be read.
    """
    found: list[Interval] = []
    stream = ""
    for number, line in enumerate(path.read_text(encoding=text_encoding(path), errors="replace").splitlines(), start=1):
        if header := _STREAM.match(line.strip()):
            stream = header[1]
        elif stream and line.strip("- \t"):
            row = _ROW.match(line)
            if not row or int(row[1]) < 1 or int(row[2]) < int(row[1]):
                raise InputError.of(path, f"line {number} is no interval: {line.strip()[:60]!r}", "mend or restore it")
            found.append(Interval(stream, int(row[1]) - 1, int(row[2]), row[3]))
    return found


def interval_columns(header: Sequence[str]) -> dict[str, int]:
    """Return the columns of start, stop, class and, where they are there, stream and rate; none if one is missing."""
    names = [plain(name) for name in header]
    known = {"start": _STARTS, "stop": _STOPS, "class": _CLASSES, "stream": _STREAMS, "fps": _RATES}
    found = {what: next((names.index(n) for n in choice if n in names), -1) for what, choice in known.items()}
    found = {what: column for what, column in found.items() if column >= 0}
    return found if found.keys() >= {"start", "stop", "class"} else {}


def read_intervals(path: Path, fps: float) -> tuple[list[Interval], float, tuple[str, ...]]:
    """Return the intervals of a table, the frame rate as far as it is known, and what to say of them.

    Raises
    ------
    InputError
        If a cell is no number, a stop comes before its start, or seconds cannot be turned into frames.
    """
    start = peek_csv(path)
    columns = interval_columns(start.header)
    with path.open(encoding=text_encoding(path), errors="replace", newline="") as lines:
        rows = [row for row in csv.reader(lines, delimiter=start.delimiter) if any(cell.strip() for cell in row)][1:]
    if rows and len(rows[-1]) < len(start.header):
        what = f"its last row has {len(rows[-1])} of {len(start.header)} columns"
        raise InputError.of(path, what, "it was cut short; copy it again")
    spans = [(_number(path, row, columns["start"]), _number(path, row, columns["stop"])) for row in rows]
    late = next((i for i, (begin, end) in enumerate(spans) if end < begin), -1)
    if late >= 0:
        raise InputError.of(path, f"interval {late + 1} stops at {spans[late][1]:g} before it starts", "mend that row")
    told_fps = _number(path, rows[0], columns["fps"]) if rows and "fps" in columns else math.nan
    name = start.header[columns["start"]]
    streams = [row[columns["stream"]].strip() if "stream" in columns else "labels" for row in rows]
    classes = [row[columns["class"]].strip() for row in rows]
    if _in_seconds(name, spans):
        fps = told_fps if told_fps > 0 else fps
        if not fps > 0:
            raise InputError.of(path, "its intervals are in seconds and no frame rate is known", "give the frame rate")
        frames = [(round(a * fps), max(round(b * fps), round(a * fps) + 1)) for a, b in spans]
        told = "Its intervals are in seconds."
    else:
        touch = {end for _, end in spans} & {begin for begin, _ in spans} and all(a < b for a, b in spans)
        frames, fps = [(int(a), int(b) + (not touch)) for a, b in spans], told_fps
        told = f"Its intervals are in frames from 0, the last one {'left out' if touch else 'included'}."
    joined = zip(streams, frames, classes, strict=True)
    return [Interval(stream, a, b, one) for stream, (a, b), one in joined], fps, (told,)


def _in_seconds(name: str, spans: list[tuple[float, float]]) -> bool:
    """Whether a column of starts is in seconds, told by its name, else by numbers that are not whole."""
    low = name.lower()
    if "frame" in low or "index" in low:
        return False
    named = "time" in low or "sec" in low or low.endswith(("(s)", "[s]", "_s"))
    return named or any(value % 1 for span in spans for value in span)


def _number(path: Path, row: Sequence[str], column: int) -> float:
    cell = row[column].strip() if column < len(row) else ""
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise InputError.of(path, f"{cell[:40]!r} is no frame or time", "give numbers from 0")
    return value


def labels_of(intervals: Sequence[Interval], fps: float, notes: tuple[str, ...]) -> Labels:
    """Return intervals as one code per frame and stream.

    Behaviours of one stream that overlap are given a stream each, and a note says so.
    """
    groups: dict[str, list[Interval]] = defaultdict(list)
    for one in intervals:
        groups[one.stream or "labels"].append(one)
    for name in [name for name, found in groups.items() if _overlap(found)]:
        for one in groups.pop(name):
            groups[f"{name}: {one.behaviour}"].append(one)
        notes += (f"Behaviours in {name} overlap; each has a stream of its own.",)
    classes = tuple(tuple(dict.fromkeys(one.behaviour for one in found)) for found in groups.values())
    codes = np.full((len(groups), max(one.stop for one in intervals)), -1, dtype=np.int64)
    for i, found in enumerate(groups.values()):
        for one in found:
            codes[i, one.start : one.stop] = classes[i].index(one.behaviour)
    return Labels(tuple(groups), classes, codes, fps=fps, notes=notes)


def _overlap(intervals: Sequence[Interval]) -> bool:
    order = sorted(intervals, key=lambda one: one.start)
    return any(a.stop > b.start and a.behaviour != b.behaviour for a, b in pairwise(order))
