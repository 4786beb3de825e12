"""How far a latent can be believed: held-out figures beside what shuffled labels give."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.windows import WindowTable

__all__ = [
    "HeldOut",
    "courses_of",
    "covariate_r2",
    "held_out_r2",
    "held_out_score",
    "r_squared",
    "reconstruction_r2",
    "shuffle_by_course",
    "smallest_p",
]

Floats = NDArray[np.floating]
Score = Callable[[Floats, Floats], float]

_PARTS = ("train", "validation", "test")


def r_squared(labels: Floats, predicted: Floats) -> float:
    """Return 1 − squared error over variance of the known labels; NaN ("undefined") if they are constant."""
    known = np.isfinite(labels) & np.isfinite(predicted)
    wanted = labels[known].astype(np.float64)
    spread = float(((wanted - wanted.mean()) ** 2).sum()) if wanted.size else 0.0
    if spread <= 1e-12:
        return math.nan
    return 1.0 - float(((wanted - predicted[known]) ** 2).sum()) / spread


def shuffle_by_course(labels: Floats, courses: NDArray[np.integer], rng: np.random.Generator) -> Floats:
    """Return labels in which whole courses have changed places, so that neighbours in time stay together.

    A course that takes the place of a longer or shorter one is stretched to it. A single course is turned round
    by a random step instead.

    Parameters
    ----------
    labels
        (n_windows,), in order of time within each course.
    courses
        (n_windows,) which independent course each window belongs to.
    rng
        Source of randomness.
    """
    names = np.unique(courses)
    shuffled = np.empty_like(labels)
    if names.size == 1:
        return np.roll(labels, int(rng.integers(1, max(2, labels.size))))
    for here, there in zip(names, rng.permutation(names), strict=True):
        mine, theirs = np.flatnonzero(courses == here), labels[courses == there]
        shuffled[mine] = theirs[np.arange(mine.size) * theirs.size // mine.size]
    return shuffled


@dataclass(frozen=True)
class HeldOut:
    """How well one covariate is told in one species: its R², or another score.

    Attributes
    ----------
    train, validation, test
        The score on the windows of each part; NaN where it is undefined.
    shuffled
        Mean test score after whole courses of the covariate changed places.
    shuffled_95th
        95th percentile of these scores.
    n_courses
        Independent courses among the test windows.
    smallest_p
        The smallest p-value that so many courses can give, which is 1/n_courses! if no two are alike; NaN without
        test windows.
    """

    train: float
    validation: float
    test: float
    shuffled: float
    shuffled_95th: float
    n_courses: int
    smallest_p: float


def held_out_r2(table: WindowTable, predicted: Floats, seed: int = 0, n_shuffles: int = 200) -> dict[str, HeldOut]:
    """Return the temperature R² of every species that has temperatures; see `covariate_r2`."""
    return covariate_r2(table, table.temperature, predicted, seed, n_shuffles)


def covariate_r2(
    table: WindowTable, labels: Floats, predicted: Floats, seed: int = 0, n_shuffles: int = 200
) -> dict[str, HeldOut]:
    """Return the R² of a covariate in every species that has it; see `held_out_score`."""
    return held_out_score(table, labels, predicted, r_squared, seed=seed, n_shuffles=n_shuffles)


def held_out_score(
    table: WindowTable, labels: Floats, predicted: Floats, score: Score, *, seed: int = 0, n_shuffles: int = 200
) -> dict[str, HeldOut]:
    """Return how well a covariate is told in every species that has it.

    Parameters
    ----------
    table
        One row per window.
    labels
        (n_windows,) the covariate in its own unit, or codes of its classes; NaN where unknown.
    predicted
        (n_windows,) the same, read off the latent.
    score
        ``(labels, predicted)`` → one number, NaN where it is undefined.
    seed, n_shuffles
        Of the shuffled mean.
    """
    results = {}
    for species in table.species_names():
        rows = table.rows_of(species)
        if not np.isfinite(labels[rows]).any():
            continue
        parts = {name: rows[table.in_split(name)[rows]] for name in _PARTS}
        figures = {name: score(labels[ids], predicted[ids]) for name, ids in parts.items()}
        test = parts["test"]
        courses, n_courses = courses_of(table, test)
        rng = np.random.default_rng(seed)
        scores = [
            score(shuffle_by_course(labels[test], courses, rng), predicted[test]) if test.size else math.nan
            for _ in range(n_shuffles)
        ]
        results[species] = HeldOut(
            **figures,
            shuffled=float(np.mean(scores)),
            shuffled_95th=float(np.percentile(scores, 95)),
            n_courses=n_courses,
            smallest_p=smallest_p(table, labels, test),
        )
    return results


def reconstruction_r2(table: WindowTable, residual: Floats, total: Floats) -> dict[str, dict[str, float]]:
    """Return, per species and part, how much of the windows' spread their reconstruction explains.

    1 is perfect, 0 is what a line at the mean of the training windows reaches. NaN ("undefined") where a part has
    no window or does not vary.

    Parameters
    ----------
    table
        One row per window.
    residual, total
        (n_windows,) squares summed over the known values of each window, z-scored on training windows: of what the
        reconstruction misses, and of the values themselves.
    """
    results = {}
    for species in table.species_names():
        rows = table.rows_of(species)
        parts = {name: rows[table.in_split(name)[rows]] for name in _PARTS}
        results[species] = {name: _explained(residual[ids], total[ids]) for name, ids in parts.items()}
    return results


def courses_of(table: WindowTable, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return (n_ids,) what may change places when windows are shuffled, and how many independent courses there are.

    All animals of a recording share one course. If there is a single recording, its animals change places.
    """
    courses = _recording_of_track(table)[table.track[ids]]
    n_courses = int(np.unique(courses).size)
    return (table.track[ids].astype(np.int64) if n_courses == 1 else courses), n_courses


def smallest_p(table: WindowTable, labels: Floats, ids: NDArray[np.int64]) -> float:
    """Return the smallest p-value that shuffling whole courses can give; NaN without windows.

    It is 1 over the number of orders of the courses that differ; two courses that go through the same values in the
    same order are alike, however long they stay at each.

    Parameters
    ----------
    table
        One row per window.
    labels
        (n_windows,) the covariate.
    ids
        (n_ids,) the windows whose courses are shuffled.
    """
    if not ids.size:
        return math.nan
    courses, mine = _recording_of_track(table)[table.track[ids]], labels[ids]
    passed = [_passed(mine[courses == course], table.track[ids][courses == course]) for course in np.unique(courses)]
    alike = Counter(passed)
    return math.prod(map(math.factorial, alike.values())) / math.factorial(alike.total())


def _passed(labels: Floats, tracks: NDArray[np.integer]) -> tuple[float, ...]:
    """Return the known values of a course, one after the other, as the animal tells them that passes through most."""
    found: tuple[float, ...] = ()
    for track in np.unique(tracks):
        mine = labels[(tracks == track) & np.isfinite(labels)].round(3)
        changes = mine[np.concatenate([[True], mine[1:] != mine[:-1]])] if mine.size else mine
        found = max(found, tuple(changes.tolist()), key=len)
    return found


def _explained(residual: Floats, total: Floats) -> float:
    spread = float(total.sum(dtype=np.float64))
    return 1.0 - float(residual.sum(dtype=np.float64)) / spread if spread > 1e-12 else math.nan


def _recording_of_track(table: WindowTable) -> NDArray[np.int64]:
    """Return (n_tracks,) which recording, hence course, each track belongs to."""
    names = [(key.species, key.recording) for key in table.keys]
    order = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names], dtype=np.int64)
