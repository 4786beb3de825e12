"""Fixtures for all tests."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

WINDOWS = {"views", "e2e"}
SLOW = (
    "test_wheel.py",
    "test_explorer.py",
    "test_cross_species.py",
    "test_tutorial.py",
    "test_jobs.py",
    "test_cluster.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process is left with one of them in the end."""
    items.sort(key=lambda item: SLOW.index(item.path.name) if item.path.name in SLOW else len(SLOW))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file in one process, and all that open windows: a display has one keyboard focus."""
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", maxsplit=1)[0]
            return "windows" if WINDOWS.intersection(file.split("/")) else file

    return Together(config, log)


@pytest.fixture(autouse=True, scope="module")
def memory_given_back() -> Iterator[None]:
    """Give memory that is free back to the system after each file of tests; glibc would keep it."""
    yield
    gc.collect()
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)


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


@pytest.fixture(scope="session")
def striped_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a video of 300 frames of 96 x 64 pixels; each tells its number as twelve stripes, 1 is white."""
    import av
    import numpy as np

    path = tmp_path_factory.mktemp("striped") / "v.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = 30, 2
        for number in range(300):
            bits = (number >> np.arange(12)) & 1
            picture = np.broadcast_to(np.repeat(bits, 8)[None, :, None] * 255, (64, 96, 3)).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture
def striped_project(tmp_path: Path, striped_video: Path) -> Path:
    """Return a project of two recordings of 340 frames at 25 per second, "a" with a striped video and "b" without.

    Two keypoints lie in corners of the video, and one is missing in the first 30 frames; windows have 25 frames.
    """
    from napari_atlas import workflow
    from napari_atlas.data.project import AddRequest

    head = "scorer" + ",s" * 6 + "\nbodyparts,n,n,n,m,m,m\ncoords" + ",x,y,likelihood" * 2 + "\n"
    rows = "".join(f"{i},{'' if i < 30 else 0},{'' if i < 30 else 0},0.9,95,63,0.9\n" for i in range(340))
    (tmp_path / "a.csv").write_text(head + rows, encoding="utf-8")
    folder = tmp_path / "p.atlas"
    workflow.new(folder)
    settings = {"signal": "centroid-speed", "bin_rate": 25.0, "window": 1.0, "stride": 0.5, "keypoints": ("m",)}
    for name, video in (("a", striped_video), ("b", Path())):
        request = AddRequest(tmp_path / "a.csv", "mouse", name=name, video=video, fps=25, settings=settings)
        workflow.add(folder, request)
    return folder


def stripes(picture: Any) -> int:
    """Return the frame number that a picture of the striped video tells."""
    import numpy as np

    at = (np.arange(12) + 0.5) / 12 * picture.shape[1]
    middle = picture[picture.shape[0] // 4 : picture.shape[0] * 3 // 4, at.astype(int)]
    return int(((middle.mean(axis=(0, 2)) > 127) << np.arange(12)).sum())


@pytest.fixture
def number_of() -> Callable[[Any], int]:
    """Return a function that reads the frame number off a picture of the striped video."""
    return stripes
