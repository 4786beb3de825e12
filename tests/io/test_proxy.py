"""Copies for scrubbing: the same frames in the same order, whole or not there."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from napari_atlas import workflow
from napari_atlas.data.project import AddRequest
from napari_atlas.errors import InputError, StoppedError
from napari_atlas.io.project import read_project
from napari_atlas.io.proxy import make_proxies, open_proxy, proxy_of, write_proxy
from napari_atlas.io.video import open_video

Atlas = Callable[..., tuple[int, str, str]]


def write(path: Path, n_frames: int = 130, height: int = 48, uneven: bool = False) -> Path:
    """Write a video with B-frames, each frame brighter than the one before."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1000 if uneven else 25)
        stream.width, stream.height, stream.pix_fmt = 50, height, "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = 30, 2
        for i in range(n_frames):
            frame = av.VideoFrame.from_ndarray(np.full((height, 50, 3), i + 20, dtype=np.uint8), format="rgb24")
            if uneven:
                frame.pts, frame.time_base = 20 * i + i * i, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project of two recordings, one with a video."""
    rows = "".join(f"{i},{i % 20},{i % 30},0.9\n" for i in range(300))
    (tmp_path / "a.csv").write_text("scorer,s,s,s\nbodyparts,n,n,n\ncoords,x,y,likelihood\n" + rows, encoding="utf-8")
    folder = tmp_path / "p.atlas"
    workflow.new(folder)
    for name, video in (("a", write(tmp_path / "v.mp4")), ("b", Path())):
        workflow.add(folder, AddRequest(tmp_path / "a.csv", "mouse", name=name, video=video, fps=25))
    return folder


def proxies(folder: Path) -> list[str]:
    return sorted(p.name for p in (folder / "proxies").glob("*"))


@pytest.mark.parametrize("uneven", [False, True])
def test_frame_by_frame_the_same(uneven: bool, tmp_path: Path) -> None:
    video = open_video(write(tmp_path / "v.mkv", uneven=uneven))
    assert list(write_proxy(video, tmp_path / "p.mp4", lambda: False)) == [60, 120, 130]
    proxy = open_video(tmp_path / "p.mp4")
    assert proxy.shape == video.shape
    assert proxy._reader.index.keys.tolist() == list(range(130))
    for number in (129, 0, 64, 65, 17):
        assert np.abs(proxy[number].astype(int) - video[number]).max() <= 3


def test_high_videos_are_scaled_to_even_sizes(tmp_path: Path) -> None:
    video = open_video(write(tmp_path / "v.mp4", 3, height=1000))
    list(write_proxy(video, tmp_path / "p.mp4", lambda: False))
    assert open_video(tmp_path / "p.mp4").shape == (3, 720, 36, 3)


def test_pictures_have_proxies_too(tmp_path: Path) -> None:
    for i in range(5):
        Image.new("L", (31, 21), 40 * i).save(tmp_path / f"{i}.png")
    list(write_proxy(open_video(tmp_path), tmp_path / "out" / "p.mp4", lambda: False))
    proxy = open_video(tmp_path / "out" / "p.mp4")
    assert proxy.shape == (5, 20, 32, 3)
    assert [round(proxy[i].mean() / 40) for i in range(5)] == [0, 1, 2, 3, 4]


def test_the_verb_makes_what_is_missing(project: Path, atlas: Atlas, tmp_path: Path) -> None:
    code, out, _ = atlas("proxy", project, "--json")
    events = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [e["event"] for e in events] == ["log", "progress", "progress", "progress", "done"]
    assert (events[3]["done"], events[3]["total"], events[3]["recording"]) == (130, 130, "a")
    video = open_video(tmp_path / "v.mp4", length=200)
    made = proxy_of(project, video.path)
    assert proxies(project) == [made.name]
    before = made.stat().st_mtime_ns
    assert atlas("proxy", project, "a")[0] == 0
    assert made.stat().st_mtime_ns == before
    proxy = open_proxy(project, video)
    assert proxy.shape == video.shape
    assert np.abs(proxy[77].astype(int) - video[77]).max() <= 3
    assert not proxy[150].any()


def test_a_moved_video_keeps_its_proxy_and_a_changed_one_has_none(project: Path, tmp_path: Path) -> None:
    list(make_proxies(project))
    moved = shutil.move(tmp_path / "v.mp4", tmp_path / "elsewhere.mp4")
    assert proxy_of(project, moved).is_file()
    os.utime(moved, (1, 1))
    assert proxy_of(project, moved) == Path()
    assert open_proxy(project, open_video(moved)) is None


def test_a_proxy_of_other_frames_is_not_used_and_made_anew(project: Path, tmp_path: Path) -> None:
    list(make_proxies(project))
    video = open_video(tmp_path / "v.mp4")
    made = proxy_of(project, video.path)
    for content in (write(tmp_path / "short.mp4", 129).read_bytes(), b"damaged"):
        made.write_bytes(content)
        assert open_proxy(project, video) is None
    list(make_proxies(project))
    assert open_proxy(project, video).n_video_frames == 130


def test_a_stop_leaves_nothing(project: Path) -> None:
    with pytest.raises(StoppedError):
        list(make_proxies(project, should_stop=lambda: True))
    assert proxies(project) == []


def test_leftovers_of_a_killed_process_go(project: Path, tmp_path: Path) -> None:
    list(make_proxies(project))
    made = proxy_of(project, tmp_path / "v.mp4")
    old, new = (made.with_name(f".{made.name}.{i}.part") for i in (1, 2))
    old.touch()
    new.touch()
    os.utime(old, (1, 1))
    made.unlink()
    list(make_proxies(project))
    assert proxies(project) == sorted([new.name, made.name])


def test_what_cannot_be_copied_is_told(project: Path, tmp_path: Path, atlas: Atlas) -> None:
    assert "recording b: it has no video" in atlas("proxy", project, "b")[2]
    assert "nobody" in atlas("proxy", project, "nobody")[2]
    late = write(tmp_path / "none.mp4", 10)
    workflow.add(project, AddRequest(tmp_path / "a.csv", "mouse", name="c", video=late, fps=25))
    late.unlink()
    code, out, error = atlas("proxy", project)
    assert code == 2
    assert "130 of 130 frames" in out
    assert error.startswith(f"error: {tmp_path / 'none.mp4'}: there is no video at this path")
    assert len(proxies(project)) == 1
    assert len(read_project(project).recordings) == 3


def test_a_video_that_gives_other_frames_than_it_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = open_video(write(tmp_path / "v.mp4"))
    monkeypatch.setattr(type(video), "n_video_frames", 140)
    with pytest.raises(InputError, match="lists 140 frames and gives 130"):
        list(write_proxy(video, tmp_path / "p.mp4", lambda: False))
    assert not (tmp_path / "p.mp4").exists()
