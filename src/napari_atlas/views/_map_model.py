"""What the latent map shows, worked out without drawing anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from napari_atlas.data.windows import SPLITS
from napari_atlas.session import linking
from napari_atlas.session.map_state import SHOWN
from napari_atlas.views._colors import MISSING, color_of, rgba_of
from napari_atlas.views._time import clock_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_atlas.data.atlas import Atlas
    from napari_atlas.data.window_columns import WindowColumns
    from napari_atlas.session.session import Cursor
    from napari_atlas.views._colors import Coloring, Rgba

__all__ = [
    "Cloud",
    "Picker",
    "cloud_of",
    "coloring_of",
    "describe",
    "inside_polygon",
    "marker_of",
    "markers_of",
    "recipe_of",
    "trail",
]

_OF_SHOWN = dict(zip(SHOWN, (SPLITS, ("test",), ("train",)), strict=True))

# Training windows look aligned because they were memorised, so test windows are the ones drawn to be seen.
_ALPHA = {"train": 0.5, "validation": 0.7, "test": 1.0, "gap": 0.25}
_SIZE = {"train": 6.0, "validation": 6.5, "test": 8.0, "gap": 5.0}
_SPLIT_WORDS = {"test": "held-out (test)", "gap": "guard gap, unused"}
_GREY_ALPHA = 0.16
_TRAIL = 8
_SEED = 0


@dataclass(frozen=True, eq=False)
class Cloud:
    """The points in drawing order, the stronger ones last.

    Attributes
    ----------
    ids
        (n_drawn,) window of each point; windows without coordinates are left out.
    positions
        (n_drawn, 2) map coordinates.
    faces
        (n_drawn, 4) colours.
    sizes
        (n_drawn,) diameters in pixels.
    edges
        (n_drawn,) widths of the outline in pixels; only test windows have one.
    symbols
        (n_drawn,) marker names.
    """

    ids: NDArray[np.int64]
    positions: NDArray[np.float32]
    faces: Rgba
    sizes: NDArray[np.float32]
    edges: NDArray[np.float32]
    symbols: NDArray[np.str_]

    def sample(self, n: int) -> Cloud:
        """Return at most *n* of the points, chosen at random but always the same ones, in drawing order."""
        if self.ids.size <= n:
            return self
        kept = np.sort(np.random.default_rng(_SEED).permutation(self.ids.size)[:n])
        return Cloud(
            self.ids[kept],
            self.positions[kept],
            self.faces[kept],
            self.sizes[kept],
            self.edges[kept],
            self.symbols[kept],
        )


class Picker:
    """Find windows by their place on the map.

    Parameters
    ----------
    coordinates
        (n_windows, 2); windows whose coordinates are NaN are never found.
    """

    def __init__(self, coordinates: NDArray[np.float32]) -> None:
        self._coordinates = coordinates
        self._ids = np.flatnonzero(np.isfinite(coordinates).all(axis=1))
        self._tree: cKDTree | None = None

    def nearest(self, place: NDArray[np.float64], reach: float) -> int:
        """Return the nearest window within *reach* of a place on the map; −1 if there is none."""
        if not self._ids.size:
            return -1
        if self._tree is None:
            self._tree = cKDTree(self._coordinates[self._ids])
        _, row = self._tree.query(place, distance_upper_bound=reach)
        return int(self._ids[row]) if row < self._ids.size else -1

    def within(self, polygon: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the windows inside a polygon, rising."""
        return self._ids[inside_polygon(self._coordinates[self._ids], polygon)]


def coloring_of(columns: WindowColumns, column: str, limits: tuple[float, float] | None = None) -> Coloring:
    """Return the colouring by a column, or by species where there is no such column."""
    return color_of(columns, column, limits) if column in columns.names else color_of(columns, "species")


def recipe_of(atlas: Atlas | None) -> str:
    """Return how the map was made and from which run, in words."""
    words = (atlas.recipe, f"run {atlas.run}" if atlas.run else "") if atlas is not None else ()
    return " · ".join(word for word in words if word)


