"""A kinematic tree while it is edited: which keypoint hangs on which, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_atlas import workflow
from napari_atlas.data.kinematics import DIRECTIONS, KinematicTree, segment_lengths
from napari_atlas.data.pose import Pose
from napari_atlas.data.species import Species
from napari_atlas.errors import InputError
from napari_atlas.io.project import read_project
from napari_atlas.io.trees import read_tree

__all__ = ["Fault", "TreeDraft", "TreeSource", "draft_of", "fault_of", "load_draft", "read_source"]

_T = TypeVar("_T")
_MOST_FRAMES = 3000
_MOST = 90
_PLAIN = "-z"


class TreeSource(NamedTuple):
    """What a tree is edited for.

    Attributes
    ----------
    species
        With the tree that it has by now, if any.
    keypoints, edges
        Of the recording's file.
    frames
        (n_shown,) samples that can be looked at, evenly spread.
    points
        (n_shown, n_keypoints, 2 or 3) positions of one animal, NaN where not tracked.
    typical
        Which of them is shown first: as much as is ever tracked together, as large as usual.
    extent
        (2 or 3,) room that the body takes in most of them, along each axis.
    """

    species: Species
    keypoints: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    frames: NDArray[np.int64]
    points: NDArray[np.float64]
    typical: int
    extent: NDArray[np.float64]


class Fault(NamedTuple):
    """Why a draft is no tree yet, in a line, and the joints that are at fault; an empty text if it is one."""

    text: str = ""
    joints: frozenset[int] = frozenset()


@dataclass(frozen=True)
class TreeDraft:
    """Keypoints, each with the one that it hangs on.

    Attributes
    ----------
    names
        Of the keypoints: those of the tree that was there first, in its order.
    parents
        Index of the one that each hangs on; −1 for none. What nothing hangs on either is left out.
    places
        Where each is among the keypoints of the recording; −1 where it is not there.
    goes_on
        Those that lengthen the chain of the joint that they hang on; the others begin one.
    ways
        Directions that were told for their offsets, such as ``"+z"``; empty where none was.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    places: tuple[int, ...]
    goes_on: frozenset[int] = frozenset()
    ways: tuple[str, ...] = ()

    @classmethod
    def of_tree(cls, tree: KinematicTree, ways: Sequence[str], keypoints: Sequence[str]) -> TreeDraft:
        """Return the draft of a tree whose joints have these directions; further keypoints are left out of it."""
        rest = [name for name in keypoints if name not in tree.names]
        names = (*tree.names, *rest)
        return cls(
            names,
            (*(int(i) for i in tree.parents), *(-1 for _ in rest)),
            tuple(list(keypoints).index(name) if name in keypoints else -1 for name in names),
            frozenset(i for chain in tree.chains for i in chain[2:]),
            (*ways, *("" for _ in rest)),
        )

    @property
    def roots(self) -> tuple[int, ...]:
        """Joints that hang on nothing while something hangs on them."""
        return tuple(i for i in sorted(set(self.parents)) if i >= 0 and self.parents[i] < 0)

    @property
    def used(self) -> frozenset[int]:
        """Joints that hang on something, or that something hangs on."""
        return frozenset(i for pair in enumerate(self.parents) if pair[1] >= 0 for i in pair)

    @property
    def chains(self) -> tuple[tuple[int, ...], ...]:
        """Chains of all that hangs on a root, each from a joint that is reached before."""
        after: dict[int, int] = {}
        for joint in sorted(self.goes_on):
            if self.parents[self.parents[joint]] >= 0:
                after.setdefault(self.parents[joint], joint)
        waiting = [i for i, parent in enumerate(self.parents) if parent >= 0 and after.get(parent) != i]
        reached, found = set(self.roots), []
        while heads := [joint for joint in waiting if self.parents[joint] in reached]:
            chain = [self.parents[heads[0]], heads[0]]
            while chain[-1] in after:
                chain.append(after[chain[-1]])
            waiting.remove(heads[0])
            reached.update(chain)
            found.append(tuple(chain))
        return tuple(found)

    @property
    def spelled(self) -> tuple[tuple[str, ...], ...]:
        """The chains by name, as a species has them."""
        told = [f"{name}:{way}" if way else name for name, way in zip(self.names, self.ways, strict=True)]
        return tuple((self.names[chain[0]], *(told[i] for i in chain[1:])) for chain in self.chains)

    def hung(self, joint: int, parent: int) -> TreeDraft:
        """Return the draft in which a joint hangs on another one, or on nothing where that is −1."""
        if parent == self.parents[joint]:
            return self
        lengthens = parent >= 0 and not any(self.parents[i] == parent for i in self.goes_on)
        return replace(
            self,
            parents=_with(self.parents, joint, parent),
            goes_on=self.goes_on - {joint} | ({joint} if lengthens else set()),
            ways=_with(self.ways, joint, ""),
        )

    def rooted(self, joint: int) -> TreeDraft:
        """Return the draft in which what a joint hung on hangs on it; the joint has to be in no cycle."""
        path = [joint]
        while self.parents[path[-1]] >= 0:
            path.append(self.parents[path[-1]])
        turned = self.hung(joint, -1)
        for child, parent in zip(path[1:], path, strict=False):
            turned = turned.hung(child, parent)
        ends = [i for i, parent in enumerate(turned.parents) if parent == path[-1]]  # they began at the old root
        kept = () if turned.goes_on.intersection(ends) else ends[:1]
        return replace(turned, goes_on=turned.goes_on.union(kept))

    def cycle(self) -> tuple[int, ...]:
        """Return joints that hang on one another in a ring, each on the next; none if there is no ring."""
        for joint in range(len(self.names)):
            path = [joint]
            while (above := self.parents[path[-1]]) >= 0:
                if above in path:
                    return tuple(path[path.index(above) :])
                path.append(above)
        return ()


