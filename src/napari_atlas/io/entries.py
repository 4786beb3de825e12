"""What a user asked to add → entries of the project."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from napari_atlas.data.columns import Columns
from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.project import AddRequest, RecordingEntry
from napari_atlas.data.recording import CutWindows, Tracks
from napari_atlas.data.sources import NOWHERE, Source
from napari_atlas.data.species import Species
from napari_atlas.errors import InputError
from napari_atlas.io._names import one_line
from napari_atlas.io._sniff import check_name
from napari_atlas.io.clocks import is_uneven
from napari_atlas.io.temperature import temperature_from_name
from napari_atlas.io.track_file import TrackFile
from napari_atlas.io.video import open_video

__all__ = ["changed_entry", "default_species", "entry_of", "plain_name", "with_video"]

_DEFAULTS: dict[type, dict[str, object]] = {
    Pose: {"signal": "centroid-speed", "bin_rate": 1.0, "window": 5.0, "stride": 2.0},
    Outline: {"signal": "hull-area-rate", "bin_rate": 1.0, "window": 60.0, "stride": 30.0},
    Columns: {"signal": "columns", "bin_rate": 1.0, "window": 5.0, "stride": 2.0},
    CutWindows: {"signal": "array", "bin_rate": 0.0, "window": 1.0, "stride": 1.0},
}
_PLAIN = ("species", "fps", "led_on_frame", "tracking_start_frame", "timestamps", "timestamps_unit", "start", "animals")
_WORKED_OUT = ("video", "temperature", "temperature_unit", "extend", "conditions", "covariates")
_RESERVED = {
    *("species", "recording", "individual", "split", "activity", "temperature", "temperature_predicted", "outside"),
    *("start", "stop", "frame", "first_frame", "stop_frame", "seconds"),
}
_ENDINGS = (".analysis.h5", ".predictions.slp")


def default_species(name: str, tracks: Tracks, settings: dict[str, object]) -> Species:
    """Return a new species whose settings fit the kind of tracks, unless *settings* say otherwise."""
    unknown = settings.keys() - {field.name for field in fields(Species)}
    if unknown:
        raise InputError.of("settings", f"{', '.join(sorted(unknown))} is not known", "leave it out")
    if not name.isprintable():
        raise InputError.of("species name", f"{name!r} holds a line break or the like", "give a plain name")
    chosen = {**_DEFAULTS[type(tracks)], **settings}
    return Species(name=name, **chosen)  # type: ignore[arg-type]


def entry_of(request: AddRequest, part: str, file: TrackFile) -> RecordingEntry:
    """Return the project entry for what a user asked to add, with what the files tell filled in.

    Raises
    ------
    InputError
        If the temperature cannot be found, or the video is none.
    """
    for path in (request.tracks, request.video, request.timestamps, request.mapping):
        check_name(path)
    start = request.tracking_start_frame if request.tracking_start_frame >= 0 else file.first_frame
    name = one_line(request.name) or one_line(plain_name(request.tracks))
    entry = RecordingEntry(
        name=f"{name} · {part}" if part else name,
        species=request.species,
        tracks=request.tracks,
        part=part,
        mapping=request.mapping,
        video=request.video,
        fps=request.fps or (file.fps if math.isfinite(file.fps) else 0.0),
        led_on_frame=request.led_on_frame,
        tracking_start_frame=start,
        timestamps=request.timestamps,
        timestamps_unit=request.timestamps_unit,
        start=request.start,
        animals=request.animals,
        temperature=temperature_source(request.temperature, request),
        conditions=_conditions({**({"label": part} if part else {}), **request.conditions}),
        covariates={name: covariate_source(name, text) for name, text in request.covariates.items()},
    )
    return with_clock(with_video(entry, request.video), file)


def changed_entry(entry: RecordingEntry, given: Mapping[str, Any]) -> RecordingEntry:
    """Return an entry in which the fields of `AddRequest` that are *given* have another value.

    Raises
    ------
    InputError
        If a field cannot be changed, or its value cannot be used.
    """
    plain = {name: value for name, value in given.items() if name in _PLAIN}
    unknown = set(given) - set(plain) - set(_WORKED_OUT)
    if unknown:
        raise InputError.of(f"recording {entry.name}", f"{', '.join(sorted(unknown))} cannot be changed", "add it anew")
    changed = replace(entry, **plain)
    if changed.timestamps != entry.timestamps and changed.timestamps != Path():
        changed = replace(changed, clock="")
    if "video" in given:
        changed = with_video(changed, given["video"])
    if "temperature" in given:
        beside = {name: given[name] for name in ("temperature_unit", "extend") if name in given}
        request = AddRequest(entry.tracks, entry.species, **beside)
        changed = replace(changed, temperature=temperature_source(given["temperature"], request))
    conditions = {**entry.conditions, **given.get("conditions", {})}
    named = {name: covariate_source(name, text) for name, text in given.get("covariates", {}).items() if text}
    dropped = {name for name, text in given.get("covariates", {}).items() if not text}
    kept = {name: source for name, source in entry.covariates.items() if name not in dropped}
    return replace(
        changed,
        conditions=_conditions(conditions),
        covariates={**kept, **named},
    )


def with_video(entry: RecordingEntry, video: Path) -> RecordingEntry:
    """Return an entry with another video, its frames counted; a frame rate that is not known is taken from it."""
    if video == Path():
        return replace(entry, video=video, video_frames=0, clock="" if entry.clock == "video" else entry.clock)
    opened = open_video(video)
    try:
        uneven = opened.is_variable_rate and entry.timestamps == Path() and not entry.fps
        fps = entry.fps or (0.0 if math.isnan(opened.fps) else opened.fps)
        clock = "video" if uneven else "" if entry.clock == "video" else entry.clock
        return replace(entry, video=video, video_frames=opened.n_video_frames, fps=fps, clock=clock)
    finally:
        opened.close()


def with_clock(entry: RecordingEntry, file: TrackFile) -> RecordingEntry:
    """Return an entry that takes the times of its tracks' file, where that tells uneven ones and nothing else does."""
    told = entry.timestamps != Path() or entry.clock
    return entry if told or not is_uneven(file.times) else replace(entry, clock="tracks")


