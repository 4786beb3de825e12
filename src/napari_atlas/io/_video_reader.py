"""Frames of a video file by number: decoded once where memory allows, ahead of time in play."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.errors import InputError
from napari_atlas.io._video_index import FileMark, FrameIndex, build_index, scan_index
from napari_atlas.io._video_source import FrameCache, FrameSource, LostFrameError

__all__ = ["OvertakenError", "VideoReader"]

AHEAD = 16


class OvertakenError(Exception):
    """Nobody waits for this frame any more."""


class VideoReader:
    """The frames of one video file.

    Parameters
    ----------
    path
        The file.
    cache_bytes
        Memory for decoded frames, which are kept as they left the decoder (mostly YUV).

    Raises
    ------
    InputError
        If the file is missing, no video, or holds no frame.
    """

    def __init__(self, path: Path, cache_bytes: int) -> None:
        from av.video.reformatter import VideoReformatter

        self.path = path
        self._mark = FileMark.of(path)
        self.index: FrameIndex = build_index(path, self._mark)
        self._cache = FrameCache(cache_bytes)
        self._source = FrameSource(path, self.index)
        self._lock = threading.RLock()
        self._asking = 0
        self._count = threading.Lock()
        self._last = -1
        self._playing = False
        self._ahead = threading.Thread()
        self._colors = VideoReformatter()
        self._converting = threading.Lock()

    def __contains__(self, number: int) -> bool:
        """Whether a frame is at hand without decoding."""
        return number in self._cache

    def frame(self, number: int, size: tuple[int, int], wanted: Callable[[], bool]) -> NDArray[np.uint8]:
        """Return one frame, scaled to (height, width) where it has another size; black where it cannot be decoded.

        Raises
        ------
        OvertakenError
            If *wanted*, asked between two frames on the way, says no.
        InputError
            If the file has changed since it was opened.
        """
        group = self.index.group_of(min(number, len(self.index) - 1))
        self._cache.look_at(number, range(group.start, max(group.stop, number + AHEAD + 1)))
        frame = self._cache.get(number)
        if frame is None:
            frame = self._decode(number, wanted)
        self._play(number)
        return np.zeros((*size, 3), dtype=np.uint8) if frame is None else self._rgb(frame, size)

    def close(self) -> None:
        """Close the file, drop the decoded frames and wait for the thread that reads ahead."""
        self._playing = False
        if self._ahead.is_alive():
            self._ahead.join()
        with self._lock:
            self._source.close()
            self._cache.clear()

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Hold the decoder; reading ahead steps aside for whoever waits here."""
        with self._count:
            self._asking += 1
        try:
            with self._lock:
                yield
        finally:
            with self._count:
                self._asking -= 1

    def _decode(self, number: int, wanted: Callable[[], bool]) -> Any:
        """Return a decoded frame, and keep those that were decoded on the way; None if there is no such frame."""
        with self._turn():
            for prepare in (None, self._scan, self._count_from_the_first):
                try:
                    if prepare is not None:
                        prepare()
                    return self._walk(number, wanted)
                except LostFrameError:
                    self._source.close()
                    self._check_unchanged()
        return None

    def _walk(self, number: int, wanted: Callable[[], bool]) -> Any:
        frame = self._cache.get(number)
        if frame is not None:
            return frame
        if not wanted():
            raise OvertakenError
        for at, frame in self._source.walk(number):
            self._cache.put(at, frame, _bytes(frame))
            if at != number and not wanted():
                raise OvertakenError
        self._check_unchanged()
        return frame

    def _check_unchanged(self) -> None:
        if FileMark.of(self.path) != self._mark:
            self._source.close()
            self._cache.clear()
            what = "the video has changed or was moved since it was opened"
            raise InputError.of(self.path, what, "wait until it is written, then open the recording again")

    def _scan(self) -> None:
        """Decode the whole file once to learn which frames it has."""
        if not self.index.scanned:
            self._use(scan_index(self.path))

    def _count_from_the_first(self) -> None:
        """Find frames by counting from now on."""
        self._use(replace(self.index, seekable=False))

    def _use(self, index: FrameIndex) -> None:
        self.index = index
        self._cache.clear()
        self._source.close()
        self._source = FrameSource(self.path, index)

    def _play(self, number: int) -> None:
        """Note what is looked at; where frame follows frame, read ahead in a thread that ends when it is far enough."""
        self._playing, self._last = number == self._last + 1, number
        if self._playing and not self._ahead.is_alive() and number < self._source.position <= number + AHEAD // 2:
            self._ahead = threading.Thread(target=self._read_ahead, name="napari-atlas read-ahead")
            self._ahead.start()

    def _read_ahead(self) -> None:
        with contextlib.suppress(LostFrameError, InputError):
            while self._playing and not self._asking and self._step_ahead():
                pass

    def _step_ahead(self) -> bool:
        """Decode the frame that comes next, where it is one that play will soon reach."""
        with self._lock:
            at = self._source.position
            if not self._last < at <= min(self._last + AHEAD, len(self.index) - 1):
                return False
            for number, frame in self._source.walk(at):
                self._cache.put(number, frame, _bytes(frame))
            self._check_unchanged()
            return True

    def _rgb(self, frame: Any, size: tuple[int, int]) -> NDArray[np.uint8]:
        with self._converting:  # two threads must not convert one frame at a time
            picture = self._colors.reformat(frame, height=size[0], width=size[1], format="rgb24")
        return np.asarray(picture.to_ndarray(), dtype=np.uint8)


def _bytes(frame: Any) -> int:
    return sum(int(plane.buffer_size) for plane in frame.planes)
