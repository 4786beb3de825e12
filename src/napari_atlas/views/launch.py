"""Start the window; without a display, start one that nobody sees and take pictures."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from napari_atlas.errors import AtlasError, InputError

__all__ = ["capture", "has_display", "hidden_display", "launch", "launch_or_capture", "make_viewer", "wait_for"]


def has_display() -> bool:
    """Return whether a window can be shown."""
    return not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def make_viewer(project: Path, run: str = "", show: bool = True) -> tuple[Any, Any]:
    """Return a napari viewer with the workspace laid out and a project being opened, and the workspace."""
    from qtpy.QtCore import QCoreApplication, Qt

    # Only possible before the application is there: lets GL canvases survive a change of parent.
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    import napari

    from napari_atlas.views.workspace import workspace_of

    viewer = napari.Viewer(title="ATLAS", show=show)
    workspace = workspace_of(viewer)
    workspace.lay_out()
    workspace.open(project, run)
    return viewer, workspace


def launch(project: Path, run: str = "") -> None:
    """Open a project in the workspace and stay until the window is closed.

    Raises
    ------
    AtlasError
        If there is no display.
    """
    if not has_display():
        raise AtlasError("DISPLAY: it is not set, so no window can be shown; log in with a desktop, or use ssh -X")
    import napari

    _, workspace = make_viewer(project, run)
    napari.run()
    workspace.desk.runner.release()


def launch_or_capture(project: Path, folder: Path) -> Iterator[str]:
    """Open a project in the workspace, or without a display leave pictures of it in *folder*; yield what was done."""
    if has_display():
        yield "opening the workspace; close its window to end"
        launch(project)
        return
    yield "there is no display: taking pictures of the workspace instead"
    command = [sys.executable, "-m", "napari_atlas", "open", str(project), "--pictures", str(folder)]
    with hidden_display() as display:
        done = subprocess.run(
            command, env={**os.environ, "DISPLAY": display}, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise AtlasError(
            f"window: it could not be shown ({done.stderr.strip().splitlines()[-1:]}); see 'Troubleshooting'"
        )
    yield from done.stdout.splitlines()


@contextlib.contextmanager
def hidden_display() -> Iterator[str]:
    """Run a virtual X server for as long as needed, and give its display's name.

    Raises
    ------
    AtlasError
        If Xvfb is not installed or does not start.
    """
    if shutil.which("Xvfb") is None:
        raise AtlasError("Xvfb: it is not installed; install it with 'apt-get install xvfb', or set DISPLAY")
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1920x1200x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as answer:
        number = answer.readline().strip()
    try:
        if not number:
            raise AtlasError("Xvfb: it did not start; set DISPLAY to a display that exists")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


def capture(project: Path, folder: Path) -> Iterator[Path]:
    """Take pictures of the workspace as a user would see it, a point of each species clicked."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError.of(folder, f"it cannot be made ({error.strerror})", "give another folder") from error
    viewer, workspace = make_viewer(project)
    viewer.window.resize(1560, 940)
    session, bridge = workspace.session, workspace.bridge
    wait_for(lambda: session.atlas is not None and (bridge.shown is not None or not session.cursor.recording))
    settle(2.0)
    if not session.atlas.has_map:  # there is no point to click
        viewer.window.screenshot(str(folder / "workspace.png"), canvas_only=False, flash=False)
        yield folder / "workspace.png"
        viewer.close()
        return
    table = session.atlas.windows.table
    for species in table.species_names():
        held_out = table.rows_of(species)
        held_out = held_out[table.in_split("test")[held_out]]
        rows = held_out if held_out.size else table.rows_of(species)
        click_window(workspace, int(rows[rows.size // 2]))
        wait_for(lambda: bridge.shown is not None and bridge.shown.recording.name == session.cursor.recording)
        session.color("temperature" if table.has_temperature else "species")
        settle()
        path = folder / f"workspace-{_plain(species)}.png"
        viewer.window.screenshot(str(path), canvas_only=False, flash=False)
        yield path
    viewer.close()


def click_window(workspace: Any, window: int) -> None:
    """Click a window's point on the map with a real mouse event."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    the_map = workspace.widget("map")
    QTest.mouseClick(
        the_map.canvas_widget,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
        the_map.coordinates_on_screen(window),
    )


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Process the window's events until a condition holds.

    Raises
    ------
    AtlasError
        If it does not within the time given.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AtlasError(f"window: it did not get ready within {seconds:.0f} s; try again with less load")
        settle(0.05)


def settle(seconds: float = 1.0) -> None:
    """Process the window's events for a while."""
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)
