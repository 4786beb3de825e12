"""Column mappings as small TOML files that people write, share and use again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from napari_atlas.data.mapping import ColumnMapping, KeypointColumns
from napari_atlas.errors import InputError, naming
from napari_atlas.io.atomic import write_text
from napari_atlas.io.tables import read_document

__all__ = ["read_mapping", "write_mapping"]

_TEXTS = ("frame", "time", "time_unit", "individual", "sheet")
_TABLE = (*_TEXTS, "fps", "skip_rows", "missing")
_TOP = ("table", "keypoints", "animals", "columns")
_POINT = tuple(field.name for field in fields(KeypointColumns) if field.name not in ("keypoint", "individual"))


def read_mapping(path: Path | str) -> ColumnMapping:
    """Return the column mapping that a TOML file tells.

    Raises
    ------
    InputError
        If the file is missing or not valid, has an unknown key, or tells of no column.
    """
    path = Path(path)
    found = read_document(path)
    with naming(path):
        _known(found, _TOP, "the file")
        table = _section(found, "table")
        _known(table, _TABLE, "[table]")
        points = [_point(name, "", entry) for name, entry in _section(found, "keypoints").items()]
        for animal, entries in _section(found, "animals").items():
            points += [_point(name, animal, entry) for name, entry in _mapping(entries, f"[animals.{animal}]").items()]
        return ColumnMapping(
            keypoints=tuple(points),
            columns=_texts(found.get("columns", []), "columns"),
            fps=_number(table.get("fps", math.nan), "fps"),
            skip_rows=int(_number(table.get("skip_rows", 0), "skip_rows")),
            missing=_missing(table.get("missing", [])),
            **{name: _text(table[name], name) for name in _TEXTS if name in table},
        )


def _section(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return _mapping(found.get(name, {}), f"[{name}]")


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError.of(where, "it is not a section", f"write {where} on a line of its own, keys below")
    return value


def _known(found: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in found:
        if key not in keys:
            raise InputError.of(where, f"it has no key {key!r}", f"choose from {', '.join(keys)}")


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise InputError.of(where, f"{value!r} is no text", "put the column's name in quotes")
    return value


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError.of(where, f"{value!r} is no number", "give a number")
    return float(value)


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise InputError.of(where, f"{value!r} is no list", 'write it as ["speed", "temp"]')
    return tuple(_text(one, where) for one in value)


def _missing(value: object) -> tuple[float | str, ...]:
    if not isinstance(value, list):
        raise InputError.of("missing", f"{value!r} is no list", "write it as [-1]")
    return tuple(one if isinstance(one, str) else _number(one, "missing") for one in value)


def _point(name: str, animal: str, entry: object) -> KeypointColumns:
    where = f"[animals.{animal}.{name}]" if animal else f"[keypoints.{name}]"
    columns = _mapping(entry, where)
    _known(columns, _POINT, where)
    texts = {key: _text(value, f"{where} {key}") for key, value in columns.items()}
    return KeypointColumns(name, **({"x": "", "y": ""} | texts), individual=animal)


def write_mapping(path: Path | str, mapping: ColumnMapping) -> None:
    """Write a column mapping as TOML, whole or not at all; what has its plain value is left out.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    import tomlkit

    plain = ColumnMapping(columns=("any",))
    table: dict[str, Any] = {}
    for name in _TABLE:
        value = getattr(mapping, name)
        if value != getattr(plain, name) and value == value:  # noqa: PLR0124 - a rate that is not known is NaN
            table[name] = list(value) if isinstance(value, tuple) else value
    document: dict[str, Any] = {"columns": list(mapping.columns)} if mapping.columns else {}
    document |= {"table": table} if table else {}
    for point in mapping.keypoints:
        section = document.setdefault("animals" if point.individual else "keypoints", {})
        section = section.setdefault(point.individual, {}) if point.individual else section
        section[point.keypoint] = {key: getattr(point, key) for key in _POINT if getattr(point, key)}
    write_text(Path(path), tomlkit.dumps(document))
