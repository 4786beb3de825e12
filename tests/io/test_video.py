"""Every frame of a video, bit for bit as a straight decode gives it."""

from __future__ import annotations

import contextlib
import math
import random
import wave
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest

from napari_atlas.errors import InputError
from napari_atlas.io import _video_reader
from napari_atlas.io._video_index import scan_index
from napari_atlas.io.video import VideoArray, frame_times, is_variable_rate, open_video

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
    ("h.mp4", "libx265", 3),
    ("h0.mp4", "libx265", 0),
    ("m4.mp4", "mpeg4", 0),
    ("m4.mov", "mpeg4", 2),
    ("plain.mp4", "libx264", 0),
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
    """Return all frames that a decode from the beginning gives, broken packets left out."""
    frames = []
    with av.open(str(path)) as container:
        with contextlib.suppress(av.FFmpegError):
            for packet in container.demux(video=0):
                with contextlib.suppress(av.FFmpegError):
                    frames += packet.decode()
        with contextlib.suppress(av.FFmpegError):
            frames += container.streams.video[0].decode(None)
    return [frame.to_ndarray(format="rgb24") for frame in frames]


def checksum(picture: np.ndarray) -> int:
    return zlib.crc32(picture.tobytes())


@cache
def drawn(path: Path, n: int) -> tuple[int, dict[int, int]]:
    """Return the number of frames of a straight decode, and the sums of all or of *n* random ones."""
    found, last = {}, -1
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        numbers = random.Random(1).sample(range(stream.frames or 100), min(n, stream.frames or 100))
        for last, frame in enumerate(container.decode(stream)):
            if last in numbers:
                found[last] = checksum(frame.to_ndarray(format="rgb24"))
    return last + 1, {i: found[i] for i in numbers}


def _options(codec: str, b_frames: int) -> dict[str, str]:
    if codec == "libx265":
        return {"x265-params": f"log-level=none:open-gop=1:bframes={b_frames}:keyint=12:frame-threads=1:pools=1"}
    return {"x264-params": "open-gop=1"} if b_frames else {}


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    def write(name: str, codec: str = "libx264", b_frames: int = 0, n_frames: int = 60) -> Path:
        path = tmp_path / name
        try:
            container = av.open(str(path), "w")
            stream = container.add_stream(codec, rate=30, options=_options(codec, b_frames))
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
    n_frames, wanted = drawn(shared / "data" / name, 15)
    video = open_video(shared / "data" / name)
    assert video.shape[0] == len(video) == video.n_video_frames == n_frames
    for number, told in wanted.items():
        assert checksum(video[number]) == told, number


@pytest.mark.parametrize("name", [REAL[4], REAL[6]])
def test_a_first_look_at_the_middle(name: str, shared: Path) -> None:
    """The first frame of some x264 files tells how the others are coded: a decoder must have seen it."""
    _, wanted = drawn(shared / "data" / name, 15)
    for number in list(wanted)[:2]:
        assert checksum(VideoArray(shared / "data" / name)[number]) == wanted[number]


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


def remuxed(source: Path, target: Path, begin: int, shift: int, options: dict[str, str] | None = None) -> Path:
    """Copy the packets from number *begin* on, their times moved by *shift* units; nothing is decoded."""
    with av.open(str(source)) as read, av.open(str(target), "w", options=options or {}) as write:
        stream = write.add_stream_from_template(read.streams.video[0])
        packets = [p for p in read.demux(video=0) if p.size][begin:]
        for packet in packets:
            packet.pts += shift
            packet.dts += shift
            packet.stream = stream
            write.mux(packet)
    return target


@pytest.mark.parametrize("b_frames", [0, 3])
@pytest.mark.parametrize(("begin", "shift"), [(0, 51200), (0, -3000), (7, 0), (20, 0)])
def test_cut_and_moved_streams(begin: int, shift: int, b_frames: int, make: Maker, tmp_path: Path) -> None:
    """First time ≠ 0, edit lists, and a stream that begins between two key frames."""
    for ending in ("mp4", "mkv"):
        path = remuxed(make("whole.mp4", "libx264", b_frames), tmp_path / f"cut.{ending}", begin, shift)
        same_as_straight(path)


@pytest.mark.parametrize("b_frames", [0, 3])
def test_fragments(b_frames: int, make: Maker, tmp_path: Path) -> None:
    """An mp4 whose table of frames is spread over the file, as cameras write it that may lose power."""
    options = {"movflags": "frag_keyframe+empty_moov"}
    same_as_straight(remuxed(make("whole.mp4", "libx264", b_frames), tmp_path / "f.mp4", 0, 0, options))


def same_as_straight(path: Path) -> None:
    wanted, video = straight(path), open_video(path)
    assert len(video) == len(wanted) > 0
    for number in random.Random(2).sample(range(len(wanted)), min(20, len(wanted))):
        assert np.array_equal(video[number], wanted[number]), (path.suffix, number)


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


