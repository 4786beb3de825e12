"""DeepLabCut and Lightning Pose tables (.csv and .h5), one animal or several, in two or three dimensions."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.pose import Pose
from napari_atlas.errors import InputError
from napari_atlas.io._pandas_hdf import find_table
from napari_atlas.io._sheets import check_last_row
from napari_atlas.io._sniff import csv_rows, head
from napari_atlas.io.track_file import FEW_LABELS, Reader, TrackFile

__all__ = ["DEEPLABCUT", "DEEPLABCUT_H5", "is_label_table"]

_SINGLE = ("scorer", "bodyparts", "coords")
_MULTI = ("scorer", "individuals", "bodyparts", "coords")
_AXES = ("x", "y", "z", "likelihood")
_SUFFIX = re.compile(r"\.\d+$")
_ALONE = "animal-0"
_PIECE = 4 << 20
_ONE_A_LINE = bytes.maketrans(b",", b"\n")
_FEWEST_PARTS = 3
_SIDES = frozenset(("left", "right", "l", "r", "front", "hind", "fore", "back", "upper", "lower", "top", "bottom"))
_TRUNK = re.compile("nose|snout|head|neck|body|cent|spine|thorax|abdomen|trunk|tail", re.IGNORECASE)

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


def _is_pandas(path: Path) -> bool:
    table = find_table(path)
    return table is not None and (not table.columns or bool(_columns(table.columns)))


def is_label_table(path: Path) -> bool:
    """Whether it is a table of hand labels: its rows are images, not frames; never raises."""
    header, data = _header(path)
    return bool(header and data) and not _is_number(data[0])


def _columns(labels: Sequence[tuple[str, ...]]) -> Columns:
    """Return, per (individual, keypoint), the column of each coordinate; a repeated one keeps its first column."""
    known = {label[-2] for label in labels}
    found: Columns = {}
    for i, (*above, part, coord) in enumerate(labels):
        axis, plain = _SUFFIX.sub("", coord).lower(), _SUFFIX.sub("", part)
        if axis in _AXES:
            owner = above[1] if len(above) + 2 == len(_MULTI) else _ALONE
            found.setdefault((owner, plain if plain in known else part), {}).setdefault(axis, i)
    return {key: axes for key, axes in found.items() if {"x", "y"} <= axes.keys()}


def _by_prefix(columns: Columns) -> Columns:
    """Return individuals where their names lie before the keypoints', such as B_Nose and W_Nose; else the same."""
    parts = [part for _, part in columns]
    if any(owner != _ALONE for owner, _ in columns):
        return columns
    for depth in (1, 2, 3):
        names = [part.split("_", depth) for part in parts]
        if any(len(name) <= depth for name in names):
            break
        split = [("_".join(name[:depth]), name[depth]) for name in names]
        sets = [{s for p, s in split if p == prefix} for prefix in dict.fromkeys(p for p, _ in split)]
        sided = any(_SIDES & set(prefix.lower().split("_")) for prefix, _ in split)
        alike = len(sets) > 1 and all(s == sets[0] for s in sets) and len(sets[0]) >= _FEWEST_PARTS
        if alike and not sided and any(_TRUNK.search(s) for s in sets[0]):
            return dict(zip(split, columns.values(), strict=True))
    return columns


def _load_csv(path: Path, part: str) -> TrackFile:
    header, data = _header(path)
    labels = list(zip(*(row[1:] for row in header), strict=False))
    columns = _columns(labels)
    if not columns or not data:
        raise InputError.of(path, "it holds a header and no tracked frame", "analyse the video again")
    check_last_row(path, len(header[-1]))
    used = sorted({column for axes in columns.values() for column in axes.values()})
    blocks = list(_read_csv(path, len(header), [0, *(column + 1 for column in used)]))
    index = np.concatenate([block[:, 0] for block in blocks])
    blocks.reverse()  # each is let go once it is copied
    rows = (blocks.pop()[:, 1:] for _ in range(len(blocks)))
    named = {key: {axis: used.index(column) for axis, column in axes.items()} for key, axes in columns.items()}
    file, twice = _tracks(path, named, index, rows), dict.fromkeys(x[-2] for x, n in Counter(labels).items() if n > 1)
    note = f"Columns of {', '.join(twice)} are there twice; the first ones are used."
    return replace(file, notes=(*file.notes, note)) if twice else file


def _load_h5(path: Path, part: str) -> TrackFile:
    table = find_table(path, strict=True)
    if table is None:
        raise InputError.of(path, "it holds no table of keypoints", "analyse the video again")
    return _tracks(path, _columns(table.columns), table.index(), table.blocks())


