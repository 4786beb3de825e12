"""How good tracks are: what is missing, jumps, stuck, doubled, or does not fit the video."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import Tracks

__all__ = ["JUMP", "Quality", "centres", "quality_of"]

JUMP = 20.0  # times the usual step
_SAME_PLACE = 0.01  # of an animal's size, or of the spread of all positions where it has none
_MOST = 0.5  # of the frames
_LONG = 0.1  # of the frames
_FEW = 0.001  # of the steps or positions
_SAME_LENGTH = 2
_SENTENCES = 4
_PIXEL = 1.0
_BODY = 0.25

Positions = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Quality:
    """Figures of one recording's tracks.

    Attributes
    ----------
    n_frames
        Samples of the tracks.
    missing
        Fraction of all positions that are missing, 0 to 1.
    missing_by_animal, missing_by_keypoint
        The same for each of them, by name.
    gaps
        How often each animal vanishes in between, by name.
    longest_gap
        Frames of the longest stretch in which an animal that was there before and after is missing, by name.
    jumps
        Steps from one frame to the next that are longer than ``JUMP`` times the median of those steps of the animal
        that are not 0, and than a quarter of an animal's size, by keypoint.
    stuck
        Frames of the longest stretch in which a keypoint does not move at all, by keypoint, where that is more than a
        tenth of the recording.
    outside
        Fraction of known positions outside the picture; 0 where its size is not known.
    same_animals
        Pairs of animals that are at the same place in more than half of the frames in which both are tracked.
    same_keypoints
        Pairs of keypoints whose positions are equal wherever both are known.
    video_frames
        Frames of the video; 0 without one.
    """

    n_frames: int
    missing: float = 0.0
    missing_by_animal: dict[str, float] = field(default_factory=dict)
    missing_by_keypoint: dict[str, float] = field(default_factory=dict)
    gaps: dict[str, int] = field(default_factory=dict)
    longest_gap: dict[str, int] = field(default_factory=dict)
    jumps: dict[str, int] = field(default_factory=dict)
    stuck: dict[str, int] = field(default_factory=dict)
    outside: float = 0.0
    same_animals: tuple[tuple[str, str], ...] = ()
    same_keypoints: tuple[tuple[str, str], ...] = ()
    video_frames: int = 0

    def sentences(self) -> tuple[str, ...]:
        """Return what a user should know, the worst first, at most four; none if all is well."""
        found = sorted(_findings(self), key=lambda finding: -finding[0])
        return tuple(text for _, text in found[:_SENTENCES])

    def as_dict(self) -> dict[str, Any]:
        """Return the figures and sentences as values that JSON knows."""
        return {**asdict(self), "sentences": list(self.sentences())}


def quality_of(tracks: Tracks, video_frames: int = 0, size: tuple[int, int] = (0, 0)) -> Quality:
    """Return how good tracks are; of outlines, each hull's middle is looked at.

    Parameters
    ----------
    tracks
        Keypoints or outlines; of anything else only what is missing is told.
    video_frames
        Frames of the video; 0 where there is none.
    size
        Width and height of its picture in pixels; (0, 0) where not known.
    """
    if not isinstance(tracks, Pose | Outline):
        return Quality(tracks.n_samples, tracks.missing_fraction, video_frames=video_frames)
    if isinstance(tracks, Pose):
        positions, keypoints = np.asarray(tracks.positions), tracks.keypoints
    else:
        positions, keypoints = centres(tracks)[:, :, None], ("hull",)
    known = np.asarray(np.isfinite(positions).all(axis=-1), dtype=np.bool_)
    animals = tracks.individuals
    present = np.asarray(known.any(axis=2), dtype=np.bool_)
    gaps = {name: _gaps(present[:, i]) for i, name in enumerate(animals)}
    return Quality(
        n_frames=tracks.n_samples,
        missing=float(1.0 - known.mean()) if known.size else 1.0,
        missing_by_animal={name: _missing(known[:, i]) for i, name in enumerate(animals)},
        missing_by_keypoint={name: _missing(known[:, :, j]) for j, name in enumerate(keypoints)},
        gaps={name: int(lengths.size) for name, lengths in gaps.items()},
        longest_gap={name: int(lengths.max(initial=0)) for name, lengths in gaps.items()},
        **_movement(positions, keypoints),
        outside=_outside(positions, known, size),
        same_animals=tuple(_same_animals(positions, known, animals)),
        same_keypoints=tuple(_same_keypoints(positions, keypoints)),
        video_frames=video_frames,
    )


def centres(tracks: Pose | Outline) -> NDArray[np.float64]:
    """Return the (n_samples, n_individuals, n_dims) middles of animals; NaN where not tracked."""
    if isinstance(tracks, Pose):
        known = np.isfinite(tracks.positions).all(axis=-1, keepdims=True)
        counts = known.sum(axis=2)
        sums = np.where(known, tracks.positions, 0.0).sum(axis=2)
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    middles = np.full((tracks.n_samples, len(tracks.individuals), 2), np.nan)
    for i, (xy, starts) in enumerate(zip(tracks.vertices, tracks.starts, strict=True)):
        counts = np.diff(starts)
        filled = np.flatnonzero(counts > 0)
        if filled.size:
            middles[filled, i] = np.add.reduceat(xy, starts[filled], axis=0) / counts[filled, None]
    return middles


def _missing(known: NDArray[np.bool_]) -> float:
    return float(1.0 - known.mean()) if known.size else 1.0


def _gaps(present: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the lengths of the stretches between the first and the last frame in which an animal is missing."""
    there = np.flatnonzero(present)
    steps = np.diff(there) - 1
    return np.asarray(steps[steps > 0], dtype=np.int64)