def uneven(path: Path, steps: list[int]) -> Path:
    """Write a video whose frames are so many milliseconds apart, with B-frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1000)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = 12, 2
        for i, time in enumerate(np.cumsum([0, *steps])):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 4 * i, dtype=np.uint8), format="rgb24")
            frame.pts, frame.time_base = int(time), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_a_rate_that_varies(ending: str, tmp_path: Path) -> None:
    steps = [random.Random(i).choice((20, 33, 34, 100)) for i in range(40)]
    path = uneven(tmp_path / f"v.{ending}", steps)
    wanted, video = straight(path), open_video(path)
    assert len(video) == len(wanted) == 41
    assert all(np.array_equal(video[i], wanted[i]) for i in random.Random(1).sample(range(41), 41))
    assert video.frame_times == pytest.approx(np.cumsum([0, *steps]) / 1000, abs=1e-9)
    assert np.array_equal(frame_times(path), video.frame_times)
    assert video.is_variable_rate
    assert is_variable_rate(path)


def test_an_even_rate_and_files_without_times(make: Maker, tmp_path: Path, shared: Path) -> None:
    even = uneven(tmp_path / "e.mkv", [33, 33, 34] * 10)  # 30 Hz, as a clock of milliseconds rounds it
    assert not is_variable_rate(even)
    assert frame_times(make("b.mp4", "libx264", 3)) == pytest.approx(np.arange(60) / 30)
    assert frame_times(shared / "data" / REAL[0]) == pytest.approx(np.arange(100) / 10)
    assert frame_times(make("raw.264")).size == 0
    assert not is_variable_rate(make("raw.264"))


def test_a_header_with_the_wrong_count(make: Maker, tmp_path: Path) -> None:
    told = make("m4.avi", "mpeg4").read_bytes()
    for count in (0, 17, 900):
        at = told.index(b"vids") + 32
        path = tmp_path / f"{count}.avi"
        path.write_bytes(told[:at] + count.to_bytes(4, "little") + told[at + 4 :])
        wanted, video = straight(path), open_video(path)
        assert len(video) == len(wanted) == 60
        assert np.array_equal(video[57], wanted[57])
        assert video.notes == ((f"The video's header tells of {count} frames; 60 can be decoded.",) if count else ())


@pytest.mark.parametrize("name", ["b.mkv", "b.ts", "m4.avi", "plain.mp4", "b.mp4"])
def test_what_is_left_of_a_file_that_was_cut_off(name: str, make: Maker, tmp_path: Path) -> None:
    codec, b_frames = ("mpeg4", 0) if name == "m4.avi" else ("libx264", 3 * (name[0] == "b"))
    whole, path = make(name, codec, b_frames, 300), tmp_path / f"cut.{name}"
    if name.endswith("mp4"):  # its table of frames at the beginning
        whole = remuxed(whole, tmp_path / "fast.mp4", 0, 0, {"movflags": "faststart"})
    told = whole.read_bytes()
    path.write_bytes(told[: int(len(told) * 0.7)])
    wanted, video = straight(path), open_video(path)
    assert 100 < len(video) == len(wanted) < 300
    for number in (0, len(wanted) - 1, *random.Random(1).sample(range(len(wanted)), 10)):
        assert np.array_equal(video[number], wanted[number]), number
    assert bool(video.notes) == (name != "b.ts")


def test_a_wrong_index_is_found_out(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packet that gives no frame: the file is decoded once, and the frames are right again."""
    path = make("b.mp4", "libx264", 3)
    wanted, right = straight(path), _video_reader.build_index(path)
    wrong = replace(right, pts=np.where(np.arange(60) == 30, right.pts + 1, right.pts))
    monkeypatch.setattr(_video_reader, "build_index", lambda *_: wrong)
    scans = []
    monkeypatch.setattr(_video_reader, "scan_index", lambda p: scans.append(p) or scan_index(p))
    video = open_video(path)
    assert np.array_equal(video[31], wanted[31])
    assert np.array_equal(video[10], wanted[10])
    assert scans == [path]


def test_closing_and_looking_again(make: Maker) -> None:
    video = open_video(make("b.mp4"))
    before = video[20]
    video.close()
    assert np.array_equal(video[20], before)


def test_what_is_no_video_is_refused(shared: Path, tmp_path: Path) -> None:
    video = (shared / "data" / REAL[7]).read_bytes()
    told = {
        "none.mp4": (None, "change PROJECT RECORDING --video PATH"),
        "empty.mp4": (b"", "an empty file; copy it again"),
        "cut.mp4": (video[:5000], "cut off"),
        "lfs.mp4": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "git lfs pull"),
        "noise.mp4": (bytes(range(256)), "check the file"),
    }
    for name, (content, cure) in told.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match="video") as caught:
            open_video(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: ")
        assert cure in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"vid1\.mov: it is not a video but a text; give the video"):
        open_video(shared / "data" / "dlc" / "vid1.mov")


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "s.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(800))
    with pytest.raises(InputError, match=r"s\.wav: it holds no video stream; give another file"):
        open_video(tmp_path / "s.wav")
