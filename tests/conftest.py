"""Fixtures for all tests."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

WINDOWS = {"views", "e2e"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file in one process, and all that open windows: a display has one keyboard focus."""
    for item in items:
        group = "windows" if WINDOWS.intersection(item.path.parts) else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real files and golden figures beside the checkout."""
    folder = (Path(__file__).parents[1] / ".." / "shared").resolve()
    if not (folder / "data").is_dir():
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("shared/ is not beside the checkout, and CI must not go without it")
        pytest.skip("shared/ is not beside the checkout")
    return folder


@pytest.fixture
def atlas(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Return a function that runs a command in this process: (exit status, stdout, stderr)."""
    from napari_atlas.cli import main

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["napari-atlas", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        told = capsys.readouterr()
        return int(left.value.code or 0), told.out, told.err

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def jelly_project(tmp_path: Path) -> Path:
    """Return a project of 64 windows in 8 tracks that are not known apart, with a temperature each."""
    import numpy as np

    from napari_atlas import workflow
    from napari_atlas.data.project import AddRequest

    rng = np.random.default_rng(0)
    np.save(tmp_path / "jelly.npy", rng.random((64, 8)))
    np.save(tmp_path / "temps.npy", rng.normal(20, 3, 64))
    workflow.new(tmp_path / "p.atlas")
    request = AddRequest(tmp_path / "jelly.npy", "jelly", temperature=str(tmp_path / "temps.npy"))
    workflow.add(tmp_path / "p.atlas", request)
    return tmp_path / "p.atlas"