def _movement(positions: Positions, keypoints: tuple[str, ...]) -> dict[str, Any]:
    """Return ``jumps`` and ``stuck``, by keypoint, over all animals."""
    jumps, stuck = dict.fromkeys(keypoints, 0), {}
    longest = np.zeros(len(keypoints), dtype=np.int64)
    body = _size_of(positions) if len(keypoints) > 1 else 0.0
    for i in range(positions.shape[1]):
        steps = np.linalg.norm(np.diff(positions[:, i], axis=0), axis=-1)
        moved = steps[steps > 0]
        reach = max(JUMP * float(np.median(moved)), _BODY * body) if moved.size else np.inf
        for j, name in enumerate(keypoints):
            jumps[name] += int((steps[:, j] > reach).sum())
            longest[j] = max(longest[j], _longest_run(steps[:, j] == 0))
    for j, name in enumerate(keypoints):
        if longest[j] > _LONG * len(positions):
            stuck[name] = int(longest[j]) + 1
    return {"jumps": {name: n for name, n in jumps.items() if n}, "stuck": stuck}


def _longest_run(flags: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _outside(positions: Positions, known: NDArray[np.bool_], size: tuple[int, int]) -> float:
    if not all(size) or positions.shape[-1] != 2 or not known.any():
        return 0.0
    beyond = ((positions < -_PIXEL) | (positions > np.asarray(size) + _PIXEL)).any(axis=-1)
    return float((beyond & known).sum() / known.sum())


def _same_animals(
    positions: Positions, known: NDArray[np.bool_], animals: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """Yield pairs of animals that are at the same place most of the time."""
    if len(animals) < 2 or not known.any():
        return
    near = _SAME_PLACE * _size_of(positions)
    for a, b in combinations(range(len(animals)), 2):
        both = known[:, a] & known[:, b]
        frames = both.any(axis=1)
        apart = np.linalg.norm(positions[frames, a] - positions[frames, b], axis=-1)
        worst = np.where(both[frames], apart, 0.0).max(axis=1, initial=0.0)
        if frames.any() and (worst <= near).mean() > _MOST:
            yield animals[a], animals[b]


def _size_of(positions: Positions) -> float:
    """Return the usual extent of an animal, or of all positions where animals are points."""
    some = positions[:: max(1, len(positions) // 1000)]
    known = (
        np.where(np.isfinite(some), some, -np.inf).max(axis=2),
        np.where(np.isfinite(some), some, np.inf).min(axis=2),
    )
    with np.errstate(invalid="ignore"):
        extents = (known[0] - known[1]).max(axis=-1)
    extents = extents[np.isfinite(extents) & (extents > 0)]
    if extents.size:
        return float(np.median(extents))
    finite = some[np.isfinite(some)]
    return float(np.ptp(finite)) if finite.size else 0.0


def _same_keypoints(positions: Positions, keypoints: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield pairs of keypoints whose columns are equal; those that agree in a few frames are compared in full."""
    few = positions[:: max(1, len(positions) // 64)]
    for a, b in combinations(range(len(keypoints)), 2):
        if _equal(few[:, :, a], few[:, :, b]) and _equal(positions[:, :, a], positions[:, :, b]):
            yield keypoints[a], keypoints[b]


def _equal(a: Positions, b: Positions) -> bool:
    both = np.isfinite(a) & np.isfinite(b)
    return bool(both.any() and (a[both] == b[both]).all())


def _findings(quality: Quality) -> Iterator[tuple[float, str]]:
    """Yield how bad, from 0 to 1, and what, of all that is worth a sentence."""
    n = max(1, quality.n_frames)
    yield from _findings_missing(quality, n)
    for a, b in quality.same_animals:
        yield 0.95, f"{a} and {b} are at the same place most of the time: the same animal twice?"
    for a, b in quality.same_keypoints:
        yield 0.7, f"{a} and {b} have the same positions"
    if quality.stuck:
        name, frames = _worst(quality.stuck)
        yield frames / n, f"{name} does not move for {frames} frames in a row{_more(quality.stuck)}"
    if quality.outside > _FEW:
        yield min(1.0, 2 * quality.outside), f"{_percent(quality.outside)} of the positions lie outside the picture"
    if sum(quality.jumps.values()) > _FEW * n:
        name, count = _worst(quality.jumps)
        text = f"{name} jumps {count} times by more than {JUMP:g} usual steps{_more(quality.jumps)}"
        yield min(0.9, 10 * sum(quality.jumps.values()) / n / max(1, len(quality.missing_by_keypoint))), text
    apart = abs(quality.video_frames - n)
    if quality.video_frames and apart > _SAME_LENGTH:
        yield 0.6 * apart / n, f"the tracks have {quality.n_frames} frames, the video {quality.video_frames}"


def _findings_missing(quality: Quality, n: int) -> Iterator[tuple[float, str]]:
    never = [name for name, share in quality.missing_by_animal.items() if share == 1.0]
    if never:
        yield 1.0, f"{', '.join(never)}: never tracked"
    if quality.missing > 10 * _FEW:
        by = quality.missing_by_keypoint if len(quality.missing_by_keypoint) > 1 else quality.missing_by_animal
        most = f", most of {_worst(by)[0]} ({_percent(_worst(by)[1])})" if len(by) > 1 else ""
        yield quality.missing, f"{_percent(quality.missing)} of the positions are missing{most}"
    if quality.longest_gap:
        name, frames = _worst(quality.longest_gap)
        if frames > _LONG * n:
            yield frames / n, f"{name} is missing for {frames} frames in a row"


def _worst(by_name: Mapping[str, Any]) -> tuple[str, Any]:
    return max(by_name.items(), key=lambda item: item[1])


def _more(by_name: Mapping[str, Any]) -> str:
    n = len(by_name) - 1
    return f", and {n} more keypoint{'s' * (n > 1)}" if n else ""


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
