"""What the preview of a planned recording shows, read in a worker thread."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.plans import PlannedRecording
from napari_atlas.data.project import AddRequest
from napari_atlas.data.recording import CutWindows, Recording
from napari_atlas.data.signals import binned_signal, signals_for
from napari_atlas.data.species import Species
from napari_atlas.errors import AtlasError
from napari_atlas.io.entries import default_species, entry_of
from napari_atlas.io.loading import make_recording, read_steadily
from napari_atlas.io.readers import TrackFile, parts
from napari_atlas.io.video import VideoArray, open_video
from napari_atlas.views._layers import blank_video

__all__ = ["Look", "look_at", "read_file"]


@dataclass(frozen=True, eq=False)
class Look:
    """A planned recording as it would be.

    Attributes
    ----------
    recording
        With tracks, clock and temperature.
    species
        The settings that its windows would be cut with.
    signals
        Names of the signals that fit its tracks.
    video
        Frames, or a dark stand-in where there is no video.
    n_video_frames
        Frames of the video; 0 without one.
    trace
        (n_bins, n_channels) signal of the first animal; NaN where unknown.
    channels
        Names of the channels, with units.
    frames
        (n_bins,) video frame at which each bin begins.
    temperature
        (n_bins,) °C; NaN where unknown, empty without any.
    faults
        What is wrong, a line each.
    """

    recording: Recording
    species: Species
    signals: tuple[str, ...]
    video: Any
    n_video_frames: int
    trace: NDArray[np.float64]
    channels: tuple[str, ...]
    frames: NDArray[np.int64]
    temperature: NDArray[np.float64]
    faults: tuple[str, ...] = ()

    @property
    def first_frame(self) -> int:
        """The first tracked frame."""
        return self.recording.timebase.tracking_start_frame

    @property
    def last_frame(self) -> int:
        """The last tracked frame, or the video's if that is later."""
        return max(self.first_frame + self.recording.timebase.n_samples, self.n_video_frames, 1) - 1

    def close(self) -> None:
        """Close the video."""
        if isinstance(self.video, VideoArray):
            self.video.close()


def read_file(request: AddRequest) -> TrackFile:
    """Return what the file of a recording holds; of several recordings in it, the first."""
    held = () if request.mapping != Path() else parts(request.tracks)
    return read_steadily(request.tracks, held[0] if held else "", request.mapping)


def look_at(planned: PlannedRecording, file: TrackFile, known: Species | None) -> Look:
    """Return what a planned recording would be, and what is wrong with it; nothing is written.

    Parameters
    ----------
    planned
        The recording.
    file
        What its file holds.
    known
        The species as the project has it; None makes one.
    """
    faults: list[str] = []
    request = planned.request
    recording = _recording(request, file, faults)
    species = known or _species(request, file, faults)
    video, n_frames = _video(recording, faults)
    trace, channels, frames = _trace(recording, species, faults)
    course, clock = recording.temperature, recording.timebase
    needed = species.bins(species.window, species.bin_rate or (clock.fps if clock.known else 1.0))
    if 0 < len(trace) < needed:
        faults.append(f"it is too short for a window of {species.window:g} s; shorten the window under Windows")
    at = frames if course.by_frame else clock.seconds_of_frame(frames)
    temperature = course.at(at) if course.present else np.empty(0)
    return Look(
        recording,
        species,
        signals_for(recording.tracks, recording.columns),
        video,
        n_frames,
        trace,
        channels,
        frames,
        temperature,
        tuple(dict.fromkeys(faults)),
    )


def _recording(request: AddRequest, file: TrackFile, faults: list[str]) -> Recording:
    """Return the recording that was asked for; where that cannot be, without what is at fault."""
    lean = replace(request, temperature="", covariates={})
    bare = replace(lean, video=Path(), timestamps=Path(), animals=())
    for wish in (request, lean, replace(lean, video=Path())):
        try:
            return make_recording(Path(), entry_of(wish, "", file), file)
        except AtlasError as error:
            faults.append(_line(error))
    return make_recording(Path(), entry_of(bare, "", file), file)


def _species(request: AddRequest, file: TrackFile, faults: list[str]) -> Species:
    try:
        return default_species(request.species or "new", file.tracks, request.settings)
    except AtlasError as error:
        faults.append(_line(error))
        return default_species(request.species or "new", file.tracks, {})


def _video(recording: Recording, faults: list[str]) -> tuple[Any, int]:
    if recording.has_video:
        try:
            video = open_video(recording.video)
        except AtlasError as error:
            faults.append(_line(error))
        else:
            return video, video.n_video_frames
    return blank_video(recording), 0


def _trace(
    recording: Recording, species: Species, faults: list[str]
) -> tuple[NDArray[np.float64], tuple[str, ...], NDArray[np.int64]]:
    if isinstance(recording.tracks, CutWindows):
        values = recording.tracks.values[0]
        return values, tuple(f"channel {i + 1}" for i in range(values.shape[1])), np.arange(len(values))
    try:
        signal = binned_signal(recording, species)
        edges = recording.timebase.bin_edges(species.bin_rate)
    except AtlasError as error:
        faults.append(_line(error))
        return np.empty((0, 1)), (), np.empty(0, dtype=np.int64)
    return signal.values[0], signal.channels, recording.timebase.frame_of_sample(edges[:-1])


def _line(error: AtlasError) -> str:
    return " ".join(str(error).split())
