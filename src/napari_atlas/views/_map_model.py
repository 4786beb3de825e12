"""What the latent map shows, worked out without drawing anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_atlas.data.species import MARKERS
from napari_atlas.data.windows import SPLITS
from napari_atlas.session import linking
from napari_atlas.session.map_state import SHOWN
from napari_atlas.views._colors import MISSING, color_of, rgba_of
from napari_atlas.views._map_layout import recipe_of
from napari_atlas.views._map_pick import Picker, inside_polygon
from napari_atlas.views._time import clock_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_atlas.data.atlas import Atlas
    from napari_atlas.data.window_columns import WindowColumns
    from napari_atlas.session.session import Cursor
    from napari_atlas.views._colors import Coloring, Rgba

__all__ = [
    "GREY",
    "Cloud",
    "Picker",
    "cloud_of",
    "coloring_of",
    "describe",
    "inside_polygon",
    "marker_of",
    "markers_of",
    "recipe_of",
    "shrink_of",
    "trail",
]

_OF_SHOWN = dict(zip(SHOWN, (SPLITS, ("test",), ("train",)), strict=True))

# Training windows look aligned because they were memorised, so test windows are the ones drawn to be seen.
_ALPHA = {"train": 0.5, "validation": 0.7, "test": 1.0, "gap": 0.25}
_SIZE = {"train": 6.0, "validation": 6.5, "test": 8.0, "gap": 5.0}
_SPLIT_WORDS = {"test": "held-out (test)", "gap": "guard gap, unused"}
GREY = np.append(rgba_of([MISSING])[0, :3], 0.16).astype(np.float32)
_TRAIL = 8
_SEED = 0


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points; where they are drawn one by one, the last one lies on top.

    Attributes
    ----------
    ids
        (n_drawn,) window of each point; windows without a place are left out.
    positions
        (n_drawn, 2) or (n_drawn, 3) map coordinates.
    faces
        (n_drawn, 4) colours.
    sizes
        (n_drawn,) diameters in pixels, where there are few points.
    edges
        (n_drawn,) widths of the outline in pixels; only test windows have one.
    marks
        (n_drawn,) index into `MARKERS`.
    """

    ids: NDArray[np.int64]
    positions: NDArray[np.float32]
    faces: Rgba
    sizes: NDArray[np.float32]
    edges: NDArray[np.float32]
    marks: NDArray[np.int8]

    @property
    def symbols(self) -> NDArray[np.str_]:
        """The (n_drawn,) marker names."""
        return np.array(MARKERS)[self.marks]

    def taken(self, rows: NDArray[np.int64] | slice) -> Cloud:
        """Return some of the points, by their place in the drawing order."""
        return Cloud(
            self.ids[rows],
            self.positions[rows],
            self.faces[rows],
            self.sizes[rows],
            self.edges[rows],
            self.marks[rows],
        )

    def ordered(self) -> Cloud:
        """Return the points with the stronger ones last, and no species on top of another."""
        mixed = np.random.default_rng(_SEED).permutation(self.ids.size)
        return self.taken(mixed[np.argsort(self.faces[mixed, 3], kind="stable")])

    def with_grey(self, grey: NDArray[np.bool_]) -> Cloud:
        """Return these points with some of them, (n_drawn,), grey."""
        return replace(self, faces=np.where(grey[:, None], GREY, self.faces), edges=np.where(grey, 0, self.edges))


def coloring_of(columns: WindowColumns, column: str, limits: tuple[float, float] | None = None) -> Coloring:
    """Return the colouring by a column, or by species where there is no such column."""
    return color_of(columns, column, limits) if column in columns.names else color_of(columns, "species")


def cloud_of(
    atlas: Atlas, coloring: Coloring, shown: str, places: NDArray[np.float32] | None = None, before: Cloud | None = None
) -> Cloud:
    """Return the points of the map, those that are not *shown* grey.

    Parameters
    ----------
    atlas, coloring, shown
        Whose windows they are, their colours, and one of `SHOWN`.
    places
        (n_windows, 2) or (n_windows, 3) where they are; None takes the coordinates of the atlas.
    before
        The points of these windows in the same places and as *shown*, with other colours, which saves time.
    """
    places = atlas.coordinates if places is None else places
    split = atlas.windows.table.split
    weak = np.array([name not in _OF_SHOWN[shown] for name in SPLITS])
    if before is not None:
        faces = _faces(coloring, before.ids, before.faces[:, 3])
        return replace(before, faces=np.where(weak[split[before.ids]][:, None], GREY, faces) if weak.any() else faces)
    plain = not atlas.windows.table.in_split("test").any()
    alpha = np.array([0.8 if plain else _ALPHA[name] for name in SPLITS], dtype=np.float32)
    ids = np.flatnonzero(np.isfinite(places).all(axis=1))
    codes = split[ids]
    marks = _marks(atlas)[atlas.windows.table.track[ids]]
    sizes = np.array([7.0 if plain else _SIZE[name] for name in SPLITS], dtype=np.float32)[codes]
    cloud = Cloud(
        ids=ids,
        positions=places[ids],
        faces=_faces(coloring, ids, alpha[codes]),
        # A disc fills its box more than any other marker does.
        sizes=sizes * np.where(marks == MARKERS.index("disc"), 1.0, 1.2).astype(np.float32),
        edges=np.where(codes == SPLITS.index("test"), 0.8, 0.0).astype(np.float32),
        marks=marks,
    )
    return cloud.with_grey(weak[codes]) if weak.any() else cloud


def shrink_of(n: int) -> float:
    """Return how much smaller points are drawn when there are very many."""
    return float(np.clip((20_000 / max(n, 1)) ** 0.2, 0.4, 1.0))


def marker_of(atlas: Atlas, window: int) -> tuple[str, str]:
    """Return the marker and the colour of a window's species."""
    name = atlas.windows.table.keys[atlas.windows.table.track[window]].species
    kind = next(s for s in atlas.windows.species if s.name == name)
    return kind.marker, kind.color


def markers_of(atlas: Atlas, ids: NDArray[np.int64]) -> NDArray[np.str_]:
    """Return the (n_ids,) markers of windows."""
    return np.array(MARKERS)[_marks(atlas)[atlas.windows.table.track[ids]]]


def trail(atlas: Atlas, cursor: Cursor, places: NDArray[np.float32] | None = None) -> NDArray[np.int64]:
    """Return the window at the cursor and those just before it, the current one last; empty if there is none.

    Those without a place, of (n_windows, 2) or (n_windows, 3), are left out; None takes the coordinates of the atlas.
    """
    places = atlas.coordinates if places is None else places
    window = linking.window_at(atlas, cursor)
    if window < 0 or window >= len(places):
        return np.empty(0, dtype=np.int64)
    ids = linking.windows_of_track(atlas, cursor.recording, cursor.individual)
    behind = ids[ids <= window][-_TRAIL:]
    return behind[np.isfinite(places[behind]).all(axis=1)]


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


def _faces(coloring: Coloring, ids: NDArray[np.int64], alpha: NDArray[np.float32]) -> Rgba:
    faces = coloring.rgba[ids]
    faces[:, 3] = alpha
    return faces


def _marks(atlas: Atlas) -> NDArray[np.int8]:
    """Return (n_tracks,) index into `MARKERS`."""
    by_name = {s.name: MARKERS.index(s.marker) if s.marker in MARKERS else 0 for s in atlas.windows.species}
    return np.array([by_name[key.species] for key in atlas.windows.table.keys], dtype=np.int8)
