"""Neighbours across species among test windows, beside what shuffled courses give."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from napari_atlas.analysis.neighbours import neighbours
from napari_atlas.data.species import Species
from napari_atlas.data.windows import SPLITS, Track, TrackKey, Windows, WindowTable

RNG = np.random.default_rng(0)


def make_table(*species: str, recordings: int = 12, n: int = 30) -> WindowTable:
    """Return windows of one bin; each recording wanders its own way, and all are test windows."""
    tracks = [
        Track(
            TrackKey(name, f"{name}-{r}", "0"), np.ones((n, 1)), np.arange(float(n)), np.arange(n + 1),
            np.random.default_rng(100 * j + r).normal(20, 4) + np.random.default_rng(r).normal(0, 1, n).cumsum(),
            1, np.arange(n), np.empty(0),
        )
        for j, name in enumerate(species)
        for r in range(recordings)
    ]  # fmt: skip
    table = Windows.from_tracks(tracks, [Species(name, "array") for name in species]).table
    return replace(table, split=np.full(len(table), SPLITS.index("test"), np.int8))


def placed(table: WindowTable) -> np.ndarray:
    """Return positions that are ranks of temperature within the species, so that neighbours agree."""
    ranks = np.empty((len(table), 2))
    for name in table.species_names():
        rows = table.rows_of(name)
        ranks[rows] = np.argsort(np.argsort(table.temperature[rows]))[:, None]
    return ranks


def test_neighbours_that_agree_stand_out_from_their_shuffle() -> None:
    table = make_table("fish", "jelly")
    (found,) = neighbours(table, placed(table), table.temperature).values()
    assert found.difference < 0.01
    assert found.difference < found.shuffled_5th < found.shuffled
    assert found.shuffled == pytest.approx(1 / 3, abs=0.05)
    assert found.smallest_p == pytest.approx(1 / math.factorial(12) ** 2)
    assert found.n_windows == found.n_test == len(table)


def test_scattered_neighbours_are_no_better_than_their_shuffle() -> None:
    table = make_table("fish", "jelly")
    (found,) = neighbours(table, RNG.normal(size=(len(table), 4)), table.temperature).values()
    assert found.difference == pytest.approx(1 / 3, abs=0.04)
    assert found.difference > found.shuffled_5th


def test_ranks_and_not_degrees_are_compared() -> None:
    table = make_table("fish", "jelly")
    stretched = np.where(table.of_key("species") == "fish", table.temperature, table.temperature**3 + 100)
    one, other = (neighbours(table, placed(table), labels) for labels in (table.temperature, stretched))
    assert one == other


def test_every_pair_is_named() -> None:
    table = make_table("fish", "jelly", "larva", recordings=3)
    found = neighbours(table, placed(table), table.temperature)
    assert list(found) == ["fish and jelly", "fish and larva", "jelly and larva"]
    partly = np.where(table.of_key("species") == "jelly", np.nan, table.temperature)
    assert list(neighbours(table, placed(table), partly)) == ["fish and larva"]


def test_only_test_windows_count() -> None:
    table = make_table("fish", "jelly")
    held_out = table.track % 2 == 0
    table = replace(table, split=np.where(held_out, table.split, SPLITS.index("train")).astype(np.int8))
    places = np.where(held_out[:, None], RNG.normal(size=(len(table), 2)), placed(table))
    (found,) = neighbours(table, places, table.temperature).values()
    assert found.n_test == held_out.sum()
    assert found.difference > 0.25, "training windows would have found their like"


def test_what_is_constant_or_not_held_out_is_undefined() -> None:
    table = make_table("fish", "jelly", recordings=3)
    flat = np.where(table.of_key("species") == "fish", 17.0, table.temperature)
    (found,) = neighbours(table, placed(table), flat).values()
    assert np.isnan([found.difference, found.shuffled, found.shuffled_5th]).all()
    none = replace(table, split=np.zeros(len(table), np.int8))
    (found,) = neighbours(none, placed(none), none.temperature).values()
    assert np.isnan([found.difference, found.shuffled, found.smallest_p]).all()
    assert found.n_test == 0


def test_very_many_windows_are_sampled_and_the_figures_repeat() -> None:
    table = make_table("fish", "jelly", recordings=4, n=2000)
    places = placed(table) + RNG.normal(0, 1000, (len(table), 2))
    (found,), (again,) = (neighbours(table, places, table.temperature, n_shuffles=5).values() for _ in range(2))
    assert (found.n_windows, found.n_test) == (10_000, 16_000)
    assert found == again