def read_source(folder: Path, recording: str) -> TreeSource:
    """Return what the tree of a recording's species is edited for: its best-tracked animal.

    Raises
    ------
    InputError
        If the recording cannot be read, or has no keypoints.
    """
    project = read_project(folder)
    species = project.species_called(project.recording_called(recording).species)
    pose = workflow.load_tracks_of(folder, recording).tracks
    if not isinstance(pose, Pose):
        told = "it has no keypoints that could hang on one another"
        raise InputError.of(f"recording {recording}", told, "choose one with a pose")
    frames = np.unique(np.linspace(0, max(0, pose.n_samples - 1), _MOST_FRAMES).astype(np.int64))[: pose.n_samples]
    some = pose.positions[frames]
    animal = int(np.isfinite(some).all(axis=3).sum(axis=(0, 2)).argmax())
    points = some[:, animal].astype(np.float64)
    points[~np.isfinite(points).all(axis=2)] = np.nan
    return TreeSource(species, pose.keypoints, pose.edges, frames, points, *_usual(points))


def draft_of(source: TreeSource, skeleton: bool = False) -> TreeDraft:
    """Return the tree that a species has, else that of the skeleton, else one without any joint.

    Parameters
    ----------
    source
        Species and skeleton.
    skeleton
        Pass over the tree that the species has.
    """
    species, keypoints = source.species, source.keypoints
    if species.tree and not skeleton:
        tree = KinematicTree.from_chains(species.tree)
        told = {text[:-3]: text[-2:] for chain in species.tree for text in chain[1:] if _directed(text)}
        return TreeDraft.of_tree(tree, [told.get(name, "") for name in tree.names], keypoints)
    if source.edges:
        tree = KinematicTree.from_edges(keypoints, source.edges, _center_of(source))
        return TreeDraft.of_tree(tree, ["" for _ in tree.names], keypoints)
    n = len(keypoints)
    return TreeDraft(keypoints, (-1,) * n, tuple(range(n)), ways=("",) * n)


