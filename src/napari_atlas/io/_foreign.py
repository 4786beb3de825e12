"""Formats that are known and not read as tracks: what to tell the user, and what kind of file it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_atlas.errors import InputError
from napari_atlas.io._guess import plain
from napari_atlas.io._sheets import missing_package, peek, peek_csv, sheet_kind
from napari_atlas.io._sniff import (
    array_header,
    hdf5_names,
    head,
    is_hdf5,
    is_mat,
    is_zip,
    mat_variables,
    zip_names,
)
from napari_atlas.io.clocks import is_timestamps
from napari_atlas.io.deeplabcut import is_label_table
from napari_atlas.io.labels import is_labels
from napari_atlas.io.sleap import are_hand_labels
from napari_atlas.io.temperature import is_temperature_log

__all__ = ["FOREIGN", "UNKNOWN", "Foreign", "is_video", "recognise"]


@dataclass(frozen=True)
class Foreign:
    """A file that is not read as tracks.

    Attributes
    ----------
    name
        The format, as users read it.
    kind
        ``"labels"``, ``"timestamps"``, ``"video"``, ``"temperature"`` or ``"unknown"``.
    matches
        Whether a file is of this format, told by its content; never raises.
    what, cure
        What to say of it, and what the user can do.
    """

    name: str
    kind: str
    matches: Callable[[Path], bool]
    what: str
    cure: str

    def error(self, path: Path) -> InputError:
        """Return the one-line refusal of *path*."""
        return InputError.of(path, self.what, self.cure)


def _hdf5_with(*names: str) -> Callable[[Path], bool]:
    return lambda path: hdf5_names(path) >= set(names)


def _mat_with(*names: str) -> Callable[[Path], bool]:
    return lambda path: mat_variables(path) >= set(names)


def _first_line(pattern: str) -> Callable[[Path], bool]:
    compiled = re.compile(pattern, re.IGNORECASE)

    def matches(path: Path) -> bool:
        start = head(path, 4096)
        return b"\0" not in start and bool(compiled.search(start.decode("utf-8", "replace").split("\n", 1)[0]))

    return matches


def _is_mat73(path: Path) -> bool:
    return head(path, 10) == b"MATLAB 7.3" or (is_hdf5(path) and head(path).startswith(b"MATLAB"))


def _pandas_tables(path: Path) -> list[Any]:
    """Return (kind of the index, column names as stored) of the pandas tables in an HDF5 file."""
    if not is_hdf5(path):
        return []
    import h5py

    try:
        with h5py.File(path, "r") as file:
            groups = [g for g in file.values() if isinstance(g, h5py.Group) and "pandas_type" in g.attrs]
            return [(_index_kind(g), bytes(g.attrs.get("non_index_axes", b""))) for g in groups]
    except (OSError, RuntimeError, KeyError, TypeError, ValueError):
        return []


def _index_kind(group: Any) -> str:
    if "table" in group:
        return str(group["table"].dtype["index"].kind)
    return str(group["axis1"].dtype.kind) if "axis1" in group else "S"


def _is_pandas_skeleton(path: Path) -> bool:
    return any(b"orientation" in columns and b"length" in columns for _, columns in _pandas_tables(path))


def _is_pandas_labels(path: Path) -> bool:
    return any(kind in "SOU" for kind, _ in _pandas_tables(path))


def _is_pandas(path: Path) -> bool:
    return bool(_pandas_tables(path))


def _is_broken_hdf5(path: Path) -> bool:
    if not is_hdf5(path):
        return False
    import h5py

    try:
        with h5py.File(path, "r") as file:
            list(file)
    except (OSError, RuntimeError):
        return True
    return False


def _is_gait(path: Path) -> bool:
    try:
        names = {plain(name) for name in peek(path).header}
    except InputError:
        return False
    return {"swing", "stance"} <= names


def _is_damaged_table(path: Path) -> bool:
    try:
        return sheet_kind(path) in ("xlsx", "parquet") and not peek(path).header
    except InputError:
        return True


def _is_coco(path: Path) -> bool:
    start = head(path, 4096).lstrip()
    return start.startswith(b"{") and (b'"annotations"' in start or b'"categories"' in start)


def _is_numbers(path: Path) -> bool:
    shape, kind = array_header(path)
    return len(shape) == 1 and kind in "fiub"


def is_video(path: Path) -> bool:
    """Whether a file begins as a video does (mp4, mov, avi, mkv, webm, gif, wmv, flv, mpg, ts)."""
    start = head(path, 189)
    return (
        start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide")
        or (start[:4] == b"RIFF" and start[8:11] == b"AVI")
        or start.startswith((b"GIF8", b"\x1aE\xdf\xa3", b"0&\xb2u\x8ef\xcf\x11", b"FLV", b"\0\0\1\xba"))
        or (start[:1] == b"G" and start[188:189] == b"G")
    )


_TABLE = "export the tracks as a SLEAP analysis .h5 or a DeepLabCut .csv"
_HULLS = "save the hulls as hull(animal).ConvexHull{frame}"
_MAPPING = "name them x and y as in nose_x, nose_y, or give a column mapping"
_LABELLED = "these are labels, not a track"
_AGAIN = "copy or export it again"

FOREIGN: tuple[Foreign, ...] = (
    Foreign(
        "git-lfs pointer",
        "unknown",
        _first_line(r"^version https://git-lfs"),
        "it is a Git LFS pointer, not the file itself",
        "fetch the file with 'git lfs pull'",
    ),
    Foreign("video", "video", is_video, "it is a video, not tracks", "give the tracks, and the video with --video"),
    Foreign(
        "temperature log",
        "temperature",
        is_temperature_log,
        "it is a temperature log, not tracks",
        "give it with --temperature",
    ),
    Foreign(
        "deeplabcut labels",
        "labels",
        is_label_table,
        f"its rows are labelled images; {_LABELLED}",
        "give the table that DeepLabCut writes when it analyses a video",
    ),
    Foreign(
        "sleap labels",
        "labels",
        are_hand_labels,
        f"a few frames were labelled by hand and none is predicted; {_LABELLED}",
        "give the file with predictions",
    ),
    Foreign("damaged hdf5", "unknown", _is_broken_hdf5, "it is damaged or cut short (HDF5)", _AGAIN),
    Foreign(
        "deeplabcut skeleton",
        "unknown",
        _is_pandas_skeleton,
        "it holds bone lengths and orientations, not keypoints",
        "give the table of keypoints",
    ),
    Foreign(
        "deeplabcut labels",
        "labels",
        _is_pandas_labels,
        f"its rows are labelled images; {_LABELLED}",
        "give the table that DeepLabCut writes when it analyses a video",
    ),
    Foreign(
        "pandas table", "unknown", _is_pandas, "it holds a pandas table without keypoints", "give DeepLabCut's own file"
    ),
    Foreign("label3d", "labels", _hdf5_with("labelData"), f"it holds Label3D labels; {_LABELLED}", "give tracks"),
    Foreign(
        "timestamps",
        "timestamps",
        is_timestamps,
        "it holds one rising number per frame: timestamps, not tracks",
        "give the tracks",
    ),
    Foreign("labels", "labels", is_labels, "it holds behaviour labels, not tracks", "give the tracks"),
    Foreign("matlab v7.3", "unknown", _is_mat73, "it is a MATLAB v7.3 file without a variable 'hull'", _HULLS),
    Foreign(
        "nwb", "unknown", _hdf5_with("acquisition", "general"), "it is an NWB file without poses (ndx-pose)", _TABLE
    ),
    Foreign(
        "jabs predictions",
        "labels",
        _hdf5_with("predictions"),
        "it holds JABS behaviour predictions and no pose",
        "give the file of poses",
    ),
    Foreign("hdf5", "unknown", is_hdf5, "it is an HDF5 file of an unknown layout", _TABLE),
    Foreign("label3d", "labels", _mat_with("labelData"), f"it holds Label3D labels; {_LABELLED}", "give tracks"),
    Foreign(
        "damaged mat",
        "unknown",
        lambda p: is_mat(p) and not mat_variables(p),
        "it is empty, damaged or cut short (MATLAB)",
        _AGAIN,
    ),
    Foreign(
        "matlab",
        "unknown",
        is_mat,
        "it is a MATLAB file without a variable 'hull', of an unknown layout",
        _HULLS,
    ),
    Foreign(
        "damaged zip", "unknown", lambda p: is_zip(p) and not zip_names(p), "it is damaged or cut short (zip)", _AGAIN
    ),
    Foreign(
        "spreadsheet",
        "unknown",
        lambda path: bool(missing_package(path)),
        "reading workbooks and Parquet files needs openpyxl and pyarrow",
        "install napari-atlas[tables]",
    ),
    Foreign("damaged table", "unknown", _is_damaged_table, "it is damaged, cut short or empty", _AGAIN),
    Foreign(
        "gait cycles",
        "labels",
        _is_gait,
        "it holds times of swing and stance of several runs, not tracks",
        "give the table of keypoints",
    ),
    Foreign(
        "spreadsheet",
        "unknown",
        lambda path: sheet_kind(path) in ("xlsx", "parquet"),
        "its columns are not recognised as keypoints",
        _MAPPING,
    ),
    Foreign(
        "archive",
        "unknown",
        is_zip,
        "it is an archive without windows",
        "save one array NAME_z (n_windows, n_times, n_channels) and one NAME_temps (n_windows)",
    ),
    Foreign(
        "numbers",
        "unknown",
        _is_numbers,
        "it holds one number per row, neither rising as timestamps do nor whole as labels are",
        "give the tracks",
    ),
    Foreign(
        "numpy",
        "unknown",
        lambda p: head(p, 6) == b"\x93NUMPY",
        "it is a numpy file that is damaged, holds objects or has an unknown shape",
        "save numbers of shape (n_windows, n_times, n_channels)",
    ),
    Foreign("coco", "labels", _is_coco, f"it holds COCO keypoints of single images; {_LABELLED}", "give tracks"),
    Foreign(
        "UTF-16 text",
        "unknown",
        lambda path: head(path, 2) in (b"\xff\xfe", b"\xfe\xff"),
        "it is text in UTF-16, as Excel's 'Unicode text' is",
        "save it as 'CSV UTF-8'",
    ),
    Foreign(
        "deeplabcut with semicolons",
        "unknown",
        lambda path: peek_csv(path).delimiter != "," and peek_csv(path).header[:1] == ("scorer",),
        "it is a DeepLabCut table that was saved anew with other marks between its columns",
        "give the table that DeepLabCut wrote, or save it with commas",
    ),
    Foreign(
        "table",
        "unknown",
        lambda path: len(peek_csv(path).header) > 1,
        "its columns are not recognised as keypoints",
        _MAPPING,
    ),
)

UNKNOWN = Foreign("unknown", "unknown", lambda path: True, "its format is not known", _TABLE)


def recognise(path: Path) -> Foreign:
    """Return the first format that fits a file, ``UNKNOWN`` if none does."""
    return next((foreign for foreign in FOREIGN if foreign.matches(path)), UNKNOWN)
