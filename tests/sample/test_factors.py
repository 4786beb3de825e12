"""Animals with known factors: each is there, independent of the others, and shows in the pose."""

from __future__ import annotations

import numpy as np
import pytest

from napari_atlas.data.motion import measure_motion
from napari_atlas.errors import InputError
from napari_atlas.sample.factors import (
    FACTORS,
    FactorSpec,
    factor_recordings,
    factor_species,
    factor_variables,
    factor_windows,
)

SPEC = FactorSpec(n_bouts=80, seed=3)


@pytest.fixture(scope="module")
def windows():
    return factor_windows(SPEC)


@pytest.fixture(scope="module")
def factors(windows):
    return factor_variables(windows.table)


def test_every_bout_is_one_window(windows):
    assert len(windows.table) == 4 * 2 * 80
    assert (windows.table.start % SPEC.n_times == 0).all()
    assert windows.lengths == {"rodent": SPEC.n_times}


def test_each_combination_is_in_each_part(windows, factors):
    for part in ("train", "test"):
        rows = windows.table.in_split(part)
        codes = np.column_stack([factors[name].values[rows, 0] for name in ("behaviour", "individual", "rig")])
        assert len(np.unique(codes, axis=0)) == 4 * 4 * 2


def test_parts_are_apart_in_time(windows):
    table = windows.table
    for track in range(len(table.keys)):
        mine = table.track == track
        ends = [table.stop[mine & table.in_split(part)].max() for part in ("train", "validation")]
        begins = [table.start[mine & table.in_split(part)].min() for part in ("validation", "test")]
        assert all(end <= begin for end, begin in zip(ends, begins, strict=True))


def test_kinds_and_names(factors):
    assert {name: factors[name].kind for name in FACTORS} == {
        "individual": "class", "heading": "angle", "speed": "number", "rig": "class", "behaviour": "class",
    }  # fmt: skip
    assert all(factors[name].known.all() for name in FACTORS)
    assert factors["individual"].classes == ("animal A", "animal B", "animal C", "animal D")


def test_factors_are_independent(factors):
    heading = factors["heading"].values[:, 0]
    numbers = [factors["speed"].values[:, 0], np.cos(heading), np.sin(heading)]
    for name in ("individual", "behaviour"):
        numbers += list((factors[name].values == np.arange(4)).T.astype(float))
    found = np.abs(np.corrcoef(numbers))
    found[3:7, 3:7] = found[7:, 7:] = 0  # classes of one variable go against each other
    assert (found - np.diag(np.diag(found))).max() < 0.15


def test_the_heading_can_be_measured(windows, factors):
    recordings = {recording.name: recording for recording in factor_recordings(SPEC)}
    measured = measure_motion("heading", windows.table, recordings, {"rodent": factor_species(SPEC)})
    still = np.isin(factors["behaviour"].labels(), ["walk", "rear"]) & (factors["rig"].values[:, 0] == 0)
    off = np.angle(np.exp(1j * (measured.values - factors["heading"].values)))[still]
    assert np.abs(off).mean() < 0.15


def test_speed_scales_the_way_that_is_gone(windows, factors):
    table, steps = windows.table, windows.gather(np.arange(len(windows.table)))[:, 1:, -2:]
    way = np.linalg.norm(steps.mean(axis=1), axis=1)
    walking = (factors["behaviour"].labels() == "walk") & (table.track == 0)
    assert np.corrcoef(way[walking], factors["speed"].values[walking, 0])[0, 1] > 0.9


def test_only_the_arena_shows_the_heading_in_all_channels(windows, factors):
    nose = [each.gather(np.arange(len(each.table)))[:, 0, :2] for each in (windows, factor_windows(SPEC, turned=False))]
    ahead = np.concatenate([np.cos(factors["heading"].values), np.sin(factors["heading"].values)], axis=1)
    turned, arena = (abs(np.corrcoef(points[:, 0], ahead[:, 0])[0, 1]) for points in nose)
    assert turned < 0.15
    assert arena > 0.9


def test_animals_differ(windows, factors):
    length = np.linalg.norm(windows.gather(np.arange(len(windows.table)))[:, 0, :2], axis=1)
    walking = factors["behaviour"].labels() == "walk"
    means = [length[walking & (factors["individual"].values[:, 0] == i)].mean() for i in range(4)]
    assert min(np.diff(sorted(means))) > 1


def test_the_same_seed_gives_the_same_poses():
    one, other, another = (factor_recordings(FactorSpec(1, 1, 8, seed=seed))[0].tracks.positions for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(one, another)


def test_one_animal_is_an_average_one():
    (recording,) = factor_recordings(FactorSpec(1, 1, 8))
    assert np.isfinite(recording.tracks.positions).all()


@pytest.mark.parametrize(("name", "value"), [("n_animals", 0), ("n_animals", 27), ("n_bouts", 3), ("fps", 0.0)])
def test_odd_settings_are_refused(name, value):
    with pytest.raises(InputError, match=name):
        FactorSpec(**{name: value})
