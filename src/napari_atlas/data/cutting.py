"""Lay windows that were cut elsewhere out again as tracks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_atlas.data.recording import CutWindows
from napari_atlas.errors import InputError

__all__ = ["find_stride", "recover_tracks"]


def find_stride(windows: NDArray[np.float64]) -> int:
    """Return the step between consecutive windows, found from their overlap; the window's length if there is none.

    Parameters
    ----------
    windows
        (n_windows, n_times, n_channels), in the order in which they were cut.
    """
    length = int(windows.shape[1])
    sample = windows[: min(len(windows), 2000)]
    if len(sample) < 2:
        return length
    shares = [_continues(sample, step).mean() for step in range(1, length)]
    best = int(np.argmax(shares)) if shares else 0
    return int(best + 1) if shares and shares[best] > 0.5 else length


def recover_tracks(windows: ArrayLike, temperatures: ArrayLike = ()) -> CutWindows:
    """Return the tracks that a stack of overlapping windows was cut from.

    A track ends where a window does not continue the one before it. Windows that do not overlap at all are
    each taken as they are, one after the other, in a single track.

    Parameters
    ----------
    windows
        (n_windows, n_times, n_channels) or (n_windows, n_times); NaN where missing.
    temperatures
        (n_windows,) °C, or empty.

    Raises
    ------
    InputError
        If the shapes do not fit.
    """
    stack = np.asarray(windows, dtype=np.float64)
    stack = stack[..., None] if stack.ndim == 2 else stack
    if stack.ndim != 3 or not stack.size:
        raise InputError.of("windows", f"shape {stack.shape} is not (n_windows, n_times, n_channels)", "reshape them")
    labels = np.asarray(temperatures, dtype=np.float64).ravel()
    if labels.size not in (0, len(stack)):
        raise InputError.of(
            "temperatures", f"{labels.size} values for {len(stack)} windows", "give one for each window"
        )
    labels = labels if labels.size else np.full(len(stack), np.nan)
    stride, length = find_stride(stack), stack.shape[1]
    if stride == length:
        rows = [np.arange(len(stack))]
    else:
        rows = np.split(np.arange(len(stack)), np.flatnonzero(~_continues(stack, stride)) + 1)
    return CutWindows(
        individuals=tuple(f"track-{i}" for i in range(len(rows))),
        values=tuple(_join(stack[r], stride) for r in rows),
        starts=tuple(np.arange(r.size, dtype=np.int64) * stride for r in rows),
        temperatures=tuple(labels[r] for r in rows),
        rows=tuple(r.astype(np.int64) for r in rows),
        length=length,
    )


def _continues(stack: NDArray[np.float64], step: int) -> NDArray[np.bool_]:
    """Return (n_windows − 1,) whether each window, moved by *step*, agrees with the next one."""
    before, after = stack[:-1, step:], stack[1:, : stack.shape[1] - step]
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    return np.asarray(same.all(axis=(1, 2)))


def _join(stack: NDArray[np.float64], stride: int) -> NDArray[np.float64]:
    """Return the (n_samples, n_channels) track of consecutive windows of one track."""
    return np.concatenate([stack[:-1, :stride].reshape(-1, stack.shape[2]), stack[-1]])
