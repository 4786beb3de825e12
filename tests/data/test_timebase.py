"""Frames, seconds, samples and bins."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_atlas.data.timebase import TimeBase
from napari_atlas.errors import InputError

RATES = {"30": Fraction(30), "29.97": Fraction(2997, 100), "ntsc": Fraction(30000, 1001), "121": Fraction(121)}
RATES |= {"12.5": Fraction(25, 2), "7.3": Fraction(73, 10), "1": Fraction(1)}
BIN_RATES = {1.0: Fraction(1), 0.5: Fraction(1, 2), 0.2: Fraction(1, 5)}
relaxed = settings(deadline=None, max_examples=150)
frames = st.integers(0, 10**6)
offsets = st.integers(-(10**4), 10**4)


def edges_by_definition(n_samples: int, fps: Fraction, bin_rate: Fraction) -> list[int]:
    """Return the first sample of every whole bin and the end of the last one, by exact arithmetic."""
    per_bin = fps / bin_rate
    n_bins = math.floor(Fraction(n_samples) / per_bin)
    return [math.ceil(i * per_bin) for i in range(n_bins + 1)]


@relaxed
@given(frames, offsets, offsets, st.sampled_from([1.0, 7.3, 25.0, 29.97, 30000 / 1001, 121.0, 1000.0]))
def test_a_frame_survives_the_way_through_seconds_and_samples(frame: int, led: int, start: int, fps: float) -> None:
    clock = TimeBase(10, fps, led_on_frame=led, tracking_start_frame=start)
    assert int(clock.frame_at(clock.seconds_of_frame(frame))) == frame
    assert int(clock.frame_of_sample(clock.sample_of_frame(frame))) == frame
    assert int(clock.sample_of_frame(clock.frame_of_sample(frame))) == frame


def test_arrays_of_frames_are_taken_together() -> None:
    clock = TimeBase(100, 29.97, led_on_frame=61, tracking_start_frame=10)
    many = np.arange(0, 200_000, 37)
    assert np.array_equal(clock.frame_at(clock.seconds_of_frame(many)), many)
    assert float(clock.seconds_of_frame(61)) == 0.0
    assert int(clock.frame_of_sample(0)) == 10


@relaxed
@given(frames, st.floats(0.05, 0.95))
def test_a_frame_is_on_show_until_the_next_one(frame: int, share: float) -> None:
    clock = TimeBase(10, 30.0)
    assert int(clock.frame_at((frame + share) / 30.0)) == frame


@relaxed
@given(st.integers(0, 40_000), st.sampled_from(sorted(RATES)), st.sampled_from(sorted(BIN_RATES)))
def test_bins_follow_their_definition(n_samples: int, rate: str, bin_rate: float) -> None:
    edges = TimeBase(n_samples, float(RATES[rate])).bin_edges(bin_rate)
    assert edges.tolist() == edges_by_definition(n_samples, RATES[rate], BIN_RATES[bin_rate])


@pytest.mark.parametrize("fps", [30.0, 29.97, 30000 / 1001, 121.0, 7.3])
def test_every_sample_is_in_one_bin_and_the_partial_bin_is_dropped(fps: float) -> None:
    n_samples = 5_003
    clock = TimeBase(n_samples, fps)
    edges = clock.bin_edges(1.0)
    assert edges[0] == 0
    assert (np.diff(edges) > 0).all()
    bins = np.repeat(np.arange(edges.size - 1), np.diff(edges))
    assert bins.size == edges[-1] <= n_samples
    assert np.array_equal(bins, np.floor(np.arange(bins.size) / fps + 1e-9).astype(int))
    assert n_samples - edges[-1] < fps, "a whole bin was left over"


@pytest.mark.parametrize(("n_samples", "n_bins"), [(0, 0), (120, 0), (121, 1), (241, 1), (242, 2), (9000, 74)])
def test_whole_frame_rates_give_bins_of_equal_length(n_samples: int, n_bins: int) -> None:
    edges = TimeBase(n_samples, 121.0).bin_edges(1.0)
    assert edges.tolist() == [121 * i for i in range(n_bins + 1)]


def test_bin_rate_zero_takes_every_sample_even_without_a_clock() -> None:
    assert TimeBase(4).bin_edges(0).tolist() == [0, 1, 2, 3, 4]
    assert np.isnan(TimeBase(4).bin_times(0)).all()
    assert TimeBase(3, 10.0).bin_times(0) == pytest.approx([0.0, 0.1, 0.2])


def test_bin_times_count_from_the_led() -> None:
    times = TimeBase(9000, 30.0, led_on_frame=61, tracking_start_frame=10).bin_times(1.0)
    assert times.size == 300
    assert times == pytest.approx(np.arange(300) + (10 - 61) / 30)


def test_an_unknown_clock_never_invents_seconds() -> None:
    clock = TimeBase(100)
    assert not clock.known
    assert np.isnan(clock.seconds_of_frame(np.arange(5))).all()
    assert clock.frame_of_sample(3) == 3
    with pytest.raises(InputError, match="--fps"):
        clock.frame_at(1.0)
    with pytest.raises(InputError, match="--fps"):
        clock.bin_edges(1.0)


def test_impossible_clocks_are_refused() -> None:
    for fps in (0.0, -30.0, math.inf):
        with pytest.raises(InputError, match="fps"):
            TimeBase(10, fps)
    with pytest.raises(InputError, match="n_samples"):
        TimeBase(-1)
    with pytest.raises(InputError, match="bin_rate"):
        TimeBase(100, 30.0).bin_edges(31.0)
