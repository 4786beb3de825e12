"""Guess from a table's header which column holds what; where it is not plain, nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from napari_atlas.data.mapping import ColumnMapping, KeypointColumns
from napari_atlas.io._sheets import Sheet

__all__ = ["guess", "plain"]

_BRACKETS = re.compile(r"\s*[\[(]([^\])]*)[\])]\s*$")
_AXIS = re.compile(r"(?:(?P<name>.*?)[ _.:\-])?(?P<axis>[xyz])$", re.IGNORECASE)
_NUMBERED = re.compile(r"(?P<axis>[xy])_?(?P<number>\d+)$", re.IGNORECASE)
_CONFIDENCE = re.compile(
    r"(?:(?P<name>.+)[ _.:\-])?(?:likelihood|confidence|conf|score|prob|probability)$", re.IGNORECASE
)
_FRAMES = {"frame", "frames", "frameid", "frameidx", "frameindex", "framenumber", "framenum", "frameno", "fnum"}
_TIMES = {"time", "times", "timems", "timesec", "timemin", "t", "seconds", "sec", "date", "datetime"}
_ANIMALS = {"id", "individual", "individualid", "track", "trackid", "animal", "animalid", "identity", "subject"}
_FOREIGN = {"scorer", "vertex", "vertexid", "contourindex"}


def plain(name: str) -> str:
    """Return a column's name without unit, spaces and signs, in small letters."""
    return re.sub(r"[^a-z0-9]", "", _BRACKETS.sub("", name).lower())


def guess(sheet: Sheet) -> ColumnMapping | None:
    """Return the mapping that a header tells plainly: NAME_x with NAME_y, or x with y; None where it does not."""
    names = [plain(name) for name in sheet.header]
    if _FOREIGN.intersection(names) or any("#" in name or name.endswith("_ncams") for name in sheet.header):
        return None
    places = _places(sheet.header)
    if not places:
        return None
    points = _points(places, sheet.header)
    if not points or not all(_is_numeric(sheet, sheet.header.index(n)) for p in points for n in (p.x, p.y)):
        return None
    frame, time, animal = (_one(sheet.header, known) for known in (_FRAMES, _TIMES, _ANIMALS))
    if points[0].individual:
        animal = ""
    used = {name for point in points for name in (point.x, point.y, point.z, point.confidence)}
    rest = [i for i, name in enumerate(sheet.header) if name and name not in {*used, frame, time, animal}]
    return ColumnMapping(
        keypoints=points,
        columns=tuple(dict.fromkeys(sheet.header[i] for i in rest if _is_numeric(sheet, i) and _is_told(sheet, i))),
        frame=frame,
        time=time,
        time_unit=_unit(time),
        individual=animal,
    )


def _places(header: Sequence[str]) -> dict[tuple[str, str], dict[str, str]] | None:
    """Return, per (animal, keypoint), the column of each axis; None where two columns claim the same place."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for name in header:
        bare = _BRACKETS.sub("", name).strip()
        if match := _NUMBERED.match(bare):
            key = (match["number"], "centroid")
        elif match := _AXIS.match(bare):
            key = ("", match["name"] or "centroid")
        else:
            continue
        axes = found.setdefault(key, {})
        if axes.setdefault(match["axis"].lower(), name) != name or header.count(name) > 1:
            return None
    return {key: axes for key, axes in found.items() if {"x", "y"} <= axes.keys()}


def _points(places: dict[tuple[str, str], dict[str, str]], header: Sequence[str]) -> tuple[KeypointColumns, ...]:
    """Return the keypoints, none where they differ in dimensions or in how they tell the animal."""
    if len({"z" in axes for axes in places.values()}) > 1 or len({bool(animal) for animal, _ in places}) > 1:
        return ()
    scores = {m["name"] or "centroid": name for name in header if (m := _CONFIDENCE.match(name))}
    return tuple(
        KeypointColumns(
            name, axes["x"], axes["y"], axes.get("z", ""), "" if animal else scores.get(name, ""), individual=animal
        )
        for (animal, name), axes in places.items()
    )


def _one(header: Sequence[str], known: set[str]) -> str:
    """Return the column whose name is one of those known; none where two are."""
    found = [name for name in header if plain(name) in known]
    return found[0] if len(found) == 1 else ""


def _unit(time: str) -> str:
    unit = m[1] if (m := _BRACKETS.search(time)) else time.rpartition("_")[2]
    return {"ms": "ms", "us": "us", "min": "min", "h": "h"}.get(unit.strip().lower(), "s")


def _is_numeric(sheet: Sheet, column: int) -> bool:
    cells = [row[column].replace(sheet.decimal, ".") for row in sheet.rows if column < len(row) and row[column]]
    return all(map(_is_number, cells))


def _is_told(sheet: Sheet, column: int) -> bool:
    return any(column < len(row) and row[column] for row in sheet.rows)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell.lower() in ("na", "nan", "n/a", "null", "none")
    return True
