"""What a project consists of."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_atlas.data.sources import NOWHERE, Source
from napari_atlas.data.species import COLORS, MARKERS, Species
from napari_atlas.errors import InputError

__all__ = ["AddRequest", "Project", "RecordingEntry"]


@dataclass(frozen=True)
class RecordingEntry:
    """Where one recording's files are, and what the files do not tell.

    Attributes
    ----------
    name, species
        Identity.
    tracks
        File with keypoints, hulls or windows.
    part
        Which part of the file, where it holds several recordings.
    video
        The video file; ``Path()`` where there is none.
    fps
        Frames per second; 0 where unknown.
    led_on_frame, tracking_start_frame
        See `TimeBase`.
    temperature
        Where its temperature comes from.
    conditions
        Named labels.
    covariates
        By name, where each other number or class comes from.
    video_frames
        Number of frames of the video, as counted when it was added; 0 where that is not known.
    timestamps
        File with the seconds of each video frame; ``Path()`` where there is none.
    timestamps_unit
        "s", "ms", "us" or "ns", where the file does not tell.
    clock
        ``"video"`` if frames are taken at the times that the video tells, ``"tracks"`` at those that the tracks'
        file tells; empty if they are evenly spaced or ``timestamps`` tell.
    start
        Wall-clock time of time zero, in ISO form; empty where it is not known.
    animals
        Names given to the tracks, in their order; none where they keep those of the file.
    mapping
        Column mapping that the tracks were read with; ``Path()`` where the format is known.
    """

    name: str
    species: str
    tracks: Path
    part: str = ""
    video: Path = Path()
    fps: float = 0.0
    led_on_frame: int = 0
    tracking_start_frame: int = 0
    temperature: Source = NOWHERE
    conditions: dict[str, str] = field(default_factory=dict)
    covariates: dict[str, Source] = field(default_factory=dict)
    video_frames: int = 0
    timestamps: Path = Path()
    timestamps_unit: str = ""
    clock: str = ""
    start: str = ""
    animals: tuple[str, ...] = ()
    mapping: Path = Path()


@dataclass(frozen=True)
class Project:
    """A project folder's contents.

    Attributes
    ----------
    folder
        Where it is.
    name
        What the window calls it.
    species, recordings
        In the order in which they were added.
    """

    folder: Path
    name: str
    species: tuple[Species, ...] = ()
    recordings: tuple[RecordingEntry, ...] = ()

    def species_called(self, name: str) -> Species:
        """Return a species by name, or raise an `InputError` that lists them."""
        for species in self.species:
            if species.name == name:
                return species
        known = ", ".join(s.name for s in self.species) or "none yet"
        raise InputError.of(f"species {name}", "the project does not know it", f"known species: {known}")

    def recording_called(self, name: str) -> RecordingEntry:
        """Return a recording by name, or raise an `InputError`."""
        for entry in self.recordings:
            if entry.name == name:
                return entry
        known = ", ".join(entry.name for entry in self.recordings) or "none yet"
        raise InputError.of(f"recording {name}", "the project does not hold it", f"its recordings: {known}"[:300])

    def with_species(self, species: Species) -> Project:
        """Return the project with one more species, in the next free colour and marker."""
        i = len(self.species)
        drawn = replace(species, marker=MARKERS[i % len(MARKERS)], color=COLORS[i % len(COLORS)])
        return replace(self, species=(*self.species, drawn))

    def with_recording(self, entry: RecordingEntry) -> Project:
        """Return the project with one more recording.

        Raises
        ------
        InputError
            If its name is taken or its species is unknown.
        """
        self.species_called(entry.species)
        if any(entry.name == r.name for r in self.recordings):
            raise InputError.of(
                f"recording {entry.name}", "the project holds one of that name", "give another with --name"
            )
        return replace(self, recordings=(*self.recordings, entry))


@dataclass(frozen=True)
class AddRequest:
    """What a user says when adding a recording; empty values are found out or left at their default.

    Attributes
    ----------
    tracks
        File with keypoints, hulls or windows.
    species
        Name of its species; a new one is made from the settings below.
    name
        Name of the recording; the file's name if empty.
    video
        The video file; ``Path()`` for none.
    fps
        Frames per second; 0 takes what the tracks or the video tell.
    led_on_frame, tracking_start_frame
        See `TimeBase`; a tracking start below 0 takes what the tracks tell.
    temperature
        As `Source.of_text` reads it (a number in °C, or with its unit), or ``"folder"`` for the number in the
        folder's name, or nothing.
    settings
        Settings of a new species: signal, keypoints, bin_rate, window, stride and the others of `Species`.
    timestamps
        File with the seconds of each video frame; ``Path()`` for none.
    timestamps_unit
        "s", "ms", "us" or "ns", where that file does not tell.
    start
        Wall-clock time of time zero, such as ``"2026-05-03 10:00:00"``; needed for logs that tell clock times.
    animals
        Names for the tracks, in their order; none keeps those of the file.
    conditions
        Named labels, such as ``{"treatment": "heat"}``.
    covariates
        By name, where each number or class comes from, as `Source.of_text` reads it.
    temperature_unit
        "C", "F" or "K" for a log that does not tell.
    extend
        Whether the first and the last reading of a log hold beyond its ends.
    mapping
        A saved column mapping, for tables of no known format; ``Path()`` for none.
    """

    tracks: Path
    species: str
    name: str = ""
    video: Path = Path()
    fps: float = 0.0
    led_on_frame: int = 0
    tracking_start_frame: int = -1
    temperature: str = ""
    settings: dict[str, object] = field(default_factory=dict)
    timestamps: Path = Path()
    timestamps_unit: str = ""
    start: str = ""
    animals: tuple[str, ...] = ()
    conditions: dict[str, str] = field(default_factory=dict)
    covariates: dict[str, str] = field(default_factory=dict)
    temperature_unit: str = ""
    extend: bool = False
    mapping: Path = Path()
