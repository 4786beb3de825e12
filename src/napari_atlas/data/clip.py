"""A short stretch of video of one animal, small enough to be held and played."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Clip"]


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
