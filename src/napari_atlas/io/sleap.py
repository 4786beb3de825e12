"""SLEAP: analysis files (.h5) and label files (.slp)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.pose import Pose
from napari_atlas.errors import InputError
from napari_atlas.io._sleap_labels import PREDICTED, load_labels, video_note
from napari_atlas.io._sniff import hdf5_names
from napari_atlas.io.track_file import FEW_LABELS, Reader, TrackFile, finite_or_nan, names_for

__all__ = ["SLEAP_ANALYSIS", "SLEAP_LABELS", "are_hand_labels"]

_ANALYSIS = {"tracks", "track_occupancy", "node_names"}
_LABELS = {"frames", "instances", "points", "pred_points", "metadata"}
_MATLAB_ORDER = ("track", "xy", "node", "frame")


def _is_analysis(path: Path) -> bool:
    return hdf5_names(path) >= _ANALYSIS


def _is_labels(path: Path) -> bool:
    return hdf5_names(path) >= _LABELS and not are_hand_labels(path)


def are_hand_labels(path: Path) -> bool:
    """Whether a .slp holds nothing predicted and fewer than a fifth of the frames that it spans; never raises."""
    if not hdf5_names(path) >= _LABELS:
        return False
    import h5py

    try:
        with h5py.File(path, "r") as file:
            frames, kinds = file["frames"]["frame_idx"], file["instances"]["instance_type"]
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):
        return False
    if not frames.size or (kinds == PREDICTED).any():
        return False
    return bool(np.unique(frames).size < FEW_LABELS * (int(frames.max()) - int(frames.min()) + 1))


def _load_analysis(path: Path, part: str) -> TrackFile:
    import h5py

    with h5py.File(path, "r") as file:
        order = _stored_order(file)
        raw = np.asarray(file["tracks"], dtype=np.float64)
        if raw.ndim != 4:
            raise InputError.of(path, f"tracks has {raw.ndim} dimensions, not 4", "export the analysis file again")
        positions = finite_or_nan(_reorder(raw, order, ("frame", "track", "node", "xy")))
        n_frames, n_tracks, n_nodes = positions.shape[:3]
        occupied = np.asarray(file["track_occupancy"]) > 0
        occupied = occupied if occupied.shape == (n_frames, n_tracks) else occupied.T
        positions[~occupied] = np.nan
        confidence = np.empty(0)
        if "point_scores" in file:
            scores = np.asarray(file["point_scores"], dtype=np.float64)
            confidence = _reorder(scores, [d for d in order if d != "xy"], ("frame", "track", "node"))
        pose = Pose(
            positions=positions,
            keypoints=names_for(_texts(file["node_names"]), n_nodes, "kp"),
            individuals=names_for(_texts(file.get("track_names", ())), n_tracks, "track"),
            edges=_edges(np.asarray(file["edge_inds"]) if "edge_inds" in file else np.empty(0)),
            confidence=confidence,
        )
        return TrackFile(pose, notes=video_note(_texts([file["video_path"][()]]) if "video_path" in file else []))


def _stored_order(file: Any) -> tuple[str, ...]:
    stored = file["tracks"].attrs.get("dims")
    return tuple(json.loads(stored)) if stored else _MATLAB_ORDER


def _reorder(values: NDArray[np.float64], stored: Iterable[str], wanted: tuple[str, ...]) -> NDArray[np.float64]:
    names = list(stored)
    return np.ascontiguousarray(values.transpose([names.index(name) for name in wanted]))


def _texts(values: Iterable[Any]) -> list[str]:
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values]


def _edges(pairs: NDArray[Any]) -> tuple[tuple[int, int], ...]:
    return tuple((int(a), int(b)) for a, b in pairs.reshape(-1, 2)) if pairs.size else ()


SLEAP_ANALYSIS = Reader("sleap-analysis", "pose", _is_analysis, _load_analysis)
SLEAP_LABELS = Reader("sleap", "pose", _is_labels, load_labels)
