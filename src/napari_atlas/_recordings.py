"""Recordings of a project: added, changed, removed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from napari_atlas.data.project import AddRequest, Project, RecordingEntry
from napari_atlas.data.recording import Recording
from napari_atlas.data.species import Species
from napari_atlas.data.windows import Windows, make_tracks
from napari_atlas.errors import AtlasError, InputError, naming
from napari_atlas.io.entries import changed_entry, default_species, entry_of
from napari_atlas.io.loading import cached_tracks, keep_tracks, load_recording, make_recording, read_steadily
from napari_atlas.io.project import read_project, update_project
from napari_atlas.io.readers import parts

__all__ = ["add", "change", "change_species", "notes_of", "remove", "with_added"]


def add(folder: Path, request: AddRequest) -> tuple[RecordingEntry, ...]:
    """Add a file's recordings to a project, after reading them to the end; on a fault nothing is changed.

    Returns
    -------
    tuple
        The new entries: one, or one per part of a file that holds several recordings.

    Raises
    ------
    InputError
        If a file cannot be used, gives no window, or does not fit the project.
    """
    project = read_project(folder)
    grown, added = with_added(project, request)
    update_project(project, grown)
    return added


def with_added(project: Project, request: AddRequest) -> tuple[Project, tuple[RecordingEntry, ...]]:
    """Return a project with a file's recordings, and their entries; project.toml is left as it is.

    Raises
    ------
    InputError
        As `add` does.
    """
    request = _absolute(request)
    folder, grown, made, files = project.folder, project, [], []
    with naming(request.tracks):
        for part in ("",) if request.mapping != Path() else parts(request.tracks) or ("",):
            file = cached_tracks(folder, request.tracks, part, request.mapping)
            file = file or read_steadily(request.tracks, part, request.mapping)
            if all(s.name != request.species for s in grown.species):
                grown = grown.with_species(default_species(request.species, file.tracks, request.settings))
            grown.species_called(request.species).check_settings(request.settings)
            grown = grown.with_recording(entry_of(request, part, file))
            made.append(make_recording(folder, grown.recordings[-1], file))
            files.append(file)
        _check_windows(project, grown, made)
    added = grown.recordings[len(project.recordings) :]
    for entry, file in zip(added, files, strict=True):
        keep_tracks(folder, entry, file)
    return grown, added


def change(folder: Path, names: Sequence[str], given: Mapping[str, Any]) -> tuple[RecordingEntry, ...]:
    """Change what a project says of some of its recordings; on a fault nothing is changed.

    Parameters
    ----------
    folder
        The project.
    names
        Recordings.
    given
        Fields of `AddRequest` that get another value; ``""`` takes a video, a temperature, timestamps, a condition or
        a covariate away.

    Returns
    -------
    tuple
        The entries as they are now.

    Raises
    ------
    InputError
        If a recording or species is not known, or what it says now cannot be used.
    """
    project = read_project(folder)
    paths = {name: value.absolute() for name, value in given.items() if isinstance(value, Path) and value != Path()}
    given = {**given, **paths}
    entries = {name: changed_entry(project.recording_called(name), given) for name in names}
    for entry in entries.values():
        project.species_called(entry.species)
    after = replace(project, recordings=tuple(entries.get(e.name, e) for e in project.recordings))
    for species in dict.fromkeys(entry.species for entry in entries.values()):
        mine = [load_recording(after, entry) for entry in entries.values() if entry.species == species]
        _check_windows(_without(project, set(entries)), after, mine)
    update_project(project, after)
    return tuple(entries.values())


def change_species(folder: Path, name: str, given: Mapping[str, Any]) -> Species:
    """Change settings of a species; on a fault nothing is changed. Runs of the project are out of date then.

    Parameters
    ----------
    folder
        The project.
    name
        The species.
    given
        Settings of `Species` that get another value.

    Returns
    -------
    Species
        As it is now.

    Raises
    ------
    InputError
        If the species is not known, a setting cannot be used, or a recording gives no window with it.
    """
    project = read_project(folder)
    species = project.species_called(name)
    unknown = given.keys() - {field.name for field in fields(Species)} | given.keys() & {"name"}
    if unknown:
        raise InputError.of(f"species {name}", f"{', '.join(sorted(unknown))} cannot be changed", "leave it out")
    changed = replace(species, **given)
    after = replace(project, species=tuple(changed if s == species else s for s in project.species))
    mine = []
    for entry in after.recordings:
        if entry.species == name:
            with contextlib.suppress(AtlasError):  # one that cannot be read now is no reason against the others
                mine.append(load_recording(after, entry))
    if mine:
        _check_windows(replace(after, recordings=()), after, mine)
    update_project(project, after)
    return changed


def notes_of(folder: Path, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return what a user should know of some recordings of a project, in sentences.

    Raises
    ------
    InputError
        If one is not known or cannot be read.
    """
    project = read_project(folder)
    return {name: load_recording(project, project.recording_called(name)).notes for name in names}


def remove(folder: Path, names: Sequence[str]) -> None:
    """Take recordings out of a project; their files stay where they are.

    Raises
    ------
    InputError
        If the project does not hold one of them.
    """
    project = read_project(folder)
    for name in names:
        project.recording_called(name)
    update_project(project, _without(project, set(names)))


def _without(project: Project, names: set[str]) -> Project:
    return replace(project, recordings=tuple(e for e in project.recordings if e.name not in names))


def _absolute(request: AddRequest) -> AddRequest:
    """Return a request whose paths do not depend on where it was made."""
    paths = {name: getattr(request, name) for name in ("tracks", "video", "timestamps", "mapping")}
    return replace(request, **{name: path.absolute() for name, path in paths.items() if path != Path()})


def _check_windows(before: Project, grown: Project, made: list[Recording]) -> None:
    """Refuse new recordings of one species that give no window, or windows unlike those that the species has."""
    species = grown.species_called(made[0].species)
    known = _one_of(before, species.name)
    tracks = [track for recording in (*known, *made) for track in make_tracks(recording, species)]
    given = set(Windows.from_tracks(tracks, [species]).table.of_key("recording"))
    for recording in made:
        if recording.name not in given:
            raise InputError.of(
                f"recording {recording.name}",
                f"it gives no window of {species.window:g} s with at most 30 % missing{_length_of(recording)}",
                f"check the frame rate and the tracking, or shorten the window of species {species.name}",
            )


def _one_of(project: Project, species: str) -> list[Recording]:
    """Return a recording of a species, none if there is none that can be read."""
    for entry in project.recordings:
        if entry.species == species:
            with contextlib.suppress(AtlasError):
                return [load_recording(project, entry)]
    return []


def _length_of(recording: Recording) -> str:
    clock = recording.timebase
    return f" in {clock.n_samples} frames at {clock.fps:g} per second" if clock.known and clock.even else ""
