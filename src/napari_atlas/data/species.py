"""How one species is looked at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from napari_atlas.errors import InputError

__all__ = ["COLORS", "MARKERS", "Species"]

COLORS = ("#E69F00", "#2FB5A0", "#CC79A7", "#56B4E9", "#F0E442", "#D55E00", "#8F7FE8", "#9AA5B1")
MARKERS = ("disc", "triangle_up", "square", "diamond", "star", "cross", "triangle_down", "hbar")


@dataclass(frozen=True)
class Species:
    """A species (or rig) and the recipe that turns its tracks into windows.

    Attributes
    ----------
    name
        What the user calls it.
    signal
        Registered signal, such as ``"centroid-speed"``; ``"array"`` for windows that were cut elsewhere.
    keypoints
        Keypoints that the signal uses; none means all.
    bin_rate
        Bins per second; 0 takes every sample as a bin.
    window, stride
        Length and step of the windows in seconds; in samples where the clock is unknown.
    marker, color
        How the species is drawn everywhere.
    """

    name: str
    signal: str = "centroid-speed"
    keypoints: tuple[str, ...] = ()
    bin_rate: float = 1.0
    window: float = 5.0
    stride: float = 2.0
    marker: str = "disc"
    color: str = COLORS[0]

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
