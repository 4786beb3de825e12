"""Project entries → recordings, through a cache of their tracks."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_atlas.data.covariates import NO_TEMPERATURE, Temperature
from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.project import AddRequest, Project, RecordingEntry
from napari_atlas.data.recording import CutWindows, Recording
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.data.windows import Track, Windows, make_tracks
from napari_atlas.errors import AtlasError, InputError, naming
from napari_atlas.io._video_index import opened
from napari_atlas.io.project import FILE
from napari_atlas.io.readers import TrackFile, read_tracks
from napari_atlas.io.temperature import (
    overlap,
    read_temperature_csv,
    read_window_temperatures,
    temperature_from_name,
)
from napari_atlas.io.track_cache import load_tracks, save_tracks
from napari_atlas.io.video import open_video

__all__ = [
    "content_hash",
    "default_species",
    "entry_of",
    "keep_tracks",
    "load_recording",
    "load_windows",
    "make_recording",
    "windows_of",
]

_DEFAULTS: dict[type, dict[str, object]] = {
    Pose: {"signal": "centroid-speed", "bin_rate": 1.0, "window": 5.0, "stride": 2.0},
    Outline: {"signal": "hull-area-rate", "bin_rate": 1.0, "window": 60.0, "stride": 30.0},
    CutWindows: {"signal": "array", "bin_rate": 0.0, "window": 1.0, "stride": 1.0},
}


def content_hash(path: Path) -> str:
    """Return the first 16 hex digits of a file's BLAKE2 hash, or raise an `InputError`."""
    digest = hashlib.blake2b(digest_size=8)
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise InputError.of(path, f"it cannot be read ({error.strerror})", "check the path in project.toml") from error
    return digest.hexdigest()


def default_species(name: str, tracks: Pose | Outline | CutWindows, settings: dict[str, object]) -> Species:
    """Return a new species whose settings fit the kind of tracks, unless *settings* say otherwise."""
    chosen = {**_DEFAULTS[type(tracks)], **settings}
    return Species(name=name, **chosen)  # type: ignore[arg-type]


def entry_of(request: AddRequest, part: str, file: TrackFile) -> RecordingEntry:
    """Return the project entry for what a user asked to add, with what the files tell filled in.

    Raises
    ------
    InputError
        If the temperature cannot be found, or the video is none.
    """
    fps = request.fps or (file.fps if math.isfinite(file.fps) else 0.0)
    if request.video != Path():
        fps = _fps_beside(request.video, fps)
    start = request.tracking_start_frame if request.tracking_start_frame >= 0 else file.first_frame
    name = request.name or _plain_name(request.tracks)
    return RecordingEntry(
        name=f"{name} · {part}" if part else name,
        species=request.species,
        tracks=request.tracks,
        part=part,
        video=request.video,
        fps=0.0 if math.isnan(fps) else fps,
        led_on_frame=request.led_on_frame,
        tracking_start_frame=start,
        temperature=_temperature_of(request),
        conditions={"label": part} if part else {},
    )


def load_recording(project: Project, entry: RecordingEntry) -> Recording:
    """Return a recording, its tracks from the cache if they are there.

    Raises
    ------
    InputError
        If a file is missing or wrong, or the temperature log does not overlap the tracks.
    """
    with naming(f"{project.folder / FILE}, recording {entry.name}"):
        return make_recording(entry, _cached_tracks(project.folder, entry))


def make_recording(entry: RecordingEntry, tracks: Pose | Outline | CutWindows) -> Recording:
    """Return a recording of tracks that were read before.

    Raises
    ------
    InputError
        If its clock is wrong, or the temperature log is, or does not overlap the tracks.
    """
    timebase = TimeBase(tracks.n_samples, entry.fps or math.nan, entry.led_on_frame, entry.tracking_start_frame)
    temperature = NO_TEMPERATURE
    if isinstance(tracks, CutWindows):
        tracks = _labelled(tracks, entry)
    else:
        temperature = _load_temperature(entry, timebase)
    return Recording(
        name=entry.name,
        species=entry.species,
        tracks=tracks,
        timebase=timebase,
        temperature=temperature,
        video=entry.video,
        conditions=entry.conditions,
        source=entry.tracks,
    )


def load_windows(project: Project) -> tuple[Windows, tuple[Track, ...]]:
    """Return the windows of a whole project and the tracks they lie in, in the order of the table's keys."""
    return windows_of(project, {e.name: load_recording(project, e) for e in project.recordings})


