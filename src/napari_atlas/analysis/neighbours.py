"""Nearest neighbours across species."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.analysis.alignment import courses_of, shuffle_by_course, smallest_p
from napari_atlas.data.windows import WindowTable

__all__ = ["CrossError", "Neighbours", "cross_species_error", "neighbours"]

Floats = NDArray[np.floating]

# Test windows of each species that are compared, at most.
_MOST = 5000


@dataclass(frozen=True)
class CrossError:
    """How far apart, in a value of interest, nearest neighbours of two species are.

    Attributes
    ----------
    error
        Mean absolute difference between a window and its nearest neighbour in the other species.
    shuffled
        The same for random pairs of the same windows.
    """

    error: float
    shuffled: float

    @property
    def ratio(self) -> float:
        """Error over shuffled error: 1 is chance, 0 is perfect."""
        return self.error / self.shuffled


def cross_species_error(positions: Sequence[Floats], values: Sequence[Floats]) -> CrossError:
    """Return the error of nearest neighbours between two species, averaged over both directions.

    Parameters
    ----------
    positions
        Per species (n_windows, n_dims), such as latents.
    values
        Per species (n_windows,), what neighbours are expected to share.
    """
    from scipy.spatial import cKDTree

    errors, chances = [], []
    for here, there in ((0, 1), (1, 0)):
        _, nearest = cKDTree(positions[there]).query(positions[here])
        errors.append(np.abs(values[here] - values[there][nearest]).mean())
        chances.append(np.abs(values[here][:, None] - values[there][None, :]).mean())
    return CrossError(float(np.mean(errors)), float(np.mean(chances)))


@dataclass(frozen=True)
class Neighbours:
    """How alike, in a covariate, nearest test windows of two species are.

    Attributes
    ----------
    difference
        Mean absolute difference of their percentile ranks, each within its species, from 0 to 1; NaN if the covariate
        is constant or unknown among the test windows of either species.
    shuffled, shuffled_5th
        Mean and 5th percentile of the same after whole courses of the covariate changed places; the mean is about 1/3
        for ranks that know nothing of each other.
    smallest_p
        The smallest p-value that the courses of both species can give together.
    n_windows, n_test
        Test windows that were compared, and those with a known covariate.
    """

    difference: float
    shuffled: float
    shuffled_5th: float
    smallest_p: float
    n_windows: int
    n_test: int


def neighbours(
    table: WindowTable, positions: Floats, labels: Floats, seed: int = 0, n_shuffles: int = 200
) -> dict[str, Neighbours]:
    """Compare test windows with their nearest neighbours in each other species, for every pair of species.

    Parameters
    ----------
    table
        One row per window.
    positions
        (n_windows, n_dims), such as latents.
    labels
        (n_windows,) the covariate that neighbours are expected to share; NaN where unknown. A species that has it
        nowhere is left out.
    seed, n_shuffles
        Of the shuffled figures. Of more than 5000 test windows of a species, 5000 are drawn with the seed.

    Returns
    -------
    dict
        By pair, such as ``"jellyfish and stickleback"``.
    """
    known = {name: table.rows_of(name)[np.isfinite(labels[table.rows_of(name)])] for name in table.species_names()}
    test = {name: ids[table.in_split("test")[ids]] for name, ids in known.items() if ids.size}
    results = {}
    for one, other in itertools.combinations(test, 2):
        rng = np.random.default_rng(seed)
        sides = [_Side.of(table, positions, labels, test[name], rng) for name in (one, other)]
        results[f"{one} and {other}"] = Neighbours(
            *_compare(sides, rng, n_shuffles),
            smallest_p=smallest_p(table, labels, test[one]) * smallest_p(table, labels, test[other]),
            n_windows=sum(len(side.positions) for side in sides),
            n_test=test[one].size + test[other].size,
        )
    return results


@dataclass(frozen=True)
class _Side:
    """Test windows of one species: where they are, their percentile ranks, and what may change places."""

    positions: Floats
    ranks: Floats
    courses: NDArray[np.int64]

    @classmethod
    def of(
        cls, table: WindowTable, positions: Floats, labels: Floats, ids: NDArray[np.int64], rng: np.random.Generator
    ) -> _Side:
        from scipy.stats import rankdata

        if ids.size > _MOST:
            ids = np.sort(rng.choice(ids, _MOST, replace=False))
        constant = not ids.size or labels[ids].max() - labels[ids].min() <= 1e-9
        ranks = np.empty(0) if constant else (rankdata(labels[ids]) - 0.5) / ids.size
        return cls(positions[ids], ranks, courses_of(table, ids)[0])


def _compare(sides: list[_Side], rng: np.random.Generator, n_shuffles: int) -> tuple[float, float, float]:
    """Return the difference of ranks, and mean and 5th percentile of its null."""
    from scipy.spatial import cKDTree

    if not all(side.ranks.size for side in sides):
        return math.nan, math.nan, math.nan
    here, there = sides
    forth = cKDTree(there.positions).query(here.positions)[1]
    back = cKDTree(here.positions).query(there.positions)[1]

    def difference(one: Floats, other: Floats) -> float:
        return float(np.abs(one - other[forth]).mean() + np.abs(other - one[back]).mean()) / 2

    null = [
        difference(*(shuffle_by_course(side.ranks, side.courses, rng) for side in sides)) for _ in range(n_shuffles)
    ]
    return difference(here.ranks, there.ranks), float(np.mean(null)), float(np.quantile(null, 0.05))
