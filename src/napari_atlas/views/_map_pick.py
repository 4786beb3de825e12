"""Find windows by their place on the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Picker", "inside_polygon"]

# Points are put into so many bands, so that each is compared with the few edges that cross its band.
_BANDS = 128


class Picker:
    """Find windows by their place in a plane.

    Parameters
    ----------
    places
        (n_windows, 2); windows whose places are NaN are never found.
    """

    def __init__(self, places: NDArray[np.floating]) -> None:
        self._ids = np.flatnonzero(np.isfinite(places).all(axis=1))
        self._places = places if self._ids.size == len(places) else places[self._ids]
        self._tree: cKDTree | None = None

    def build(self) -> None:
        """Make the search quick; until then every window is looked at. It may be called in a thread."""
        if self._ids.size:
            self._tree = cKDTree(self._places, balanced_tree=False, compact_nodes=False)

    def nearest(self, place: NDArray[np.float64], reach: float) -> int:
        """Return the nearest window within *reach* of a place; −1 if there is none."""
        if self._tree is None:
            return self._by_looking(place, reach)
        _, row = self._tree.query(place, distance_upper_bound=reach)
        return int(self._ids[row]) if row < self._ids.size else -1

    def within(self, polygon: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return the windows inside a polygon, rising."""
        return self._ids[inside_polygon(self._places, polygon)]

    def _by_looking(self, place: NDArray[np.float64], reach: float) -> int:
        x, y = place.astype(self._places.dtype)
        near = np.flatnonzero(np.abs(self._places[:, 0] - x) <= reach)
        near = near[np.abs(self._places[near, 1] - y) <= reach]
        away = np.hypot(*(self._places[near] - place).T)
        return int(self._ids[near[away.argmin()]]) if near.size and away.min() <= reach else -1


def inside_polygon(points: NDArray[np.floating], polygon: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return (n_points,) whether each point lies inside a polygon, by the even-odd rule.

    Parameters
    ----------
    points
        (n_points, 2).
    polygon
        (n_corners, 2); it is closed by itself.
    """
    inside = np.zeros(len(points), dtype=bool)
    if len(polygon) < 3:
        return inside
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    x, y = points[:, 0], points[:, 1]
    near = np.flatnonzero((x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1]))
    begins, ends = np.asarray(polygon, dtype=np.float64), np.roll(polygon, -1, axis=0).astype(np.float64)
    # Level edges are crossed by no level line.
    edges = np.concatenate([begins, ends], axis=1)[begins[:, 1] != ends[:, 1]]
    height = (float(high[1]) - float(low[1])) / _BANDS or 1.0
    band = ((y[near] - low[1]) / height).astype(np.int16)
    order = np.argsort(band, kind="stable")
    near = near[order]
    starts = np.searchsorted(band[order], np.arange(_BANDS + 2))
    least, most = (np.sort(edges[:, 1::2], axis=1).T - low[1]) / height
    for i in range(_BANDS + 1):
        rows = near[starts[i] : starts[i + 1]]
        if rows.size:
            # A little wide: rounding must not part a point from an edge.
            crossing = edges[(least <= i + 1.01) & (most >= i - 0.01)]
            inside[rows] = _odd(x[rows].astype(np.float64), y[rows].astype(np.float64), crossing)
    return inside


def _odd(x: NDArray[np.float64], y: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return whether a line from each point to the left crosses an odd number of edges."""
    odd = np.zeros(x.size, dtype=bool)
    for x0, y0, x1, y1 in edges:
        odd ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return odd
