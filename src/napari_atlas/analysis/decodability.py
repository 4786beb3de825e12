"""How well a variable can be told from a latent, or from the signal itself, on windows that the decoder has not seen.

Lower is better for what was scrubbed, and chance is the floor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_atlas.analysis._decoders import (
    DECODERS,
    Decoder,
    as_columns,
    macro_f1,
    one_thread,
    pooled_r2,
    prepared,
    told_right,
)
from napari_atlas.analysis.folds import apart, block_length, deal, recording_codes, shuffled, units_of
from napari_atlas.data.scores import Decoded
from napari_atlas.data.variables import Measured
from napari_atlas.data.windows import WindowTable

__all__ = ["Chosen", "Decoding", "choose_windows", "decode", "groupable", "labelled_f1", "undefined"]

Floats = NDArray[np.floating]
Ids = NDArray[np.int64]

_FEWEST = 25
_ENOUGH = 100
_HELD_OUT = {"test": ("test",), "held-out": ("test", "validation")}


@dataclass(frozen=True)
class Decoding:
    """How decoders are fitted and judged.

    Attributes
    ----------
    folds
        Each is held out in turn.
    most
        Windows that are looked at, at most.
    shuffles
        How often the variable is shuffled to find out what chance gives, at most.
    grouped
        Whether whole recordings are held out where that can be done, rather than stretches of all of them.
    seed
        The same seed gives the same figures.
    """

    folds: int = 5
    most: int = 4000
    shuffles: int = 10
    grouped: bool = False
    seed: int = 0


_PLAIN = Decoding()


@dataclass(frozen=True, eq=False)
class Chosen:
    """Windows that a variable is decoded from.

    Attributes
    ----------
    ids
        (n_chosen,) in order of track and time; none overlaps another. None at all if there is nothing to be told.
    part
        ``"test"``, ``"held-out"`` (test and validation) or ``"all"``.
    measured
        The variable, one row per chosen window; classes with too few windows are not among them.
    notes
        What had to be left out, and why.
    """

    ids: Ids
    part: str
    measured: Measured
    notes: tuple[str, ...] = ()


def choose_windows(table: WindowTable, measured: Measured, how: Decoding = _PLAIN) -> Chosen:
    """Return the windows that a variable is decoded from: test windows where they suffice, else more.

    Test windows suffice if there are a hundred of them one window length apart, the variable differs among them, and
    each class that has enough windows altogether has enough of them.

    Parameters
    ----------
    table
        One row per window.
    measured
        The variable of all windows; NaN where unknown.
    how
        Folds, and how many windows at most.
    """
    known, least = measured.known, how.folds
    whole = apart(table, known)
    common = _common(measured, whole, least)
    ids, part = whole, "all"
    for name, splits in _HELD_OUT.items():
        held = apart(table, known & np.logical_or.reduce([table.in_split(split) for split in splits]))
        if held.size >= _ENOUGH and _varies(measured, held) and np.array_equal(_common(measured, held, least), common):
            ids, part = held, name
            break
    if measured.classes:
        ids = ids[np.isin(measured.values[ids, 0], common)]
    if ids.size > how.most:
        ids = ids[np.sort(np.random.default_rng(how.seed).choice(ids.size, how.most, replace=False))]
    notes = _left_out(measured, whole, common)
    if reason := _nothing(measured, whole, ids):
        ids, notes = ids[:0], (*notes, reason)
    return Chosen(ids, part, replace(measured, values=measured.values[ids]), notes)


def decode(
    source: str, features: Floats, chosen: Chosen, table: WindowTable, how: Decoding = _PLAIN, *, scrubbed: bool = False
) -> list[Decoded]:
    """Return how well a variable can be told from features, by each decoder that fits its kind.

    Windows are dealt into folds in stretches as long as the features stay alike, or in whole recordings. Decoders are
    fitted anew for each fold. Chance is what they reach when the variable is shuffled, in the same stretches.

    Parameters
    ----------
    source
        ``"latent"``, or ``"signal"``, which is put down to 32 principal components of the training windows first.
    features
        (n_chosen, n_features), NaN nowhere.
    chosen
        The windows, and the variable.
    table
        One row per window.
    how
        Folds, shuffles and seed.
    scrubbed
        Whether the fit was asked to take the variable out of the latent.

    Returns
    -------
    list
        One row per decoder; NaN where there is nothing to be told.
    """
    measured = chosen.measured
    if not chosen.ids.size:
        return undefined(source, measured, scrubbed)
    score = told_right if measured.classes else pooled_r2
    rows = []
    with one_thread():
        trial = _Trial(np.asarray(features, dtype=np.float64), chosen, table, how, source == "signal")
        for decoder in DECODERS[measured.kind]:
            real, chance = trial.scores(decoder, score), trial.by_chance(decoder, score)
            figures = (*_mean_and_spread(real), _mean_and_spread(chance)[0], _high(chance))
            rows.append(
                Decoded(measured.name, measured.kind, decoder.name, source, *figures, chosen.ids.size, scrubbed)
            )
    return rows


def undefined(source: str, measured: Measured, scrubbed: bool = False) -> list[Decoded]:
    """Return a row per decoder that says that nothing can be told."""
    nothing = (float("nan"),) * 4
    return [
        Decoded(measured.name, measured.kind, decoder.name, source, *nothing, 0, scrubbed)
        for decoder in DECODERS[measured.kind]
    ]


def groupable(chosen: Chosen, table: WindowTable) -> bool:
    """Return whether recordings can be held out: there are two, and each class is in two of them at least."""
    groups = recording_codes(table, chosen.ids)
    if np.unique(groups).size < 2:
        return False
    if not chosen.measured.classes:
        return True
    pairs = np.unique(np.stack([chosen.measured.values[:, 0].astype(np.int64), groups]), axis=1)
    return bool(np.unique(pairs[0], return_counts=True)[1].min() >= 2)


def labelled_f1(
    source: str, features: Floats, chosen: Chosen, table: WindowTable, how: Decoding = _PLAIN
) -> dict[str, float]:
    """Return how well labels are told by logistic regression: ``macro_f1``, its ``spread`` over folds, and ``chance``.

    Parameters
    ----------
    source, features, chosen, table, how
        As for `decode`; the variable is one of classes.

    Returns
    -------
    dict
        NaN where there is nothing to be told.
    """
    if not chosen.ids.size:
        return dict.fromkeys(("macro_f1", "spread", "chance"), float("nan"))
    logistic = replace(DECODERS["class"][0], shuffles=5)
    with one_thread():
        trial = _Trial(np.asarray(features, dtype=np.float64), chosen, table, how, source == "signal")
        mean, spread = _mean_and_spread(trial.scores(logistic, macro_f1))
        chance = _mean_and_spread(trial.by_chance(logistic, macro_f1))[0]
    return {"macro_f1": mean, "spread": spread, "chance": chance}


@dataclass(frozen=True, eq=False)
class _Fold:
    """Features of the windows that a decoder is fitted to, and of those that are held out, with the rows of both."""

    x: NDArray[np.float64]
    others: NDArray[np.float64]
    train: Ids
    test: Ids


class _Trial:
    """Windows dealt into folds, with the features and the variable that decoders are tried on.

    Parameters
    ----------
    features, chosen, table, how
        As for `decode`.
    reduce
        Whether the features are put down to their principal components first.
    """

    def __init__(
        self, features: NDArray[np.float64], chosen: Chosen, table: WindowTable, how: Decoding, reduce: bool
    ) -> None:
        rng = np.random.default_rng(how.seed)
        length = block_length(table, chosen.ids, features)
        self._targets, self._seed = _targets(chosen.measured), how.seed
        self._orders = [shuffled(chosen.ids.size, length, rng) for _ in range(how.shuffles)]
        labels = chosen.measured.values[:, 0] if chosen.measured.classes else np.zeros(chosen.ids.size)
        if how.grouped and groupable(chosen, table):
            units = np.unique(recording_codes(table, chosen.ids), return_inverse=True)[1].astype(np.int64)
        else:
            units = units_of(table, chosen.ids, length)
        folds = deal(units, labels.astype(np.int64), min(how.folds, int(units.max()) + 1), rng)
        self._folds = [self._fold(features, folds == fold, reduce) for fold in np.unique(folds)]

    def scores(self, decoder: Decoder, score: Callable[..., float], order: Ids | slice = slice(None)) -> list[float]:
        """Return the score of each fold, with the variable as it is or in another order."""
        targets, found = self._targets[order], []
        for fold in self._folds:
            wanted = targets[fold.train]
            if not fold.x.shape[1] or not np.ptp(wanted, axis=0).any():
                found.append(float("nan"))
                continue
            said = decoder.predict(fold.x, wanted, fold.others, self._seed)
            found.append(score(targets[fold.test], said))
        return found

    def by_chance(self, decoder: Decoder, score: Callable[..., float]) -> list[float]:
        """Return the mean score over the folds for each shuffle of the variable."""
        orders = self._orders[: decoder.shuffles]
        return [_mean_and_spread(self.scores(decoder, score, order))[0] for order in orders]

    def _fold(self, features: NDArray[np.float64], held: NDArray[np.bool_], reduce: bool) -> _Fold:
        x, others = prepared(features[~held], features[held], reduce, self._seed)
        return _Fold(x, others, np.flatnonzero(~held), np.flatnonzero(held))


def _targets(measured: Measured) -> NDArray[np.float64]:
    """Return (n_windows, n_targets): codes, cosine and sine, or z-scored numbers, so that each counts the same."""
    columns = as_columns(measured)
    if measured.kind != "number":
        return columns
    std = columns.std(axis=0)
    return np.asarray((columns - columns.mean(axis=0)) / np.where(std > 1e-12, std, 1.0))


def _common(measured: Measured, ids: Ids, least: int) -> NDArray[np.float64]:
    """Return the codes of the classes that have enough windows; none for another kind."""
    if not measured.classes:
        return np.empty(0)
    codes, counts = np.unique(measured.values[ids, 0], return_counts=True)
    return np.asarray(codes[counts >= least])


def _varies(measured: Measured, ids: Ids) -> bool:
    return bool(ids.size) and bool((np.ptp(measured.values[ids], axis=0) > 1e-12).any())


def _left_out(measured: Measured, whole: Ids, common: NDArray[np.float64]) -> tuple[str, ...]:
    codes, counts = np.unique(measured.values[whole, 0], return_counts=True) if measured.classes else ((), ())
    few = [(measured.classes[int(code)], n) for code, n in zip(codes, counts, strict=True) if code not in common]
    if not few or common.size < 2:
        return ()
    named = ", ".join(f"{name} ({n})" for name, n in few[:5]) + (" and others" if len(few) > 5 else "")
    return (f"{measured.name}: left out for too few windows: {named}",)


def _nothing(measured: Measured, whole: Ids, ids: Ids) -> str:
    """Return why nothing can be told of a variable; empty if it can."""
    name = measured.name
    if not whole.size:
        return f"{name} is not known of any window"
    if not _varies(measured, whole):
        same = {"individual": "one animal only", "recording": "one recording only", "species": "one species only"}
        return f"{same[name]}: nothing to tell apart" if name in same else f"{name} is the same in all windows"
    if ids.size < _FEWEST or not _varies(measured, ids):
        return f"{name}: too few windows that do not overlap to tell anything"
    return ""


def _mean_and_spread(scores: list[float]) -> tuple[float, float]:
    """Return mean and standard deviation of the scores that are defined; NaN if none is."""
    known = np.array(scores)[np.isfinite(scores)]
    return (float(known.mean()), float(known.std())) if known.size else (float("nan"), float("nan"))


def _high(chance: list[float]) -> float:
    known = np.array(chance)[np.isfinite(chance)]
    return float(np.percentile(known, 95)) if known.size else float("nan")
