"""Tracks ↔ one .npz, so that looking at a project needs neither sleap_io nor pandas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.columns import NO_COLUMNS, Columns
from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import CutWindows, Tracks
from napari_atlas.errors import InputError
from napari_atlas.io._sniff import zip_names
from napari_atlas.io.atomic import read_arrays, write_arrays
from napari_atlas.io.track_file import TrackFile

__all__ = ["load_tracks", "save_tracks"]

FORMAT = 2

Arrays = dict[str, NDArray[Any]]


def save_tracks(path: Path, file: TrackFile) -> None:
    """Write what a file told to one .npz, whole or not at all; the format's name is left out.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    tracks = file.tracks
    for kind, (of_type, pack, _) in _KINDS.items():
        if isinstance(tracks, of_type):
            header = {"format": np.array(FORMAT), "kind": np.array(kind), "individuals": _texts(tracks.individuals)}
            write_arrays(Path(path), **header, **pack(tracks), **_pack_beside(file))


def load_tracks(path: Path) -> TrackFile:
    """Return what `save_tracks` wrote, equal to the last bit.

    Raises
    ------
    InputError
        If the file is missing, damaged, or of another format.
    """
    path = Path(path)
    if not zip_names(path):
        raise InputError.of(path, "there is no readable cache of tracks", "delete it, it will be made again")
    arrays = read_arrays(path)
    kind = str(arrays.get("kind", ""))
    if kind not in _KINDS or int(arrays.get("format", np.array(0))) != FORMAT:
        raise InputError.of(path, "it is not a cache of tracks of this version", "delete it, it will be made again")
    try:
        tracks: Tracks = _KINDS[kind][2](arrays, _names(arrays["individuals"]))
        file = _with_beside(tracks, arrays)
    except (KeyError, ValueError, IndexError) as error:
        raise InputError.of(path, f"it is damaged ({error})", "delete it, it will be made again") from error
    return file


def _pack_beside(file: TrackFile) -> Arrays:
    columns = file.columns if file.columns is not file.tracks else NO_COLUMNS
    return {
        "column_names": _texts(columns.names),
        "column_individuals": _texts(columns.individuals),
        "column_values": columns.values,
        "times": file.times,
        "first": np.array(file.first_frame, dtype=np.int64),
        "fps": np.array(file.fps, dtype=np.float64),
        "notes": _texts(file.notes),
        "labels": _texts([text for pair in file.labels.items() for text in pair]),
    }


def _with_beside(tracks: Tracks, arrays: Arrays) -> TrackFile:
    names, owners = _names(arrays["column_names"]), _names(arrays["column_individuals"])
    columns = Columns(owners, names, arrays["column_values"])
    labels, notes = _names(arrays["labels"]), _names(arrays["notes"])
    return TrackFile(
        tracks,
        fps=float(arrays["fps"]),
        labels=dict(zip(labels[::2], labels[1::2], strict=True)),
        notes=notes,
        columns=columns,
        first_frame=int(arrays["first"]),
        times=arrays["times"],
    )


def _pack_columns(columns: Columns) -> Arrays:
    return {"names": _texts(columns.names), "values": columns.values}


def _columns(arrays: Arrays, individuals: tuple[str, ...]) -> Columns:
    return Columns(individuals, _names(arrays["names"]), arrays["values"])


def _texts(names: Sequence[str]) -> NDArray[np.str_]:
    return np.array(names, dtype=np.str_) if names else np.empty(0, dtype="U1")


def _names(texts: NDArray[Any]) -> tuple[str, ...]:
    return tuple(str(text) for text in texts)


def _pack_ragged(name: str, rows: Sequence[NDArray[Any]]) -> Arrays:
    flat = np.concatenate(rows) if rows else np.empty(0)
    return {name: flat, f"{name}_lengths": np.array([len(row) for row in rows], dtype=np.int64)}


def _ragged(arrays: Arrays, name: str) -> tuple[NDArray[Any], ...]:
    lengths = arrays[f"{name}_lengths"]
    return tuple(np.split(arrays[name], np.cumsum(lengths)[:-1])) if lengths.size else ()


def _pack_pose(pose: Pose) -> Arrays:
    return {
        "positions": pose.positions,
        "keypoints": _texts(pose.keypoints),
        "first_frame": np.array(pose.first_frame, dtype=np.int64),
        "edges": np.array(pose.edges, dtype=np.int64).reshape(-1, 2),
        "confidence": pose.confidence,
    }


def _pose(arrays: Arrays, individuals: tuple[str, ...]) -> Pose:
    return Pose(
        positions=arrays["positions"],
        keypoints=_names(arrays["keypoints"]),
        individuals=individuals,
        first_frame=int(arrays["first_frame"]),
        edges=tuple((int(a), int(b)) for a, b in arrays["edges"]),
        confidence=arrays["confidence"],
    )


def _pack_outline(outline: Outline) -> Arrays:
    return {**_pack_ragged("vertices", outline.vertices), **_pack_ragged("starts", outline.starts)}


def _outline(arrays: Arrays, individuals: tuple[str, ...]) -> Outline:
    return Outline(individuals, _ragged(arrays, "vertices"), _ragged(arrays, "starts"))


def _pack_windows(cut: CutWindows) -> Arrays:
    ragged = {"values": cut.values, "starts": cut.starts, "temperatures": cut.temperatures, "rows": cut.rows}
    packed: Arrays = {"length": np.array(cut.length, dtype=np.int64)}
    for name, rows in ragged.items():
        packed |= _pack_ragged(name, rows)
    return packed


def _windows(arrays: Arrays, individuals: tuple[str, ...]) -> CutWindows:
    values, starts, temperatures, rows = (_ragged(arrays, n) for n in ("values", "starts", "temperatures", "rows"))
    return CutWindows(individuals, values, starts, temperatures, rows, int(arrays["length"]))


_KINDS: dict[str, tuple[type[Tracks], Any, Any]] = {
    "pose": (Pose, _pack_pose, _pose),
    "outline": (Outline, _pack_outline, _outline),
    "columns": (Columns, _pack_columns, _columns),
    "windows": (CutWindows, _pack_windows, _windows),
}
