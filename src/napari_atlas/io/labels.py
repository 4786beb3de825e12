"""Behaviour labels: interval annotations, and files of one label per frame."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.labels import Labels
from napari_atlas.errors import AtlasError, InputError
from napari_atlas.io._intervals import Interval, interval_columns, labels_of, read_caltech, read_intervals
from napari_atlas.io._sheets import peek_csv
from napari_atlas.io._sniff import array_header, head, is_hdf5, mat_variables, text_encoding

__all__ = ["is_labels", "read_labels"]

_NONE = {"", "nan", "na", "none", "null", "-"}
_FRAMES = {"frame", "frames", "frame_id", "frame_idx", "frame number", "index"}
_LONGEST = 60  # characters of a class name
_CALTECH = b"Caltech Behavior Annotator"


def is_labels(path: Path) -> bool:
    """Whether a file holds behaviour labels, told by its content; never raises."""
    try:
        return _is_caltech(path) or bool(interval_columns(peek_csv(path).header)) or bool(_vector(path))
    except Exception:  # noqa: BLE001 - a damaged file is no file of labels
        return False


def read_labels(path: Path | str, fps: float = math.nan) -> Labels:
    """Return the behaviour labels of a file.

    Parameters
    ----------
    path
        A Caltech annotation, a table of intervals (columns start, stop and behaviour, in frames or seconds), or one
        label per frame: a .npy, a text table of one column or of frame and label, or a MATLAB vector.
    fps
        Frames per second, for intervals in seconds whose file does not tell it.

    Returns
    -------
    Labels
        Frames counted from 0. Frames that no interval covers, and empty cells, have the code −1.

    Raises
    ------
    InputError
        If the file is damaged or holds no labels, or its intervals are in seconds and no rate is known.
    """
    path = Path(path)
    try:
        if _is_caltech(path):
            return _from_intervals(path, read_caltech(path), math.nan, ("Its frames, counted from 1, begin at 0 now.",))
        if interval_columns(peek_csv(path).header):
            intervals, fps, notes = read_intervals(path, fps)
            return _from_intervals(path, intervals, fps, notes)
        if found := _vector(path):
            return _from_vector(path, *found)
    except AtlasError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError.of(path, f"it cannot be read as labels ({text})", "copy or export it again") from error
    raise InputError.of(
        path, "it holds no behaviour labels", "give intervals (start, stop, behaviour), or one per frame"
    )


def _is_caltech(path: Path) -> bool:
    return head(path, 64).removeprefix(b"\xef\xbb\xbf").startswith(_CALTECH)


def _from_intervals(path: Path, intervals: list[Interval], fps: float, notes: tuple[str, ...]) -> Labels:
    if not intervals:
        raise InputError.of(path, "it holds no interval", "annotate the video, then export again")
    return labels_of(intervals, fps, notes)


def _from_vector(path: Path, values: Sequence[str], first_frame: int) -> Labels:
    known = dict.fromkeys(value for value in values if value.lower() not in _NONE)
    if not known:
        raise InputError.of(path, "every label in it is empty", "export the labels again")
    classes = sorted(known, key=float) if all(map(_is_number, known)) else list(known)
    code_of = {name: code for code, name in enumerate(classes)}
    codes = [code_of.get(value, -1) for value in values]
    return Labels(("labels",), (tuple(classes),), np.array([codes], dtype=np.int64), first_frame)


def _vector(path: Path) -> tuple[list[str], int] | None:
    """Return one label per frame as text, and the first frame; None if the file holds no such vector."""
    shape, kind = array_header(path)
    if len(shape) == 1 and shape[0] and kind in "fiubU":
        return _texts(np.load(path, allow_pickle=False))
    if len(mat_variables(path)) == 1 or (is_hdf5(path) and head(path, 6) == b"MATLAB"):
        return _texts(_matlab_vector(path))
    return _text_vector(path)


def _texts(values: NDArray[Any]) -> tuple[list[str], int] | None:
    """Return whole numbers or texts as texts; None for other numbers."""
    if values.dtype.kind == "f":
        known = np.isfinite(values)
        if not known.any() or (values[known] % 1 != 0).any():
            return None
        return [str(int(value)) if there else "" for value, there in zip(values, known, strict=True)], 0
    if values.dtype.kind not in "iubU" or not values.size:
        return None
    return [str(value).strip() for value in values.tolist()], 0


def _matlab_vector(path: Path) -> NDArray[Any]:
    """Return the only variable of a MATLAB file as a vector; an empty one if it is no vector of numbers."""
    if is_hdf5(path):
        import h5py

        with h5py.File(path, "r") as file:
            found = [file[name] for name in file if not name.startswith("#")]
            fits = len(found) == 1 and isinstance(found[0], h5py.Dataset) and _is_vector(found[0].shape)
            return np.asarray(found[0][()]).ravel() if fits else np.empty(0)
    from scipy.io import loadmat, whosmat

    ((name, shape, _),) = whosmat(path)
    return np.asarray(loadmat(path)[name]).ravel() if _is_vector(shape) else np.empty(0)


def _is_vector(shape: Sequence[int]) -> bool:
    return len(shape) == 2 and min(shape) == 1 < max(shape)


def _text_vector(path: Path) -> tuple[list[str], int] | None:
    """Return the labels of a text table of one column, or of a column of frames and one of labels."""
    start = peek_csv(path)
    framed = len(start.header) == 2 and start.header[0].lower() in _FRAMES
    if not start.rows or (len(start.header) != 1 and not framed):
        return None
    if any(len(row) != len(start.header) for row in start.rows[:-1]):
        return None
    with path.open(encoding=text_encoding(path), errors="replace", newline="") as lines:
        rows = [row for row in csv.reader(lines, delimiter=start.delimiter) if row]
    values = [row[-1].strip() for row in rows]
    named = (
        framed
        or (not _is_whole(values[0]) and all(map(_is_whole, values[1:])))
        or values[0].lower().startswith("label")
    )
    values = values[1:] if named else values
    return (values, int(float(rows[1][0])) if framed else 0) if _are_classes(values) else None


def _are_classes(values: Sequence[str]) -> bool:
    """Whether there are far fewer different values than rows, all short, and no broken numbers among them."""
    different = {value for value in values if value.lower() not in _NONE}
    if not different or len(different) > max(2, len(values) // 2) or max(map(len, different)) > _LONGEST:
        return False
    return not any(_is_number(value) and not _is_whole(value) for value in different)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _is_whole(text: str) -> bool:
    return text.lower() in _NONE or (_is_number(text) and float(text) % 1 == 0)
