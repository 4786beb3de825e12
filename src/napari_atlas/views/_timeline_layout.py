"""Where the rows of the timeline lie, and which part of an axis is on show; all in logical pixels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["LATENT", "SIGNAL", "TEMPERATURE", "Box", "Layout", "Span", "inside", "lay_out", "level"]

SIGNAL, TEMPERATURE, LATENT = "signal", "temperature", "latent"

_LEFT, _RIGHT, _TOP, _GAP = 82.0, 12.0, 2.0, 6.0
_AXIS, _STRIP, _CAPTION, _MARKS = 20.0, 13.0, 17.0, 5.0
_LEAST_STRIP, _STRIPS_SHARE = 7.0, 0.45
_MIN_BINS = 8.0


@dataclass(frozen=True)
class Box:
    """A rectangle, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.bottom - self.top

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies in it."""
        return self.left <= x <= self.right and self.top <= y <= self.bottom


@dataclass(frozen=True)
class Layout:
    """Where the rows lie.

    Attributes
    ----------
    panels
        By kind, one box for each lane: of the signal, the temperature and the latent, as far as they are on show.
    marks
        Marks of the selected windows.
    strips
        One strip of colours each, a colour for each window.
    axis
        Times below.
    """

    panels: Mapping[str, tuple[Box, ...]]
    marks: Box
    strips: tuple[Box, ...]
    axis: Box

    @property
    def all_panels(self) -> tuple[Box, ...]:
        """The panels from top to bottom."""
        return tuple(box for boxes in self.panels.values() for box in boxes)

    @property
    def upper(self) -> Box:
        """From the top to the marks."""
        return Box(self.axis.left, _TOP, self.axis.right, self.marks.top)

    @property
    def whole(self) -> Box:
        """From the top to the bottom of the last strip."""
        return Box(self.axis.left, _TOP, self.axis.right, self.axis.top)


@dataclass(frozen=True)
class Span:
    """The part of an axis on show; the axis counts bins, or another unit, from 0.

    Attributes
    ----------
    low, high
        Where it begins and ends.
    total
        Where the axis ends.
    least
        The shortest part that can be shown.
    """

    low: float
    high: float
    total: float
    least: float = _MIN_BINS

    @classmethod
    def whole(cls, total: float, least: float = _MIN_BINS) -> Span:
        """Return the whole of an axis."""
        return cls(0.0, float(total), float(total), least)

    def x(self, bins: NDArray[np.float64] | float, box: Box) -> NDArray[np.float64]:
        """Return the pixels of bins."""
        share = (np.asarray(bins, dtype=np.float64) - self.low) / (self.high - self.low)
        return np.asarray(box.left + share * box.width, dtype=np.float64)

    def bin_at(self, x: float, box: Box) -> float:
        """Return the bin at a pixel, kept inside the axis."""
        at = self.low + (x - box.left) / max(box.width, 1.0) * (self.high - self.low)
        return float(np.clip(at, 0, self.total))

    def columns(self, box: Box) -> NDArray[np.float64]:
        """Return the bins (n_pixels + 1,) between which each column of pixels of a box lies."""
        return np.linspace(self.low, self.high, max(1, int(box.width)) + 1)

    def zoomed(self, around: float, factor: float) -> Span:
        """Return a span *factor* times as long, with the bin *around* in its place."""
        share = (around - self.low) / (self.high - self.low)
        long = self._long((self.high - self.low) * factor)
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

    def around(self, low: float, high: float, margin: float) -> Span:
        """Return the span from one bin to another, with a share of its length on both sides."""
        long = self._long((high - low) * (1 + 2 * margin))
        return self._at((low + high - long) / 2, long)

    def _long(self, long: float) -> float:
        return float(np.clip(long, min(self.least, self.total), self.total))

    def _at(self, low: float, long: float) -> Span:
        low = float(np.clip(low, 0, max(0.0, self.total - long)))
        return Span(low, low + long, self.total, self.least)


def lay_out(width: float, height: float, lanes: Mapping[str, int], n_strips: int = 1) -> Layout:
    """Return the rows of a canvas.

    Parameters
    ----------
    width, height
        Of the canvas.
    lanes
        How many lanes each kind of panel has, from top to bottom; 0 leaves it out.
    n_strips
        How many strips there are.
    """
    left, right = _LEFT, max(_LEFT + 10, width - _RIGHT)
    axis = Box(left, height - _AXIS, right, height)
    each = float(np.clip(_STRIPS_SHARE * axis.top / max(1, n_strips), _LEAST_STRIP, _STRIP))
    tops = axis.top - each * np.arange(n_strips, 0, -1)
    strips = tuple(Box(left, top, right, top + each - 1) for top in tops.tolist())
    marks = Box(left, axis.top - each * n_strips - _MARKS, right, axis.top - each * n_strips)
    shown = {kind: n for kind, n in lanes.items() if n}
    weights = [_weight(kind, n) for kind, n in shown.items()]
    room = max(20.0, marks.top - 2 - _TOP - _GAP * max(0, len(shown) - 1))
    panels, top = {}, _TOP
    for (kind, n), weight in zip(shown.items(), weights, strict=True):
        bottom = top + room * weight / sum(weights)
        edges = pairwise(np.linspace(top, bottom, n + 1).tolist())
        panels[kind] = tuple(Box(left, begin, right, end - 2 * (n > 1)) for begin, end in edges)
        top = bottom + _GAP
    return Layout(panels, marks, strips, axis)


def inside(box: Box) -> Box:
    """Return a panel without its caption."""
    return Box(box.left, box.top + min(_CAPTION, 0.45 * box.height), box.right, box.bottom - min(4, 0.2 * box.height))


def level(box: Box, values: NDArray[np.float64], limits: tuple[float, float]) -> NDArray[np.float64]:
    """Return the pixels of values in a panel, kept inside it; its top is left to the caption."""
    inner = inside(box)
    share = (values - limits[0]) / ((limits[1] - limits[0]) or 1.0)
    return np.clip(inner.bottom - share * inner.height, max(box.top, inner.top - 2), min(box.bottom, inner.bottom + 2))


def _weight(kind: str, n_lanes: int) -> float:
    if kind == SIGNAL:
        return 1.27 if n_lanes == 1 else 2.3
    return 1.0 if n_lanes == 1 else 1.4
