"""Poses of an animal seen from above: a body of nine keypoints, and four ways to move it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BEHAVIOURS", "EDGES", "KEYPOINTS", "NECK", "SPINE", "Body", "Movement", "body_of", "poses"]

Floats = NDArray[np.float64]

KEYPOINTS = (
    *("nose", "neck", "spine", "tail_base", "tail_tip"),
    *("left_forepaw", "right_forepaw", "left_hindpaw", "right_hindpaw"),
)
EDGES = ((0, 1), (1, 2), (2, 3), (3, 4), (1, 5), (1, 6), (3, 7), (3, 8))

# In body lengths; the animal looks along +x.
_REST = np.array(
    [
        *([0.50, 0.0], [0.32, 0.0], [0.0, 0.0], [-0.40, 0.0], [-0.80, 0.0]),
        *([0.22, 0.15], [0.22, -0.15], [-0.28, 0.17], [-0.28, -0.17]),
    ]
)
_STRETCH = 0.3
NECK, SPINE, _LEFT_FORE, _RIGHT_FORE, _LEFT_HIND, _RIGHT_HIND = 1, 2, 5, 6, 7, 8


@dataclass(frozen=True)
class Body:
    """What differs from animal to animal.

    Attributes
    ----------
    length, width, tail
        Of the body and the tail, 1 for the average animal.
    swing
        How far it swings its limbs, 1 for the average animal.
    noise
        Standard deviation of the tracking, in body lengths.
    """

    length: float
    width: float
    tail: float
    swing: float
    noise: float


@dataclass(frozen=True)
class Movement:
    """A behaviour.

    Attributes
    ----------
    hertz
        Cycles per second at speed 1.
    pace
        Body lengths per second at speed 1.
    shape
        ``(phase, swing)`` → (n_bouts, n_times, n_keypoints, 2) keypoints in body lengths; phase is
        (n_bouts, n_times) in radians, swing (n_bouts, 1) how far the limbs go.
    """

    hertz: float
    pace: float
    shape: Callable[[Floats, Floats], Floats]


def body_of(animal: int, n_animals: int) -> Body:
    """Return the body of one animal of several; no two traits rise together from animal to animal."""
    place = np.linspace(-1.0, 1.0, n_animals) if n_animals > 1 else np.zeros(1)
    order = np.arange(n_animals)
    length, width, tail, swing = (
        float(place[(order * step + shift) % n_animals][animal]) for step, shift in ((1, 0), (1, 2), (1, 1), (-1, 1))
    )
    return Body(1 + 0.25 * length, 1 + 0.35 * width, 1 + 0.35 * tail, 1 + 0.3 * swing, 0.015 + 0.005 * width)


def poses(name: str, phase: Floats, speed: Floats, body: Body) -> Floats:
    """Return the (n_bouts, n_times, n_keypoints, 2) keypoints of an animal that looks along +x, in body lengths.

    A faster animal stretches, and swings its limbs further.

    Parameters
    ----------
    name
        A behaviour of ``BEHAVIOURS``.
    phase
        (n_bouts, n_times) in radians.
    speed
        (n_bouts,), about 1.
    body
        Whose.
    """
    points = BEHAVIOURS[name].shape(phase, body.swing * speed[:, None])
    points[..., 0] *= (1 + _STRETCH * (speed - 1))[:, None, None]
    points[..., 4, :] = points[..., 3, :] + body.tail * (points[..., 4, :] - points[..., 3, :])
    points[..., 1] *= body.width
    return np.asarray(body.length * points)


def _at_rest(phase: Floats) -> Floats:
    return np.broadcast_to(_REST, (*phase.shape, *_REST.shape)).copy()


def _walk(phase: Floats, swing: Floats) -> Floats:
    points, stride = _at_rest(phase), 0.12 * swing * np.sin(phase)
    for limb, sign in ((_LEFT_FORE, 1), (_RIGHT_FORE, -1), (_LEFT_HIND, -1), (_RIGHT_HIND, 1)):
        points[..., limb, 0] += sign * stride
    points[..., 1] += 0.04 * swing[..., None] * np.sin(phase[..., None] + 4 * points[..., 0])
    return points


def _rear(phase: Floats, swing: Floats) -> Floats:
    points = _at_rest(phase)
    points[..., (_LEFT_FORE, _RIGHT_FORE), 0] += 0.25
    points[..., (_LEFT_FORE, _RIGHT_FORE), 1] *= 1.3
    points[..., 0] *= (0.6 + 0.1 * swing * np.sin(phase))[..., None]
    return points


def _groom(phase: Floats, swing: Floats) -> Floats:
    points, rub = _at_rest(phase), 0.07 * swing * np.sin(phase)
    for limb, side in ((_LEFT_FORE, 0.05), (_RIGHT_FORE, -0.05)):
        points[..., limb, 0] = 0.45 + rub
        points[..., limb, 1] = side
    points[..., 1] += 0.6 * np.clip(points[..., 0], 0, None) ** 2
    return points


def _scan(phase: Floats, swing: Floats) -> Floats:
    points, turn = _at_rest(phase), 0.6 * swing * np.sin(phase)
    points[..., _LEFT_FORE:, 0] *= 0.7
    points[..., _LEFT_FORE:, 1] *= 1.5
    for keypoint, share in ((0, 1.0), (1, 0.6)):
        x = points[..., keypoint, 0].copy()
        points[..., keypoint, 0], points[..., keypoint, 1] = x * np.cos(share * turn), x * np.sin(share * turn)
    return points


BEHAVIOURS = {
    "walk": Movement(1.6, 1.0, _walk),
    "rear": Movement(0.7, 0.3, _rear),
    "groom": Movement(2.4, 0.3, _groom),
    "scan": Movement(1.0, 0.5, _scan),
}
