"""A real window under a display, closed after each test."""

from __future__ import annotations

import os
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
