"""Look at the beginning of a file, without reading it and without ever raising."""

from __future__ import annotations

import codecs
import csv
import zipfile
import zlib
from itertools import islice
from pathlib import Path

import numpy as np

from napari_atlas.errors import InputError

__all__ = [
    "LONGEST_LINE",
    "array_header",
    "check_name",
    "csv_rows",
    "hdf5_names",
    "head",
    "is_hdf5",
    "is_mat",
    "is_zip",
    "mat_start",
    "mat_variables",
    "text_encoding",
    "zip_names",
]

_HDF5 = b"\x89HDF\r\n\x1a\n"
_SNIFFED = 1 << 16
LONGEST_LINE = 4_000_000


def check_name(path: Path) -> None:
    """Refuse a file whose name or folder is not valid text, which no project file can name."""
    shown = str(path).encode("utf-8", "replace").decode()
    if shown != str(path):
        raise InputError.of(shown, "its name is not valid text", "rename the file or folder")


def head(path: Path, size: int = 1024) -> bytes:
    """Return the first *size* bytes, fewer if the file is shorter, none if it cannot be read."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return b""
        with path.open("rb") as handle:
            return handle.read(size)
    except (OSError, ValueError):
        return b""


def is_hdf5(path: Path) -> bool:
    """Whether it begins as HDF5 does, at byte 0 or, as in MATLAB v7.3 files, at byte 512."""
    start = head(path)
    return start.startswith(_HDF5) or start[512:520] == _HDF5


def is_zip(path: Path) -> bool:
    """Whether it begins as a zip archive does (npz, xlsx)."""
    return head(path, 4) == b"PK\x03\x04"


def is_mat(path: Path) -> bool:
    """Whether it is a MATLAB v5, v6 or v7 file (v7.3 is HDF5)."""
    start = head(path, 128)
    return start.startswith(b"MATLAB 5.0") and not is_hdf5(path)


def hdf5_names(path: Path) -> frozenset[str]:
    """Return the names at the top of an HDF5 file; none if it is not one or is damaged."""
    if not is_hdf5(path):
        return frozenset()
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return frozenset(file)
    except (OSError, RuntimeError):
        return frozenset()


def zip_names(path: Path) -> frozenset[str]:
    """Return the members of a zip archive; none if it is not one or is damaged."""
    if not is_zip(path):
        return frozenset()
    try:
        with zipfile.ZipFile(path) as archive:
            return frozenset(archive.namelist())
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError):
        return frozenset()


def mat_variables(path: Path) -> frozenset[str]:
    """Return the variables of a MATLAB v5 to v7 file; none if it is not one or is damaged."""
    if not is_mat(path):
        return frozenset()
    from scipy.io import whosmat

    try:
        return frozenset(name for name, _, _ in whosmat(path))
    except Exception:  # noqa: BLE001 - scipy raises anything at all on a damaged file
        return frozenset()


def mat_start(path: Path, size: int = 4096) -> bytes:
    """Return the first bytes of the first variable of a MATLAB v5 to v7 file, unpacked; none if it is not one."""
    start = head(path, 128 + 2 * size) if is_mat(path) else b""
    packed = start[136:]
    if start[128:132] not in (b"\x0f\0\0\0", b"\0\0\0\x0f"):
        return packed[:size]
    try:
        return zlib.decompressobj().decompress(packed, size)
    except zlib.error:
        return b""


def array_header(path: Path) -> tuple[tuple[int, ...], str]:
    """Return shape and kind (numpy's one letter) of a .npy file; ``((), "")`` if it is not one or is damaged."""
    if head(path, 6) != b"\x93NUMPY":
        return (), ""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return (), ""
    return tuple(array.shape), str(array.dtype.kind)


def text_encoding(path: Path) -> str:
    """Return how a text is encoded: UTF-8, or what Windows writes in western Europe where it cannot be UTF-8."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head(path, _SNIFFED))
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def csv_rows(path: Path, count: int, delimiter: str = ",") -> list[list[str]]:
    """Return the first *count* rows of a text table, cells stripped; none if the file is not text."""
    if b"\0" in head(path) or not path.is_file():
        return []
    try:
        with path.open(encoding=text_encoding(path), errors="replace", newline="") as handle:
            lines = [handle.readline(LONGEST_LINE) for _ in range(count)]
            rows = csv.reader((line for line in lines if line.strip()), delimiter=delimiter)
            return [[cell.strip() for cell in row] for row in islice(rows, count)]
    except (OSError, csv.Error):
        return []
