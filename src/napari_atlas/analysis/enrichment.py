"""What sets some windows apart from others: column by column, with effect sizes and p-values that can be believed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, rankdata

from napari_atlas.analysis._enrichment_items import Item, items_of
from napari_atlas.analysis._shuffles import Shuffles
from napari_atlas.data.window_columns import WindowColumns
from napari_atlas.data.windows import WindowTable
from napari_atlas.errors import InputError

__all__ = ["AGAINST", "SHARE", "Difference", "Enrichment", "corrected", "enrichment"]

AGAINST = ("all other windows", "others of the same species", "other held-out windows")
"""What the selected windows can be set against."""

SHARE = "share"
"""The unit of a class."""

_MOST_CLASSES = 12
# Few, so that a thread that does it never holds the window up.
_AT_ONCE = 8
_UNDECIDED = 0.05
_TOO_FEW = "There are too few recordings to tell this from chance."


@dataclass(frozen=True)
class Difference:
    """One row: how a number, or the share of a class, differs between selected windows and the rest.

    Attributes
    ----------
    column
        Column of `WindowColumns` that shows it; empty if none does.
    label
        What is compared.
    effect
        Cliff's delta, −1 to 1: how often a selected window has a higher value than one of the rest, less how often it
        has a lower one. For a class that is the difference of the shares.
    inside, rest
        Median of a number, or share of a class from 0 to 1, in the selected windows and in the rest.
    unit
        Unit of a number; `SHARE` for a class.
    fold
        For a class, log₂ of how many times as large its odds are in the selected windows; NaN for a number.
    p
        Share of shuffled selections with an effect at least as large; NaN where none is given.
    corrected
        The same after the correction by Benjamini and Hochberg over all rows; NaN where none is given.
    note
        Why there is no p, or what to know about it; empty if nothing.
    """

    column: str
    label: str
    effect: float
    inside: float = float("nan")
    rest: float = float("nan")
    unit: str = ""
    fold: float = float("nan")
    p: float = float("nan")
    corrected: float = float("nan")
    note: str = ""

    @property
    def is_class(self) -> bool:
        """Whether it tells shares of a class."""
        return self.unit == SHARE


@dataclass(frozen=True)
class Enrichment:
    """What sets selected windows apart.

    Attributes
    ----------
    n_inside, n_rest
        Windows compared.
    rows
        The differences, in the order of the columns; the signals come last.
    smallest_p
        The smallest p that the shuffles can give, before the correction; NaN without any.
    notes
        Sentences for the reader.
    complete
        Whether that is all; before, p are not corrected yet.
    """

    n_inside: int
    n_rest: int
    rows: tuple[Difference, ...] = ()
    smallest_p: float = float("nan")
    notes: tuple[str, ...] = ()
    complete: bool = True


def enrichment(
    columns: WindowColumns,
    ids: NDArray[np.int64],
    against: str = AGAINST[0],
    n_shuffles: int = 9999,
    seed: int = 0,
) -> Iterator[Enrichment]:
    """Yield what sets windows apart from others: some rows, more rows, and in the end all of them with corrected p.

    **Effect.** Cliff's delta [1]_, the same as the rank-biserial correlation and as 2·AUC − 1. It does not depend on
    how many windows there are, on units, or on the shape of the distributions.

    **p.** Windows overlap, a behaviour lasts longer than a window, and animals of one recording share its conditions,
    so windows are no independent observations: a rank test that counts them as such finds "differences" between any
    two stretches of video. Here the selection itself is shuffled instead, and the recording is the unit. In each
    shuffle the share of windows that is selected is exchanged between recordings, what the animals of a recording
    differ in that is exchanged between them, and within each recording the pattern of the selection is shifted along
    time by a random amount, what leaves at the end coming in at the beginning, for all its animals alike. Runs of
    selected windows stay runs. p is the share of selections, the real one included, whose effect is at least as large
    in either direction; it is no smaller than one over their number, and what is the same throughout each recording
    needs many recordings for a small one. Then p is corrected over all rows [2]_.

    What follows from the latent (latent dimensions, clusters, the temperature that is read off it, kept neighbours) is
    told without p: windows that were chosen on a map of the latent differ in it by construction. So they do, in part,
    in the signals that the latent was made from, and in training windows in what the latent was trained to tell;
    compare held-out windows for that. A column that rises through every recording goes with anything else that does.

    Parameters
    ----------
    columns
        What is known of the windows.
    ids
        The selected windows; those that are not among the compared ones are left out.
    against
        One of `AGAINST`.
    n_shuffles
        At most so many; fewer if there are more than 200 animals.
    seed
        The same seed gives the same p.

    Raises
    ------
    InputError
        If *against* is not known, a window is not there, or none is left on one of both sides.

    References
    ----------
    .. [1] N. Cliff, "Dominance statistics: ordinal analyses to answer ordinal questions", Psychological Bulletin 114
       (1993).
    .. [2] Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate", J. R. Stat. Soc. B 57 (1995).
    """
    table = columns.atlas.windows.table
    if ids.size and not 0 <= ids.min() <= ids.max() < len(table):
        raise InputError.of("selection", f"a window is none of these {len(table)}", "select again in this run")
    chosen = np.zeros(len(table), dtype=bool)
    chosen[ids] = True
    among = _compared(table, chosen, against)
    inside = chosen & among
    n_inside, n_rest = int(inside.sum()), int((among & ~chosen).sum())
    if not n_inside or not n_rest:
        side = "selected" if not n_inside else "left to compare them with"
        raise InputError.of(
            "selection", f"no window is {side} ({against})", "select others, or compare with something else"
        )
    notes = _notes(table, inside, among)
    shuffled: dict[bytes, Shuffles] = {}
    rows: list[Difference] = []
    smallest = float("nan")
    for batch in _batches(items_of(columns, among)):
        key = np.packbits(batch[0].known).tobytes()
        if key not in shuffled:
            shuffled = {key: Shuffles(table, batch[0].known, chosen, n_shuffles, seed)}
        rows += _rows(batch, chosen, shuffled[key])
        smallest = np.fmin(smallest, 1.0 / (shuffled[key].n + 1))
        yield Enrichment(n_inside, n_rest, tuple(rows), smallest, notes, complete=False)
    yield Enrichment(n_inside, n_rest, tuple(_most(corrected(rows))), smallest, notes)


def corrected(rows: Sequence[Difference]) -> list[Difference]:
    """Return the rows with their p corrected for how many there are; rows without one stay so."""
    tested = [i for i, row in enumerate(rows) if np.isfinite(row.p)]
    done = list(rows)
    for i, p in zip(tested, false_discovery_control([rows[i].p for i in tested]) if tested else (), strict=True):
        done[i] = replace(rows[i], corrected=float(p))
    return done


def _compared(table: WindowTable, chosen: NDArray[np.bool_], against: str) -> NDArray[np.bool_]:
    """Return (n_windows,) which windows are compared, the selected ones among them."""
    if against == AGAINST[0]:
        return np.ones(len(table), dtype=bool)
    if against == AGAINST[1]:
        kinds = table.of_key("species")
        return np.isin(kinds, np.unique(kinds[chosen]))
    if against == AGAINST[2]:
        return table.in_split("test")
    raise InputError.of("against", f"{against!r} is not known", f"choose from {', '.join(AGAINST)}")


def _notes(table: WindowTable, inside: NDArray[np.bool_], among: NDArray[np.bool_]) -> tuple[str, ...]:
    recordings = table.of_key("recording")
    own, there = np.unique(recordings[inside]), np.unique(recordings[among])
    if there.size == 1:
        return ("All windows are of one recording: nothing can be said of any other.",)
    if own.size == 1:
        return ("All selected windows are of one recording: what sets them apart may be that recording.",)
    return ()


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield items that are known of the same windows, some at a time."""
    batch: list[Item] = []
    for item in items:
        if batch and (len(batch) == _AT_ONCE or not np.array_equal(item.known, batch[0].known)):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _rows(batch: Sequence[Item], chosen: NDArray[np.bool_], shuffles: Shuffles) -> Iterator[Difference]:
    known = batch[0].known
    inside = chosen[known]
    if not inside.any() or inside.all():
        return
    scores = np.stack([_scores(item.values[known], item.is_class) for item in batch], axis=1)
    effects = scores[inside].mean(axis=0) - scores[~inside].mean(axis=0)
    tested = [i for i, item in enumerate(batch) if item.tested]
    found = dict(zip(tested, np.stack(shuffles.p_values(scores[:, tested])).T, strict=True)) if tested else {}
    for i, item in enumerate(batch):
        p, least = found.get(i, (np.nan, np.nan))
        notes = (_TOO_FEW if least > _UNDECIDED else "", item.note)
        row = Difference(item.column, item.label, float(effects[i]), p=float(p), note=" ".join(filter(None, notes)))
        yield _measured(item, inside, row)


