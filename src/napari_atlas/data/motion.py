"""How an animal moves, as variables: where it heads, how fast it and its parts are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data._signal_pose import front_and_back
from napari_atlas.data.cleaning import clean
from napari_atlas.data.kinematics import KinematicTree
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import Recording
from napari_atlas.data.species import Species
from napari_atlas.data.variables import Measured
from napari_atlas.data.windows import WindowTable

__all__ = ["MOTIONS", "measure_motion", "part_speeds", "parts_of"]

Floats = NDArray[np.float64]

MOTIONS = ("heading", "speed", "speed-parts")
"""Variables that are computed from keypoints."""


def measure_motion(
    name: str, table: WindowTable, recordings: Mapping[str, Recording], species: Mapping[str, Species]
) -> Measured:
    """Return a variable of ``MOTIONS``, one row per window.

    ``heading`` is the angle in radians of the body axis, from back to front, in the window's middle frame; in three
    dimensions about the third axis. ``speed`` is the mean distance that the middle of the keypoints goes from one
    sample to the next, in the file's own unit. ``speed-parts`` is that of the tree's root, and then, for each of its
    chains, how far its joints move against the root; a species with fewer chains than another has the mean of its own
    in place of those that it lacks. Keypoints are cleaned first as the species says. NaN where they are missing, and
    for recordings without any.

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
    found = [np.empty((0, 1))] * len(table.keys)
    rows = [np.flatnonzero(table.track == i) for i in range(len(table.keys))]
    for i, key in enumerate(table.keys):
        recording = recordings.get(key.recording)
        if recording is None or not rows[i].size or not isinstance(recording.tracks, Pose):
            continue
        settings = species[key.species]
        pose = clean(recording.tracks, settings)
        animal, spans = recording.individuals.index(key.individual), _samples(recording, table, rows[i])
        if name == "heading":
            found[i] = _heading(pose, animal, settings, spans)
        else:
            found[i] = _over_windows(_SPEEDS[name](pose, animal, settings), spans)
    width = max((one.shape[1] for one in found), default=1)
    values = np.full((len(table), width), np.nan)
    for mine, one in zip(rows, found, strict=True):
        if one.size:
            values[mine] = _widened(one, width)
    return Measured(name, "angle" if name == "heading" else "number", values)


def part_speeds(points: NDArray[np.floating], root: int, parts: Sequence[Sequence[int]]) -> Floats:
    """Return (n_samples − 1, 1 + n_parts) speeds per sample: of the root, then of each part against the root.

    That of a part is the mean over its keypoints. NaN where the root is missing now or one sample earlier, or all of
    a part is.

    Parameters
    ----------
    points
        (n_samples, n_keypoints, n_dims).
    root
        Keypoint.
    parts
        Keypoints of each part.
    """
    home = np.asarray(points[:, root], dtype=np.float64)
    moved = np.linalg.norm(np.diff(points - home[:, None], axis=0), axis=2)
    return np.column_stack([np.linalg.norm(np.diff(home, axis=0), axis=1), *(_mean(moved[:, list(p)]) for p in parts)])


def parts_of(pose: Pose, species: Species) -> tuple[int, tuple[tuple[int, ...], ...]]:
    """Return root and parts of an animal as indices of keypoints, each part a chain of its tree without its begin.

    Without a tree and a skeleton, the first keypoint, or the species' ``center``, is the root, and all others are one
    part.

    Raises
    ------
    InputError
        If a joint of the tree is no keypoint.
    """
    if not species.tree and not pose.edges:
        (root,) = pose.keypoint_indices((species.center,)) if species.center else (0,)
        others = tuple(i for i in range(len(pose.keypoints)) if i != root)
        return root, (others,) if others else ()
    if species.tree:
        tree = KinematicTree.from_chains(species.tree)
    else:
        tree = KinematicTree.from_edges(pose.keypoints, pose.edges, species.center)
    where = tree.indices_in(pose.keypoints)
    return where[tree.root], tuple(tuple(where[joint] for joint in chain[1:]) for chain in tree.chains)


def _samples(recording: Recording, table: WindowTable, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (n_rows, 2) first sample of each window and the one after its last."""
    frames = np.stack([table.first_frame[rows], table.stop_frame[rows]], axis=1)
    known = recording.timebase.frame_of_sample(np.arange(recording.timebase.n_samples + 1))
    return np.searchsorted(known, frames)


def _heading(pose: Pose, animal: int, species: Species, spans: NDArray[np.int64]) -> Floats:
    front, back = _ends(pose, species)
    middle = np.clip(spans.mean(axis=1).astype(np.int64), 0, pose.n_samples - 1)
    ahead = pose.positions[middle, animal, front, :2] - pose.positions[middle, animal, back, :2]
    return np.arctan2(ahead[:, 1], ahead[:, 0]).astype(np.float64)[:, None]


def _ends(pose: Pose, species: Species) -> tuple[int, int]:
    """Return front and back of the body axis, by default the first two joints of the tree."""
    root, parts = parts_of(pose, species)
    if parts and (species.tree or pose.edges):
        return front_and_back(pose, species, (parts[0][0], root))
    return front_and_back(pose, species)


def _centre_speed(pose: Pose, animal: int, _: Species) -> Floats:
    centre = np.stack([_mean(pose.positions[:, animal, :, d]) for d in range(pose.positions.shape[3])], axis=1)
    return np.asarray(np.linalg.norm(np.diff(centre, axis=0), axis=1)[:, None])


def _part_speeds(pose: Pose, animal: int, species: Species) -> Floats:
    return part_speeds(pose.positions[:, animal], *parts_of(pose, species))


_SPEEDS: dict[str, Callable[[Pose, int, Species], Floats]] = {"speed": _centre_speed, "speed-parts": _part_speeds}


def _over_windows(steps: Floats, spans: NDArray[np.int64]) -> Floats:
    """Return (n_windows, n_columns) means over the known steps within each span of samples."""
    known = np.isfinite(steps)
    none = np.zeros((1, steps.shape[1]))
    sums = np.concatenate([none, np.cumsum(np.where(known, steps, 0.0), axis=0)])
    counts = np.concatenate([none, np.cumsum(known, axis=0)])
    begin, end = spans[:, 0].clip(0, len(steps)), (spans[:, 1] - 1).clip(0, len(steps))
    n = counts[end] - counts[begin]
    return np.asarray(np.where(n > 0, (sums[end] - sums[begin]) / np.maximum(n, 1), np.nan))


def _widened(values: Floats, width: int) -> Floats:
    """Return (n_windows, width) values, the mean of all columns but the first in place of those that lack."""
    others = values[:, 1:] if values.shape[1] > 1 else values
    lacking = np.repeat(others.mean(axis=1, keepdims=True), width - values.shape[1], axis=1)
    return np.concatenate([values, lacking], axis=1)


def _mean(values: NDArray[np.floating]) -> Floats:
    """Return the (n_samples,) mean of the known values of each row, NaN where there is none."""
    known = np.isfinite(values)
    n = np.asarray(known.sum(axis=1))
    return np.asarray(np.where(known, values, 0.0).sum(axis=1, dtype=np.float64) / np.where(n > 0, n, np.nan))