def cloud_of(atlas: Atlas, coloring: Coloring, shown: str) -> Cloud:
    """Return the points of the map, those that are not *shown* grey."""
    table = atlas.windows.table
    ids = _drawing_order(atlas, shown)
    splits = np.array(SPLITS)[table.split[ids]]
    held_out = bool(table.in_split("test").any())
    alpha = np.array([_ALPHA[name] if held_out else 0.8 for name in SPLITS])[table.split[ids]]
    faces = coloring.rgba[ids].copy()
    faces[:, 3] = alpha
    grey = ~np.isin(splits, _OF_SHOWN[shown])
    faces[grey] = rgba_of([MISSING])[0]
    faces[grey, 3] = _GREY_ALPHA
    shrink = _shrink(ids.size)
    sizes = np.array([_SIZE[name] if held_out else 7.0 for name in SPLITS])[table.split[ids]] * shrink
    symbols = markers_of(atlas, ids)
    # A disc fills its box more than any other marker does.
    sizes = sizes * np.where(symbols == "disc", 1.0, 1.2)
    edges = np.where((splits == "test") & ~grey, 0.8 * shrink, 0.0)
    return Cloud(
        ids=ids,
        positions=atlas.coordinates[ids],
        faces=faces,
        sizes=sizes.astype(np.float32),
        edges=edges.astype(np.float32),
        symbols=symbols,
    )


def marker_of(atlas: Atlas, window: int) -> tuple[str, str]:
    """Return the marker and the colour of a window's species."""
    name = atlas.windows.table.keys[atlas.windows.table.track[window]].species
    kind = next(s for s in atlas.windows.species if s.name == name)
    return kind.marker, kind.color


def markers_of(atlas: Atlas, ids: NDArray[np.int64]) -> NDArray[np.str_]:
    """Return the (n_ids,) markers of windows."""
    return _markers(atlas)[atlas.windows.table.track[ids]]


def trail(atlas: Atlas, cursor: Cursor) -> NDArray[np.int64]:
    """Return the window at the cursor and those just before it, the current one last; empty if there is none."""
    window = linking.window_at(atlas, cursor)
    if window < 0 or window >= len(atlas.coordinates):
        return np.empty(0, dtype=np.int64)
    ids = linking.windows_of_track(atlas, cursor.recording, cursor.individual)
    behind = ids[ids <= window][-_TRAIL:]
    return behind[np.isfinite(atlas.coordinates[behind]).all(axis=1)]


def describe(atlas: Atlas, window: int) -> tuple[str, str, str]:
    """Return whose window it is, when it is, and what is known of it."""
    table = atlas.windows.table
    key = table.keys[table.track[window]]
    first, stop = int(table.first_frame[window]), int(table.stop_frame[window])
    info = atlas.recordings.get(key.recording)
    if info is not None and info.timebase.known:
        begin, last = (float(info.timebase.seconds_of_frame(frame)) for frame in (first, stop - 1))
        end = last + 1.0 / info.timebase.fps
        decimals = 1 if end - begin >= 1 else 2
        when = f"{clock_text(begin, decimals)} – {clock_text(end, decimals)}"
    else:
        when = f"frame {(first + stop) // 2}"
    celsius = float(table.temperature[window])
    split = SPLITS[int(table.split[window])]
    facts = [f"{celsius:.1f} °C"] if np.isfinite(celsius) else []
    return f"{key.recording} / {key.individual}", when, " · ".join([*facts, _SPLIT_WORDS.get(split, split)])


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
    near = np.flatnonzero(((points >= polygon.min(axis=0)) & (points <= polygon.max(axis=0))).all(axis=1))
    x, y = np.asarray(points[near], dtype=np.float64).T
    within = np.zeros(near.size, dtype=bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 != y1:
            within ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    inside[near] = within
    return inside


def _drawing_order(atlas: Atlas, shown: str) -> NDArray[np.int64]:
    """Return the windows with coordinates: grey ones first, test windows last, and no species on top of another."""
    table = atlas.windows.table
    ids = np.random.default_rng(_SEED).permutation(len(atlas.coordinates))
    ids = ids[np.isfinite(atlas.coordinates[ids]).all(axis=1)]
    weight = np.array([_ALPHA[name] + (name in _OF_SHOWN[shown]) for name in SPLITS])[table.split[ids]]
    return ids[np.argsort(weight, kind="stable")].astype(np.int64)


def _markers(atlas: Atlas) -> NDArray[np.str_]:
    """Return (n_tracks,) marker names."""
    by_name = {s.name: s.marker for s in atlas.windows.species}
    return np.array([by_name[key.species] for key in atlas.windows.table.keys])


def _shrink(n: int) -> float:
    """Return how much smaller points are drawn when there are very many."""
    return float(np.clip((20_000 / max(n, 1)) ** 0.2, 0.4, 1.0))
