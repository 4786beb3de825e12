"""Kinematic trees: which joint hangs on which, and the rotations of joints from their positions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_atlas.data.rotations import product, shortest_rotation, unit
from napari_atlas.errors import InputError

__all__ = [
    "DIRECTIONS",
    "KinematicTree",
    "face_forward",
    "inverse_kinematics",
    "root_rotations",
    "scaled_to_arena",
    "segment_lengths",
]

Floats = NDArray[np.float64]

DIRECTIONS = {
    sign + letter: np.eye(3)["xyz".index(letter)] * (1.0 if sign == "+" else -1.0) for letter in "xyz" for sign in "+-"
}
"""By name such as ``"+x"``, the directions that a joint's offset may be given as."""

_WHERE = "kinematic tree"
_DIRECTED = re.compile(r"(.+):([+-][xyz])")
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class KinematicTree:
    """Joints in chains that grow from one root. A tree that exists is one.

    Attributes
    ----------
    names
        Of the joints.
    chains
        Indices of joints, each chain from a joint that is reached already; the first one begins at the root.
    offsets
        (n_joints, 3) unit direction in which each joint lies from the one that it hangs on, as long as nothing is
        rotated; 0 for the root. Without it, all lie in +x. A joint should not lie against its offset for long: there
        the shortest rotation leaps.
    """

    names: tuple[str, ...]
    chains: tuple[tuple[int, ...], ...]
    offsets: NDArray[np.float64]

    def __post_init__(self) -> None:
        _check(self.names, self.chains)
        given = np.asarray(self.offsets, dtype=np.float64)
        if given.shape != (len(self.names), 3):
            told = f"offsets have shape {given.shape}"
            raise InputError.of(_WHERE, told, f"give three numbers for each of {len(self.names)} joints")
        sizes = np.linalg.norm(given, axis=1)
        flat = [name for i, name in enumerate(self.names) if i != self.root and not sizes[i] > _TINY]
        if flat:
            raise InputError.of(_WHERE, f"the offset of {flat[0]} has no length", "give it a direction")
        unit = given / np.where(sizes > _TINY, sizes, 1.0)[:, None]
        unit[self.root] = 0.0
        object.__setattr__(self, "offsets", unit)

    @classmethod
    def from_chains(cls, chains: Iterable[Sequence[str]]) -> KinematicTree:
        """Return a tree of chains of joint names.

        A name may end in a colon and a direction of ``DIRECTIONS``, such as ``"ear:+z"``, for the joint's offset;
        without one it is ``-z``.

        Raises
        ------
        InputError
            If they are no tree.
        """
        told = [[_named(text) for text in chain] for chain in chains]
        names = tuple(dict.fromkeys(name for chain in told for name, _ in chain))
        ways = {name: way for chain in told for name, way in chain if way}
        offsets = [DIRECTIONS[ways.get(name, "-z")] for name in names]
        return cls(
            names, tuple(tuple(names.index(name) for name, _ in chain) for chain in told),
            np.array(offsets).reshape(-1, 3),
        )  # fmt: skip

    @classmethod
    def from_edges(cls, names: Sequence[str], edges: Iterable[tuple[int, int]], root: str = "") -> KinematicTree:
        """Return the tree of a skeleton, in which lines that close a ring are left out.

        Joints that no line joins to the root are left out too. All offsets are ``-z``.

        Parameters
        ----------
        names, edges
            Of the skeleton: its keypoints, and pairs of their indices.
        root
            Name of the root; the first of the keypoints with the most lines, if it is left out.

        Raises
        ------
        InputError
            If there is no line, or no keypoint of the root's name.
        """
        near: dict[int, list[int]] = {}
        for a, b in edges:
            near.setdefault(a, []).append(b)
            near.setdefault(b, []).append(a)
        if not near:
            raise InputError.of(_WHERE, "the skeleton has no line", "give the chains of joints")
        if root and (root not in names or list(names).index(root) not in near):
            known = ", ".join(names[i] for i in sorted(near))
            raise InputError.of(_WHERE, f"the skeleton has no joint {root!r}", f"choose the root from {known}")
        first = list(names).index(root) if root else max(sorted(near), key=lambda i: len(near[i]))
        return cls.from_chains([[names[i] for i in chain] for chain in _grown(near, first)])

    @property
    def root(self) -> int:
        """The joint that all others hang on."""
        return self.chains[0][0]

    @property
    def parents(self) -> NDArray[np.int64]:
        """(n_joints,) the joint that each hangs on, −1 for the root."""
        found = np.full(len(self.names), -1, dtype=np.int64)
        for chain in self.chains:
            for parent, child in pairwise(chain):
                found[child] = parent
        return found

    @property
    def spelled(self) -> tuple[tuple[str, ...], ...]:
        """The chains by name as `from_chains` reads them; each offset as the nearest of ``DIRECTIONS``."""
        ways, tables = list(DIRECTIONS), np.stack(list(DIRECTIONS.values()))
        near = [ways[int(np.argmax(tables @ offset))] for offset in self.offsets]
        return tuple(
            (self.names[chain[0]], *(f"{self.names[i]}:{near[i]}" for i in chain[1:])) for chain in self.chains
        )

    def with_offsets(self, offsets: NDArray[np.float64]) -> KinematicTree:
        """Return the same tree with other (n_joints, 3) offsets."""
        return replace(self, offsets=offsets)

    def indices_in(self, keypoints: Sequence[str]) -> list[int]:
        """Return where the joints are among the keypoints of a file.

        Raises
        ------
        InputError
            If one is not there.
        """
        lost = [name for name in self.names if name not in keypoints]
        if lost:
            told = f"the file has no keypoint {', '.join(lost)}"
            raise InputError.of(_WHERE, told, f"choose joints from {', '.join(keypoints)}")
        return [list(keypoints).index(name) for name in self.names]


