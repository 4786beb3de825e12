"""Whether a variable goes with the behaviour so closely that they cannot be told apart."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.variables import Measured

__all__ = ["CONFOUNDED", "behaviour_among", "confounded", "confounding"]

Codes = NDArray[np.int64]

CONFOUNDED = 0.9
"""Above this a variable and the behaviour cannot be told apart."""

_BEHAVIOUR = re.compile(r"behavio|label|ethogram|annotation|action", re.IGNORECASE)
_BINS = 8
_MOST = 20_000


def behaviour_among(names: Iterable[str]) -> str:
    """Return the first name that tells of a behaviour, such as ``behaviour`` or ``label``; empty if none does."""
    return next((name for name in names if _BEHAVIOUR.search(name)), "")


def confounding(variable: Measured, behaviour: Measured) -> float:
    """Return how far a variable and the behaviour determine each other: 0 not at all, 1 completely.

    The larger of how far the variable determines the behaviour and the other way round. For classes that is the share
    of their entropy that the other one explains, for numbers and angles the share of their variance; what as many
    groups of random windows would explain is taken off. Numbers explain in eight groups of as many windows.

    Parameters
    ----------
    variable, behaviour
        One row per window; windows where either is unknown do not count.

    Returns
    -------
    float
        NaN where either is the same throughout, or unknown.
    """
    known = np.flatnonzero(variable.known & behaviour.known)
    if known.size > _MOST:
        known = np.random.default_rng(0).choice(known, _MOST, replace=False)
    one, other = (replace(measured, values=measured.values[known]) for measured in (variable, behaviour))
    if not known.size or any(np.ptp(m.values, axis=0).max() <= 1e-12 for m in (one, other)):
        return float("nan")
    return max(_determined(one, other), _determined(other, one))


def confounded(variable: Measured, behaviour: Measured) -> str:
    """Return a sentence if a variable and the behaviour cannot be told apart, else nothing."""
    found = confounding(variable, behaviour)
    if not found > CONFOUNDED:
        return ""
    return (
        f"{variable.name} and {behaviour.name} are confounded: they determine each other to {found:.2f} of 1, so that "
        f"taking {variable.name} out of the latent takes {behaviour.name} out as well"
    )


def _determined(target: Measured, given: Measured) -> float:
    """Return how far groups of what is given explain the target, the best of its columns."""
    return max(_explained(target, _groups(given, i)) for i in range(given.values.shape[1]))


def _groups(measured: Measured, column: int) -> Codes:
    """Return (n_windows,) codes: classes as they are, eight sectors, or eight groups of rising numbers."""
    values = measured.values[:, column]
    if measured.kind == "angle":
        values = np.floor(np.mod(values, 2 * np.pi) / (2 * np.pi) * _BINS)
    elif measured.kind == "number":
        edges = np.unique(np.quantile(values, np.arange(1, _BINS) / _BINS))
        values = np.searchsorted(edges, values, side="right").astype(np.float64)
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _explained(target: Measured, groups: Codes) -> float:
    if target.kind == "class":
        return _of_entropy(np.unique(target.values[:, 0], return_inverse=True)[1].astype(np.int64), groups)
    values = target.values
    columns = np.concatenate([np.cos(values), np.sin(values)], axis=1) if target.kind == "angle" else values
    if target.kind == "number":
        return max(_of_variance(columns[:, [i]], groups) for i in range(columns.shape[1]))
    return _of_variance(columns, groups)


def _of_entropy(codes: Codes, groups: Codes) -> float:
    from sklearn.metrics import mutual_info_score
    from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

    table = contingency_matrix(codes, groups, sparse=True)
    by_chance = float(expected_mutual_information(table, codes.size))
    shares = np.bincount(codes) / codes.size
    left = float(-(shares * np.log(np.where(shares > 0, shares, 1.0))).sum()) - by_chance
    return (float(mutual_info_score(codes, groups)) - by_chance) / left if left > 1e-12 else 0.0


def _of_variance(columns: NDArray[np.float64], groups: Codes) -> float:
    n, sizes = len(columns), np.bincount(groups)
    spread = float(((columns - columns.mean(axis=0)) ** 2).sum())
    if spread <= 1e-12 or n <= sizes.size:
        return 0.0
    means = np.zeros((sizes.size, columns.shape[1]))
    np.add.at(means, groups, columns)
    left = float(((columns - (means / sizes[:, None])[groups]) ** 2).sum())
    return 1.0 - (left / (n - sizes.size)) / (spread / (n - 1))
