"""How one species is looked at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from napari_atlas.data.kinematics import KinematicTree
from napari_atlas.errors import InputError, naming

__all__ = ["COLORS", "FACINGS", "MARKERS", "REFINEMENTS", "Species"]

COLORS = ("#E69F00", "#2FB5A0", "#CC79A7", "#56B4E9", "#F0E442", "#D55E00", "#8F7FE8", "#9AA5B1")
MARKERS = ("disc", "triangle_up", "square", "diamond", "star", "cross", "triangle_down", "hbar")
# Settings that a species has beside those that every one needs.
REFINEMENTS = (
    *("min_confidence", "max_jump", "fill_gap", "median"),
    *("front", "back", "center", "angles", "n_descriptors", "tree", "facing"),
)
FACINGS = ("midfwd", "x360")


@dataclass(frozen=True)
class Species:
    """A species (or rig) and the recipe that turns its tracks into windows.

    Attributes
    ----------
    name
        What the user calls it.
    signal
        Registered signal, such as ``"centroid-speed"``, or several with `` + `` between; ``"array"`` for windows
        that were cut elsewhere.
    keypoints
        Keypoints that the signal uses; none means all.
    bin_rate
        Bins per second; 0 takes every sample as a bin.
    window, stride
        Length and step of the windows in seconds; in samples where the clock is unknown.
    marker, color
        How the species is drawn everywhere.
    min_confidence
        Positions of a confidence below this are left out, 0 to 1; 0 keeps all.
    max_jump
        Positions that leap further than this, in pixels per frame, and come back are left out; 0 keeps all.
    fill_gap
        Gaps of at most so many frames are filled by straight lines; 0 fills none.
    median
        Frames that a running median looks at, an odd number; 0 leaves positions as they are.
    front, back
        Keypoints between which the body axis runs, from back to front; guessed from their names where empty.
    center
        Keypoint that becomes the origin of an egocentric pose; the middle of the body axis where empty.
    angles
        Triplets of keypoints; the angle lies at the middle one. None takes them from the skeleton.
    n_descriptors
        Numbers that describe the shape of an outline, beside its area and elongation.
    tree
        Chains of keypoints of a kinematic tree, the first from its root, each of the others from a keypoint that is
        reached already; as `KinematicTree.from_chains` reads them. None takes it from the skeleton.
    facing
        How ``pose-6d`` tells the heading: ``"midfwd"`` as turning alone, ``"x360"`` as it is.
    """

    name: str
    signal: str = "centroid-speed"
    keypoints: tuple[str, ...] = ()
    bin_rate: float = 1.0
    window: float = 5.0
    stride: float = 2.0
    marker: str = "disc"
    color: str = COLORS[0]
    min_confidence: float = 0.0
    max_jump: float = 0.0
    fill_gap: int = 0
    median: int = 0
    front: str = ""
    back: str = ""
    center: str = ""
    angles: tuple[tuple[str, ...], ...] = ()
    n_descriptors: int = 6
    tree: tuple[tuple[str, ...], ...] = ()
    facing: str = "midfwd"

    def __post_init__(self) -> None:
        where = f"species {self.name or '?'}"
        if not self.name.strip():
            raise InputError.of("species name", "it is empty", "give a name such as stickleback")
        if not 0 <= self.bin_rate < math.inf:
            raise InputError.of(where, f"bin_rate {self.bin_rate:g} is no rate", "give bins per second, or 0")
        if not (0 < self.window < math.inf and 0 < self.stride < math.inf):
            raise InputError.of(
                where, f"window {self.window:g} and stride {self.stride:g} must be above 0", "give both in seconds"
            )
        self._check_refinements(where)
        if self.tree:
            with naming(where):
                KinematicTree.from_chains(self.tree)

    def _check_refinements(self, where: str) -> None:
        triplets = all(len(set(names)) == len(names) == 3 for names in self.angles)
        for name, fits, cure in (
            ("min_confidence", 0 <= self.min_confidence <= 1, "give a number from 0 to 1"),
            ("max_jump", 0 <= self.max_jump < math.inf, "give pixels per frame, or 0"),
            ("fill_gap", _whole(self.fill_gap), "give a number of frames, or 0"),
            ("median", self.median == 0 or (_whole(self.median) and self.median % 2), "give an odd number, or 0"),
            ("angles", triplets, "name three keypoints for each angle"),
            ("facing", self.facing in FACINGS, f"choose from {', '.join(FACINGS)}"),
            ("n_descriptors", _whole(self.n_descriptors) and 1 <= self.n_descriptors <= 40, "give 1 to 40"),
        ):
            if not fits:
                raise InputError.of(where, f"{name} {getattr(self, name)} cannot be used", cure)

    @property
    def refinements(self) -> dict[str, Any]:
        """Settings of cleaning and of the signal that are not at their default, by name."""
        given = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        return {name: given[name][0] for name in REFINEMENTS if given[name][0] != given[name][1]}

    def check_settings(self, asked: Mapping[str, object]) -> None:
        """Refuse settings that are not those that the species has, since all its windows are cut alike."""
        for name, value in asked.items():
            has = getattr(self, name)
            if has != value:
                raise InputError.of(
                    f"species {self.name}",
                    f"its {name} is {has}, not {value}",
                    "leave the setting out, or give it a species name of its own",
                )

    def bins(self, seconds: float, rate: float) -> int:
        """Return *seconds* in whole bins at *rate* bins per second, at least 1."""
        return max(1, round(seconds * rate))


def _whole(value: float) -> bool:
    return isinstance(value, int) and value >= 0
