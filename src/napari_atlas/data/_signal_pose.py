"""Signals of keypoints."""

from __future__ import annotations

import contextlib
import re
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data._signal_registry import per_millisecond, register_signal, step
from napari_atlas.data.pose import Pose
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.errors import InputError

__all__ = [
    "Axis",
    "body_axis",
    "centroid_speed",
    "egocentric_pose",
    "front_and_back",
    "joint_angles",
    "keypoint_speed",
    "points_of",
]

Floats = NDArray[np.float64]

_FRONTS = ("nose", "snout", "rostrum", "muzzle", "beak", "mouth", "head", "neck")
_BACKS = ("tailbase", "basetail", "baseoftail", "tailroot", "proximaltail", "tail", "butt", "rump", "abdomen", "back")


@register_signal("centroid-speed", "px/ms", Pose, "Speed of the whole animal")
def centroid_speed(pose: Pose, individual: int, timebase: TimeBase, species: Species) -> Floats:
    """Return the speed of the mean of the chosen keypoints.

    Returns
    -------
    NDArray
        (n_samples, 1) in px/ms, the first NaN. The centroid is the mean of those keypoints that are there;
        NaN where none of them is, now or one frame earlier.

    Raises
    ------
    InputError
        If the frame rate is unknown or a keypoint does not exist.
    """
    chosen = pose.positions[:, individual, pose.keypoint_indices(species.keypoints)].astype(np.float64)
    present = _present(chosen)
    chosen[~present] = 0.0
    count = np.count_nonzero(present, axis=1)[:, None]
    centroid = np.where(count > 0, np.einsum("nkd->nd", chosen) / np.maximum(count, 1), np.nan)
    moved: Floats = np.linalg.norm(step(centroid), axis=1)[:, None]
    return per_millisecond(moved, timebase, "centroid-speed")


def _speed_names(pose: Pose, species: Species) -> tuple[str, ...]:
    return tuple(f"{pose.keypoints[k]} speed" for k in pose.keypoint_indices(species.keypoints))


@register_signal("keypoint-speed", "px/ms", Pose, "Speed of each keypoint", _speed_names)
def keypoint_speed(pose: Pose, individual: int, timebase: TimeBase, species: Species) -> Floats:
    """Return the speed of each chosen keypoint.

    Returns
    -------
    NDArray
        (n_samples, n_keypoints) in px/ms, the first NaN; NaN where the keypoint is missing, now or one frame earlier.

    Raises
    ------
    InputError
        If the frame rate is unknown or a keypoint does not exist.
    """
    chosen = points_of(pose, individual, pose.keypoint_indices(species.keypoints))
    moved: Floats = np.linalg.norm(step(chosen), axis=2)
    return per_millisecond(moved, timebase, "keypoint-speed")


class Axis(NamedTuple):
    """Indices of the keypoints that an egocentric pose is taken from.

    ``front`` and ``back`` are the ends of the body axis, ``center`` holds the origin or both ends, ``used`` the
    keypoints that become channels; ``kept`` is (n_used, n_dims), which of their coordinates tell something.
    """

    front: int
    back: int
    center: list[int]
    used: list[int]
    kept: NDArray[np.bool_]


def _egocentric_names(pose: Pose, species: Species) -> tuple[str, ...]:
    axis = body_axis(pose, species)
    names = [[f"{pose.keypoints[k]} {letter}" for letter in "xyz"[: pose.positions.shape[3]]] for k in axis.used]
    return tuple(str(name) for name in np.array(names)[axis.kept])


@register_signal("egocentric-pose", "body lengths", Pose, "Posture: keypoints seen from the animal", _egocentric_names)
def egocentric_pose(pose: Pose, individual: int, timebase: TimeBase, species: Species) -> Floats:
    """Return the chosen keypoints as the animal sees them: centred, turned, and scaled by its length.

    The origin is the species' ``center``, or the middle between ``front`` and ``back``. The body axis, from back to
    front, points along +x; a pose in three dimensions is turned about its third axis alone. The length is the median
    distance of the two over the recording. Coordinates that are constant by construction, or mirror others, are left
    out: those of the center, y of front and back where the axis goes through it, and back where front tells it.

    Returns
    -------
    NDArray
        (n_samples, n_channels) in body lengths: x and y (and z) of each keypoint. NaN for a keypoint that is missing,
        and for all of them where front, back or center is.

    Raises
    ------
    InputError
        If a keypoint does not exist, or front and back are not given and cannot be told by their names.
    """
    axis = body_axis(pose, species)
    ends = points_of(pose, individual, [axis.back, axis.front])
    ahead = ends[:, 1] - ends[:, 0]
    lengths = np.linalg.norm(ahead, axis=1)
    known = np.isfinite(lengths)
    length = float(np.median(lengths[known])) if known.any() else np.nan
    flat = np.linalg.norm(ahead[:, :2], axis=1)
    cos, sin = (ahead[:, :2] / np.where(flat > 0, flat, np.nan)[:, None]).T[:, :, None]
    origin = points_of(pose, individual, axis.center).mean(axis=1)
    seen = (points_of(pose, individual, axis.used) - origin[:, None]) / (length if length > 0 else np.nan)
    x, y = seen[..., 0].copy(), seen[..., 1].copy()
    seen[..., 0], seen[..., 1] = cos * x + sin * y, cos * y - sin * x
    seen[~np.isfinite(cos[:, 0])] = np.nan
    return np.asarray(seen[:, axis.kept])


