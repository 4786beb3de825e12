"""The signal of poses in three dimensions: how each joint of a kinematic tree is rotated."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data._signal_pose import front_and_back, points_of
from napari_atlas.data._signal_registry import per_millisecond, register_signal, step
from napari_atlas.data.kinematics import (
    DIRECTIONS,
    KinematicTree,
    inverse_kinematics,
    scaled_to_arena,
    segment_lengths,
)
from napari_atlas.data.pose import Pose
from napari_atlas.data.rotations import matrix_of_quaternion, shortest_rotation, six_of_matrix
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.errors import InputError

__all__ = ["POSE_6D", "Body", "body_of", "pose_6d"]

Floats = NDArray[np.float64]

POSE_6D = "pose-6d"
_ROOT = {
    "midfwd": ("root ahead (px/ms)", "root aside (px/ms)", "root turning (rad/ms)", "root height (px)"),
    "x360": ("root x", "root y", "root z", "root heading cos", "root heading sin"),
}
_TILT = ("root tilt cos", "root tilt sin")
_NO_TURN = np.array([1.0, 0.0, 0.0, 0.0])
# A segment that points up more than this, 1 being straight up, is rotated from the upward direction.
_UP = 0.6
_LOOKED_AT = 5000


@dataclass(frozen=True, eq=False)
class Body:
    """How the columns of a ``pose-6d`` signal make a pose.

    Attributes
    ----------
    tree
        Joints, with the offsets that their rotations begin from.
    keypoints
        (n_joints,) where the joints are among the keypoints of the file.
    back, front
        Keypoints between which the body axis runs.
    facing
        ``"midfwd"`` or ``"x360"``.
    """

    tree: KinematicTree
    keypoints: tuple[int, ...]
    back: int
    front: int
    facing: str

    @property
    def fixed(self) -> dict[int, NDArray[np.float64]]:
        """By joint, the six numbers of those that are always the same and so are no channels.

        That is the root, whose rotation is told apart, and a joint whose segment is the body axis.
        """
        found = {self.tree.root: np.array([1.0, 0, 0, 0, 1, 0])}
        for joint, parent in enumerate(self.tree.parents):
            ends = (self.keypoints[parent], self.keypoints[joint])
            if parent >= 0 and set(ends) == {self.back, self.front}:
                ahead = DIRECTIONS["+x" if ends == (self.back, self.front) else "-x"]
                turned = matrix_of_quaternion(shortest_rotation(self.tree.offsets[joint], ahead))
                found |= {joint: six_of_matrix(turned)} if self._begins_a_chain(joint) else {}
        return found

    @property
    def n_root(self) -> int:
        """Number of channels that tell of the root, before those of the joints."""
        return len(_ROOT[self.facing]) + len(_TILT)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all channels."""
        told = [i for i in range(len(self.tree.names)) if i not in self.fixed]
        joints = [f"{self.tree.names[i]} {self._direction(i)} rotation {k}" for i in told for k in range(1, 7)]
        return (*_ROOT[self.facing], *_TILT, *joints)

    def _begins_a_chain(self, joint: int) -> bool:
        return any(joint == chain[1] for chain in self.tree.chains)

    def _direction(self, joint: int) -> str:
        return next(name for name, way in DIRECTIONS.items() if np.array_equal(way, self.tree.offsets[joint]))


def body_of(pose: Pose, species: Species) -> Body:
    """Return how the pose of a species is told by rotations.

    Raises
    ------
    InputError
        If the pose is flat, or there is no tree that fits its keypoints.
    """
    where = f"species {species.name}"
    if pose.positions.shape[3] != 3:
        raise InputError.of(where, f"signal {POSE_6D} needs a pose in three dimensions", "choose egocentric-pose")
    if not species.tree and not pose.edges:
        told = f"signal {POSE_6D} needs a tree of joints, and the file has no skeleton"
        raise InputError.of(where, told, "set tree to chains of keypoints, or choose egocentric-pose")
    if species.tree:
        tree = KinematicTree.from_chains(species.tree)
    else:
        chosen = set(pose.keypoint_indices(species.keypoints))
        tree = KinematicTree.from_edges(
            pose.keypoints, [edge for edge in pose.edges if set(edge) <= chosen], species.center
        )
    keypoints = tree.indices_in(pose.keypoints)
    first, second = (keypoints[i] for i in tree.chains[0][:2])
    front, back = front_and_back(pose, species, (second, first))
    body = Body(tree, tuple(keypoints), back, front, species.facing)
    known = {text[:-3] for chain in species.tree for text in chain if text[-3:] in {f":{way}" for way in DIRECTIONS}}
    return replace(body, tree=_directed(body, pose, known))


def _names(pose: Pose, species: Species) -> tuple[str, ...]:
    return body_of(pose, species).names


