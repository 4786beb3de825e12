"""What a project's window looked like when it was left."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from napari_atlas.errors import InputError
from napari_atlas.io.atomic import read_json, write_json

__all__ = ["read_view", "write_view"]

_FORMAT = 1
_FILE = "view.json"
_KINDS: dict[str, type] = {"color_by": str, "cursor": dict, "selection": dict, "map": dict, "docks": str}


def read_view(project: Path) -> dict[str, Any]:
    """Return what was kept; nothing if there is nothing, or nothing that can be read: it is not worth an error."""
    try:
        value = read_json(project / _FILE)
    except InputError:
        return {}
    if not isinstance(value, dict) or value.get("format") != _FORMAT:
        return {}
    return {key: item for key, item in value.items() if key not in _KINDS or _is_sound(key, item)}


def _is_sound(key: str, value: Any) -> bool:
    """Return whether a part of a view is what was written; people may edit the file, or copy it from elsewhere."""
    if not isinstance(value, _KINDS[key]):
        return False
    if not isinstance(value, dict) or key != "map":
        return True
    limits, dims = value.get("limits", {}), value.get("dims", [])
    if not isinstance(limits, dict) or not isinstance(dims, list):
        return False
    return all(map(_is_range, limits.values())) and all(type(dim) is int for dim in dims)


def _is_range(ends: Any) -> bool:
    """Return whether these are two rising numbers."""
    numbers = isinstance(ends, list) and len(ends) == 2 and all(type(end) in (int, float) for end in ends)
    return numbers and all(map(math.isfinite, ends)) and bool(ends[0] < ends[1])


def write_view(project: Path, view: dict[str, Any]) -> None:
    """Keep what the window looks like; a project that may not be written to is left alone."""
    if (project / "project.toml").is_file():
        try:
            write_json(project / _FILE, {"format": _FORMAT, **view})
        except InputError:
            return
