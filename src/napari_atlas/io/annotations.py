"""The marks of a project on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_atlas.data.marks import Annotations, Mark, Spans
from napari_atlas.errors import InputError
from napari_atlas.io.atomic import locked, read_json, write_json

__all__ = ["change_annotations", "read_annotations"]

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
    value = read_json(file)
    if not isinstance(value, dict) or not isinstance(value.get("marks"), list):
        raise InputError.of(file, "it holds no marks", "restore a copy, or delete it to begin anew")
    if value.get("format") != _FORMAT:
        told = f"format {value.get('format')} is not known"
        raise InputError.of(file, told, "open it with the version of the program that wrote it")
    return Annotations(tuple(_mark(file, item) for item in value["marks"]))


def change_annotations(project: Path, change: Callable[[Annotations], Annotations]) -> Annotations:
    """Change the marks that are on disk at this moment, and return what is there afterwards.

    Another window on the same project may have changed them meanwhile; nothing of what it did is lost.
    """
    with locked(project):
        changed = change(read_annotations(project))
        marks = [_as_dict(mark) for mark in changed.marks]
        write_json(project / _FILE, {"format": _FORMAT, "marks": marks})
    return changed


def _as_dict(mark: Mark) -> dict[str, Any]:
    told = {"kind": mark.kind, "name": mark.name, "color": mark.color, "key": mark.key, "spans": mark.spans.as_list()}
    return {key: value for key, value in told.items() if value not in ("", 0)}


def _mark(file: Path, item: Any) -> Mark:
    try:
        spans = Spans.from_list(item["spans"])
        return Mark(item["kind"], item["name"], spans, item.get("color", ""), item.get("key", 0))
    except (AttributeError, KeyError, TypeError, InputError) as error:
        raise InputError.of(file, f"a mark is damaged ({error})", "restore a copy, or take the mark out") from error
