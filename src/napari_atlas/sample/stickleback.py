"""Sticklebacks that burst and glide: more often and faster as the hidden state rises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_atlas.sample.simulator import Bools, Clock, Course, Floats, Thermal, gap_mask, wander

__all__ = ["EDGES", "NODES", "STICKLEBACK_THERMAL", "Shoal", "simulate_shoal"]

NODES = ("snout", "body_1", "body_2", "body_3", "tail")
EDGES = ((0, 1), (1, 2), (2, 3), (3, 4))
STICKLEBACK_THERMAL = Thermal(low=11.0, high=28.0, middle=19.5, width=2.8, lag=4.0, stray=0.8, memory=20.0)

_PLACES = np.array([0.0, 0.2, 0.42, 0.64, 1.0])
_LENGTH = 46.0
_WIDTH, _HEIGHT, _MARGIN = 320.0, 240.0, 40.0


@dataclass(frozen=True)
class Shoal:
    """The fish of one recording, frame by frame.

    Attributes
    ----------
    points
        Nodes in pixels x, y in the order of `NODES`, shape (individuals, frames, nodes, 2), never NaN.
    visible
        Whether the tracker has the node, shape (individuals, frames, nodes).
    tracked
        Whether the track is occupied, shape (individuals, frames).
    """

    points: Floats
    visible: Bools
    tracked: Bools

    @property
    def tracks(self) -> Floats:
        """What the tracker reports: the points, NaN where a node or a whole track is missing."""
        known = self.visible & self.tracked[..., None]
        return np.where(known[..., None], self.points, np.nan)


@dataclass(frozen=True)
class _Path:
    """A smooth way through the tank: distance swum (px), and x, y and unit direction there."""

    distance: Floats
    xy: Floats
    direction: Floats

    def at(self, distance: Floats) -> tuple[Floats, Floats]:
        """Return places and unit normals at *distance*, each of its shape and a last axis of 2."""
        place = np.stack([np.interp(distance, self.distance, c) for c in self.xy.T], axis=-1)
        ahead = np.stack([np.interp(distance, self.distance, c) for c in self.direction.T], axis=-1)
        return place, np.stack([-ahead[..., 1], ahead[..., 0]], axis=-1)


def simulate_shoal(rng: np.random.Generator, clock: Clock, course: Course) -> Shoal:
    """Simulate every fish of a recording.

    Parameters
    ----------
    rng
        Source of chance.
    clock
        Frames and their seconds.
    course
        Hidden state of the fish.

    Returns
    -------
    Shoal
        Points of all frames, and what of them the tracker has.
    """
    fish, nodes = len(course.hidden), len(NODES)
    points = np.empty((fish, clock.frames, nodes, 2))
    visible = np.ones((fish, clock.frames, nodes), dtype=np.bool_)
    tracked = np.empty((fish, clock.frames), dtype=np.bool_)
    for index in range(fish):
        size, vigour, rate = np.exp(rng.normal(0.0, (0.08, 0.12, 0.12)))
        speed = _speed(rng, clock, course, index, (vigour, rate))
        points[index] = _body(rng, clock, speed, _LENGTH * size)
        for node, every in enumerate((15.0, 120.0, 120.0, 120.0, 10.0)):
            visible[index, :, node] = ~gap_mask(rng, clock.frames, every * clock.fps, (1, 30))
        tracked[index] = ~gap_mask(rng, clock.frames, 40 * clock.fps, (clock.fps, 3 * clock.fps))
    return Shoal(points, visible, tracked)


def _speed(rng: np.random.Generator, clock: Clock, course: Course, index: int, gains: tuple[float, float]) -> Floats:
    """Return the swimming speed in px/s at each frame: bursts that rise at once and die away in a glide."""
    from scipy.signal import lfilter

    vigour, rate = gains
    h = course.at(index, clock.seconds)
    kicks = rng.random(clock.frames) < rate * (0.8 + 1.7 * h) / clock.fps
    mood = np.interp(clock.seconds, course.seconds, wander(rng, (1, len(course.seconds)), memory=15.0)[0])
    peaks = vigour * np.exp(0.15 * mood) * (16.0 + 54.0 * h) * np.exp(rng.normal(0.0, 0.35, clock.frames))
    fade, rise = np.exp(-1.0 / (0.38 * clock.fps)), np.exp(-1.0 / (0.05 * clock.fps))
    # The difference of two exponentials rises for a twentieth of a second; its peak is 0.68 of its height.
    glide = lfilter([fade - rise], [1.0, -(fade + rise), fade * rise], kicks * peaks / 0.68)
    return np.asarray(2.5 + glide, dtype=np.float64)


def _body(rng: np.random.Generator, clock: Clock, speed: Floats, length: float) -> Floats:
    """Return the nodes in pixels, shape (frames, nodes, 2): the body follows its snout, the tail beats."""
    swum = length + np.cumsum(speed) / clock.fps
    path = _wander(rng, float(swum[-1]))
    place, normal = path.at(swum[:, None] - length * _PLACES)
    beat = 2 * np.pi * np.cumsum(2.0 + 0.03 * speed) / clock.fps
    sweep = length * (0.015 + 0.085 * np.clip(speed / 110.0, 0.0, 1.0))
    side = sweep[:, None] * _PLACES**2 * np.sin(beat[:, None] - 2.6 * _PLACES)
    jitter = rng.normal(0.0, 0.03, place.shape)
    return np.asarray(place + side[..., None] * normal + jitter, dtype=np.float64)


def _wander(rng: np.random.Generator, distance: float) -> _Path:
    """Return a smooth way of at least *distance* pixels that keeps off the walls."""
    from scipy.interpolate import CubicSpline

    stops = _stops(rng, distance)
    curve = CubicSpline(np.arange(len(stops)), stops)
    fine = np.linspace(0.0, len(stops) - 1.0, 30 * len(stops))
    xy, slope = curve(fine), curve(fine, 1)
    swum = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    return _Path(swum, xy, slope / np.linalg.norm(slope, axis=1, keepdims=True))


def _stops(rng: np.random.Generator, distance: float) -> Floats:
    """Return turning points within the tank, shape (n, 2), that together measure more than *distance*."""
    low, high = np.full(2, _MARGIN), np.array([_WIDTH, _HEIGHT]) - _MARGIN
    stops, heading, left = [rng.uniform(low, high)], rng.uniform(0.0, 2 * np.pi), distance + 240.0
    while left > 0:
        stride, turns = rng.uniform(42.0, 66.0), rng.normal(0.0, 1.0, 24) * np.linspace(0.5, 2.6, 24)
        ways = stops[-1] + stride * np.column_stack([np.cos(heading + turns), np.sin(heading + turns)])
        inside = ((ways >= low) & (ways <= high)).all(axis=1)
        best = int(np.argmax(inside))
        stops.append(np.clip(ways[best], low, high))
        heading, left = heading + turns[best], left - stride
    return np.array(stops)
