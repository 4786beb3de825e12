"""What is decoded, how often, and when: kept groups, reading ahead, wishes that overtake each other, changed files."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from napari_atlas.errors import InputError
from napari_atlas.io._video_reader import AHEAD
from napari_atlas.io._video_source import FrameCache, FrameSource
from napari_atlas.io.video import VideoArray, open_video


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a video of 120 frames in groups of 40."""
    return write(tmp_path / "v.mp4")


def write(path: Path, n_frames: int = 120, bright: int = 0) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"x264-params": "scenecut=0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = 40, 2
        for i in range(n_frames):
            picture = np.full((48, 64, 3), (2 * i + bright) % 256, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """Return how often each frame has been decoded so far."""
    told: Counter[int] = Counter()
    take = FrameSource._take

    def counting(self: FrameSource) -> Any:
        told[self.position] += 1
        return take(self)

    monkeypatch.setattr(FrameSource, "_take", counting)
    return told


def memory_of(path: Path, n_frames: int) -> int:
    """Return the bytes that so many frames take as they leave the decoder."""
    with av.open(str(path)) as container:
        return n_frames * sum(plane.buffer_size for plane in next(container.decode(video=0)).planes)


def n_reading_ahead() -> int:
    return sum(thread.name == "napari-atlas read-ahead" for thread in threading.enumerate())


def wait_until(condition: Any) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def kept(cache: FrameCache) -> list[int]:
    return [n for n in range(200) if n in cache]


def test_the_cache_keeps_the_group_and_what_is_near() -> None:
    cache = FrameCache(limit=10)
    for n in (100, 101, 102):
        cache.put(n, n, 1)
    cache.look_at(19, range(10, 20))
    for n in range(10, 20):
        cache.put(n, n, 1)
    assert kept(cache) == list(range(10, 20))
    cache.look_at(12, range(10, 20))
    cache.put(20, 20, 1)
    assert kept(cache) == list(range(10, 20))


def test_of_a_group_that_is_too_large_the_part_around_the_cursor_stays() -> None:
    cache = FrameCache(limit=5)
    cache.look_at(30, range(100))
    for n in range(31):
        cache.put(n, n, 1)
    assert kept(cache) == [26, 27, 28, 29, 30]
    cache.look_at(28, range(100))
    cache.put(31, 31, 1)
    assert kept(cache) == [26, 27, 28, 29, 30]
    cache.put(25, 25, 4)
    assert kept(cache) == [26, 27, 28, 29, 30]
    cache.look_at(60, range(100))
    cache.put(60, 60, 9)
    assert kept(cache) == [60]
    cache.clear()
    assert cache.get(60) is None


def test_stepping_back_decodes_no_group_twice(path: Path, decodings: Counter[int]) -> None:
    video = VideoArray(path, cache_bytes=memory_of(path, 60))
    for number in range(119, -1, -1):
        video[number]
    assert set(decodings) == set(range(120))
    assert set(decodings.values()) == {1}


def test_moving_about_in_a_group_decodes_it_once(path: Path, decodings: Counter[int]) -> None:
    video = VideoArray(path, cache_bytes=memory_of(path, 60))
    video[0]
    for number in [79, *random.Random(1).choices(range(40, 80), k=200)]:
        video[number]
    assert all(decodings[n] == 1 for n in range(40, 80))


def test_a_group_beyond_the_memory_is_kept_around_the_cursor(path: Path, decodings: Counter[int]) -> None:
    video = VideoArray(path, cache_bytes=memory_of(path, 21))
    video[79]
    for number in range(79, 60, -1):
        video[number]
    assert max(decodings.values()) == 1
    assert video._reader._cache._used <= memory_of(path, 21)


def test_play_is_read_ahead_and_decoded_once(path: Path, decodings: Counter[int]) -> None:
    video = open_video(path)
    video[30], video[31]
    wait_until(lambda: video.has(31 + AHEAD))
    wait_until(lambda: not n_reading_ahead())
    assert not video.has(32 + AHEAD)
    for number in range(32, 120):
        video[number]
        wait_until(lambda n=number: video.has(min(119, n + 1)) or not n_reading_ahead())
    wait_until(lambda: not n_reading_ahead())
    assert set(decodings.values()) == {1}


def test_a_look_here_and_there_is_not_read_ahead(path: Path) -> None:
    video = open_video(path)
    for number in (50, 10, 100, 99):
        video[number]
        assert not n_reading_ahead()
    assert not video.has(101)


def test_closing_ends_reading_ahead(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take = FrameSource._take
    monkeypatch.setattr(FrameSource, "_take", lambda self: time.sleep(0.01) or take(self))
    video = open_video(path)
    video[0], video[1]
    assert n_reading_ahead() == 1
    video.close()
    assert not n_reading_ahead()
    assert not any(video.has(n) for n in range(120))
    assert video[5].mean() == pytest.approx(10, abs=3)


def test_the_newest_wish_overtakes_the_older_ones(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take = FrameSource._take
    monkeypatch.setattr(FrameSource, "_take", lambda self: time.sleep(0.01) or take(self))
    video, answers = open_video(path), {}

    def ask(number: int) -> threading.Thread:
        thread = threading.Thread(target=lambda: answers.update({number: video.latest(number)}))
        thread.start()
        return thread

    threads = [ask(79)]
    wait_until(lambda: video.has(42))
    threads += [ask(n) for n in (110, 90, 45)]
    for thread in threads:
        thread.join(5)
    assert not video.has(60)
    assert answers[79] is answers[110] is answers[90] is None
    assert np.array_equal(answers[45], open_video(path)[45])
    assert np.array_equal(video.latest(79), open_video(path)[79])


def test_a_plain_look_is_not_overtaken(path: Path) -> None:
    video = open_video(path)
    frames: list[Any] = []
    thread = threading.Thread(target=lambda: frames.append(video[119]))
    thread.start()
    video.latest(3)
    thread.join(5)
    assert np.array_equal(frames[0], open_video(path)[119])


@pytest.mark.parametrize("how", ["written over", "touched", "taken away"])
def test_a_file_that_changes_is_told_and_never_shown_wrong(path: Path, how: str) -> None:
    video = open_video(path)
    before = video[3].copy()
    if how == "taken away":
        path.unlink()
    elif how == "touched":
        os.utime(path, (1, 1))
    else:
        write(path, 90, bright=100)
    assert np.array_equal(video[3], before)
    with pytest.raises(InputError, match=r"v\.mp4: the video has changed or was moved since it was opened; wait until"):
        video[100]
    with pytest.raises(InputError, match=r"v\.mp4: "):
        video[3]
    if how == "written over":
        again = open_video(path)
        assert len(again) == 90
        assert again[50].mean() == pytest.approx(200, abs=3)


def test_an_index_is_kept_until_the_file_changes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = open_video(path)._reader.index
    assert open_video(path)._reader.index is index
    write(path, 100)
    assert len(open_video(path)) == 100
