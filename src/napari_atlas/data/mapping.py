"""Which column of a table holds what."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from napari_atlas.errors import InputError

__all__ = ["TIME_UNITS", "ColumnMapping", "KeypointColumns"]

TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0, "h": 3600.0}  # seconds in one


@dataclass(frozen=True)
class KeypointColumns:
    """The columns of one keypoint.

    Attributes
    ----------
    keypoint
        Its name.
    x, y, z
        Columns of its coordinates; ``z`` is empty in two dimensions.
    confidence
        Column of its confidence; empty for none.
    individual
        Whose it is, in a table with columns of several animals; empty otherwise.
    """

    keypoint: str
    x: str
    y: str
    z: str = ""
    confidence: str = ""
    individual: str = ""


@dataclass(frozen=True)
class ColumnMapping:
    """How a table is read as tracks; a mapping that exists is valid.

    Attributes
    ----------
    keypoints
        Their columns; none for a table of named numbers alone.
    columns
        Further columns of numbers that are kept beside the positions.
    frame
        Column of video frames, counted from 0; empty where the rows are the samples.
    time
        Column of times, numbers or dates; empty for none.
    time_unit
        ``"s"``, ``"ms"``, ``"us"``, ``"min"`` or ``"h"``; dates need none.
    individual
        Column that tells the animal of a row, where each row is one animal at one frame; empty where each row is one
        frame.
    fps
        Frames per second; NaN where the times tell, or nothing does.
    sheet
        Sheet of a workbook; empty for the first.
    skip_rows
        Rows above the header.
    missing
        Values that stand for a missing one, such as −1.
    """

    keypoints: tuple[KeypointColumns, ...] = ()
    columns: tuple[str, ...] = ()
    frame: str = ""
    time: str = ""
    time_unit: str = "s"
    individual: str = ""
    fps: float = math.nan
    sheet: str = ""
    skip_rows: int = 0
    missing: tuple[float | str, ...] = ()

    def __post_init__(self) -> None:
        if not self.keypoints and not self.columns:
            raise InputError.of("keypoints", "the mapping names neither keypoints nor columns", "name the column of x")
        if self.time_unit not in TIME_UNITS:
            raise InputError.of("time_unit", f"{self.time_unit!r} is no unit", f"choose from {', '.join(TIME_UNITS)}")
        if not math.isnan(self.fps) and not 0 < self.fps < math.inf:
            raise InputError.of("fps", f"{self.fps:g} is no frame rate", "give a number above 0, or leave it out")
        if self.skip_rows < 0:
            raise InputError.of("skip_rows", f"{self.skip_rows} is below 0", "give the number of rows above the header")
        for i, point in enumerate(self.keypoints):
            self._check(point)
            if any((one.keypoint, one.individual) == (point.keypoint, point.individual) for one in self.keypoints[:i]):
                raise InputError.of(f"keypoints.{point.keypoint}", "it is there twice", "give each keypoint one name")

    def _check(self, point: KeypointColumns) -> None:
        for axis in ("x", "y"):
            if not getattr(point, axis):
                raise InputError.of(f"keypoints.{point.keypoint}", f"it has no column for {axis}", f"name {axis}")
        if bool(point.z) != bool(self.keypoints[0].z):
            raise InputError.of(f"keypoints.{point.keypoint}", "some keypoints have a z and some have none", "name all")
        if bool(point.individual) != bool(self.keypoints[0].individual) or (point.individual and self.individual):
            raise InputError.of("animals", "the animal is told in two ways", "name one column, or columns for each")

    @property
    def individuals(self) -> tuple[str, ...]:
        """Animals that have columns of their own, in order; none where a column tells them, or there is only one."""
        return tuple(dict.fromkeys(point.individual for point in self.keypoints if point.individual))

    def used(self) -> Iterator[tuple[str, str]]:
        """Yield where a column is named and its name, for each that the mapping names."""
        for field in ("frame", "time", "individual"):
            if name := getattr(self, field):
                yield field, name
        for point in self.keypoints:
            for axis in ("x", "y", "z", "confidence"):
                if name := getattr(point, axis):
                    yield f"keypoints.{point.keypoint}.{axis}", name
        for name in self.columns:
            yield "columns", name
