"""Look through folders, and into files, without changing anything."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_atlas.data.outline import Outline
from napari_atlas.data.plans import TRACKS, FoundFile
from napari_atlas.data.pose import Pose
from napari_atlas.data.quality import centres
from napari_atlas.errors import AtlasError, InputError
from napari_atlas.io.clocks import read_timestamps
from napari_atlas.io.hashes import content_hash
from napari_atlas.io.inspection import inspect_file, inspect_mapped
from napari_atlas.io.project import is_project
from napari_atlas.io.readers import read_tracks

__all__ = ["NAMES_VIDEO", "files_of", "look_at", "same_tracks"]

_PICTURES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"}
_FEW_PICTURES = 2
NAMES_VIDEO = re.compile(r"names the video (.+)\.$")
_SAME_SHARE = 0.02  # of the spread of the tracks, by which filtered ones may differ


def files_of(sources: Sequence[Path]) -> list[Path]:
    """Return the files to look at: those given, and those in the folders given, sorted.

    Hidden files, caches, projects and saved column mappings are passed over. A folder of pictures counts as one file,
    as a video does.

    Raises
    ------
    InputError
        If a source does not exist.
    """
    found: dict[Path, None] = {}
    for source in sources:
        path = Path(source).absolute()
        if not path.exists():
            raise InputError.of(path, "there is no such file or folder", "check the path")
        found |= dict.fromkeys(_walk(path, set()) if path.is_dir() else [path])
    return sorted(found)


def _walk(folder: Path, seen: set[Path]) -> Iterator[Path]:
    real = folder.resolve()
    if real in seen or is_project(folder):
        return
    seen.add(real)
    pictures = []
    try:
        with os.scandir(folder) as entries:
            inside = sorted(Path(e.path) for e in entries if not _is_hidden(e.name))
    except OSError:
        return
    for path in inside:
        if path.is_dir():
            yield from _walk(path, seen)
        elif path.suffix.lower() in _PICTURES:
            pictures.append(path)
        elif path.is_file():
            yield path
    yield from [folder] if len(pictures) >= _FEW_PICTURES else pictures


def _is_hidden(name: str) -> bool:
    ours = name.endswith((".atlas", ".mapping.toml"))
    return ours or name.startswith((".", "~$", "__")) or name.lower() in ("thumbs.db", "desktop.ini")


def look_at(path: Path, mapping: Path = Path()) -> FoundFile:
    """Return what a file holds; a file that cannot be read is of kind ``"unknown"``, with a note that says why.

    A table of no known format is read by the saved column *mapping*, if there is one that fits.
    """
    try:
        told = inspect_file(path)
        if mapping != Path() and (told["kind"] == "unknown" or told["format"] == "table"):
            told = inspect_mapped(path, mapping) or told
        digest = content_hash(path) if told["kind"] in TRACKS else ""
    except AtlasError as error:
        return FoundFile(path, notes=(str(error).removeprefix(f"{path}: "),))
    video = told["video"]
    count, fps = _clock_of(path) if told["kind"] == "timestamps" else (told["n_frames"], told["fps"] or 0.0)
    return FoundFile(
        path,
        kind=told["kind"],
        format=told["format"],
        n_frames=count,
        fps=fps,
        individuals=tuple(told["individuals"]),
        keypoints=tuple(told["keypoints"]),
        size=(video.get("width", 0), video.get("height", 0)),
        video_names=tuple(name for note in told["notes"] for name in NAMES_VIDEO.findall(note)),
        columns=tuple(n for n, c in told["covariates"].items() if told["kind"] == "labels" or c.get("unit") == "°C"),
        missing=told["missing_fraction"],
        notes=tuple(told["notes"]),
        digest=digest,
    )


def _clock_of(path: Path) -> tuple[int, float]:
    """Return how many timestamps a file holds, and how many there are per second; 0 where that is not known."""
    try:
        times = read_timestamps(path)
    except AtlasError:
        return 0, 0.0
    step = float(np.median(np.diff(times))) if times.size > 1 else 0.0
    return int(times.size), 1.0 / step if step > 0 else 0.0


def same_tracks(a: Path, b: Path) -> bool:
    """Return whether two files hold the same tracks: animals in the same places, but for what a filter changes."""
    try:
        tracks = [read_tracks(path).tracks for path in (a, b)]
    except AtlasError:
        return False
    ours, theirs = (centres(t) if isinstance(t, Pose | Outline) else np.empty((0, 0, 2)) for t in tracks)
    n = min(len(ours), len(theirs))
    if ours.shape[1:] != theirs.shape[1:] or not n:
        return False
    apart = np.abs(ours[:n] - theirs[:n])
    both = np.isfinite(apart)
    spread: Any = np.ptp(ours[:n][both]) if both.any() else 0.0
    return bool(spread > 0 and np.quantile(apart[both], 0.9) <= _SAME_SHARE * spread)
