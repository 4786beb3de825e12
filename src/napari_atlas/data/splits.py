"""Hold windows out: by recording, by individual, or by stretches of time, never by overlapping window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.config import FitConfig
from napari_atlas.data.windows import SPLITS, WindowTable

__all__ = ["Split", "assign_split"]

_TRAIN, _VALIDATION, _TEST, _GAP = range(4)
_ENOUGH = 8
_MOST_BLOCKS = 16
_SECTION_SECONDS = 60.0

Ints = NDArray[np.int64]
Codes = NDArray[np.int8]


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

    codes: Codes
    notes: tuple[str, ...]


def assign_split(table: WindowTable, config: FitConfig) -> Split:
    """Return the split of all windows, each species by itself.

    ``auto`` holds whole recordings out where there are at least eight, else individuals where there are at least
    eight tracks, else contiguous blocks of time, else what few recordings or individuals there are. ``sections``
    deals one-minute sections of all tracks in random order; fractions of 0.25 and 0.25 give 50-25-25. ``kfold``
    deals recordings, or else individuals, or else blocks into folds, of which one is test: over all folds each is
    test once, as long as the seed and the number of folds stay the same.

    Between stretches of time of different parts there is a gap of one window. A grouping that leaves a part without
    windows, or with a single temperature where the species has several, is passed over for the next one; where none
    is left, nothing is held out, and the note says so.
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


