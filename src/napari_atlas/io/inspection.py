"""What a file is and what it holds, told without raising."""

from __future__ import annotations

import contextlib
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.columns import Columns
from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import CutWindows, Tracks
from napari_atlas.data.sources import Source
from napari_atlas.errors import AtlasError, InputError
from napari_atlas.io._foreign import is_video, recognise
from napari_atlas.io._image_sequence import is_image_sequence
from napari_atlas.io.clocks import is_timestamps, read_timestamps
from napari_atlas.io.labels import is_labels, read_labels
from napari_atlas.io.logs import read_table
from napari_atlas.io.readers import READERS, Reader, TrackFile, find_reader, parts, read_tracks
from napari_atlas.io.temperature import is_temperature_log, read_temperature_csv, temperature_column
from napari_atlas.io.video import open_video

__all__ = ["MAPPED", "inspect_file", "inspect_mapped"]

MAPPED = "mapped table"  # the format of a table that is read by a saved column mapping

_KINDS = {Pose: "pose", Outline: "outline", Columns: "pose", CutWindows: "windows"}
_GAP = 1.5
_FINE = 1000.0  # frames per second, to look at intervals in seconds whose file tells no rate
_UNITS = (
    (re.compile(r"temp.*(?:deg_?c|celsius|°c|_c)\b|temp.*\(°?c\)", re.IGNORECASE), "°C"),
    (re.compile(r"temp.*(?:deg_?f|fahrenheit|°f|_f)\b|temp.*\(°?f\)", re.IGNORECASE), "°F"),
    (re.compile(r"temp.*(?:kelvin|_k)\b|temp.*\(k\)", re.IGNORECASE), "K"),
)
_VIDEO_NAMES = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".gif", ".wmv", ".flv", ".mpg", ".mpeg", ".m4v", ".ts", ".mts"}


def inspect_file(path: Path | str) -> dict[str, Any]:
    """Return what a file holds, as values that JSON knows.

    Parameters
    ----------
    path
        Any file.

    Returns
    -------
    dict
        ``path``, ``kind`` (pose, outline, temperature, timestamps, windows, video, labels or unknown), ``format``,
        ``n_frames``, ``fps`` (None where unknown), ``first_frame``, ``individuals``, ``keypoints``, ``dims``,
        ``missing_fraction``, ``video`` (size, codec, frames and rate of a video), ``covariates`` (range of each) and
        ``notes``, sentences that say, for a file that cannot be read, why.

    Raises
    ------
    InputError
        If there is no such file.
    """
    path = Path(path)
    if not path.exists():
        raise InputError.of(path, "there is no such file", "check the path")
    if not path.is_file() and not path.is_dir():
        return _blank(path, "unknown", "") | {"notes": ["it is a pipe or a device; give a file"]}
    try:
        return _inspect(path)
    except AtlasError as error:
        return _refused(path, str(error))
    except Exception as error:  # noqa: BLE001 - a file that exists is always told of
        return _refused(path, " ".join(f"{type(error).__name__}: {error}".split()))


def inspect_mapped(path: Path, mapping: Path) -> dict[str, Any]:
    """Return what a table holds as a saved column mapping reads it, as `inspect_file` does; empty if it cannot."""
    try:
        return _tracks(path, MAPPED, read_tracks(path, mapping=mapping))
    except AtlasError:
        return {}


def _blank(path: Path, kind: str, name: str) -> dict[str, Any]:
    return {
        "path": str(path),
        "kind": kind,
        "format": name,
        "n_frames": 0,
        "fps": None,
        "first_frame": 0,
        "individuals": [],
        "keypoints": [],
        "dims": 0,
        "missing_fraction": 0.0,
        "video": {},
        "covariates": {},
        "notes": [],
    }


def _refused(path: Path, text: str) -> dict[str, Any]:
    """Return what is known of a file that cannot be read, with the reason."""
    foreign = recognise(path)
    reader = _reader_of(path)
    kind = "unknown" if reader or foreign.kind in ("video", "temperature") else foreign.kind
    name = reader.name if reader else foreign.name
    return _blank(path, kind, name) | {"notes": [text.removeprefix(f"{path}: ")]}


def _inspect(path: Path) -> dict[str, Any]:
    if is_image_sequence(path):
        return _video(path)
    if path.is_file() and (is_video(path) or (path.suffix.lower() in _VIDEO_NAMES and path.stat().st_size)):
        return _video(path)
    if _reader_of(path) is None:
        for is_one, told in _OTHERS:
            if is_one(path):
                return told(path)
    found = find_reader(path)
    return _tracks(path, found.name, read_tracks(path))


def _reader_of(path: Path) -> Reader | None:
    return next((reader for reader in READERS.values() if reader.accepts(path)), None)


