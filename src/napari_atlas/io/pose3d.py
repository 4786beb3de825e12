"""Keypoints in three dimensions: anipose tables and DANNCE predictions."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from napari_atlas.data.mapping import ColumnMapping, KeypointColumns
from napari_atlas.data.pose import Pose
from napari_atlas.errors import InputError
from napari_atlas.io._sheets import Sheet
from napari_atlas.io._sniff import mat_variables
from napari_atlas.io.table import table_reader
from napari_atlas.io.track_file import Reader, TrackFile, finite_or_nan

__all__ = ["ANIPOSE", "DANNCE"]

_X = re.compile(r"(.+)_x$")


def _anipose(sheet: Sheet) -> ColumnMapping | None:
    names = set(sheet.header)
    found = [match[1] for name in sheet.header if (match := _X.match(name))]
    bodyparts = [n for n in found if names >= {f"{n}_y", f"{n}_z", f"{n}_error", f"{n}_ncams", f"{n}_score"}]
    if not bodyparts:
        return None
    return ColumnMapping(
        keypoints=tuple(KeypointColumns(n, f"{n}_x", f"{n}_y", f"{n}_z", f"{n}_score") for n in bodyparts),
        columns=tuple(f"{n}_{what}" for n in bodyparts for what in ("error", "ncams")),
        frame="fnum" if "fnum" in names else "",
    )


def _is_dannce(path: Path) -> bool:
    return mat_variables(path) >= {"pred", "sampleID"}


def _load_dannce(path: Path, part: str) -> TrackFile:
    from scipy.io import loadmat

    content = loadmat(path, variable_names=["pred", "p_max"])
    positions = finite_or_nan(np.atleast_3d(content["pred"]))
    if positions.shape[1] != 3:
        raise InputError.of(path, f"pred has shape {positions.shape}", "save it as (n_frames, 3, n_keypoints)")
    n_samples, _, n_keypoints = positions.shape
    confidence = np.asarray(content.get("p_max", np.empty(0)), dtype=np.float64)
    fits = confidence.shape == (n_samples, n_keypoints)
    pose = Pose(
        positions=np.ascontiguousarray(positions.transpose(0, 2, 1)[:, None]),
        keypoints=tuple(f"node-{i}" for i in range(n_keypoints)),
        individuals=("animal-0",),
        confidence=confidence[:, None] if fits else np.empty(0),
    )
    return TrackFile(pose, notes=("The file names no keypoints and no frame rate; positions are in mm.",))


ANIPOSE = table_reader("anipose", _anipose)
DANNCE = Reader("dannce", "pose", _is_dannce, _load_dannce)
