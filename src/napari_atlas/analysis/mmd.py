"""How far two clouds of latents lie apart: maximum mean discrepancy, and the effect size made of it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["effect_size", "mean_mmd", "squared_mmd"]

Floats = NDArray[np.floating]
Ids = NDArray[np.int64]

_MOST = 1000
_MOST_OF_MANY = 300
_MOST_CLASSES = 12


def squared_mmd(one: Floats, other: Floats, most: int = _MOST, seed: int = 0) -> float:
    """Return the unbiased squared maximum mean discrepancy of two clouds; 0 is expected of clouds that are alike.

    Kernel ``exp(−d²/h)``, h the square of the median of all distances between two points. Being unbiased it may be
    below 0.

    Parameters
    ----------
    one, other
        (n_windows, n_latent) each; rows with NaN do not count.
    most
        Windows of each that are looked at, at most.
    seed
        Of those.

    Returns
    -------
    float
        NaN if a cloud has fewer than two windows, or all of them are at one place.
    """
    from scipy.spatial.distance import cdist, pdist

    x, y = (_some(cloud, most, seed) for cloud in (one, other))
    if min(len(x), len(y)) < 2:
        return math.nan
    within_x, within_y, across = pdist(x), pdist(y), cdist(x, y).ravel()
    width = float(np.median(np.concatenate([within_x, within_y, across]))) ** 2
    if width <= 0:
        return math.nan
    means = [float(np.exp(-(distances**2) / width).mean()) for distances in (within_x, within_y, across)]
    return means[0] + means[1] - 2 * means[2]


def mean_mmd(latents: Floats, codes: Ids, seed: int = 0) -> float:
    """Return the mean squared discrepancy over the pairs of groups, at most twelve groups of 300 windows each.

    Parameters
    ----------
    latents
        (n_windows, n_latent).
    codes
        (n_windows,) group of each; negative for none.
    seed
        Of the windows that are looked at.
    """
    names, counts = np.unique(codes[codes >= 0], return_counts=True)
    names = names[np.argsort(-counts, kind="stable")][:_MOST_CLASSES]
    clouds = [latents[codes == name] for name in names]
    found = [squared_mmd(a, b, _MOST_OF_MANY, seed) for i, a in enumerate(clouds) for b in clouds[:i]]
    known = [value for value in found if math.isfinite(value)]
    return float(np.mean(known)) if known else math.nan


def effect_size(latents: Floats, animals: Ids, sessions: Ids, changed: NDArray[np.bool_], seed: int = 0) -> float:
    """Return how far a condition moves an animal, beside how far animals lie apart without it.

    Squared discrepancy of an animal's sessions without and with the condition, over that of sessions without it of
    different animals; the mean of each. Above 1 the condition shows more than who it is.

    Parameters
    ----------
    latents
        (n_windows, n_latent).
    animals, sessions
        (n_windows,) codes.
    changed
        (n_windows,) whether the condition holds.
    seed
        Of the windows that are looked at.

    Returns
    -------
    float
        NaN if no animal has sessions of both, or only one has a session without it.
    """
    clouds = {
        (int(animal), int(session), bool(state)): latents[(animals == animal) & (sessions == session)]
        for animal, session, state in {*zip(animals.tolist(), sessions.tolist(), changed.tolist(), strict=True)}
    }
    keys = sorted(clouds)
    moved, apart = [], []
    for i, a in enumerate(keys):
        for b in keys[:i]:
            if a[0] == b[0] and a[2] != b[2]:
                moved.append(squared_mmd(clouds[a], clouds[b], _MOST_OF_MANY, seed))
            elif a[0] != b[0] and not a[2] and not b[2]:
                apart.append(squared_mmd(clouds[a], clouds[b], _MOST_OF_MANY, seed))
    moved, apart = ([value for value in values if math.isfinite(value)] for values in (moved, apart))
    if not moved or not apart or np.mean(apart) <= 0:
        return math.nan
    return float(np.mean(moved) / np.mean(apart))


def _some(cloud: Floats, most: int, seed: int) -> NDArray[np.float64]:
    known = np.asarray(cloud, dtype=np.float64)
    known = known[np.isfinite(known).all(axis=1)]
    if len(known) <= most:
        return known
    return known[np.sort(np.random.default_rng(seed).choice(len(known), most, replace=False))]