def _video(path: Path) -> dict[str, Any]:
    video = open_video(path)
    try:
        n_frames, height, width, _ = video.shape
        fps = _or_none(video.fps)
        facts = {"width": width, "height": height, "codec": video.codec, "n_frames": n_frames, "fps": fps}
        notes = [*video.notes, *(["The time between its frames varies."] if video.is_variable_rate else [])]
        told = {"n_frames": n_frames, "fps": fps, "dims": 2, "video": facts, "notes": notes}
        return _blank(path, "video", video.codec) | told
    finally:
        video.close()


def _temperature(path: Path) -> dict[str, Any]:
    try:
        log, notes = read_temperature_csv(path), _probes(path)
    except InputError as error:
        if not _readable_once_told(path):
            raise
        return _blank(path, "temperature", "temperature log") | {"notes": [str(error).removeprefix(f"{path}: ")]}
    covered = {"first_s": float(log.times[0]), "last_s": float(log.times[-1]), "n_readings": int(log.times.size)}
    found = {"temperature_C": _range(log.values) | covered}
    return _blank(path, "temperature", "temperature log") | {"covariates": found, "notes": notes}


def _probes(path: Path) -> list[str]:
    """Say which of several columns of temperature is used."""
    names = [name for name in read_table(path).header if "temp" in name.lower()]
    used = temperature_column(path)
    told = f"It has several columns of temperature; {used} is used, unless another is named as FILE::COLUMN."
    return [told] if len(names) > 1 else []


def _readable_once_told(path: Path) -> bool:
    """Whether a log lacks nothing but its unit, or the wall-clock time of time zero."""
    for unit in ("F", "K"):
        with contextlib.suppress(InputError):
            read_temperature_csv(path, Source(unit=unit), "1970-01-01 00:00:00")
            return True
    return False


def _timestamps(path: Path) -> dict[str, Any]:
    times = read_timestamps(path)
    steps = np.diff(times)
    step = float(np.median(steps)) if steps.size else math.nan
    n_gaps = int((steps > _GAP * step).sum())
    covered = {"first_s": float(times[0]), "last_s": float(times[-1]), "n_gaps": n_gaps}
    return _blank(path, "timestamps", "timestamps") | {
        "n_frames": int(times.size),
        "fps": _or_none(round(1.0 / step, 3)),
        "covariates": {"time_s": covered},
        "notes": [f"Steps longer than {_GAP} frames: {n_gaps}."] if n_gaps else [],
    }


def _labels(path: Path) -> dict[str, Any]:
    labels = read_labels(path, _FINE)
    known = labels.fps != _FINE
    told = [] if known else ["They can be used when the frame rate is known."]
    named = zip(labels.streams, labels.classes, labels.codes, strict=True)
    return _blank(path, "labels", "labels") | {
        "n_frames": labels.n_frames if known else 0,
        "fps": _or_none(labels.fps) if known else None,
        "first_frame": labels.first_frame,
        "missing_fraction": float((labels.codes < 0).mean()),
        "covariates": {
            name: {"classes": list(classes), "n_labelled": int((c >= 0).sum()) if known else 0}
            for name, classes, c in named
        },
        "notes": [f"It holds behaviour labels, not tracks: {', '.join(labels.streams)}.", *labels.notes, *told],
    }


_OTHERS = ((is_timestamps, _timestamps), (is_labels, _labels), (is_temperature_log, _temperature))


def _columns(columns: Columns) -> dict[str, Any]:
    """Return the range of each column, with its unit where its name tells one."""
    found: dict[str, Any] = {}
    for k, name in enumerate(columns.names):
        values = columns.values[..., k]
        known = values[np.isfinite(values)]
        unit = next((unit for pattern, unit in _UNITS if pattern.search(name)), "")
        found[name] = (_range(known) if known.size else {}) | ({"unit": unit} if unit else {})
    return found


def _tracks(path: Path, name: str, file: TrackFile) -> dict[str, Any]:
    tracks = file.tracks
    kind = _KINDS[type(tracks)]
    notes, covariates = list(file.notes), _columns(file.columns)
    if isinstance(tracks, CutWindows):
        known = np.concatenate([t[np.isfinite(t)] for t in tracks.temperatures])
        covariates |= {"temperature_C": _range(known)} if known.size else {}
        held = parts(path)
        notes += [f"It holds {len(held)} recordings: {', '.join(held)}."] if held else []
    return _blank(path, kind, name) | {
        "n_frames": tracks.n_samples,
        "fps": _or_none(file.fps),
        "first_frame": file.first_frame,
        "individuals": list(tracks.individuals),
        "keypoints": list(tracks.keypoints) if isinstance(tracks, Pose) else [],
        "dims": _dims(tracks),
        "missing_fraction": tracks.missing_fraction,
        "covariates": covariates,
        "notes": notes,
    }


def _dims(tracks: Tracks) -> int:
    if isinstance(tracks, Pose):
        return int(tracks.positions.shape[3])
    if isinstance(tracks, CutWindows):
        return int(tracks.values[0].shape[1])
    return 2 if isinstance(tracks, Outline) else 0


def _range(values: NDArray[np.float64]) -> dict[str, Any]:
    return {"lowest": float(values.min()), "highest": float(values.max())}


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
