"""Tables of results, and files of settings that people write."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_atlas.errors import InputError
from napari_atlas.io.atomic import write_text

__all__ = ["read_document", "read_rows", "read_settings", "write_rows"]


def write_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write a CSV table in one move; the columns are those of the first row."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV table as text; none if there is no such file."""
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            return [{key: value or "" for key, value in row.items() if key} for row in csv.DictReader(lines)]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError.of(path, "it cannot be read as a table", "delete it to have it written anew") from error


def read_document(path: Path) -> dict[str, Any]:
    """Return what a TOML or JSON file says; a name that ends in ``.json`` makes it JSON.

    Raises
    ------
    InputError
        If it is missing, not valid, or no table of keys and values.
    """
    kind = "JSON" if path.suffix.lower() == ".json" else "TOML"
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if kind == "JSON" else tomllib.loads(text)
    except OSError as error:
        raise InputError.of(path, f"it cannot be read ({error.strerror})", "check the path") from error
    except ValueError as error:
        raise InputError.of(path, f"it is not valid {kind} ({error})", "mend it by hand or restore a copy") from error
    if not isinstance(found, dict):
        raise InputError.of(path, "it holds no keys with values", "write one setting per line")
    return found


def read_settings(path: Path) -> dict[str, Any]:
    """Return the settings in a TOML or JSON file, not checked; a run's ``config.json`` serves too.

    Raises
    ------
    InputError
        If it is missing, not valid, or no table of keys and values.
    """
    found = read_document(path)
    inner = found.get("config")
    return inner if isinstance(inner, dict) else found
