"""Cleaning: pure functions from keypoints to keypoints, chosen by a species' settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.pose import Pose
from napari_atlas.data.species import Species

__all__ = ["CLEANERS", "clean", "drop_jumps", "drop_uncertain", "fill_gaps", "jump_flags", "median_filter"]

_LONGEST_JUMP = 50

Cleaner = Callable[[Pose, Any], Pose]
Cleaners = dict[str, Cleaner]
CLEANERS: Cleaners = {}


def _register(setting: str) -> Callable[[Cleaner], Cleaner]:
    """Return the decorator that enters a function in ``CLEANERS`` under the species' setting that turns it on."""

    def enter(function: Cleaner) -> Cleaner:
        CLEANERS[setting] = function
        return function

    return enter


def clean(pose: Pose, species: Species) -> Pose:
    """Return a pose cleaned as its species' settings say, always in the order of ``CLEANERS``.

    The order is: confidence, jumps, gaps, median. Settings of 0 are off; with all of them off it is the pose itself.
    """
    for setting, cleaner in CLEANERS.items():
        if value := getattr(species, setting):
            pose = cleaner(pose, value)
    return pose


@_register("min_confidence")
def drop_uncertain(pose: Pose, min_confidence: float) -> Pose:
    """Return a pose whose positions of a confidence below *min_confidence* (0 to 1) are NaN.

    Positions without a confidence are kept.
    """
    if not pose.confidence.size:
        return pose
    return _without(pose, np.asarray(pose.confidence < min_confidence))


@_register("max_jump")
def drop_jumps(pose: Pose, max_jump: float) -> Pose:
    """Return a pose whose positions that `jump_flags` marks, at *max_jump* pixels per frame, are NaN."""
    return _without(pose, jump_flags(pose, max_jump))


def jump_flags(pose: Pose, max_jump: float) -> NDArray[np.bool_]:
    """Return which positions leap away and come back.

    A keypoint leaps where it lies further from its last known position than *max_jump* times the frames since then.
    From there on it is marked until it lies within that reach of the position before the leap again. It has to come
    back within 50 known positions: a keypoint that does not has moved, and nothing is marked.

    Parameters
    ----------
    pose
        Keypoints; missing ones are never marked.
    max_jump
        Pixels per frame, above 0.

    Returns
    -------
    NDArray
        (n_samples, n_individuals, n_keypoints).
    """
    flags = np.zeros(pose.positions.shape[:3], dtype=bool)
    for individual, keypoint in np.ndindex(flags.shape[1:]):
        track = np.asarray(pose.positions[:, individual, keypoint], dtype=np.float64)
        flags[:, individual, keypoint] = _jumps(track, max_jump)
    return flags


@_register("fill_gap")
def fill_gaps(pose: Pose, fill_gap: int) -> Pose:
    """Return a pose whose gaps of at most *fill_gap* frames are filled by straight lines.

    Longer gaps stay NaN, and so does what lies before the first and after the last known position of a keypoint.
    """
    positions = np.array(pose.positions)
    for individual, keypoint in np.ndindex(positions.shape[1:3]):
        track = positions[:, individual, keypoint]
        known = np.flatnonzero(np.isfinite(track).all(axis=1))
        missing = np.diff(known) - 1
        before = np.repeat(known[:-1], missing)
        short = np.repeat((missing > 0) & (missing <= fill_gap), missing)
        if short.any():
            gaps = np.setdiff1d(np.arange(known[0], known[-1] + 1), known, assume_unique=True)[short]
            share = ((gaps - before[short]) / np.repeat(missing + 1, missing)[short])[:, None]
            after = np.repeat(known[1:], missing)[short]
            track[gaps] = (1 - share) * track[before[short]] + share * track[after]
    return replace(pose, positions=positions)


@_register("median")
def median_filter(pose: Pose, median: int) -> Pose:
    """Return a pose whose positions are the median of those known within *median* frames around them.

    Missing positions stay missing and count nowhere; at both ends there are fewer frames. x and y are taken apart.
    """
    positions = np.array(pose.positions)
    around = ((median // 2, median // 2), (0, 0))
    for individual, keypoint in np.ndindex(positions.shape[1:3]):
        track = positions[:, individual, keypoint]
        padded = np.pad(track, around, constant_values=np.nan)
        near = np.sort(np.lib.stride_tricks.sliding_window_view(padded, median, axis=0), axis=-1)
        count = np.isfinite(near).sum(axis=-1, keepdims=True)
        middle = [np.take_along_axis(near, np.maximum(at, 0), axis=-1)[..., 0] for at in ((count - 1) // 2, count // 2)]
        known = np.isfinite(track)
        track[known] = ((middle[0] + middle[1]) / 2)[known]
    return replace(pose, positions=positions)


def _without(pose: Pose, flags: NDArray[np.bool_]) -> Pose:
    positions = np.array(pose.positions)
    positions[flags] = np.nan
    return replace(pose, positions=positions)


def _jumps(track: NDArray[np.float64], max_jump: float) -> NDArray[np.bool_]:
    """Return (n_samples,) flags of one keypoint's (n_samples, n_dims) track."""
    known = np.flatnonzero(np.isfinite(track).all(axis=1))
    place = track[known]
    flags = np.zeros(len(track), dtype=bool)
    leaps = np.flatnonzero(_beyond(place, known, max_jump, np.arange(known.size - 1), 1)) + 1
    back = _returns(place, known, max_jump, leaps)
    after = np.searchsorted(leaps, back, side="right").tolist()
    leap = 0
    while leap < leaps.size:
        # A leap that never comes back is a move, and the next leap is looked at.
        if back[leap]:
            flags[known[leaps[leap] : back[leap]]] = True
        leap = max(leap + 1, after[leap])
    return flags


def _returns(
    place: NDArray[np.float64], known: NDArray[np.int64], max_jump: float, leaps: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return for each leap the known position that is in reach of the one before it again; 0 where none is."""
    back = np.zeros(leaps.size, dtype=np.int64)
    away = np.arange(leaps.size)
    for later in range(2, _LONGEST_JUMP + 2):
        away = away[leaps[away] - 1 + later < known.size]
        far = _beyond(place, known, max_jump, leaps[away] - 1, later)
        back[away[~far]] = leaps[away[~far]] - 1 + later
        away = away[far]
        if not away.size:
            break
    return back


def _beyond(
    place: NDArray[np.float64], known: NDArray[np.int64], max_jump: float, at: NDArray[np.int64], later: int
) -> NDArray[np.bool_]:
    """Return whether a keypoint has left the reach of its position *at* so many known positions later."""
    distance = np.linalg.norm(place[at + later] - place[at], axis=1)
    return np.asarray(distance > max_jump * (known[at + later] - known[at]))
