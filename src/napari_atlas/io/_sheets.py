"""Text tables, workbooks and Parquet files: their header, their first rows, chosen columns."""

from __future__ import annotations

import csv
import importlib.util
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from napari_atlas.errors import AtlasError, InputError
from napari_atlas.io._sniff import LONGEST_LINE, head, text_encoding, zip_names

__all__ = [
    "Sheet",
    "check_last_row",
    "missing_package",
    "peek",
    "peek_csv",
    "read_columns",
    "sheet_kind",
    "sheet_names",
]

_DELIMITERS = ",;\t"
_COMMA_NUMBER = re.compile(r"-?\d+,\d+$")
_PEEKED = 20
_Read = TypeVar("_Read")
_PACKAGES = {"parquet": "pyarrow", "xlsx": "openpyxl"}


@dataclass(frozen=True)
class Sheet:
    """The beginning of a table.

    Attributes
    ----------
    header
        Column names, stripped; repeated ones stay repeated.
    rows
        The first rows, as text.
    delimiter
        What separates the columns of a text table.
    """

    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    delimiter: str = ","

    @property
    def decimal(self) -> str:
        """The decimal mark: a comma only where columns are not separated by one."""
        commas = self.delimiter != "," and any(_COMMA_NUMBER.match(cell) for row in self.rows for cell in row)
        return "," if commas else "."


def sheet_kind(path: Path) -> str:
    """Return ``"xlsx"``, ``"parquet"``, ``"csv"`` for any other text, or nothing; never raises."""
    start = head(path)
    if start.startswith(b"PAR1"):
        return "parquet"
    if any(name.startswith("xl/") for name in zip_names(path)):
        return "xlsx"
    return (
        "csv" if start and b"\0" not in start and not start.startswith((b"PK\x03\x04", b"\x89HDF", b"MATLAB")) else ""
    )


def missing_package(path: Path) -> str:
    """Return the package that is needed to read this kind of table and is not installed; empty for none."""
    package = _PACKAGES.get(sheet_kind(path), "")
    return package if package and importlib.util.find_spec(package) is None else ""


def peek_csv(path: Path, skip_rows: int = 0) -> Sheet:
    """Return the beginning of a text table; an empty one if it is none; never raises."""
    if sheet_kind(path) != "csv":
        return Sheet()
    try:
        with path.open(encoding=text_encoding(path), errors="replace", newline="") as handle:
            lines = [handle.readline(LONGEST_LINE) for _ in range(skip_rows + 1 + _PEEKED)][skip_rows:]
        return max((_split(lines, mark) for mark in _DELIMITERS), key=_likeness)
    except (OSError, csv.Error):
        return Sheet()


def _split(lines: list[str], delimiter: str) -> Sheet:
    rows = [tuple(c.strip() for c in row) for row in csv.reader(lines, delimiter=delimiter) if any(row)]
    return Sheet(rows[0], tuple(rows[1:]), delimiter) if rows else Sheet()


def _likeness(sheet: Sheet) -> tuple[float, int]:
    """Return how likely it is that a text table was split at the right mark: how many rows are as wide as the header.

    Of those that are alike the widest counts; a header of one cell counts least.
    """
    width = len(sheet.header)
    fits = sum(len(row) == width for row in sheet.rows)
    return (fits / max(len(sheet.rows), 1) if width > 1 else -1.0, width)


def peek(path: Path, sheet: str = "", skip_rows: int = 0) -> Sheet:
    """Return the beginning of a table of any kind.

    Raises
    ------
    InputError
        If it is no table, is damaged, has no such sheet, or its package is not installed.
    """
    kind = sheet_kind(path)
    found = _guarded(path, lambda: _PEEKS[kind](path, sheet, skip_rows)) if kind else Sheet()
    if not any(found.header):
        raise InputError.of(path, "it is not a table with a header", "give a .csv, .xlsx or .parquet file")
    widest = max((len(row) - (not row[-1]) for row in found.rows), default=0)
    if widest > len(found.header):
        text = f"its rows have {widest} cells and its header {len(found.header)}"
        raise InputError.of(path, text, "name every column, or say with skip_rows where the header is")
    return found


def _guarded(path: Path, read: Callable[[], _Read]) -> _Read:
    """Return what *read* returns, any fault told in one line."""
    if package := missing_package(path):
        raise InputError.of(path, f"reading it needs {package}", "install napari-atlas[tables]")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and extensions of workbooks
            return read()
    except AtlasError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError.of(path, f"it cannot be read as a table ({text})", "copy or export it again") from error


