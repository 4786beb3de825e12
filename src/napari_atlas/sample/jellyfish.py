"""Moon jellyfish that pulse: deeper, faster and with fewer pauses as the hidden state rises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_atlas.sample.simulator import Bools, Clock, Course, Floats, Thermal, gap_mask, wander

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["JELLYFISH_THERMAL", "Bells", "simulate_bells"]

JELLYFISH_THERMAL = Thermal(low=6.0, high=42.0, middle=25.0, width=6.0, lag=15.0, stray=0.8, memory=60.0)

_WIDTH, _HEIGHT = 320.0, 240.0
_AREA = 3600.0
_CONTRACTION = 0.35
# Log-scale wandering of depth that warmth does not explain; it keeps the hidden state from being read off at once.
_MOOD = 0.45


@dataclass(frozen=True)
class Bells:
    """The bells of one recording, frame by frame.

    Attributes
    ----------
    outlines
        Closed convex outlines in pixels x, y, shape (individuals, frames, vertices, 2); the last vertex is the first.
    seen
        Whether the tracker has the hull, shape (individuals, frames).
    """

    outlines: NDArray[np.float32]
    seen: Bools


@dataclass(frozen=True)
class _Traits:
    """Lasting differences of one animal: gains around 1 and an angle in radians."""

    size: float
    depth: float
    rate: float
    angle: float


def simulate_bells(rng: np.random.Generator, clock: Clock, course: Course, vertices: int = 16) -> Bells:
    """Simulate the outlines of every animal of a recording.

    Parameters
    ----------
    rng
        Source of chance.
    clock
        Frames and their seconds.
    course
        Hidden state of the animals.
    vertices
        Points of each closed outline, the repeated first one included.

    Returns
    -------
    Bells
        Outlines of all frames, those included that the tracker misses.
    """
    count = len(course.hidden)
    outlines = np.empty((count, clock.frames, vertices, 2), dtype=np.float32)
    seen = np.empty((count, clock.frames), dtype=np.bool_)
    for index in range(count):
        size, depth, rate = np.exp(rng.normal(0.0, (0.10, 0.06, 0.06), 3)).tolist()
        traits = _Traits(size, depth, rate, rng.uniform(0.0, 2 * np.pi))
        area = _areas(rng, clock, course, index, traits)
        centre = _drift(rng, clock, (index + 0.5) / count, count)
        outlines[index] = _outlines(area, centre, traits.angle + 0.02 * clock.seconds, vertices)
        seen[index] = ~_missing(rng, clock)
    return Bells(outlines, seen)


def _areas(rng: np.random.Generator, clock: Clock, course: Course, index: int, traits: _Traits) -> Floats:
    """Return the bell's area in px² at each frame, shape (frames,)."""
    onset, length, depth = _pulses(rng, course, index, traits)
    at = np.clip(np.searchsorted(onset, clock.seconds, side="right") - 1, 0, None)
    phase = np.clip((clock.seconds - onset[at]) / length[at], 0.0, 1.0)
    closing = np.sin(0.5 * np.pi * phase / _CONTRACTION) ** 2
    opening = np.cos(0.5 * np.pi * (phase - _CONTRACTION) / (1.0 - _CONTRACTION)) ** 2
    shut = depth[at] * np.where(phase < _CONTRACTION, closing, opening)
    blur = 1.0 + 0.0006 * rng.standard_normal(clock.frames)
    return np.asarray(_AREA * traits.size * (1.0 - shut) * blur, dtype=np.float64)


def _pulses(rng: np.random.Generator, course: Course, index: int, traits: _Traits) -> tuple[Floats, Floats, Floats]:
    """Return onset (s), length (s) and depth (fraction of the area) of each pulse, pauses left between them."""
    state = course.hidden[index].tolist()
    mood = np.exp(_MOOD * wander(rng, (1, len(state)), memory=30.0)[0]).tolist()
    start, now = float(course.seconds[0]), float(course.seconds[0])
    pulses: list[tuple[float, float, float]] = []
    while now <= course.seconds[-1]:
        second = min(int(now - start), len(state) - 1)
        h = state[second]
        chance, wait, jitter_rate, jitter_depth = rng.random(), rng.exponential(), *rng.normal(0.0, (0.12, 0.22))
        length = float(np.exp(jitter_rate)) / (traits.rate * (0.32 + 0.48 * h))
        depth = min(0.6, mood[second] * traits.depth * (0.11 + 0.13 * h) * float(np.exp(jitter_depth)))
        pulses.append((now, length, depth))
        now += length + (chance < 0.04 + 0.16 * (1.0 - h)) * (1.5 + 6.0 * wait)
    onset, lengths, depths = np.array(pulses).T
    return onset, lengths, depths


def _drift(rng: np.random.Generator, clock: Clock, column: float, count: int) -> Floats:
    """Return the centre in pixels, shape (frames, 2): a slow swing around the animal's own column of the tank."""
    phase, period = rng.uniform(0.0, 2 * np.pi, 4), rng.uniform(50.0, 110.0, 4)
    waves = np.sin(2 * np.pi * clock.seconds[:, None] / period + phase)
    sway = (waves[:, :2] + 0.5 * waves[:, 2:]) / 1.5
    reach = np.array([max(4.0, 0.5 * _WIDTH / count - 46.0), 60.0])
    return np.asarray(np.array([column * _WIDTH, 0.5 * _HEIGHT]) + reach * sway, dtype=np.float64)


def _outlines(area: Floats, centre: Floats, angle: Floats, vertices: int) -> NDArray[np.float32]:
    """Return closed outlines of the given *area*, shape (frames, vertices, 2): five faint lobes, still convex."""
    around = np.linspace(0.0, 2 * np.pi, vertices)
    radius = 1.0 + 0.03 * np.cos(5 * around)
    shape = np.column_stack([radius * np.cos(around), 0.94 * radius * np.sin(around)])
    x, y = shape.T
    shape /= np.sqrt(0.5 * abs(float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))))
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(-1, 2, 2)
    spread = np.sqrt(area)[:, None, None] * np.matmul(shape, turn.transpose(0, 2, 1))
    return np.asarray(centre[:, None] + spread, dtype=np.float32)


def _missing(rng: np.random.Generator, clock: Clock) -> Bools:
    """Return where the tracker has no hull: many blinks and a few longer losses."""
    blinks = gap_mask(rng, clock.frames, every=20 * clock.fps, lengths=(1, 12))
    return np.asarray(blinks | gap_mask(rng, clock.frames, every=240 * clock.fps, lengths=(60, 200)))
