"""Hulls in MATLAB v7.3 files, which are HDF5: cells and struct arrays are datasets of references."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.errors import InputError
from napari_atlas.io._sniff import hdf5_names, head

__all__ = ["has_hulls", "read_hulls"]

_POLYGONS = "ConvexHull"


def has_hulls(path: Path) -> bool:
    """Whether a file is MATLAB v7.3 and has a variable ``hull``; never raises."""
    return head(path, 6) == b"MATLAB" and "hull" in hdf5_names(path)


def read_hulls(path: Path) -> list[list[NDArray[Any]]]:
    """Return, per animal and frame, the (n_vertices, 2) polygon; (0, 2) where there is none.

    Raises
    ------
    InputError
        If hull is not laid out as struct with cell, or as cell of struct.
    """
    import h5py

    with h5py.File(path, "r") as file:
        hull = file["hull"]
        if isinstance(hull, h5py.Group):
            cells = _animals(file, _field(path, hull))
        elif _refers(hull):
            cells = [_frames(file, _field(path, file[ref])) for ref in hull[()].ravel()]
        else:
            raise _unfit(path)
        return [list(_polygons(file.id, refs)) for refs in cells]


def _unfit(path: Path) -> InputError:
    return InputError.of(path, f"hull has no field {_POLYGONS}", f"save hull(i).{_POLYGONS}{{frame}}")


def _field(path: Path, struct: Any) -> Any:
    if _POLYGONS not in struct or not _refers(struct[_POLYGONS]):
        raise _unfit(path)
    return struct[_POLYGONS]


def _refers(dataset: Any) -> bool:
    return getattr(getattr(dataset, "dtype", None), "kind", "") == "O"


def _animals(file: Any, field: Any) -> list[NDArray[Any]]:
    """Return each animal's references to polygons: *field* refers to one cell per animal, or is the only one's cell."""
    refs = field[()].ravel()
    if refs.size and _refers(file[refs[0]]):
        return [file[ref][()].ravel() for ref in refs]
    return [refs]


def _frames(file: Any, field: Any) -> NDArray[Any]:
    """Return one animal's references to polygons, from an array of structs or from a struct that holds a cell."""
    return np.concatenate(_animals(file, field))


def _polygons(file: Any, refs: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield one animal's polygons; MATLAB stores the dimensions of an empty array in place of its values."""
    from h5py import h5a, h5r, h5s

    for ref in refs:
        dataset = h5r.dereference(ref, file)  # an h5py.Dataset for each takes four times as long
        if h5a.exists(dataset, b"MATLAB_empty"):
            yield np.empty((0, 2))
        else:
            values = np.empty(dataset.shape, dtype=dataset.dtype)
            dataset.read(h5s.ALL, h5s.ALL, values)
            yield values.T