def load_draft(path: Path, source: TreeSource) -> TreeDraft:
    """Return the tree of a file.

    Raises
    ------
    InputError
        If it holds none.
    """
    tree = read_tree(path)
    told = {text[:-3]: text[-2:] for chain in tree.spelled for text in chain[1:]}
    plain = set(told.values()) == {_PLAIN}  # as in a file that tells no offsets
    return TreeDraft.of_tree(tree, ["" if plain else told.get(name, "") for name in tree.names], source.keypoints)


def fault_of(draft: TreeDraft, source: TreeSource) -> Fault:
    """Return why a draft is no tree for these recordings yet."""
    if ring := draft.cycle():
        return Fault(_told_of_ring([draft.names[i] for i in ring]), frozenset(ring))
    if not draft.roots:
        return Fault("No keypoint hangs on another one yet: choose what one of them hangs on.")
    if len(draft.roots) > 1:
        told = " and ".join(draft.names[i] for i in draft.roots[:2])
        return Fault(f"{told} are both roots: hang one of them on another keypoint.", frozenset(draft.roots[1:]))
    lost = [i for i in sorted(draft.used) if draft.places[i] < 0]
    if lost:
        cure = "let it hang on nothing, and nothing on it."
        return Fault(f"The recording has no keypoint {draft.names[lost[0]]}: {cure}", frozenset(lost))
    return _fault_of_lengths(draft, source)


def _fault_of_lengths(draft: TreeDraft, source: TreeSource) -> Fault:
    tree = KinematicTree.from_chains(draft.spelled)
    where = [draft.places[draft.names.index(name)] for name in tree.names]
    try:
        segment_lengths(source.points[:, where], tree)
    except InputError as error:
        text = str(error).removeprefix("kinematic tree: ")
        still = [i for i in draft.used if _still(draft, i, source.points)]
        return Fault(text[:1].upper() + text[1:] + ".", frozenset(still))
    return Fault()


def _still(draft: TreeDraft, joint: int, points: NDArray[np.float64]) -> bool:
    """Return whether a joint lies where the one lies that it hangs on."""
    parent = draft.parents[joint]
    if parent < 0:
        return False
    apart = points[:, draft.places[joint]] - points[:, draft.places[parent]]
    known = np.isfinite(apart).all(axis=1)
    return bool(known.any()) and not np.median(np.abs(apart[known]).max(axis=1)) > 0


def _told_of_ring(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} hangs on itself: choose another keypoint."
    rest = ", ".join(f"{a} on {b}" for a, b in zip(names[1:], (*names[2:], names[0]), strict=True))
    return f"{names[0]} hangs on {names[1]}, {rest}, which is a ring: hang one of them on another keypoint."


def _usual(points: NDArray[np.float64]) -> tuple[int, NDArray[np.float64]]:
    """Return a typical frame, and the room that the body takes in most frames."""
    known = np.isfinite(points).all(axis=2).sum(axis=1)
    seen = np.flatnonzero(known)
    if not seen.size:
        return 0, np.ones(points.shape[2])
    low, high = np.nanmin(points[seen], axis=1), np.nanmax(points[seen], axis=1)
    room = high - low
    if room.shape[1] == 3:  # seen from all sides: as wide everywhere as it is long
        apart = np.linalg.norm((points[seen] - ((low + high) / 2)[:, None])[..., :2], axis=2)
        room[:, :2] = np.sqrt(2) * np.nanmax(apart, axis=1)[:, None]
    size = np.linalg.norm(room, axis=1)
    whole = np.flatnonzero(known[seen] == known.max())
    middle = whole[np.argsort(size[whole])[len(whole) // 2]]
    return int(seen[middle]), np.asarray(np.percentile(room, _MOST, axis=0))


def _center_of(source: TreeSource) -> str:
    """Return the root that the species asks for, if a line of the skeleton ends there."""
    ends = {source.keypoints[i] for edge in source.edges for i in edge}
    return source.species.center if source.species.center in ends else ""


def _directed(text: str) -> bool:
    return text[-3:-2] == ":" and text[-2:] in DIRECTIONS


def _with(values: tuple[_T, ...], place: int, value: _T) -> tuple[_T, ...]:
    return (*values[:place], value, *values[place + 1 :])
