"""What a project's window looked like when it was left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_atlas.errors import InputError
from napari_atlas.io.atomic import read_json, write_json

__all__ = ["read_view", "write_view"]

_FORMAT = 1
_FILE = "view.json"


def read_view(project: Path) -> dict[str, Any]:
    """Return what was kept; nothing if there is nothing, or nothing that can be read: it is not worth an error."""
    try:
        value = read_json(project / _FILE)
    except InputError:
        return {}
    return dict(value) if isinstance(value, dict) and value.get("format") == _FORMAT else {}


def write_view(project: Path, view: dict[str, Any]) -> None:
    """Keep what the window looks like; a project that may not be written to is left alone."""
    if (project / "project.toml").is_file():
        try:
            write_json(project / _FILE, {"format": _FORMAT, **view})
        except InputError:
            return
