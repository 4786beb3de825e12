"""Find the windows under the mouse and inside a shape, in two dimensions and in three."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_atlas.views._map_cloud import MANY
from napari_atlas.views._map_pick import Picker
from napari_atlas.views._worker import Latest, call_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_atlas.views._map_view import MapView

__all__ = ["Finder"]

_REACH_PX = 14.0
_NOTHING = np.empty((0, 2), dtype=np.float32)


class Finder:
    """Find windows by canvas pixels.

    In two dimensions they are looked up on the map, in three among their places on the screen, which are other ones
    after each turn.

    Parameters
    ----------
    view
        What the map is looked at through.
    """

    def __init__(self, view: MapView) -> None:
        self._view = view
        self._places: NDArray[np.float32] = _NOTHING
        self._picker, self._seen_from, self._quick = Picker(_NOTHING), b"", False
        self._turner = Latest()

    @property
    def places(self) -> NDArray[np.float32]:
        """The (n_windows, 2) or (n_windows, 3) places."""
        return self._places

    def put(self, places: NDArray[np.float32], picker: Picker) -> None:
        """Find windows in other places (n_windows, 2) or (n_windows, 3), in two dimensions by a picker of theirs."""
        self._places, self._picker, self._seen_from = places, picker, b""
        self._quick = False

    def window_at(self, x: float, y: float, wait: bool = False) -> int:
        """Return the nearest window within 14 px; −1 if there is none.

        Just after a turn of very many windows there is none, unless somebody has to *wait* for it.
        """
        if not len(self._places):
            return -1
        if self._view.solid:
            return self._turned(wait).nearest(np.array([x, y]), _REACH_PX)
        self._quicken()
        return self._picker.nearest(self._view.to_map([x, y])[0], self._view.map_units(_REACH_PX))

    def within(self, polygon: NDArray[np.float64]) -> Callable[[], NDArray[np.int64]]:
        """Return a function that finds the windows in a polygon (n_corners, 2), rising; a thread may call it."""
        if not self._view.solid:
            picker, placed = self._picker, self._view.to_map(polygon)
            return lambda: picker.within(placed)
        to_screen = self._to_screen()
        return lambda: Picker(to_screen()).within(polygon)

    def _quicken(self) -> None:
        """Make the search quick from the first one on, of very many windows in a thread."""
        if not self._quick and len(self._places) > MANY:
            call_in_thread(self._picker.build, _ignore, _ignore)
        elif not self._quick:
            self._picker.build()
        self._quick = True

    def _turned(self, wait: bool) -> Picker:
        """Return a picker among the places on the screen."""
        seen_from = b"".join(part.tobytes() for part in self._view.projection())
        if seen_from == self._seen_from:
            return self._picker
        places, to_screen = self._places, self._to_screen()

        def take(picker: Picker) -> None:
            if places is self._places:
                self._picker, self._seen_from = picker, seen_from

        if wait or len(places) <= MANY:
            take(Picker(to_screen()))
            return self._picker
        self._turner.run(lambda: _built(to_screen()), take)
        return Picker(_NOTHING)

    def _to_screen(self) -> Callable[[], NDArray[np.float32]]:
        places, (matrix, offset) = self._places, self._view.projection()
        return lambda: places @ matrix[: places.shape[1]].astype(np.float32) + offset.astype(np.float32)


def _built(places: NDArray[np.float32]) -> Picker:
    picker = Picker(places)
    picker.build()
    return picker


def _ignore(result: object) -> None:
    """Until the search is quick it is slow; nothing else depends on it."""
