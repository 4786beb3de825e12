"""Signals: pure functions from tracks to numbers over time, one set of channels per individual."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.errors import InputError

__all__ = ["SIGNALS", "SignalKind", "bin_mean", "centroid_speed", "hull_area_rate", "register_signal", "signal_kind"]

Tracks = Pose | Outline
SignalFunction = Callable[[Tracks, int, TimeBase, Species], NDArray[np.float64]]


@dataclass(frozen=True)
class SignalKind:
    """A registered signal.

    Attributes
    ----------
    name
        What users and project files call it.
    unit
        Unit of its values.
    needs
        The tracks that it reads.
    function
        (tracks, individual, timebase, species) → (n_samples, n_channels) at the native rate.
    """

    name: str
    unit: str
    needs: type[Pose] | type[Outline]
    function: SignalFunction

    def __call__(self, tracks: object, individual: int, timebase: TimeBase, species: Species) -> NDArray[np.float64]:
        """Return the (n_samples, n_channels) signal of one individual, NaN where it is not known.

        Raises
        ------
        InputError
            If the tracks are of another kind than the signal needs.
        """
        if not isinstance(tracks, self.needs):
            raise InputError.of(
                f"species {species.name}",
                f"signal {self.name} needs {self.needs.__name__.lower()} tracks",
                f"choose another signal from {', '.join(SIGNALS)}",
            )
        return self.function(tracks, individual, timebase, species)


SIGNALS: dict[str, SignalKind] = {}


def register_signal(
    name: str, unit: str, needs: type[Pose] | type[Outline]
) -> Callable[[Callable[..., NDArray[np.float64]]], Callable[..., NDArray[np.float64]]]:
    """Return the decorator that enters a function in ``SIGNALS``."""

    def enter(function: Callable[..., NDArray[np.float64]]) -> Callable[..., NDArray[np.float64]]:
        SIGNALS[name] = SignalKind(name, unit, needs, function)
        return function

    return enter


def signal_kind(name: str) -> SignalKind:
    """Return the registered signal of that name, or raise an `InputError` that lists them."""
    if name not in SIGNALS:
        raise InputError.of("signal", f"{name!r} is not known", f"choose from {', '.join(SIGNALS)}")
    return SIGNALS[name]


@register_signal("hull-area-rate", "px²/frame", Outline)
def hull_area_rate(outline: Outline, individual: int, timebase: TimeBase, species: Species) -> NDArray[np.float64]:
    """Return |area difference| between neighbouring frames.

    Returns
    -------
    NDArray
        (n_samples, 1) in px²/frame, the first NaN; NaN where either frame has no hull.
    """
    return np.abs(_difference(outline.areas(individual)[:, None]))


@register_signal("centroid-speed", "px/ms", Pose)
def centroid_speed(pose: Pose, individual: int, timebase: TimeBase, species: Species) -> NDArray[np.float64]:
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
    if not timebase.known:
        raise InputError.of("fps", "centroid-speed needs the frame rate", "give it with --fps")
    chosen = np.asarray(pose.positions[:, individual][:, pose.keypoint_indices(species.keypoints)], dtype=np.float64)
    present = np.asarray(np.isfinite(chosen).all(axis=2))
    count = present.sum(axis=1)
    total = np.where(present[..., None], chosen, 0.0).sum(axis=1)
    centroid = np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], np.nan)
    speed: NDArray[np.float64] = np.linalg.norm(_difference(centroid), axis=1)[:, None] * timebase.fps / 1000.0
    return speed


def bin_mean(values: NDArray[np.float64], edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean of the known values in each bin.

    Parameters
    ----------
    values
        (n_samples, n_channels).
    edges
        (n_bins + 1,) samples at which the bins begin.

    Returns
    -------
    NDArray
        (n_bins, n_channels); NaN where a bin holds no known value.
    """
    n_bins = edges.size - 1
    if n_bins <= 0:
        return np.empty((0, values.shape[1]))
    inside = values[: edges[-1]]
    known = np.isfinite(inside)
    sums = np.add.reduceat(np.where(known, inside, 0.0), edges[:-1], axis=0)
    counts = np.add.reduceat(known.astype(np.int64), edges[:-1], axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _difference(values: NDArray[np.float64]) -> NDArray[np.float64]:
    before = np.full_like(values[:1], np.nan)
    return np.concatenate([before, np.diff(values, axis=0)])[: len(values)]
