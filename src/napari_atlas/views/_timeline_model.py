"""What the timeline shows, worked out without drawing anything; the x axis counts bins of a track."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from napari_atlas.data.signals import SIGNALS
from napari_atlas.session import linking
from napari_atlas.views._time import clock_text, nice_step, ticks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_atlas.data.atlas import Atlas
    from napari_atlas.data.species import Species
    from napari_atlas.data.windows import Track
    from napari_atlas.session.session import Cursor

__all__ = [
    "LANES",
    "Box",
    "Rows",
    "Span",
    "bin_of_frame",
    "boxes_of",
    "caption",
    "channel_names",
    "curve",
    "envelope",
    "frame_of_bin",
    "heat",
    "heat_scale",
    "label_of",
    "lay_out",
    "marks_of",
    "thinned",
    "tiles",
    "time_ticks",
    "track_at",
    "value_range",
    "value_ticks",
]

LANES = 4  # more channels than these are drawn as one picture, a row for each

_LEFT, _RIGHT, _TOP, _GAP = 50.0, 12.0, 2.0, 6.0
_AXIS, _STRIP, _CAPTION = 20.0, 14.0, 17.0
_MIN_BINS = 8.0
_PER_COLUMN, _ENOUGH = 4, 2000


@dataclass(frozen=True)
class Box:
    """A rectangle in logical pixels, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.right - self.left


@dataclass(frozen=True)
class Rows:
    """Where the rows lie.

    Attributes
    ----------
    panels
        One for each lane of the signal, and temperature where there is any.
    strip
        The windows.
    axis
        Times below.
    """

    panels: tuple[Box, ...]
    strip: Box
    axis: Box

    @property
    def whole(self) -> Box:
        """From the top of the signal to the bottom of the strip."""
        return Box(self.strip.left, self.panels[0].top, self.strip.right, self.strip.bottom)

    def y(self, row: int, values: NDArray[np.float64], limits: tuple[float, float]) -> NDArray[np.float64]:
        """Return the pixels of values in a panel, kept inside it; its top is left to the caption."""
        inner = self.inside(row)
        top, bottom = inner.top, inner.bottom
        share = (values - limits[0]) / ((limits[1] - limits[0]) or 1.0)
        return np.clip(bottom - share * (bottom - top), top - 2, bottom + 2)

    def inside(self, row: int) -> Box:
        """Return a panel without its caption."""
        box = self.panels[row]
        return Box(box.left, box.top + min(_CAPTION, 0.45 * (box.bottom - box.top)), box.right, box.bottom - 4)


@dataclass(frozen=True)
class Span:
    """The bins on show.

    Attributes
    ----------
    low, high
        First bin and end, as fractions of bins.
    n_bins
        Bins in the track.
    """

    low: float
    high: float
    n_bins: int

    def x(self, bins: NDArray[np.float64] | float, box: Box) -> NDArray[np.float64]:
        """Return the pixels of bins."""
        share = (np.asarray(bins, dtype=np.float64) - self.low) / (self.high - self.low)
        return np.asarray(box.left + share * box.width, dtype=np.float64)

    def bin_at(self, x: float, box: Box) -> float:
        """Return the bin at a pixel, kept inside the track."""
        at = self.low + (x - box.left) / max(box.width, 1.0) * (self.high - self.low)
        return float(np.clip(at, 0, self.n_bins))

    def zoomed(self, around: float, factor: float) -> Span:
        """Return a span *factor* times as long, with the bin *around* in its place."""
        long = float(np.clip((self.high - self.low) * factor, min(_MIN_BINS, self.n_bins), self.n_bins))
        share = (around - self.low) / (self.high - self.low)
        return self._at(around - share * long, long)

    def moved(self, bins: float) -> Span:
        """Return the span so many bins later."""
        return self._at(self.low + bins, self.high - self.low)

    def holding(self, at: float) -> Span:
        """Return the span itself if it holds a bin, else one of the same length that does."""
        if self.low <= at <= self.high:
            return self
        long = self.high - self.low
        return self._at(at - 0.1 * long, long)

    def _at(self, low: float, long: float) -> Span:
        low = float(np.clip(low, 0, max(0.0, self.n_bins - long)))
        return Span(low, low + long, self.n_bins)


def lay_out(width: float, height: float, thermal: bool, lanes: int = 1) -> Rows:
    """Return the rows of a canvas: lanes of the signal, and with or without one for temperature."""
    left, right = _LEFT, max(_LEFT + 10, width - _RIGHT)
    axis = Box(left, height - _AXIS, right, height)
    strip = Box(left, axis.top - _STRIP, right, axis.top)
    room = max(20.0, strip.top - _GAP - _TOP)
    middle = _TOP + (0.56 if lanes == 1 else 0.7) * (room - _GAP) if thermal else _TOP + room
    edges = np.linspace(_TOP, middle, lanes + 1).tolist()
    panels = [Box(left, top, right, bottom - 2 * (lanes > 1)) for top, bottom in pairwise(edges)]
    if thermal:
        panels.append(Box(left, middle + _GAP, right, _TOP + room))
    return Rows(tuple(panels), strip, axis)


