"""Windows for held-out figures: none overlaps another, and those that follow each other stay together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.windows import WindowTable

__all__ = ["apart", "block_length", "deal", "recording_codes", "shuffled", "units_of"]

Floats = NDArray[np.floating]
Ids = NDArray[np.int64]

# Windows whose latents are less alike than this are as good as unrelated.
_ALIKE = 0.1
_FEWEST_BLOCKS = 40
_LONGEST = 60


def apart(table: WindowTable, among: NDArray[np.bool_]) -> Ids:
    """Return ids of windows, in order of track and time, of which none overlaps another.

    Parameters
    ----------
    table
        One row per window.
    among
        (n_windows,) which of them are asked for.
    """
    ids = np.flatnonzero(among)
    ids = ids[np.lexsort((table.start[ids], table.track[ids]))]
    edges = np.flatnonzero(np.diff(table.track[ids], prepend=-1, append=-1))
    kept: list[int] = []
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        starts, at = table.start[ids[begin:end]], 0
        while at < starts.size:
            kept.append(begin + at)
            at = int(np.searchsorted(starts, table.stop[ids[begin + at]]))
    return np.asarray(ids[kept], dtype=np.int64)


def recording_codes(table: WindowTable, ids: Ids) -> Ids:
    """Return (n_ids,) codes of the recordings."""
    names = np.array([f"{key.species}\n{key.recording}" for key in table.keys] or [""])
    return np.unique(names, return_inverse=True)[1].astype(np.int64)[table.track[ids]]


def block_length(table: WindowTable, ids: Ids, features: Floats) -> int:
    """Return after how many windows of a track the features are no longer alike.

    Parameters
    ----------
    table
        One row per window.
    ids
        (n_ids,) windows in order of track and time, as `apart` gives them.
    features
        (n_ids, n_features), NaN nowhere.

    Returns
    -------
    int
        At least 1, and so few that there are 40 blocks if there are as many windows.
    """
    tracks = table.track[ids]
    values = np.asarray(features, dtype=np.float64)
    counts = np.bincount(tracks)
    sums = np.zeros((counts.size, values.shape[1]))
    np.add.at(sums, tracks, values)
    values = values - (sums / np.maximum(counts, 1)[:, None])[tracks]
    power = (values**2).mean(axis=0)
    values, power = values[:, power > 1e-12], power[power > 1e-12]
    longest = min(_LONGEST, max(1, len(ids) // _FEWEST_BLOCKS))
    for lag in range(1, longest):
        same = tracks[lag:] == tracks[:-lag]
        if not same.any() or not power.size:
            return lag
        if float(((values[lag:] * values[:-lag])[same].mean(axis=0) / power).mean()) < _ALIKE:
            return lag
    return longest


def units_of(table: WindowTable, ids: Ids, length: int) -> Ids:
    """Return (n_ids,) codes of stretches of *length* windows of one track, which stay together."""
    tracks = table.track[ids]
    first = np.flatnonzero(np.diff(tracks, prepend=-1))
    place = np.arange(len(ids)) - np.repeat(first, np.diff(first, append=len(ids)))
    new = (place % length == 0).astype(np.int64)
    return np.asarray(np.cumsum(new) - 1, dtype=np.int64)


def deal(units: Ids, labels: Ids, n_folds: int, rng: np.random.Generator) -> Ids:
    """Return (n_windows,) folds: whole units are dealt, those of a label in turn, so that each fold has its share.

    Parameters
    ----------
    units
        (n_windows,) codes from 0.
    labels
        (n_windows,) codes from 0; all the same where there is nothing to balance. A unit counts for the label that
        most of its windows have.
    n_folds
        How many folds.
    rng
        Source of randomness.
    """
    n_units = int(units.max()) + 1
    votes = np.zeros((n_units, int(labels.max()) + 1), dtype=np.int64)
    np.add.at(votes, (units, labels), 1)
    order = np.lexsort((rng.random(n_units), votes.argmax(axis=1)))
    folds = np.empty(n_units, dtype=np.int64)
    folds[order] = (np.arange(n_units) + rng.integers(n_folds)) % n_folds
    return folds[units]


def shuffled(n: int, length: int, rng: np.random.Generator) -> Ids:
    """Return an order of n windows in which stretches of *length* windows have changed places, but stay whole.

    What follows each other, in the variable as in the latent, goes on doing so: chance is not told too low.
    """
    begin = int(rng.integers(n))
    blocks = [(begin + np.arange(at, min(at + length, n))) % n for at in range(0, n, length)]
    return np.concatenate([blocks[i] for i in rng.permutation(len(blocks))]).astype(np.int64)
