"""Nearest windows of other species, and how near random pairs are."""

import itertools

import numpy as np
import pytest

from napari_atlas.analysis.compare import CompareWishes, doubts, nearer_than, nearest_windows
from napari_atlas.data.cutting import recover_tracks
from napari_atlas.data.recording import Recording
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.data.windows import SPLITS, Windows, WindowTable, make_tracks
from napari_atlas.errors import InputError

rng = np.random.default_rng(3)


def table_of(counts: dict[str, tuple[int, ...]], held_out: float = 0.5) -> WindowTable:
    """Return a table with so many windows in each recording of each species; some are held out."""
    tracks, kinds = [], []
    for species, sizes in counts.items():
        kinds.append(Species(species, "array", bin_rate=0))
        for i, n in enumerate(sizes):
            cut = recover_tracks(rng.random((n, 6)), ())
            name = f"{species}-{i}"
            tracks += make_tracks(Recording(name, species, cut, TimeBase(cut.n_samples)), kinds[-1])
    windows = Windows.from_tracks(tracks, kinds)
    part = np.where(rng.random(len(windows.table)) < held_out, SPLITS.index("test"), SPLITS.index("train"))
    return windows.with_split(part.astype(np.int8)).table


@pytest.fixture(scope="module")
def table() -> WindowTable:
    return table_of({"jelly": (40, 30), "fish": (25, 35, 20), "mouse": (30,)})


@pytest.fixture(scope="module")
def latents(table: WindowTable) -> np.ndarray:
    return rng.normal(size=(len(table), 4)).astype(np.float32)


def by_brute_force(table, latents, window, species, wishes):
    """Return the nearest windows by looking at all of them, one after the other."""
    place = latents[window].astype(float)
    rows = []
    for i in range(len(table)):
        key = table.keys[table.track[i]]
        other = key.species == species and table.track[i] != table.track[window] and np.isfinite(latents[i]).all()
        if other and (not wishes.among or SPLITS[table.split[i]] == wishes.among):
            rows.append((float(((latents[i].astype(float) - place) ** 2).sum() ** 0.5), i, key.recording))
    found, met = [], set()
    for _, i, recording in sorted(rows):
        if not (wishes.one_per_recording and recording in met):
            found.append(i)
            met.add(recording)
    return found[: wishes.k]


@pytest.mark.parametrize(
    ("k", "among", "one", "own"), list(itertools.product((1, 4), ("test", ""), (False, True), (False, True)))
)
def test_the_nearest_windows_are_those_that_brute_force_finds(table, latents, k, among, one, own) -> None:
    wishes = CompareWishes(k, among, one, own)
    for window in (0, 50, 99, 150):
        found = nearest_windows(table, latents, window, wishes)
        mine = table.keys[table.track[window]].species
        others = [name for name in ("jelly", "fish", "mouse") if name != mine]
        assert [near.species for near in found] == [*others, *([mine] if own else [])]
        for near in found:
            assert near.ids.tolist() == by_brute_force(table, latents, window, near.species, wishes)
            wanted = np.linalg.norm(latents[near.ids].astype(float) - latents[window].astype(float), axis=1)
            np.testing.assert_allclose(near.distances, wanted)


def test_a_distance_is_ranked_among_random_pairs(table, latents) -> None:
    near = nearest_windows(table, latents, 0, CompareWishes(3))[0]
    test = table.in_split("test")
    here, there = (ids[test[ids]] for ids in (table.rows_of("jelly"), table.rows_of("fish")))
    every = np.linalg.norm(latents[here][:, None].astype(float) - latents[there][None].astype(float), axis=2).ravel()
    wanted = [(every > distance).mean() for distance in near.distances]
    np.testing.assert_allclose(near.nearer_than, wanted, atol=0.03)
    again = nearest_windows(table, latents, 0, CompareWishes(3))[0]
    np.testing.assert_array_equal(near.nearer_than, again.nearer_than)


def test_ranks_of_equal_distances_are_in_the_middle() -> None:
    pairs = np.array([1.0, 2.0, 2.0, 3.0])
    np.testing.assert_allclose(nearer_than(np.array([0.0, 2.0, 3.0, 9.0]), pairs), [1.0, 0.5, 0.125, 0.0])
    assert np.isnan(nearer_than(np.array([1.0]), np.empty(0))).all()


def test_the_own_animal_is_no_neighbour_of_itself(table, latents) -> None:
    near = nearest_windows(table, latents, 0, CompareWishes(40, among="", own_species=True))[-1]
    assert near.species == "jelly"
    assert (table.track[near.ids] != table.track[0]).all()


def test_windows_without_a_latent_are_not_found(table, latents) -> None:
    first = nearest_windows(table, latents, 0, CompareWishes(1))[0].ids[0]
    holed = latents.copy()
    holed[first, 2] = np.nan
    assert first not in nearest_windows(table, holed, 0, CompareWishes(99))[0].ids
    with pytest.raises(InputError, match="latent is not known"):
        nearest_windows(table, holed, int(first), CompareWishes())
    with pytest.raises(InputError, match="fit a model first"):
        nearest_windows(table, np.empty((0, 0)), 0, CompareWishes())


def test_without_held_out_windows_all_are_searched_and_that_is_said() -> None:
    table = table_of({"jelly": (12,), "fish": (9,)}, held_out=0.0)
    latents = rng.normal(size=(len(table), 2))
    (near,) = nearest_windows(table, latents, 0, CompareWishes(2))
    assert near.n_candidates == 9
    assert "No window of fish was held out" in near.note
    assert near.ids.tolist() == by_brute_force(table, latents, 0, "fish", CompareWishes(2, among=""))
    latents[table.rows_of("fish")] = np.nan
    (near,) = nearest_windows(table, latents, 0, CompareWishes(2))
    assert near.ids.size == 0
    assert "has a latent" in near.note


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_windows_are_enough(n: int) -> None:
    table = table_of({"jelly": (n,), "fish": (n,)}, held_out=1.0)
    (near,) = nearest_windows(table, np.arange(len(table), dtype=float)[:, None], 0, CompareWishes(5))
    assert near.ids.size == n
    assert np.isfinite(near.nearer_than).all()


def test_one_species_has_no_neighbours() -> None:
    table = table_of({"jelly": (8,)})
    assert nearest_windows(table, np.zeros((8, 2)), 0, CompareWishes()) == ()


@pytest.mark.parametrize("wrong", [{"k": 0}, {"among": "held out"}])
def test_wishes_that_cannot_be_met_are_refused(wrong) -> None:
    with pytest.raises(InputError, match=r"compared|no part"):
        CompareWishes(**wrong)


FIGURES = {"difference": 0.20, "shuffled": 0.33, "shuffled_5th": 0.25, "smallest_p": 0.01}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, ""),
        ({"difference": 0.31}, "no more alike than chance (°C ranks 0.31 apart, 0.33 when shuffled)"),
        ({"smallest_p": 0.2}, "Too few recordings differ"),
        ({"difference": None}, "Nothing that was measured"),
    ],
)
def test_the_card_tells_what_to_doubt(changed, told) -> None:
    card = {"neighbours": {"fish and jelly": {**FIGURES, **changed}}}
    assert told in doubts(card, "jelly", "fish")
    assert bool(told) == bool(doubts(card, "fish", "jelly"))


def test_a_run_that_was_never_judged_is_doubted() -> None:
    assert "Nothing that was measured" in doubts({}, "jelly", "fish")
