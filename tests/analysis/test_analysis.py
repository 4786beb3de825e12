"""What is claimed of a latent: held-out figures, their null, neighbours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import r2_score

from napari_atlas.analysis.alignment import held_out_r2, r_squared, shuffle_by_course
from napari_atlas.analysis.neighbours import cross_species_error
from napari_atlas.data.species import Species
from napari_atlas.data.windows import SPLITS, Track, TrackKey, Windows, WindowTable

TRAIN, VALIDATION, TEST = range(3)


def make_table(species: tuple[str, ...] = ("fish",), recordings: int = 8, n: int = 40) -> WindowTable:
    """Return windows of one bin whose temperature wanders its own way in each recording; every second one is test."""
    tracks = []
    for j, name in enumerate(species):
        for r in range(recordings):
            warmth = 20 + 5 * np.sin(np.arange(n) / 9 * (1 + r / 3) + r + j) + np.random.default_rng(r).random(n)
            tracks.append(
                Track(
                    TrackKey(name, f"{name}-{r}", "0"), np.ones((n, 1)), np.arange(float(n)), np.arange(n + 1), warmth,
                    1, np.arange(n), np.empty(0),
                )
            )  # fmt: skip
    table = Windows.from_tracks(tracks, [Species(name, "array") for name in species]).table
    return replace(table, split=np.where(table.track % 2, TEST, TRAIN).astype(np.int8))


@pytest.mark.parametrize("seed", range(10))
def test_r_squared_is_that_of_sklearn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, predicted = rng.normal(20, 5, 50), rng.normal(20, 5, 50)
    assert r_squared(labels, predicted) == pytest.approx(r2_score(labels, predicted), rel=1e-12)
    gaps = labels.copy()
    gaps[::7] = np.nan
    known = np.isfinite(gaps)
    assert r_squared(gaps, predicted) == pytest.approx(r2_score(labels[known], predicted[known]), rel=1e-12)


def test_r_squared_of_nothing_to_explain_is_undefined() -> None:
    assert np.isnan(r_squared(np.full(9, 17.0), np.arange(9.0)))
    assert np.isnan(r_squared(np.full(9, np.nan), np.arange(9.0)))
    assert np.isnan(r_squared(np.arange(9.0), np.full(9, np.nan)))
    assert np.isnan(r_squared(np.empty(0), np.empty(0)))
    assert r_squared(np.arange(9.0), np.arange(9.0)) == 1.0
    assert r_squared(np.arange(9.0), np.full(9, 4.0)) == 0.0


@settings(deadline=None)
@given(st.integers(2, 6), st.integers(1, 12), st.integers(0, 1000))
def test_shuffling_moves_whole_courses(n_courses: int, length: int, seed: int) -> None:
    courses = np.repeat(np.arange(n_courses) * 3, length)
    labels = np.arange(courses.size, dtype=float)
    shuffled = shuffle_by_course(labels, courses, np.random.default_rng(seed))
    assert sorted(shuffled) == sorted(labels)
    for course in np.unique(courses):
        mine = shuffled[courses == course]
        assert (np.diff(mine) == 1).all(), "neighbours stay neighbours"
        assert mine[0] % length == 0, "a course moves whole"


def test_shuffling_does_change_places() -> None:
    courses, labels = np.repeat(np.arange(5), 4), np.repeat(np.arange(5.0), 4)
    seen = {tuple(shuffle_by_course(labels, courses, np.random.default_rng(s))[::4]) for s in range(40)}
    assert len(seen) > 20


def test_courses_of_other_lengths_are_stretched() -> None:
    courses = np.array([0] * 3 + [1] * 9)
    labels = np.array([1, 2, 3, *range(10, 19)], dtype=float)
    swapped = next(
        s for seed in range(20)
        if (s := shuffle_by_course(labels, courses, np.random.default_rng(seed)))[0] >= 10
    )  # fmt: skip
    assert swapped.tolist() == [10, 13, 16, 1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_a_single_course_is_turned_round() -> None:
    labels = np.arange(10.0)
    for seed in range(20):
        turned = shuffle_by_course(labels, np.zeros(10, dtype=int), np.random.default_rng(seed))
        assert not np.array_equal(turned, labels)
        assert np.array_equal(np.roll(labels, int(turned.tolist().index(0.0))), turned)


def test_a_perfect_prediction_stands_out_from_its_shuffle() -> None:
    table = make_table(("fish", "jellyfish"))
    found = held_out_r2(table, table.temperature)
    assert set(found) == {"fish", "jellyfish"}
    for figures in found.values():
        assert figures.train == figures.test == 1.0
        assert np.isnan(figures.validation), "no window there"
        assert figures.n_courses == 4
        assert figures.shuffled < 0.5


def test_a_memorised_course_is_good_in_training_alone() -> None:
    table = make_table(recordings=24)
    gaps = []
    for seed in range(8):
        random = np.random.default_rng(seed).normal(20, 3, len(table))
        figures = held_out_r2(table, np.where(table.in_split("train"), table.temperature, random), n_shuffles=40)[
            "fish"
        ]
        assert figures.train == 1.0
        assert figures.test < 0
        gaps.append(figures.test - figures.shuffled)
    assert abs(np.mean(gaps)) < 0.1, "no better than its shuffle"


def test_held_out_figures_repeat_with_their_seed() -> None:
    table = make_table()
    predicted = table.temperature + np.random.default_rng(1).normal(0, 2, len(table))
    assert held_out_r2(table, predicted, seed=4) == held_out_r2(table, predicted, seed=4)
    few = [held_out_r2(table, predicted, seed=s, n_shuffles=5)["fish"].shuffled for s in range(4)]
    assert len(set(few)) > 1


def test_what_is_constant_or_absent_has_no_figure() -> None:
    table = make_table(("fish", "jellyfish"))
    fish = table.of_key("species") == "fish"
    none = replace(table, temperature=np.where(fish, np.nan, table.temperature))
    assert set(held_out_r2(none, table.temperature)) == {"jellyfish"}
    constant = replace(table, temperature=np.where(fish, 17.0, table.temperature))
    figures = held_out_r2(constant, table.temperature)["fish"]
    assert np.isnan([figures.train, figures.test, figures.shuffled]).all()


def test_without_test_windows_there_is_no_course() -> None:
    table = replace(make_table(), split=np.full(320, SPLITS.index("train"), dtype=np.int8))
    figures = held_out_r2(table, table.temperature)["fish"]
    assert figures.n_courses == 0
    assert np.isnan(figures.test)
    assert np.isnan(figures.shuffled)


def test_neighbours_that_agree_and_neighbours_that_do_not() -> None:
    rng = np.random.default_rng(0)
    warmth = [np.linspace(10, 30, 200), np.linspace(10, 30, 150)]
    aligned = [np.stack([w, np.zeros_like(w)], axis=1) for w in warmth]
    near = cross_species_error(aligned, warmth)
    assert near.error < 0.1
    assert near.shuffled == pytest.approx(20 / 3, rel=0.02), "mean distance of two uniform values"
    assert near.ratio == near.error / near.shuffled < 0.02
    apart = cross_species_error([rng.random((w.size, 2)) for w in warmth], warmth)
    assert apart.ratio == pytest.approx(1.0, abs=0.15)


def test_the_error_of_neighbours_by_hand() -> None:
    positions = [np.array([[0.0], [10.0]]), np.array([[1.0]])]
    values = [np.array([5.0, 7.0]), np.array([6.5])]
    found = cross_species_error(positions, values)
    assert found.error == pytest.approx((np.mean([1.5, 0.5]) + 1.5) / 2)
    assert found.shuffled == pytest.approx(1.0)
