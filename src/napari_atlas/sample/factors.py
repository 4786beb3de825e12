"""Animals whose every factor is known: what they do, who they are, how fast they are, and where they head.

The factors are independent of each other, and each combination of behaviour, animal and rig is there. So a latent that
has forgotten one of them has no excuse to have lost another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.covariates import Course
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import Recording
from napari_atlas.data.signals import BinnedSignal
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.data.variables import Measured, table_variable
from napari_atlas.data.windows import SPLITS, Windows, WindowTable, make_tracks
from napari_atlas.errors import InputError
from napari_atlas.sample._gaits import BEHAVIOURS, EDGES, KEYPOINTS, NECK, SPINE, Body, body_of, poses

__all__ = ["FACTORS", "FactorSpec", "factor_recordings", "factor_species", "factor_variables", "factor_windows"]

Floats = NDArray[np.float64]

FACTORS = ("individual", "heading", "speed", "rig", "behaviour")
"""What `factor_variables` gives by name."""

_PX = 60.0
_STEPS = ("step x (px)", "step y (px)")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_RIG_STRETCH = 0.08
_SLOWEST, _FASTEST = 0.5, 1.5


@dataclass(frozen=True)
class FactorSpec:
    """What is generated.

    Attributes
    ----------
    n_animals, n_rigs
        One recording for each pair of them.
    n_bouts
        Bouts per recording, each of one behaviour, one speed and one heading; every bout is one window.
    n_times
        Frames per bout.
    fps
        Frames per second.
    seed
        Of everything that is drawn.
    """

    n_animals: int = 4
    n_rigs: int = 2
    n_bouts: int = 500
    n_times: int = 24
    fps: float = 20.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("n_animals", 1), ("n_rigs", 1), ("n_bouts", len(BEHAVIOURS)), ("n_times", 2)):
            if getattr(self, name) < least:
                raise InputError.of(f"setting {name}", f"{getattr(self, name)} is too few", f"give {least} or more")
        if self.n_animals > len(_LETTERS):
            raise InputError.of("setting n_animals", f"{self.n_animals} are too many", f"give {len(_LETTERS)} or fewer")
        if not self.fps > 0:
            raise InputError.of("setting fps", f"{self.fps:g} is no rate", "give frames per second, such as 20")


def factor_species(spec: FactorSpec) -> Species:
    """Return the settings that cut one window from each bout."""
    seconds = spec.n_times / spec.fps
    return Species("rodent", "egocentric-pose", bin_rate=0, window=seconds, stride=seconds, front="neck", back="spine")


def factor_recordings(spec: FactorSpec) -> tuple[Recording, ...]:
    """Return one recording for each animal on each rig.

    Keypoints are in pixels. The covariates are ``behaviour`` and ``rig``, classes, and ``speed``, where 1 is the
    middle of its range from 0.5 to 1.5: it scales the rate of all movements and the distance that the animal goes.
    ``true heading`` is in degrees.
    """
    return tuple(_record(spec, animal, rig) for animal in range(spec.n_animals) for rig in range(spec.n_rigs))


def factor_windows(spec: FactorSpec, turned: bool = True) -> Windows:
    """Return one window per bout, split in time.

    The first 60 % of each recording are for training, 10 % for validation and the last 30 % for test.

    Parameters
    ----------
    spec
        What is generated.
    turned
        Whether the keypoints are those that the animal sees, with cosine and sine of its heading beside them, as a
        kinematic tree has the turns of its joints apart from that of its root. Otherwise the arena's coordinates are
        taken, less the middle of the body, and the heading is in every channel. Steps of the middle in the arena, in
        pixels per frame, are there in both.
    """
    species, signal = factor_species(spec), _seen_from_animal if turned else _seen_in_arena
    tracks = [t for r in factor_recordings(spec) for t in make_tracks(r, species, signal)]
    windows = Windows.from_tracks(tracks, [species])
    share = windows.table.start / (spec.n_bouts * spec.n_times)
    codes = [SPLITS.index(part) for part in ("train", "validation", "test")]
    return windows.with_split(np.select([share < 0.6, share < 0.7], codes[:2], codes[2]).astype(np.int8))


def factor_variables(table: WindowTable) -> dict[str, Measured]:
    """Return the factors of the windows of `factor_windows`, by the names of ``FACTORS``: as they are, not measured."""
    found = {name: table_variable(table, name) for name in (*FACTORS, "true heading")}
    known = {name: column for name, column in found.items() if column is not None}
    degrees = known.pop("true heading")
    return {**known, "heading": Measured("heading", "angle", np.deg2rad(degrees.values))}


@dataclass(frozen=True)
class _Bouts:
    """Codes of behaviours, speeds, headings and first phases in radians, each (n_bouts,)."""

    behaviour: NDArray[np.int64]
    speed: Floats
    heading: Floats
    phase: Floats


def _draw(spec: FactorSpec, rng: np.random.Generator) -> _Bouts:
    n = spec.n_bouts
    return _Bouts(
        behaviour=rng.permutation(np.arange(n) % len(BEHAVIOURS)),
        speed=rng.uniform(_SLOWEST, _FASTEST, n),
        heading=rng.uniform(-np.pi, np.pi, n),
        phase=rng.uniform(0, 2 * np.pi, n),
    )


def _record(spec: FactorSpec, animal: int, rig: int) -> Recording:
    rng = np.random.default_rng((spec.seed, animal, rig))
    bouts, body = _draw(spec, rng), body_of(animal, spec.n_animals)
    points = _positions(spec, bouts, body)
    points += rng.normal(0, _PX * body.noise, points.shape)
    points[..., 1] *= 1 + _RIG_STRETCH * rig

    def course(values: NDArray[np.generic], classes: tuple[str, ...] = ()) -> tuple[Course]:
        return (Course.per_frame(np.repeat(values.astype(np.float64), spec.n_times), 0, classes),)

    name = f"animal {_LETTERS[animal]}"
    return Recording(
        name=f"{name} on rig {rig + 1}",
        species="rodent",
        tracks=Pose(points[:, None].astype(np.float32), KEYPOINTS, (name,), edges=EDGES),
        timebase=TimeBase(len(points), spec.fps),
        covariates={
            "behaviour": course(bouts.behaviour, tuple(BEHAVIOURS)),
            "speed": course(bouts.speed),
            "true heading": course(np.rad2deg(bouts.heading)),
            "rig": (Course.constant_class(f"rig {rig + 1}"),),
        },
    )


def _positions(spec: FactorSpec, bouts: _Bouts, body: Body) -> Floats:
    """Return (n_frames, n_keypoints, 2) keypoints of all bouts, one after the other, in pixels."""
    kinds = list(BEHAVIOURS.values())
    hertz = np.array([kind.hertz for kind in kinds])[bouts.behaviour] * bouts.speed
    pace = np.array([kind.pace for kind in kinds])[bouts.behaviour] * bouts.speed * body.length
    phase = bouts.phase[:, None] + 2 * np.pi * hertz[:, None] * np.arange(spec.n_times) / spec.fps
    points = np.empty((spec.n_bouts, spec.n_times, len(KEYPOINTS), 2))
    for code, name in enumerate(BEHAVIOURS):
        mine = bouts.behaviour == code
        points[mine] = poses(name, phase[mine], bouts.speed[mine], body)
    ahead = np.stack([np.cos(bouts.heading), np.sin(bouts.heading)], axis=1)
    aside = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
    path = np.cumsum(np.repeat(ahead * pace[:, None] / spec.fps, spec.n_times, axis=0), axis=0)
    turned = points[..., :1] * ahead[:, None, None] + points[..., 1:] * aside[:, None, None]
    return np.asarray(_PX * (turned.reshape(-1, len(KEYPOINTS), 2) + path[:, None]))


def _seen_in_arena(recording: Recording, species: Species) -> BinnedSignal:
    """Return keypoints as seen from their middle, in pixels and not turned, and the steps of the middle."""
    pose, points, middle = _points(recording)
    names = [f"{name} {letter} (px)" for name in pose.keypoints for letter in "xy"]
    return BinnedSignal((*names, *_STEPS), (np.concatenate([_flat(points - middle), _steps(middle)], axis=1),))


def _seen_from_animal(recording: Recording, species: Species) -> BinnedSignal:
    """Return keypoints as the animal sees them, in pixels, where it heads, and the steps of its middle in the arena."""
    pose, points, middle = _points(recording)
    ahead = points[:, NECK] - points[:, SPINE]
    cos, sin = (ahead / np.linalg.norm(ahead, axis=1, keepdims=True)).T[:, :, None]
    x, y = np.moveaxis(points - middle, 2, 0)
    turned = np.stack([cos * x + sin * y, cos * y - sin * x], axis=2)
    names = [f"{name} {part} (px)" for name in pose.keypoints for part in ("ahead", "aside")]
    values = np.concatenate([_flat(turned), cos, sin, _steps(middle)], axis=1)
    return BinnedSignal((*names, "heading cos", "heading sin", *_STEPS), (values,))


def _points(recording: Recording) -> tuple[Pose, Floats, Floats]:
    """Return the pose of the one animal, its (n_samples, n_keypoints, 2) keypoints, and their middle."""
    pose = recording.tracks
    assert isinstance(pose, Pose)
    points = np.asarray(pose.positions[:, 0], dtype=np.float64)
    return pose, points, points.mean(axis=1, keepdims=True)


def _flat(points: Floats) -> Floats:
    return points.reshape(len(points), -1)


def _steps(middle: Floats) -> Floats:
    return np.diff(middle[:, 0], axis=0, prepend=np.nan)
