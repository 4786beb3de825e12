"""JABS poses, versions 2 (one mouse) and 3 and above (several)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.pose import Pose
from napari_atlas.errors import InputError
from napari_atlas.io._sniff import is_hdf5
from napari_atlas.io.track_file import Reader, TrackFile

__all__ = ["JABS"]

_KEYPOINTS = (
    "nose", "left-ear", "right-ear", "base-neck", "left-front-paw", "right-front-paw", "center-spine", "left-rear-paw",
    "right-rear-paw", "base-tail", "mid-tail", "tip-tail",
)  # fmt: skip
_EDGES = ((3, 0), (3, 6), (6, 9), (9, 10), (10, 11), (3, 4), (3, 5), (9, 7), (9, 8))


def _is_jabs(path: Path) -> bool:
    if not is_hdf5(path):
        return False
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return "poseest/points" in file and "poseest/confidence" in file
    except (OSError, RuntimeError):
        return False


def _load(path: Path, part: str) -> TrackFile:
    import h5py

    with h5py.File(path, "r") as file:
        group = file["poseest"]
        points, confidence = group["points"][()], np.asarray(group["confidence"][()], dtype=np.float64)
        fps = float(file.attrs.get("fps", group.attrs.get("fps", math.nan)))
        tracks, named = _tracks(group, points.shape)
    if points.ndim not in (3, 4) or points.shape[-1] != 2 or confidence.shape != points.shape[:-1]:
        raise InputError.of(path, f"its points have shape {points.shape}", "give the file that JABS wrote")
    positions = points[..., ::-1].astype(np.float64).reshape(*tracks.shape, -1, 2)
    confidence = confidence.reshape(positions.shape[:3]).copy()
    positions[confidence <= 0] = np.nan
    positions, confidence, n_tracks = _in_slots(positions, confidence, tracks)
    notes = []
    if not named:
        notes.append(f"{n_tracks} short tracks were laid into {positions.shape[1]}; identities may swap between them.")
    if np.nanmax(confidence, initial=0.0) > 1:
        notes.append("Confidence above 1 was taken as 1.")
    n_animals, n_keypoints = positions.shape[1:3]
    known = n_keypoints == len(_KEYPOINTS)
    pose = Pose(
        positions=positions,
        keypoints=_KEYPOINTS if known else tuple(f"kp-{i}" for i in range(n_keypoints)),
        individuals=tuple(f"mouse-{i}" for i in range(n_animals)),
        edges=_EDGES if known else (),
        confidence=np.minimum(confidence, 1.0),
    )
    return TrackFile(pose, fps if fps > 0 else math.nan, notes=tuple(notes))


def _tracks(group: Any, shape: tuple[int, ...]) -> tuple[NDArray[np.int64], bool]:
    """Return the (n_samples, n_instances) track of each instance, −1 for none, and whether tracks are identities."""
    if len(shape) != 4:
        return np.zeros((shape[0], 1), dtype=np.int64), True
    if "instance_embed_id" in group:
        ids = group["instance_embed_id"][()].astype(np.int64)
        bad = group["id_mask"][()] if "id_mask" in group else np.zeros(ids.shape)
        return np.where((ids > 0) & (bad == 0), ids, -1), True
    tracks = group["instance_track_id"][()].astype(np.int64)
    there = np.arange(shape[1]) < group["instance_count"][()][:, None]
    return np.where(there, tracks, -1), False


def _in_slots(positions: NDArray[Any], confidence: NDArray[Any], tracks: NDArray[np.int64]) -> tuple[Any, Any, int]:
    """Return positions and confidence with each track in one slot from its first to its last frame, and their number.

    *tracks* is (n_samples, n_instances), −1 where there is no instance. A slot holds one track after the other.
    """
    frames, places = np.nonzero(tracks >= 0)
    _, codes = np.unique(tracks[frames, places], return_inverse=True)
    n_tracks = int(codes.max(initial=-1)) + 1
    first, last = np.full(n_tracks, len(tracks)), np.full(n_tracks, -1)
    np.minimum.at(first, codes, frames)
    np.maximum.at(last, codes, frames)
    slots = np.zeros(n_tracks, dtype=np.int64)
    free_from: list[int] = []  # frame from which each slot may hold another track
    for track in np.argsort(first, kind="stable"):
        slot = next((i for i, free in enumerate(free_from) if free <= first[track]), len(free_from))
        free_from[slot : slot + 1] = [last[track] + 1]
        slots[track] = slot
    shape = (len(tracks), max(len(free_from), 1), *positions.shape[2:])
    laid, scores = np.full(shape, np.nan), np.full(shape[:3], np.nan)
    laid[frames, slots[codes]] = positions[frames, places]
    scores[frames, slots[codes]] = confidence[frames, places]
    return laid, scores, n_tracks


JABS = Reader("jabs", "pose", _is_jabs, _load)
