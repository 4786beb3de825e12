"""Outlines (hulls) of one or several animals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Outline"]

_TRIANGLE = 3
_BLOCK = 4096  # polygons whose areas are taken at once


@dataclass(frozen=True)
class Outline:
    """One polygon per individual and sample, held as ragged arrays.

    Attributes
    ----------
    individuals
        Names, one per track.
    vertices
        Per individual (n_vertices_in_all, 2), pixels, x before y, polygon after polygon.
    starts
        Per individual (n_samples + 1,), where each sample's polygon begins in ``vertices``.
    """

    individuals: tuple[str, ...]
    vertices: tuple[NDArray[np.float64], ...]
    starts: tuple[NDArray[np.int64], ...]

    @property
    def n_samples(self) -> int:
        """Number of samples of the longest track."""
        return max((s.size - 1 for s in self.starts), default=0)

    @property
    def missing_fraction(self) -> float:
        """Fraction of samples, over all individuals, that have no hull."""
        total = self.n_samples * len(self.individuals)
        present = sum(int((np.diff(s) >= _TRIANGLE).sum()) for s in self.starts)
        return 1.0 - present / total if total else 1.0

    def polygon(self, individual: int, sample: int) -> NDArray[np.float64]:
        """Return the (n_vertices, 2) polygon at one sample; (0, 2) where there is none."""
        starts = self.starts[individual]
        if not 0 <= sample < starts.size - 1:
            return np.empty((0, 2))
        polygon = self.vertices[individual][starts[sample] : starts[sample + 1]]
        return polygon if len(polygon) >= _TRIANGLE else np.empty((0, 2))

    def areas(self, individual: int) -> NDArray[np.float64]:
        """Return the (n_samples,) areas in px² (shoelace formula); NaN where there are fewer than 3 vertices."""
        xy, starts = self.vertices[individual], self.starts[individual]
        areas = np.full(self.n_samples, np.nan)
        for begin in range(0, starts.size - 1, _BLOCK):
            edges = starts[begin : begin + _BLOCK + 1]
            areas[begin : begin + edges.size - 1] = _areas(xy[edges[0] : edges[-1]], edges - edges[0])
        return areas


def _areas(xy: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the (n_polygons,) areas of polygons that lie one after the other; NaN for fewer than 3 vertices."""
    counts = np.diff(starts)
    areas = np.full(counts.size, np.nan)
    filled = counts > 0
    if filled.any():
        first = starts[:-1][filled]
        x, y = (values - np.repeat(values[first], counts[filled]) for values in xy.T)
        cross = np.zeros(len(xy))
        cross[:-1] = x[:-1] * y[1:] - x[1:] * y[:-1]
        cross[starts[1:][filled] - 1] = 0.0  # the last vertex goes back to the first one, which is the origin
        areas[filled] = np.abs(np.add.reduceat(cross, first)) / 2
    areas[counts < _TRIANGLE] = np.nan
    return areas
