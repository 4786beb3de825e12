"""What to draw of an animal in a video frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import Recording

__all__ = ["drawing_of"]


def drawing_of(recording: Recording, individual: int, frame: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what to draw of one animal in a video frame: nodes and lines, in (row, column) pixels.

    Returns
    -------
    tuple
        (n_nodes, 2) positions and (n_lines, 2, 2) starts with directions; both empty where it was not tracked.
    """
    sample = int(recording.timebase.sample_of_frame(frame))
    if isinstance(recording.tracks, Outline):
        corners = recording.tracks.polygon(individual, sample)[:, ::-1]
        return np.empty((0, 2)), _lines(corners, np.roll(corners, -1, axis=0))
    if isinstance(recording.tracks, Pose):
        nodes = recording.tracks.points(individual, sample)[:, 1::-1]
        edges = np.array(recording.tracks.edges, dtype=np.int64).reshape(-1, 2)
        return nodes[np.isfinite(nodes).all(axis=1)], _lines(nodes[edges[:, 0]], nodes[edges[:, 1]])
    return np.empty((0, 2)), np.empty((0, 2, 2))


def _lines(starts: NDArray[np.float64], ends: NDArray[np.float64]) -> NDArray[np.float64]:
    lines = np.stack([starts, ends - starts], axis=1) if len(starts) else np.empty((0, 2, 2))
    return lines[np.isfinite(lines).all(axis=(1, 2))]
