"""The windows of other species that lie nearest to one window in the latent, and how near that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.windows import SPLITS, WindowTable
from napari_atlas.errors import InputError

__all__ = ["CompareWishes", "Nearest", "doubts", "nearer_than", "nearest_windows"]

Floats = NDArray[np.floating]
Ids = NDArray[np.int64]

_CONVINCING_P = 0.05


@dataclass(frozen=True)
class CompareWishes:
    """What to set beside a window.

    Attributes
    ----------
    k
        Windows of each species, at most.
    among
        Part of the split that they are taken from, such as ``"test"``; empty takes any window.
    one_per_recording
        Whether each recording gives one window at most.
    own_species
        Whether the window's own species is searched as well, without the window's own animal: what it gives is what
        to hold the other species against.
    n_pairs, seed
        Of the random pairs that a distance is ranked among.
    """

    k: int = 3
    among: str = "test"
    one_per_recording: bool = False
    own_species: bool = False
    n_pairs: int = 5000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.k < 1:
            raise InputError.of("k", f"{self.k} windows cannot be compared", "give 1 or more")
        if self.among and self.among not in SPLITS:
            raise InputError.of("among", f"there is no part {self.among!r}", f"choose from {', '.join(SPLITS)}")


@dataclass(frozen=True, eq=False)
class Nearest:
    """The windows of one species that lie nearest to a window of interest.

    Attributes
    ----------
    species
        Whose windows they are.
    ids
        (n_found,) window ids, the nearest first.
    distances
        (n_found,) Euclidean distance in the latent, as the latent is given: no dimension is scaled.
    nearer_than
        (n_found,) share, from 0 to 1, of random pairs of windows of the two species that lie further apart.
    n_candidates
        How many windows were searched.
    note
        What to know about the search; empty if it went as wished.
    """

    species: str
    ids: Ids
    distances: NDArray[np.float64]
    nearer_than: NDArray[np.float64]
    n_candidates: int
    note: str = ""


def nearest_windows(table: WindowTable, latents: Floats, window: int, wishes: CompareWishes) -> tuple[Nearest, ...]:
    """Return the nearest windows of each other species, in the order of the table, and of its own last if wished.

    Parameters
    ----------
    table
        All windows.
    latents
        (n_windows, n_latent); a window with NaN in it is not found.
    window
        The window of interest.
    wishes
        How many, and among which.

    Returns
    -------
    tuple
        One entry per species; of a species without a window of the wished part, all windows are searched, and its note
        says so.

    Raises
    ------
    InputError
        If there are no latents, or the window has none.
    """
    if len(latents) != len(table):
        raise InputError.of("latents", "there are none of these windows", "fit a model first")
    if not np.isfinite(latents[window]).all():
        raise InputError.of(f"window {window}", "its latent is not known", "choose another window")
    own = table.keys[table.track[window]].species
    others = [name for name in table.species_names() if name != own]
    return tuple(
        _nearest(table, latents, window, name, wishes) for name in (*others, *([own] if wishes.own_species else []))
    )


def nearer_than(distances: Floats, pairs: Floats) -> NDArray[np.float64]:
    """Return the share of the distances of random pairs that exceeds each distance; equal ones count half.

    NaN without pairs.
    """
    if not pairs.size:
        return np.full(distances.size, np.nan)
    ranked = np.sort(pairs)
    low, high = (np.searchsorted(ranked, distances, side=side) for side in ("left", "right"))
    return np.asarray(1.0 - (low + high) / (2.0 * ranked.size))


def doubts(card: Mapping[str, Any], one: str, other: str) -> str:
    """Return in one sentence, with the figure, why neighbours of two species are not to be believed; empty if they are.

    Parameters
    ----------
    card
        What the fit stored.
    one, other
        The species, in any order.
    """
    pairs = card.get("neighbours") or {}
    found = pairs.get(f"{one} and {other}") or pairs.get(f"{other} and {one}")
    if found is None or found["difference"] is None:
        return f"Nothing that was measured tells whether near windows of {one} and {other} are alike."
    figure = f"°C ranks {found['difference']:.2f} apart, {found['shuffled']:.2f} when shuffled"
    if found["smallest_p"] is not None and found["smallest_p"] > _CONVINCING_P:
        return f"Too few recordings differ to be sure that near windows of {one} and {other} are alike ({figure})."
    if found["difference"] >= found.get("shuffled_5th", found["shuffled"]):
        return f"On held-out windows, near windows of {one} and {other} are no more alike than chance ({figure})."
    return ""


def _nearest(table: WindowTable, latents: Floats, window: int, species: str, wishes: CompareWishes) -> Nearest:
    own = table.keys[table.track[window]].species
    there, note = _candidates(table, latents, species, wishes.among)
    here, _ = _candidates(table, latents, own, wishes.among)
    pairs = _random_pairs(table, latents, (here, there), wishes)
    there = there[table.track[there] != table.track[window]]
    distances = _distances(latents[there], latents[[window]])
    order = np.argsort(distances, kind="stable")
    if wishes.one_per_recording:
        order = order[_firsts(_recordings(table)[table.track[there[order]]])]
    order = order[: wishes.k]
    found = distances[order]
    return Nearest(species, there[order], found, nearer_than(found, pairs), there.size, note)


def _candidates(table: WindowTable, latents: Floats, species: str, among: str) -> tuple[Ids, str]:
    """Return the windows of a species that have a latent, of the wished part where it has any, and what to know."""
    ids = table.rows_of(species)
    ids = ids[np.isfinite(latents[ids]).all(axis=1)]
    chosen = ids[table.in_split(among)[ids]] if among else ids
    if chosen.size or not ids.size:
        return chosen, "" if ids.size else f"No window of {species} has a latent."
    return ids, f"No window of {species} was held out, so those that the model was trained on are searched."


def _random_pairs(table: WindowTable, latents: Floats, sides: tuple[Ids, Ids], wishes: CompareWishes) -> Floats:
    """Return the distances of random pairs of windows of different animals; the same ones each time."""
    if not all(side.size for side in sides):
        return np.empty(0)
    rng = np.random.default_rng(wishes.seed)
    one, other = (side[rng.integers(side.size, size=wishes.n_pairs)] for side in sides)
    apart = table.track[one] != table.track[other]
    return _distances(latents[one[apart]], latents[other[apart]])


def _distances(one: Floats, other: Floats) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(one.astype(np.float64) - other.astype(np.float64), axis=1))


def _firsts(groups: Ids) -> Ids:
    """Return where each group is met first, rising."""
    return np.sort(np.unique(groups, return_index=True)[1])


def _recordings(table: WindowTable) -> Ids:
    """Return (n_tracks,) which recording each track belongs to."""
    names = [(key.species, key.recording) for key in table.keys]
    codes = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([codes[name] for name in names], dtype=np.int64)