def track_at(atlas: Atlas | None, cursor: Cursor) -> Track | None:
    """Return the track of the cursor's animal, if there is one with any bins."""
    index = atlas.track_index(cursor.recording, cursor.individual) if atlas is not None else -1
    track = atlas.tracks[index] if atlas is not None and index >= 0 else None
    return track if track is not None and len(track.values) else None


def bin_of_frame(track: Track, frame: float) -> float:
    """Return the bin, with its fraction, of a video frame; kept inside the track."""
    return float(np.interp(frame, track.frames, np.arange(track.frames.size)))


def frame_of_bin(track: Track, at: float) -> int:
    """Return the video frame at a bin; the last frame of the track at its end."""
    frame = int(np.interp(at, np.arange(track.frames.size), track.frames))
    return int(np.clip(frame, track.frames[0], max(track.frames[0], track.frames[-1] - 1)))


def envelope(values: NDArray[np.float64], span: Span, pixels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return bins and values to draw as a line: all of those on show, or their least and most per pixel.

    Parameters
    ----------
    values
        (n_bins,).
    span
        Bins on show.
    pixels
        Width of the panel.

    Returns
    -------
    tuple of NDArray
        (n_drawn,) bin centres and values; values are NaN where the line has a gap.
    """
    first, stop = max(0, int(span.low) - 1), min(len(values), int(np.ceil(span.high)) + 1)
    part = values[first:stop]
    per = max(1, (stop - first) // max(1, 2 * pixels))
    if per == 1:
        return np.asarray(np.arange(first, stop) + 0.5, dtype=np.float64), part
    whole = part[: len(part) // per * per].reshape(-1, per)
    known = np.asarray(np.isfinite(whole).any(axis=1))
    low = np.where(np.isfinite(whole), whole, np.inf).min(axis=1)
    high = np.where(np.isfinite(whole), whole, -np.inf).max(axis=1)
    pairs = np.where(known[:, None], np.stack([low, high], axis=1), np.nan).ravel()
    centres = first + (np.arange(len(whole)) + 0.5) * per
    return np.repeat(centres, 2), pairs


def curve(
    values: NDArray[np.float64], span: Span, rows: Rows, row: int, limits: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the pixels (x, y) of a line in a panel; y is NaN in its gaps and beyond the panel."""
    bins, kept = envelope(values, span, int(rows.strip.width))
    x = span.x(bins, rows.strip)
    inside = (x >= rows.strip.left) & (x <= rows.strip.right)
    return x, np.where(inside, rows.y(row, kept, limits), np.nan)


def boxes_of(edges: NDArray[np.float64], span: Span, strip: Box) -> NDArray[np.float64]:
    """Return (n, 4) boxes in the strip from (n, 2) bins, with a hair between them where there is room."""
    x = np.clip(span.x(edges, strip), strip.left, strip.right)
    hair = np.where(x[:, 1] - x[:, 0] > 4, 1.0, 0.0)
    level = np.ones(len(x))
    return np.stack([x[:, 0], strip.top * level, x[:, 1] - hair, strip.bottom * level], axis=1)


def marks_of(edges: NDArray[np.float64], span: Span, strip: Box) -> NDArray[np.float64]:
    """Return boxes above the strip, each at least a pixel wide and none twice, so that no lone window is lost."""
    boxes = boxes_of(edges[(edges[:, 1] > span.low) & (edges[:, 0] < span.high)], span, strip)
    boxes[:, 2] = np.maximum(boxes[:, 2], boxes[:, 0] + 1)
    boxes[:, 1], boxes[:, 3] = strip.top - 4, strip.top - 1
    return np.unique(np.round(boxes), axis=0) if len(boxes) > strip.width else boxes


def thinned(edges: NDArray[np.float64], span: Span, pixels: float) -> NDArray[np.int64]:
    """Return the rows of the windows on show, of which some are left out if there are more than pixels."""
    rows = np.flatnonzero((edges[:, 1] > span.low) & (edges[:, 0] < span.high))
    return rows[:: max(1, int(rows.size // max(pixels, 1.0)))]


def value_range(values: NDArray[np.float64], tail: float = 0.2) -> tuple[float, float]:
    """Return the limits of an axis; *tail* per cent at both ends may lie beyond them."""
    known = values[np.isfinite(values)]
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
    if not np.isfinite(track.times).all() or track.times.size < 2:
        step = max(1.0, nice_step(span.high - span.low, wanted))
        return [(float(v), f"{v:.0f}") for v in ticks(span.low, span.high, step)]
    begin, each = float(track.times[0]), float(track.times[1] - track.times[0])
    low, high = begin + span.low * each, begin + span.high * each
    step = nice_step(high - low, wanted, clock=True)
    decimals = 0 if step >= 1 else int(np.ceil(-np.log10(step)))
    return [((float(t) - begin) / each, clock_text(float(t), decimals)) for t in ticks(low, high, step)]


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
    mean = np.where(count > 0, np.where(known, columns, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)
    wide = scale[1] - scale[0]
    return np.asarray(np.clip((mean - scale[0]) / np.where(wide > 0, wide, 1.0), 0, 1).T)


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
