"""A video as a window looks at it: a frame that takes long to decode never holds the window up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.errors import InputError
from napari_atlas.io.video import VideoArray

__all__ = ["PromptVideo"]

PATIENCE_S = 0.02


class PromptVideo:
    """The frames of a video, (n_frames, height, width, 3), uint8 RGB, each within a moment.

    A frame that is not decoded after 20 ms is stood in for: by the same frame of the all-intra copy if there is one,
    else by the picture that was shown last. The decoding goes on in a thread, unless a later wish overtakes it, and
    `arrived` is called when it is done; looking at the frame again then gives the frame itself.

    Parameters
    ----------
    video
        The video.
    proxy
        Its all-intra copy, of the same shape.

    Attributes
    ----------
    arrived
        Called from a thread without arguments; by default nothing happens.
    stand_in
        What the picture given last is: "" for the frame itself, else "proxy" or "loading".
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, video: VideoArray, proxy: VideoArray | None = None) -> None:
        self._video = video
        self._proxy = proxy
        self._shown: NDArray[np.uint8] = np.zeros(video.shape[1:], dtype=np.uint8)
        self._fetched: tuple[int, NDArray[np.uint8]] = (-1, self._shown)
        self.arrived: Callable[[], None] = _nothing
        self.stand_in = ""
        self._at = -1
        self._failed = (-1, "")

    @property
    def fault(self) -> str:
        """Why the frame that was looked at last cannot be read; empty where it can."""
        number, text = self._failed
        return text if number == self._at else ""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n_frames, height, width, 3)."""
        return self._video.shape

    @property
    def n_video_frames(self) -> int:
        """Number of frames in the file, without those that were added at the end."""
        return self._video.n_video_frames

    def __len__(self) -> int:
        return len(self._video)

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        """Return a frame or its stand-in, or a part of it; several frames are waited for."""
        axes: tuple[Any, ...] = key if isinstance(key, tuple) else (key,)
        first, rest = axes[0], axes[1:]
        everything = range(len(self))
        if isinstance(first, slice) and len(everything[first]) == 1:
            return np.asarray(self._picture(everything[first][0])[None][(slice(None), *rest)])
        if isinstance(first, int | np.integer):
            return np.asarray(self._picture(everything[int(first)])[rest])
        return self._video[key]

    def close(self) -> None:
        """Close the files; nothing arrives any more."""
        self.arrived = _nothing
        for video in (self._video, self._proxy):
            if video is not None:
                video.close()

    def _picture(self, number: int) -> NDArray[np.uint8]:
        self.stand_in, self._at = "", number
        if not self._video.has(number) and number not in (self._fetched[0], self._failed[0]):
            thread = threading.Thread(target=self._fetch, args=(number,), name="napari-atlas frame", daemon=True)
            thread.start()
            thread.join(PATIENCE_S)
        at, picture = self._fetched
        if at == number:
            self._shown = picture
        elif self._video.has(number):
            self._shown = self._video.frame(number)
        elif self._failed[0] == number:
            self._shown = np.zeros_like(self._shown)
        else:
            self._stand_in_for(number)
        return self._shown

    def _stand_in_for(self, number: int) -> None:
        self.stand_in = "loading"
        if self._proxy is not None:
            try:
                self._shown, self.stand_in = self._proxy.frame(number), "proxy"
            except InputError:  # it was removed or is being made anew
                self._proxy = None

    def _fetch(self, number: int) -> None:
        try:
            picture = self._video.latest(number)
        except InputError as error:
            self._failed = (number, str(error))
        else:
            if picture is None:
                return
            self._fetched = (number, picture)
        self.arrived()


def _nothing() -> None:
    return
