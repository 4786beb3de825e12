"""Which frames a video has, told by its packets and never by its header."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.errors import InputError

__all__ = ["FrameIndex", "build_index", "decoded", "opened", "scan_index"]

_PROBED = 8
_TOLERANCE = 5e-3
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
    """

    pts: NDArray[np.int64]
    keys: NDArray[np.int64]
    seekable: bool
    scanned: bool
    height: int
    width: int
    fps: float
    codec: str

    def __len__(self) -> int:
        return int(self.pts.size)

    def key_before(self, number: int) -> int:
        """Return which key frame (index into ``keys``) the decoding of a frame begins at."""
        return int(np.searchsorted(self.keys, number, side="right")) - 1


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open a video and yield (container, its first video stream); close it at the end.

    Raises
    ------
    InputError
        If it is missing or no video.
    """
    container, stream = open_stream(path)
    with contextlib.closing(container):
        yield container, stream


def open_stream(path: Path) -> tuple[Any, Any]:
    """Return (container, first video stream) of a file, or raise an `InputError`."""
    import av

    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError, ValueError) as error:
        text = getattr(error, "strerror", "") or type(error).__name__
        raise InputError.of(path, f"it is not a video that can be opened ({text})", "check the file") from error
    if not container.streams.video:
        container.close()
        raise InputError.of(path, "it holds no video stream", "give another file")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return container, stream


def decoded(container: Any, stream: Any, packets: Iterator[Any] | None = None) -> Iterator[Any]:
    """Yield the frames of a stream in the order in which they are shown; broken packets are passed over."""
    import av

    feed = packets if packets is not None else container.demux(stream)
    while True:
        try:
            packet = next(feed, None)
        except av.FFmpegError:
            return
        if packet is None:
            return
        with contextlib.suppress(av.FFmpegError):
            yield from packet.decode()


def build_index(path: Path) -> FrameIndex:
    """Return the frames of a video, read from its packets; a file whose packets do not tell is decoded once.

    Raises
    ------
    InputError
        If it is missing, no video, or holds no frame.
    """
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

    @classmethod
    def of(cls, container: Any, stream: Any) -> _Facts:
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        return cls(
            height=int(stream.codec_context.height),
            width=int(stream.codec_context.width),
            rate=rate if 0 < rate < 1e6 else math.nan,
            codec=str(stream.codec_context.name),
            unit=float(stream.time_base or 0),
            container=str(container.format.name),
        )

    def seeks_exactly(self, in_order: bool) -> bool:
        """Whether frames keep their presentation times after a seek.

        Files without an index of times (mpg, ts, raw streams) guess them anew, AVI does where frames are reordered.
        """
        names = set(self.container.split(","))
        return bool(names & _INDEXED) or ("avi" in names and in_order)

    def index(self, pts: NDArray[np.int64], keys: NDArray[np.int64], seekable: bool, scanned: bool) -> FrameIndex:
        rate = _rate(pts, self.unit, self.rate)
        return FrameIndex(pts, keys, seekable, scanned, self.height, self.width, rate, self.codec)


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
    with opened(path) as (container, stream):
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
