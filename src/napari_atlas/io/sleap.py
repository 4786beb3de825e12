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
from napari_atlas.io._sniff import hdf5_names
from napari_atlas.io.track_file import FEW_LABELS, Reader, TrackFile, finite_or_nan, names_for

__all__ = ["SLEAP_ANALYSIS", "SLEAP_LABELS", "are_hand_labels"]

_ANALYSIS = {"tracks", "track_occupancy", "node_names"}
_LABELS = {"frames", "instances", "points", "pred_points", "metadata"}
_MATLAB_ORDER = ("track", "xy", "node", "frame")
_PREDICTED = 1


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
    if not frames.size or (kinds == _PREDICTED).any():
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
        return TrackFile(pose, notes=_video_note(_texts([file["video_path"][()]]) if "video_path" in file else []))


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


def _video_note(names: list[str]) -> tuple[str, ...]:
    return tuple(
        f"The file names the video {name.replace(chr(92), '/').rsplit('/', 1)[-1]}."
        for name in names
        if name and not name.endswith(".slp")
    )


def _load_labels(path: Path, part: str) -> TrackFile:
    import sleap_io

    labels = sleap_io.load_slp(str(path), open_videos=False)
    frames = [frame for frame in labels.labeled_frames if len(frame.instances)]
    if not frames:
        raise InputError.of(path, "it holds no instance", "run the prediction in SLEAP first, or choose another file")
    order = [video for video in labels.videos if any(frame.video is video for frame in frames)]
    mine = [frame for frame in frames if frame.video is order[0]]
    notes = list(_video_note([str(order[0].filename)] if isinstance(order[0].filename, str) else []))
    if len(labels.videos) > 1:
        notes.append(f"The file holds {len(labels.videos)} videos; the tracks of the first one were read.")
    used = {id(i.track) for frame in mine for i in frame.instances if i.track is not None}
    tracks = [track for track in labels.tracks if id(track) in used]
    rows = {id(track): i for i, track in enumerate(tracks)}
    chosen = [_chosen(frame, rows) for frame in mine]
    left_out = sum(i.track is None for frame in mine for i in frame.instances) if tracks else 0
    if left_out:
        notes.append(f"{left_out} instances without a track were left out.")
    n_tracks = len(tracks) or max(len(c) for c in chosen)
    if not tracks and n_tracks > 1:
        notes.append("The instances have no tracks; they were taken in the order of the file, so identities may swap.")
    skeleton = mine[0].instances[0].skeleton
    xyz = _fill([int(f.frame_idx) for f in mine], chosen, n_tracks, len(skeleton.nodes))
    pose = Pose(
        positions=finite_or_nan(xyz[..., :2]),
        keypoints=names_for(skeleton.node_names, len(skeleton.nodes), "kp"),
        individuals=names_for((track.name or "" for track in tracks), n_tracks, "track"),
        edges=tuple((int(a), int(b)) for a, b in skeleton.edge_inds),
        confidence=np.ascontiguousarray(xyz[..., 2]),
    )
    return TrackFile(pose, notes=tuple(notes))


def _chosen(frame: Any, rows: dict[int, int]) -> list[tuple[int, Any]]:
    """Return (row, instance) of one frame; what a user corrected goes before what was predicted."""
    predicted, user = list(frame.predicted_instances), list(frame.user_instances)
    if rows:
        best = {rows[id(i.track)]: i for i in predicted + user if i.track is not None}
        return sorted(best.items())
    return list(enumerate(user or predicted))


def _fill(frames: list[int], chosen: list[list[tuple[int, Any]]], n_tracks: int, n_nodes: int) -> NDArray[np.float64]:
    """Return (n_frames, n_tracks, n_nodes, 3) x, y and score, from frame 0 to the last one."""
    xyz = np.full((max(frames) + 1, n_tracks, n_nodes, 3), np.nan)
    for frame, instances in zip(frames, chosen, strict=True):
        for row, instance in instances:
            xyz[frame, row, :, :2] = instance.numpy()
            points = instance.points
            xyz[frame, row, :, 2] = points["score"] if "score" in points.dtype.names else 1.0
    return xyz


SLEAP_ANALYSIS = Reader("sleap-analysis", "pose", _is_analysis, _load_analysis)
SLEAP_LABELS = Reader("sleap", "pose", _is_labels, _load_labels)
