"""What napari.yaml names: widgets, commands, readers, sample data. One workspace per viewer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from napari import current_viewer
from platformdirs import user_data_path
from qtpy.QtWidgets import QWidget

from napari_atlas.errors import AtlasError, InputError
from napari_atlas.io.project import is_project
from napari_atlas.sample.renderer import welcome_frame
from napari_atlas.views.tree_dialog import tree_dialog
from napari_atlas.views.workspace import Workspace, workspace_of

__all__ = [
    "clear",
    "clips_dock",
    "compare_dock",
    "difference_dock",
    "edit_tree",
    "groups_dock",
    "import_dock",
    "latent_map",
    "open_reef",
    "open_workspace",
    "play",
    "player_bar",
    "project_dock",
    "project_reader",
    "redo",
    "runs_dock",
    "scrubbing_dock",
    "show_keys",
    "synthesis_dock",
    "timeline",
    "training_dock",
    "undo",
]


def open_workspace() -> None:
    """Lay out the whole workspace in the current viewer."""
    _current().lay_out()


def project_dock() -> QWidget:
    """Return the dock that lists recordings."""
    return _current().widget("project")


def training_dock() -> QWidget:
    """Return the dock that fits the model."""
    return _current().widget("training")


def runs_dock() -> QWidget:
    """Return the dock that lists the fits."""
    return _current().widget("runs")


def import_dock() -> QWidget:
    """Return the dock that recognises files and adds recordings."""
    return _current().widget("import")


def groups_dock() -> QWidget:
    """Return the dock of clusters, saved selections, tags and notes."""
    return _current().widget("groups")


def difference_dock() -> QWidget:
    """Return the dock that tells what sets the selection apart."""
    return _current().widget("difference")


def scrubbing_dock() -> QWidget:
    """Return the dock that tells what can be read off the latent."""
    return _current().widget("scrubbing")


def compare_dock() -> QWidget:
    """Return the dock of the other species' nearest windows."""
    return _current().widget("compare")


def clips_dock() -> QWidget:
    """Return the dock of clips."""
    return _current().widget("clips")


def synthesis_dock() -> QWidget:
    """Return the dock that generates windows anew."""
    return _current().widget("synthesis")


def latent_map() -> QWidget:
    """Return the map."""
    return _current().widget("map")


def timeline() -> QWidget:
    """Return the timeline."""
    return _current().widget("timeline")


def player_bar() -> QWidget:
    """Return the bar that plays the video."""
    return _current().widget("player")


def show_keys() -> None:
    """List the keys."""
    _current().show_keys()


def edit_tree() -> None:
    """Open the dialog on the kinematic tree of the species on show."""
    workspace = _current()
    recording = workspace.session.cursor.recording
    if not recording:
        raise InputError.of("kinematic tree", "no recording is on show", "open a project, and click one")
    tree_dialog(workspace.desk, workspace.widget("project"), recording)


def play() -> None:
    """Play the video, or pause it."""
    _current().player.toggle()


def undo() -> None:
    """Go back to the selection before."""
    _current().session.undo()


def redo() -> None:
    """Take an undone selection again."""
    _current().session.redo()


def clear() -> None:
    """Select nothing."""
    _current().session.select(np.empty(0, dtype=np.int64))


def project_reader(path: str | list[str]) -> Callable[[Any], list[Any]] | None:
    """Return the reader of a project folder that was opened in or dropped on the window."""
    folder = Path(path[0] if isinstance(path, list) else path)
    return _read_project if is_project(folder) else None


def open_reef() -> list[Any]:
    """Make the reef sample in a child process and show it when it is done; meanwhile a still picture."""
    workspace = _current()
    workspace.lay_out()
    workspace.desk.demo(user_data_path("napari-atlas") / "reef-sample")
    return [(welcome_frame(), {"name": "video", "rgb": True}, "image")]


def _read_project(path: str | list[str]) -> list[Any]:
    workspace = _current()
    workspace.lay_out()
    workspace.open(Path(path[0] if isinstance(path, list) else path))
    return [(None,)]


def _current() -> Workspace:
    viewer = current_viewer()
    if viewer is None:
        raise AtlasError("napari: there is no open viewer; start napari first")
    return workspace_of(viewer)
