"""Every frame of a video, bit for bit as a straight decode gives it."""

from __future__ import annotations

import math
import random
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest

from napari_atlas.errors import InputError
from napari_atlas.io.video import VideoArray, open_video

Maker = Callable[..., Path]
REAL = (
    "atlas/jellyfish_hull.gif",
    "atlas/stickleback_swimming.gif",
    "deepof/test2DLC_video_circular_arena_madlc.mp4",
    "dlc/brief.mp4",
    "dlc/m3v1mp4.mp4",
    "dlc/m3v1mp4short.mp4",
    "eks/mirror-mouse/180607_004.mp4",
    "vame/cropped_video.mp4",
)
MADE = (
    ("b.mp4", "libx264", 3),
    ("b.mkv", "libx264", 3),
    ("b.ts", "libx264", 3),
    ("b.avi", "libx264", 3),
    ("raw.264", "libx264", 3),
    ("b.mpg", "mpeg2video", 2),
    ("m4.avi", "mpeg4", 0),
    ("m4b.avi", "mpeg4", 2),
    ("m.avi", "mjpeg", 0),
    ("v.webm", "libvpx", 0),
)


def straight(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@cache
def sums(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [zlib.crc32(f.to_ndarray(format="rgb24").tobytes()) for f in container.decode(video=0)]


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    def write(name: str, codec: str = "libx264", b_frames: int = 0, n_frames: int = 60) -> Path:
        path = tmp_path / name
        try:
            container = av.open(str(path), "w")
            stream = container.add_stream(codec, rate=30, options={"x264-params": "open-gop=1"} if b_frames else {})
        except (av.FFmpegError, ValueError, LookupError):
            pytest.skip(f"this build of PyAV cannot write {name} with {codec}")
        stream.width, stream.height, stream.gop_size = 64, 48, 12
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.max_b_frames = b_frames
        for i in range(n_frames):
            image = np.full((48, 64, 3), (i * 7) % 256, dtype=np.uint8)
            image[:, i % 60 : i % 60 + 4] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
        container.close()
        return path

    return write


@pytest.mark.parametrize("name", REAL)
def test_random_frames_of_real_files(name: str, shared: Path) -> None:
    wanted = sums(shared / "data" / name)
    video = open_video(shared / "data" / name)
    assert video.shape[0] == len(video) == video.n_video_frames == len(wanted)
    draw = random.Random(1)
    for number in (draw.randrange(len(wanted)) for _ in range(30)):
        assert zlib.crc32(video[number].tobytes()) == wanted[number], number


@pytest.mark.parametrize("name", [REAL[4], REAL[6]])
def test_a_first_look_at_the_middle(name: str, shared: Path) -> None:
    """The first frame of some x264 files tells how the others are coded: a decoder must have seen it."""
    wanted = sums(shared / "data" / name)
    for number in (len(wanted) // 2, len(wanted) - 1):
        assert zlib.crc32(VideoArray(shared / "data" / name)[number].tobytes()) == wanted[number]


@pytest.mark.parametrize(("name", "codec", "b_frames"), MADE)
def test_every_container(name: str, codec: str, b_frames: int, make: Maker) -> None:
    path = make(name, codec, b_frames)
    wanted = straight(path)
    for seed in range(4):
        draw = random.Random(seed)
        video = VideoArray(path, cache_bytes=draw.choice((1, 2**20)))
        assert len(video) == len(wanted)
        for number in (draw.randrange(len(wanted)) for _ in range(20)):
            assert np.array_equal(video[number], wanted[number]), number


def remuxed(source: Path, target: Path, begin: int, shift: int) -> Path:
    """Copy the packets from number *begin* on, their times moved by *shift* units; nothing is decoded."""
    with av.open(str(source)) as read, av.open(str(target), "w") as write:
        stream = write.add_stream_from_template(read.streams.video[0])
        packets = [p for p in read.demux(video=0) if p.size][begin:]
        for packet in packets:
            packet.pts += shift
            packet.dts += shift
            packet.stream = stream
            write.mux(packet)
    return target


@pytest.mark.parametrize(("begin", "shift"), [(0, 51200), (0, -3000), (7, 0), (20, 0)])
def test_cut_and_moved_streams(begin: int, shift: int, make: Maker, tmp_path: Path) -> None:
    """First time ≠ 0, edit lists, and a stream that begins between two key frames."""
    for ending in ("mp4", "mkv"):
        path = remuxed(make("whole.mp4", "libx264", 3), tmp_path / f"cut.{ending}", begin, shift)
        wanted = straight(path)
        video = open_video(path)
        assert len(video) == len(wanted) > 0
        for number in random.Random(2).sample(range(len(wanted)), min(20, len(wanted))):
            assert np.array_equal(video[number], wanted[number]), (ending, number)


def test_indexing_is_that_of_numpy(make: Maker) -> None:
    path = make("b.mp4", "libx264", 3)
    wanted, video = np.stack(straight(path)), open_video(path)
    everything = slice(None)
    keys = (
        0, -1, np.int64(7), slice(5, 6), slice(5, 8), slice(50, 3, -9), slice(7, 7), ..., (..., 0), (3, ..., 1),
        (slice(3, 4), everything, everything, everything), (4, slice(10, 20), slice(0, 5)), (np.int32(4), 5, 6, 2),
        [1, 5, 3], np.array([9, 2]), (np.array(3), everything), (np.array([2, 8]), slice(0, 3)),
    )  # fmt: skip
    for key in keys:
        assert np.array_equal(video[key], wanted[key]), key
    assert video.ndim == video[:2].ndim == 4
    assert video.dtype == video[0].dtype == np.uint8
    assert np.array_equal(np.stack(list(iter(video))), wanted)
    for outside in (len(video), -len(video) - 1):
        with pytest.raises(IndexError):
            video[outside]


def test_frames_beyond_the_end_are_black(make: Maker) -> None:
    path = make("b.mp4")
    video = open_video(path, length=75)
    assert video.shape == (75, 48, 64, 3)
    assert video.n_video_frames == 60
    assert video[59].any()
    assert not video[60:75].any()
    assert len(open_video(path, length=10)) == 60


def test_rate_and_codec(make: Maker, shared: Path) -> None:
    assert open_video(make("b.mp4")).fps == 30
    assert open_video(make("b.mp4")).codec == "h264"
    assert open_video(shared / "data" / REAL[0]).fps == 10
    assert math.isclose(open_video(shared / "data" / REAL[4]).fps, 1e6 / 33333)


def test_many_threads_read_at_once(make: Maker) -> None:
    path = make("b.mp4", "libx264", 3)
    wanted, video = straight(path), open_video(path)
    numbers = [random.Random(3).randrange(60) for _ in range(80)]
    with ThreadPoolExecutor(8) as pool:
        frames = list(pool.map(video.__getitem__, numbers))
    assert all(np.array_equal(frame, wanted[n]) for frame, n in zip(frames, numbers, strict=True))


def test_the_next_frame_needs_no_seek_and_a_small_cache_stays_small(make: Maker) -> None:
    video = VideoArray(make("b.mp4", "libx264", 0), cache_bytes=5 * 48 * 64 * 2)
    video[0]
    container = video._source._container
    for i in range(1, 60):
        video[i]
        assert video._source._next == i + 1
    assert video._source._container is container
    assert video._cache._used <= 5 * 48 * 64 * 2


def test_a_wrong_index_is_found_out(make: Maker) -> None:
    """A packet that gives no frame: the file is decoded once, and the frames are right again."""
    path = make("b.mp4", "libx264", 3)
    wanted, video = straight(path), open_video(path)
    index = video._index
    object.__setattr__(index, "pts", np.where(np.arange(60) == 30, index.pts + 1, index.pts))
    assert np.array_equal(video[31], wanted[31])
    assert video._index.scanned
    assert np.array_equal(video[10], wanted[10])


def test_closing_and_looking_again(make: Maker) -> None:
    video = open_video(make("b.mp4"))
    before = video[20]
    video.close()
    assert np.array_equal(video[20], before)


def test_what_is_no_video_is_refused(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes((shared / "data" / REAL[7]).read_bytes()[:5000])
    for path in (shared / "data" / "dlc" / "vid1.mov", tmp_path / "none.mp4", tmp_path / "empty.mp4", tmp_path, cut):
        with pytest.raises(InputError, match="video") as caught:
            open_video(path)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)
