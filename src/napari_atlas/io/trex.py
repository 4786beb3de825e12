"""TRex tracks: one .npz or .csv per individual."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.columns import Columns
from napari_atlas.data.pose import Pose
from napari_atlas.errors import InputError
from napari_atlas.io._rows import rate_of, samples_of_frames, spread, spread_times
from napari_atlas.io._sheets import check_last_row, peek_csv
from napari_atlas.io._sniff import text_encoding, zip_names
from napari_atlas.io.track_file import Reader, TrackFile

__all__ = ["TREX_ARCHIVE", "TREX_TABLE"]

_POINTS = {
    "centroid": ("X#wcentroid", "Y#wcentroid"),
    "pixel-centroid": ("X#pcentroid", "Y#pcentroid"),
    "head": ("X", "Y"),
    "midline": ("midline_x", "midline_y"),
}
_POSE = re.compile(r"poseX(\d+)$")
_UNIT = re.compile(r"\s*\(([^)]*)\)$")
_ID = re.compile(r"_([A-Za-z]+\d+)$")
_CLOCK = ("frame", "time")

Arrays = dict[str, NDArray[np.float64]]


def _is_archive(path: Path) -> bool:
    return zip_names(path) >= {"X#wcentroid.npy", "Y#wcentroid.npy", "frame.npy"}


def _is_table(path: Path) -> bool:
    return {"X#wcentroid", "Y#wcentroid", "frame"} <= {_UNIT.sub("", name) for name in peek_csv(path).header}


def _load_archive(path: Path, part: str) -> TrackFile:
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    n_rows = arrays["frame"].size
    numbers = {k: np.asarray(a, dtype=np.float64) for k, a in arrays.items() if a.shape == (n_rows,) and _is_number(a)}
    note = "TRex writes cm; where its cm_per_pixel was 1, these are pixels."
    return _track_file(path, numbers, note)


def _is_number(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "fiub"


def _load_table(path: Path, part: str) -> TrackFile:
    import pandas as pd

    sheet = peek_csv(path)
    check_last_row(path, len(sheet.header), sheet.delimiter)
    frame = pd.read_csv(path, sep=sheet.delimiter, header=0, dtype=np.float64, encoding=text_encoding(path))
    first = {_UNIT.sub("", name): i for i, name in reversed(list(enumerate(sheet.header)))}
    arrays = {name: frame.iloc[:, i].to_numpy() for name, i in sorted(first.items(), key=lambda item: item[1])}
    units = {m[1] for name in sheet.header if name.startswith("X#wcentroid") and (m := _UNIT.search(name))}
    return _track_file(path, arrays, f"Positions are in {units.pop() if units else 'cm'}.")


def _track_file(path: Path, arrays: Arrays, note: str) -> TrackFile:
    points = _points(arrays)
    samples, first = samples_of_frames(path, arrays["frame"])
    if np.unique(samples).size < samples.size:
        raise InputError.of(path, "it tells of a frame twice", "export one file per individual")
    used = {name for pair in points.values() for name in pair}
    names = tuple(name for name in arrays if name not in used and name not in _CLOCK)
    individual = _ID.search(path.stem)
    individuals = (individual[1] if individual else "animal-0",)
    positions = np.stack([np.stack([arrays[x], arrays[y]], axis=1) for x, y in points.values()], axis=1)
    values = np.stack([arrays[name] for name in names], axis=1) if names else np.empty((samples.size, 0))
    times = spread_times(arrays.get("time", np.full(samples.size, np.nan)), samples)
    return TrackFile(
        Pose(spread(positions, samples)[:, None], tuple(points), individuals, first_frame=first),
        fps=rate_of(times),
        notes=(note,),
        columns=Columns(individuals, names, spread(values, samples)[:, None]),
        first_frame=first,
        times=times,
    )


def _points(arrays: Arrays) -> dict[str, tuple[str, str]]:
    """Return, per keypoint, its two columns."""
    numbers = sorted(int(match[1]) for name in arrays if (match := _POSE.match(name)))
    pairs = _POINTS | {f"pose-{i}": (f"poseX{i}", f"poseY{i}") for i in numbers}
    return {name: pair for name, pair in pairs.items() if arrays.keys() >= set(pair)}


TREX_ARCHIVE = Reader("trex-npz", "pose", _is_archive, _load_archive)
TREX_TABLE = Reader("trex-csv", "pose", _is_table, _load_table)
