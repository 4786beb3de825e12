from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from napari_atlas.analysis.confounding import behaviour_among, confounded, confounding
from napari_atlas.analysis.identity import cluster_entropy, matched_agreement, mixture_clusters, tell_sessions
from napari_atlas.analysis.mmd import effect_size, mean_mmd, squared_mmd
from napari_atlas.analysis.restrictiveness import Gauge, asked_instead, obeyed
from napari_atlas.data.variables import Measured

RNG = np.random.default_rng(0)


def test_squared_mmd_is_the_golden_one(shared: Path) -> None:
    with np.load(shared / "golden/scvae_outputs.npz") as golden:
        found = squared_mmd(golden["mmd_X"], golden["mmd_Y"])
        assert found == pytest.approx(float(golden["mmd_value"]), rel=1e-5)


def test_clouds_that_are_alike_have_no_discrepancy_and_moved_ones_have() -> None:
    here, there = RNG.normal(size=(2, 400, 4))
    assert abs(squared_mmd(here, there)) < 0.01
    assert squared_mmd(here, there + 2) > 0.3
    assert math.isnan(squared_mmd(here[:1], there))
    codes = np.repeat([0, 1, 2], 100)
    assert mean_mmd(here[:300], codes) < 0.05 < mean_mmd(here[:300] + 3 * codes[:, None], codes)


def test_the_effect_size_compares_a_condition_with_the_distance_of_animals() -> None:
    animals, sessions = np.repeat([0, 0, 1, 1], 100), np.repeat([0, 1, 2, 3], 100)
    changed = np.repeat([False, True, False, True], 100)
    cloud = RNG.normal(size=(400, 3)) + 0.7 * animals[:, None]
    assert effect_size(cloud + 3 * changed[:, None], animals, sessions, changed) > 2
    assert effect_size(cloud, animals, sessions, changed) < 0.3
    assert math.isnan(effect_size(cloud, animals, sessions, np.zeros(400, dtype=bool)))


def test_entropy_is_one_where_animals_share_clusters_and_zero_where_each_has_its_own() -> None:
    animals = np.repeat([0, 1], [300, 100])  # one has more windows than the other
    assert cluster_entropy(animals.copy(), animals) == 0
    assert cluster_entropy(np.arange(400) % 2, animals) == pytest.approx(1)
    assert math.isnan(cluster_entropy(np.zeros(5, np.int64), np.zeros(5, np.int64)))


def test_clusters_are_paired_so_that_most_windows_agree() -> None:
    one = np.repeat([0, 1, 2], [50, 30, 20])
    assert matched_agreement(one, (one + 1) % 3) == 1
    other = one.copy()
    other[:10] = 2
    other[-5:] = -1  # in none
    assert matched_agreement(one, other) == pytest.approx(85 / 95)


def test_a_mixture_finds_clouds_that_lie_apart() -> None:
    truth = np.repeat([0, 1, 2], 60)
    cloud = RNG.normal(size=(180, 2)) + 8 * np.eye(3)[truth][:, :2]
    assert matched_agreement(mixture_clusters(cloud, 3), truth) > 0.98


def test_sessions_are_told_by_other_sessions_only() -> None:
    sessions = np.repeat(np.arange(8), 40)
    types = sessions % 2
    own = RNG.normal(size=(8, 5))[sessions] * 3  # each session has a place of its own
    cloud = RNG.normal(size=(320, 5))
    told = tell_sessions(cloud + 3 * types[:, None], sessions, types)
    assert told.windows > 0.95
    assert told.sessions == 1
    assert tell_sessions(cloud + own, sessions, types).windows < 0.85
    assert 0.3 < told.chance < 0.7
    assert math.isnan(tell_sessions(cloud, sessions, (sessions == 0).astype(np.int64)).windows)


def _classes(name: str, codes: np.ndarray) -> Measured:
    known = np.unique(codes[np.isfinite(codes)]).astype(int)
    return Measured(name, "class", codes[:, None].astype(float), tuple(f"c{i}" for i in range(known.max() + 1)))


def _numbers(name: str, values: np.ndarray, kind: str = "number") -> Measured:
    return Measured(name, kind, values[:, None] if values.ndim == 1 else values)


def test_a_variable_that_determines_the_behaviour_is_called_confounded_with_the_number() -> None:
    behaviour = _classes("behaviour", RNG.integers(0, 4, 400).astype(float))
    same = _classes("individual", behaviour.values[:, 0] // 2)  # each animal does two things of its own
    speed = _numbers("speed", behaviour.values[:, 0] + 0.05 * RNG.normal(size=400))
    free = _classes("individual", RNG.integers(0, 30, 400).astype(float))  # many classes explain much by chance
    assert confounding(same, behaviour) == pytest.approx(1)
    assert "1.00 of 1" in confounded(same, behaviour)
    assert confounded(speed, behaviour)
    assert abs(confounding(free, behaviour)) < 0.1
    assert confounded(free, behaviour) == ""
    assert abs(confounding(_numbers("heading", RNG.uniform(-3, 3, 400), "angle"), behaviour)) < 0.1


def test_confounding_is_undefined_where_nothing_differs_or_is_known() -> None:
    behaviour = _classes("behaviour", np.arange(60.0) % 3)
    assert math.isnan(confounding(_numbers("speed", np.ones(60)), behaviour))
    assert math.isnan(confounding(_numbers("speed", np.full(60, np.nan)), behaviour))
    assert confounded(_numbers("speed", np.ones(60)), behaviour) == ""


def test_a_behaviour_is_known_by_its_name() -> None:
    assert behaviour_among(("session", "Behavior_S1", "label")) == "Behavior_S1"
    assert behaviour_among(("session", "light")) == ""


@pytest.mark.parametrize("kind", ["number", "angle", "class"])
def test_a_decoder_that_obeys_is_told_from_one_that_does_not(kind: str) -> None:
    values = {"number": RNG.normal(3, 2, 200), "angle": RNG.uniform(-3, 3, 200), "class": np.arange(200.0) % 4}[kind]
    classes = ("a", "b", "c", "d") if kind == "class" else ()
    measured = Measured("v", kind, values[:, None], classes)
    mixing, noise = RNG.normal(size=(4, 50)), 0.1 * RNG.normal(size=(200, 50))

    def windows_of(asked: Measured) -> np.ndarray:
        told = asked.values[:, 0]
        parts = np.eye(4)[told.astype(int)] if classes else np.stack([told, np.cos(told), np.sin(told), told * 0], 1)
        return (parts if kind != "angle" else parts[:, [1, 2, 3, 3]]) @ mixing + noise

    asked, gauge = asked_instead(measured), Gauge(windows_of(measured), measured)
    assert obeyed(windows_of, gauge, asked) > 0.95
    assert obeyed(lambda _: windows_of(measured), gauge, asked) < 0.4
