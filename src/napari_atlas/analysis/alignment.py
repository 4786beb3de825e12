"""How far a latent can be believed: held-out figures beside what shuffled labels give."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.windows import WindowTable

__all__ = ["HeldOut", "held_out_r2", "r_squared", "shuffle_by_course"]

Floats = NDArray[np.floating]


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
    """Temperature R² of one species.

    Attributes
    ----------
    train, validation, test
        R² on the windows of each part; NaN where it is undefined.
    shuffled
        Mean test R² after whole temperature courses changed places.
    n_courses
        Independent courses among the test windows.
    """

    train: float
    validation: float
    test: float
    shuffled: float
    n_courses: int


def held_out_r2(table: WindowTable, predicted: Floats, seed: int = 0, n_shuffles: int = 200) -> dict[str, HeldOut]:
    """Return the temperature R² of every species that has temperatures.

    Parameters
    ----------
    table
        One row per window.
    predicted
        (n_windows,) °C read off the latent.
    seed, n_shuffles
        Of the shuffled mean.
    """
    results = {}
    for species in table.species_names():
        rows = table.rows_of(species)
        if not np.isfinite(table.temperature[rows]).any():
            continue
        parts = {name: rows[table.in_split(name)[rows]] for name in ("train", "validation", "test")}
        figures = {name: r_squared(table.temperature[ids], predicted[ids]) for name, ids in parts.items()}
        shuffled, n_courses = _shuffled_r2(table, predicted, parts["test"], np.random.default_rng(seed), n_shuffles)
        results[species] = HeldOut(**figures, shuffled=shuffled, n_courses=n_courses)
    return results


def _shuffled_r2(
    table: WindowTable, predicted: Floats, ids: NDArray[np.int64], rng: np.random.Generator, n_shuffles: int
) -> tuple[float, int]:
    if not ids.size:
        return math.nan, 0
    n_courses = int(np.unique(_courses(table)[table.track[ids]]).size)
    courses = table.track[ids].astype(np.int64) if n_courses == 1 else _courses(table)[table.track[ids]]
    labels = table.temperature[ids]
    values = [r_squared(shuffle_by_course(labels, courses, rng), predicted[ids]) for _ in range(n_shuffles)]
    return float(np.mean(values)), n_courses


def _courses(table: WindowTable) -> NDArray[np.int64]:
    """Return (n_tracks,) which recording, hence temperature course, each track belongs to."""
    names = [(key.species, key.recording) for key in table.keys]
    order = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names], dtype=np.int64)
