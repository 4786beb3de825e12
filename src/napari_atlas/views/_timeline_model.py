"""What the timeline shows of a track, worked out without drawing anything; the x axis counts bins of the track."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from napari_atlas.data.signals import SIGNALS
from napari_atlas.session import linking
from napari_atlas.views._time import clock_text, nice_step, ticks
from napari_atlas.views._timeline_layout import level

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_atlas.data.atlas import Atlas
    from napari_atlas.data.species import Species
    from napari_atlas.data.windows import Track
    from napari_atlas.session.session import Cursor
    from napari_atlas.views._timeline_layout import Box, Span

__all__ = [
    "LANES",
    "Course",
    "bin_of_frame",
    "caption",
    "channel_names",
    "clocked",
    "curve",
    "envelope",
    "filled",
    "frame_of_bin",
    "heat",
    "heat_scale",
    "label_of",
    "step_curve",
    "strengths",
    "tile_at",
    "tiles",
    "time_text",
    "time_ticks",
    "track_at",
    "value_range",
    "value_ticks",
]

LANES = 4  # more channels than these are drawn as one picture, a row for each

_BLOCK = 64  # bins whose least and greatest value a course keeps, so that a long one is drawn as fast as a short one
_PER_COLUMN, _ENOUGH, _MANY = 4, 2000, 50_000


class Course:
    """A number over the bins of a track, with what is needed to draw any part of it fast.

    Parameters
    ----------
    values
        (n_bins,), NaN where unknown.
    """

    def __init__(self, values: NDArray[np.float64]) -> None:
        self.values = values

    @cached_property
    def ends(self) -> NDArray[np.float64]:
        """The (n_blocks, 2) least and greatest value of each full block; NaN where none is known."""
        whole = self.values[: len(self.values) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
        return np.stack([np.fmin.reduce(whole, axis=1), np.fmax.reduce(whole, axis=1)], axis=1)


def track_at(atlas: Atlas | None, cursor: Cursor) -> Track | None:
    """Return the track of the cursor's animal, if there is one with any bins."""
    index = atlas.track_index(cursor.recording, cursor.individual) if atlas is not None else -1
    track = atlas.tracks[index] if atlas is not None and index >= 0 else None
    return track if track is not None and len(track.values) else None


def bin_of_frame(track: Track, frame: float) -> float:
    """Return the bin, with its fraction, of a video frame; kept inside the track."""
    edges = track.frames
    at = int(np.clip(np.searchsorted(edges, frame, side="right") - 1, 0, edges.size - 2))
    first, stop = float(edges[at]), float(edges[at + 1])
    return at + float(np.clip((frame - first) / (stop - first or 1.0), 0.0, 1.0))


def frame_of_bin(track: Track, at: float) -> int:
    """Return the video frame at a bin; the last frame of the track at its end."""
    edges, whole = track.frames, int(np.clip(at, 0, track.frames.size - 2))
    share = float(np.clip(at - whole, 0.0, 1.0))
    frame = int(edges[whole] + share * (edges[whole + 1] - edges[whole]))
    return int(np.clip(frame, edges[0], max(edges[0], edges[-1] - 1)))


def clocked(track: Track) -> bool:
    """Whether the times of a track's bins are known."""
    return track.times.size > 1 and bool(np.isfinite(track.times[:2]).all())