def root_rotations(positions: ArrayLike, back: int = 0, front: int = 1) -> Floats:
    """Return (n_samples, 4) quaternions that take the direction from one joint to another to +x, as SC-VAE does.

    That of the first sample is set to no rotation, as there.

    Parameters
    ----------
    positions
        (n_samples, n_joints, 3).
    back, front
        The two joints.
    """
    points = np.asarray(positions, dtype=np.float64)
    rotations = shortest_rotation(unit(points[:, front] - points[:, back]), DIRECTIONS["+x"])
    rotations[:1] = [1.0, 0.0, 0.0, 0.0]
    return rotations


def inverse_kinematics(positions: ArrayLike, tree: KinematicTree, root: ArrayLike) -> Floats:
    """Return the rotation of each joint against the one before it in its chain, as quaternions.

    Every chain begins with the root's rotation, whichever joint it begins at. The rotation of a joint turns the
    segment that ends in it.

    Parameters
    ----------
    positions
        (n_samples, n_joints, 3), in the order of the tree's joints.
    tree
        Its offsets are what the segments are rotated from.
    root
        (n_samples, 4) rotations of the root.

    Returns
    -------
    NDArray
        (n_samples, n_joints, 4); NaN where one of the joints that it needs is missing, or two of them coincide.
    """
    points, whole = np.asarray(positions, dtype=np.float64), np.asarray(root, dtype=np.float64)
    local = np.full((*points.shape[:2], 4), np.nan)
    local[:, tree.root] = whole
    for chain in tree.chains:
        before = whole
        for parent, child in pairwise(chain):
            turned = shortest_rotation(tree.offsets[child], unit(points[:, child] - points[:, parent]))
            local[:, child] = product(before * [1.0, -1.0, -1.0, -1.0], turned)
            before = turned
    return local


def segment_lengths(positions: ArrayLike, tree: KinematicTree) -> Floats:
    """Return the (n_joints,) median distance of each joint from the one that it hangs on, in the unit of positions.

    0 for the root, NaN where the two are never known together.

    Parameters
    ----------
    positions
        (n_samples, n_joints, 3), in the order of the tree's joints.
    tree
        Of the joints.

    Raises
    ------
    InputError
        If a segment has no length.
    """
    points = np.asarray(positions, dtype=np.float64)
    lengths = np.zeros(len(tree.names))
    for joint, parent in enumerate(tree.parents):
        if parent < 0:
            continue
        apart = np.linalg.norm(points[:, joint] - points[:, parent], axis=1)
        known = apart[np.isfinite(apart)]
        lengths[joint] = np.median(known) if known.size else np.nan
        if lengths[joint] <= _TINY:
            told = f"the segment from {tree.names[parent]} to {tree.names[joint]} has no length in most frames"
            raise InputError.of(_WHERE, told, f"leave {tree.names[joint]} out of the tree, or check the tracking")
    return lengths


