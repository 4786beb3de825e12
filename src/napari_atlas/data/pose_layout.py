"""Channels of a signal back to keypoints that can be drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data._signal_pose import body_axis
from napari_atlas.data.columns import Columns
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import CutWindows, Recording
from napari_atlas.data.signals import signal_kinds
from napari_atlas.data.species import Species

__all__ = ["PoseLayout", "egocentric_layout", "signal_parts"]


@dataclass(frozen=True, eq=False)
class PoseLayout:
    """How the coordinates of keypoints follow from channels.

    Attributes
    ----------
    names
        Of the keypoints.
    edges
        Pairs of their indices that the skeleton joins.
    unit
        Of the coordinates.
    weights
        (n_keypoints, n_dims, n_channels) share of each channel in a coordinate; none where it is always 0.
    first
        Channel at which these begin, where there are others before them.
    """

    names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    unit: str
    weights: NDArray[np.float64]
    first: int = 0

    def points(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (..., n_keypoints, n_dims) positions that (..., n_channels) values tell; NaN where unknown."""
        mine = values[..., self.first : self.first + self.weights.shape[2]]
        known = np.isfinite(mine)
        told = np.einsum("...c,kdc->...kd", np.where(known, mine, 0.0), self.weights)
        lacking = np.einsum("...c,kdc->...kd", (~known).astype(np.float64), np.abs(self.weights)) > 0
        return np.where(lacking, np.nan, told)


def signal_parts(recording: Recording, species: Species) -> Iterator[tuple[str, int, int]]:
    """Yield the signals of a species by name, with the first channel of each and the one after its last.

    Raises
    ------
    InputError
        If the signal does not fit the recording.
    """
    first = 0
    for kind in () if isinstance(recording.tracks, CutWindows) else signal_kinds(species.signal):
        stop = first + len(kind.channels(recording.columns if kind.needs is Columns else recording.tracks, species))
        yield kind.name, first, stop
        first = stop


def egocentric_layout(pose: Pose, species: Species, first: int = 0) -> PoseLayout:
    """Return where the keypoints of the signal ``egocentric-pose`` stand, those it leaves out included.

    Parameters
    ----------
    pose
        Of one recording of the species; they all have the same channels.
    species
        Settings of the signal.
    first
        Channel at which the signal begins.

    Raises
    ------
    InputError
        If the signal does not fit the keypoints.
    """
    axis = body_axis(pose, species)
    weights = np.zeros((*axis.kept.shape, int(axis.kept.sum())))
    weights[axis.kept] = np.eye(weights.shape[2])
    if axis.back in axis.used and axis.front in axis.used and axis.center == [axis.front, axis.back]:
        weights[axis.used.index(axis.back)] = -weights[axis.used.index(axis.front)]
    place = {keypoint: i for i, keypoint in enumerate(axis.used)}
    edges = tuple((place[a], place[b]) for a, b in pose.edges if a in place and b in place)
    return PoseLayout(tuple(pose.keypoints[k] for k in axis.used), edges, "body lengths", weights, first)
