"""Decode the frames of a video by their number, and keep those that were decoded."""

from __future__ import annotations

import bisect
import threading
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from napari_atlas.io._video_index import FrameIndex, decoded, open_stream

__all__ = ["FrameCache", "FrameSource", "LostFrameError"]


class LostFrameError(Exception):
    """The frames that came out are not those that the index tells of."""


class FrameCache:
    """Decoded frames around the one that was asked for last, up to so many bytes; any thread may ask.

    Where there is no room, the frames outside its group go first, the farthest before the nearer ones, and then those
    of the group that are farthest from it. So a group that fits is never decoded twice while the cursor moves in it,
    and of one that does not fit the part around the cursor stays.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._frames: dict[int, tuple[Any, int]] = {}
        self._order: list[int] = []
        self._cursor = 0
        self._group = range(0)
        self._lock = threading.Lock()

    def look_at(self, number: int, group: range) -> None:
        """Move the cursor to a frame, which lies in a group that is worth keeping."""
        with self._lock:
            self._cursor, self._group = number, group

    def __contains__(self, number: int) -> bool:
        return number in self._frames

    def get(self, number: int) -> Any:
        """Return a frame, or None if it is not kept."""
        return self._frames.get(number, (None, 0))[0]

    def put(self, number: int, frame: Any, size: int) -> None:
        """Keep a frame of so many bytes, and drop others where there is no room; the cursor's own frame stays."""
        with self._lock:
            if number in self._frames:
                return
            self._frames[number] = (frame, size)
            bisect.insort(self._order, number)
            self._used += size
            while self._used > self._limit and len(self._order) > 1:
                at = self._farthest()
                self._used -= self._frames.pop(self._order.pop(at))[1]

    def clear(self) -> None:
        """Drop all frames."""
        with self._lock:
            self._frames.clear()
            self._order.clear()
            self._used = 0

    def _farthest(self) -> int:
        """Return which end of the kept frames, 0 or −1, to drop from."""
        low, high = self._order[0], self._order[-1]
        outside = [n for n in (low, high) if n not in self._group]
        return 0 if max(outside or (low, high), key=lambda n: abs(n - self._cursor)) == low else -1


class FrameSource:
    """A running decoder that is moved to a key frame only where going on would not be shorter."""

    def __init__(self, path: Path, index: FrameIndex) -> None:
        self._path = path
        self._index = index
        self._container: Any = None
        self._stream: Any = None
        self._frames: Iterator[Any] = iter(())
        self._next = -1

    @property
    def position(self) -> int:
        """Number of the frame that comes next; −1 where nothing runs."""
        return self._next

    def close(self) -> None:
        """Close the file; the next question opens it again."""
        self._frames = iter(())
        self._next = -1
        if self._container is not None:
            self._container.close()
            self._container = None

    def walk(self, number: int) -> Iterator[tuple[int, Any]]:
        """Yield (number, frame) of every frame decoded on the way to a frame, that one last.

        Raises
        ------
        LostFrameError
            If the file gives other frames than its index tells.
        """
        if number >= len(self._index):
            raise LostFrameError(f"frame {number} of {self._path}")
        if not self._index.seekable:
            if not 0 <= self._next <= number:
                self._restart()
        elif not int(self._index.keys[self._index.key_before(number)]) <= self._next <= number:
            self._seek(self._index.key_before(number))
        while self._next <= number:
            frame = self._take()
            self._next += 1
            yield self._next - 1, frame

    def _take(self) -> Any:
        """Return the frame whose turn it is; earlier ones, which a seek may bring, are passed over."""
        wanted = int(self._index.pts[self._next])
        for frame in self._frames:
            if not self._index.seekable or frame.pts == wanted:
                return frame
            if frame.pts is None or frame.pts > wanted:
                break
        lost = self._next
        self._next = -1
        raise LostFrameError(f"frame {lost} of {self._path}")

    def _restart(self) -> None:
        self.close()
        self._container, self._stream = open_stream(self._path, self._index.threads)
        self._frames = decoded(self._container, self._stream)
        self._next = 0

    def _seek(self, key: int) -> None:
        """Begin decoding at a key frame; where the file lands behind it, begin at an earlier one."""
        import av

        if self._container is None:
            self._restart()
            next(self._frames, None)  # the first frame may tell how the others are coded (x264 does so)
        start, back = int(self._index.keys[key]), 0
        while key - back > 0:
            target = int(self._index.pts[self._index.keys[key - back]])
            try:
                self._container.seek(target, stream=self._stream, backward=True, any_frame=False)
                first = self._first_key_packet()
            except av.FFmpegError:
                break
            if first is not None and first.pts is not None and first.pts <= int(self._index.pts[start]):
                packets = chain([first], self._container.demux(self._stream))
                self._frames = decoded(self._container, self._stream, packets)
                self._next = start
                return
            back = 2 * back + 1
        self._restart()
        self._next = start

    def _first_key_packet(self) -> Any:
        return next((p for p in self._container.demux(self._stream) if p.is_keyframe and p.size), None)
