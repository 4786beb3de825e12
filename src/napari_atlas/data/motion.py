"""How an animal moves, as variables: where it heads, how fast it and its parts are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data._signal_pose import _body_axis  # shared: both ends of the body
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import Recording
from napari_atlas.data.species import Species
from napari_atlas.data.variables import Measured
from napari_atlas.data.windows import WindowTable

__all__ = ["MOTIONS", "measure_motion"]

MOTIONS = ("heading", "speed", "speed-parts")
"""Variables that are computed from keypoints."""


def measure_motion(
    name: str, table: WindowTable, recordings: Mapping[str, Recording], species: Mapping[str, Species]
) -> Measured:
    """Return a variable of ``MOTIONS``, one row per window.

    ``heading`` is the angle of the body axis, from back to front, in the window's middle frame; ``speed`` the mean
    distance that the middle of the keypoints goes from one sample to the next. NaN where the keypoints are missing,
    and for recordings without any.

    Parameters
    ----------
    name
        Which one.
    table
        Of the windows.
    recordings
        Those with keypoints, by name.
    species
        Settings, by name.
    """
    kind = "angle" if name == "heading" else "number"
    values = np.full((len(table), 1), np.nan)
    for i, key in enumerate(table.keys):
        recording = recordings.get(key.recording)
        rows = np.flatnonzero(table.track == i)
        if recording is None or not rows.size or not isinstance(recording.tracks, Pose):
            continue
        animal = recording.individuals.index(key.individual)
        spans = _samples(recording, table, rows)
        if name == "heading":
            values[rows, 0] = _heading(recording.tracks, animal, species[key.species], spans)
        else:
            values[rows, 0] = _speed(recording.tracks, animal, spans)
    return Measured(name, kind, values)


def _samples(recording: Recording, table: WindowTable, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (n_rows, 2) first sample of each window and the one after its last."""
    frames = np.stack([table.first_frame[rows], table.stop_frame[rows]], axis=1)
    known = recording.timebase.frame_of_sample(np.arange(recording.timebase.n_samples + 1))
    return np.searchsorted(known, frames)


def _heading(pose: Pose, animal: int, species: Species, spans: NDArray[np.int64]) -> NDArray[np.float64]:
    axis = _body_axis(pose, species)
    middle = np.clip(spans.mean(axis=1).astype(np.int64), 0, pose.n_samples - 1)
    ahead = pose.positions[middle, animal, axis.front, :2] - pose.positions[middle, animal, axis.back, :2]
    return np.arctan2(ahead[:, 1], ahead[:, 0]).astype(np.float64)


def _speed(pose: Pose, animal: int, spans: NDArray[np.int64]) -> NDArray[np.float64]:
    points = np.asarray(pose.positions[:, animal], dtype=np.float64)
    known = np.isfinite(points).all(axis=2)
    centre = np.where(known[..., None], points, 0.0).sum(axis=1) / np.where(known.sum(1) > 0, known.sum(1), np.nan)[:, None]
    steps = np.linalg.norm(np.diff(centre, axis=0), axis=1)
    found = np.isfinite(steps)
    sums = np.concatenate([[0.0], np.cumsum(np.where(found, steps, 0.0))])
    counts = np.concatenate([[0], np.cumsum(found)])
    begin, end = spans[:, 0].clip(0, steps.size), (spans[:, 1] - 1).clip(0, steps.size)
    n = counts[end] - counts[begin]
    return np.where(n > 0, (sums[end] - sums[begin]) / np.maximum(n, 1), np.nan)
