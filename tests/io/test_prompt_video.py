"""A window never waits for a frame, and gets the right one in the end."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from napari_atlas.io._video_source import FrameSource
from napari_atlas.io.prompt_video import PromptVideo
from napari_atlas.io.proxy import write_proxy
from napari_atlas.io.video import VideoArray, open_video


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a video of two groups, each frame brighter than the one before, and its proxy."""
    folder = tmp_path_factory.mktemp("videos")
    with av.open(str(folder / "v.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"x264-params": "scenecut=0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.gop_size = 40
        for i in range(80):
            picture = np.full((48, 64, 3), 2 * i + 20, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    list(write_proxy(open_video(folder / "v.mp4"), folder / "p.mp4", lambda: False))
    return folder / "v.mp4", folder / "p.mp4"


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let decoding a frame of the video, but not of the proxy, take 10 ms."""
    take = FrameSource._take

    def taking(self: FrameSource) -> Any:
        if self._path.name == "v.mp4":
            time.sleep(0.01)
        return take(self)

    monkeypatch.setattr(FrameSource, "_take", taking)


def scrubbed(files: tuple[Path, Path], proxied: bool = False) -> tuple[PromptVideo, threading.Event, VideoArray]:
    right, arrived = open_video(files[0]), threading.Event()
    video = PromptVideo(open_video(files[0], 90), open_video(files[1]) if proxied else None)
    video.arrived = arrived.set
    return video, arrived, right


def test_what_is_quick_is_given_at_once(files: tuple[Path, Path]) -> None:
    video, _, right = scrubbed(files)
    assert (video.shape, len(video), video.ndim, video.n_video_frames) == ((90, 48, 64, 3), 90, 4, 80)
    for key in (3, np.int64(4), slice(5, 6), (slice(6, 7), slice(0, 9)), (7, 2, slice(3)), (8, ..., 0), -90):
        assert np.array_equal(video[key], np.concatenate([right[:], np.zeros((10, 48, 64, 3), np.uint8)])[key]), key
        assert video.stand_in == ""
    assert np.array_equal(video[2:6], right[2:6])
    assert np.array_equal(video[[1, 30]], right[[1, 30]])
    assert not video[85].any()
    with pytest.raises(IndexError):
        video[90]
    video.close()


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("proxied", [True, False])
def test_what_takes_long_is_stood_in_for(files: tuple[Path, Path], proxied: bool) -> None:
    video, arrived, right = scrubbed(files, proxied)
    before = video[0].copy()
    arrived.clear()
    begin = time.perf_counter()
    stand_in = video[79:80][0].copy()
    assert time.perf_counter() - begin < 0.25
    assert video.stand_in == ("proxy" if proxied else "loading")
    wanted = right[79] if proxied else before
    assert np.abs(stand_in.astype(int) - wanted).max() <= 3
    assert arrived.wait(5)
    while not np.array_equal(video[79], right[79]) and time.perf_counter() - begin < 5:
        time.sleep(0.05)  # on a busy machine an earlier frame may be told late
    assert np.array_equal(video[79], right[79])
    assert video.stand_in == ""


@pytest.mark.usefixtures("slow")
def test_only_the_newest_frame_arrives(files: tuple[Path, Path]) -> None:
    video, arrived, right = scrubbed(files)
    for number in (79, 38, 77, 39):
        video[number]
    assert arrived.wait(5)
    assert np.array_equal(video[39], right[39])
    assert not video._video.has(75)


@pytest.mark.usefixtures("slow")
def test_nothing_arrives_after_closing(files: tuple[Path, Path]) -> None:
    video, arrived, _ = scrubbed(files)
    video[79]
    video.close()
    assert not arrived.wait(0.1)
    assert not any(thread.name == "napari-atlas frame" for thread in threading.enumerate())


def test_a_fault_is_told_and_does_not_raise(files: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    path.write_bytes(files[0].read_bytes())
    video = PromptVideo(open_video(path))
    assert video[0].any()
    assert video.fault == ""
    path.unlink()
    assert not video[60].any()
    assert f"{path}: " in video.fault
    assert video[0].any()
    assert video.fault == ""


def test_a_proxy_that_goes_away_is_done_without(files: tuple[Path, Path], tmp_path: Path, slow: None) -> None:
    path = tmp_path / "p.mp4"
    path.write_bytes(files[1].read_bytes())
    video, arrived, right = scrubbed((files[0], path), proxied=True)
    path.unlink()
    video[79]
    assert video.stand_in == "loading"
    assert arrived.wait(5)
    assert np.array_equal(video[79], right[79])
