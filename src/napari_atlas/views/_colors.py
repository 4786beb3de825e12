"""Colour columns of the window table."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from napari_atlas.data.species import COLORS
from napari_atlas.data.windows import SPLITS
from napari_atlas.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_atlas.data.atlas import Atlas
    from napari_atlas.data.covariate_columns import CovariateColumn

__all__ = ["MISSING", "SEQUENCE", "SPLIT_COLORS", "THERMAL", "Coloring", "Entry", "color_of", "columns", "rgba_of"]

Rgba = NDArray[np.float32]

# Both run through colours of middling lightness, so that neither end fades into a dark or a light background.
THERMAL = ("#3E7BEB", "#6396E6", "#8CABDB", "#B99FB6", "#E69078", "#E76C57", "#DB4239")
SEQUENCE = ("#7B68D9", "#4C87D6", "#2E9FB5", "#3FB58A", "#86C45A", "#D2C63F")
MISSING = "#808791"
_UNKNOWN = "not known"
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
    """

    column: str
    rgba: Rgba
    codes: NDArray[np.int64]
    entries: tuple[Entry, ...] = ()
    low: float = float("nan")
    high: float = float("nan")
    unit: str = ""
    stops: tuple[str, ...] = field(default=())

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


def columns(atlas: Atlas) -> tuple[str, ...]:
    """Return the columns that can colour the map; temperature and other covariates only where there are any."""
    table = atlas.windows.table
    thermal = ("temperature",) if table.has_temperature else ()
    others = (column.name for column in table.covariates if np.isfinite(column.values).any())
    return ("species", *thermal, "activity", *others, "recording", "individual", "split")


def color_of(atlas: Atlas, column: str) -> Coloring:
    """Return the colours and the legend of a column.

    Raises
    ------
    InputError
        If the atlas has no such column.
    """
    if column not in columns(atlas):
        raise InputError.of("colour", f"there is no column {column!r}", f"choose from {', '.join(columns(atlas))}")
    if column in _COLUMNS:
        return _COLUMNS[column](atlas)
    return _covariate(next(c for c in atlas.windows.table.covariates if c.name == column))


def rgba_of(colors: ArrayLike) -> Rgba:
    """Return (n, 4) values in 0–1 of colours given as "#rrggbb"."""
    hexes = [str(color).lstrip("#") for color in np.atleast_1d(np.asarray(colors))]
    rows = [[int(h[i : i + 2], 16) / 255 for i in (0, 2, 4)] + [1.0] for h in hexes]
    return np.asarray(rows, dtype=np.float32).reshape(-1, 4)


def _species(atlas: Atlas) -> Coloring:
    names = atlas.windows.table.of_key("species")
    settings = {s.name: s for s in atlas.windows.species}
    kinds = [settings[name] for name in atlas.windows.table.species_names()]
    return _classes(
        "species", names, [Entry(kind.name, kind.color, int((names == kind.name).sum()), kind.marker) for kind in kinds]
    )


def _recording(atlas: Atlas) -> Coloring:
    return _named("recording", atlas.windows.table.of_key("recording"))


def _individual(atlas: Atlas) -> Coloring:
    table = atlas.windows.table
    names = np.array([f"{key.recording} / {key.individual}" for key in table.keys] or [""])
    return _named("individual", names[table.track])


def _split(atlas: Atlas) -> Coloring:
    names = np.array(SPLITS)[atlas.windows.table.split]
    counts = {name: int((names == name).sum()) for name in SPLITS}
    return _classes("split", names, [Entry(n, SPLIT_COLORS[n], count) for n, count in counts.items() if count])


def _temperature(atlas: Atlas) -> Coloring:
    values = atlas.windows.table.temperature
    return _scale("temperature", values, (float(np.nanmin(values)), float(np.nanmax(values))), "°C", THERMAL)


def _activity(atlas: Atlas) -> Coloring:
    """Rank within each species, because signals of different species differ in unit."""
    table = atlas.windows.table
    percentile = np.full(len(table), np.nan)
    for name in table.species_names():
        rows = table.rows_of(name)
        rows = rows[np.isfinite(table.activity[rows])]
        percentile[rows] = 100.0 * (rankdata(table.activity[rows]) - 0.5) / max(1, rows.size)
    return _scale("activity", percentile, (0.0, 100.0), "percentile", SEQUENCE)


def _covariate(column: CovariateColumn) -> Coloring:
    if not column.classes:
        limits = (float(np.nanmin(column.values)), float(np.nanmax(column.values)))
        return _scale(column.name, column.values, limits, "", SEQUENCE)
    palette = _keyed_by_name(list(column.classes))
    names = np.where(np.isfinite(column.values), column.texts(), _UNKNOWN)
    counts = {name: int((names == name).sum()) for name in (*column.classes, _UNKNOWN)}
    entries = [Entry(name, palette.get(name, MISSING), count) for name, count in counts.items() if count]
    return _classes(column.name, names, entries)


_COLUMNS: dict[str, Callable[[Atlas], Coloring]] = {
    "species": _species,
    "temperature": _temperature,
    "activity": _activity,
    "recording": _recording,
    "individual": _individual,
    "split": _split,
}


def _named(column: str, names: NDArray[np.str_]) -> Coloring:
    labels, counts = np.unique(names, return_counts=True)
    palette = _keyed_by_name([str(label) for label in labels])
    entries = [Entry(str(label), palette[str(label)], int(n)) for label, n in zip(labels, counts, strict=True)]
    return _classes(column, names, entries)


def _classes(column: str, names: NDArray[np.str_], entries: list[Entry]) -> Coloring:
    order = {entry.label: i for i, entry in enumerate(entries)}
    codes = np.array([order[str(name)] for name in names], dtype=np.int64)
    rgba = rgba_of([entry.color for entry in entries])[codes] if entries else np.empty((0, 4), dtype=np.float32)
    return Coloring(column, rgba, codes, tuple(entries))


def _scale(
    column: str, values: NDArray[np.float64], limits: tuple[float, float], unit: str, stops: tuple[str, ...]
) -> Coloring:
    low, high = limits
    known = np.isfinite(values)
    place = np.where(known, (values - low) / ((high - low) or 1.0), 0.0) * (len(stops) - 1)
    ramp = rgba_of(stops)
    rgba = np.stack([np.interp(place, np.arange(len(stops)), ramp[:, i]) for i in range(4)], axis=1)
    rgba[~known] = rgba_of([MISSING])[0]
    codes = np.full(values.size, -1, dtype=np.int64)
    return Coloring(column, rgba.astype(np.float32), codes, (), low, high, unit, stops)


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
