"""Recordings as project.toml spells them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_atlas.data.project import RecordingEntry
from napari_atlas.data.sources import NOWHERE, Source
from napari_atlas.errors import InputError

__all__ = ["entry_of_table", "relative", "table_of_entry"]


def entry_of_table(folder: Path, values: Mapping[str, Any]) -> RecordingEntry:
    """Return a recording from its table, paths made absolute.

    Raises
    ------
    InputError, KeyError, TypeError, ValueError
        If a field is wrong or missing.
    """
    covariates = {
        str(k): _source(folder, v, plain_is_file=False) for k, v in dict(values.get("covariates", {})).items()
    }
    return RecordingEntry(
        name=str(values["name"]),
        species=str(values["species"]),
        tracks=_absolute(folder, str(values["tracks"])),
        part=str(values.get("part", "")),
        mapping=_path(folder, values.get("mapping")),
        video=_path(folder, values.get("video")),
        video_frames=int(values.get("video_frames", 0)),
        fps=float(values.get("fps", 0.0)),
        led_on_frame=int(values.get("led_on_frame", 0)),
        tracking_start_frame=int(values.get("tracking_start_frame", 0)),
        timestamps=_path(folder, values.get("timestamps")),
        timestamps_unit=str(values.get("timestamps_unit", "")),
        clock=str(values.get("clock", "")),
        start=str(values.get("start", "")),
        animals=tuple(str(name) for name in values.get("animals", ())),
        temperature=_source(folder, values.get("temperature", ""), plain_is_file=True),
        covariates=covariates,
        conditions={str(k): str(v) for k, v in dict(values.get("conditions", {})).items()},
    )


def table_of_entry(folder: Path, entry: RecordingEntry) -> dict[str, Any]:
    """Return the table of a recording, paths made relative and empty fields left out."""
    values: dict[str, Any] = {
        "name": entry.name,
        "species": entry.species,
        "tracks": relative(folder, entry.tracks),
        "part": entry.part,
        "mapping": relative(folder, entry.mapping),
        "video": relative(folder, entry.video),
        "video_frames": entry.video_frames,
        "fps": entry.fps,
        "led_on_frame": entry.led_on_frame,
        "tracking_start_frame": entry.tracking_start_frame,
        "timestamps": relative(folder, entry.timestamps),
        "timestamps_unit": entry.timestamps_unit,
        "clock": entry.clock,
        "start": entry.start,
        "animals": list(entry.animals),
        "conditions": entry.conditions,
    }
    kept = {key: value for key, value in values.items() if value not in ("", {}, [], 0)}
    if entry.temperature.present:
        kept["temperature"] = _source_value(folder, entry.temperature, plain_is_file=True)
    if entry.covariates:
        kept["covariates"] = {
            name: _source_value(folder, source, plain_is_file=False) for name, source in entry.covariates.items()
        }
    return kept


def _source(folder: Path, value: Any, plain_is_file: bool) -> Source:
    """Return a source: a number, a text (a file for a temperature, else a class), or a table."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | dict):
        raise InputError.of(
            "covariate", f"{value!r} is no source", "give a number, a name, or a table with file or column"
        )
    if isinstance(value, int | float):
        return Source(value=float(value))
    if isinstance(value, str):
        if plain_is_file and value:
            return Source(file=_absolute(folder, value))
        return Source(value=value) if value else NOWHERE
    table = dict(value)
    file = _path(folder, table.pop("file", ""))
    number = table.pop("value", "")
    number = float(number) if isinstance(number, int | float) else str(number)
    extend = bool(table.pop("extend", False))
    unknown = set(table) - {"column", "unit", "time"}
    if unknown:
        raise InputError.of(
            "covariate", f"field {', '.join(sorted(unknown))} is not known", "use file, column, unit, time, extend"
        )
    return Source(value=number, file=file, extend=extend, **{k: str(v) for k, v in table.items()})


def _source_value(folder: Path, source: Source, plain_is_file: bool) -> Any:
    texts = {name: getattr(source, name) for name in ("column", "unit", "time") if getattr(source, name)}
    table: dict[str, Any] = {"file": relative(folder, source.file), **texts} if source.has_file else dict(texts)
    if source.extend:
        table["extend"] = True
    if source.value != "":
        return {"value": source.value, **table} if table else source.value
    return table["file"] if plain_is_file and set(table) == {"file"} else table


def _path(folder: Path, value: Any) -> Path:
    return _absolute(folder, str(value)) if value else Path()


def _absolute(folder: Path, text: str) -> Path:
    return Path(os.path.normpath(folder / text))


def relative(folder: Path, path: Path) -> str:
    """Return a path as project.toml spells it: from the project's folder on, with slashes; empty for ``Path()``."""
    if path == Path():
        return ""
    try:
        return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:  # another drive on Windows
        return path.absolute().as_posix()
