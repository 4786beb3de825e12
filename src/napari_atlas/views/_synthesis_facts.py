"""What a run can be asked to make, as its child process tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.packing import unpacked

__all__ = ["Facts", "Made", "SpeciesFacts", "VariableFacts", "made_of"]

_ACTIVE = 0.01


@dataclass(frozen=True)
class VariableFacts:
    """What the decoder of one species is told of a variable.

    Attributes
    ----------
    name, kind
        Its name, and one of "number", "angle" and "class".
    classes
        What a class can be in that species.
    low, high
        Where its numbers usually lie there, one end for each.
    """

    name: str
    kind: str
    classes: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class SpeciesFacts:
    """What the windows of a species are.

    Attributes
    ----------
    name, color
        Of the species.
    channels
        Names, with the unit if there is one.
    low, high
        Where the values of each channel usually lie; of a pose, each coordinate.
    joints, edges
        Names of the keypoints and pairs of their indices; none where the signal is no pose.
    unit
        Of the coordinates of a pose.
    variables
        What its decoder is told.
    """

    name: str
    color: str
    channels: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    joints: tuple[str, ...] = ()
    edges: tuple[tuple[int, int], ...] = ()
    unit: str = ""
    variables: tuple[VariableFacts, ...] = ()

    @classmethod
    def of(cls, told: Mapping[str, Any], variables: Iterable[Mapping[str, Any]]) -> SpeciesFacts:
        """Return what a greeting tells of a species, and of variables."""
        known = ((v, v["species"][told["name"]]) for v in variables if told["name"] in v["species"])
        pose = told.get("pose") or {}
        ends = pose or told
        return cls(
            name=told["name"],
            color=told["color"],
            channels=tuple(told["channels"]),
            low=tuple(ends["low"]),
            high=tuple(ends["high"]),
            joints=tuple(pose.get("names", ())),
            edges=tuple((a, b) for a, b in pose.get("edges", ())),
            unit=pose.get("unit", ""),
            variables=tuple(
                VariableFacts(v["name"], v["kind"], *(tuple(here.get(part, ())) for part in ("classes", "low", "high")))
                for v, here in known
            ),
        )


@dataclass(frozen=True, eq=False)
class Facts:
    """What a run can be asked to make.

    Attributes
    ----------
    run
        Its id.
    low, high
        (latent_dim,) where the latents of its windows usually lie.
    order
        Dimensions of the latent, those that differ most between windows first.
    n_active
        How many of these differ at all.
    species
        By name.
    """

    run: str
    low: tuple[float, ...]
    high: tuple[float, ...]
    order: tuple[int, ...]
    n_active: int
    species: Mapping[str, SpeciesFacts]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Facts:
        """Return what a greeting tells."""
        variance = np.array(told["variance"])
        return cls(
            run=told["run"],
            low=tuple(told["low"]),
            high=tuple(told["high"]),
            order=tuple(np.argsort(-variance, kind="stable").tolist()),
            n_active=max(1, int((variance > _ACTIVE).sum())),
            species={s["name"]: SpeciesFacts.of(s, told["variables"]) for s in told["species"]},
        )


@dataclass(frozen=True, eq=False)
class Made:
    """A window, recorded or generated.

    Attributes
    ----------
    species
        Whose.
    values
        (n_times, n_channels), NaN where unknown.
    points
        (n_times, n_joints, n_dims) of a pose; empty for other signals.
    """

    species: SpeciesFacts
    values: NDArray[np.float32]
    points: NDArray[np.float32]


def made_of(answer: Mapping[str, Any], facts: Facts) -> Made:
    """Return the window in an answer."""
    points = unpacked(answer["points"]) if "points" in answer else np.empty((0, 0, 2), np.float32)
    return Made(facts.species[answer["species"]], unpacked(answer["values"]), points)