def scaled_to_arena(positions: NDArray[np.float64]) -> Floats:
    """Return positions scaled to [−1, 1] by the space that they fill, all axes alike; NaN stays NaN.

    Parameters
    ----------
    positions
        (…, n_dims); 0 throughout if they fill no space.
    """
    flat = positions.reshape(-1, positions.shape[-1])
    flat = flat[np.isfinite(flat).all(axis=1)]
    if not len(flat):
        return np.full(positions.shape, np.nan)
    low, high = flat.min(axis=0), flat.max(axis=0)
    half = float((high - low).max()) / 2
    return np.asarray((positions - (low + high) / 2) / (half or 1.0))


def face_forward(positions: NDArray[np.float64], back: int, front: int) -> Floats:
    """Return windows moved and turned so that the animal is at the origin and faces +x in the middle sample.

    They are turned about the third axis alone, and moved along the other two. SC-VAE calls this ``midfwd``.

    Parameters
    ----------
    positions
        (n_windows, n_times, n_joints, 3); a window is all NaN if one of the two joints is missing in its middle.
    back, front
        Joints between which the body axis runs; the first of them comes to the origin.
    """
    middle = positions[:, positions.shape[1] // 2]
    ahead = unit((middle[:, front] - middle[:, back])[:, :2])
    moved = positions.copy()
    moved[..., :2] -= middle[:, None, None, back, :2]
    x, y = moved[..., 0].copy(), moved[..., 1].copy()
    cos, sin = ahead.T[:, :, None, None]
    moved[..., 0], moved[..., 1] = cos * x + sin * y, cos * y - sin * x
    return moved


def _check(names: tuple[str, ...], chains: tuple[tuple[int, ...], ...]) -> None:
    """Refuse what is no tree."""
    if not chains:
        raise InputError.of(_WHERE, "it has no chain, and so no root", "give chains of joints, the first from the root")
    parents: dict[int, int] = {chains[0][0]: -1} if chains[0] else {}
    for number, chain in enumerate(chains, start=1):
        if len(chain) < 2:
            raise InputError.of(_WHERE, f"chain {number} has fewer than two joints", "give two, or leave it out")
        unknown = [i for i in chain if not 0 <= i < len(names)]
        if unknown:
            raise InputError.of(_WHERE, f"there is no joint {unknown[0]}", f"count joints from 0 to {len(names) - 1}")
        if chain[0] not in parents:
            told = f"chain {number} begins at {names[chain[0]]}, which no chain before it reaches from the root"
            raise InputError.of(_WHERE, told, f"begin it at a joint that hangs on {names[chains[0][0]]}, the one root")
        for parent, child in pairwise(chain):
            _check_new(names, parents, parent, child)
            parents[child] = parent
    lost = [name for i, name in enumerate(names) if i not in parents]
    if lost:
        raise InputError.of(_WHERE, f"no chain reaches {lost[0]}", "put it into a chain, or leave it out")


def _check_new(names: tuple[str, ...], parents: dict[int, int], parent: int, child: int) -> None:
    """Refuse a joint that is reached for the second time."""
    if child not in parents:
        return
    above = parent
    while above not in (child, -1):
        above = parents[above]
    if above == child:
        told = f"it has a cycle: {names[child]} hangs on {names[parent]}, which hangs on {names[child]}"
        raise InputError.of(_WHERE, told, f"end the chain before {names[child]}")
    told = f"{names[child]} is reached twice, from {names[parents[child]]} and from {names[parent]}"
    raise InputError.of(_WHERE, told, "leave one of the two out")


def _named(text: str) -> tuple[str, str]:
    """Return name and direction of a joint; the direction is empty if none is told."""
    found = _DIRECTED.fullmatch(text.strip())
    return (found[1], found[2]) if found else (text.strip(), "")


def _grown(near: dict[int, list[int]], root: int) -> list[list[int]]:
    """Return chains of the tree that grows from the root by the fewest steps to each joint."""
    parents, waiting = {root: -1}, [root]
    while waiting:
        here = waiting.pop(0)
        for there in near[here]:
            if there not in parents:
                parents[there] = here
                waiting.append(there)
    children = {i: [j for j, parent in parents.items() if parent == i] for i in parents}
    chains, begins = [], [[root, child] for child in children[root]]
    while begins:
        chain = begins.pop(0)
        while children[chain[-1]]:
            first, *others = children[chain[-1]]
            begins += [[chain[-1], other] for other in others]
            chain.append(first)
        chains.append(chain)
    return chains
