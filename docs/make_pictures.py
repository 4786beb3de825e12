"""Take the pictures of README and documentation from the real program: ``python docs/make_pictures.py [DEMO]``.

DEMO is the folder of a demo that was made before (``make demo`` leaves one in ``demo``); otherwise one is made.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_atlas import workflow
from napari_atlas.views.launch import click_window, has_display, hidden_display, make_viewer, settle, wait_for

IMAGES = Path(__file__).parent / "images"
SIZE = (1560, 940)


def grab(viewer: Any, name: str) -> None:
    """Save the window as the user sees it."""
    path = IMAGES / f"{name}.png"
    viewer.window.screenshot(str(path), canvas_only=False, flash=False)
    print(path.relative_to(IMAGES.parents[1]))


def ready(workspace: Any) -> Callable[[], bool]:
    """Return a condition: the project is open and the recording under the cursor on show."""

    def condition() -> bool:
        session, shown = workspace.session, workspace.bridge.shown
        return session.atlas is not None and shown is not None and shown.recording.name == session.cursor.recording

    return condition


def window_at(table: Any, species: str, celsius: float) -> int:
    """Return the held-out window of a species whose temperature is nearest to *celsius*."""
    rows = table.rows_of(species)
    held_out = rows[table.in_split("test")[rows]]
    rows = held_out if held_out.size else rows
    return int(rows[abs(table.temperature[rows] - celsius).argmin()])


def take(project: Path) -> None:
    """Take all pictures."""

    viewer, workspace = make_viewer(project)
    viewer.window.resize(*SIZE)
    wait_for(ready(workspace))
    settle(2.0)
    session = workspace.session
    for species, celsius, theme, color, name in (
        ("jellyfish", 30.0, "dark", "temperature", "workspace"),
        ("stickleback", 22.5, "dark", "species", "stickleback"),
        ("jellyfish", 30.0, "light", "temperature", "workspace-light"),
        ("stickleback", 17.0, "dark", "split", "split"),
    ):
        viewer.theme = theme
        session.color(color)
        settle()
        click_window(workspace, window_at(session.atlas.windows.table, species, celsius))
        wait_for(ready(workspace))
        settle(1.5)
        grab(viewer, name)
    take_training(viewer, workspace)
    take_import(viewer, workspace, project.parent)
    viewer.close()


def take_training(viewer: Any, workspace: Any) -> None:
    """Take the pictures of a fit under way, stop it, and take one of the list of runs."""
    viewer.theme = "dark"
    workspace.session.color("species")
    epochs: list[int] = []
    workspace.desk.runner.event.connect(lambda event: epochs.append(int(event.get("epoch", 0))))
    workspace.desk.fit({"epochs": 250, "seed": 1})
    wait_for(lambda: max(epochs, default=0) >= 24, 240)
    settle(1.0)
    grab(viewer, "training")
    workspace.desk.runner.stop()
    wait_for(lambda: not workspace.session.job.running, 120)
    workspace.widget("runs").parent().raise_()
    settle(2.0)
    grab(viewer, "runs")


def take_import(viewer: Any, workspace: Any, folder: Path) -> None:
    """Take the picture of a folder that was looked through, before it is added to a new project."""
    workspace.desk.new(folder / "new.atlas")
    wait_for(lambda: workspace.desk.folder.name == "new.atlas")
    workspace.show_import((folder / "reef",))
    dock = workspace.widget("import")
    wait_for(lambda: len(dock.draft.plan.recordings) > 0 and not workspace.session.job.running, 120)
    settle(4.0)
    grab(viewer, "import")


def main() -> None:
    """Make a demo unless one is given, and take the pictures under a virtual display if there is no other."""
    with tempfile.TemporaryDirectory() as temporary:
        demo = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(temporary)
        project = demo / workflow.DEMO_PROJECT
        if not project.is_dir():
            for event in workflow.demo(demo):
                print(event.text)
        IMAGES.mkdir(exist_ok=True)
        copy = Path(temporary) / "pictures"
        if has_display():
            shutil.copytree(project, copy / workflow.DEMO_PROJECT)
            (copy / "reef").symlink_to((demo / "reef").absolute())
            take(copy / workflow.DEMO_PROJECT)
            return
        with hidden_display() as display:
            command = [sys.executable, __file__, str(demo.absolute())]
            subprocess.run(command, env={**os.environ, "DISPLAY": display}, check=True)


if __name__ == "__main__":
    main()
