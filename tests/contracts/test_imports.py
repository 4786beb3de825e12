"""Nothing heavy is imported before it is needed, and the window never imports what belongs to a child process."""

import subprocess
import sys
from pathlib import Path

import pytest

VIEWS = Path(__file__).parents[2] / "src" / "napari_atlas" / "views"
QT = {"qtpy", "PyQt5", "PyQt6", "PySide6", "napari", "vispy", "superqt", "magicgui"}
JOBS = {"torch", "lightning", "umap", "pynndescent", "sklearn", "anndata", "sleap_io"}
TOOLS = {"pandas", "h5py", "av", "scipy", "shapely", "matplotlib"}
VERSION = "import sys; sys.argv = ['napari-atlas', '--version']; from napari_atlas.cli import main; main()"
EVERY_VIEW = "import " + ", ".join(
    ["napari_atlas.plugin", *(f"napari_atlas.views.{file.stem}" for file in sorted(VIEWS.glob("[!_]*.py")))]
)


def top_level_after(statements: str) -> set[str]:
    """Return the packages and modules that a fresh interpreter holds at its end."""
    tell = "import atexit, sys; atexit.register(lambda: print('|', *{name.partition('.')[0] for name in sys.modules}))"
    command = [sys.executable, "-c", f"{tell}\n{statements}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("|")[2].split())


@pytest.mark.parametrize(
    ("statements", "unwanted"),
    [
        pytest.param("import napari_atlas", QT | JOBS | TOOLS | {"numpy"}, id="package"),
        pytest.param(VERSION, QT | JOBS | TOOLS, id="version"),
        pytest.param("import napari_atlas.cli", QT | JOBS | TOOLS, id="cli"),
        pytest.param("import napari_atlas.session.session", QT | JOBS, id="session"),
        pytest.param("import napari_atlas.workflow, napari_atlas.jobs", QT | JOBS | {"pandas"}, id="workflow"),
        pytest.param(EVERY_VIEW, JOBS, id="views"),
    ],
)
def test_imports_stay_light(statements: str, unwanted: set[str]) -> None:
    assert sorted(top_level_after(statements) & unwanted) == []
