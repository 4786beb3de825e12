"""Programmes, the hidden state, gaps, and what pictures are made of."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from napari_atlas.sample.jellyfish import JELLYFISH_THERMAL, simulate_bells
from napari_atlas.sample.renderer import bell_painter, shoal_painter
from napari_atlas.sample.simulator import Clock, constant, draw_programme, gap_mask, ramp, simulate_course, sine, step
from napari_atlas.sample.stickleback import STICKLEBACK_THERMAL, simulate_shoal

CLOCK = Clock(30.0, 300, led_on_frame=61, tracking_start_frame=10)


def test_second_zero_is_the_light():
    assert CLOCK.frames == 310
    assert CLOCK.seconds[61] == 0
    assert CLOCK.seconds[0] == pytest.approx(-61 / 30)


def test_programmes_hold_outside_their_knots():
    np.testing.assert_allclose(ramp(20, 36, 10, 20).at(np.array([-5.0, 15.0, 99.0])), [20, 28, 36])
    np.testing.assert_allclose(step(5, 9, 10).at(np.array([9.0, 14.0])), [5, 9])
    np.testing.assert_allclose(constant(17).at(np.array([-1.0, 1.0])), 17)
    assert np.ptp(sine(20, 5, 60, 0, 120).at(np.arange(120.0))) == pytest.approx(10, abs=0.1)


def test_drawn_programmes_cover_most_of_the_range():
    span = JELLYFISH_THERMAL.high - JELLYFISH_THERMAL.low
    for seed in range(40):
        celsius = draw_programme(np.random.default_rng(seed), JELLYFISH_THERMAL, 1200.0).celsius
        assert np.ptp(celsius) > 0.55 * span


def test_hidden_state_rises_with_warmth_and_lags():
    clock = Clock(30.0, 9000)
    course = simulate_course(np.random.default_rng(0), clock, step(15, 35, 100), JELLYFISH_THERMAL, 400)
    assert course.hidden.min() >= 0
    assert course.hidden.max() <= 1
    assert course.hidden[:, 80].mean() < 0.3 < 0.7 < course.hidden[:, 280].mean()
    assert course.expected[106] < 0.6 * course.expected[280]
    assert (np.diff(course.expected) >= -1e-12).all()


def test_gaps_are_there_but_not_everywhere():
    for frames in (60, 500, 5000):
        mask = gap_mask(np.random.default_rng(0), frames, every=1e9, lengths=(100, 200))
        assert 0 < mask.sum() <= frames / 8
        assert not mask[0]
        assert not mask[-1]


@pytest.mark.parametrize("celsius", [10.0, 40.0])
def test_animals_stay_in_the_picture(celsius):
    rng = np.random.default_rng(0)
    clock = Clock(30.0, 3000)
    bells = simulate_bells(rng, clock, simulate_course(rng, clock, constant(celsius), JELLYFISH_THERMAL, 3))
    shoal = simulate_shoal(rng, clock, simulate_course(rng, clock, constant(celsius), STICKLEBACK_THERMAL, 4))
    for places in (bells.outlines, shoal.points):
        low, high = places.min(axis=(0, 1, 2)), places.max(axis=(0, 1, 2))
        assert (low > -6).all()
        assert (high < (326, 246)).all()


def test_warmth_means_more_movement():
    speeds, rates = [], []
    for celsius in (12.0, 40.0):
        rng = np.random.default_rng(1)
        clock = Clock(30.0, 3000)
        bells = simulate_bells(rng, clock, simulate_course(rng, clock, constant(celsius), JELLYFISH_THERMAL, 3))
        rates.append(np.abs(np.diff(np.ptp(bells.outlines[..., 0], axis=2), axis=1)).mean())
        shoal = simulate_shoal(rng, clock, simulate_course(rng, clock, constant(celsius), STICKLEBACK_THERMAL, 3))
        speeds.append(np.linalg.norm(np.diff(shoal.points[:, :, 2], axis=1), axis=-1).mean())
    assert rates[1] > 2 * rates[0]
    assert speeds[1] > 2 * speeds[0]


def test_pictures_have_the_video_size_and_never_change():
    rng = np.random.default_rng(0)
    bells = simulate_bells(rng, CLOCK, simulate_course(rng, CLOCK, constant(25), JELLYFISH_THERMAL, 2), vertices=25)
    shoal = simulate_shoal(rng, CLOCK, simulate_course(rng, CLOCK, constant(20), STICKLEBACK_THERMAL, 3))
    for paint in (bell_painter(bells.outlines, 0), shoal_painter(shoal.points, 0)):
        first = paint(5).copy()
        assert first.shape == (240, 320, 3)
        assert first.dtype == np.uint8
        paint(200)
        np.testing.assert_array_equal(paint(5), first)


def test_bells_off_the_picture_are_left_out():
    rng = np.random.default_rng(0)
    bells = simulate_bells(rng, CLOCK, simulate_course(rng, CLOCK, constant(25), JELLYFISH_THERMAL, 1), vertices=25)
    away = bell_painter(bells.outlines + np.float32(900), 0)(0)
    empty = bell_painter(bells.outlines[:0], 0)(0)
    np.testing.assert_array_equal(away, empty)


def test_import_is_light():
    heavy = "h5py", "av", "PIL", "scipy.io", "sleap_io"
    code = f"import sys, napari_atlas.sample.reef; print([m for m in {heavy!r} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
