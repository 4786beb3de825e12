"""Clips of a project's recordings."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.clip import Clip, Crop, crop_round, frames_between
from napari_atlas.data.drawing import drawing_of
from napari_atlas.data.recording import Recording
from napari_atlas.data.windows import TrackKey, WindowTable
from napari_atlas.errors import InputError
from napari_atlas.io.loading import load_recording
from napari_atlas.io.project import FILE, read_project
from napari_atlas.io.proxy import open_proxy
from napari_atlas.io.video import VideoArray

__all__ = ["ClipLibrary"]

CLIP_BYTES = 256 * 2**20
RECORDINGS = 8
_FRAME_BYTES = 64 * 2**20  # decoded frames of the one video that is being read
_UNREADABLE, _CHANGED = "the video cannot be read", "the video has changed"
_NO_SPECIES = "#9AA5B1"

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ClipLibrary:
    """Read clips of a project, from any thread; recordings and clips that were used last are kept.

    Videos are closed again after each clip, so that nothing holds on to a file.

    Parameters
    ----------
    project
        The project folder.
    """

    def __init__(self, project: Path) -> None:
        self.project = project
        self._clips: _LastUsed[Hashable, Clip] = _LastUsed(CLIP_BYTES, lambda clip: int(clip.pictures.nbytes))
        self._sources: _LastUsed[Hashable, _Source] = _LastUsed(RECORDINGS, lambda source: 1)

    def clip(self, table: WindowTable, window: int, size: tuple[int, int] = (240, 180), most: int = 60) -> Clip:
        """Return the clip of a window.

        It shows the animal and its path in the window, from a place that does not move. Where there is no video, or
        it ends before the window does, the pictures are dark and the clip's note says why.

        Parameters
        ----------
        table, window
            The window and its table.
        size
            Width and height of the pictures.
        most
            Pictures at most; of a longer window evenly spread ones. A single one is that in the middle.

        Raises
        ------
        InputError
            If the project does not hold the recording any more, or its tracks cannot be read.
        """
        key = table.keys[table.track[window]]
        span = int(table.first_frame[window]), int(table.stop_frame[window])
        wanted = (self._stamp(), key, span, size, most)
        clip = self._clips.get(wanted)
        if clip is None:
            source = self._sources.get_or((*wanted[:1], key.recording), lambda: _Source(self.project, key.recording))
            clip = source.clip(key, span, size, most)
            if clip.note not in (_UNREADABLE, _CHANGED):  # it may be mended soon
                self._clips.put(wanted, clip)
        return clip

    def close(self) -> None:
        """Forget what is kept; a clip that is being read meanwhile is read to its end."""
        self._clips.clear()
        self._sources.clear()

    def _stamp(self) -> int:
        """Return what changes when the project does."""
        with contextlib.suppress(OSError):
            return (self.project / FILE).stat().st_mtime_ns
        return 0


class _Source:
    """A recording and its video; one thread at a time reads from it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._lock = threading.Lock()
        self._recording: Recording | None = None
        self._color = _NO_SPECIES
        self._videos: tuple[VideoArray, ...] = ()

    def clip(self, key: TrackKey, span: tuple[int, int], size: tuple[int, int], most: int) -> Clip:
        with self._lock:
            recording = self._load()
            if key.individual not in recording.individuals:
                told = f"it has no animal {key.individual} any more"
                raise InputError.of(f"recording {key.recording}", told, "open the project again")
            individual, frames = recording.individuals.index(key.individual), frames_between(*span, most)
            note = self._open(recording)
            video = self._videos[0] if self._videos else None
            crop = crop_round(recording, individual, span, size, (video.shape[2], video.shape[1]) if video else (0, 0))
            pictures = np.zeros((frames.size, size[1], size[0], 3), dtype=np.uint8)
            if video is not None:
                note = self._fill(pictures, frames, crop)
        nodes, lines = _drawn(recording, individual, frames, crop)
        seconds = recording.timebase.seconds_of_frame(frames)
        return Clip(key.recording, key.individual, frames, pictures, nodes, lines, self._color, seconds, note)

    def _load(self) -> Recording:
        if self._recording is None:
            project = read_project(self._folder)
            entry = project.recording_called(self._name)
            self._recording = load_recording(project, entry)
            self._color = project.species_called(entry.species).color
        return self._recording

    def _open(self, recording: Recording) -> str:
        """Open the video where that was not done, and say why there is none."""
        if not recording.has_video:
            return "no video"
        if self._videos and not recording.video.exists():
            self._videos = ()
        if not self._videos:
            try:
                self._videos = (VideoArray(recording.video, cache_bytes=_FRAME_BYTES),)
            except InputError:
                return _UNREADABLE
        if len(self._videos) == 1:
            proxy = open_proxy(self._folder, self._videos[0])
            self._videos = self._videos if proxy is None else (*self._videos, proxy)
        return ""

    def _fill(self, pictures: NDArray[np.uint8], frames: NDArray[np.int64], crop: Crop) -> str:
        """Read the pictures, those of the proxy where there is one, and say what is odd about them."""
        n_frames = self._videos[0].n_video_frames
        while self._videos:
            try:
                with contextlib.closing(self._videos[-1]) as video:
                    for picture, frame in zip(pictures, frames.tolist(), strict=True):
                        if 0 <= frame < n_frames:
                            _cut(video.frame(frame), crop, picture)
            except InputError:
                self._videos = self._videos[:-1]
                continue
            beyond = int((frames >= n_frames).sum())
            return "" if not beyond else "after the video's end" if beyond == frames.size else "the video ends before"
        pictures[:] = 0
        return _CHANGED


