"""Marker positions that Qualisys Track Manager exports as a MATLAB struct."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from napari_atlas.data.pose import Pose
from napari_atlas.errors import InputError
from napari_atlas.io._sniff import mat_start
from napari_atlas.io.track_file import Reader, TrackFile, finite_or_nan, names_for

__all__ = ["QUALISYS"]


def _is_qualisys(path: Path) -> bool:
    start = mat_start(path)
    return all(name in start for name in (b"StartFrame", b"FrameRate", b"Trajectories"))


def _load(path: Path, part: str) -> TrackFile:
    from scipy.io import loadmat

    content: dict[str, Any] = loadmat(path, simplify_cells=True)
    measured = next(value for value in content.values() if isinstance(value, dict) and "Trajectories" in value)
    labelled = measured["Trajectories"].get("Labeled", {})
    data = np.asarray(labelled.get("Data", np.empty(0)), dtype=np.float64)
    data = data[None] if data.ndim == 2 else data
    if data.ndim != 3 or data.shape[1] < 3 or not data.size:
        raise InputError.of(path, "no marker in it is labelled", "label the markers in Qualisys and export again")
    labels = np.atleast_1d(labelled.get("Labels", ()))
    fps = float(measured.get("FrameRate", math.nan))
    pose = Pose(
        positions=finite_or_nan(np.ascontiguousarray(data[:, :3].transpose(2, 0, 1)[:, None])),
        keypoints=names_for(map(str, labels), len(data), "marker"),
        individuals=("animal-0",),
        first_frame=max(int(measured.get("StartFrame", 1)) - 1, 0),
    )
    notes = ("Positions are in mm; unlabelled markers are left out.",)
    return TrackFile(pose, fps if fps > 0 else math.nan, notes=notes)


QUALISYS = Reader("qualisys", "pose", _is_qualisys, _load)
