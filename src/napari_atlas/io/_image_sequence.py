"""Frames that lie in pictures: a folder of them, or a TIFF of many pages."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.errors import InputError
from napari_atlas.io._video_index import FileMark, FrameIndex
from napari_atlas.io._video_source import FrameCache

__all__ = ["ImageReader", "is_image_sequence"]

_TIFF = {".tif", ".tiff"}
_IMAGES = _TIFF | {".png", ".jpg", ".jpeg", ".bmp"}
_DEEP = ("I", "F")  # Pillow's modes of more than eight bits: I, I;16, I;16B, F


def is_image_sequence(path: Path) -> bool:
    """Whether a path is a folder that holds pictures, or a TIFF."""
    return bool(_images_in(path)) if path.is_dir() else path.suffix.lower() in _TIFF and path.is_file()


class ImageReader:
    """The frames of a folder of pictures, in the order of the numbers in their names, or of a TIFF of many pages.

    Grey values of more than eight bits are scaled by the first frame's range: its lowest value becomes 0 and its
    highest 255, and what lies outside is cut off.

    Parameters
    ----------
    path
        The folder, or the TIFF.
    cache_bytes
        Memory for decoded frames.

    Raises
    ------
    InputError
        If there is no picture in it, or the first one cannot be read.
    """

    def __init__(self, path: Path, cache_bytes: int) -> None:
        self.path = path
        self._files = _images_in(path) if path.is_dir() else (path,)
        if not self._files:
            what = "it is a folder without pictures, and no video"
            raise InputError.of(path, what, "give a video, or a folder of numbered PNG, JPEG or TIFF files")
        self._mark = FileMark.of(path)
        self._cache = FrameCache(cache_bytes)
        self._lock = threading.Lock()
        self._range = (0.0, 0.0)
        with self._opened(0) as image:
            n_frames = int(getattr(image, "n_frames", 1)) if len(self._files) == 1 else len(self._files)
            if image.mode.split(";")[0] in _DEEP:
                values = np.asarray(image, dtype=np.float64)
                self._range = (float(np.nanmin(values)), float(np.nanmax(values)))
            self.index = FrameIndex(
                pts=np.arange(n_frames),
                keys=np.arange(n_frames),
                seekable=True,
                scanned=True,
                height=int(image.height),
                width=int(image.width),
                fps=float("nan"),
                codec=str(image.format).lower(),
            )

    def __contains__(self, number: int) -> bool:
        """Whether a frame is at hand without decoding."""
        return number in self._cache

    def frame(self, number: int, size: tuple[int, int], wanted: Callable[[], bool]) -> NDArray[np.uint8]:
        """Return one frame; pictures are not scaled, and decoding one is never given up.

        Raises
        ------
        InputError
            If the picture cannot be read, is of another size than the first one, or the file has changed.
        """
        self._cache.look_at(number, self.index.group_of(number))
        picture: NDArray[np.uint8] | None = self._cache.get(number)
        if picture is None:
            with self._lock, self._opened(number) as image:
                picture = self._rgb(image)
            if picture.shape[:2] != size:
                what = f"frame {number} is {_size(picture.shape[:2])}, the first one {_size(size)}"
                raise InputError.of(self._file(number), what, "give frames of one size")
            self._cache.put(number, picture, picture.nbytes)
        return picture

    def close(self) -> None:
        """Drop the decoded frames."""
        self._cache.clear()

    def _file(self, number: int) -> Path:
        return self._files[number if len(self._files) > 1 else 0]

    @contextlib.contextmanager
    def _opened(self, number: int) -> Iterator[Any]:
        """Open the picture of a frame, all faults of Pillow told in one line."""
        from PIL import Image

        path = self._file(number)
        if not self._unchanged():
            what = "the pictures have changed or were moved since they were opened"
            raise InputError.of(self.path, what, "wait until they are written, then open the recording again")
        try:
            with Image.open(path) as image:
                if len(self._files) == 1:
                    image.seek(number)
                yield image
        except (OSError, EOFError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            what = f"frame {number} is no picture or video that can be read ({' '.join(str(error).split())})"
            raise InputError.of(path, what, "check the file, or copy it again") from error

    def _unchanged(self) -> bool:
        """Whether the TIFF is the same, or the folder still holds the same names."""
        mark = FileMark.of(self.path)
        if mark != self._mark and self.path.is_dir() and _images_in(self.path) == self._files:
            self._mark = mark
        return mark == self._mark

    def _rgb(self, image: Any) -> NDArray[np.uint8]:
        if image.mode.split(";")[0] not in _DEEP:
            return np.asarray(image.convert("RGB"), dtype=np.uint8)
        low, high = self._range
        values = np.nan_to_num(np.asarray(image, dtype=np.float64), nan=low)
        grey = np.clip((values - low) * (255 / max(high - low, 1e-12)), 0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)


def _images_in(folder: Path) -> tuple[Path, ...]:
    """Return the pictures of a folder, those with the same text around it in the order of their numbers."""
    found = (p for p in folder.iterdir() if p.suffix.lower() in _IMAGES and not p.name.startswith("."))
    return tuple(sorted(found, key=_natural))


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.findall(r"\d+|\D+", path.stem)
    return [(int(part), "") if part.isdecimal() else (-1, part.lower()) for part in parts], path.name


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} × {shape[0]}"
