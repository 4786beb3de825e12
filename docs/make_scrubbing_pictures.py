"""Take the pictures of scrubbing and synthesis from the real program: ``python docs/make_scrubbing_pictures.py``.

Four animals whose every factor is known are written as SLEAP files, fitted once as they are and once with the animal
and its speed taken out of the latent, and measured.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from make_pictures import IMAGES, SIZE, grab, ready
from qtpy.QtWidgets import QDockWidget

from napari_atlas import workflow
from napari_atlas.analysis.projection import MapRecipe
from napari_atlas.data.config import FitConfig
from napari_atlas.data.pose import Pose
from napari_atlas.data.project import AddRequest
from napari_atlas.data.recording import Recording
from napari_atlas.sample.factors import FactorSpec, factor_recordings
from napari_atlas.views.launch import click_window, has_display, hidden_display, make_viewer, settle, wait_for

SPEC = FactorSpec(n_bouts=200)
SETTINGS: dict[str, object] = {
    "signal": "egocentric-pose + centroid-speed",
    "bin_rate": 0,
    "window": 1.2,
    "stride": 1.2,
    "front": "neck",
    "back": "spine",
}


def write_tracks(recording: Recording, path: Path) -> None:
    """Write the keypoints of one animal as a SLEAP analysis file."""
    pose = recording.tracks
    assert isinstance(pose, Pose)
    points = np.asarray(pose.positions, dtype=np.float64)
    points = points - np.nanmin(points, axis=(0, 1, 2)) + 40.0  # pixels of a video are never below 0
    with h5py.File(path, "w") as file:
        file["tracks"] = np.moveaxis(points, 0, -1).transpose(0, 2, 1, 3)
        file["track_occupancy"] = np.ones((pose.n_samples, 1), dtype=np.uint8)
        file["node_names"] = [name.encode() for name in pose.keypoints]
        file["track_names"] = [name.encode() for name in pose.individuals]
        file["edge_inds"] = np.array(pose.edges)


def make_project(folder: Path) -> Path:
    """Return a project of a fit that scrubs nothing and one that does, both measured."""
    project = folder / "rodents.atlas"
    workflow.new(project)
    for recording in factor_recordings(SPEC):
        tracks = folder / f"{recording.name}.analysis.h5"
        write_tracks(recording, tracks)
        animals = tuple(recording.individuals)
        request = AddRequest(
            tracks, "rodent", name=recording.name, fps=SPEC.fps, animals=animals, settings=dict(SETTINGS)
        )
        workflow.add(project, request)
    common: dict[str, Any] = {"epochs": 60, "latent_dim": 12, "beta": 0.1, "batch_size": 128, "patience": 0}
    for asked in ({}, {"scrub": "individual:adversary,speed"}):
        list(workflow.fit(project, FitConfig(split="block", **common, **asked)))
        list(workflow.make_map(project, MapRecipe()))
        list(workflow.score(project, workflow.ScoreWishes()))
    return project


def front(workspace: Any, part: str) -> Any:
    """Bring a dock to the front, and return what is in it."""
    widget = workspace.widget(part)
    dock = widget.parent()
    while not isinstance(dock, QDockWidget):
        dock = dock.parent()
    dock.show()
    dock.raise_()
    settle(0.5)
    return widget


def take(project: Path) -> None:
    """Take the pictures."""
    viewer, workspace = make_viewer(project)
    viewer.theme = "dark"
    viewer.window.resize(*SIZE)
    wait_for(ready(workspace))
    settle(2.0)
    session = workspace.session
    session.color("individual")
    click_window(workspace, int(session.atlas.windows.table.rows_of("rodent")[40]))
    wait_for(ready(workspace))
    training = front(workspace, "training")
    fold = training.findChild(object, "atlas-scrub-fold")
    if fold is not None:
        fold.click()
    settle(1.5)
    grab(viewer, "scrubbing-form")
    dock = front(workspace, "scrubbing")
    settle(1.0)
    dock.findChild(object, "atlas-scrubbing-compare").click()
    wait_for(lambda: session.beside is not None)
    settle(2.0)
    grab(viewer, "scrubbing-before-after")
    viewer.theme = "light"
    session.show_beside(None)
    front(workspace, "synthesis")
    settle(12.0)
    grab(viewer, "synthesis")
    viewer.close()


def main() -> None:
    """Make the project, and take the pictures under a virtual display if there is no other."""
    IMAGES.mkdir(exist_ok=True)
    if len(sys.argv) > 1:
        take(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as temporary:
        project = make_project(Path(temporary))
        if has_display():
            take(project)
            return
        with hidden_display() as display:
            command = [sys.executable, __file__, str(project)]
            subprocess.run(command, env={**os.environ, "DISPLAY": display}, check=True)


if __name__ == "__main__":
    main()
