"""Project entries → recordings, through a cache of their tracks."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_atlas.data.covariates import NO_COURSE
from napari_atlas.data.project import Project, RecordingEntry
from napari_atlas.data.recording import CutWindows, Recording, Tracks
from napari_atlas.data.windows import Track, Windows, make_tracks
from napari_atlas.errors import AtlasError, InputError, naming
from napari_atlas.io.clocks import clock_notes, timebase_of
from napari_atlas.io.covariates import covariates_of, log_notes, temperature_of
from napari_atlas.io.hashes import known_hash
from napari_atlas.io.moved import video_of
from napari_atlas.io.project import FILE
from napari_atlas.io.readers import TrackFile, read_tracks
from napari_atlas.io.signal_cache import kept_signals
from napari_atlas.io.temperature import read_window_temperatures
from napari_atlas.io.track_cache import load_tracks, save_tracks

__all__ = [
    "cached_tracks",
    "keep_tracks",
    "load_recording",
    "load_windows",
    "make_recording",
    "read_steadily",
    "windows_of",
]


def load_recording(project: Project, entry: RecordingEntry) -> Recording:
    """Return a recording, its tracks from the cache if they are there.

    Raises
    ------
    InputError
        If a file is missing or wrong, or the temperature log does not overlap the tracks.
    """
    with naming(f"{project.folder / FILE}, recording {entry.name}"):
        return make_recording(project.folder, entry, _tracks_of(project.folder, entry))


def make_recording(folder: Path, entry: RecordingEntry, file: TrackFile) -> Recording:
    """Return a recording of a file that was read before.

    Raises
    ------
    InputError
        If its clock is wrong, or a covariate is, or does not overlap the tracks.
    """
    file = replace(file, tracks=_labelled(file.tracks, entry)) if isinstance(file.tracks, CutWindows) else file
    clock = timebase_of(folder, entry, file)
    cut = isinstance(file.tracks, CutWindows)
    video, told = video_of(folder, entry)
    temperature = NO_COURSE if cut else temperature_of(entry, file, clock)
    return Recording(
        name=entry.name,
        species=entry.species,
        tracks=_renamed(file.tracks, entry),
        timebase=clock,
        temperature=temperature,
        video=video,
        covariates=covariates_of(entry, file, clock),
        source=entry.tracks,
        columns=file.columns,
        notes=(*told, *clock_notes(entry, clock, cut), *log_notes(temperature, clock)),
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
                    source = _cache_of_entry(project.folder, project.recording_called(recording.name)).name
                    signal_of = kept_signals(project.folder, source.removesuffix(".tracks.npz"))
                    tracks += make_tracks(recording, species, signal_of)
    return Windows.from_tracks(tracks, project.species), tuple(tracks)


def keep_tracks(folder: Path, entry: RecordingEntry, file: TrackFile) -> None:
    """Keep what a recording's file holds in the project's cache."""
    cache = _cache_of_entry(folder, entry)
    if not cache.is_file():
        save_tracks(cache, file)


def cached_tracks(folder: Path, tracks: Path, part: str = "", mapping: Path = Path()) -> TrackFile | None:
    """Return what the project keeps of a file; None if it keeps nothing, or nothing that can be read."""
    cache = _cache_of(folder, tracks, part, mapping, remember=False)
    if cache.is_file():
        try:
            return load_tracks(cache)
        except AtlasError:
            cache.unlink(missing_ok=True)
    return None


def _cache_of(folder: Path, tracks: Path, part: str, mapping: Path, remember: bool = True) -> Path:
    how = part + (known_hash(folder, mapping, remember) if mapping != Path() else "")
    mark = hashlib.blake2b(how.encode(), digest_size=4).hexdigest() if how else "all"
    return folder / "signals" / f"{known_hash(folder, tracks, remember)}-{mark}.tracks.npz"


def _cache_of_entry(folder: Path, entry: RecordingEntry) -> Path:
    return _cache_of(folder, entry.tracks, entry.part, entry.mapping)


def _tracks_of(folder: Path, entry: RecordingEntry) -> TrackFile:
    kept = cached_tracks(folder, entry.tracks, entry.part, entry.mapping)
    if kept is not None:
        return kept
    file = read_steadily(entry.tracks, entry.part, entry.mapping)
    with contextlib.suppress(AtlasError):  # a project that cannot be written to is read all the same
        keep_tracks(folder, entry, file)
    return file


def read_steadily(path: Path, part: str = "", mapping: Path = Path()) -> TrackFile:
    """Return the tracks of a file, or raise an `InputError` if it cannot be used or changed while it was read."""
    before = _state(path)
    file = read_tracks(path, part, mapping)
    if _state(path) != before:
        raise InputError.of(path, "it changed while it was read", "wait until it is written, then try again")
    return file


def _state(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _renamed(tracks: Tracks, entry: RecordingEntry) -> Tracks:
    """Return tracks with the names that the project gives to the animals."""
    if not entry.animals:
        return tracks
    if len(entry.animals) != len(tracks.individuals) or len(set(entry.animals)) != len(entry.animals):
        raise InputError.of(
            f"recording {entry.name}",
            f"{len(entry.animals)} names for {len(tracks.individuals)} animals ({', '.join(entry.animals)})"[:300],
            "give each animal a name of its own",
        )
    return replace(tracks, individuals=entry.animals)


def _labelled(tracks: CutWindows, entry: RecordingEntry) -> CutWindows:
    """Return the windows with the temperatures that were given beside them, one per window of the whole file."""
    source = entry.temperature
    if not source.present:
        return tracks
    n_rows = 1 + max(int(rows.max()) for rows in tracks.rows)
    if source.has_file:
        values = np.asarray(read_window_temperatures(source.file), dtype=np.float64)
        if values.size < n_rows or (values.size > n_rows and not entry.part):
            raise InputError.of(source.file, f"{values.size} values for {n_rows} windows", "give one per window")
    elif isinstance(source.value, float):
        values = np.full(n_rows, source.value)
    else:
        raise InputError.of(
            f"recording {entry.name}", "windows have no column of temperatures", "give a file or a number"
        )
    return replace(tracks, temperatures=tuple(values[rows] for rows in tracks.rows))
