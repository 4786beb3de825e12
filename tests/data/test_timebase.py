"""Frames, seconds, samples and bins."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_atlas.data.signals import bin_mean
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


@st.composite
def recorded(draw: st.DrawFn) -> TimeBase:
    """A camera at a variable rate that now and then drops frames."""
    n, before = draw(st.integers(2, 200)), draw(st.integers(0, 50))
    steps = draw(st.lists(st.floats(0.01, 0.2), min_size=n, max_size=n))
    steps[draw(st.integers(0, n - 1))] += draw(st.sampled_from([0.0, 0.5, 3.0]))
    times = np.cumsum(steps) + draw(st.floats(-100, 100))
    timed_from = draw(st.integers(0, before))
    return TimeBase(n, tracking_start_frame=before, frame_times=times, first_timed_frame=timed_from)


@relaxed
@given(recorded(), st.data())
def test_recorded_frames_survive_the_way_through_seconds_samples_and_bins(clock: TimeBase, data: st.DataObject) -> None:
    last = clock.first_timed_frame + clock.frame_times.size - 1
    frame = data.draw(st.integers(clock.first_timed_frame, last))
    assert int(clock.frame_at(clock.seconds_of_frame(frame))) == frame
    assert int(clock.frame_of_sample(clock.sample_of_frame(frame))) == frame
    for outside in (clock.first_timed_frame - 1, last + 1):
        assert np.isnan(clock.seconds_of_frame(outside))
    rate = data.draw(st.sampled_from([rate for rate in (0.5, 1.0, 5.0) if rate <= clock.fps] or [clock.fps / 2]))
    edges, begins = clock.bin_edges(rate), clock.bin_times(rate)
    assert edges.size == begins.size + 1
    sample = data.draw(st.integers(0, clock.n_samples - 1))
    held = int(clock.bin_of_sample(sample, rate))
    seconds = float(clock.seconds_of_frame(clock.frame_of_sample(sample)))
    if 0 <= held < begins.size and not math.isnan(seconds):
        assert edges[held] <= sample < edges[held + 1]
        assert begins[held] - 1e-6 <= seconds < begins[held] + 1 / rate + 1e-6


def test_frames_that_were_dropped_leave_bins_that_hold_nothing() -> None:
    times = np.concatenate([np.arange(20), np.arange(60, 80)]) / 10
    clock = TimeBase(40, frame_times=times)
    assert clock.bin_edges(1.0).tolist() == [0, 10, 20, 20, 20, 20, 20, 30, 40]
    means = bin_mean(np.arange(40.0)[:, None], clock.bin_edges(1.0))[:, 0]
    assert means[[0, 1, 6, 7]].tolist() == [4.5, 14.5, 24.5, 34.5]
    assert np.isnan(means[2:6]).all()


def test_evenly_recorded_frames_are_binned_as_at_a_frame_rate() -> None:
    even = TimeBase(5003, 30.0, led_on_frame=61, tracking_start_frame=10)
    recorded = TimeBase(5003, tracking_start_frame=10, frame_times=(np.arange(6000) - 61) / 30.0)
    assert np.array_equal(even.bin_edges(1.0), recorded.bin_edges(1.0))
    assert even.bin_times(1.0) == pytest.approx(recorded.bin_times(1.0))
    assert recorded.fps == pytest.approx(30.0)
    assert even != recorded
    assert recorded == TimeBase(5003, tracking_start_frame=10, frame_times=(np.arange(6000) - 61) / 30.0)


def test_timestamps_that_cannot_be() -> None:
    for times in ([0.0, 0.1, 0.1], [0.0, math.nan], [1.0, 0.5]):
        with pytest.raises(InputError, match="do not rise"):
            TimeBase(2, frame_times=np.array(times))
    with pytest.raises(InputError, match="before the first timestamp"):
        TimeBase(2, frame_times=np.array([0.0, 0.1]), first_timed_frame=3)
