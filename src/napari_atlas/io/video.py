"""A video as an array that is decoded where it is looked at, exact to the frame."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.io._video_index import FrameIndex, build_index, scan_index
from napari_atlas.io._video_source import FrameCache, FrameSource, LostFrameError

__all__ = ["VideoArray", "open_video"]

CACHE_BYTES = 512 * 2**20


class VideoArray:
    """Frames of a video, (n_frames, height, width, 3), uint8 RGB.

    Frame *i* is the *i*-th frame that comes out when the file is decoded from its beginning; neither the header's
    count nor its seeking is trusted. Any number of threads may read from it.

    Parameters
    ----------
    path
        The file.
    length
        Number of frames that the array shall have at least; those beyond the video's end are black.
    cache_bytes
        Memory for decoded frames.

    Attributes
    ----------
    dtype, ndim
        uint8 and 4.

    Raises
    ------
    InputError
        If the file is missing, no video, or holds no frame.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, path: Path | str, length: int = 0, cache_bytes: int = CACHE_BYTES) -> None:
        self.path = Path(path)
        self._index: FrameIndex = build_index(self.path)
        self._n_frames = len(self._index)
        self._length = max(self._n_frames, length)
        self._cache = FrameCache(cache_bytes)
        self._source = FrameSource(self.path, self._index)
        self._lock = threading.RLock()

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n_frames, height, width, 3)."""
        return (self._length, self._index.height, self._index.width, 3)

    @property
    def n_video_frames(self) -> int:
        """Number of frames in the file, without those that were added at the end."""
        return self._n_frames

    @property
    def fps(self) -> float:
        """Frames per second; NaN where the file does not tell."""
        return self._index.fps

    @property
    def codec(self) -> str:
        """Name of the codec, such as "h264"."""
        return self._index.codec

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        """Return frames, or a part of them, as numpy would; a slice of the first axis decodes those frames only."""
        first, *rest = self._axes(key)
        if isinstance(first, slice):
            numbers = range(*first.indices(self._length))
            stack = np.empty((len(numbers), *self.shape[1:]), dtype=np.uint8)
            for i, number in enumerate(numbers):
                stack[i] = self.frame(number)
            return np.asarray(stack[(slice(None), *rest)])
        if np.ndim(first):
            chosen = np.arange(self._length)[np.asarray(first)]
            stack = np.array([self.frame(int(n)) for n in chosen], dtype=np.uint8).reshape(-1, *self.shape[1:])
            return np.asarray(stack[(slice(None), *rest)])
        return np.asarray(self.frame(range(self._length)[int(first)])[tuple(rest)])

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Return one (height, width, 3) frame; black beyond the video's end."""
        if number >= self._n_frames:
            return np.zeros(self.shape[1:], dtype=np.uint8)
        with self._lock:
            for find in (self._find, self._find_after_scan, self._find_by_counting):
                try:
                    return self._rgb(find(number))
                except LostFrameError:
                    self._source.close()
        return np.zeros(self.shape[1:], dtype=np.uint8)

    def close(self) -> None:
        """Close the file and drop the decoded frames; looking at a frame opens it again."""
        with self._lock:
            self._source.close()
            self._cache.clear()

    def _axes(self, key: Any) -> tuple[Any, ...]:
        """Return one index per axis that *key* names, its ellipsis written out."""
        axes = key if isinstance(key, tuple) else (key,)
        if not any(axis is Ellipsis for axis in axes):
            return axes or (slice(None),)
        at = next(i for i, axis in enumerate(axes) if axis is Ellipsis)
        return (*axes[:at], *[slice(None)] * (self.ndim - len(axes) + 1), *axes[at + 1 :])

    def _find(self, number: int) -> Any:
        """Return a decoded frame, and keep those that were decoded on the way."""
        frame = self._cache.get(number)
        if frame is None:
            for at, frame in self._source.walk(number):
                self._cache.put(at, frame)
        if frame is None:
            raise LostFrameError(str(number))
        return frame

    def _find_after_scan(self, number: int) -> Any:
        """Decode the whole file once to learn which frames it has, and look again."""
        if not self._index.scanned:
            self._use(scan_index(self.path))
        return self._find(number)

    def _find_by_counting(self, number: int) -> Any:
        """Count from the first frame on, and do so from now on."""
        index = self._index
        self._use(FrameIndex(index.pts, index.keys, False, True, index.height, index.width, index.fps, index.codec))
        return self._find(number)

    def _use(self, index: FrameIndex) -> None:
        self._index = index
        self._cache.clear()
        self._source.close()
        self._source = FrameSource(self.path, index)

    def _rgb(self, frame: Any) -> NDArray[np.uint8]:
        _, height, width, _ = self.shape
        if (frame.height, frame.width) != (height, width):
            frame = frame.reformat(width=width, height=height)
        return np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)


def open_video(path: Path | str, length: int = 0) -> VideoArray:
    """Return a video as an array of at least *length* frames; those beyond its end are black.

    Raises
    ------
    InputError
        If the file is missing, no video, or holds no frame.
    """
    return VideoArray(path, length)
