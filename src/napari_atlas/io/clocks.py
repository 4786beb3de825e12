"""The clock of a recording, from whatever tells it: a frame rate, timestamps, the video, the tracks' own times."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.project import RecordingEntry
from napari_atlas.data.timebase import TimeBase
from napari_atlas.errors import AtlasError, InputError
from napari_atlas.io._sniff import array_header, csv_rows
from napari_atlas.io.atomic import read_arrays, write_arrays
from napari_atlas.io.logs import delimiter_of, find_header, find_time, read_table, seconds_of
from napari_atlas.io.track_file import TrackFile

__all__ = ["CLOCK_UNITS", "clock_notes", "is_timestamps", "is_uneven", "read_timestamps", "timebase_of"]

CLOCK_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_WALL_CLOCK = 1e8
_SLOWEST = 2.0  # seconds between frames above which a unit has to be told
_UNEVEN = 0.25  # of a frame
_FEWEST = 3


def is_timestamps(path: Path) -> bool:
    """Whether a file holds one rising number per frame and nothing else; never raises."""
    shape, kind = array_header(path)
    if len(shape) == 1 and kind == "f":
        steps = np.diff(np.load(path, mmap_mode="r", allow_pickle=False))
        return bool(steps.size and (steps > 0).all())
    rows = csv_rows(path, 25, delimiter_of(path)) if not shape else []
    if len(rows) < _FEWEST:
        return False
    at = find_header(rows)
    width, time = len(rows[at]), find_time(rows[at])
    if width > 2 or (width == 2 and (time < 0 or "frame" not in rows[at][1 - time].lower())):
        return False
    body = rows[at + 1 :] if time >= 0 else rows
    try:
        values = [float(row[max(time, 0)]) for row in body]
    except (ValueError, IndexError):
        return False
    rising = all(b > a for a, b in pairwise(values))
    return len(values) > 1 and rising and any(value % 1 for value in values)


def read_timestamps(path: Path, unit: str = "") -> NDArray[np.float64]:
    """Return the (n_frames,) seconds of each video frame on the file's own clock, rising.

    Parameters
    ----------
    path
        A .npy of one number per frame, or a text table whose column of times, or only column, holds them.
    unit
        "s", "ms", "us" or "ns"; empty takes what the column's name tells, else seconds.

    Raises
    ------
    InputError
        If there is no such file, it holds something else, the times do not rise, or frames would be more than 2 s
        apart and no unit is told.
    """
    values, told = _read(path)
    if unit and unit not in CLOCK_UNITS:
        raise InputError.of("timestamps_unit", f"{unit!r} is not known", f"choose from {', '.join(CLOCK_UNITS)}")
    falls = np.flatnonzero(~(np.diff(values) > 0))
    if falls.size or not np.isfinite(values).all() or values.size < 2:
        at = int(falls[0]) + 1 if falls.size else 0
        raise InputError.of(path, f"its times do not rise at row {at}", "give one rising time per video frame")
    step = float(np.median(np.diff(values)))
    if not unit and not told and step > _SLOWEST:
        raise InputError.of(
            path, f"its frames would be {step:g} s apart", "say which unit it has: --timestamps-unit s, ms, us or ns"
        )
    return values * CLOCK_UNITS[unit] if unit else values


def _read(path: Path) -> tuple[NDArray[np.float64], bool]:
    """Return the numbers of a file of timestamps, and whether the file tells their unit."""
    shape, kind = array_header(path)
    if shape:
        if kind not in "fiu" or math.prod(shape) != max(shape):
            raise InputError.of(path, f"its shape {shape} is not one number per frame", "save an array (n_frames,)")
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.float64).ravel(), False
    table = read_table(path)
    time = find_time(table.header)
    if time < 0 and len(table.header) == 1:
        try:
            return np.array([float(row[0]) for row in [table.header, *table.rows]]), False
        except ValueError:
            return seconds_of(table, 0, _UNIX), False
    if time < 0:
        raise InputError.of(path, f"no column of times among {', '.join(table.header)}"[:300], "name one time_s")
    named = any(part in table.header[time].lower() for part in ("ms", "min", "_s", "(s", "sec", "milli"))
    return seconds_of(table, time, _UNIX), named


_UNIX = "1970-01-01 00:00:00"


def is_uneven(times: NDArray[np.float64]) -> bool:
    """Whether frames are so far from evenly spaced that one of them is off by a quarter of a frame."""
    if times.size < _FEWEST:
        return False
    step = (times[-1] - times[0]) / (times.size - 1)
    return bool(np.abs(times - times[0] - step * np.arange(times.size)).max() > _UNEVEN * step)


def timebase_of(folder: Path, entry: RecordingEntry, file: TrackFile) -> TimeBase:
    """Return the clock of a recording.

    Parameters
    ----------
    folder
        The project, which keeps the times of its videos; ``Path()`` keeps none.
    entry, file
        What the project and what the tracks' file tell.

    Raises
    ------
    InputError
        If the files that tell it are missing or wrong.
    """
    n_samples = file.tracks.n_samples
    even = TimeBase(n_samples, entry.fps or math.nan, entry.led_on_frame, entry.tracking_start_frame)
    if entry.timestamps != Path():
        times, first = read_timestamps(entry.timestamps, entry.timestamps_unit), 0
    elif entry.clock == "video":
        times, first = _video_times(folder, entry.video), 0
    elif entry.clock == "tracks":
        times, first = file.times, entry.tracking_start_frame
    else:
        return even
    zero, row = 0.0, entry.led_on_frame - first
    if (entry.led_on_frame or times[0] > _WALL_CLOCK) and not 0 <= row < times.size:
        raise InputError.of(
            f"recording {entry.name}", f"time zero is frame {entry.led_on_frame}, which has no timestamp", "check it"
        )
    if entry.led_on_frame or times[0] > _WALL_CLOCK:
        zero = float(times[row])
    return replace(even, fps=math.nan, frame_times=times - zero, first_timed_frame=first)


def clock_notes(entry: RecordingEntry, clock: TimeBase, cut: bool = False) -> tuple[str, ...]:
    """Return what a user should know of a recording's clock, in sentences; none where all is as it should be.

    Frame *i* of the tracks and frame *i* of the video are one: both are counted from the video's first frame. Windows
    that were *cut* elsewhere need no clock.
    """
    notes = []
    stop, frames = clock.tracking_start_frame + clock.n_samples, entry.video_frames
    if frames and stop > frames:
        notes.append(f"The tracks reach frame {stop}, the video {frames}: later frames have no picture.")
    elif frames and stop < frames:
        notes.append(f"The video has {frames} frames, the tracks end at {stop}: later frames have no tracks.")
    timed = clock.first_timed_frame + clock.frame_times.size
    if not clock.even and timed < stop:
        notes.append(f"There are timestamps for {timed} of {stop} frames: later frames belong to no window.")
    elif not clock.even and timed > max(stop, frames):
        notes.append(f"There are {timed} timestamps for {max(stop, frames)} frames; the first ones are used.")
    if not clock.known and not cut:
        notes.append("The frame rate is not known: times are told in frames.")
    return tuple(notes)


def _video_times(folder: Path, video: Path) -> NDArray[np.float64]:
    """Return the times of a video's frames, kept in the project's cache until the video changes."""
    from napari_atlas.io.video import frame_times

    if folder == Path():
        return frame_times(video)
    name = hashlib.blake2b(str(video).encode(), digest_size=8).hexdigest()
    cache = folder / "signals" / f"{name}.times.npz"
    stamp = np.array([video.stat().st_size, video.stat().st_mtime_ns]) if video.is_file() else None
    try:
        kept = read_arrays(cache) if cache.is_file() else {}
    except AtlasError:
        kept = {}
    if "times" in kept and (stamp is None or np.array_equal(kept.get("stamp", ()), stamp)):
        return np.asarray(kept["times"])
    times = frame_times(video)
    if stamp is not None:
        write_arrays(cache, times=times, stamp=stamp)
    return times
