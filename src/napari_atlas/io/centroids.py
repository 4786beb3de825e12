"""One point per animal: idtracker.ai and AnimalTA."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from napari_atlas.data.mapping import ColumnMapping, KeypointColumns
from napari_atlas.data.pose import Pose
from napari_atlas.io._sheets import Sheet
from napari_atlas.io._sniff import is_hdf5
from napari_atlas.io.table import table_reader
from napari_atlas.io.track_file import Reader, TrackFile, finite_or_nan, names_for

__all__ = ["ANIMALTA", "IDTRACKER"]

_ARENA = re.compile(r"X_(Arena.+)$")


def _animalta(sheet: Sheet) -> ColumnMapping | None:
    animals = [match[1] for name in sheet.header if (match := _ARENA.match(name)) and f"Y_{match[1]}" in sheet.header]
    if not animals or not {"Frame", "Time"} <= set(sheet.header):
        return None
    points = tuple(KeypointColumns("centroid", f"X_{name}", f"Y_{name}", individual=name) for name in animals)
    return ColumnMapping(points, frame="Frame", time="Time")


def _is_idtracker(path: Path) -> bool:
    if not is_hdf5(path):
        return False
    import h5py

    try:
        with h5py.File(path, "r") as file:
            found = file.get("trajectories")
            return isinstance(found, h5py.Dataset) and found.ndim == 3 and found.shape[2] == 2
    except (OSError, RuntimeError, KeyError):
        return False


def _load_idtracker(path: Path, part: str) -> TrackFile:
    import h5py

    with h5py.File(path, "r") as file:
        positions = finite_or_nan(file["trajectories"][()])
        fps = float(file.attrs.get("frames_per_second", math.nan))
        labels = [str(name) for name in file.attrs.get("identities_labels", ())]
        certain = np.asarray(file["id_probabilities"][()] if "id_probabilities" in file else np.empty(0))
    shape = positions.shape[:2]
    pose = Pose(
        positions=positions[:, :, None],
        keypoints=("centroid",),
        individuals=names_for(labels, shape[1], "fish"),
        confidence=finite_or_nan(certain.reshape(*shape, 1)) if certain.size == shape[0] * shape[1] else np.empty(0),
    )
    return TrackFile(pose, fps if fps > 0 else math.nan, notes=("Its confidence is that of each animal's identity.",))


ANIMALTA = table_reader("animalta", _animalta)
IDTRACKER = Reader("idtracker.ai", "pose", _is_idtracker, _load_idtracker)
