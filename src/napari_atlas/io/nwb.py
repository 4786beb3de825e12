"""NWB files that hold poses by the extension ndx-pose."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.pose import Pose
from napari_atlas.errors import InputError
from napari_atlas.io._rows import rate_of, spread_times
from napari_atlas.io._sniff import is_hdf5
from napari_atlas.io.track_file import Reader, TrackFile, finite_or_nan

__all__ = ["NWB"]


def _estimations(file: Any) -> list[Any]:
    """Return the groups of pose series in the processing modules of an open file."""
    import h5py

    modules = file.get("processing", {})
    groups = [group for module in modules.values() for group in module.values() if isinstance(group, h5py.Group)]
    return [group for group in groups if group.attrs.get("neurodata_type") == "PoseEstimation"]


def _series(group: Any) -> dict[str, Any]:
    """Return the series of one estimation in the order of its skeleton's nodes, as far as that is told."""
    import h5py

    found = {
        name.removeprefix("PoseEstimationSeries"): item
        for name, item in group.items()
        if isinstance(item, h5py.Group) and item.attrs.get("neurodata_type") == "PoseEstimationSeries"
    }
    nodes = group.get("nodes", group.get("skeleton/nodes"))
    order = [] if nodes is None else [_text(name) for name in nodes[()]]
    return {name: found[name] for name in [*(n for n in order if n in found), *(n for n in found if n not in order)]}


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _is_nwb(path: Path) -> bool:
    if not is_hdf5(path):
        return False
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return any(_series(group) for group in _estimations(file))
    except (OSError, RuntimeError, KeyError, AttributeError, TypeError):
        return False


@dataclass(frozen=True)
class _Estimation:
    """One animal's series: (n_samples, n_keypoints, n_dims) and their confidence, (n_samples,) seconds."""

    keypoints: tuple[str, ...]
    positions: NDArray[np.float64]
    confidence: NDArray[np.float64]
    times: NDArray[np.float64]
    rate: float
    edges: tuple[tuple[int, int], ...]
    mixed: bool


def _load(path: Path, part: str) -> TrackFile:
    import h5py

    with h5py.File(path, "r") as file:
        groups = [group for group in _estimations(file) if _series(group)]
        found = {group.name.rpartition("/")[2]: _estimation(path, group) for group in groups}
    first, others = next(iter(found.values())), list(found.values())
    same = [one for one in others if one.keypoints == first.keypoints and one.positions.shape == first.positions.shape]
    if len(same) < len(others):
        raise InputError.of(path, f"its {len(others)} poses differ in length or keypoints", "export one file for each")
    notes = ["Each of its poses is taken as an animal."] if len(others) > 1 else []
    if any(one.mixed for one in others):
        notes.append("Some keypoints have no z; all are read in two dimensions.")
    pose = Pose(
        positions=np.ascontiguousarray(np.stack([one.positions for one in others], axis=1)),
        keypoints=first.keypoints,
        individuals=tuple(found),
        edges=first.edges,
        confidence=np.ascontiguousarray(np.stack([one.confidence for one in others], axis=1)),
    )
    return TrackFile(pose, first.rate, notes=tuple(notes), times=first.times)


def _estimation(path: Path, group: Any) -> _Estimation:
    series = _series(group)
    data = [item["data"][()] for item in series.values()]
    lengths, dims = {len(one) for one in data}, {one.shape[1] for one in data}
    if len(lengths) > 1 or not dims <= {2, 3}:
        raise InputError.of(path, f"the series in {group.name} differ in length", "export the pose again")
    first = next(iter(series.values()))
    times, rate = _clock(first, len(data[0]))
    edges = group["edges"][()] if "edges" in group else np.empty((0, 2))
    n = len(series)
    return _Estimation(
        keypoints=tuple(series),
        positions=finite_or_nan(np.stack([one[:, : min(dims)] for one in data], axis=1)),
        confidence=np.stack([_confidence(item, len(data[0])) for item in series.values()], axis=1),
        times=times,
        rate=rate,
        edges=tuple((int(a), int(b)) for a, b in edges if a < n and b < n),
        mixed=len(dims) > 1,
    )


def _confidence(series: Any, n_samples: int) -> NDArray[np.float64]:
    return finite_or_nan(series["confidence"][()]) if "confidence" in series else np.full(n_samples, np.nan)


def _clock(series: Any, n_samples: int) -> tuple[NDArray[np.float64], float]:
    """Return the (n_samples,) seconds of a series and its rate."""
    if "timestamps" in series:
        times = spread_times(np.asarray(series["timestamps"][()], dtype=np.float64), np.arange(n_samples))
        return times, rate_of(times)
    if "starting_time" in series:
        start = series["starting_time"]
        rate = float(start.attrs.get("rate", math.nan))
        return float(start[()]) + np.arange(n_samples) / rate if rate > 0 else np.empty(0), rate
    return np.empty(0), math.nan


NWB = Reader("nwb", "pose", _is_nwb, _load)
