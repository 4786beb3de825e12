"""Hull files: MATLAB v5 to v7 with a variable ``hull``, and v7.3 through HDF5."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.outline import Outline
from napari_atlas.errors import InputError
from napari_atlas.io._matlab5 import Ragged, read_ragged
from napari_atlas.io._matlab73 import has_hulls, read_hulls
from napari_atlas.io._sniff import mat_variables
from napari_atlas.io.track_file import Reader, TrackFile

__all__ = ["HULL"]

_POLYGONS = "ConvexHull"


def _accepts(path: Path) -> bool:
    return "hull" in mat_variables(path) or has_hulls(path)


def _load(path: Path, part: str) -> TrackFile:
    if has_hulls(path):
        ragged = [_ragged(polygons) for polygons in read_hulls(path)]
    else:
        ragged = read_ragged(path) or [_ragged(polygons) for polygons in _read(path)]
    ragged = [_whole(vertices, counts) for vertices, counts in ragged]
    return TrackFile(
        Outline(
            individuals=tuple(f"animal-{i}" for i in range(len(ragged))),
            vertices=tuple(vertices for vertices, _ in ragged),
            starts=tuple(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64) for _, counts in ragged),
        )
    )


def _read(path: Path) -> list[NDArray[Any]]:
    """Return the (n_frames,) polygons of each animal of a v5 to v7 file."""
    from scipy.io import loadmat

    hull = loadmat(path, variable_names=["hull"])["hull"]
    if _POLYGONS in (hull.dtype.names or ()):
        polygons = hull[_POLYGONS].ravel()
        if all(np.asarray(polygon).dtype != object for polygon in polygons):
            return [polygons]  # an array of structs, one per frame
    return [_cells(path, entry) for entry in hull.ravel()]


def _cells(path: Path, entry: Any) -> NDArray[Any]:
    """Return the (n_frames,) polygons of one animal, from a struct that holds a cell or from an array of structs."""
    while isinstance(entry, np.ndarray) and entry.dtype == object and entry.size == 1:
        entry = entry.ravel()[0]
    fields = entry.dtype.names if isinstance(entry, np.ndarray | np.void) else None
    if not fields or _POLYGONS not in fields:
        raise InputError.of(path, f"hull has no field {_POLYGONS}", f"save hull(i).{_POLYGONS}{{frame}}")
    cells = entry[_POLYGONS]
    while cells.dtype == object and cells.size == 1 and cells.ravel()[0].dtype == object:
        cells = cells.ravel()[0]
    return np.asarray(cells).ravel() if cells.dtype == object else _one(cells)


def _one(polygon: NDArray[Any]) -> NDArray[Any]:
    cells = np.empty(1, dtype=object)
    cells[0] = polygon
    return cells


def _points(polygons: Iterable[Any]) -> Iterator[NDArray[Any]]:
    """Yield each polygon as (n_vertices, 2); (0, 2) where there is none or a vertex is not finite."""
    nothing = np.empty((0, 2))
    for polygon in polygons:
        points = polygon
        if points.ndim == 2 and points.shape[1] != 2 and points.shape[0] == 2:
            points = points.T
        yield points if points.ndim == 2 and points.shape[1] == 2 else nothing


def _ragged(polygons: Iterable[Any]) -> Ragged:
    """Return all vertices of one animal, and how many of them each frame has."""
    points = list(_points(polygons))
    counts = np.fromiter(map(len, points), dtype=np.int64, count=len(points))
    return np.concatenate([np.empty((0, 2)), *points]).astype(np.float64), counts


def _whole(vertices: NDArray[np.float64], counts: NDArray[np.int64]) -> Ragged:
    """Return the same without the polygons that have a vertex which is not finite."""
    if np.isfinite(vertices.sum()):
        return vertices, counts
    frame = np.repeat(np.arange(counts.size), counts)
    whole = np.ones(counts.size, dtype=bool)
    whole[frame[~np.isfinite(vertices).all(axis=1)]] = False
    return vertices[whole[frame]], counts * whole


HULL = Reader("hull", "outline", _accepts, _load)
