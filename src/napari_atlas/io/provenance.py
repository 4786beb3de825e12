"""What made a run, and whether it still fits its project."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import Project, RecordingEntry
from napari_atlas.data.species import Species
from napari_atlas.data.windows import Windows, WindowTable
from napari_atlas.errors import InputError
from napari_atlas.io.hashes import known_hash

__all__ = ["as_fitted", "heads_of", "labels_hash", "provenance", "recipe_hash", "recipe_of", "settings_of"]


def provenance(project: Project, config: FitConfig, windows: Windows) -> dict[str, Any]:
    """Return what made a run: settings, recordings, hashes of their files, versions."""
    packages = ("napari-atlas", "torch", "numpy", "scikit-learn", "umap-learn")
    return {
        "format": 1,
        "config": config.as_dict(),
        "recordings": [entry.name for entry in project.recordings],
        "recipe": recipe_hash(project),
        "n_windows": len(windows.table),
        "labels": labels_hash(windows.table, config.head_names),
        "sources": {entry.name: known_hash(project.folder, entry.tracks) for entry in project.recordings},
        "versions": {name: metadata.version(name) for name in packages} | {"python": platform.python_version()},
    }


def labels_hash(table: WindowTable, heads: Iterable[str] = ()) -> str:
    """Return what the temperatures of the windows, and the covariates that further heads tell, come down to."""
    digest = hashlib.blake2b(table.temperature.tobytes(), digest_size=8)
    columns = {column.name: column for column in table.covariates}
    for name in heads:
        column = columns.get(name)
        told = () if column is None else column.texts() if column.classes else column.values
        digest.update(name.encode() + repr(np.asarray(told).tolist()).encode())
    return digest.hexdigest()


def heads_of(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the covariates that a run was asked for; none if it does not say."""
    found = config.get("config")
    return tuple(str(found.get("heads", "")).split(",")) if isinstance(found, dict) and found.get("heads") else ()


def recipe_of(species: Species) -> dict[str, Any]:
    """Return how a species' windows are made, as JSON types."""
    names = ("signal", "bin_rate", "window", "stride")
    plain = {name: getattr(species, name) for name in names} | {"keypoints": list(species.keypoints)}
    return json.loads(json.dumps(plain | species.refinements))  # type: ignore[no-any-return]


def recipe_hash(project: Project) -> str:
    """Return what the window ids depend on: species' settings and the recordings' clocks and files."""
    species = [
        (s.name, s.signal, s.keypoints, s.bin_rate, s.window, s.stride, *([s.refinements] if s.refinements else []))
        for s in project.species
    ]
    recordings = [_marks(project, entry) for entry in project.recordings]
    return hashlib.blake2b(json.dumps([species, recordings]).encode(), digest_size=8).hexdigest()


def _marks(project: Project, entry: RecordingEntry) -> list[Any]:
    """Return what the windows of a recording depend on; what is not set leaves no mark, so old runs stay in date."""
    numbers = [entry.fps, entry.led_on_frame, entry.tracking_start_frame]
    beside = {
        "clock": entry.clock,
        "animals": entry.animals,
        "timestamps": _hash_of(project, entry.timestamps) + entry.timestamps_unit,
        "mapping": _hash_of(project, entry.mapping),
    }
    set_ = {name: value for name, value in beside.items() if value}
    found = known_hash(project.folder, entry.tracks)
    return [entry.name, entry.species, entry.part, found, *numbers, *([set_] if set_ else [])]


def _hash_of(project: Project, path: Path) -> str:
    return known_hash(project.folder, path) if path != Path() else ""


def as_fitted(project: Project, config: dict[str, Any]) -> Project:
    """Return the project with only those recordings that a run was fitted to; all of it, if the run does not say."""
    if not isinstance(config.get("recordings"), list):
        return project
    names = set(config["recordings"])
    kept = tuple(entry for entry in project.recordings if entry.name in names)
    used = {entry.species for entry in kept}
    return replace(project, recordings=kept, species=tuple(s for s in project.species if s.name in used))


def settings_of(config: dict[str, Any], run: str) -> FitConfig:
    """Return the settings that a run was begun with.

    Raises
    ------
    InputError
        If another version of the program made it, which had other settings: what it left out cannot be guessed.
    """
    found = config.get("config")
    kept = found if isinstance(found, dict) else {}
    known = FitConfig().as_dict()
    differs = [f"without {name}" for name in known if name not in kept]
    differs += [f"with {name}" for name in kept if name not in known]
    if differs:
        told = ", ".join(differs[:4]) + (" …" if len(differs) > 4 else "")
        what = f"another version of the program made it ({told})"
        raise InputError.of(f"run {run}", what, "fit again")
    return FitConfig.from_dict(kept)
