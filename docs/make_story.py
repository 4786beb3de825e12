"""Take the pictures of the story from the real program: ``python docs/make_story.py [DEMO] [DATA]``.

DEMO is the folder of a demo that was made before; otherwise one is made. DATA holds the folders ``vame``, ``eks`` and
``deepof`` of real recordings; without it their pictures are left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from make_pictures import SIZE, grab, ready
from qtpy.QtWidgets import QToolButton

from napari_atlas import workflow
from napari_atlas.analysis.clusters import ClusterRecipe
from napari_atlas.analysis.projection import MapRecipe
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest
from napari_atlas.views.launch import click_window, has_display, hidden_display, make_viewer, settle, wait_for
from napari_atlas.views.workspace import PARTS

MADLC = "deepof/test2DLC_csv_table_madlc_901frames.csv"


def real_project(data: Path, project: Path) -> None:
    """Make a project of three rigs with their videos, fit it, map it and put its windows into clusters."""
    workflow.new(project)
    pose = "egocentric-pose + keypoint-speed"
    for tracks, species, video, settings in (
        ("vame/cropped_video.csv", "open field", "vame/cropped_video.mp4", {"bin_rate": 12.5}),
        (
            "eks/mirror-mouse/180607_004.train_frames=75.rng=0.csv",
            "head-fixed",
            "eks/mirror-mouse/180607_004.mp4",
            {"bin_rate": 125.0},
        ),
        (MADLC, "two mice", "deepof/test2DLC_video_circular_arena_madlc.mp4", {"bin_rate": 15.0}),
    ):
        seconds = 12.0 / settings["bin_rate"]
        given = {"signal": pose, "window": seconds, "stride": seconds / 4, **settings}
        if species == "head-fixed":
            given["signal"] = "keypoint-speed"
        request = AddRequest(data / tracks, species, video=data / video, settings=given)
        print(workflow.add(project, request))
    for events in (
        workflow.fit(project, FitConfig(epochs=80)),
        workflow.make_map(project, MapRecipe()),
        workflow.cluster(project, ClusterRecipe(k=5)),
    ):
        print(list(events)[-1].text)


def bring(workspace: Any, part: str) -> Any:
    """Bring a dock to the front and return its widget."""
    dock = workspace.viewer.window.dock_widgets[PARTS[part][0]].parent()
    dock.show()
    dock.raise_()
    settle(0.8)
    return workspace.widget(part)


def go_to(workspace: Any, window: int) -> None:
    """Click a window's point and wait for its video."""
    click_window(workspace, window)
    wait_for(ready(workspace))
    settle(1.2)


def held_out(workspace: Any, species: str) -> int:
    """Return a held-out window of a species, one that lies within its video."""
    table = workspace.session.atlas.windows.table
    rows = table.rows_of(species)
    test = rows[table.in_split("test")[rows]]
    found = test if test.size else rows
    return int(found[found.size // 3])


def shared_pictures(viewer: Any, workspace: Any, name: str, species: str) -> None:
    """Take what every project has: a click, its neighbours, a selection, clusters, clips, two themes."""
    session = workspace.session
    session.color("species")
    go_to(workspace, held_out(workspace, species))
    grab(viewer, f"{name}-1-click")
    compare = bring(workspace, "compare")
    wait_for(lambda: all(c.clip is not None or c.fault for c in compare.panes.contents) and compare.panes.contents)
    settle(1.0)
    grab(viewer, f"{name}-2-compare")
    clustering = session.clusterings[0]
    session.color(f"clusters: {clustering.name}")
    session.select(clustering.members(clustering.labels[0]), name=clustering.labels[0])
    bring(workspace, "difference")
    settle(4.0)
    clips = bring(workspace, "clips")
    wait_for(lambda: not clips.loading and len(clips.wall.panes.contents) > 0, 120)
    settle(1.0)
    grab(viewer, f"{name}-3-cluster")


def reef_pictures(viewer: Any, workspace: Any) -> None:
    """Take what needs temperature: aligned recordings, a brush, density, two maps."""
    session = workspace.session
    timeline = bring(workspace, "timeline")
    bring(workspace, "groups")
    session.color("temperature in own range")
    session.select(np.empty(0, dtype=np.int64))
    timeline.setFocus()
    stack = timeline.findChild(QToolButton, "atlas-timeline-stack")
    stack.click()
    settle(1.0)
    table = session.atlas.windows.table
    warm = np.flatnonzero((table.temperature > 30) & (table.temperature < 34))
    session.select(warm, name="30 to 34 °C")
    settle(1.0)
    grab(viewer, "story-reef-4-temperature")
    stack.click()
    session.select(np.empty(0, dtype=np.int64))
    viewer.theme = "light"
    runs = [entry["run"] for entry in workflow.runs(session.atlas.folder)]
    session.show_beside(
        workflow.load_atlas(session.atlas.folder, runs[0] if runs[0] != session.atlas.run else runs[-1])
    )
    go_to(workspace, held_out(workspace, "stickleback"))
    session.color("neighbours kept")
    settle(1.5)
    grab(viewer, "story-reef-5-two-maps")


def tell(project: Path, name: str, species: str, more: Any = None) -> None:
    """Open a project and take its pictures."""
    viewer, workspace = make_viewer(project)
    viewer.theme = "dark"
    viewer.window.resize(*SIZE)
    wait_for(ready(workspace))
    settle(2.0)
    shared_pictures(viewer, workspace, name, species)
    if more is not None:
        more(viewer, workspace)
    viewer.close()
    settle(0.5)


def take(demo: Path, data: Path | None, folder: Path) -> None:
    """Take the pictures of the reef, and of the real recordings if there are any."""
    reef = folder / workflow.DEMO_PROJECT
    shutil.copytree(demo / workflow.DEMO_PROJECT, reef)
    (folder / "reef").symlink_to((demo / "reef").absolute())
    if len(workflow.runs(reef)) < 2:
        list(workflow.fit(reef, FitConfig(seed=1, epochs=60)))
        list(workflow.make_map(reef, MapRecipe(seed=1), workflow.runs(reef)[-1]["run"]))
    first = workflow.runs(reef)[0]["run"]
    list(workflow.make_map(reef, MapRecipe(), first))
    for entry in workflow.runs(reef):
        list(workflow.cluster(reef, ClusterRecipe(k=6), entry["run"]))
    tell(reef, "story-reef", "jellyfish", reef_pictures)
    if data is None:
        print("no folder of real recordings was given: their pictures are left out")
        return
    real_project(data, folder / "real.atlas")
    tell(folder / "real.atlas", "story-real", "open field")


def main() -> None:
    """Take the pictures, under a virtual display if there is no other."""
    demo = Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else Path()
    data = Path(sys.argv[2]).absolute() if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as temporary:
        if demo == Path():
            demo = Path(temporary) / "demo"
            for event in workflow.demo(demo):
                print(event.text)
        if has_display():
            take(demo, data, Path(temporary))
            return
        with hidden_display() as display:
            command = [sys.executable, __file__, str(demo), *([str(data)] if data else [])]
            subprocess.run(command, env={**os.environ, "DISPLAY": display}, check=True)


if __name__ == "__main__":
    main()