def envelope(course: Course, span: Span, pixels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return bins and values to draw as a line: all of those on show, or their least and greatest per pixel.

    Parameters
    ----------
    course
        The values.
    span
        Bins on show.
    pixels
        Width of the panel.

    Returns
    -------
    tuple of NDArray
        (n_drawn,) bin centres and values; values are NaN where the line has a gap.
    """
    n_bins = len(course.values)
    first, stop = max(0, int(span.low) - 1), min(n_bins, int(np.ceil(span.high)) + 1)
    per = max(1, (stop - first) // max(1, 2 * pixels))
    if per == 1:
        return np.arange(first, stop, dtype=np.float64) + 0.5, course.values[first:stop]
    if per >= 2 * _BLOCK:
        blocks = course.ends[first // _BLOCK : stop // _BLOCK]
        first, per, each = first // _BLOCK * _BLOCK, per // _BLOCK, per // _BLOCK * _BLOCK
    else:
        first, each = first // per * per, per
        blocks = np.repeat(course.values[first:stop, None], 2, axis=1)
    whole = blocks[: len(blocks) // per * per].reshape(-1, per, 2)
    pairs = np.stack([np.fmin.reduce(whole[..., 0], axis=1), np.fmax.reduce(whole[..., 1], axis=1)], axis=1)
    return np.repeat(first + (np.arange(len(whole)) + 0.5) * each, 2), pairs.ravel()


def curve(
    course: Course, span: Span, box: Box, limits: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the pixels (x, y) of a line in a panel; y is NaN in its gaps and beyond the panel."""
    bins, kept = envelope(course, span, int(box.width))
    x = span.x(bins, box)
    within = (x >= box.left) & (x <= box.right)
    return x, np.where(within, level(box, kept, limits), np.nan)


def step_curve(
    values: NDArray[np.float64], at: NDArray[np.int64], box: Box, limits: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the pixels (x, y) of a number of windows, which of them at each column of pixels being given."""
    x = np.asarray(box.left + np.arange(at.size) + 0.5, dtype=np.float64)
    if not values.size:
        return x, np.full(at.size, np.nan)
    return x, np.where(at >= 0, level(box, values[at], limits), np.nan)


def tile_at(edges: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return which tile (n_tiles, 2) the middle of each column lies in, −1 if none; from the (n + 1,) edges of columns.

    However many tiles there are, the work is that of the columns.
    """
    middle = (columns[:-1] + columns[1:]) / 2
    at = np.searchsorted(edges[:, 0], middle, side="right") - 1
    known = at >= 0
    known[known] = middle[known] < edges[at[known], 1]
    return np.where(known, at, -1)


def filled(edges: NDArray[np.float64], columns: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return (n_columns,) whether a column holds any part of the tiles *rows*, so that no lone one is lost."""
    first = np.searchsorted(edges[:, 1], columns[:-1], side="right")
    stop = np.searchsorted(edges[:, 0], columns[1:], side="left")
    return np.asarray(np.searchsorted(rows, stop) > np.searchsorted(rows, first))


def value_range(values: NDArray[np.float64], tail: float = 0.2) -> tuple[float, float]:
    """Return the limits of an axis; *tail* per cent at both ends may lie beyond them."""
    some = values[:: max(1, len(values) // _MANY)]
    known = some[np.isfinite(some)]
    if not known.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(known, [tail, 100 - tail]))
    pad = 0.04 * (high - low) or 0.5
    return low - pad, high + pad


def value_ticks(limits: tuple[float, float], pixels: float) -> list[tuple[float, str]]:
    """Return a few round values with their labels."""
    step = nice_step(limits[1] - limits[0], int(max(1, pixels // 22)))
    return [(float(v), f"{v:.6g}".replace("-", "−")) for v in np.round(ticks(*limits, step), 12)]


def time_ticks(track: Track, span: Span, pixels: float) -> list[tuple[float, str]]:
    """Return bins with their labels: m:ss where the clock is known, else the number of the bin."""
    wanted = int(max(2, pixels // 80))
    if not clocked(track):
        step = max(1.0, nice_step(span.high - span.low, wanted))
        return [(float(v), f"{v:.0f}") for v in ticks(span.low, span.high, step)]
    begin, each = float(track.times[0]), float(track.times[1] - track.times[0])
    low, high = begin + span.low * each, begin + span.high * each
    step = nice_step(high - low, wanted, clock=True)
    decimals = 0 if step >= 1 else int(np.ceil(-np.log10(step)))
    return [((float(t) - begin) / each, clock_text(float(t), decimals)) for t in ticks(low, high, step)]


def time_text(track: Track, at: float, decimals: int = 1) -> str:
    """Return the time of a bin as m:ss where the clock is known, else the number of the bin."""
    if not clocked(track):
        return f"{at:.0f}"
    return clock_text(float(track.times[0]) + at * float(track.times[1] - track.times[0]), decimals)


def tiles(atlas: Atlas, track: Track) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the window ids of a track, and (n_windows, 2) bins from and to which each is drawn.

    Windows overlap, so each is drawn from halfway to the one before to halfway to the one after, but no
    longer than it is.
    """
    ids = linking.windows_of_track(atlas, track.key.recording, track.key.individual)
    table = atlas.windows.table
    if not ids.size:
        return ids, np.empty((0, 2))
    centres = (table.start[ids] + table.stop[ids]) / 2
    between = (centres[1:] + centres[:-1]) / 2
    left = np.maximum(np.concatenate([table.start[ids[:1]], between]), table.start[ids])
    right = np.minimum(np.concatenate([between, table.stop[ids[-1:]]]), table.stop[ids])
    return ids, np.stack([left, right], axis=1)


def heat_scale(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (2, n_channels) the value of each channel drawn faintest and strongest, from bins spread evenly."""
    some = values[:: max(1, len(values) // _ENOUGH)]
    known = np.isfinite(some)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, some, 0.0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, some - mean, 0.0) ** 2).sum(axis=0) / count)
    return np.stack([mean - 2 * spread, mean + 2 * spread])


def heat(values: NDArray[np.float64], span: Span, pixels: int, scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n_channels, n_pixels) strengths from 0 to 1 of the channels on show; NaN where unknown.

    Parameters
    ----------
    values
        (n_bins, n_channels).
    span
        Bins on show.
    pixels
        Width of the panel; each column is the mean of a few bins that lie in it.
    scale
        From `heat_scale`.
    """
    at = span.low + (np.arange(pixels * _PER_COLUMN) + 0.5) / (pixels * _PER_COLUMN) * (span.high - span.low)
    columns = values[np.minimum(at.astype(np.int64), len(values) - 1)].reshape(pixels, _PER_COLUMN, -1)
    known = np.isfinite(columns)
    count = known.sum(axis=1)
    return strengths(
        np.where(count > 0, np.where(known, columns, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan), scale
    )


def strengths(values: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n_channels, n) strengths from 0 to 1 of values (n, n_channels), on a scale from `heat_scale`."""
    wide = scale[1] - scale[0]
    return np.asarray(np.clip((values - scale[0]) / np.where(wide > 0, wide, 1.0), 0, 1).T)


def caption(atlas: Atlas, track: Track) -> str:
    """Return the name of a track's signal, with its unit if it has one and it is known."""
    if len(track.channels) == 1:
        return track.channels[0]
    signal = _species_of(atlas, track).signal
    if signal not in SIGNALS:
        return "signal" if signal == "array" else signal
    unit = SIGNALS[signal].unit
    return f"{signal} ({unit})" if unit else signal


def channel_names(track: Track) -> tuple[str, ...]:
    """Return the names of a track's channels, numbers where they have none."""
    n_channels = track.values.shape[1]
    return track.channels or tuple(f"channel {i + 1}" for i in range(n_channels))


def label_of(track: Track) -> str:
    """Return whose track it is."""
    return f"{track.key.recording} · {track.key.individual}"


def _species_of(atlas: Atlas, track: Track) -> Species:
    return next(s for s in atlas.windows.species if s.name == track.key.species)
