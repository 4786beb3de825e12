"""The registry of readers: any file of tracks → a `TrackFile`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.errors import AtlasError, InputError
from napari_atlas.io._foreign import recognise
from napari_atlas.io._sniff import check_name
from napari_atlas.io.arrays import POSE_ARRAY, WINDOWS_ARCHIVE, WINDOWS_ARRAY
from napari_atlas.io.centroids import ANIMALTA, IDTRACKER
from napari_atlas.io.contours import CONTOUR_ROWS, CONTOUR_TABLE
from napari_atlas.io.deeplabcut import DEEPLABCUT, DEEPLABCUT_H5
from napari_atlas.io.hull import HULL
from napari_atlas.io.jabs import JABS
from napari_atlas.io.nwb import NWB
from napari_atlas.io.pose3d import ANIPOSE, DANNCE
from napari_atlas.io.qualisys import QUALISYS
from napari_atlas.io.sleap import SLEAP_ANALYSIS, SLEAP_LABELS
from napari_atlas.io.table import TABLE, read_mapping, read_table
from napari_atlas.io.track_file import Reader, TrackFile
from napari_atlas.io.trex import TREX_ARCHIVE, TREX_TABLE

__all__ = ["READERS", "Reader", "TrackFile", "find_reader", "parts", "read_tracks", "register_reader"]

READERS: dict[str, Reader] = {}


def register_reader(reader: Reader) -> Reader:
    """Enter a reader in ``READERS`` and return it; a reader of the same name gives way."""
    READERS[reader.name] = reader
    return reader


_BUILT_IN = (
    *(SLEAP_ANALYSIS, SLEAP_LABELS, DEEPLABCUT, DEEPLABCUT_H5, HULL, WINDOWS_ARCHIVE, WINDOWS_ARRAY, POSE_ARRAY),
    *(TREX_ARCHIVE, TREX_TABLE, CONTOUR_ROWS, CONTOUR_TABLE, ANIPOSE, DANNCE, ANIMALTA, IDTRACKER, JABS, NWB),
    *(QUALISYS, TABLE),
)
for _reader in _BUILT_IN:
    register_reader(_reader)


def find_reader(path: Path | str) -> Reader:
    """Return the reader of a file, chosen by its content.

    Raises
    ------
    InputError
        If the file is missing, a folder, empty or unreadable, or no reader accepts it; the message says what it is.
    """
    path = Path(path)
    _check_file(path)
    for reader in READERS.values():
        if reader.accepts(path):
            return reader
    raise recognise(path).error(path)


def parts(path: Path | str) -> tuple[str, ...]:
    """Return the names of the recordings that a file holds, in order of first appearance; none if it holds one.

    Raises
    ------
    InputError
        If no reader accepts the file, or it is damaged.
    """
    path, reader = Path(path), find_reader(path)
    try:
        return reader.parts(path)
    except AtlasError:
        raise
    except Exception as error:
        raise _damaged(path, reader, error) from error


def read_tracks(path: Path | str, part: str = "", mapping: Path | str = Path()) -> TrackFile:
    """Return the tracks of a file.

    Parameters
    ----------
    path
        A file that one of ``READERS`` accepts, or any table if there is a mapping.
    part
        One of ``parts(path)``; empty for all of it.
    mapping
        A saved column mapping, by which a table is read whatever its format; ``Path()`` for none.

    Returns
    -------
    TrackFile
        Positions that are missing or not finite are NaN.

    Raises
    ------
    InputError
        If the file cannot be used; one line that names the file, the fault and a cure.
    """
    path, mapping = Path(path), Path(mapping)
    if mapping != Path():
        return _read_mapped(path, part, mapping)
    reader = find_reader(path)
    known = parts(path) if part else ()
    if part and part not in known:
        choice = f"choose from {', '.join(known)}" if known else "leave the part out"
        raise InputError.of(path, f"it has no part {part!r}", choice)
    try:
        file = reader.read(path, part)
    except AtlasError as error:
        raise _naming(path, error) from error
    except Exception as error:
        raise _damaged(path, reader, error) from error
    return _checked(path, replace(file, format=reader.name))


def _read_mapped(path: Path, part: str, mapping: Path) -> TrackFile:
    _check_file(path)
    if part:
        raise InputError.of(path, f"a table read by a mapping has no part {part!r}", "leave the part out")
    return _checked(path, replace(read_table(path, read_mapping(mapping)), format="table"))


def _check_file(path: Path) -> None:
    check_name(path)
    if path.is_dir():
        raise InputError.of(path, "it is a folder", "give a file")
    if not path.exists():
        raise InputError.of(path, "there is no such file", "check the path")
    if not path.is_file():
        raise InputError.of(path, "it is a pipe or a device", "give a file")
    try:
        with path.open("rb") as handle:
            empty = not handle.read(1)
    except OSError as error:
        raise InputError.of(path, f"it cannot be opened ({error.strerror})", "check its permissions") from error
    if empty:
        raise InputError.of(path, "it is empty", "copy or export it again")


def _damaged(path: Path, reader: Reader, error: Exception) -> InputError:
    text = " ".join(str(error).split())[:200] or type(error).__name__
    return InputError.of(path, f"it cannot be read as {reader.name} ({text})", "copy or export it again")


def _naming(path: Path, error: AtlasError) -> AtlasError:
    """Return the error with the file's name in it."""
    return error if str(path) in str(error) else InputError(f"{path}: {error}")


def _checked(path: Path, file: TrackFile) -> TrackFile:
    """Return the file, with a note on animals that were never tracked; refuse one without any position."""
    tracks = file.tracks
    if not tracks.individuals or not tracks.n_samples:
        raise InputError.of(path, "it holds no tracked frame", "track the video first, then export again")
    if tracks.missing_fraction >= 1.0:
        raise InputError.of(path, "every position in it is missing", "check the tracking, then export again")
    lost = _never_tracked(tracks) if isinstance(tracks, Pose | Outline) else ()
    notes = tuple(f"{name} is never tracked." for name in lost)
    return replace(file, notes=file.notes + notes)


def _never_tracked(tracks: Pose | Outline) -> tuple[str, ...]:
    if isinstance(tracks, Pose):
        seen = np.asarray(tracks.present().any(axis=(0, 2)))
    else:
        seen = np.array([bool((np.diff(starts) >= 3).any()) for starts in tracks.starts])
    return tuple(name for name, there in zip(tracks.individuals, seen, strict=True) if not there)
