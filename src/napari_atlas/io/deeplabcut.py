"""DeepLabCut and Lightning Pose tables (.csv), one animal or several."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.pose import Pose
from napari_atlas.errors import InputError
from napari_atlas.io._sniff import csv_rows, head
from napari_atlas.io.track_file import FEW_LABELS, Reader, TrackFile

__all__ = ["DEEPLABCUT", "is_label_table"]

_SINGLE = ("scorer", "bodyparts", "coords")
_MULTI = ("scorer", "individuals", "bodyparts", "coords")
_SUFFIX = re.compile(r"\.\d+$")
_ALONE = "animal-0"

Columns = dict[tuple[str, str], dict[str, int]]


def _header(path: Path) -> tuple[list[list[str]], list[str]]:
    """Return the header rows, none if this is no such table, and the first row of data."""
    if not head(path, 16).removeprefix(b"\xef\xbb\xbf").lstrip(b'" ').startswith(b"scorer"):
        return [], []
    rows = csv_rows(path, 5)
    first = tuple(row[0].lower() for row in rows)
    for levels in (_SINGLE, _MULTI):
        if first[: len(levels)] == levels:
            return rows[: len(levels)], rows[len(levels)] if len(rows) > len(levels) else []
    return [], []


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_tracks(path: Path) -> bool:
    header, data = _header(path)
    return bool(header) and (not data or _is_number(data[0]))


def is_label_table(path: Path) -> bool:
    """Whether it is a table of hand labels: its rows are images, not frames; never raises."""
    header, data = _header(path)
    return bool(header and data) and not _is_number(data[0])


def _columns(header: list[list[str]]) -> Columns:
    """Return, per (individual, keypoint), the column of each coordinate; a repeated one keeps its first column."""
    parts, coords = header[-2], header[-1]
    owners = header[1] if len(header) == len(_MULTI) else [_ALONE] * len(parts)
    known = set(parts)
    found: Columns = {}
    for i, (owner, part, coord) in enumerate(zip(owners, parts, coords, strict=False)):
        axis, plain = _SUFFIX.sub("", coord).lower(), _SUFFIX.sub("", part)
        if i and axis in ("x", "y", "z", "likelihood"):
            found.setdefault((owner, plain if plain in known else part), {}).setdefault(axis, i)
    return {key: axes for key, axes in found.items() if {"x", "y"} <= axes.keys()}


def _load(path: Path, part: str) -> TrackFile:
    header, data = _header(path)
    columns = _columns(header)
    if not columns or not data:
        raise InputError.of(path, "it holds a header and no tracked frame", "analyse the video again")
    _check_last_row(path, len(header[-1]))
    table = _read_table(path, len(header), sorted({0, *(c for axes in columns.values() for c in axes.values())}))
    frames = _frames(path, table[0])
    individuals = tuple(dict.fromkeys(owner for owner, _ in columns))
    keypoints = tuple(dict.fromkeys(name for _, name in columns))
    axes = ("x", "y", "z") if all("z" in a for a in columns.values()) else ("x", "y")
    values = np.full((int(frames[-1]) + 1, len(individuals), len(keypoints), len(axes) + 1), np.nan)
    for (owner, name), where in columns.items():
        for k, axis in enumerate((*axes, "likelihood")):
            if axis in where:
                values[frames, individuals.index(owner), keypoints.index(name), k] = table[where[axis]]
    values[~np.isfinite(values)] = np.nan
    return _track_file(values, individuals, keypoints, int(table[0][0]), header)


def _track_file(
    values: NDArray[np.float64],
    individuals: tuple[str, ...],
    keypoints: tuple[str, ...],
    first: int,
    header: list[list[str]],
) -> TrackFile:
    """Return the file's tracks without an empty "single" individual, which holds keypoints of no animal."""
    tracked: NDArray[np.bool_] = np.asarray(np.isfinite(values[..., :2]).any(axis=(0, 2, 3)))
    keep = [i for i, name in enumerate(individuals) if tracked[i] or name != "single"]
    used = [k for k in range(len(keypoints)) if len(keep) == len(individuals) or np.isfinite(values[:, keep, k]).any()]
    values = values[:, keep][:, :, used or slice(None)]
    notes = () if len(keep) == len(individuals) else ("The keypoints that belong to no animal are empty and left out.",)
    return TrackFile(
        Pose(
            positions=np.ascontiguousarray(values[..., :-1]),
            keypoints=tuple(keypoints[k] for k in used) or keypoints,
            individuals=tuple(individuals[i] for i in keep),
            first_frame=first,
            confidence=np.ascontiguousarray(values[..., -1]) if np.isfinite(values[..., -1]).any() else np.empty(0),
        ),
        notes=notes,
    )


def _check_last_row(path: Path, n_columns: int) -> None:
    """Refuse a table whose last row breaks off."""
    with path.open("rb") as handle:
        size = handle.seek(0, 2)
        handle.seek(max(0, size - 64 * n_columns - 4096))
        tail = handle.read().decode("utf-8", "replace").rstrip().splitlines()[-1]
    found = len(next(csv.reader([tail])))
    if found < n_columns:
        raise InputError.of(path, f"its last row has {found} of {n_columns} columns", "it was cut short; copy it again")


def _read_table(path: Path, n_header: int, columns: list[int]) -> dict[int, NDArray[np.float64]]:
    import pandas as pd

    frame = pd.read_csv(
        path,
        header=None,
        skiprows=n_header,
        usecols=columns,
        dtype=np.float64,
        float_precision="round_trip",
        encoding="utf-8-sig",
        encoding_errors="replace",
    )
    return {column: frame[column].to_numpy() for column in columns}


def _frames(path: Path, index: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the sample of each row, counted from the first row's frame; frames that are left out stay NaN."""
    rising = index.size < 2 or bool((np.diff(index) > 0).all())
    if not np.isfinite(index).all() or (index % 1 != 0).any() or not rising or index[0] < 0:
        raise InputError.of(path, "its first column does not count frames upwards", "sort the rows by frame")
    frames: NDArray[np.int64] = (index - index[0]).astype(np.int64)
    if frames.size < FEW_LABELS * (frames[-1] + 1):
        raise InputError.of(
            path,
            f"it holds {frames.size} of the {frames[-1] + 1} frames that it spans, which are labels, not a track",
            "analyse the whole video and give that table",
        )
    return frames


DEEPLABCUT = Reader("deeplabcut", "pose", _is_tracks, _load)
