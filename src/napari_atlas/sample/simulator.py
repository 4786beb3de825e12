"""The hidden state of the synthetic reef: what temperature does to every animal, second by second.

One quantity drives both species, the hidden state h in [0, 1]. It follows the water through the species' own
thermal range, saturating and with a lag, and each individual strays from that a little and slowly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Clock",
    "Course",
    "Programme",
    "Thermal",
    "constant",
    "draw_programme",
    "gap_mask",
    "ramp",
    "simulate_course",
    "sine",
    "step",
    "wander",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Clock:
    """The frames of one recording and the second that each of them shows.

    Attributes
    ----------
    fps
        Frames per second.
    samples
        Frames that the tracker saw.
    led_on_frame
        Video frame at which the light goes on; it is second 0.
    tracking_start_frame
        Video frame of the tracker's first sample.
    """

    fps: float
    samples: int
    led_on_frame: int = 0
    tracking_start_frame: int = 0

    @property
    def frames(self) -> int:
        """Frames of the video: those before tracking and those tracked."""
        return self.tracking_start_frame + self.samples

    @property
    def seconds(self) -> Floats:
        """Recording time of each video frame in seconds, shape (frames,); negative before the light."""
        return (np.arange(self.frames) - self.led_on_frame) / self.fps


@dataclass(frozen=True)
class Programme:
    """A course of water temperature, straight between its knots and level outside them.

    Attributes
    ----------
    seconds
        Times of the knots in recording seconds, increasing.
    celsius
        Temperature at each knot in °C.
    """

    seconds: tuple[float, ...]
    celsius: tuple[float, ...]

    def at(self, seconds: Floats) -> Floats:
        """Return the temperature in °C at *seconds*, same shape."""
        return np.interp(seconds, self.seconds, self.celsius)


@dataclass(frozen=True)
class Thermal:
    """How one species answers to warmth.

    Attributes
    ----------
    low, high
        Ends of the range that independent programmes use, °C.
    middle, width
        Temperature of half activation and the scale of the logistic curve, °C.
    lag
        Time constant of the body's answer, seconds.
    stray, memory
        Standard deviation (in logits) and time constant (seconds) of each individual's own slow deviation.
    """

    low: float
    high: float
    middle: float
    width: float
    lag: float
    stray: float
    memory: float


@dataclass(frozen=True)
class Course:
    """The truth of one recording on a grid of whole seconds.

    Attributes
    ----------
    seconds
        Whole recording seconds that enclose every frame, shape (n_seconds,).
    celsius
        Water temperature at those instants, shape (n_seconds,).
    expected
        Hidden state that temperature alone would give, shape (n_seconds,).
    hidden
        Hidden state of each individual at those instants, shape (individuals, n_seconds), within [0, 1].
    """

    seconds: Floats
    celsius: Floats
    expected: Floats
    hidden: Floats

    def at(self, individual: int, seconds: Floats) -> Floats:
        """Return the hidden state of *individual* at *seconds*, straight between whole seconds."""
        return np.asarray(np.interp(seconds, self.seconds, self.hidden[individual]), dtype=np.float64)


def constant(celsius: float) -> Programme:
    """Return water that stays at *celsius*."""
    return Programme((0.0,), (celsius,))


def ramp(first: float, last: float, begin: float, end: float) -> Programme:
    """Return a hold at *first* °C, a straight ramp from second *begin* to *end*, and a hold at *last* °C."""
    return Programme((begin, end), (first, last))


def step(first: float, last: float, moment: float) -> Programme:
    """Return a change from *first* to *last* °C that takes four seconds from *moment*."""
    return ramp(first, last, moment, moment + 4.0)


def sine(middle: float, swing: float, period: float, phase: float, end: float) -> Programme:
    """Return a sine of *swing* °C around *middle* with *period* seconds, from second 0 to *end*."""
    times = np.linspace(0.0, end, 200)
    celsius = middle + swing * np.sin(2 * np.pi * times / period + phase)
    return Programme(tuple(times.tolist()), tuple(celsius.tolist()))


def draw_programme(rng: np.random.Generator, thermal: Thermal, duration: float) -> Programme:
    """Draw one programme (rise, fall, step or sine) within the thermal range.

    Parameters
    ----------
    rng
        Source of chance.
    thermal
        The species' range; a programme covers at least 60 % of it.
    duration
        Length of the recording in seconds.
    """
    span = thermal.high - thermal.low
    cold = thermal.low + span * rng.uniform(0.0, 0.2)
    warm = thermal.high - span * rng.uniform(0.0, 0.2)
    begin, end = duration * rng.uniform(0.1, 0.3), duration * rng.uniform(0.7, 0.9)
    ends = (cold, warm) if rng.random() < 0.5 else (warm, cold)
    period, phase = duration * rng.uniform(0.5, 0.9), rng.uniform(0.0, 2 * np.pi)
    choices = (
        ramp(cold, warm, begin, end),
        ramp(warm, cold, begin, end),
        step(*ends, duration * rng.uniform(0.35, 0.65)),
        sine((cold + warm) / 2, (warm - cold) / 2, period, phase, duration),
    )
    return choices[int(rng.integers(len(choices)))]


def simulate_course(
    rng: np.random.Generator, clock: Clock, programme: Programme, thermal: Thermal, individuals: int
) -> Course:
    """Simulate the hidden state of *individuals* animals in the same water.

    Parameters
    ----------
    rng
        Source of chance.
    clock
        The frames of the recording; the grid of whole seconds encloses them all.
    programme
        Temperature of the water.
    thermal
        How the species answers.
    individuals
        Number of animals.
    """
    times = clock.seconds
    grid = np.arange(np.floor(times[0]), np.ceil(times[-1]) + 1.0)
    celsius = programme.at(grid)
    drive = (_lagged(celsius, thermal.lag) - thermal.middle) / thermal.width
    stray = thermal.stray * wander(rng, (individuals, len(grid)), thermal.memory)
    return Course(grid, celsius, _logistic(drive), _logistic(drive + stray))


def gap_mask(rng: np.random.Generator, frames: int, every: float, lengths: tuple[float, float]) -> Bools:
    """Draw where something is missing; true in gaps, at least one of them, none at the very ends.

    Parameters
    ----------
    rng
        Source of chance.
    frames
        Length of the mask.
    every
        Mean number of frames from gap to gap.
    lengths
        Shortest and longest gap in frames; at most an eighth of all frames is taken.
    """
    mask = np.zeros(frames, dtype=np.bool_)
    edge = max(1, frames // 20)
    for _ in range(max(1, int(rng.poisson(frames / every)))):
        length = max(1, min(int(rng.uniform(*lengths)), frames // 8))
        first = int(rng.integers(edge, max(edge + 1, frames - edge - length)))
        mask[first : first + length] = True
    return mask


def wander(rng: np.random.Generator, shape: tuple[int, int], memory: float) -> Floats:
    """Return Ornstein-Uhlenbeck courses of unit variance, one value per second.

    Parameters
    ----------
    rng
        Source of chance.
    shape
        Number of courses and of seconds.
    memory
        Time constant in seconds.
    """
    from scipy.signal import lfilter

    keep = np.exp(-1.0 / memory)
    noise = rng.standard_normal(shape)
    noise[:, 1:] *= np.sqrt(1.0 - keep**2)
    return np.asarray(lfilter([1.0], [1.0, -keep], noise, axis=1), dtype=np.float64)


def _logistic(values: Floats) -> Floats:
    """Return 1 / (1 + exp(−values))."""
    return np.asarray(1.0 / (1.0 + np.exp(-values)), dtype=np.float64)


def _lagged(values: Floats, lag: float) -> Floats:
    """Return *values* (one per second) through a first-order lag that starts at rest."""
    from scipy.signal import lfilter

    keep = np.exp(-1.0 / lag)
    out, _ = lfilter([1.0 - keep], [1.0, -keep], values, zi=[keep * values[0]])
    return np.asarray(out, dtype=np.float64)
