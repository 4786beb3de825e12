"""Bodies of a fit: how windows of species whose signal tells rotations become positions of joints."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_atlas.data.cleaning import clean
from napari_atlas.data.kinematics import segment_lengths
from napari_atlas.data.pose import Pose
from napari_atlas.data.pose_layout import signal_parts
from napari_atlas.data.project import Project
from napari_atlas.data.signals import POSE_6D, body_of, signal_kinds
from napari_atlas.data.species import Species
from napari_atlas.data.windows import TrackKey
from napari_atlas.io.loading import load_recording

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_atlas.model.kinematics import Joints
    from napari_atlas.model.runner import Prepared

__all__ = ["embody", "joint_errors"]


def embody(project: Project, prepared: Prepared) -> tuple[Prepared, tuple[str, ...]]:
    """Return a fit that knows where the joints of its species are, as far as their signals tell, and notes."""
    turned = {s.name for s in prepared.windows.species if POSE_6D in _names(s)}
    resident = {
        name: replace(data, joints=(_joints(project, prepared, name),)) if name in turned else data
        for name, data in prepared.resident.items()
    }
    notes = [f"{name}: its signal is not {POSE_6D}, so pose_weight does not count for it"
             for name in resident if prepared.config.pose_weight and name not in turned]  # fmt: skip
    return replace(prepared, resident=resident), tuple(notes)


def joint_errors(prepared: Prepared) -> dict[str, Any]:
    """Return for the run's card how far joints are from where they were on held-out windows; empty without any.

    By species, in the unit of its files: the mean distance of all joints, and of each.
    """
    from napari_atlas.model.encoding import joint_distances

    table = prepared.windows.table
    held_out = table.in_split("test") if table.in_split("test").any() else np.ones(len(table), np.bool_)
    found = {}
    for name, data in prepared.resident.items():
        rows = np.flatnonzero(held_out[data.ids])
        for joints in data.joints if rows.size else ():
            apart = joint_distances(prepared.model, name, data, rows)
            each = dict(zip(joints.body.tree.names, apart.tolist(), strict=True))
            root = joints.body.tree.names[joints.body.tree.root]
            told = {joint: value for joint, value in each.items() if joint != root}
            found[name] = {"mean": float(np.mean(list(told.values()))), "joints": told}
    return {"joint_error": found} if found else {}


def _joints(project: Project, prepared: Prepared, name: str) -> Joints:
    from napari_atlas.model.kinematics import joints_of

    table, data = prepared.windows.table, prepared.resident[name]
    species = next(s for s in prepared.windows.species if s.name == name)
    tracks = np.unique(table.track[data.ids])
    keys = [table.keys[track] for track in tracks]
    lengths: dict[TrackKey, NDArray[np.float64]] = {}
    for entry in project.recordings:
        wanted = [key for key in keys if key.recording == entry.name]
        if wanted:
            recording = load_recording(project, entry)
            assert isinstance(recording.tracks, Pose)
            pose = clean(recording.tracks, species)
            body = body_of(pose, species)  # the same in all, or their channels had other names
            begins = next(first for part, first, _ in signal_parts(recording, species) if part == POSE_6D)
            for key in wanted:
                points = pose.positions[:, recording.individuals.index(key.individual)][:, list(body.keypoints)]
                lengths[key] = segment_lengths(points, body.tree)
    return joints_of(
        body, begins, prepared.scaling[name].signal, lengths=_filled(np.stack([lengths[key] for key in keys])),
        track=np.searchsorted(tracks, table.track[data.ids]), device=data.signal.device,
    )  # fmt: skip


def _filled(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n_tracks, n_joints) lengths; a segment that is never seen in a track is as long as in the others."""
    known = np.isfinite(lengths)
    usual = np.where(known, lengths, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.where(known, lengths, usual)


def _names(species: Species) -> tuple[str, ...]:
    return () if species.signal == "array" else tuple(kind.name for kind in signal_kinds(species.signal))
