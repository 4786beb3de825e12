"""A real window under a display, closed after each test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

import pytest


def pytest_collection_modifyitems(items):
    """Skip what needs a display where there is none, and say so."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        for item in items:
            if "tests/e2e" in item.path.as_posix():
                item.add_marker(pytest.mark.skip(reason="no DISPLAY: run under xvfb-run"))


@pytest.fixture
def wait(qtbot):
    """Return a function that lets the window work until a condition holds."""

    def until(condition, seconds=60.0):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "the window did not get there in time"
            qtbot.wait(20)

    return until


@pytest.fixture
def workspace(make_napari_viewer, qtbot):
    """Return the workspace of a shown viewer."""
    from napari_atlas.views.workspace import workspace_of

    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1400, 900)
    made = workspace_of(viewer)
    made.lay_out()
    qtbot.wait(400)
    yield made
    made.close()
    qtbot.wait(50)


def verb(*arguments):
    """Run a verb in a process of its own: neither PyTorch nor UMAP stays in that of the windows."""
    command = [sys.executable, "-m", "napari_atlas", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="session")
def rigs(shared, tmp_path_factory):
    """Return the project of an open field at 25 fps and a head-fixed mouse at 250 fps, fitted and mapped.

    Who changes it works on a copy at the same depth, since its paths are relative: `rigs_copy`.
    """
    from napari_atlas import workflow
    from napari_atlas.data.project import AddRequest

    project = tmp_path_factory.mktemp("rigs") / "rigs.atlas"
    workflow.new(project)
    field = {"bin_rate": 12.5, "window": 1.6, "stride": 0.4}
    head = {"bin_rate": 50.0, "window": 0.4, "stride": 0.1}
    mouse = shared / "data/eks/mirror-mouse"
    workflow.add(
        project,
        AddRequest(
            shared / "data/vame/cropped_video.csv",
            "open field",
            video=shared / "data/vame/cropped_video.mp4",
            settings=field,
        ),
    )
    workflow.add(
        project,
        AddRequest(
            mouse / "180607_004.train_frames=75.rng=0.csv",
            "head-fixed",
            video=mouse / "180607_004.mp4",
            settings=head,
        ),
    )
    verb("fit", project, "--set", "epochs=12", "--set", "beta_warmup=4")
    verb("map", project, "--neighbors", 8)
    return project


@pytest.fixture
def rigs_copy(rigs, tmp_path_factory):
    """Return a copy of the rigs that may be changed."""
    return shutil.copytree(rigs, tmp_path_factory.mktemp("copy") / "rigs.atlas")


@pytest.fixture(scope="session")
def reef(tmp_path_factory):
    """Return a small reef of two species with videos and temperature, fitted twice, mapped and clustered."""
    from napari_atlas import workflow
    from napari_atlas.sample.reef import ReefSpec, write_reef

    folder = tmp_path_factory.mktemp("reef")
    for _ in write_reef(folder / "reef", ReefSpec("small", 2, 2, (2, 2), (2, 2), 60.0, 24.0)):
        pass
    project = folder / "reef.atlas"
    workflow.new(project, "reef")
    for _ in workflow.add_reef(project, folder / "reef"):
        pass
    for seed in (0, 1):
        verb("fit", project, "--set", "epochs=6", "--set", "beta_warmup=2", "--set", f"seed={seed}")
    verb("cluster", project, "--method", "kmeans", "--k", 3)
    return project


@pytest.fixture
def reef_copy(reef, tmp_path_factory):
    """Return a copy of the reef that may be changed."""
    folder = tmp_path_factory.mktemp("copy")
    (folder / "reef").symlink_to(reef.parent / "reef")
    return shutil.copytree(reef, folder / "reef.atlas")


@pytest.fixture
def opened(reef_copy, workspace, wait, qtbot):
    """Return the workspace with the small reef on show."""
    workspace.open(reef_copy)
    session, bridge = workspace.session, workspace.bridge
    wait(lambda: session.atlas is not None and bridge.shown is not None and bool(session.clusterings))
    qtbot.wait(600)
    return workspace
