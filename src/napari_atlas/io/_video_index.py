"""Which frames a video has, told by its packets and never by its header."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.errors import InputError

__all__ = ["FileMark", "FrameIndex", "build_index", "decoded", "open_stream", "opened", "scan_index"]

_PROBED = 8
_TOLERANCE = 5e-3
_SHORT = 0.97  # a file whose frames last less than this part of what its header tells may be cut off
_UNTIMED = {"h264", "hevc", "m4v", "mjpeg", "mpegvideo", "obu", "av1"}  # bare streams: libav makes their times up
_INDEXED = {"mov", "mp4", "matroska", "webm", "gif"}


@dataclass(frozen=True)
class FrameIndex:
    """The frames of a video in the order in which they are shown.

    Attributes
    ----------
    pts
        (n_frames,) presentation times in the stream's unit, rising; where ``seekable`` is false they mean nothing.
    keys
        (n_keys,) frame numbers at which decoding can begin, rising, 0 first.
    seekable
        Whether a frame can be told by its presentation time; else only by counting from the first one.
    scanned
        Whether the file was decoded to the end to find this out.
    height, width
        Pixels.
    fps
        Frames per second; NaN where the file does not tell.
    codec
        Name of the codec.
    unit
        Seconds per unit of ``pts``; 0 where the file tells no times.
    notes
        Sentences on what is odd about the file.
    """

    pts: NDArray[np.int64]
    keys: NDArray[np.int64]
    seekable: bool
    scanned: bool
    height: int
    width: int
    fps: float
    codec: str
    unit: float = 0.0
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.pts.size)

    @cached_property
    def times(self) -> NDArray[np.float64]:
        """(n_frames,) seconds at which the frames are shown, the first at 0; empty where the file tells none."""
        return (self.pts - self.pts[0]) * self.unit if self.unit else np.empty(0)

    def group_of(self, number: int) -> range:
        """Return the frames that are decoded from the same key frame on as a frame; all, where only counting helps."""
        if not self.seekable:
            return range(len(self))
        at = self.key_before(number)
        stop = int(self.keys[at + 1]) if at + 1 < self.keys.size else len(self)
        return range(int(self.keys[at]), stop)

    @property
    def threads(self) -> str:
        """How decoding is best shared out: a single frame or a broken file is slowed down by threads for frames."""
        return "SLICE" if self.scanned or self.keys.size == len(self) else "AUTO"

    def key_before(self, number: int) -> int:
        """Return which key frame (index into ``keys``) the decoding of a frame begins at."""
        return int(np.searchsorted(self.keys, number, side="right")) - 1


@contextlib.contextmanager
def opened(path: Path, threads: str = "AUTO") -> Iterator[tuple[Any, Any]]:
    """Open a video and yield (container, its first video stream); close it at the end.

    Raises
    ------
    InputError
        If it is missing or no video.
    """
    container, stream = open_stream(path, threads)
    with contextlib.closing(container):
        yield container, stream


def open_stream(path: Path, threads: str = "AUTO") -> tuple[Any, Any]:
    """Return (container, first video stream) of a file, or raise an `InputError`.

    Threads that share the frames out ("AUTO") are the fastest; they hold frames back and lose some at a fault.
    """
    import av

    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise InputError.of(path, "it is a pipe or a device", "give the video itself")
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise _refusal(path, getattr(error, "strerror", "") or type(error).__name__) from error
    if not container.streams.video:
        container.close()
        raise InputError.of(path, "it holds no video stream", "give another file")
    stream = container.streams.video[0]
    stream.thread_type = threads
    return container, stream


def _refusal(path: Path, told: str) -> InputError:
    """Return what is wrong with a file that cannot be opened, told by its first bytes."""
    if not path.exists():
        cure = "check the path; 'napari-atlas change PROJECT RECORDING --video PATH' gives another"
        return InputError.of(path, "there is no video at this path", cure)
    begin = b""
    with contextlib.suppress(OSError), path.open("rb") as file:
        begin = file.read(256)
    if begin.startswith(b"version https://git-lfs"):
        return InputError.of(path, "it is a Git LFS pointer and no video", "fetch the video with 'git lfs pull'")
    if not begin and path.is_file() and not path.stat().st_size:
        return InputError.of(path, "it is not a video but an empty file", "copy it again")
    if begin and all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in begin):
        return InputError.of(path, "it is not a video but a text", "give the video that it stands for")
    if begin[4:8] == b"ftyp":
        return InputError.of(path, f"this video is cut off: its table of frames is missing ({told})", "copy it again")
    return InputError.of(path, f"it is not a video that can be opened ({told})", "check the file")


@dataclass(frozen=True)
class FileMark:
    """Size and time of change of a file, −1 where there is none; another mark means another file."""

    size: int
    changed: int

    @classmethod
    def of(cls, path: Path) -> FileMark:
        """Return a file's mark."""
        try:
            told = path.stat()
        except OSError:
            return cls(-1, -1)
        return cls(told.st_size, told.st_mtime_ns)


