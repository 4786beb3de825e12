"""What can be done with one recording of the project: another video, a copy for scrubbing, a tree, away with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFileDialog, QMenu, QMessageBox, QWidget

from napari_atlas.data.atlas import Atlas
from napari_atlas.views.desk import Desk
from napari_atlas.views.tree_dialog import has_joints, tree_dialog

__all__ = ["fill_menu"]


def fill_menu(menu: QMenu, parent: QWidget, desk: Desk, atlas: Atlas, name: str) -> None:
    """Fill a menu with what can be done with a recording.

    Parameters
    ----------
    menu
        An empty menu.
    parent
        Owner of the dialogs.
    desk
        What carries wishes out.
    atlas
        The project on show.
    name
        The recording.
    """
    info = atlas.recordings.get(name)
    video = info.video if info is not None else Path()
    there = video != Path() and video.exists()
    missing = video != Path() and not there

    def choose() -> None:
        title = f"The video of {name}"
        path, _ = QFileDialog.getOpenFileName(parent, title, str(_start(atlas, video)))
        if path:
            desk.treat("change", name, "--video", path)

    def remove() -> None:
        text = f"Remove {name} from the project?\n\nIts files stay where they are."
        if QMessageBox.question(parent, "Remove a recording", text) == QMessageBox.StandardButton.Yes:
            desk.treat("remove", name)

    _action(menu, "video", f"Find {video.name}…" if missing else "Choose another video…", choose)
    _action(
        menu, "no-video", "Show without the video", lambda: desk.treat("change", name, "--video", ""), video != Path()
    )
    copied = info is not None and info.proxy != Path()
    text = "Has a copy for smooth scrubbing" if copied else "Copy the video for smooth scrubbing"
    _action(menu, "copy-video", text, lambda: desk.treat("proxy", name), there and not copied)
    species = next((s for s in atlas.windows.species if info is not None and s.name == info.species), None)
    if species is not None and has_joints(species):
        _action(menu, "tree", f"Kinematic tree of {species.name}…", lambda: tree_dialog(desk, parent, name))
    menu.addSeparator()
    _action(menu, "remove", "Remove from the project…", remove)


def _action(menu: QMenu, key: str, text: str, deed: Any, enabled: bool = True) -> None:
    action = menu.addAction(text)
    action.setObjectName(f"atlas-recording-{key}")
    action.setEnabled(enabled)
    action.triggered.connect(lambda _checked=False: deed())


def _start(atlas: Atlas, video: Path) -> Path:
    """Return the nearest folder to look for a video in."""
    places = (*video.parents, atlas.folder.absolute().parent) if video != Path() else (atlas.folder.absolute().parent,)
    return next((folder for folder in places if folder.is_dir()), Path.home())
