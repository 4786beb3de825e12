"""A video as an array that is decoded where it is looked at, exact to the frame."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.io._image_sequence import ImageReader, is_image_sequence
from napari_atlas.io._video_reader import OvertakenError, VideoReader

__all__ = ["VideoArray", "frame_times", "is_variable_rate", "open_video"]

CACHE_BYTES = 512 * 2**20
_UNEVEN = 0.1  # of the usual time between two frames


class VideoArray:
    """Frames of a video, (n_frames, height, width, 3), uint8 RGB.

    Frame *i* is the *i*-th frame that comes out when the file is decoded from its beginning; neither the header's
    count nor its seeking is trusted. Any number of threads may read from it.

    Parameters
    ----------
    path
        The file, or a folder of pictures.
    length
        Number of frames that the array shall have at least; those beyond the video's end are black.
    cache_bytes
        Memory for decoded frames, which are kept around the one that was looked at last. While frame follows frame, a
        thread decodes a few ahead; it ends by itself.
    size
        Height and width that the frames are scaled to; by default their own.

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

    def __init__(
        self,
        path: Path | str,
        length: int = 0,
        cache_bytes: int = CACHE_BYTES,
        size: tuple[int, int] | None = None,
    ) -> None:
        self.path = Path(path)
        pictures = self.path.is_dir() or is_image_sequence(self.path)
        self._reader = (ImageReader if pictures else VideoReader)(self.path, cache_bytes)
        self._size = size or (self._reader.index.height, self._reader.index.width)
        self._length = max(len(self._reader.index), length)
        self._newest = object()

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n_frames, height, width, 3)."""
        return (self._length, *self._size, 3)

    @property
    def n_video_frames(self) -> int:
        """Number of frames in the file, without those that were added at the end."""
        return len(self._reader.index)

    @property
    def fps(self) -> float:
        """Frames per second, the mean where the rate varies; NaN where the file does not tell."""
        return self._reader.index.fps

    @property
    def codec(self) -> str:
        """Name of the codec, such as "h264"."""
        return self._reader.index.codec

    @property
    def frame_times(self) -> NDArray[np.float64]:
        """(n_video_frames,) seconds at which the frames are shown, the first at 0; empty where the file tells none."""
        return self._reader.index.times

    @property
    def is_variable_rate(self) -> bool:
        """Whether the time between two frames varies, beyond the rounding of the file's clock."""
        steps = np.diff(self.frame_times)
        usual = float(np.median(steps)) if steps.size else 0.0
        return bool((np.abs(steps - usual) > _UNEVEN * usual + 2 * self._reader.index.unit).any())

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what is odd about the file, such as a header that tells of more frames than there are."""
        return self._reader.index.notes

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        """Return frames, or a part of them, as numpy would; a slice of the first axis decodes those frames only."""
        first, *rest = _axes(key)
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
        """Return one (height, width, 3) frame; black beyond the video's end.

        Raises
        ------
        InputError
            If the file has changed or was moved since it was opened.
        """
        return self._frame(number, lambda: True)

    def latest(self, number: int) -> NDArray[np.uint8] | None:
        """Return one frame as `frame` does, or None as soon as a later call of `latest` has overtaken this one.

        For callers with many wishes of which only the newest counts, each in a thread of its own: the decoding for an
        older one ends after the frame under way, and what it decoded is kept. Calls of `frame` are not overtaken.
        """
        self._newest = wish = object()
        try:
            return self._frame(number, lambda: self._newest is wish)
        except OvertakenError:
            return None

    def has(self, number: int) -> bool:
        """Whether a frame is at hand, so that looking at it takes no decoding."""
        return number >= self.n_video_frames or number in self._reader

    def close(self) -> None:
        """Close the file, drop the decoded frames and overtake `latest`; looking at a frame opens it again."""
        self._newest = object()
        self._reader.close()

    def _frame(self, number: int, wanted: Callable[[], bool]) -> NDArray[np.uint8]:
        if number >= self.n_video_frames:
            return np.zeros(self.shape[1:], dtype=np.uint8)
        return self._reader.frame(number, self._size, wanted)


def open_video(path: Path | str, length: int = 0) -> VideoArray:
    """Return a video as an array of at least *length* frames; those beyond its end are black.

    Parameters
    ----------
    path
        A video, a GIF, a TIFF of many pages, or a folder of pictures, which are sorted by the numbers in their names.
    length
        Number of frames that the array shall have at least.

    Raises
    ------
    InputError
        If it is missing, no video, or holds no frame.
    """
    return VideoArray(path, length)


def frame_times(path: Path | str) -> NDArray[np.float64]:
    """Return the (n_frames,) seconds at which a video's frames are shown, the first at 0.

    They are the container's presentation times; empty where it tells none, as for pictures and bare streams.

    Raises
    ------
    InputError
        If it is missing, no video, or holds no frame.
    """
    return VideoArray(path).frame_times


def is_variable_rate(path: Path | str) -> bool:
    """Whether the time between two frames of a video varies, beyond the rounding of the file's clock.

    Raises
    ------
    InputError
        If it is missing, no video, or holds no frame.
    """
    return VideoArray(path).is_variable_rate


def _axes(key: Any) -> tuple[Any, ...]:
    """Return one index per axis that *key* names, its ellipsis written out."""
    axes = key if isinstance(key, tuple) else (key,)
    if not any(axis is Ellipsis for axis in axes):
        return axes or (slice(None),)
    at = next(i for i, axis in enumerate(axes) if axis is Ellipsis)
    return (*axes[:at], *[slice(None)] * (VideoArray.ndim - len(axes) + 1), *axes[at + 1 :])
