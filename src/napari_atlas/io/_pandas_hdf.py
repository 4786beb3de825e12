"""Tables that pandas wrote to HDF5, read without pandas' storage library and without unpickling anything."""

from __future__ import annotations

import pickletools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.errors import InputError
from napari_atlas.io._sniff import is_hdf5

__all__ = ["PandasTable", "find_table"]

_ROWS = 1 << 14
_NUMBERS = ("integer", "float")
_DAMAGED = (OSError, RuntimeError, KeyError, IndexError, TypeError, ValueError, AttributeError)
_MARK = object()
_MAKE: dict[str, type[list[Any]] | type[tuple[Any, ...]]] = {"LIST": list, "TUPLE": tuple}
_TEXTS = ("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING")
_VALUES = frozenset((*_TEXTS, "INT", "LONG", "LONG1", "BININT", "BININT1", "BININT2"))
_PUTS = frozenset(["PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"])
_GETS = frozenset(["GET", "BINGET", "LONG_BINGET"])

Labels = list[tuple[str, ...]]


@dataclass(frozen=True)
class PandasTable:
    """A frame of numbers whose rows are numbered.

    Attributes
    ----------
    path, key
        The file, and the name of the table in it.
    columns
        Labels of each column, outermost first.
    """

    path: Path
    key: str
    columns: Labels

    def index(self) -> NDArray[np.float64]:
        """Return the (n_rows,) numbers of the rows."""
        import h5py

        with h5py.File(self.path, "r") as file:
            group = file[self.key]
            return np.asarray(group["table"]["index"] if "table" in group else group["axis1"], dtype=np.float64)

    def blocks(self) -> Iterator[NDArray[np.float64]]:
        """Yield the values, (n_rows_of_the_block, n_columns) at a time.

        Raises
        ------
        InputError
            If its values are compressed in a way that is not known here, or do not fit its columns.
        """
        import h5py

        with h5py.File(self.path, "r") as file:
            group = file[self.key]
            stored = _stored(self.path, group, self.columns)
            for dataset, _, _ in stored:
                _check_filters(self.path, dataset)
            n_rows = len(group["table"]) if "table" in group else len(group["axis1"])
            for begin in range(0, n_rows, _ROWS):
                values = np.full((min(_ROWS, n_rows - begin), len(self.columns)), np.nan)
                for dataset, field, where in stored:
                    rows = dataset[begin : begin + _ROWS]
                    values[:, where] = rows[field] if field else rows
                yield values


def find_table(path: Path, *, strict: bool = False) -> PandasTable | None:
    """Return the first table in a file that has numbered rows and columns of 3 or 4 levels; never raises unless asked.

    Parameters
    ----------
    path
        Any file.
    strict
        Whether to raise an `InputError` where column labels are stored in a way that is not read.
    """
    if not is_hdf5(path):
        return None
    import h5py

    try:
        with h5py.File(path, "r") as file:
            tables = (_table(path, key, file[key], strict) for key in sorted(file))
            return next((table for table in tables if table is not None), None)
    except _DAMAGED:
        return None


def _table(path: Path, key: str, group: Any, strict: bool) -> PandasTable | None:
    try:
        columns = _columns(path, group) if _has_numbered_rows(group) else []
    except _DAMAGED:
        return None
    except InputError:
        if strict:
            raise
        return PandasTable(path, key, [])
    return PandasTable(path, key, columns) if columns and len(columns[0]) in (3, 4) else None


def _has_numbered_rows(group: Any) -> bool:
    kind = group.attrs.get("pandas_type", b"")
    if kind == b"frame_table":
        table = group["table"]
        blocks = {name for name in table.dtype.names if name.startswith("values_block_")}
        return table.attrs["index_kind"].decode() in _NUMBERS and blocks == {*table.dtype.names} - {"index"}
    return kind == b"frame" and "axis1" in group and group["axis1"].attrs["kind"].decode() in _NUMBERS


