"""Covariates as columns: one value per bin of a track, or per window of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.covariates import Course
from napari_atlas.data.recording import Recording
from napari_atlas.errors import InputError

__all__ = ["CovariateColumn", "bins_of_course", "covariates_on_bins", "merged", "over_windows", "recoded"]


@dataclass(frozen=True, eq=False)
class CovariateColumn:
    """A named number or class, one per row.

    Attributes
    ----------
    name
        Of the covariate.
    values
        (n_rows,) numbers, or indices into ``classes``; NaN where unknown.
    classes
        Names of the classes; empty if it is a number.
    """

    name: str
    values: NDArray[np.float64]
    classes: tuple[str, ...] = ()

    def texts(self) -> NDArray[np.str_]:
        """Return the (n_rows,) class names, empty where unknown."""
        names = np.array(("", *self.classes))
        return names[np.where(np.isfinite(self.values), self.values + 1, 0).astype(np.int64)]


def bins_of_course(
    course: Course, recording: Recording, edges: NDArray[np.int64], times: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the (n_bins,) values of a course.

    A log is read at the beginning of each bin; of values per frame it is the mean over the bin's known ones, of
    classes that of the bin's middle frame.

    Parameters
    ----------
    course
        Numbers or classes.
    recording
        Its clock tells which frames the bins hold.
    edges
        (n_bins + 1,) samples at which the bins begin.
    times
        (n_bins,) seconds at which they begin.
    """
    if not course.by_frame:
        return course.at(times)
    frames = recording.timebase.frame_of_sample(edges)
    if course.classes:
        return course.at((frames[:-1] + frames[1:]) // 2)
    if frames.size < 2:
        return np.empty(0)
    values = course.at(np.arange(frames[0], frames[-1]))
    known = np.isfinite(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])[frames - frames[0]]
    counts = np.concatenate([[0], np.cumsum(known)])[frames - frames[0]]
    return np.where(np.diff(counts) > 0, np.diff(sums) / np.maximum(np.diff(counts), 1), np.nan)


def covariates_on_bins(
    recording: Recording, individual: int, edges: NDArray[np.int64], times: NDArray[np.float64]
) -> tuple[CovariateColumn, ...]:
    """Return the covariates of one animal, temperature apart, one value per bin."""
    chosen = {name: courses[individual if len(courses) > 1 else 0] for name, courses in recording.covariates.items()}
    return tuple(
        CovariateColumn(name, bins_of_course(course, recording, edges, times), course.classes)
        for name, course in chosen.items()
    )


def over_windows(column: CovariateColumn, starts: NDArray[np.int64], length: int) -> CovariateColumn:
    """Return one value per window of *length* bins: the median of its known numbers, or the class that it has most of.

    Of classes that it has equally much of it is the first one; NaN where nothing is known.
    """
    values = np.full(starts.size, np.nan)
    if starts.size and np.isfinite(column.values).any():
        bins = column.values[starts[:, None] + np.arange(length)]
        known = np.isfinite(bins)
        rows = known.any(axis=1)
        if column.classes:
            counts = np.stack([(bins[rows] == i).sum(axis=1) for i in range(len(column.classes))], axis=1)
            values[rows] = counts.argmax(axis=1)
        else:
            values[rows] = np.nanmedian(bins[rows], axis=1)
    return CovariateColumn(column.name, values, column.classes)


def merged(parts: Sequence[tuple[Sequence[CovariateColumn], int]]) -> tuple[CovariateColumn, ...]:
    """Return columns over all rows of several parts, given as (columns, n_rows); a part without one is unknown there.

    Raises
    ------
    InputError
        If a covariate is a number in one part and a class in another.
    """
    names = dict.fromkeys(column.name for columns, _ in parts for column in columns)
    return tuple(_merged_one(name, parts) for name in names)


def _merged_one(name: str, parts: Sequence[tuple[Sequence[CovariateColumn], int]]) -> CovariateColumn:
    mine = [next((c for c in columns if c.name == name), None) for columns, _ in parts]
    known = [c for c in mine if c is not None and np.isfinite(c.values).any()]
    if any(c.classes for c in known) and not all(c.classes for c in known):
        told = "it is a number in one recording and a class in another"
        raise InputError.of(f"covariate {name}", told, "write it in the same way everywhere")
    classes = tuple(sorted({text for c in known for text in c.classes}))
    values = [
        np.full(n_rows, np.nan) if column is None else recoded(column, classes)
        for column, (_, n_rows) in zip(mine, parts, strict=True)
    ]
    return CovariateColumn(name, np.concatenate(values), classes)


def recoded(column: CovariateColumn, classes: tuple[str, ...]) -> NDArray[np.float64]:
    """Return (n_rows,) indices into other classes, NaN where a class is none of them; numbers stay as they are."""
    if not column.classes or column.classes == classes:
        return column.values
    codes = np.array([classes.index(text) if text in classes else np.nan for text in column.classes])
    known = np.isfinite(column.values)
    values = np.full(column.values.size, np.nan)
    values[known] = codes[column.values[known].astype(np.int64)]
    return values
