"""Hold windows out: by recording, by individual, or by blocks of time, never by overlapping window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.config import FitConfig
from napari_atlas.data.windows import SPLITS, WindowTable

__all__ = ["Split", "assign_split"]

_TRAIN, _VALIDATION, _TEST, _GAP = range(4)
_ENOUGH = 8


@dataclass(frozen=True)
class Split:
    """Which part each window belongs to.

    Attributes
    ----------
    codes
        (n_windows,) index into ``SPLITS``.
    notes
        One sentence per species: what was held out, and why so.
    """

    codes: NDArray[np.int8]
    notes: tuple[str, ...]


def assign_split(table: WindowTable, config: FitConfig) -> Split:
    """Return the split of all windows.

    Each species is held out by whole recordings where there are at least eight, else by individuals where there
    are at least eight tracks, else by contiguous blocks of time with a gap of one window around each border, else
    by what few recordings or individuals there are. A grouping that leaves a part without windows, or with a single
    temperature where the species has several, is passed over for the next one; where none is left, nothing is held
    out, and the note says so.
    """
    codes = np.zeros(len(table), dtype=np.int8)
    if config.split == "none":
        return Split(codes, ("Nothing is held out: every figure is a figure of the training windows.",))
    notes = []
    for species in table.species_names():
        rows = table.rows_of(species)
        codes[rows], note = _split_species(table, rows, config)
        parts = ", ".join(f"{int((codes[rows] == i).sum())} {name}" for i, name in enumerate(SPLITS[:3]))
        notes.append(f"{species}: {note}: {parts}")
    return Split(codes, tuple(notes))


def _split_species(table: WindowTable, rows: NDArray[np.int64], config: FitConfig) -> tuple[NDArray[np.int8], str]:
    temperature = table.temperature[rows]
    for kind, n_needed in _wishes(config.split):
        if kind == "block":
            codes, note = _blocks(table, rows, config), "held out by blocks of time"
        else:
            groups = _groups(table, rows, kind)
            n_groups = int(groups.max(initial=-1)) + 1
            if n_groups < n_needed:
                continue
            codes, note = _deal(groups, temperature, config)[groups], f"held out by {kind} ({n_groups} of them)"
        if _covers(codes, temperature, config):
            return codes, note
    if config.validation_fraction + config.test_fraction == 0:
        return np.zeros(rows.size, dtype=np.int8), "nothing is held out, as asked"
    return np.zeros(rows.size, dtype=np.int8), "too little to hold anything out, so no figure can be believed"


def _wishes(asked: str) -> list[tuple[str, int]]:
    """Return groupings in the order in which they are tried, each with the number of groups that it needs."""
    automatic = [("recording", _ENOUGH), ("individual", _ENOUGH), ("block", 0), ("recording", 3), ("individual", 3)]
    return automatic if asked == "auto" else [(asked, 3), *automatic[2:]]


def _groups(table: WindowTable, rows: NDArray[np.int64], kind: str) -> NDArray[np.int64]:
    """Return (n_rows,) which recording or which track each window belongs to, counted from 0."""
    names = table.of_key("recording") if kind == "recording" else table.track
    return np.asarray(np.unique(names[rows], return_inverse=True)[1], dtype=np.int64)


def _deal(groups: NDArray[np.int64], temperature: NDArray[np.float64], config: FitConfig) -> NDArray[np.int8]:
    """Return the part of each group; groups are dealt in order of temperature, so that every part spans it."""
    n_groups = int(groups.max(initial=-1)) + 1
    known = np.isfinite(temperature)
    sums = np.bincount(groups, np.where(known, temperature, 0.0), n_groups)
    counts = np.bincount(groups, known, n_groups)
    means = sums / np.maximum(counts, 1)
    shuffled = np.random.default_rng(config.seed).permutation(n_groups)
    order = shuffled[np.argsort(means[shuffled].round(1), kind="stable")]
    parts = np.empty(n_groups, dtype=np.int8)
    parts[order] = _rota(n_groups, config)
    return parts


def _rota(n: int, config: FitConfig) -> NDArray[np.int8]:
    """Return (n,) parts in their shares, spread as evenly as possible."""
    shares = np.array(
        [1.0 - config.validation_fraction - config.test_fraction, config.validation_fraction, config.test_fraction]
    )
    given = np.zeros(3)
    parts = np.empty(n, dtype=np.int8)
    for i in range(n):
        parts[i] = int(np.argmax(shares * (i + 1) - given + 1e-9 * shares))
        given[parts[i]] += 1
    for part in (_VALIDATION, _TEST):
        if shares[part] > 0 and not (parts == part).any() and (parts == _TRAIN).sum() > 1:
            parts[np.flatnonzero(parts == _TRAIN)[-1]] = part
    return parts


def _covers(codes: NDArray[np.int8], temperature: NDArray[np.float64], config: FitConfig) -> bool:
    needed = [_TRAIN] + [_VALIDATION] * (config.validation_fraction > 0) + [_TEST] * (config.test_fraction > 0)
    several = np.unique(temperature[np.isfinite(temperature)]).size > 1
    for part in needed:
        mine = temperature[codes == part]
        if not mine.size or (several and np.unique(mine[np.isfinite(mine)]).size < 2):
            return False
    return True


def _blocks(table: WindowTable, rows: NDArray[np.int64], config: FitConfig) -> NDArray[np.int8]:
    """Return the split by contiguous blocks of each track; a window that touches a border of parts is a gap."""
    codes = np.full(rows.size, _TRAIN, dtype=np.int8)
    for track in np.unique(table.track[rows]):
        mine = np.flatnonzero(table.track[rows] == track)
        start, stop = table.start[rows[mine]], table.stop[rows[mine]]
        codes[mine] = _blocks_of_track(start, stop, config)
    return codes


def _blocks_of_track(start: NDArray[np.int64], stop: NDArray[np.int64], config: FitConfig) -> NDArray[np.int8]:
    begin, end, length = int(start[0]), int(stop[-1]), int(stop[0] - start[0])
    n_blocks = min(16, (end - begin) // (3 * length))
    if n_blocks < 3:
        return np.full(start.size, _TRAIN, dtype=np.int8)
    parts = _rota(n_blocks, config)
    edges = np.linspace(begin, end, n_blocks + 1)
    block = np.clip(np.searchsorted(edges, (start + stop) / 2, side="right") - 1, 0, n_blocks - 1)
    codes = parts[block]
    for border in np.flatnonzero(np.diff(parts)):
        edge = edges[border + 1]
        codes[(start < edge + length / 2) & (stop > edge - length / 2)] = _GAP
    return codes
