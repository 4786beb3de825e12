"""Rows of a table → samples of a recording, and the rate that times tell."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_atlas.errors import InputError
from napari_atlas.io.track_file import FEW_LABELS

__all__ = ["rate_of", "samples_of_frames", "spread", "spread_times"]

_GAP = 1.5  # a step this many times the median one is a gap


def samples_of_frames(path: Path, frames: NDArray[np.float64]) -> tuple[NDArray[np.int64], int]:
    """Return the sample of each row, counted from the lowest frame number, and that number.

    Raises
    ------
    InputError
        If a number is missing, negative or broken, or too few of the frames that they span are there.
    """
    if not np.isfinite(frames).all() or (frames % 1 != 0).any() or (frames < 0).any():
        raise InputError.of(path, "its frame numbers are not all whole numbers from 0", "mend them, or leave them out")
    first = int(frames.min()) if frames.size else 0
    samples: NDArray[np.int64] = frames.astype(np.int64) - first
    span, found = int(samples.max(initial=-1)) + 1, np.unique(samples).size
    if found < FEW_LABELS * span:
        raise InputError.of(
            path,
            f"it holds {found} of the {span} frames that it spans, which are labels, not a track",
            "give every frame, or leave the frame numbers out",
        )
    return samples, first


def spread(values: NDArray[np.float64], samples: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return *values* laid out by sample along the first axis; NaN where no row tells, or not a finite one."""
    result = np.full((int(samples.max(initial=-1)) + 1, *values.shape[1:]), np.nan)
    result[samples] = values
    result[~np.isfinite(result)] = np.nan
    return result


def spread_times(times: NDArray[np.float64], samples: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the (n_samples,) seconds, filled in between rows; none unless the known ones rise with the samples."""
    laid = spread(times, samples)
    known = np.flatnonzero(np.isfinite(laid))
    if known.size < 2 or known[0] != 0 or known[-1] != laid.size - 1 or (np.diff(laid[known]) <= 0).any():
        return np.empty(0)
    return np.interp(np.arange(laid.size), known, laid[known])


def rate_of(times: NDArray[np.float64]) -> float:
    """Return the samples per second of rising times, gaps left out and rounded to 0.001; NaN for fewer than two."""
    steps = np.diff(times)
    steps = steps[steps > 0]
    if not steps.size:
        return math.nan
    return round(1.0 / float(steps[steps < _GAP * np.median(steps)].mean()), 3)
