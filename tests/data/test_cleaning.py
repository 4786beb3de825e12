"""Cleaning on tracks whose faults are known."""

from __future__ import annotations

import numpy as np
import pytest

from napari_atlas.data.cleaning import (
    CLEANERS,
    clean,
    drop_jumps,
    drop_uncertain,
    fill_gaps,
    jump_flags,
    median_filter,
)
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import Recording
from napari_atlas.data.signals import binned_signal
from napari_atlas.data.species import REFINEMENTS, Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.errors import InputError

NAN = np.nan


def pose_of(x: list[float], confidence: list[float] | None = None) -> Pose:
    """Return one keypoint that moves along x."""
    positions = np.zeros((len(x), 1, 1, 2))
    positions[:, 0, 0, 0] = x
    positions[np.isnan(positions).any(axis=-1)] = NAN
    held = np.array(confidence, dtype=float).reshape(-1, 1, 1) if confidence else np.empty(0)
    return Pose(positions, ("a",), ("m",), confidence=held)


def x_of(pose: Pose) -> list[float]:
    np.testing.assert_array_equal(np.isnan(pose.positions[..., 0]), np.isnan(pose.positions[..., 1]))
    return list(pose.positions[:, 0, 0, 0])


def slow_flags(x: np.ndarray, reach: float) -> np.ndarray:
    """Return what `jump_flags` promises, step by step."""
    known, flags, i = np.flatnonzero(np.isfinite(x)), np.zeros(x.size, dtype=bool), 1
    while i < known.size:
        near = [
            j
            for j in range(i, min(i + 51, known.size))
            if abs(x[known[j]] - x[known[i - 1]]) <= reach * (known[j] - known[i - 1])
        ]
        if near:
            flags[known[i : near[0]]] = True
        i = (near[0] if near else i) + 1
    return flags


def test_uncertain_positions_are_dropped() -> None:
    pose = pose_of([1, 2, 3, 4], [0.9, 0.1, NAN, 0.5])
    np.testing.assert_array_equal(x_of(drop_uncertain(pose, 0.5)), [1, NAN, 3, 4])
    bare = pose_of([1, 2])
    assert x_of(drop_uncertain(bare, 0.9)) == [1, 2]


@pytest.mark.parametrize(
    ("x", "flagged"),
    [
        ([0, 1, 90, 2, 3], [2]),
        ([0, 1, 90, 91, 250, 2, 3], [2, 3, 4]),
        ([0, 1, NAN, 90, NAN, 2, 3], [3]),
        ([0, 90, 0, -90, 0, 1], [1, 3]),
        ([0] * 5 + [2000] * 60, []),
        ([0, 1, 2, 3, 90], []),
        ([0, NAN, NAN, NAN, 35, 36], []),
        ([0, NAN, NAN, NAN, 45, 5], [4]),
        ([NAN, NAN], []),
        ([5], []),
    ],
)
def test_jumps_that_come_back_are_flagged(x: list[float], flagged: list[int]) -> None:
    pose = pose_of(x)
    flags = jump_flags(pose, 10.0)
    assert flags.shape == (len(x), 1, 1)
    assert np.flatnonzero(flags).tolist() == flagged
    wanted = np.array(x, dtype=float)
    wanted[flagged] = NAN
    np.testing.assert_array_equal(x_of(drop_jumps(pose, 10.0)), wanted)


@pytest.mark.parametrize("seed", range(6))
def test_jumps_equal_a_step_by_step_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.normal(0, 1, 400))
    leaps = rng.random(400) < 0.1
    x[leaps] += rng.normal(0, 60, leaps.sum())
    x[200:] += 400 * (seed % 2)
    x[rng.random(400) < 0.2] = NAN
    np.testing.assert_array_equal(jump_flags(pose_of(list(x)), 4.0)[:, 0, 0], slow_flags(x, 4.0))


def test_short_gaps_are_filled_by_lines() -> None:
    pose = pose_of([NAN, 0, NAN, 2, NAN, NAN, NAN, 10, NAN, NAN, 4, NAN])
    np.testing.assert_allclose(x_of(fill_gaps(pose, 2)), [NAN, 0, 1, 2, NAN, NAN, NAN, 10, 8, 6, 4, NAN])
    np.testing.assert_allclose(x_of(fill_gaps(pose, 3)), [NAN, 0, 1, 2, 4, 6, 8, 10, 8, 6, 4, NAN])
    assert np.isnan(x_of(fill_gaps(pose_of([NAN] * 4), 3))).all()


def test_gaps_of_any_length_stay_within_reach_of_a_plain_interpolation() -> None:
    x = np.random.default_rng(0).normal(size=300)
    x[np.random.default_rng(1).random(300) < 0.6] = NAN
    known = np.flatnonzero(np.isfinite(x))
    wanted = np.interp(np.arange(300), known, x[known], left=NAN, right=NAN)
    np.testing.assert_allclose(x_of(fill_gaps(pose_of(list(x)), 300)), wanted, rtol=1e-12)


def test_a_median_knows_no_gap() -> None:
    pose = pose_of([5, 1, 9, NAN, NAN, 4, 2, 3, 80])
    np.testing.assert_allclose(x_of(median_filter(pose, 3)), [3, 5, 5, NAN, NAN, 3, 3, 3, 41.5])
    assert x_of(median_filter(pose, 1))[0] == 5


def test_the_order_is_fixed_and_nothing_is_on_by_default() -> None:
    assert tuple(CLEANERS) == ("min_confidence", "max_jump", "fill_gap", "median")
    assert set(CLEANERS) <= set(REFINEMENTS)
    pose = pose_of([0, 50, 2, 90, 4, 5], [1, 0.1, 1, 1, 1, 1])
    assert clean(pose, Species("m")) is pose
    before = pose.positions.copy()
    cleaned = clean(pose, Species("m", min_confidence=0.5, max_jump=10, fill_gap=1, median=3))
    np.testing.assert_allclose(x_of(cleaned), [0.5, 1, 2, 3, 4, 4.5])
    np.testing.assert_array_equal(pose.positions, before)


def test_signals_are_taken_from_cleaned_tracks() -> None:
    recording = Recording("r", "m", pose_of([0, 1, 90, 3, 4]), TimeBase(5, 1000.0))
    raw = binned_signal(recording, Species("m", bin_rate=0)).values[0]
    mended = binned_signal(recording, Species("m", bin_rate=0, max_jump=10, fill_gap=1)).values[0]
    assert raw.max(initial=0, where=np.isfinite(raw)) == 89
    np.testing.assert_allclose(mended[:, 0], [NAN, 1, 1, 1, 1])


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_confidence": 1.5},
        {"max_jump": -1.0},
        {"max_jump": NAN},
        {"fill_gap": 2.5},
        {"median": 4},
        {"angles": (("a", "b"),)},
        {"angles": (("a", "b", "a"),)},
        {"n_descriptors": 0},
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match=f"species m: {next(iter(wrong))} .* cannot be used; "):
        Species("m", **wrong)  # type: ignore[arg-type]
