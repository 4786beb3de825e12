"""project.toml: read, checked, written without losing what people wrote into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError

from napari_atlas.data.project import Project
from napari_atlas.data.species import REFINEMENTS, Species
from napari_atlas.errors import AtlasError, InputError, NewerFormatError
from napari_atlas.io._entries import entry_of_table, table_of_entry
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
        recordings = tuple(entry_of_table(folder, dict(r)) for r in document.get("recording", []))
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
    """Write in what *after* differs from *before*; all else in the file, comments too, is kept as it is.

    Raises
    ------
    InputError
        If somebody else changed one of the same recordings or species in the meantime, or nothing can be written.
    """
    folder = before.folder
    with locked(folder):
        document, now = _document(folder), read_project(folder)
        _merge(document, "species", _tables(_species_table, before.species, now.species, after.species))
        spell = partial(table_of_entry, folder)
        _merge(document, "recording", _tables(spell, before.recordings, now.recordings, after.recordings))
        write_text(folder / FILE, tomlkit.dumps(document))


def _tables(
    spell: Callable[[Any], dict[str, Any]], before: Sequence[Any], now: Sequence[Any], after: Sequence[Any]
) -> dict[str, tuple[dict[str, Any], dict[str, Any] | None]]:
    """Return by name what a table held and what it is to hold, None for one that is to go."""
    was, there, wanted = ({item.name: item for item in items} for items in (before, now, after))
    changed = [name for name in {**was, **wanted} if was.get(name) != wanted.get(name)]
    for name in changed:
        if there.get(name) not in (was.get(name), wanted.get(name)):
            raise InputError.of(
                name, "somebody else changed it at the same time", "look at the project, then try again"
            )
    return {
        name: (spell(was[name]) if name in was else {}, spell(wanted[name]) if name in wanted else None)
        for name in changed
    }


def _merge(
    document: tomlkit.TOMLDocument, kind: str, changes: Mapping[str, tuple[dict[str, Any], dict[str, Any] | None]]
) -> None:
    """Write tables over those of the same name, take away those that are None, and append the others.

    Fields that somebody else wrote into a table stay in it.
    """
    if changes and kind not in document:
        document.add(kind, tomlkit.aot())
    for name, (old, values) in changes.items():
        at = next((i for i, table in enumerate(document[kind]) if table.get("name") == name), -1)
        if values is None:
            del document[kind][at]
            continue
        table = document[kind][at] if at >= 0 else tomlkit.table()
        for key in set(old) - set(values):
            del table[key]
        for key, value in values.items():
            if table.get(key) != value:
                table[key] = value
        if at < 0:
            document[kind].append(table)


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


def _species(values: dict[str, Any]) -> Species:
    known = {k: v for k, v in values.items() if k in (*_SPECIES_FIELDS, *REFINEMENTS)}
    plain = {k: v.unwrap() if hasattr(v, "unwrap") else v for k, v in known.items()}
    plain["keypoints"] = tuple(str(k) for k in plain.get("keypoints", ()))
    for name in ("angles", "tree"):
        plain[name] = tuple(tuple(str(k) for k in names) for names in plain.get(name, ()))
    return Species(**plain)


def _species_table(species: Species) -> dict[str, Any]:
    values = {name: getattr(species, name) for name in _SPECIES_FIELDS} | species.refinements
    values["keypoints"] = list(species.keypoints)
    for name in ("angles", "tree"):
        if name in values:
            values[name] = [list(keypoints) for keypoints in values[name]]
    return values
