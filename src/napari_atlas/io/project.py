"""project.toml: read, checked, written without losing what people wrote into it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError

from napari_atlas.data.project import Project, RecordingEntry
from napari_atlas.data.species import Species
from napari_atlas.errors import AtlasError, InputError, NewerFormatError
from napari_atlas.io.atomic import locked, write_text

__all__ = ["FILE", "create_project", "is_project", "read_project", "update_project"]

FORMAT = 1
FILE = "project.toml"
_SPECIES_FIELDS = ("name", "signal", "keypoints", "bin_rate", "window", "stride", "marker", "color")


def is_project(folder: Path) -> bool:
    """Return whether a folder holds a project."""
    return (folder / FILE).is_file()


def create_project(folder: Path, name: str = "") -> Project:
    """Make an empty project.

    Raises
    ------
    InputError
        If there is a project already, or something that is not an empty folder.
    """
    if is_project(folder):
        raise InputError.of(folder, "there is a project already", "open it, or choose another folder")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError.of(folder, "it exists and is not an empty folder", "choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError.of(folder, f"it cannot be made ({error.strerror})", "choose another folder") from error
    document = tomlkit.document()
    document.add(tomlkit.comment("A napari-atlas project. Paths are relative to this file; edit it as you like."))
    document.add("format", FORMAT)
    document.add("name", name or folder.stem)
    write_text(folder / FILE, tomlkit.dumps(document))
    return read_project(folder)


def read_project(folder: Path) -> Project:
    """Return a project.

    Raises
    ------
    InputError
        If there is none, or a field in it is wrong.
    NewerFormatError
        If a newer version of the program wrote it.
    """
    document = _document(folder)
    where = folder / FILE
    try:
        species = tuple(_species(dict(s)) for s in document.get("species", []))
        recordings = tuple(_entry(folder, dict(r)) for r in document.get("recording", []))
        project = Project(folder, str(document.get("name", folder.stem)), species, recordings)
        for entry in recordings:
            project.species_called(entry.species)
    except AtlasError as error:
        raise InputError(f"{where}: {error}") from error
    except (TypeError, KeyError, ValueError) as error:
        raise InputError.of(
            where, f"a field is wrong or missing ({error})", "mend it by hand or restore a copy"
        ) from error
    return project


def update_project(before: Project, after: Project) -> None:
    """Write what *after* has more than *before*: species and recordings are appended, all else is kept as it is."""
    with locked(before.folder):
        document = _document(before.folder)
        _append(document, "species", [_species_table(s) for s in after.species[len(before.species) :]])
        added = after.recordings[len(before.recordings) :]
        _append(document, "recording", [_entry_table(before.folder, r) for r in added])
        write_text(before.folder / FILE, tomlkit.dumps(document))


def _document(folder: Path) -> tomlkit.TOMLDocument:
    where = folder / FILE
    if not where.is_file():
        raise InputError.of(folder, "it is not a project", "make one with 'napari-atlas new FOLDER'")
    try:
        document = tomlkit.parse(where.read_text(encoding="utf-8"))
    except (OSError, ValueError, ParseError) as error:
        raise InputError.of(where, f"it is not valid TOML ({error})", "mend it by hand or restore a copy") from error
    number = document.get("format", 0)
    if not isinstance(number, int) or number < 1:
        raise InputError.of(where, f"format {number!r} is not known", f"write format = {FORMAT}")
    if number > FORMAT:
        raise NewerFormatError.of(where, f"format {number} is newer than {FORMAT}", "update napari-atlas")
    return document


def _append(document: tomlkit.TOMLDocument, name: str, tables: list[dict[str, Any]]) -> None:
    if not tables:
        return
    if name not in document:
        document.add(name, tomlkit.aot())
    for values in tables:
        table = tomlkit.table()
        for key, value in values.items():
            table.add(key, value)
        document[name].append(table)


def _species(values: dict[str, Any]) -> Species:
    known = {k: v for k, v in values.items() if k in _SPECIES_FIELDS}
    known["keypoints"] = tuple(str(k) for k in known.get("keypoints", ()))
    plain = {k: v.unwrap() if hasattr(v, "unwrap") else v for k, v in known.items()}
    return Species(**plain)


def _species_table(species: Species) -> dict[str, Any]:
    values = {name: getattr(species, name) for name in _SPECIES_FIELDS}
    return {**values, "keypoints": list(species.keypoints)}


def _entry(folder: Path, values: dict[str, Any]) -> RecordingEntry:
    return RecordingEntry(
        name=str(values["name"]),
        species=str(values["species"]),
        tracks=_absolute(folder, str(values["tracks"])),
        part=str(values.get("part", "")),
        video=_absolute(folder, str(values["video"])) if values.get("video") else Path(),
        fps=float(values.get("fps", 0.0)),
        led_on_frame=int(values.get("led_on_frame", 0)),
        tracking_start_frame=int(values.get("tracking_start_frame", 0)),
        temperature=_temperature(folder, values.get("temperature", "")),
        conditions={str(k): str(v) for k, v in dict(values.get("conditions", {})).items()},
    )


def _temperature(folder: Path, value: Any) -> Path | float | str:
    if isinstance(value, (int, float)):
        return float(value)
    return _absolute(folder, str(value)) if value else ""


def _entry_table(folder: Path, entry: RecordingEntry) -> dict[str, Any]:
    temperature = entry.temperature
    values: dict[str, Any] = {
        "name": entry.name,
        "species": entry.species,
        "tracks": _relative(folder, entry.tracks),
        "part": entry.part,
        "video": _relative(folder, entry.video) if entry.video != Path() else "",
        "fps": entry.fps,
        "led_on_frame": entry.led_on_frame,
        "tracking_start_frame": entry.tracking_start_frame,
        "temperature": _relative(folder, temperature) if isinstance(temperature, Path) else temperature,
        "conditions": entry.conditions,
    }
    return {key: value for key, value in values.items() if value not in ("", {}, 0)} | (
        {"temperature": temperature} if temperature == 0.0 else {}
    )


def _absolute(folder: Path, text: str) -> Path:
    return Path(os.path.normpath(folder / text))


def _relative(folder: Path, path: Path) -> str:
    try:
        return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:  # another drive on Windows
        return path.absolute().as_posix()