def _angle_names(pose: Pose, species: Species) -> tuple[str, ...]:
    joints = ["-".join(pose.keypoints[k] for k in triplet) for triplet in _triplets(pose, species)]
    return tuple(f"{joint} {part}" for joint in joints for part in ("cos", "sin"))


@register_signal("joint-angles", "", Pose, "Angles of the joints", _angle_names)
def joint_angles(pose: Pose, individual: int, timebase: TimeBase, species: Species) -> Floats:
    """Return cosine and sine of the angle at each joint: they have no unit and do not leap at a full turn.

    The joints are the species' ``angles``, or else lie at each keypoint in which edges of the skeleton meet: one
    between each pair of neighbouring edges, in the skeleton's order. In two dimensions the angle is signed, from the
    first limb to the last one, and both are needed; in three it is between 0 and π, and its sine is never negative.

    Returns
    -------
    NDArray
        (n_samples, 2 · n_joints), cosine before sine, unit 1; NaN where one of the three keypoints is missing, or a
        limb has no length.

    Raises
    ------
    InputError
        If a keypoint does not exist, or there are neither angles nor edges that meet.
    """
    corners = points_of(pose, individual, [k for triplet in _triplets(pose, species) for k in triplet])
    corners = corners.reshape(len(corners), -1, 3, corners.shape[2])
    first, last = corners[:, :, 0] - corners[:, :, 1], corners[:, :, 2] - corners[:, :, 1]
    size = np.linalg.norm(first, axis=2) * np.linalg.norm(last, axis=2)
    size = np.where(size > 0, size, np.nan)
    if corners.shape[3] == 3:
        across = np.linalg.norm(np.cross(first, last), axis=2)
    else:
        across = first[..., 0] * last[..., 1] - first[..., 1] * last[..., 0]
    along = (first * last).sum(axis=2)
    return np.stack([along / size, across / size], axis=2).reshape(len(corners), -1)


def points_of(pose: Pose, individual: int, keypoints: list[int]) -> Floats:
    """Return (n_samples, n_chosen, n_dims) positions; all of a keypoint is NaN where any of it is."""
    points = np.asarray(pose.positions[:, individual][:, keypoints], dtype=np.float64)
    points[~_present(points)] = np.nan
    return points


def _present(points: Floats) -> NDArray[np.bool_]:
    """Return (n_samples, n_keypoints) whether all of each position is known; quicker than ``all`` over a short axis."""
    return np.asarray(np.logical_and.reduce([np.isfinite(points[..., d]) for d in range(points.shape[2])]))


def body_axis(pose: Pose, species: Species) -> Axis:
    """Return the body axis of a species, and what an egocentric pose takes from it.

    Raises
    ------
    InputError
        If a keypoint does not exist, or front and back are not given and cannot be told by their names.
    """
    front, back = front_and_back(pose, species)
    used = pose.keypoint_indices(species.keypoints)
    center = pose.keypoint_indices((species.center,)) if species.center else [front, back]
    kept = np.ones((len(used), pose.positions.shape[3]), dtype=bool)
    for row, keypoint in enumerate(used):
        if [keypoint] == center or (keypoint == back and front in used and back in center):
            kept[row] = False
        elif keypoint in (front, back) and set(center) & {front, back}:
            kept[row, 1] = False
    if not kept.any():
        raise InputError.of(f"species {species.name}", "no keypoint is left beside the origin", "choose more keypoints")
    return Axis(front, back, center, used, kept)


def front_and_back(pose: Pose, species: Species, otherwise: tuple[int, int] | None = None) -> tuple[int, int]:
    """Return the keypoints at the front and the back of the body axis, given or told by their names.

    Parameters
    ----------
    pose, species
        Keypoints, and the settings of their species.
    otherwise
        What is returned if neither is given and their names do not tell; without it, that is a fault.

    Raises
    ------
    InputError
        If a keypoint does not exist, both ends are the same, or nothing tells them.
    """
    if otherwise and not (species.front or species.back):
        with contextlib.suppress(InputError):
            return front_and_back(pose, species)
        return otherwise
    front = _end(pose, species, species.front, _FRONTS, "front")
    back = _end(pose, species, species.back, _BACKS, "back")
    if front == back:
        what = f"front and back are both {pose.keypoints[front]}"
        raise InputError.of(f"species {species.name}", what, "choose two keypoints")
    return front, back


def _end(pose: Pose, species: Species, given: str, stems: tuple[str, ...], setting: str) -> int:
    """Return the keypoint that was given for an end of the body axis, or the one whose name tells."""
    if given:
        return pose.keypoint_indices((given,))[0]
    plain = [re.sub(r"[\W_]", "", name.lower()) for name in pose.keypoints]
    for stem in stems:
        for found in ([k for k, p in enumerate(plain) if p == stem], [k for k, p in enumerate(plain) if stem in p]):
            if len(found) == 1:
                return found[0]
    raise InputError.of(
        f"species {species.name}",
        f"no keypoint's name tells where the {setting} of the body is",
        f"set {setting} to one of {', '.join(pose.keypoints)}",
    )


def _triplets(pose: Pose, species: Species) -> list[list[int]]:
    if species.angles:
        return [pose.keypoint_indices(names) for names in species.angles]
    chosen = set(pose.keypoint_indices(species.keypoints))
    found = []
    for node in sorted(chosen):
        met = [a if b == node else b for a, b in pose.edges if node in (a, b) and {a, b} <= chosen]
        found += [[first, node, last] for first, last in pairwise(met)]
    if not found:
        raise InputError.of(
            f"species {species.name}",
            "its skeleton has no joint",
            f"set angles to triplets of {', '.join(pose.keypoints)}",
        )
    return found
