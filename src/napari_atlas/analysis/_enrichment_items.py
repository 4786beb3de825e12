"""What selected windows are compared in: columns, classes, and signals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.atlas import Atlas
from napari_atlas.data.window_columns import CLUSTERS, KEPT, OWN_RANGE, WindowColumn, WindowColumns

__all__ = ["Item", "items_of"]

_FROM_LATENT = "It follows from the latent, as the map does: windows chosen on a map differ in it anyway, so no p."
_ONE_EACH = "Each recording or animal is a single observation, so no p."
_PREDICTED = "predicted temperature"
_LATENT = re.compile(r"latent \d+")


@dataclass(frozen=True, eq=False)
class Item:
    """A number, or whether a window is of a class, for each window.

    Attributes
    ----------
    column
        Column of `WindowColumns` that shows it; empty if none does.
    label
        What it is.
    values
        (n_windows,) numbers; for a class 1 or 0.
    known
        (n_windows,) which windows can be compared in it.
    unit
        Of the numbers.
    is_class
        Whether it is a class.
    tested
        Whether a p makes sense.
    note
        Why it does not, or what to know about it; empty if nothing.
    """

    column: str
    label: str
    values: NDArray[np.float64]
    known: NDArray[np.bool_]
    unit: str = ""
    is_class: bool = False
    tested: bool = True
    note: str = ""


def items_of(columns: WindowColumns, among: NDArray[np.bool_]) -> Iterator[Item]:
    """Yield what there is to compare in, for the windows *among*; what is the same in all of them is left out."""
    of_columns = (item for name in _worth(columns, among) for item in _of_column(columns.column(name), among))
    for item in chain(of_columns, _of_signals(columns.atlas, among)):
        if item.known.any() and np.ptp(item.values[item.known]) > 0:
            yield item


def _worth(columns: WindowColumns, among: NDArray[np.bool_]) -> list[str]:
    """Return the columns, less those that say what another one says already."""
    table = columns.atlas.windows.table
    tracks = {table.keys[track] for track in np.unique(table.track[among])}
    told = set()
    if len({key.species for key in tracks}) == 1:
        told |= {OWN_RANGE, "activity"}
    if len({key.recording for key in tracks}) == len(tracks):
        told.add("individual")
    return [name for name in columns.names if name not in told]


def _of_column(column: WindowColumn, among: NDArray[np.bool_]) -> Iterator[Item]:
    name, finite = column.name, np.isfinite(column.values)
    if name in (KEPT, _PREDICTED) or name.startswith(CLUSTERS) or _LATENT.fullmatch(name):
        tested, note = False, _FROM_LATENT
    elif name in ("recording", "individual"):
        tested, note = False, _ONE_EACH
    else:
        tested, note = True, column.note
    if not column.classes:
        yield Item(name, name, column.values, among & finite, column.unit, tested=tested, note=note)
        return
    # A window without a tag or a cluster is in none of them; one of unknown class may be of any.
    known = among if name == "tag" or name.startswith(CLUSTERS) else among & finite
    for code in np.unique(column.values[among & finite]):
        label = f"{name}: {column.classes[int(code)]}".removeprefix(CLUSTERS)
        is_one = (column.values == code).astype(np.float64)
        yield Item(name, label, is_one, known, is_class=True, tested=tested, note=note)


def _of_signals(atlas: Atlas, among: NDArray[np.bool_]) -> Iterator[Item]:
    """Yield mean and variability of each channel over the window, species by species, for their units differ."""
    table = atlas.windows.table
    for species, signals in atlas.windows.signals.items():
        rows = table.rows_of(species)
        rows = rows[among[rows]]
        begins, length = atlas.windows.offsets[rows], atlas.windows.lengths[species]
        for channel, name in enumerate(_channels(atlas, species) if rows.size else ()):
            line = np.concatenate([track[:, channel] for track in signals.tracks])
            for what, found in zip(("mean", "variability"), _moments(line, begins, length), strict=True):
                values = np.full(len(table), np.nan)
                values[rows] = found
                shown = "activity" if channel == 0 and what == "mean" else ""
                yield Item(shown, f"{species}: {name}, {what}", values, np.isfinite(values))


def _channels(atlas: Atlas, species: str) -> tuple[str, ...]:
    """Return what to call the channels of a species' signal."""
    names = next((track.channels for track in atlas.tracks if track.key.species == species), ())
    n = atlas.windows.signals[species].n_channels
    return names if len(names) == n else ("signal",) if n == 1 else tuple(f"signal {i + 1}" for i in range(n))


def _moments(line: NDArray[np.float64], begins: NDArray[np.int64], length: int) -> tuple[NDArray[np.float64], ...]:
    """Return mean and standard deviation of stretches of a signal; NaN where nothing is known."""
    known = np.isfinite(line)
    middle = float(line[known].mean()) if known.any() else 0.0
    centred = np.where(known, line - middle, 0.0)
    sums = [np.concatenate([[0.0], np.cumsum(part)]) for part in (known.astype(np.float64), centred, centred**2)]
    n, first, second = (part[begins + length] - part[begins] for part in sums)
    mean = first / np.where(n > 0, n, np.nan)
    return mean + middle, np.sqrt(np.maximum(second / np.where(n > 0, n, np.nan) - mean**2, 0.0))
