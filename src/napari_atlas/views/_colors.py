"""Colour columns of the window table."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_atlas.data.species import COLORS
from napari_atlas.data.window_columns import OWN_RANGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_atlas.data.species import Species
    from napari_atlas.data.window_columns import WindowColumn, WindowColumns

__all__ = ["MISSING", "SEQUENCE", "SPLIT_COLORS", "THERMAL", "Coloring", "Entry", "color_of", "limits_of", "rgba_of"]

Rgba = NDArray[np.float32]

# Both run through colours of middling lightness, so that neither end fades into a dark or a light background.
THERMAL = ("#3E7BEB", "#6396E6", "#8CABDB", "#B99FB6", "#E69078", "#E76C57", "#DB4239")
SEQUENCE = ("#7B68D9", "#4C87D6", "#2E9FB5", "#3FB58A", "#86C45A", "#D2C63F")
MISSING = "#808791"
_UNKNOWN = "not known"
_UNNAMED = {"tag": "no tag"}
_STEPS = 256
SPLIT_COLORS = {"train": "#8195AB", "validation": "#56B4E9", "test": "#F28E2B", "gap": "#6A6F78"}


@dataclass(frozen=True)
class Entry:
    """One class in the legend.

    Attributes
    ----------
    label
        Name of the class.
    color
        As "#rrggbb".
    count
        Windows in it.
    marker
        Marker of the species; ``"disc"`` for any other class.
    """

    label: str
    color: str
    count: int
    marker: str = "disc"


@dataclass(frozen=True, eq=False)
class Coloring:
    """What a column looks like.

    Attributes
    ----------
    column
        Name of the column.
    rgba
        (n_windows, 4) in 0–1; opaque. Grey where the value is NaN.
    codes
        (n_windows,) index into ``entries``; −1 throughout for a continuous column.
    entries
        The classes, in legend order; empty for a continuous column.
    low, high
        Values at both ends of ``stops``; NaN for classes.
    unit
        Unit of low and high.
    stops
        Colours from low to high, evenly spaced; empty for classes.
    note
        What to know about the column; empty if nothing.
    whole
        Least and greatest value that ``low`` and ``high`` can be set to.
    """

    column: str
    rgba: Rgba
    codes: NDArray[np.int64]
    entries: tuple[Entry, ...] = ()
    low: float = float("nan")
    high: float = float("nan")
    unit: str = ""
    stops: tuple[str, ...] = field(default=())
    note: str = ""
    whole: tuple[float, float] = (0.0, 1.0)

    @property
    def continuous(self) -> bool:
        """Whether it is a scale rather than classes."""
        return bool(self.stops)

    def selected_counts(self, ids: NDArray[np.int64]) -> tuple[int, ...]:
        """Return how many of the windows *ids* each class holds."""
        codes = self.codes[ids[ids < self.codes.size]]
        counts = np.bincount(codes[codes >= 0], minlength=len(self.entries))
        return tuple(int(count) for count in counts)

    def members(self, label: str) -> NDArray[np.int64]:
        """Return the window ids of one class; empty if there is no such class."""
        labels = [entry.label for entry in self.entries]
        return np.flatnonzero(self.codes == labels.index(label)) if label in labels else np.empty(0, dtype=np.int64)


def color_of(columns: WindowColumns, name: str, limits: tuple[float, float] | None = None) -> Coloring:
    """Return the colours and the legend of a column.

    Parameters
    ----------
    columns, name
        The columns, and which of them.
    limits
        Values at both ends of the scale; None takes those of the column.

    Raises
    ------
    InputError
        If there is no such column.
    """
    column = columns.column(name)
    if not column.classes:
        return _scale(column, limits)
    return _classes(column, _entries_of(columns, column))


def rgba_of(colors: ArrayLike) -> Rgba:
    """Return (n, 4) values in 0–1 of colours given as "#rrggbb"."""
    hexes = [str(color).lstrip("#") for color in np.atleast_1d(np.asarray(colors))]
    rows = [[int(h[i : i + 2], 16) / 255 for i in (0, 2, 4)] + [1.0] for h in hexes]
    return np.asarray(rows, dtype=np.float32).reshape(-1, 4)


def _entries_of(columns: WindowColumns, column: WindowColumn) -> list[Entry]:
    """Return one entry per class, windows or not; species have their markers."""
    known = np.isfinite(column.values)
    counts = np.bincount(column.values[known].astype(np.int64), minlength=len(column.classes))
    markers = {s.name: s for s in columns.atlas.windows.species} if column.name == "species" else {}
    colors = dict(zip(column.classes, column.colors, strict=True)) if column.colors else _palette(column, markers)
    return [
        Entry(label, colors[label], int(count), markers[label].marker if label in markers else "disc")
        for label, count in zip(column.classes, counts, strict=True)
    ]


def _palette(column: WindowColumn, kinds: Mapping[str, Species]) -> dict[str, str]:
    if column.name == "split":
        return SPLIT_COLORS
    return {name: kind.color for name, kind in kinds.items()} or _keyed_by_name(list(column.classes))


def _classes(column: WindowColumn, entries: list[Entry]) -> Coloring:
    """Leave out the classes without windows; those of unknown class become an entry of their own."""
    known = np.isfinite(column.values)
    n_unknown = int(column.values.size - known.sum())
    kept = [i for i, entry in enumerate(entries) if entry.count]
    place = np.full(len(entries) + 1, len(kept), dtype=np.int64)
    place[kept] = np.arange(len(kept))
    codes = place[np.where(known, column.values, len(entries)).astype(np.int64)]
    nowhere = Entry(_UNNAMED.get(column.name, _UNKNOWN), MISSING, n_unknown)
    shown = [entries[i] for i in kept] + ([nowhere] if n_unknown else [])
    rgba = rgba_of([entry.color for entry in shown])[codes] if shown else np.empty((0, 4), dtype=np.float32)
    return Coloring(column.name, rgba, codes, tuple(shown), note=column.note)


def _scale(column: WindowColumn, limits: tuple[float, float] | None) -> Coloring:
    stops = THERMAL if column.unit == "°C" or column.name == OWN_RANGE else SEQUENCE
    whole = limits_of(column)
    low, high = limits if limits and np.isfinite(limits).all() and limits[0] < limits[1] else whole
    known = np.isfinite(column.values)
    share = np.clip((column.values - low) / ((high - low) or 1.0), 0.0, 1.0)
    steps = np.linspace(0, len(stops) - 1, _STEPS)
    ramp = np.stack([np.interp(steps, np.arange(len(stops)), part) for part in rgba_of(stops).T], axis=1)
    table = np.concatenate([ramp, rgba_of([MISSING])]).astype(np.float32)
    place = np.where(known, share * (_STEPS - 1) + 0.5, _STEPS).astype(np.int64)
    codes = np.full(column.values.size, -1, dtype=np.int64)
    return Coloring(column.name, table[place], codes, (), low, high, column.unit, stops, column.note, whole)


def limits_of(column: WindowColumn) -> tuple[float, float]:
    """Return the ends of a column's scale: its own, or else its least and greatest value."""
    known = column.values[np.isfinite(column.values)]
    ends = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    low, high = (own if np.isfinite(own) else end for own, end in zip(column.limits, ends, strict=True))
    return low, high


def _keyed_by_name(names: list[str]) -> dict[str, str]:
    """Give each name the colour that its spelling points at, or the next free one, so that it keeps it."""
    taken: dict[int, str] = {}
    colors: dict[str, str] = {}
    for name in sorted(names):
        slot = zlib.crc32(name.encode()) % len(COLORS)
        if len(taken) < len(COLORS):
            while slot in taken:
                slot = (slot + 1) % len(COLORS)
            taken[slot] = name
        colors[name] = COLORS[slot]
    return colors