def temperature_source(text: str, request: AddRequest) -> Source:
    """Return where a temperature comes from that was typed as `AddRequest` says.

    Raises
    ------
    InputError
        If it is neither a number nor a file, or the folder's name tells none.
    """
    text = text.strip()
    if not text:
        return NOWHERE
    if text == "folder":
        folder = request.tracks.absolute().parent
        celsius = temperature_from_name(folder.name)
        if math.isnan(celsius):
            raise InputError.of(folder, "its name tells no temperature", "name it like '22.5C', or give a number")
        return Source(value=celsius)
    source = Source.of_text(text)
    if isinstance(source.value, str) and source.value:
        raise InputError.of("temperature", f"{text!r} is neither a number nor a file", "check it")
    if isinstance(source.value, float) and not math.isfinite(source.value):
        raise InputError.of("temperature", f"{text} is no temperature", "give a number in °C, or leave it out")
    unit = request.temperature_unit or source.unit
    return replace(source, unit=unit, extend=request.extend and source.has_file).in_celsius()


def covariate_source(name: str, text: str) -> Source:
    """Return where a covariate comes from that was typed, or raise an `InputError` if nothing was."""
    _check_name(name)
    source = Source.of_text(text)
    if not source.present:
        raise InputError.of(f"covariate {name}", "it is empty", "give a number, a name, FILE::COLUMN or column:NAME")
    return replace(source, unit="", value=text.strip()) if source.unit else source


def _conditions(given: Mapping[str, str]) -> dict[str, str]:
    """Return the conditions that say something, their names checked."""
    kept = {name: label for name, label in given.items() if label}
    for name in kept:
        _check_name(name)
    return kept


def _check_name(name: str) -> None:
    if name in _RESERVED or "/" in name or not name.strip():
        raise InputError.of(f"covariate {name or '?'}", "the name is taken or cannot be used", "give it another name")


def plain_name(tracks: Path) -> str:
    """Return what a recording is called that nobody named: its file, without the endings of known programs."""
    for ending in _ENDINGS:
        if tracks.name.endswith(ending):
            return tracks.name[: -len(ending)]
    return tracks.stem