def _columns(path: Path, group: Any) -> Labels:
    if "table" not in group:
        return _levels(group, "axis0")
    axes = _texts(path, group.attrs["non_index_axes"])
    return [label for label in axes[0][1] if isinstance(label, tuple)]


def _levels(group: Any, name: str) -> Labels:
    """Return the labels of one axis: per level, a code for each column into its texts."""
    levels = []
    for i in range(int(group.attrs.get(f"{name}_nlevels", 0))):
        texts = [bytes(text).decode("utf-8", "replace") for text in group[f"{name}_level{i}"][()]]
        levels.append([texts[code] for code in group[f"{name}_label{i}"][()]])
    return list(zip(*levels, strict=True))


def _stored(path: Path, group: Any, columns: Labels) -> list[tuple[Any, str, list[int]]]:
    """Return the datasets that hold the values, the field to take from each, and the columns that it fills."""
    place = {label: i for i, label in enumerate(columns)}
    if "table" in group:
        table = group["table"]
        fields = [name for name in table.dtype.names if name != "index"]
        labels = [_texts(path, table.attrs[f"{name}_kind"]) for name in fields]
        found = [(table, name, [place[label] for label in own]) for name, own in zip(fields, labels, strict=True)]
    else:
        names = [f"block{i}" for i in range(int(group.attrs["nblocks"]))]
        found = [(group[f"{n}_values"], "", [place[label] for label in _levels(group, f"{n}_items")]) for n in names]
    if sum(len(where) for _, _, where in found) != len(columns):
        raise InputError.of(path, "its values do not fit its columns", "write the table again with pandas")
    return found


def _check_filters(path: Path, dataset: Any) -> None:
    from h5py import h5z

    made = dataset.id.get_create_plist()
    filters = [made.get_filter(i) for i in range(made.get_nfilters())]
    lacking = [name.decode() for code, _, _, name in filters if not h5z.filter_avail(code)]
    if lacking:
        raise InputError.of(
            path, f"it is compressed with {lacking[0]}, which is not known here", "write it with complib='zlib'"
        )


def _texts(path: Path, pickled: Any) -> Any:
    """Return pickled lists of labels; only texts, whole numbers, lists and tuples are read, and nothing is run."""
    try:
        return _Labels().read(bytes(pickled))
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise InputError.of(
            path, "its column names are stored as objects, which are never loaded", "write it as .csv"
        ) from error


class _Labels:
    """A reader of the few pickle instructions that make lists of labels."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def read(self, pickled: bytes) -> Any:
        """Return what the instructions make; raise a ValueError at any that could make something else."""
        for code, value, _ in pickletools.genops(pickled):
            self._do(code.name, value)
        return self.stack.pop()

    def _do(self, name: str, value: Any) -> None:
        if name in _VALUES:
            self.stack.append(value)
        elif name in _PUTS:
            self.memo[len(self.memo) if value is None else value] = self.stack[-1]
        elif name in _GETS:
            self.stack.append(self.memo[value])
        elif name not in ("PROTO", "FRAME", "STOP"):
            self._build(name)

    def _build(self, name: str) -> None:
        match name:
            case "MARK":
                self.stack.append(_MARK)
            case "LIST" | "TUPLE":
                self.stack.append(_MAKE[name](self._since_mark()))
            case "EMPTY_LIST" | "EMPTY_TUPLE":
                self.stack.append(_MAKE[name.removeprefix("EMPTY_")]())
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                self.stack[-int(name[-1]) :] = [tuple(self.stack[-int(name[-1]) :])]
            case "APPEND":
                item = self.stack.pop()
                self.stack[-1].append(item)
            case "APPENDS":
                items = self._since_mark()
                self.stack[-1].extend(items)
            case _:
                raise ValueError(name)

    def _since_mark(self) -> list[Any]:
        begin = len(self.stack) - 1 - self.stack[::-1].index(_MARK)
        items = self.stack[begin + 1 :]
        del self.stack[begin:]
        return items