def _tracks(
    path: Path, columns: Columns, index: NDArray[np.float64], blocks: Iterable[NDArray[np.float64]]
) -> TrackFile:
    """Return the tracks that blocks of rows hold."""
    frames, named = _frames(path, index), _by_prefix(columns)
    individuals = tuple(dict.fromkeys(owner for owner, _ in named))
    keypoints = tuple(dict.fromkeys(name for _, name in named))
    axes = (*_AXES[: 3 if all("z" in a for a in named.values()) else 2], _AXES[-1])
    order = np.full((len(individuals), len(keypoints), len(axes)), -1)
    for (owner, name), where in named.items():
        order[individuals.index(owner), keypoints.index(name)] = [where.get(axis, -1) for axis in axes]
    shape = (int(frames[-1]) + 1, *order.shape[:2])
    positions, confidence = np.full((*shape, len(axes) - 1), np.nan), np.full(shape, np.nan)
    begin = 0
    for block in blocks:
        values = block[:, order]
        values[:, order < 0] = np.nan
        values[~np.isfinite(values)] = np.nan
        rows = frames[begin : begin + len(block)]
        positions[rows], confidence[rows] = values[..., :-1], values[..., -1]
        begin += len(block)
    told = confidence if np.isfinite(confidence).any() else np.empty(0)
    pose = Pose(positions, keypoints, individuals, int(index[0]), confidence=told)
    note = f"The individuals {', '.join(individuals)} were told from the keypoint names."
    return _without_empty_single(pose, () if named is columns else (note,))


def _without_empty_single(pose: Pose, notes: tuple[str, ...]) -> TrackFile:
    """Return the tracks without an empty "single" individual, which holds keypoints of no animal."""
    keep = [i for i, name in enumerate(pose.individuals) if name != "single"]
    if len(keep) in (0, len(pose.individuals)):
        return TrackFile(pose, notes=notes)
    seen = np.isfinite(pose.positions).any(axis=(0, 3))
    if seen[pose.individuals.index("single")].any():
        return TrackFile(pose, notes=(*notes, "The individual single holds keypoints that belong to no animal."))
    used = np.flatnonzero(seen[keep].any(axis=0))
    used = used if used.size else np.arange(len(pose.keypoints))
    left = Pose(
        positions=np.ascontiguousarray(pose.positions[:, keep][:, :, used]),
        keypoints=tuple(pose.keypoints[k] for k in used),
        individuals=tuple(pose.individuals[i] for i in keep),
        first_frame=pose.first_frame,
        confidence=pose.confidence[:, keep][:, :, used] if pose.confidence.size else pose.confidence,
    )
    return TrackFile(left, notes=(*notes, "The keypoints that belong to no animal are empty and left out."))


def _read_csv(path: Path, n_header: int, columns: list[int]) -> Iterator[NDArray[np.float64]]:
    """Yield these columns of the rows, (n_rows_of_the_block, n_columns) at a time, as the nearest float64."""
    with path.open("rb") as file:
        while n_header:
            n_header -= bool(file.readline().strip())
        while piece := file.read(_PIECE) + file.readline():
            if piece.strip():
                yield _plain_numbers(piece, columns)


def _plain_numbers(piece: bytes, columns: list[int]) -> NDArray[np.float64]:
    """Return columns of rows that hold numbers and gaps only, parsed by scipy's reader of matrices, the fastest."""
    text = piece.replace(b"\r\n", b"\n") if b"\r" in piece else piece
    text = text if text.endswith(b"\n") else text + b"\n"
    marks = text.translate(None, b"0123456789eEnaN")
    if b".." in marks or b"--" in marks or marks.translate(None, b".,-+\n"):  # 1.234.5, a date, a text
        return _any_numbers(piece, columns)
    shape = text.count(b",", 0, text.index(b"\n")) + 1, marks.count(b"\n")
    try:
        values = _matrix(text, shape)
    except ValueError:  # too few values: there are gaps
        filled = text.replace(b",,", b",nan,").replace(b",,", b",nan,").replace(b",\n", b",nan\n")
        try:
            values = _matrix(filled, shape)
        except ValueError:
            return _any_numbers(piece, columns)
    return np.asarray((values if len(values) == len(columns) else values[columns]).T)


def _matrix(text: bytes, shape: tuple[int, int]) -> NDArray[np.float64]:
    from scipy.io import mmread

    header = b"%%%%MatrixMarket matrix array real general\n%d %d\n" % shape
    return np.asarray(mmread(io.BytesIO(header + text.translate(_ONE_A_LINE))))


def _any_numbers(piece: bytes, columns: list[int]) -> NDArray[np.float64]:
    """Return columns of rows that also hold texts."""
    import pandas as pd

    frame = pd.read_csv(
        io.BytesIO(piece),
        header=None,
        usecols=columns,
        dtype=np.float64,
        float_precision="round_trip",
        encoding_errors="replace",
    )
    return np.asarray(frame.to_numpy())


def _frames(path: Path, index: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the sample of each row, counted from the first row's frame; frames that are left out stay NaN."""
    if not index.size:
        raise InputError.of(path, "it holds a header and no tracked frame", "analyse the video again")
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


DEEPLABCUT = Reader("deeplabcut", "pose", _is_tracks, _load_csv)
DEEPLABCUT_H5 = Reader("deeplabcut-h5", "pose", _is_pandas, _load_h5)
