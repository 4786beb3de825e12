"""A project with one of its runs, ready to be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.clusters import Clustering
from napari_atlas.data.project import RecordingEntry
from napari_atlas.data.timebase import TimeBase
from napari_atlas.data.windows import Track, TrackKey, Windows

__all__ = ["Atlas", "RecordingInfo"]


@dataclass(frozen=True)
class RecordingInfo:
    """What the views need to know of a recording before its tracks are read.

    Attributes
    ----------
    name, species
        Identity.
    individuals
        Names of the animals.
    timebase
        Its clock.
    video
        The video file; ``Path()`` where there is none.
    notes
        Sentences for the user, such as "pose is 12 frames longer than the video".
    proxy
        The copy of the video for smooth scrubbing; ``Path()`` where there is none.
    entry
        What the project says of it; None for one that is in no project.
    """

    name: str
    species: str
    individuals: tuple[str, ...]
    timebase: TimeBase
    video: Path = Path()
    notes: tuple[str, ...] = ()
    proxy: Path = Path()
    entry: RecordingEntry | None = None


@dataclass(frozen=True, eq=False)
class Atlas:
    """Windows, latents and map of one run.

    Attributes
    ----------
    folder
        The project folder.
    recordings
        By name; those that the run does not know have no windows.
    windows
        Signals and table; the window id is the row of the table.
    tracks
        The binned signal, time and temperature of every individual, in the order of ``windows.table.keys``.
    run
        Id of the run on show; empty before the first fit.
    latents
        (n_windows, n_latent), or (0, 0) before the first fit.
    coordinates
        (n_windows, 2 or 3) map coordinates, NaN for a window that the map leaves out; (0, 2) before the first map.
    predicted
        (n_windows,) temperature in °C that the head reads off the latent; NaN where there is none.
    card
        What the fit reported: settings, figures on held-out windows, notes.
    recipe
        How the map was made, in words, such as "UMAP · n=15 · seed 0".
    kept
        (n_windows,) share of a window's nearest windows in the latent that are near it on the map too, from 0 to 1;
        NaN where unknown, empty before the first map.
    clusterings
        Ways in which the run's windows were put into clusters.
    faults
        By name, why a recording of the project cannot be read.
    """

    folder: Path
    recordings: dict[str, RecordingInfo]
    windows: Windows
    tracks: tuple[Track, ...]
    run: str = ""
    latents: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))
    coordinates: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 2), dtype=np.float32))
    predicted: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    card: dict[str, Any] = field(default_factory=dict)
    recipe: str = ""
    kept: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    clusterings: tuple[Clustering, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_map(self) -> bool:
        """Whether there are coordinates to draw."""
        return len(self.coordinates) > 0

    def track_index(self, recording: str, individual: str) -> int:
        """Return the index of an individual's track in ``tracks``; −1 if there is none."""
        info = self.recordings.get(recording)
        key = TrackKey(info.species if info else "", recording, individual)
        keys = self.windows.table.keys
        return keys.index(key) if key in keys else -1
