"""Nearest windows in the latent, and which of them a map keeps near."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["K_KEPT", "Nearest", "Tell", "ask_nearest", "kept_neighbours", "nearest", "silent"]

Tell = Callable[[int, int], None]

# As many as UMAP looks at unless told otherwise, whatever it was told: so the figures of two maps can be compared.
K_KEPT = 15
# Beyond as many windows the neighbours are searched for approximately.
_MOST_EXACT = 200_000
# A tree is of no use in more dimensions.
_MOST_DIMS = 12
_AT_ONCE = 20_000


def silent(done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest windows of each window, itself among them.

    Attributes
    ----------
    ids
        (n_windows, k), the nearest one first.
    distances
        (n_windows, k), Euclidean.
    exact
        Whether all are the nearest ones; with a great many windows some are merely near.
    """

    ids: NDArray[np.int32]
    distances: NDArray[np.float32]
    exact: bool = True


def nearest(values: NDArray[np.float32], k: int, seed: int = 0, tell: Tell = silent) -> Nearest:
    """Return the *k* nearest windows of each, itself among them.

    Parameters
    ----------
    values
        (n_windows, n_latent), all finite.
    k
        How many; not more than there are windows.
    seed
        Of the approximate search, which takes place of the exact one beyond 200 000 windows.
    tell
        Told windows done and windows in all. What it raises ends the work.
    """
    n = len(values)
    if n > _MOST_EXACT:
        return _searched(values, k, seed)
    ask = ask_nearest(values, k)
    ids, distances = np.empty((n, k), dtype=np.int32), np.empty((n, k), dtype=np.float32)
    for start in range(0, n, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        distances[part], ids[part] = ask(values[part])
        tell(min(start + _AT_ONCE, n), n)
    return Nearest(ids, distances)


def kept_neighbours(
    latents: NDArray[np.float32],
    coordinates: NDArray[np.float32],
    near: Nearest | None = None,
    most: int = 0,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Return what share of a window's 15 nearest windows in the latent is among its 15 nearest on the map.

    1 means that its neighbourhood is as it was, and about 15 / n_windows that it was made up. Averaged over windows it
    is the share Q_NX(15) of kept neighbours, as in Lee and Verleysen, "Quality assessment of dimensionality reduction:
    rank-based criteria", Neurocomputing 72 (2009).

    Parameters
    ----------
    latents
        (n_windows, n_latent), all finite.
    coordinates
        (n_windows, n_dims) of the map, all finite.
    near
        Nearest windows in the latent, at least 16 of each with itself, if they are known already.
    most
        Look at so many windows, drawn with the seed; 0 looks at all.
    seed
        Of the draw, which is another one than that of the landmarks.

    Returns
    -------
    numpy.ndarray
        (n_windows,), from 0 to 1; NaN where it was not looked, and for a window that is alone.
    """
    n = len(latents)
    kept, k = np.full(n, np.nan, dtype=np.float32), min(K_KEPT, n - 1)
    rows = np.arange(n)
    if 0 < most < n:
        rows = np.sort(np.random.default_rng((seed, n)).choice(n, most, replace=False))
    if k < 1:
        return kept
    in_latent, on_map = ask_nearest(latents, k + 1), ask_nearest(coordinates, k + 1)
    for start in range(0, rows.size, _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        wanted = near.ids[part, : k + 1] if near else in_latent(latents[part])[1]
        here, there = _without_self(wanted, part), _without_self(on_map(coordinates[part])[1], part)
        kept[part] = (here[:, :, None] == there[:, None, :]).any(axis=2).mean(axis=1)
    return kept


Ask = Callable[[NDArray[np.float32]], tuple[NDArray[np.floating], NDArray[np.integer]]]


def ask_nearest(values: NDArray[np.float32], k: int) -> Ask:
    """Return what tells (distances, ids), both (n_places, k), of the *k* values nearest to places, nearest first."""
    if values.shape[1] > _MOST_DIMS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from sklearn.neighbors import NearestNeighbors

            return NearestNeighbors(n_neighbors=k, algorithm="brute").fit(values).kneighbors  # type: ignore[no-any-return]
    from scipy.spatial import cKDTree

    tree, workers = cKDTree(values), max(1, (os.cpu_count() or 2) - 1)

    def ask(places: NDArray[np.float32]) -> tuple[NDArray[np.floating], NDArray[np.integer]]:
        distances, ids = tree.query(places, np.arange(1, k + 1), workers=workers)
        return distances, ids

    return ask


def _searched(values: NDArray[np.float32], k: int, seed: int) -> Nearest:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap.umap_ import nearest_neighbors

        random = np.random.RandomState(seed)
        ids, distances, _ = nearest_neighbors(values, k, "euclidean", {}, False, random, n_jobs=1)
    return Nearest(ids.astype(np.int32), distances.astype(np.float32), exact=False)


def _without_self(ids: NDArray[np.integer], rows: NDArray[np.int64]) -> NDArray[np.integer]:
    """Return the ids less the window itself; where equal windows crowded it out, less the farthest."""
    other = ids != rows[:, None]
    other[other.all(axis=1), -1] = False
    return np.asarray(ids[other].reshape(len(ids), -1))
