"""Tables for other programs: CSV, tab-separated text or Parquet, with a file beside them that says what is what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_atlas.errors import InputError
from napari_atlas.io.atomic import replacing, write_json

__all__ = ["FORMATS", "ExportColumn", "check_target", "format_of", "write_export"]

FORMATS = ("csv", "tsv", "parquet")
"""What a table can be written as; a file's name ends in one of them."""

_FORMAT = 1


@dataclass(frozen=True, eq=False)
class ExportColumn:
    """A column of a table.

    Attributes
    ----------
    name
        Its heading.
    values
        (n_rows,) numbers, truth values or texts; NaN and "" are written as nothing.
    meaning
        What it tells, one sentence.
    unit
        Unit of the numbers; empty if they have none.
    """

    name: str
    values: NDArray[Any]
    meaning: str
    unit: str = ""


def format_of(path: Path, wanted: str = "") -> str:
    """Return what a table is to be written as: what is wanted, or else what the file's name ends in.

    Raises
    ------
    InputError
        If that is none of `FORMATS`, or the name ends in another one.
    """
    ending = path.suffix.lstrip(".").lower()
    if wanted in FORMATS and ending in FORMATS and wanted != ending:
        raise InputError.of(path, f"its name ends in .{ending}, but {wanted} is wanted", "change one of the two")
    kind = wanted or ending
    if kind not in FORMATS:
        what = f"a table cannot be written as {kind!r}" if kind else "its name does not say how to write it"
        raise InputError.of(path, what, "let the name end in .csv, .tsv or .parquet")
    return kind


def check_target(path: Path, kind: str, force: bool) -> None:
    """Refuse a file that cannot be written or is there already, before any work is done.

    Raises
    ------
    InputError
        If it is a folder, is there and *force* is not set, its folder is missing, or Parquet cannot be written here.
    """
    if path.is_dir():
        raise InputError.of(path, "it is a folder", "name a file in it")
    if path.exists() and not force:
        raise InputError.of(path, "it exists already", "name another file, or write --force to replace it")
    if not path.absolute().parent.is_dir():
        raise InputError.of(path, "its folder does not exist", "make the folder first")
    if kind == "parquet" and find_spec("pyarrow") is None:
        cure = "install napari-atlas[tables], or write a .csv"
        raise InputError.of(path, "Parquet needs the package pyarrow", cure)


def write_export(path: Path, kind: str, columns: Sequence[ExportColumn], about: Mapping[str, Any]) -> None:
    """Write a table in one move, and beside it ``<name>.json``, which tells where it comes from and what it holds.

    Parameters
    ----------
    path
        The table; it is replaced if it is there.
    kind
        One of `FORMATS`.
    columns
        Of equally many rows.
    about
        Where the table comes from, JSON types only.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    import pandas as pd

    frame = pd.DataFrame({column.name: _storable(column.values) for column in columns})
    with replacing(path) as file:
        if kind == "parquet":
            frame.to_parquet(file, engine="pyarrow", index=False)
        else:
            frame.to_csv(file, sep="\t" if kind == "tsv" else ",", index=False, lineterminator="\n", encoding="utf-8")
    told = [{"name": c.name, "meaning": c.meaning, **({"unit": c.unit} if c.unit else {})} for c in columns]
    write_json(path.with_name(f"{path.name}.json"), {"format": _FORMAT, **about, "rows": len(frame), "columns": told})


def _storable(values: NDArray[Any]) -> NDArray[Any]:
    """Return texts as objects with None for empty ones, so that nothing is known of them in any format."""
    if values.dtype.kind != "U":
        return values
    texts = values.astype(object)
    texts[values == ""] = None
    return texts
