"""What a reader gives, and what a reader is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.columns import NO_COLUMNS, Columns
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import Tracks

__all__ = ["FEW_LABELS", "Reader", "TrackFile", "finite_or_nan", "names_for", "no_parts"]

FEW_LABELS = 0.2  # a file that holds fewer of the frames it spans was labelled by hand, not tracked


@dataclass(frozen=True)
class TrackFile:
    """The tracks of one file, and what the file tells about them.

    Attributes
    ----------
    tracks
        Keypoints, outlines, named columns alone, or windows cut elsewhere.
    fps
        Frames per second; NaN where the file does not tell.
    labels
        Conditions that the file tells of this recording, such as ``{"label": "20→36°C crash"}``.
    notes
        Plain sentences for the user.
    format
        Name of the reader.
    columns
        Named numbers per sample that the file holds beside positions; those of ``tracks`` where it holds no other.
    first_frame
        Video frame of sample 0.
    times
        (n_samples,) seconds of each sample on the file's own clock, rising; empty where it tells none.
    """

    tracks: Tracks
    fps: float = math.nan
    labels: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    format: str = ""
    columns: Columns = NO_COLUMNS
    first_frame: int = 0
    times: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        if isinstance(self.tracks, Columns) and not self.columns.names:
            object.__setattr__(self, "columns", self.tracks)
        if isinstance(self.tracks, Pose) and not self.first_frame:
            object.__setattr__(self, "first_frame", self.tracks.first_frame)


def no_parts(path: Path) -> tuple[str, ...]:
    """Return that the file holds a single recording."""
    return ()


@dataclass(frozen=True)
class Reader:
    """One file format.

    Attributes
    ----------
    name
        The format, as users read it.
    kind
        ``"pose"``, ``"outline"`` or ``"windows"``.
    accepts
        Whether a file is of this format, told by its content; never raises.
    load
        (path, part) → its tracks; may raise whatever its library raises.
    parts
        Names of the recordings that a file holds, where it holds several.
    """

    name: str
    kind: str
    accepts: Callable[[Path], bool]
    load: Callable[[Path, str], TrackFile]
    parts: Callable[[Path], tuple[str, ...]] = no_parts

    def read(self, path: Path | str, part: str = "") -> TrackFile:
        """Return the tracks of a file that this reader accepts.

        Parameters
        ----------
        path
            The file.
        part
            One of its parts; empty for all of it.
        """
        return self.load(Path(path), part)


def names_for(names: Iterable[str], count: int, prefix: str) -> tuple[str, ...]:
    """Return *count* different names: those given, ``prefix-0`` and so on where one is missing or repeated."""
    given = [name.strip() for name in names][:count]
    given += [""] * (count - len(given))
    seen: set[str] = set()
    result: list[str] = []
    for i, name in enumerate(given):
        free = name if name and name not in seen else f"{name or prefix}-{i}"
        while free in seen:
            free += "'"
        seen.add(free)
        result.append(free)
    return tuple(result)


def finite_or_nan(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return float64 values in which everything that is not finite is NaN."""
    result = np.array(values, dtype=np.float64)
    result[~np.isfinite(result)] = np.nan
    return result
