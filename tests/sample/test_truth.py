"""The statistics reef is honest: hard enough to fail at, easy enough to succeed, and its truth explains it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from napari_atlas.sample.jellyfish import simulate_bells
from napari_atlas.sample.recordings import SPECIES, plan_recordings
from napari_atlas.sample.reef import ReefSpec
from napari_atlas.sample.simulator import simulate_course
from napari_atlas.sample.stickleback import simulate_shoal

SPEC = ReefSpec.statistics(seed=0)


def hull_area_rate(rng, plan, course):
    bells = simulate_bells(rng, plan.clock, course)
    x, y = np.moveaxis(bells.outlines.astype(float), -1, 0)
    area = 0.5 * np.abs(np.sum(x[..., :-1] * y[..., 1:] - x[..., 1:] * y[..., :-1], axis=-1))
    return np.abs(np.diff(np.where(bells.seen, area, np.nan), axis=1, prepend=np.nan))


def centroid_speed(rng, plan, course):
    body = simulate_shoal(rng, plan.clock, course).tracks[:, :, 1:4]
    known = np.isfinite(body)
    count = known.sum(axis=2)
    centre = np.where(known, body, 0.0).sum(axis=2) / np.where(count > 0, count, np.nan)
    return np.linalg.norm(np.diff(centre, axis=1, prepend=np.nan), axis=-1) * plan.clock.fps / 1000


def per_second(values, fps):
    """Mean over each whole second, ignoring NaN."""
    width = int(fps)
    blocks = values[: len(values) // width * width].reshape(-1, width)
    count = np.isfinite(blocks).sum(axis=1)
    return np.nansum(blocks, axis=1) / np.where(count > 0, count, np.nan)


def features(window):
    window = np.where(np.isfinite(window), window, np.nanmean(window))
    centred, steps = window - window.mean(), np.diff(window)
    correlation = np.sum(centred[1:] * centred[:-1]) / max(np.sum(centred**2), 1e-12)
    calm = np.mean(window < 0.3 * np.median(window))
    quantiles = np.quantile(window, [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1])
    return [window.mean(), window.std(), *quantiles, calm, correlation, np.abs(steps).mean()]


def windows_of(species, signal_of):
    """Features, mean hidden state and recording of every window; then all signals, truth and expectation."""
    length, stride = species.windows
    rows, signals, hidden, expected = [], [], [], []
    plans = plan_recordings(species, SPEC.of(species.name), SPEC.seed, independent=True)
    for number, plan in enumerate(plans):
        course = simulate_course(
            np.random.default_rng((*plan.key, 1)), plan.clock, plan.programme, species.thermal, plan.individuals
        )
        hidden.append(course.hidden.ravel())
        expected.append(np.tile(course.expected, plan.individuals))
        native = signal_of(np.random.default_rng((*plan.key, 2)), plan, course)
        for animal, values in enumerate(native):
            signal = per_second(values, plan.clock.fps)
            signals.append(signal)
            for start in range(0, len(signal) - length + 1, stride):
                window = signal[start : start + length]
                if np.isnan(window).mean() <= 0.3:
                    truth = course.at(animal, start + np.arange(length) + 0.5).mean()
                    rows.append((features(window), truth, number))
    x, y, group = (np.array(part) for part in zip(*rows, strict=True))
    return (x, y, group), np.concatenate(signals), np.concatenate(hidden), np.concatenate(expected)


@pytest.fixture(scope="module")
def reef():
    signals = {"jellyfish": hull_area_rate, "stickleback": centroid_speed}
    return {species.name: windows_of(species, signals[species.name]) for species in SPECIES}


@pytest.mark.parametrize("species", ["jellyfish", "stickleback"])
def test_a_forest_finds_the_hidden_state_but_not_all_of_it(reef, species):
    x, y, group = reef[species][0]
    train = group < 2 * (group.max() + 1) // 3
    forest = RandomForestRegressor(n_estimators=200, min_samples_leaf=5, n_jobs=1, random_state=0)
    score = forest.fit(x[train], y[train]).score(x[~train], y[~train])
    assert 0.6 < score < 0.9


@pytest.mark.parametrize("species", ["jellyfish", "stickleback"])
def test_temperature_explains_most_of_the_hidden_state(reef, species):
    _, _, hidden, expected = reef[species]
    explained = 1 - np.mean((hidden - expected) ** 2) / hidden.var()
    assert 0.85 < explained < 0.96


def test_signals_differ_in_scale(reef):
    bells, fish = (np.nanmedian(reef[name][1]) for name in ("jellyfish", "stickleback"))
    assert bells > 10 * fish


def test_recordings_have_independent_programmes():
    for species in SPECIES:
        plans = plan_recordings(species, SPEC.of(species.name), SPEC.seed, independent=True)
        assert len({plan.programme for plan in plans}) == len(plans) >= 12
        celsius = np.concatenate([plan.programme.celsius for plan in plans])
        assert celsius.min() >= species.thermal.low
        assert celsius.max() <= species.thermal.high
