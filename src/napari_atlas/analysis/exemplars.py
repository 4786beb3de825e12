"""A few windows that stand for many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.windows import WindowTable
from napari_atlas.errors import InputError

__all__ = ["CHOICES", "ExemplarWishes", "Exemplars", "exemplars"]

CHOICES = ("medoids", "random")
_MOST = 20_000  # windows that centres are sought among
_ROUNDS = 30


@dataclass(frozen=True)
class ExemplarWishes:
    """Which windows shall stand for many.

    Attributes
    ----------
    n
        How many, at most.
    choose
        ``"medoids"`` are spread over the latent, each the window nearest to the middle of a part of them, that of the
        largest part first; ``"random"`` takes any.
    seed
        Of the random numbers.
    among
        Part of the split that they are taken from, such as ``"test"``; empty takes any window.
    per_recording
        At most so many of each recording; 0 sets no bound.
    """

    n: int = 9
    choose: str = "medoids"
    seed: int = 0
    among: str = "test"
    per_recording: int = 0

    def __post_init__(self) -> None:
        if self.n < 1:
            raise InputError.of("n", f"{self.n} windows cannot be shown", "give 1 or more")
        if self.per_recording < 0:
            raise InputError.of("per-recording", f"{self.per_recording} windows", "give 1 or more, or 0 for no bound")
        if not 0 <= self.seed < 2**32:
            raise InputError.of("seed", f"{self.seed} is out of range", f"give a value from 0 to {2**32 - 1}")
        if self.choose not in CHOICES:
            raise InputError.of("choose", f"{self.choose!r} is unknown", f"choose from {', '.join(CHOICES)}")


@dataclass(frozen=True, eq=False)
class Exemplars:
    """Windows that stand for many.

    Attributes
    ----------
    ids
        (n_exemplars,) window ids, the most typical first; random ones are in the order of the table.
    notes
        What to know about the choice, sentences; none if it was made as wished.
    """

    ids: NDArray[np.int64]
    notes: tuple[str, ...] = ()


def exemplars(
    table: WindowTable, latents: NDArray[np.floating], ids: NDArray[np.int64], wishes: ExemplarWishes
) -> Exemplars:
    """Choose windows that stand for those with the given ids.

    The same question has the same answer on any machine.

    Parameters
    ----------
    table
        All windows.
    latents
        (n_windows, n_latent), by whose Euclidean distance medoids are found; (0, 0) where there are none yet. A window
        with NaN in it is no medoid.
    ids
        (n_ids,) windows to choose from.
    wishes
        How many, and how.
    """
    notes: list[str] = []
    candidates = np.unique(ids)
    held_out = candidates[table.in_split(wishes.among)[candidates]] if wishes.among else candidates
    if held_out.size:
        candidates = held_out
    elif candidates.size:
        notes.append(f"None of these windows is in the {wishes.among} part, so others are shown.")
    rng, medoids = np.random.default_rng(wishes.seed), wishes.choose == "medoids"
    if medoids and candidates.size:
        known = candidates[np.isfinite(latents[candidates]).all(axis=1)] if latents.size else candidates[:0]
        if known.size:
            return Exemplars(_by_typicality(table, latents, known, wishes, rng), tuple(notes))
        notes.append("There is no latent of these windows yet, so they are chosen at random.")
    order = _first(table, rng.permutation(candidates), wishes.n, wishes.per_recording)
    return Exemplars(np.sort(order), tuple(notes))


def _by_typicality(
    table: WindowTable,
    latents: NDArray[np.floating],
    ids: NDArray[np.int64],
    wishes: ExemplarWishes,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Return the windows nearest to the centres of k-means, the centre of most windows first."""
    places = latents[ids].astype(np.float64)
    sample = places if len(places) <= _MOST else places[np.sort(rng.choice(len(places), _MOST, replace=False))]
    centres = _centres(sample, min(wishes.n, len(sample)), rng)
    distances = _squared(places, centres)
    counts = np.bincount(distances.argmin(axis=1), minlength=len(centres))
    chosen = np.empty(0, dtype=np.int64)
    for part in np.argsort(-counts, kind="stable"):
        nearest = ids[np.argsort(distances[:, part], kind="stable")]
        chosen = _first(table, np.concatenate([chosen, nearest]), chosen.size + 1, wishes.per_recording)
    # Where windows coincide there are fewer centres than wished.
    return _first(table, np.concatenate([chosen, ids]), wishes.n, wishes.per_recording)


def _first(table: WindowTable, order: NDArray[np.int64], n: int, per_recording: int) -> NDArray[np.int64]:
    """Return the first *n* different windows of an order, at most so many of each recording."""
    taken: dict[int, None] = {}
    counts: dict[str, int] = {}
    for window in order.tolist():
        recording = table.keys[table.track[window]].recording
        if len(taken) == n:
            break
        if window not in taken and not (per_recording and counts.get(recording, 0) >= per_recording):
            taken[window] = None
            counts[recording] = counts.get(recording, 0) + 1
    return np.array(list(taken), dtype=np.int64)


def _centres(places: NDArray[np.float64], n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the (n_centres, n_dims) centres of k-means, begun far apart; fewer where places coincide."""
    centres = places[[rng.integers(len(places))]]
    while len(centres) < n:
        far = _squared(places, centres).min(axis=1)
        if not far.sum() > 0:
            break
        centres = np.concatenate([centres, places[[rng.choice(len(places), p=far / far.sum())]]])
    for _ in range(_ROUNDS):
        part = _squared(places, centres).argmin(axis=1)
        moved = np.array([places[part == i].mean(axis=0) if (part == i).any() else c for i, c in enumerate(centres)])
        if np.array_equal(moved, centres):
            break
        centres = moved
    return centres


def _squared(places: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (n_places, n_centres) squared distances."""
    return np.stack([((places - centre) ** 2).sum(axis=1) for centre in centres], axis=1)