def decoded(container: Any, stream: Any, packets: Iterator[Any] | None = None) -> Iterator[Any]:
    """Yield the frames of a stream in the order in which they are shown; broken packets are passed over."""
    import av

    feed = packets if packets is not None else container.demux(stream)
    with contextlib.suppress(av.FFmpegError):  # a file that is cut off
        for packet in feed:
            with contextlib.suppress(av.FFmpegError):
                yield from packet.decode()
        return
    with contextlib.suppress(av.FFmpegError):
        yield from stream.decode(None)


def build_index(path: Path, mark: FileMark | None = None) -> FrameIndex:
    """Return the frames of a video, told by its own table of frames, else by its packets, else by decoding it once.

    What was found is kept for the files that were looked at last, as long as they do not change.

    Raises
    ------
    InputError
        If it is missing, no video, or holds no frame.
    """
    return _kept_index(path, mark or FileMark.of(path))


@lru_cache(maxsize=16)
def _kept_index(path: Path, _mark: FileMark) -> FrameIndex:
    return _index_of_table(path) or _index_of_packets(path)


def _index_of_table(path: Path) -> FrameIndex | None:
    """Return the frames that an mp4 without reordered frames lists; None where the list does not tell all.

    Reading it takes a moment where passing through all packets of a long video takes seconds.
    """
    with opened(path) as (container, stream):
        facts = _Facts.of(container, stream)
        entries = list(getattr(stream, "index_entries", ()))
        if "mp4" not in facts.container.split(",") or stream.codec_context.has_b_frames or len(entries) < 2:
            return None
        listed = np.array([(e.timestamp, e.pos + e.size, e.is_keyframe, e.is_discard) for e in entries], dtype=np.int64)
        times, ends, key, dropped = listed.T
        whole = len(entries) == facts.n_told and ends.max() <= path.stat().st_size and not dropped.any()
        if not whole or not key[0] or not (np.diff(times) > 0).all() or not facts.height * facts.width:
            return None
        keys = np.flatnonzero(key).astype(np.int64)
        begins = [(p.pts, p.dts) for p, _ in zip(_packets(container, stream), range(_PROBED), strict=False)]
        container.seek(int(times[keys[-1]]), stream=stream)
        ends_with = [(p.pts, p.dts) for p in _packets(container, stream)]
    told = [(int(t), int(t)) for t in times]
    if begins != told[:_PROBED] or ends_with != told[int(keys[-1]) :] or not _begins_with(path, times[:_PROBED]):
        return None
    return facts.index(np.ascontiguousarray(times), keys, seekable=True, scanned=False)


def _index_of_packets(path: Path) -> FrameIndex:
    packets: list[tuple[Any, bool, bool]] = []
    with opened(path) as (container, stream):
        packets.extend((p.pts, p.is_keyframe, p.is_discard or p.is_corrupt) for p in _packets(container, stream))
        facts = _Facts.of(container, stream)
    if not packets or any(pts is None or odd for pts, _, odd in packets):
        return scan_index(path)
    shown = np.array([p for p, _, _ in packets], dtype=np.int64)
    pts = np.sort(shown)
    keys = np.searchsorted(pts, np.sort(shown[[key for _, key, _ in packets]]))
    sound = bool((np.diff(pts) > 0).all()) and keys.size > 0 and keys[0] == 0 and facts.height * facts.width > 0
    if not sound or not _begins_with(path, pts[:_PROBED]):
        return scan_index(path)
    seekable = facts.seeks_exactly(in_order=bool((pts == shown).all()))
    return facts.index(pts, keys.astype(np.int64), seekable, scanned=False)


