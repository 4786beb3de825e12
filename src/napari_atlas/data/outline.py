"""Outlines (hulls) of one or several animals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Outline"]

_TRIANGLE = 3


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
        counts = np.diff(starts)
        areas = np.full(self.n_samples, np.nan)
        present = np.flatnonzero(counts >= _TRIANGLE)
        if not present.size:
            return areas
        following = np.arange(1, len(xy) + 1)
        following[starts[1:][counts > 0] - 1] = starts[:-1][counts > 0]
        origin = np.repeat(xy[np.minimum(starts[:-1], len(xy) - 1)], counts, axis=0)
        here = xy - origin
        there = xy[following] - origin
        cross = here[:, 0] * there[:, 1] - there[:, 0] * here[:, 1]
        sums = np.add.reduceat(cross, starts[:-1][counts > 0])
        whole = np.full(counts.size, np.nan)
        whole[counts > 0] = np.abs(sums) / 2
        areas[present] = whole[present]
        return areas