def windows_of(project: Project, recordings: dict[str, Recording]) -> tuple[Windows, tuple[Track, ...]]:
    """Return the windows of recordings that are loaded, by name, and the tracks they lie in."""
    tracks: list[Track] = []
    for species in project.species:
        for recording in recordings.values():
            if recording.species == species.name:
                with naming(f"{project.folder / FILE}, recording {recording.name}"):
                    tracks += make_tracks(recording, species)
    return Windows.from_tracks(tracks, project.species), tuple(tracks)


def keep_tracks(folder: Path, entry: RecordingEntry, tracks: Pose | Outline | CutWindows) -> None:
    """Keep the tracks of a recording in the project's cache."""
    cache = _cache_of(folder, entry)
    if not cache.is_file():
        save_tracks(cache, tracks)


def _cache_of(folder: Path, entry: RecordingEntry) -> Path:
    part = hashlib.blake2b(entry.part.encode(), digest_size=4).hexdigest() if entry.part else "all"
    return folder / "signals" / f"{content_hash(entry.tracks)}-{part}.tracks.npz"


def _cached_tracks(folder: Path, entry: RecordingEntry) -> Pose | Outline | CutWindows:
    cache = _cache_of(folder, entry)
    if cache.is_file():
        try:
            return load_tracks(cache)
        except AtlasError:
            cache.unlink()
    tracks = read_tracks(entry.tracks, entry.part).tracks
    save_tracks(cache, tracks)
    return tracks


def _fps_beside(video: Path, fps: float) -> float:
    """Return *fps*, or what the video tells if it is 0; refuse what is no video."""
    with opened(video):
        pass
    return fps or open_video(video).fps


def _plain_name(tracks: Path) -> str:
    name = tracks.name
    for ending in (".analysis.h5", ".predictions.slp"):
        if name.endswith(ending):
            return name[: -len(ending)]
    return tracks.stem


def _temperature_of(request: AddRequest) -> Path | float | str:
    text = request.temperature.strip()
    if text == "folder":
        celsius = temperature_from_name(request.tracks.absolute().parent.name)
        if math.isnan(celsius):
            raise InputError.of(
                request.tracks.absolute().parent,
                "its name tells no temperature",
                "name it like '22.5C', or give a number",
            )
        return celsius
    try:
        celsius = float(text) if text else 0.0
    except ValueError:
        path = Path(text)
        if not path.is_file():
            raise InputError.of("temperature", f"{text!r} is neither a number nor a file", "check it") from None
        return path.absolute()
    if not math.isfinite(celsius):
        raise InputError.of("temperature", f"{text} is no temperature", "give a number in °C, or leave it out")
    return celsius if text else ""


def _load_temperature(entry: RecordingEntry, timebase: TimeBase) -> Temperature:
    if isinstance(entry.temperature, float):
        return Temperature.constant(entry.temperature)
    if not isinstance(entry.temperature, Path):
        return NO_TEMPERATURE
    log = read_temperature_csv(entry.temperature)
    if not timebase.known:
        raise InputError.of(f"recording {entry.name}", "a temperature log needs the frame rate", "give it with --fps")
    frames = timebase.frame_of_sample(np.array([0, timebase.n_samples]))
    first, last = timebase.seconds_of_frame(frames)
    if overlap(log, float(first), float(last)) <= 0:
        raise InputError.of(
            entry.temperature,
            f"it covers {log.times[0]:.0f} to {log.times[-1]:.0f} s, the tracks {first:.0f} to {last:.0f} s",
            "check the log and led_on_frame",
        )
    return log


def _labelled(tracks: CutWindows, entry: RecordingEntry) -> CutWindows:
    """Return the windows with the temperatures that were given beside them, one per window of the whole file."""
    if entry.temperature == "":
        return tracks
    n_rows = 1 + max(int(rows.max()) for rows in tracks.rows)
    if isinstance(entry.temperature, Path):
        values = np.asarray(read_window_temperatures(entry.temperature), dtype=np.float64)
        if values.size < n_rows or (values.size > n_rows and not entry.part):
            raise InputError.of(entry.temperature, f"{values.size} values for {n_rows} windows", "give one per window")
    else:
        values = np.full(n_rows, float(entry.temperature))
    return replace(tracks, temperatures=tuple(values[rows] for rows in tracks.rows))
