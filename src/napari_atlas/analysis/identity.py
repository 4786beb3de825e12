"""Whether clusters and neighbours in the latent follow who it was, or which session, rather than what was done."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.analysis._decoders import one_thread

__all__ = ["SessionTypes", "cluster_entropy", "matched_agreement", "mixture_clusters", "tell_sessions"]

Floats = NDArray[np.floating]
Ids = NDArray[np.int64]

_MOST = 10_000


def mixture_clusters(latents: Floats, k: int, seed: int = 0) -> Ids:
    """Return the cluster of each window by a mixture of k Gaussians that begins with k-means++.

    Parameters
    ----------
    latents
        (n_windows, n_latent), NaN nowhere.
    k
        How many clusters, fewer than windows.
    seed
        The same seed gives the same clusters.
    """
    from sklearn.mixture import GaussianMixture

    rng = np.random.default_rng(seed)
    values = np.asarray(latents, dtype=np.float64)
    values = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-9)
    some = values if len(values) <= _MOST else values[rng.choice(len(values), _MOST, replace=False)]
    with one_thread():
        mixture = GaussianMixture(k, n_init=2, init_params="k-means++", reg_covar=1e-4, random_state=seed)
        return np.asarray(mixture.fit(some).predict(values), dtype=np.int64)


def cluster_entropy(codes: Ids, animals: Ids) -> float:
    """Return how evenly animals share the clusters: 1 if all are in each alike, 0 if each cluster is of one animal.

    Entropy over the animals as if all had as many windows, over its largest value; the mean over the clusters, by
    their windows.

    Parameters
    ----------
    codes
        (n_windows,) cluster of each window; negative for none.
    animals
        (n_windows,) who it is.

    Returns
    -------
    float
        NaN with one animal.
    """
    inside = codes >= 0
    names, who = np.unique(animals[inside], return_inverse=True)
    if names.size < 2:
        return math.nan
    clusters, rows = np.unique(codes[inside], return_inverse=True)
    counts = np.zeros((clusters.size, names.size))
    np.add.at(counts, (rows, who), 1)
    rates = counts / counts.sum(axis=0)
    shares = rates / rates.sum(axis=1, keepdims=True)
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=1) / math.log(names.size)
    return float((entropy * counts.sum(axis=1)).sum() / counts.sum())


def matched_agreement(one: Ids, other: Ids) -> float:
    """Return the share of windows in the same cluster, once the clusters are paired so that it is largest.

    The pairing is found by the Hungarian method. A window that is in no cluster of either does not count.

    Parameters
    ----------
    one, other
        (n_windows,) cluster of each window in two clusterings; negative for none.

    Returns
    -------
    float
        NaN without windows.
    """
    from scipy.optimize import linear_sum_assignment

    inside = (one >= 0) & (other >= 0)
    if not inside.any():
        return math.nan
    mine, theirs = (np.unique(codes[inside], return_inverse=True)[1] for codes in (one, other))
    counts = np.zeros((int(mine.max()) + 1, int(theirs.max()) + 1))
    np.add.at(counts, (mine, theirs), 1)
    rows, columns = linear_sum_assignment(counts, maximize=True)
    return float(counts[rows, columns].sum() / inside.sum())


@dataclass(frozen=True)
class SessionTypes:
    """How well the type of a session that was left out is told by its windows' neighbours.

    Attributes
    ----------
    windows
        Share of windows whose neighbours are mostly of the right type, balanced over the types.
    sessions
        Share of sessions whose windows mostly say the right type.
    chance
        The share of windows if types changed places between sessions, in the mean.
    n_sessions
        How many there are.
    """

    windows: float
    sessions: float
    chance: float
    n_sessions: int


def tell_sessions(latents: Floats, sessions: Ids, types: Ids, k: int = 15, seed: int = 0) -> SessionTypes:
    """Return how well nearest neighbours of other sessions tell what type a session is.

    Parameters
    ----------
    latents
        (n_windows, n_latent), NaN nowhere.
    sessions
        (n_windows,) codes.
    types
        (n_windows,) codes, one type for each session.
    k
        Neighbours that vote, each by how common its type is.
    seed
        Of the windows that are looked at, 10 000 at most, and of the shuffles.

    Returns
    -------
    SessionTypes
        NaN where a type has one session only, so that nothing of it is left when it is left out.
    """
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(latents))[:_MOST])
    names, mine = np.unique(sessions[chosen], return_inverse=True)
    of_session = np.array([types[chosen][mine == i][0] for i in range(names.size)], dtype=np.int64)
    of_session = np.unique(of_session, return_inverse=True)[1].astype(np.int64)
    if np.bincount(of_session).min() < 2 or np.unique(of_session).size < 2:
        return SessionTypes(math.nan, math.nan, math.nan, int(names.size))
    values = np.asarray(latents[chosen], dtype=np.float64)
    values = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-9)
    near = _neighbours(values, mine, k)
    windows, right = _vote(near, mine, of_session)
    chance = [_vote(near, mine, rng.permutation(of_session))[0] for _ in range(20)]
    return SessionTypes(windows, right, float(np.mean(chance)), int(names.size))


def _neighbours(values: NDArray[np.float64], sessions: Ids, k: int) -> Ids:
    """Return (n_windows, k) sessions of the nearest windows that are of another session."""
    from scipy.spatial import cKDTree

    found = np.empty((len(values), k), dtype=np.int64)
    for session in np.unique(sessions):
        others = np.flatnonzero(sessions != session)
        mine = np.flatnonzero(sessions == session)
        places = cKDTree(values[others]).query(values[mine], k=np.arange(1, k + 1))[1]
        found[mine] = sessions[others[np.minimum(places, others.size - 1)]]
    return found


def _vote(near: Ids, sessions: Ids, types: Ids) -> tuple[float, float]:
    """Return which share of windows, balanced over the types, and of sessions is told right."""
    n_types = int(types.max()) + 1
    votes = np.eye(n_types)[types[near]].sum(axis=1) / np.bincount(types[sessions], minlength=n_types)
    said, wanted = votes.argmax(axis=1), types[sessions]
    right = [float((said[wanted == code] == code).mean()) for code in range(n_types)]
    counts = np.zeros((types.size, n_types))
    np.add.at(counts, (sessions, said), 1)
    return float(np.mean(right)), float((counts.argmax(axis=1) == types).mean())
