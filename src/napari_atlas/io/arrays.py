"""numpy files: windows that were cut elsewhere (.npz, .npy) and bare keypoints (.npy)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.cutting import recover_tracks
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import CutWindows
from napari_atlas.errors import InputError
from napari_atlas.io._sniff import array_header, zip_names
from napari_atlas.io.track_file import Reader, TrackFile, finite_or_nan

__all__ = ["POSE_ARRAY", "WINDOWS_ARCHIVE", "WINDOWS_ARRAY"]

_SHORTEST = 3


def _prefix(path: Path) -> str:
    """Return the species prefix of a windows archive, such as ``"jelly"``; empty if it is none."""
    names = zip_names(path)
    found = [n.removesuffix("_z.npy") for n in names if n.endswith("_z.npy") and not n.endswith("_temps_z.npy")]
    return found[0] if len(found) == 1 and f"{found[0]}_temps.npy" in names else ""


def _is_archive(path: Path) -> bool:
    return bool(_prefix(path))


def _archive_labels(path: Path) -> NDArray[np.str_]:
    """Return the (n_windows,) label of each window, or none."""
    key = f"{_prefix(path)}_labels"
    with np.load(path, allow_pickle=False) as archive:
        return np.asarray(archive[key] if key in archive else np.empty(0), dtype=np.str_)


def _archive_parts(path: Path) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(label) for label in _archive_labels(path)))


def _load_archive(path: Path, part: str) -> TrackFile:
    prefix = _prefix(path)
    with np.load(path, allow_pickle=False) as archive:
        windows = np.asarray(archive[f"{prefix}_z"], dtype=np.float64)
        temperatures = np.asarray(archive[f"{prefix}_temps"], dtype=np.float64)
    labels = _archive_labels(path)
    if labels.size not in (0, len(windows)):
        raise InputError.of(path, f"{labels.size} labels for {len(windows)} windows", "give one label for each window")
    rows = np.flatnonzero(labels == part) if part else np.arange(len(windows))
    cut = recover_tracks(finite_or_nan(windows[rows]), temperatures[rows])
    cut = replace(cut, rows=tuple(rows[r].astype(np.int64) for r in cut.rows))
    found = {"label": part} if part else {}
    return TrackFile(cut, labels=found, notes=(_windows_note(cut), "Its values were scaled before they were saved."))


def _windows_note(cut: CutWindows) -> str:
    n_windows = sum(s.size for s in cut.starts)
    return f"{n_windows} windows of {cut.length} samples were laid out again as {len(cut.individuals)} tracks."


def _is_windows(path: Path) -> bool:
    shape, kind = array_header(path)
    return kind in "fiu" and len(shape) in (2, 3) and shape[0] > 0 and shape[1] >= _SHORTEST


def _load_windows(path: Path, part: str) -> TrackFile:
    cut = recover_tracks(finite_or_nan(np.load(path, allow_pickle=False)))
    return TrackFile(cut, notes=(_windows_note(cut),))


def _is_pose(path: Path) -> bool:
    shape, kind = array_header(path)
    return kind == "f" and len(shape) == 4 and shape[3] in (2, 3) and 0 not in shape


def _load_pose(path: Path, part: str) -> TrackFile:
    positions = finite_or_nan(np.load(path, allow_pickle=False))
    pose = Pose(
        positions=positions,
        keypoints=tuple(f"kp-{i}" for i in range(positions.shape[2])),
        individuals=tuple(f"track-{i}" for i in range(positions.shape[1])),
    )
    return TrackFile(pose, notes=("The file names neither keypoints nor individuals.",))


WINDOWS_ARCHIVE = Reader("windows-npz", "windows", _is_archive, _load_archive, _archive_parts)
WINDOWS_ARRAY = Reader("windows-npy", "windows", _is_windows, _load_windows)
POSE_ARRAY = Reader("pose-npy", "pose", _is_pose, _load_pose)
