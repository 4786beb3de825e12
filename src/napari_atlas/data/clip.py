"""A short stretch of video of one animal, small enough to be held and played."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import Recording

__all__ = ["Clip", "Crop", "crop_round", "frames_between"]

_MARGIN = 0.2  # of the animal's extent, on each side
_LEAST = 0.1  # of the video's longer side, so that a still animal is not a blur
_OUTLIERS = 1.0  # percent of the positions at each end, which may be slips of the tracking


@dataclass(frozen=True, eq=False)
class Clip:
    """Pictures round one animal, with what was tracked.

    Attributes
    ----------
    recording, individual
        Whose clip it is.
    frames
        (n_frames,) video frames of the pictures, rising; of a long stretch not every one.
    pictures
        (n_frames, height, width, 3) colours; dark where there is no video.
    nodes
        Per picture (n_nodes, 2) keypoints as x and y in pixels of the picture.
    lines
        Per picture (n_lines, 2, 2) ends of the skeleton or the outline as x and y in pixels of the picture.
    color
        Of the species, as "#rrggbb".
    seconds
        (n_frames,) time of the pictures in seconds since LED-on; NaN where the clock is unknown.
    note
        What to know about the pictures, such as "no video"; empty if nothing.
    """

    recording: str
    individual: str
    frames: NDArray[np.int64]
    pictures: NDArray[np.uint8]
    nodes: tuple[NDArray[np.float32], ...]
    lines: tuple[NDArray[np.float32], ...]
    color: str
    seconds: NDArray[np.float64]
    note: str = ""

    def at(self, phase: float) -> int:
        """Return which picture is shown at a phase from 0 to 1 of the clip."""
        return min(int(phase * len(self.frames)), len(self.frames) - 1)


@dataclass(frozen=True)
class Crop:
    """The part of a video that a clip shows; it may reach beyond the video.

    Attributes
    ----------
    left, top
        Its upper left corner in pixels, 0 at the outer edge of the video.
    width, height
        Its extent in pixels of the video.
    size
        Width and height of the clip's pictures.
    """

    left: float
    top: float
    width: float
    height: float
    size: tuple[int, int]

    def place(self, points: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return where (..., 2) points, x and y in pixels of the video, lie in the clip's pictures.

        In both a whole number is the middle of a pixel.
        """
        scale = np.array([self.size[0] / self.width, self.size[1] / self.height])
        return np.asarray((points + 0.5 - (self.left, self.top)) * scale - 0.5, dtype=np.float32)


def frames_between(first: int, stop: int, most: int) -> NDArray[np.int64]:
    """Return at most *most* rising video frames from *first* to the one before *stop*, evenly spread.

    Of all frames none is left out; a single one is that in the middle.
    """
    count = min(max(1, stop - first), most)
    if count == 1:
        return np.array([(first + stop) // 2], dtype=np.int64)
    return np.linspace(first, stop - 1, count).round().astype(np.int64)


def crop_round(
    recording: Recording, individual: int, span: tuple[int, int], size: tuple[int, int], video: tuple[int, int]
) -> Crop:
    """Return a crop that holds an animal and its path.

    Parameters
    ----------
    recording, individual
        Whose path.
    span
        First video frame and the one after the last.
    size
        Width and height of the pictures.
    video
        Width and height of the video; (0, 0) where there is none.

    Returns
    -------
    Crop
        As wide for its height as *size*. It lies inside the video if it fits; without any tracked position it holds
        the whole video.
    """
    points, whole = _path(recording, individual, *span), np.array(video, dtype=np.float64)
    low, high = np.zeros(2), whole
    if len(points):
        low, high = np.percentile(points, [_OUTLIERS, 100 - _OUTLIERS], axis=0) + 0.5
        spare = np.maximum((high - low) * _MARGIN, (max(video) * _LEAST - (high - low)) / 2)
        low, high = low - spare, high + spare
        if video != (0, 0):
            low, high = np.clip(low, 0, whole), np.clip(high, 0, whole)
    (wide, tall), middle, aspect = high - low, (low + high) / 2, size[0] / size[1]
    height = max(float(tall), float(wide) / aspect) or 1.0
    width = height * aspect
    left, top = float(middle[0]) - width / 2, float(middle[1]) - height / 2
    if video != (0, 0):
        left, top = _inside(left, width, video[0]), _inside(top, height, video[1])
    return Crop(left, top, width, height, size)


def _inside(at: float, part: float, whole: float) -> float:
    """Return where a stretch that begins at *at* has to begin to lie inside; in the middle if it is too long."""
    return (whole - part) / 2 if part > whole else min(max(at, 0.0), whole - part)


def _path(recording: Recording, individual: int, first: int, stop: int) -> NDArray[np.float64]:
    """Return all tracked (n_points, 2) positions of an animal in some video frames, x and y in pixels."""
    begin, end = np.maximum(recording.timebase.sample_of_frame([first, stop]), 0)
    tracks = recording.tracks
    if isinstance(tracks, Pose):
        points = tracks.positions[begin:end, individual, :, :2].reshape(-1, 2)
    elif isinstance(tracks, Outline):
        starts = tracks.starts[individual]
        begin, end = min(begin, starts.size - 1), min(end, starts.size - 1)
        points = tracks.vertices[individual][starts[begin] : starts[end]]
    else:
        points = np.empty((0, 2))
    return np.asarray(points[np.isfinite(points).all(axis=1)], dtype=np.float64)