@dataclass(frozen=True)
class _Grouping:
    """What is kept together.

    Attributes
    ----------
    words
        What it is, for the user.
    group
        (n_rows,) group of each window, counted from 0.
    before, after
        (n_rows,) groups that the window comes within half its length of; they differ only near a border in time.
    n_per_track
        Stretches of time per track; empty for groups that no border in time divides.
    """

    words: str
    group: Ints
    before: Ints
    after: Ints
    n_per_track: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Number of groups."""
        return int(self.after.max(initial=-1)) + 1

    def codes(self, parts: Codes) -> Codes:
        """Return (n_rows,) the part of each window, given the (n_groups,) part of each group."""
        return np.where(parts[self.before] == parts[self.after], parts[self.group], _GAP).astype(np.int8)


def _split_species(table: WindowTable, rows: Ints, config: FitConfig) -> tuple[Codes, str]:
    temperature = table.temperature[rows]
    if not rows.size:
        return _nothing(rows)
    if config.split == "kfold":
        return _fold(table, rows, config)
    needed = [_TRAIN] + [_VALIDATION] * (config.validation_fraction > 0) + [_TEST] * (config.test_fraction > 0)
    for kind, n_needed in _wishes(config.split):
        grouping = _GROUPINGS[kind](table, rows)
        if grouping.size >= n_needed:
            codes = grouping.codes(_deal(kind, grouping, temperature, config))
            if _covers(codes, temperature, needed):
                return codes, f"held out by {grouping.words}"
    if len(needed) == 1:
        return np.zeros(rows.size, dtype=np.int8), "nothing is held out, as asked"
    return _nothing(rows)


def _nothing(rows: Ints) -> tuple[Codes, str]:
    return np.zeros(rows.size, dtype=np.int8), "too little to hold anything out, so no figure can be believed"


def _wishes(asked: str) -> list[tuple[str, int]]:
    """Return groupings in the order in which they are tried, each with the number of groups that it needs."""
    automatic = [("recording", _ENOUGH), ("individual", _ENOUGH), ("block", 0), ("recording", 3), ("individual", 3)]
    return automatic if asked == "auto" else [(asked, 3), *automatic[2:]]


def _covers(codes: Codes, temperature: NDArray[np.float64], needed: list[int]) -> bool:
    several = _differ(temperature)
    return all((codes == part).any() and (not several or _differ(temperature[codes == part])) for part in needed)


def _differ(values: NDArray[np.float64]) -> bool:
    known = values[np.isfinite(values)]
    return bool(known.size and known.min() < known.max())


def _fold(table: WindowTable, rows: Ints, config: FitConfig) -> tuple[Codes, str]:
    """Return one fold of the first grouping of which every fold covers all that is needed."""
    temperature = table.temperature[rows]
    needed = [_TRAIN, _TEST] + [_VALIDATION] * (config.validation_fraction > 0)
    for kind in ("recording", "individual", "block"):
        grouping = _GROUPINGS[kind](table, rows, config.folds)
        folds = [grouping.codes(parts) for parts in _folds(grouping, temperature, config)]
        if folds and all(_covers(codes, temperature, needed) for codes in folds):
            note = f"fold {config.fold} of folds 0 to {config.folds - 1}, held out by {grouping.words}"
            return folds[config.fold], note
    return _nothing(rows)


def _folds(grouping: _Grouping, temperature: NDArray[np.float64], config: FitConfig) -> Iterator[Codes]:
    """Yield the (n_groups,) part of each group, fold by fold; nothing if there are fewer groups than folds."""
    order = _by_temperature(grouping, temperature, config.seed)
    if order.size < config.folds:
        return
    fold = np.arange(order.size) % config.folds
    for tested in range(config.folds):
        rest = order[fold != tested]
        share = min(0.5, config.validation_fraction * order.size / rest.size)
        parts = np.zeros(grouping.size, dtype=np.int8)
        parts[order[fold == tested]] = _TEST
        parts[rest] = _rota(rest.size, share, 0.0)
        yield parts


def _deal(kind: str, grouping: _Grouping, temperature: NDArray[np.float64], config: FitConfig) -> Codes:
    """Return the (n_groups,) part of each group.

    Blocks are dealt in order of time within each track, sections in random order, recordings and individuals in
    order of temperature, so that every part spans it.
    """
    shares = config.validation_fraction, config.test_fraction
    if kind == "block":
        return np.concatenate([_rota(n, *shares) if n >= 3 else np.zeros(n, np.int8) for n in grouping.n_per_track])
    if kind == "sections":
        order = np.random.default_rng(config.seed).permutation(np.unique(grouping.group))
    else:
        order = _by_temperature(grouping, temperature, config.seed)
    parts = np.zeros(grouping.size, dtype=np.int8)
    parts[order] = _rota(order.size, *shares)
    return parts


def _by_temperature(grouping: _Grouping, temperature: NDArray[np.float64], seed: int) -> Ints:
    """Return the groups that hold windows in order of their mean temperature, equal ones in random order."""
    known = np.isfinite(temperature)
    sums = np.bincount(grouping.group, np.where(known, temperature, 0.0), grouping.size)
    means = sums / np.maximum(np.bincount(grouping.group, known, grouping.size), 1)
    shuffled = np.random.default_rng(seed).permutation(np.unique(grouping.group))
    return np.asarray(shuffled[np.argsort(means[shuffled].round(1), kind="stable")], dtype=np.int64)


def _rota(n: int, validation: float, test: float) -> Codes:
    """Return (n,) parts in their shares, spread as evenly as possible."""
    shares = np.array([1.0 - validation - test, validation, test])
    given = np.zeros(3)
    parts = np.empty(n, dtype=np.int8)
    for i in range(n):
        parts[i] = int(np.argmax(shares * (i + 1) - given + 1e-9 * shares))
        given[parts[i]] += 1
    for part in (_VALIDATION, _TEST):
        if shares[part] > 0 and not (parts == part).any() and (parts == _TRAIN).sum() > 1:
            parts[np.flatnonzero(parts == _TRAIN)[-1]] = part
    return parts


def _recordings(table: WindowTable, rows: Ints, n_wanted: int = 0) -> _Grouping:
    return _named("recording", table.of_key("recording")[rows])


def _individuals(table: WindowTable, rows: Ints, n_wanted: int = 0) -> _Grouping:
    return _named("individual", table.track[rows])


def _named(kind: str, names: NDArray[np.generic]) -> _Grouping:
    group = np.asarray(np.unique(names, return_inverse=True)[1], dtype=np.int64)
    return _Grouping(f"{kind} ({int(group.max(initial=-1)) + 1} of them)", group, group, group)


def _blocks(table: WindowTable, rows: Ints, n_wanted: int = 0) -> _Grouping:
    """Cut each track into equal blocks, none shorter than three windows."""
    most = max(_MOST_BLOCKS, n_wanted)

    def cut(start: Ints, stop: Ints, seconds: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
        begin, end, length = int(start[0]), int(stop[-1]), int(stop[0] - start[0])
        n = max(1, min(most, (end - begin) // (3 * length)))
        return np.linspace(begin, end, n + 1), "blocks of time"

    return _cut_tracks(table, rows, cut)


def _sections(table: WindowTable, rows: Ints, n_wanted: int = 0) -> _Grouping:
    """Cut each track into sections of one minute; the last one is up to half as long again, or half as long."""

    def cut(start: Ints, stop: Ints, seconds: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
        begin, end = int(start[0]), int(stop[-1])
        section, words = _section(start, stop, seconds)
        n = max(1, round((end - begin) / section))
        return np.append(begin + section * np.arange(n), end).astype(np.float64), words

    return _cut_tracks(table, rows, cut)


def _section(start: Ints, stop: Ints, seconds: NDArray[np.float64]) -> tuple[int, str]:
    """Return the length of a section in bins, and in words; a section holds at least three windows."""
    length, span = int(stop[0] - start[0]), int(start[-1] - start[0])
    per_bin = (seconds[-1] - seconds[0]) / span if span else np.nan
    if not per_bin > 0:
        return 10 * length, "shuffled sections of ten windows, since no clock tells the minute"
    minute = round(_SECTION_SECONDS / per_bin)
    if minute < 3 * length:
        longer = f"{3 * length * per_bin:g} s"
        return 3 * length, f"shuffled sections of three windows ({longer}), since one minute holds fewer"
    return minute, "shuffled sections of one minute"


def _cut_tracks(
    table: WindowTable,
    rows: Ints,
    cut: Callable[[Ints, Ints, NDArray[np.float64]], tuple[NDArray[np.float64], str]],
) -> _Grouping:
    """Return stretches of each track as groups, given how the windows of a track are cut into them."""
    group, before, after = (np.empty(rows.size, dtype=np.int64) for _ in range(3))
    counts: list[int] = []
    words: dict[str, int] = {}
    for track in np.unique(table.track[rows]):
        mine = np.flatnonzero(table.track[rows] == track)
        start, stop = table.start[rows[mine]], table.stop[rows[mine]]
        edges, said = cut(start, stop, table.seconds[rows[mine]])
        first, guard = sum(counts), (stop[0] - start[0]) / 2
        group[mine] = first + np.searchsorted(edges[1:-1], (start + stop) / 2, side="right")
        before[mine] = first + np.searchsorted(edges[1:-1], start - guard, side="right")
        after[mine] = first + np.searchsorted(edges[1:-1], stop + guard, side="left")
        counts.append(edges.size - 1)
        words[said] = words.get(said, 0) + mine.size
    return _Grouping(max(words, key=words.__getitem__), group, before, after, tuple(counts))


_GROUPINGS = {"recording": _recordings, "individual": _individuals, "block": _blocks, "sections": _sections}