@register_signal(POSE_6D, "", Pose, "Posture in 3-D: rotations of joints", _names)
def pose_6d(pose: Pose, individual: int, timebase: TimeBase, species: Species) -> Floats:
    """Return the rotation of each joint of a kinematic tree, and how the root stands and moves.

    The root's own frame has x along the body axis, from back to front, and y level; in it the inverse kinematics are
    taken, so that neither place nor direction nor the tilt of the body change the rotations of the joints, six
    numbers each. What the tree is, is told by the species' ``tree``, or else by the file's skeleton.

    Windows are slices of one track, so a sample cannot know in which window it will lie, and cannot be turned by the
    heading in the middle of it. With ``facing = "midfwd"`` the channels tell instead how the root moves ahead and
    aside and how it turns from sample to sample, which is the same for every heading and place; summed up from a
    window's middle they give the window that faces +x there. With ``"x360"`` the heading stays in, as cosine and
    sine, and the root's place, scaled to [−1, 1] by the space that the recording's animals use.

    Bins hold the mean of the six numbers, which forward kinematics make a rotation again. A joint whose segment is
    the body axis is never rotated in that frame, and has no channel.

    Returns
    -------
    NDArray
        (n_samples, n_channels). Rotations have unit 1; the root moves in the file's own unit per ms and turns in
        rad/ms, and its height is in the file's own unit. NaN for a joint that is missing or whose segment before it
        in the chain is, and for all of them where the root, front or back is.

    Raises
    ------
    InputError
        If the pose is flat, a joint does not exist, a segment has no length, or ``"midfwd"`` lacks the frame rate.
    """
    body = body_of(pose, species)
    every = points_of(pose, individual, list(range(len(pose.keypoints))))
    joints = every[:, list(body.keypoints)]
    segment_lengths(joints, body.tree)  # refuses those without a length
    frames, yaw = _root_frames(every, body.back, body.front)
    root = joints[:, body.tree.root]
    seen = np.einsum("njd,nde->nje", joints - root[:, None], frames)
    local = inverse_kinematics(seen, body.tree, np.broadcast_to(_NO_TURN, (len(seen), 4)))
    told = [i for i in range(len(body.tree.names)) if i not in body.fixed]
    six = [six_of_matrix(matrix_of_quaternion(local[:, i])) for i in told]
    if body.facing == "midfwd":
        moved = np.concatenate([_steps(root, yaw, timebase), root[:, 2:]], axis=1)
    else:
        homes = pose.positions[:, :, body.keypoints[body.tree.root]].astype(np.float64)
        moved = np.column_stack([scaled_to_arena(homes)[:, individual], np.cos(yaw), np.sin(yaw)])
    tilt = np.stack([np.hypot(frames[:, 0, 0], frames[:, 1, 0]), frames[:, 2, 0]], axis=1)
    values = np.concatenate([moved, tilt, *six], axis=1)
    values[~np.isfinite(root).all(axis=1) | ~np.isfinite(yaw)] = np.nan
    return values


def _root_frames(positions: Floats, back: int, front: int) -> tuple[Floats, Floats]:
    """Return (n_samples, 3, 3) axes of the root as columns, and (n_samples,) its heading in radians.

    The first axis runs from back to front, the second is level, the third points up as far as it can. NaN where one
    of the two keypoints is missing, or one is right above the other.
    """
    ahead = positions[:, front] - positions[:, back]
    flat, size = np.hypot(ahead[:, 0], ahead[:, 1]), np.linalg.norm(ahead, axis=1)
    known = flat > 1e-9 * size
    flat, size = np.where(known, flat, np.nan), np.where(known, size, np.nan)
    first = ahead / size[:, None]
    second = np.stack([-ahead[:, 1] / flat, ahead[:, 0] / flat, np.zeros(len(flat)) * flat], axis=1)
    axes = np.stack([first, second, np.cross(first, second)], axis=2)
    return axes, np.where(known, np.arctan2(ahead[:, 1], ahead[:, 0]), np.nan)


def _steps(root: Floats, yaw: Floats, timebase: TimeBase) -> Floats:
    """Return (n_samples, 3): how the root went ahead and aside, and how it turned, per ms."""
    moved, turned = step(root[:, :2]), step(yaw[:, None])[:, 0]
    ahead = np.cos(yaw) * moved[:, 0] + np.sin(yaw) * moved[:, 1]
    aside = np.cos(yaw) * moved[:, 1] - np.sin(yaw) * moved[:, 0]
    turned = (turned + np.pi) % (2 * np.pi) - np.pi
    return per_millisecond(np.stack([ahead, aside, turned], axis=1), timebase, POSE_6D)


def _directed(body: Body, pose: Pose, told: set[str]) -> KinematicTree:
    """Return the tree, with offsets ``+z`` for segments that mostly point up in the recording; others keep theirs."""
    offsets = body.tree.offsets.copy()
    some = pose.positions[:: max(1, pose.n_samples // _LOOKED_AT)]
    flat = some.reshape(-1, *some.shape[2:]).astype(np.float64)
    axes, _ = _root_frames(flat, body.back, body.front)
    for joint, parent in enumerate(body.tree.parents):
        if parent < 0 or body.tree.names[joint] in told:
            continue
        bone = flat[:, body.keypoints[joint]] - flat[:, body.keypoints[parent]]
        up = (bone * axes[:, :, 2]).sum(axis=1) / np.where((size := np.linalg.norm(bone, axis=1)) > 0, size, np.nan)
        known = up[np.isfinite(up)]
        if known.size and np.median(known) > _UP:
            offsets[joint] = DIRECTIONS["+z"]
    return body.tree.with_offsets(offsets)
