"""Between the command line and the rest: settings from what was typed, tables as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from napari_atlas.analysis.comparison import cell, comparison
from napari_atlas.data.presets import PRESETS
from napari_atlas.errors import InputError

__all__ = ["comparison_text", "sweep_text", "typed_settings"]

_SWEEP_PLUMBING = ("note", "validation_reconstruction", "validation_kl", "validation_temperature")


def typed_settings(preset: str, file: Path | None, pairs: Iterable[str]) -> dict[str, Any]:
    """Return the settings that were asked for, not checked; what comes later wins.

    Parameters
    ----------
    preset
        Name of a preset.
    file
        A file of settings, TOML or JSON.
    pairs
        Texts such as ``"beta=2"``.

    Raises
    ------
    InputError
        If the file cannot be read, or there is no "=" in a pair.
    """
    from napari_atlas.io.tables import read_settings

    from_file = read_settings(file) if file else {}
    return {**PRESETS[preset].values, **from_file, **dict(_pair(text) for text in pairs)}


def comparison_text(rows: Sequence[dict[str, Any]]) -> str:
    """Return runs side by side: a column for each, and a line for whatever is known of one of them."""
    return _aligned(comparison(rows)) + (f"\nnote: {rows[0]['note']}" if rows[0]["note"] else "")


def sweep_text(rows: Sequence[dict[str, Any]]) -> str:
    """Return a sweep's table, a line for each point, on lines of its own; nothing without rows."""
    names = [name for name in (rows[0] if rows else ()) if name not in _SWEEP_PLUMBING]
    shown = [name for name in names if any(cell(row[name]) for row in rows)]
    return "\n" + _aligned([shown, *([cell(row[name]) for name in shown] for row in rows)]) if rows else ""


def _pair(text: str) -> tuple[str, str]:
    key, mark, value = text.partition("=")
    if not mark:
        raise InputError.of(f"--set {text}", "there is no = in it", "write --set key=value")
    return key.strip(), value.strip()


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)