class _LastUsed(Generic[Key, Value]):
    """Values that were used last, up to a total weight; any thread may ask."""

    def __init__(self, limit: int, weigh: Callable[[Value], int]) -> None:
        self._limit, self._weigh = limit, weigh
        self._held: OrderedDict[Key, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def put(self, key: Key, value: Value) -> None:
        with self._lock:
            self._held[key] = value
            self._held.move_to_end(key)
            while sum(map(self._weigh, self._held.values())) > self._limit:
                self._held.popitem(last=False)

    def get_or(self, key: Key, make: Callable[[], Value]) -> Value:
        """Return a value, made if there is none; two threads may make one each, and the later is kept."""
        value = self.get(key)
        if value is None:
            value = make()
            self.put(key, value)
        return value

    def clear(self) -> None:
        with self._lock:
            self._held.clear()


def _cut(frame: NDArray[np.uint8], crop: Crop, picture: NDArray[np.uint8]) -> None:
    """Scale what a crop shows of a (height, width, 3) frame into a picture; what lies beyond the frame stays dark."""
    from PIL import Image

    low, extent = np.array([crop.left, crop.top]), np.array([crop.width, crop.height])
    size, whole = np.array(crop.size), np.array(frame.shape[1::-1])
    begin, end = np.maximum(low, 0), np.minimum(low + extent, whole)
    to, until = (np.rint((at - low) / extent * size).astype(int) for at in (begin, end))
    if (end > begin).all() and (until > to).all():
        scaled = Image.fromarray(frame).resize(tuple(until - to), Image.Resampling.BILINEAR, box=(*begin, *end))
        picture[to[1] : until[1], to[0] : until[0]] = np.asarray(scaled)


def _drawn(
    recording: Recording, individual: int, frames: NDArray[np.int64], crop: Crop
) -> tuple[tuple[NDArray[np.float32], ...], tuple[NDArray[np.float32], ...]]:
    """Return per frame the nodes and the lines of an animal in the clip's pictures."""
    nodes, lines = [], []
    for frame in frames.tolist():
        points, strokes = drawing_of(recording, individual, frame)
        nodes.append(crop.place(points[:, ::-1]))
        lines.append(crop.place(np.cumsum(strokes, axis=1)[..., ::-1]))
    return tuple(nodes), tuple(lines)
