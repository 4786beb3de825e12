"""The projects that were opened last, on this computer."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_state_path

from napari_atlas.errors import InputError
from napari_atlas.io.atomic import read_json, write_json
from napari_atlas.io.project import is_project

__all__ = ["recent_projects", "remember_project"]

_MOST = 10


def recent_projects() -> tuple[Path, ...]:
    """Return the projects that were opened last and are still there, the last one first."""
    try:
        value = read_json(_file())
    except InputError:
        return ()
    paths = [Path(item) for item in value if isinstance(item, str)] if isinstance(value, list) else []
    return tuple(path for path in paths if is_project(path))


def remember_project(project: Path) -> None:
    """Put a project first among those that were opened last; where nothing can be kept, nothing is."""
    here = project.resolve()
    others = [path for path in recent_projects() if path != here]
    try:
        write_json(_file(), [str(path) for path in [here, *others][:_MOST]])
    except InputError:
        return


def _file() -> Path:
    return user_state_path("napari-atlas") / "recent.json"
