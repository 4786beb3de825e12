"""One recording: who, where, when, on what video."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.columns import NO_COLUMNS, Columns
from napari_atlas.data.covariates import NO_COURSE, Course
from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.timebase import TimeBase
from napari_atlas.errors import InputError

__all__ = ["CutWindows", "Recording", "Tracks"]


@dataclass(frozen=True)
class CutWindows:
    """Windows that were cut elsewhere, laid out again as tracks.

    Attributes
    ----------
    individuals
        One name per track.
    values
        Per track (n_samples, n_channels).
    starts
        Per track (n_windows,), first sample of each window.
    temperatures
        Per track (n_windows,), °C of each window; NaN where unknown.
    rows
        Per track (n_windows,), row of each window in the file.
    length
        Samples per window.
    """

    individuals: tuple[str, ...]
    values: tuple[NDArray[np.float64], ...]
    starts: tuple[NDArray[np.int64], ...]
    temperatures: tuple[NDArray[np.float64], ...]
    rows: tuple[NDArray[np.int64], ...]
    length: int

    @property
    def n_samples(self) -> int:
        """Samples of the longest track."""
        return max((len(v) for v in self.values), default=0)

    @property
    def missing_fraction(self) -> float:
        """Fraction of values that are not finite."""
        total = sum(v.size for v in self.values)
        return sum(int((~np.isfinite(v)).sum()) for v in self.values) / total if total else 1.0


Tracks = Pose | Outline | Columns | CutWindows


@dataclass(frozen=True)
class Recording:
    """A recording that exists is valid.

    Attributes
    ----------
    name
        Identity within the project.
    species
        Name of its species.
    tracks
        Keypoints, outlines, named columns alone, or windows cut elsewhere.
    timebase
        Its clock.
    temperature
        Its temperature course, or ``NO_COURSE``.
    video
        The video file; ``Path()`` where there is none.
    covariates
        Other numbers and classes by name: one course for each animal, or a single one for all of them.
    source
        The file that the tracks came from.
    columns
        Named numbers per sample that the file holds; ``NO_COLUMNS`` where it holds none.
    notes
        Sentences on what the user should know, such as tracks that are longer than the video.
    """

    name: str
    species: str
    tracks: Tracks
    timebase: TimeBase
    temperature: Course = NO_COURSE
    video: Path = Path()
    covariates: dict[str, tuple[Course, ...]] = field(default_factory=dict)
    source: Path = Path()
    columns: Columns = NO_COLUMNS
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.tracks.individuals:
            raise InputError.of(self.source, "there is no track in it", "export tracks first")
        if self.tracks.missing_fraction >= 1.0:
            raise InputError.of(self.source, "every position is missing", "check the tracking or leave this file out")

    @property
    def individuals(self) -> tuple[str, ...]:
        """Names of the animals."""
        return self.tracks.individuals

    def value_at(self, course: Course, frame: int) -> float:
        """Return what a course tells at a video frame; NaN where it is not known."""
        return float(course.at(frame if course.by_frame else self.timebase.seconds_of_frame(frame)))

    @property
    def has_video(self) -> bool:
        """Whether a video belongs to it."""
        return self.video != Path()