def _text(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _workbook_rows(path: Path, sheet: str, skip_rows: int, count: int | None = None) -> list[tuple[Any, ...]]:
    """Return rows of a workbook's sheet, without empty ones at its end."""
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        if sheet and sheet not in book.sheetnames:
            raise InputError.of(path, f"it has no sheet {sheet!r}", f"choose from {', '.join(book.sheetnames)}")
        cells = (book[sheet] if sheet else book.worksheets[0]).iter_rows(values_only=True)
        rows = list(islice(cells, skip_rows, None if count is None else skip_rows + count))
    finally:
        book.close()
    while rows and all(cell in (None, "") for cell in rows[-1]):
        rows.pop()
    return rows


def sheet_names(path: Path) -> tuple[str, ...]:
    """Return the sheets of a workbook, in order; none for any other file, or one that cannot be read; never raises."""

    def read() -> tuple[str, ...]:
        import openpyxl

        book = openpyxl.load_workbook(path, read_only=True)
        try:
            return tuple(sheet.title for sheet in book.worksheets)
        finally:
            book.close()

    try:
        return _guarded(path, read) if sheet_kind(path) == "xlsx" else ()
    except AtlasError:
        return ()


def _peek_workbook(path: Path, sheet: str, skip_rows: int) -> Sheet:
    rows = [tuple(map(_text, row)) for row in _workbook_rows(path, sheet, skip_rows, 1 + _PEEKED)]
    return Sheet(rows[0], tuple(rows[1:])) if rows else Sheet()


def _peek_parquet(path: Path, sheet: str, skip_rows: int) -> Sheet:
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        header = tuple(file.schema_arrow.names)
        batch = next(file.iter_batches(batch_size=_PEEKED), None)
        columns = [] if batch is None else [map(_text, column.to_pylist()) for column in batch.columns]
        return Sheet(header, tuple(zip(*columns, strict=True)))


_PEEKS: dict[str, Callable[[Path, str, int], Sheet]] = {
    "csv": lambda path, sheet, skip_rows: peek_csv(path, skip_rows),
    "xlsx": _peek_workbook,
    "parquet": _peek_parquet,
}


def check_last_row(path: Path, n_columns: int, delimiter: str = ",") -> None:
    """Refuse a text table whose last row breaks off."""
    with path.open("rb") as handle:
        size = handle.seek(0, 2)
        handle.seek(max(0, size - 64 * n_columns - 4096))
        tail = handle.read().decode("utf-8", "replace").rstrip("\r\n ").splitlines()[-1]
    found = len(next(csv.reader([tail], delimiter=delimiter)))
    if found < n_columns:
        raise InputError.of(path, f"its last row has {found} of {n_columns} columns", "it was cut short; copy it again")


def read_columns(path: Path, names: Sequence[str], sheet: str = "", skip_rows: int = 0) -> dict[str, Any]:
    """Return columns of a table as pandas series, by name; of those that share a name, the first.

    Raises
    ------
    InputError
        If it is no table, is damaged or cut short.
    """
    start = peek(path, sheet, skip_rows)
    where = {name: start.header.index(name) for name in names}
    frame = _guarded(path, lambda: _read(path, start, sorted(set(where.values())), (sheet, skip_rows)))
    order = {column: i for i, column in enumerate(sorted(set(where.values())))}
    return {name: frame.iloc[:, order[column]] for name, column in where.items()}


def _read(path: Path, start: Sheet, columns: list[int], place: tuple[str, int]) -> Any:
    import pandas as pd

    sheet, skip_rows = place
    kind = sheet_kind(path)
    if kind == "xlsx":
        rows = _workbook_rows(path, sheet, skip_rows)[1:]
        return pd.DataFrame(
            [[row[i] if i < len(row) else None for i in columns] for row in rows], columns=columns
        ).infer_objects()
    if kind == "parquet":
        from pyarrow.parquet import ParquetFile

        with ParquetFile(path) as file:
            names = [start.header[i] for i in columns]
            return file.read(names).select(names).to_pandas(ignore_metadata=True)
    check_last_row(path, len(start.header), start.delimiter)
    return pd.read_csv(
        path,
        sep=start.delimiter,
        skiprows=skip_rows,
        usecols=columns,
        decimal=start.decimal,
        index_col=False,
        skipinitialspace=True,
        float_precision="round_trip",
        encoding=text_encoding(path),
        encoding_errors="replace",
    )
