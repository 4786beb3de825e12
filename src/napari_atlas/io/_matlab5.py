"""Hulls in MATLAB v5 to v7 files, read from the bytes: many small polygons without one object for each of them."""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ragged", "read_ragged"]

Ragged = tuple[NDArray[np.float64], NDArray[np.int64]]  # all vertices of one animal, vertices per frame

_POLYGONS = b"ConvexHull"
_MATRIX, _COMPRESSED, _INT32, _UINT32, _INT8 = 14, 15, 5, 6, 1
_CELL, _STRUCT, _FIRST_NUMBER, _LAST_NUMBER = 1, 2, 6, 15  # double is the first number, uint64 the last one
_COMPLEX = 0x800
_HEADER, _BLOCK = 128, 8192
_MOST = 1032  # bytes that zlib can make of one
_TYPES = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8", 13: "<u8"}
_WIDTHS = np.zeros(16, dtype=np.int64)
_WIDTHS[list(_TYPES)] = [np.dtype(t).itemsize for t in _TYPES.values()]


class _UnexpectedError(ValueError):
    """The file is laid out in a way that only scipy knows."""


def _expect(holds: object) -> None:
    if not holds:
        raise _UnexpectedError


@dataclass(frozen=True)
class _Matrix:
    """Header of one array: its class, how many elements it has, its name, and the byte where its content begins."""

    kind: int
    size: int
    name: bytes
    body: int

    @classmethod
    def at(cls, data: bytes, begin: int) -> _Matrix:
        tag, _, flags_tag, _, flags, _, dims_tag, n_bytes = struct.unpack_from("<8I", data, begin)
        _expect((tag, flags_tag, dims_tag) == (_MATRIX, _UINT32, _INT32))
        dims = struct.unpack_from(f"<{n_bytes // 4}i", data, begin + 32)
        kind, name, body = _element(data, begin + 32 + -(-n_bytes // 8) * 8)
        _expect(kind == _INT8)
        return cls(flags & 0xFF, math.prod(dims), name, body)


def _element(data: bytes, begin: int) -> tuple[int, bytes, int]:
    """Return type and content of a small element, and where the next one begins."""
    tag, n_bytes = struct.unpack_from("<2I", data, begin)
    if tag >> 16:
        return tag & 0xFFFF, data[begin + 4 : begin + 4 + (tag >> 16)], begin + 8
    return tag, data[begin + 8 : begin + 8 + n_bytes], begin + 8 + -(-n_bytes // 8) * 8


def read_ragged(path: Path) -> list[Ragged]:
    """Return, per animal, all vertices, and how many of them each frame has; none if scipy must read the file.

    A polygon that is not (n, 2) or (2, n) has no vertices.
    """
    try:
        data = _variable(path, b"hull")
        words = np.frombuffer(data, "<u4", len(data) // 4)
        return [_polygons(data, words, offsets) for offsets in _animals(data)]
    except (_UnexpectedError, struct.error, zlib.error, IndexError, OSError):
        return []


def _variable(path: Path, name: bytes) -> bytes:
    """Return the bytes of one variable, decompressed, from its tag on."""
    with path.open("rb") as file:
        _expect(file.read(_HEADER).endswith(b"IM"))
        while len(tag := file.read(8)) == 8:
            kind, n_bytes = struct.unpack("<2I", tag)
            if kind == _MATRIX:
                data = tag + file.read(min(n_bytes, 512))
                if _Matrix.at(data, 0).name == name:
                    file.seek(-len(data), 1)
                    return file.read(8 + n_bytes)
                file.seek(8 + n_bytes - len(data), 1)
            else:
                _expect(kind == _COMPRESSED)
                data = file.read(n_bytes)
                start = zlib.decompressobj().decompress(data[:4096], 512)
                if _Matrix.at(start, 0).name == name:
                    size = 8 + int(struct.unpack_from("<I", start, 4)[0])
                    return zlib.decompress(data, bufsize=min(size, _MOST * n_bytes))
    raise _UnexpectedError


def _animals(data: bytes) -> list[NDArray[np.int64]]:
    """Return, per animal, the words at which its polygons begin."""
    hull = _Matrix.at(data, 0)
    if hull.kind == _STRUCT:
        entries = _field(data, hull)
        if entries.size and _Matrix.at(data, 4 * int(entries[0])).kind == _CELL:
            return [_cells(data, entry) for entry in entries]
        return [entries]
    _expect(hull.kind == _CELL)
    return [_frames(data, entry) for entry in _walk(data, hull.body, hull.size)]


def _frames(data: bytes, entry: np.int64) -> NDArray[np.int64]:
    """Return the polygons of a struct array, or of the cell that a single struct holds."""
    entries = _field(data, _Matrix.at(data, 4 * int(entry)))
    if entries.size == 1 and _Matrix.at(data, 4 * int(entries[0])).kind == _CELL:
        return _cells(data, entries[0])
    return entries


def _cells(data: bytes, entry: np.int64) -> NDArray[np.int64]:
    cell = _Matrix.at(data, 4 * int(entry))
    _expect(cell.kind == _CELL)
    return _walk(data, cell.body, cell.size)


def _field(data: bytes, matrix: _Matrix) -> NDArray[np.int64]:
    """Return where the polygons of each entry of a struct array begin."""
    _expect(matrix.kind == _STRUCT)
    _, length, at = _element(data, matrix.body)
    _, names, at = _element(data, at)
    step = int.from_bytes(length, "little")
    fields = [names[i : i + step].split(b"\0")[0] for i in range(0, len(names), max(step, 1))]
    _expect(_POLYGONS in fields)
    return _walk(data, at, matrix.size * len(fields))[fields.index(_POLYGONS) :: len(fields)]


def _walk(data: bytes, begin: int, count: int) -> NDArray[np.int64]:
    """Return the words at which so many arrays begin that lie one after the other."""
    words, at, found = memoryview(data)[: len(data) // 4 * 4].cast("I"), begin // 4, []
    for _ in range(count):
        found.append(at)
        at += 2 + words[at + 1] // 4
    _expect(at * 4 <= len(data))
    return np.array(found, dtype=np.int64)


def _polygons(data: bytes, words: NDArray[np.uint32], at: NDArray[np.int64]) -> Ragged:
    """Return the vertices of the arrays that begin at these words."""
    _expect((words[at] == _MATRIX).all())
    counts = np.zeros(at.size, dtype=np.int64)
    filled = np.flatnonzero(words[at + 1] > 0)
    at = at[filled]
    kinds = words[at + 4] & 0xFF
    _expect(((kinds >= _FIRST_NUMBER) & (kinds <= _LAST_NUMBER) & (words[at + 4] & _COMPLEX == 0)).all())
    for offset, expected in ((2, _UINT32), (3, 8), (6, _INT32), (7, 8), (10, _INT8), (11, 0)):
        _expect((words[at + offset] == expected).all())  # two dimensions and no name
    rows, columns = (words[at + i].astype(np.int64) for i in (8, 9))
    tags = words[at + 12].astype(np.int64)
    small = tags >> 16 > 0
    types = np.minimum(tags & 0xFFFF, _WIDTHS.size - 1)
    n_bytes = np.where(small, tags >> 16, words[at + 13])
    widths = _WIDTHS[types]
    _expect(((widths > 0) & (rows * columns * widths == n_bytes)).all())
    counts[filled] = np.where(columns == 2, rows, np.where(rows == 2, columns, 0))
    begins = np.where(small, at + 13, at + 14) * 4
    _expect(((begins % widths == 0) & (begins + n_bytes <= len(data))).all())
    vertices, ends = np.empty((int(counts.sum()), 2)), np.cumsum(counts)[filled]
    for i in range(0, at.size, _BLOCK):
        block = slice(i, i + _BLOCK)
        n = counts[filled[block]]
        out = vertices[ends[i] - n[0] : ends[block][-1]]
        _gather(data, out, types[block], begins[block], np.stack([n, columns[block] == 2]))
    return vertices, counts


def _gather(
    data: bytes,
    out: NDArray[np.float64],
    types: NDArray[np.int64],
    begins: NDArray[np.int64],
    shapes: NDArray[np.int64],
) -> None:
    """Copy the polygons that begin at these bytes, of (vertices, whether all x come before all y) each, to *out*."""
    first = np.cumsum(shapes[0]) - shapes[0]
    for kind in np.unique(types):
        mine = types == kind
        (n, split), width = shapes[:, mine], _WIDTHS[kind]
        numbers = np.frombuffer(data, _TYPES[int(kind)], len(data) // width)
        within = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
        x = np.repeat(begins[mine] // width, n) + (within if split.all() else within * np.repeat(2 - split, n))
        rows = slice(None) if mine.all() else np.repeat(first[mine], n) + within
        out[rows, 0] = numbers[x]
        out[rows, 1] = numbers[x + np.repeat(np.where(split, n, 1), n)]