def _measured(item: Item, inside: NDArray[np.bool_], row: Difference) -> Difference:
    """Return a row with the medians of a number, or the shares and the odds of a class."""
    values = item.values[item.known]
    own, others = values[inside], values[~inside]
    if not item.is_class:
        return replace(row, inside=float(np.median(own)), rest=float(np.median(others)), unit=item.unit)
    # Half a window more on each side, so that no odds are 0 or infinite.
    odds = [(part.sum() + 0.5) / (part.size - part.sum() + 0.5) for part in (own, others)]
    fold = float(np.log2(odds[0] / odds[1]))
    return replace(row, inside=float(own.mean()), rest=float(others.mean()), unit=SHARE, fold=fold)


def _scores(values: NDArray[np.float64], is_class: bool) -> NDArray[np.float64]:
    """Return numbers of mean 0 of which the difference of means is Cliff's delta."""
    if is_class:
        return np.asarray(values - values.mean())
    return np.asarray((rankdata(values) - (values.size + 1) / 2) * (2.0 / values.size))


def _most(rows: Sequence[Difference]) -> Iterator[Difference]:
    """Leave out the classes of a column that differ least, where it has very many."""
    left_out: set[int] = set()
    for column in {row.column for row in rows}:
        places = [i for i, row in enumerate(rows) if row.is_class and row.column == column]
        left_out.update(sorted(places, key=lambda i: -abs(rows[i].effect))[_MOST_CLASSES:])
    return (row for i, row in enumerate(rows) if i not in left_out)