@dataclass(frozen=True)
class _Facts:
    """What the header tells and can be believed."""

    height: int
    width: int
    rate: float
    codec: str
    unit: float
    container: str
    n_told: int
    seconds: float

    @classmethod
    def of(cls, container: Any, stream: Any) -> _Facts:
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        return cls(
            height=int(stream.codec_context.height),
            width=int(stream.codec_context.width),
            rate=rate if 0 < rate < 1e6 else math.nan,
            codec=str(stream.codec_context.name),
            unit=0.0 if container.format.name in _UNTIMED else float(stream.time_base or 0),
            container=str(container.format.name),
            n_told=int(stream.frames),
            seconds=(container.duration or 0) / 1e6,
        )

    def seeks_exactly(self, in_order: bool) -> bool:
        """Whether frames keep their presentation times after a seek.

        Files without an index of times (mpg, ts, raw streams) guess them anew, AVI does where frames are reordered.
        """
        names = set(self.container.split(","))
        return bool(names & _INDEXED) or ("avi" in names and in_order)

    def index(self, pts: NDArray[np.int64], keys: NDArray[np.int64], seekable: bool, scanned: bool) -> FrameIndex:
        rate = _rate(pts, self.unit, self.rate)
        size = (self.height, self.width)
        return FrameIndex(pts, keys, seekable, scanned, *size, rate, self.codec, self.unit, self._notes(pts, rate))

    def _notes(self, pts: NDArray[np.int64], rate: float) -> tuple[str, ...]:
        """Return what the header tells and the frames do not bear out."""
        if self.n_told and self.n_told != pts.size:
            return (f"The video's header tells of {self.n_told} frames; {pts.size} can be decoded.",)
        lasts = pts.size / rate if rate > 0 else 0.0
        if 0 < lasts < _SHORT * self.seconds - 1:
            return (f"The video's header tells of {self.seconds:.1f} s; its frames last {lasts:.1f} s. Is it cut off?",)
        return ()


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    """Yield the packets that hold something, up to a fault in the file."""
    import av

    with contextlib.suppress(av.FFmpegError):
        yield from (packet for packet in container.demux(stream) if packet.size)


def _begins_with(path: Path, pts: NDArray[np.int64]) -> bool:
    """Whether the first frames come out with these presentation times."""
    with opened(path) as (container, stream):
        frames = decoded(container, stream)
        return all(getattr(next(frames, None), "pts", None) == wanted for wanted in pts)


def scan_index(path: Path) -> FrameIndex:
    """Return the frames of a video, found by decoding all of it.

    Raises
    ------
    InputError
        If it is missing, no video, or holds no frame.
    """
    found: list[tuple[int | None, bool]] = []
    size = (0, 0)
    with opened(path, "SLICE") as (container, stream):
        for frame in decoded(container, stream):
            size = size if found else (int(frame.height), int(frame.width))
            found.append((frame.pts, bool(frame.key_frame)))
        facts = replace(_Facts.of(container, stream), height=size[0], width=size[1])
    if not found:
        raise InputError.of(path, "it holds no frame that can be decoded", "check the file")
    times = [pts for pts, _ in found if pts is not None]
    timed = len(times) == len(found)
    pts = np.array(times if timed else range(len(found)), dtype=np.int64)
    keys = np.array(sorted({0} | {i for i, (_, key) in enumerate(found) if key}), dtype=np.int64)
    rising = timed and bool((np.diff(pts) > 0).all())
    if not rising:
        facts = replace(facts, unit=0.0)
    return facts.index(pts, keys, rising and facts.seeks_exactly(in_order=False), scanned=True)


def _rate(pts: NDArray[np.int64], unit: float, header: float) -> float:
    """Return the header's frame rate where the frames bear it out, else what the frames tell."""
    if pts.size < 2 or not unit:
        return header
    measured = (pts.size - 1) / (float(pts[-1] - pts[0]) * unit)
    return header if abs(measured - header) <= _TOLERANCE * measured else measured
