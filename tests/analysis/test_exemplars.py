"""A few windows that stand for many."""

from __future__ import annotations

import time

import numpy as np
import pytest

from napari_atlas.analysis.exemplars import ExemplarWishes, exemplars
from napari_atlas.data.windows import SPLITS, TrackKey, WindowTable
from napari_atlas.errors import InputError


def make_table(n: int, per_track: int = 10, test: slice = slice(None)) -> WindowTable:
    split = np.full(n, SPLITS.index("train"), dtype=np.int8)
    split[test] = SPLITS.index("test")
    numbers, nothing = np.arange(n), np.full(n, np.nan)
    tracks = (numbers // per_track).astype(np.int32)
    keys = tuple(TrackKey("s", f"r{i}", "0") for i in range(int(tracks.max(initial=-1)) + 1))
    return WindowTable(keys, tracks, numbers, numbers + 1, numbers, numbers + 1, nothing, nothing, nothing, split)


def three_groups(n: int) -> np.ndarray:
    """Return latents in three groups of 6, 3 and 1 tenths."""
    group = np.digitize(np.arange(n) % 10, [6, 9])
    return (np.eye(3)[group] * 20 + np.random.default_rng(0).normal(size=(n, 3))).astype(np.float32)


def test_medoids_are_spread_and_the_largest_group_comes_first() -> None:
    table, latents = make_table(200), three_groups(200)
    found = exemplars(table, latents, np.arange(200), ExemplarWishes(3))
    groups = latents[found.ids].argmax(axis=1)
    assert groups.tolist() == [0, 1, 2]
    assert found.notes == ()
    for window, group in zip(found.ids, groups, strict=True):
        mine = np.flatnonzero(latents.argmax(axis=1) == group)
        far = np.linalg.norm(latents[mine] - latents[mine].mean(axis=0), axis=1)
        assert mine[far.argmin()] == window, "it is the one nearest to the middle of its group"


@pytest.mark.parametrize("choose", ["medoids", "random"])
def test_the_same_question_has_the_same_answer(choose: str) -> None:
    table, latents = make_table(100), three_groups(100)
    one, two, other = (
        exemplars(table, latents, np.arange(100), ExemplarWishes(7, choose, seed)).ids.tolist() for seed in (1, 1, 2)
    )
    assert one == two
    assert len(set(one)) == 7
    assert choose == "medoids" or one != other


@pytest.mark.parametrize("choose", ["medoids", "random"])
def test_only_held_out_windows_unless_there_are_none(choose: str) -> None:
    table, latents = make_table(100, test=slice(50, 54)), three_groups(100)
    found = exemplars(table, latents, np.arange(100), ExemplarWishes(9, choose))
    assert sorted(found.ids) == [50, 51, 52, 53]
    assert not found.notes
    found = exemplars(table, latents, np.arange(40), ExemplarWishes(9, choose))
    assert found.ids.size == 9
    assert "None of these windows" in found.notes[0]
    anyone = exemplars(table, latents, np.arange(100), ExemplarWishes(9, choose, among=""))
    assert anyone.ids.size == 9
    assert not anyone.notes


@pytest.mark.parametrize("choose", ["medoids", "random"])
def test_at_most_so_many_of_a_recording(choose: str) -> None:
    table, latents = make_table(60), three_groups(60)
    found = exemplars(table, latents, np.arange(60), ExemplarWishes(9, choose, per_recording=1))
    assert sorted(table.track[found.ids]) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_windows(n: int) -> None:
    table, latents = make_table(20), three_groups(20)
    assert sorted(exemplars(table, latents, np.arange(n), ExemplarWishes(9)).ids) == list(range(n))


def test_windows_that_coincide_are_told_apart() -> None:
    table = make_table(20)
    found = exemplars(table, np.zeros((20, 4), dtype=np.float32), np.arange(20), ExemplarWishes(5))
    assert len(set(found.ids.tolist())) == 5


def test_nan_is_no_medoid() -> None:
    table, latents = make_table(20), three_groups(20)
    latents[3:] = np.nan
    assert sorted(exemplars(table, latents, np.arange(20), ExemplarWishes(9)).ids) == [0, 1, 2]


def test_without_latents_they_are_drawn() -> None:
    found = exemplars(make_table(20), np.empty((0, 0), dtype=np.float32), np.arange(20), ExemplarWishes(5))
    assert found.ids.size == 5
    assert "at random" in found.notes[0]


def test_many_windows_take_no_time() -> None:
    table, latents = make_table(50_000, per_track=1000), three_groups(50_000)
    start = time.perf_counter()
    assert exemplars(table, latents, np.arange(50_000), ExemplarWishes(9)).ids.size == 9
    assert time.perf_counter() - start < 3


@pytest.mark.parametrize("wrong", [{"n": 0}, {"choose": "best"}])
def test_what_cannot_be_wished(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        ExemplarWishes(**wrong)  # type: ignore[arg-type]
