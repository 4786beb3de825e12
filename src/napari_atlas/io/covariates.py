"""Sources → courses: what was measured beside the animals of one recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_atlas.data.columns import Columns
from napari_atlas.data.covariates import NO_COURSE, Course
from napari_atlas.data.project import RecordingEntry
from napari_atlas.data.sources import Source, celsius
from napari_atlas.data.timebase import TimeBase
from napari_atlas.errors import InputError
from napari_atlas.io._sniff import csv_rows
from napari_atlas.io.logs import delimiter_of, find_header, find_time, number, read_table, seconds_of
from napari_atlas.io.temperature import course_of, overlap, plausible, read_temperature_csv, unit_of_name
from napari_atlas.io.track_file import TrackFile

__all__ = ["covariates_of", "log_notes", "temperature_of"]

_COVERED = 0.99


def temperature_of(entry: RecordingEntry, file: TrackFile, clock: TimeBase) -> Course:
    """Return the temperature of a recording in °C; of a column that differs between animals, their mean.

    Raises
    ------
    InputError
        If its source is missing or wrong, holds no temperatures, or does not overlap the tracks.
    """
    source = entry.temperature
    if isinstance(source.value, float):
        return Course.constant(celsius(source.value, source.unit))
    if source.has_file:
        _require_clock(entry, clock, "a temperature log")
        return _overlapping(source.file, clock, read_temperature_csv(source.file, source, entry.start))
    if not source.column:
        return NO_COURSE
    columns = _columns(entry, file)
    values = np.stack([columns.column(source.column, i) for i in range(len(columns.individuals))])
    known = np.isfinite(values)
    mean = np.where(
        known.any(axis=0), np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1), np.nan
    )
    unit = source.unit or unit_of_name(source.column)
    plausible(entry.tracks, source.column, mean, unit)
    return Course.per_frame(celsius_of(mean, unit), entry.tracking_start_frame)


def log_notes(course: Course, clock: TimeBase) -> tuple[str, ...]:
    """Return what a user should know of a temperature log: how much of the tracks it covers, if not all."""
    if course.extended or course.by_frame or not course.times.size or not clock.known:
        return ()
    share = overlap(course, *_span(clock))
    told = f"The temperature log covers {100 * share:.0f} % of the tracks; the rest has no temperature."
    return (told,) if share < _COVERED else ()


def covariates_of(entry: RecordingEntry, file: TrackFile, clock: TimeBase) -> dict[str, tuple[Course, ...]]:
    """Return the other covariates of a recording by name: one course for each animal, or a single one for all.

    Raises
    ------
    InputError
        If a source is missing or wrong, or does not overlap the tracks.
    """
    constant = {name: (Course.constant_class(label),) for name, label in entry.conditions.items()}
    return constant | {name: _courses(entry, name, source, file, clock) for name, source in entry.covariates.items()}


def _courses(entry: RecordingEntry, name: str, source: Source, file: TrackFile, clock: TimeBase) -> tuple[Course, ...]:
    if isinstance(source.value, float):
        return (Course.constant(source.value),)
    if source.value:
        return (Course.constant_class(source.value),)
    if not source.has_file:
        columns = _columns(entry, file)
        start = entry.tracking_start_frame
        return tuple(Course.per_frame(columns.column(source.column, i), start) for i in range(len(columns.individuals)))
    if _is_log(source):
        _require_clock(entry, clock, f"the log of {name}")
        return (_overlapping(source.file, clock, _read_log(source, entry.start)),)
    return (_labels(source, clock.fps),)


def _columns(entry: RecordingEntry, file: TrackFile) -> Columns:
    if not file.columns.names:
        raise InputError.of(entry.tracks, "it holds no column beside the tracks", "name a file for the covariate")
    return file.columns


def _is_log(source: Source) -> bool:
    rows = csv_rows(source.file, 20, delimiter_of(source.file))
    header = rows[find_header(rows)] if rows else []
    return len(header) > 1 and (bool(source.time) or find_time(header) >= 0)


def _read_log(source: Source, start: str) -> Course:
    """Return a column of a log: numbers, or classes if any of its cells is none."""
    table = read_table(source.file)
    time = table.index_of(source.time) if source.time else find_time(table.header)
    others = [i for i in range(len(table.header)) if i != time]
    if not source.column and len(others) != 1:
        known = ", ".join(table.header[i] for i in others)
        raise InputError.of(source.file, "it has several columns", f"name one: {known}"[:300])
    column = table.index_of(source.column) if source.column else others[0]
    times, cells = seconds_of(table, time, start), table.cells(column)
    try:
        values = np.array([number(table, cell, column) for cell in cells])
    except InputError:
        classes = tuple(sorted({cell for cell in cells if cell}))
        values = np.array([classes.index(cell) if cell else np.nan for cell in cells], dtype=np.float64)
        kept = course_of(table, times, values, source.extend)
        return Course(kept.times, kept.values, classes, extended=source.extend)
    return course_of(table, times, values, source.extend)


def _labels(source: Source, fps: float) -> Course:
    """Return a stream of a file of labels, which tells a class for each video frame."""
    from napari_atlas.io.labels import read_labels

    labels = read_labels(source.file, fps)
    stream = source.column or labels.streams[0]
    if stream not in labels.streams:
        raise InputError.of(source.file, f"it has no labels {stream!r}", f"choose from {', '.join(labels.streams)}")
    at = labels.streams.index(stream)
    codes = labels.codes[at].astype(np.float64)
    return Course.per_frame(np.where(codes < 0, np.nan, codes), labels.first_frame, labels.classes[at])


def celsius_of(values: np.ndarray, unit: str) -> np.ndarray:
    """Return temperatures in °C."""
    scale, zero = celsius(1.0, unit) - celsius(0.0, unit), celsius(0.0, unit)
    return values * scale + zero if unit else values


def _require_clock(entry: RecordingEntry, clock: TimeBase, what: str) -> None:
    if not clock.known:
        raise InputError.of(f"recording {entry.name}", f"{what} needs the frame rate", "give it with --fps")


def _overlapping(path: Path, clock: TimeBase, course: Course) -> Course:
    """Return a course, or refuse one that covers none of the tracks."""
    first, last = _span(clock)
    if not course.extended and overlap(course, first, last) <= 0:
        raise InputError.of(
            path,
            f"it covers {course.times[0]:.0f} to {course.times[-1]:.0f} s, the tracks {first:.0f} to {last:.0f} s",
            "check the log, the start and led_on_frame",
        )
    return course


def _span(clock: TimeBase) -> tuple[float, float]:
    """Return when the tracks begin and end, in seconds."""
    times = clock.seconds_of_frame(clock.frame_of_sample(np.arange(clock.n_samples)))
    known = times[np.isfinite(times)]
    return (float(known[0]), float(known[-1]) + 1.0 / clock.fps) if known.size else (0.0, 0.0)
