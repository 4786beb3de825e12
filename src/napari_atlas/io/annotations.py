"""The marks of a project on disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_atlas.data.marks import Annotations, Mark, Spans
from napari_atlas.errors import InputError
from napari_atlas.io.atomic import locked, read_json, write_text

__all__ = ["change_annotations", "mend_annotations", "read_annotations"]

_FORMAT = 1
_FILE = "annotations.json"


def read_annotations(project: Path) -> Annotations:
    """Return the marks of a project; none if there are none yet.

    Raises
    ------
    InputError
        If the file is damaged or a newer program wrote it.
    """
    file = project / _FILE
    if not file.is_file():
        return Annotations()
    return Annotations(tuple(_mark(file, item) for item in _items(file)))


def change_annotations(project: Path, change: Callable[[Annotations], Annotations]) -> Annotations:
    """Change the marks that are on disk at this moment, and return what is there afterwards.

    Another window on the same project may have changed them meanwhile; nothing of what it did is lost.

    Raises
    ------
    InputError
        If the file is damaged: it is left as it is, and nothing is written. Also if the project is gone or nothing
        can be written.
    """
    if not project.is_dir():
        raise InputError.of(project, "the project is not there any more", "put it back, or open it where it is now")
    try:
        with locked(project):
            before = read_annotations(project)
            changed = change(before)
            if changed is not before:
                _write(project / _FILE, changed)
    except OSError as error:
        raise InputError.of(project, f"it cannot be written ({error.strerror})", "check rights") from error
    return changed


def mend_annotations(project: Path) -> Path:
    """Set a damaged file aside under a new name, keep those of its marks that can be read, and return the new name.

    Raises
    ------
    InputError
        If nothing can be written.
    """
    file = project / _FILE
    with locked(project):
        names = (project / f"annotations.damaged-{i}.json" for i in range(1, 10_000))
        aside = next(name for name in names if not name.exists())
        try:
            shutil.copyfile(file, aside)
        except OSError as error:
            raise InputError.of(aside, f"it cannot be written ({error.strerror})", "check rights") from error
        _write(file, _readable(file))
    return aside


def _items(file: Path) -> list[Any]:
    value = read_json(file)
    if not isinstance(value, dict) or not isinstance(value.get("marks"), list):
        raise InputError.of(file, "it holds no marks", "restore a copy, or delete it to begin anew")
    if value.get("format") != _FORMAT:
        told = f"format {value.get('format')} is not known"
        raise InputError.of(file, told, "open it with the version of the program that wrote it")
    return list(value["marks"])


def _readable(file: Path) -> Annotations:
    found = Annotations()
    try:
        for item in _items(file):
            try:
                found = found.with_mark(_mark(file, item))
            except InputError:
                continue
    except InputError:
        return Annotations()
    return found


def _write(file: Path, annotations: Annotations) -> None:
    """Write one line for each animal of a mark: so they can be compared, and none holds the interpreter for long."""
    marks = ",\n".join(_text(mark) for mark in annotations.marks)
    write_text(file, f'{{"format": {_FORMAT}, "marks": [\n{marks}\n]}}\n')


def _text(mark: Mark) -> str:
    told = {"kind": mark.kind, "name": mark.name, "color": mark.color, "key": mark.key}
    head = json.dumps({key: value for key, value in told.items() if value not in ("", 0)}, ensure_ascii=False)
    spans = ",\n  ".join(json.dumps(item, ensure_ascii=False) for item in mark.spans.as_list())
    return f'{head[:-1]}, "spans": [\n  {spans}]}}'


def _mark(file: Path, item: Any) -> Mark:
    try:
        spans = Spans.from_list(item["spans"])
        return Mark(item["kind"], item["name"], spans, item.get("color", ""), item.get("key", 0))
    except (AttributeError, KeyError, TypeError, InputError) as error:
        raise InputError.of(file, f"a mark is damaged ({error})", "restore a copy, or take the mark out") from error
