"""Tables of body contours: the larva tracker's rows of midline and contour, and one row per vertex."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.columns import Columns
from napari_atlas.data.outline import Outline
from napari_atlas.errors import InputError
from napari_atlas.io._guess import plain
from napari_atlas.io._rows import samples_of_frames, spread
from napari_atlas.io._sheets import check_last_row, peek_csv, read_columns
from napari_atlas.io.track_file import Reader, TrackFile

__all__ = ["CONTOUR_ROWS", "CONTOUR_TABLE"]

_MIDLINE, _CONTOUR = 12, 22
_SCALARS = (
    "centroid-x", "centroid-y", "blob-orientation", "area", "grey-value", "raw-spine-length", "width", "perimeter",
    "collision-flag",
)  # fmt: skip
_FIRST = 1 + 2 * _MIDLINE  # column of the first vertex
_LAST = _FIRST + 2 * _CONTOUR
_VERTEX = {"vertex", "vertexid", "vertexindex", "contourindex"}
_ANIMAL = {"individual", "id", "animal", "track", "trackid"}


def _is_rows(path: Path) -> bool:
    """Whether it has the larva tracker's columns: a contour that meets the midline at both ends."""
    start = peek_csv(path)
    if len(start.header) != _LAST + len(_SCALARS):
        return False
    try:
        rows = np.array([[float(cell or "nan") for cell in row] for row in (start.header, *start.rows[:-1])])
    except ValueError:
        return False
    head, tail = rows[:, 1:3], rows[:, _FIRST - 2 : _FIRST]
    begin, middle = rows[:, _FIRST : _FIRST + 2], rows[:, _FIRST + _CONTOUR : _FIRST + _CONTOUR + 2]
    known = np.isfinite(rows[:, 1:_LAST]).all(axis=1)
    meets = (head == begin).all(axis=1) & (tail == middle).all(axis=1)
    return bool((rows[:, 0] % 1 == 0).all() and (meets | ~known).all())


def _load_rows(path: Path, part: str) -> TrackFile:
    import pandas as pd

    check_last_row(path, _LAST + len(_SCALARS))
    table = pd.read_csv(path, header=None, skipinitialspace=True, dtype=np.float64, float_precision="round_trip")
    rows = table.to_numpy()
    samples, first = samples_of_frames(path, rows[:, 0])
    if np.unique(samples).size < samples.size:
        raise InputError.of(path, "a frame is there twice", "give one file per animal")
    laid = spread(rows, samples)
    polygons = laid[:, _FIRST:_LAST].reshape(len(laid), _CONTOUR, 2)
    names = tuple(f"midline-{i}-{axis}" for i in range(_MIDLINE) for axis in "xy")
    values = np.hstack([laid[:, 1:_FIRST], laid[:, _LAST:]])
    return TrackFile(
        _outline([polygons], ("animal-0",)),
        columns=Columns(("animal-0",), names + _SCALARS, values[:, None]),
        first_frame=first,
        notes=("The contour is in mm; the file tells no frame rate.",),
    )


def _outline(polygons: list[NDArray[np.float64]], individuals: tuple[str, ...]) -> Outline:
    """Return outlines from (n_samples, n_vertices, 2) per animal; a polygon with a missing vertex is left out."""
    vertices, starts = [], []
    for one in polygons:
        whole = np.isfinite(one).all(axis=(1, 2))
        vertices.append(np.ascontiguousarray(one[whole].reshape(-1, 2)))
        starts.append(np.concatenate([[0], np.cumsum(whole * one.shape[1])]).astype(np.int64))
    return Outline(individuals, tuple(vertices), tuple(starts))


def _columns(path: Path) -> dict[str, str]:
    """Return the columns of a table of one row per vertex, by what they hold; none if it is none."""
    header = peek_csv(path).header
    names = {plain(name): name for name in reversed(header)}
    vertex = _VERTEX.intersection(names)
    if len(vertex) != 1 or not {"frame", "x", "y"} <= names.keys():
        return {}
    found = {what: names[what] for what in ("frame", "x", "y")} | {"vertex": names[vertex.pop()]}
    animal = sorted(_ANIMAL.intersection(names))
    return found | ({"animal": names[animal[0]]} if animal else {})


def _load_vertices(path: Path, part: str) -> TrackFile:
    columns = _columns(path)
    table = read_columns(path, list(columns.values()))
    samples, first = samples_of_frames(path, _numbers(table[columns["frame"]]))
    owners: NDArray[np.int64] = np.zeros(samples.size, dtype=np.int64)
    names: tuple[str, ...] = ("animal-0",)
    if "animal" in columns:
        import pandas as pd

        owners, found = pd.factorize(table[columns["animal"]])
        names = tuple(map(str, found))
    order = np.lexsort([_numbers(table[columns["vertex"]]), samples, owners])
    xy = np.stack([_numbers(table[columns["x"]]), _numbers(table[columns["y"]])], axis=1)[order]
    samples, owners = samples[order], owners[order]
    vertices, starts = [], []
    for owner in range(len(names)):
        mine = owners == owner
        counts = np.bincount(samples[mine], minlength=int(samples.max()) + 1)
        broken = np.unique(samples[mine][~np.isfinite(xy[mine]).all(axis=1)])
        counts[broken] = 0
        vertices.append(xy[mine][~np.isin(samples[mine], broken)])
        starts.append(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
    return TrackFile(Outline(names, tuple(vertices), tuple(starts)), first_frame=first)


def _numbers(column: Any) -> NDArray[np.float64]:
    return np.asarray(column, dtype=np.float64)


CONTOUR_ROWS = Reader("larva contours", "outline", _is_rows, _load_rows)
CONTOUR_TABLE = Reader("contour table", "outline", lambda path: bool(_columns(path)), _load_vertices)
