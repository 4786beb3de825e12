"""The camera of the map, and the way between map coordinates and pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from vispy.scene import PanZoomCamera, TurntableCamera

from napari_atlas.views._map_raster import Frame

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from vispy.scene import Node, SceneCanvas

__all__ = ["MapView"]

# A view that points fill less than this is brought nearer.
_FILLED = 0.6
# Share of the whole map that is shown at least, however few windows are zoomed to.
_LEAST = 0.04
# A picture reaches so far beyond the canvas, so that dragging finds something there.
_MARGIN = 0.1
_MOST_PIXELS = 2_500_000
_CORNERS = np.concatenate([np.zeros((1, 3)), np.eye(3)])


class MapView:
    """A camera for two dimensions, and one for three without perspective.

    Parameters
    ----------
    canvas
        Canvas to look through.
    """

    def __init__(self, canvas: SceneCanvas) -> None:
        self._canvas = canvas
        self._box = canvas.central_widget.add_view()
        self._flat = PanZoomCamera(aspect=1)
        self._turning = TurntableCamera(fov=0.0, elevation=25.0, azimuth=35.0)
        self._box.camera = self._flat
        self._fitted = self._flat.rect

    @property
    def camera(self) -> Any:
        """What pans and zooms, and turns if there are three dimensions."""
        return self._box.camera

    @property
    def root(self) -> Node:
        """The node that holds what is drawn in map coordinates."""
        return self._box.scene

    @property
    def glass(self) -> Node:
        """The node that holds what is drawn in canvas pixels."""
        return self._box

    @property
    def solid(self) -> bool:
        """Whether it has three dimensions."""
        return self._box.camera is self._turning

    @property
    def touched(self) -> bool:
        """Whether somebody has moved the view since it was last fitted; False in three dimensions."""
        return not self.solid and self._flat.rect != self._fitted

    def set_solid(self, solid: bool) -> None:
        """Have three dimensions, or two."""
        if solid != self.solid:
            self._box.camera = self._turning if solid else self._flat

    def fit(self, positions: NDArray[np.float32], whole: NDArray[np.float32] | None = None) -> None:
        """Show all of the positions (n, 2) or (n, 3) that are not NaN, and a fair part of the *whole* map."""
        positions = positions[np.isfinite(positions).all(axis=1)]
        if not len(positions):
            return
        low, high = positions.min(axis=0).astype(float), positions.max(axis=0).astype(float)
        least = 1e-3 * max(1.0, float(np.abs(high).max()))
        if whole is not None:
            least = max(least, _LEAST * float((np.nanmax(whole, axis=0) - np.nanmin(whole, axis=0)).max()))
        middle, span = (low + high) / 2, np.maximum(high - low, least)
        if self.solid:
            self._turning.center = tuple(middle)
            self._turning.scale_factor = 1.12 * float(np.hypot.reduce(span))
            return
        size = span + 2 * 0.06 * span.max()
        self._flat.rect = (*(middle - size / 2), *size)
        if whole is None:
            self._fitted = self._flat.rect

    def follow(self, positions: NDArray[np.float32]) -> None:
        """Show all of the positions (n, 2), unless they still fill the view, or somebody has moved it."""
        if self.touched or not np.isfinite(positions).any():
            return
        low, high = np.nanmin(positions, axis=0), np.nanmax(positions, axis=0)
        begin, size = np.array(self._fitted.pos), np.array(self._fitted.size)
        inside = (low >= begin).all() and (high <= begin + size).all()
        if not inside or (high - low).max() < _FILLED * size.max():
            self.fit(positions)

    def projection(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the (3, 2) matrix and the (2,) offset that take map coordinates to canvas pixels."""
        way = self._box.scene.node_transform(self._canvas.scene)
        corners = np.asarray(way.map(_CORNERS), dtype=np.float64)
        corners = corners[:, :2] / corners[:, 3:]
        return corners[1:] - corners[0], corners[0]

    def to_screen(self, positions: ArrayLike) -> NDArray[np.float64]:
        """Return the canvas pixels (..., 2) of map coordinates (..., 2) or (..., 3)."""
        places = np.asarray(positions)
        matrix, offset = self.projection()
        return np.asarray(places @ matrix[: places.shape[-1]] + offset, dtype=np.float64)

    def to_map(self, pixels: ArrayLike) -> NDArray[np.float64]:
        """Return the map coordinates (n, 2) of canvas pixels (n, 2), where there are two dimensions."""
        matrix, offset = self.projection()
        flat = np.atleast_2d(np.asarray(pixels, dtype=np.float64))
        return np.asarray((flat - offset) @ np.linalg.inv(matrix[:2]), dtype=np.float64)

    def map_units(self, pixels: float) -> float:
        """Return how long so many pixels are on the map of two dimensions, both axes of which have one scale."""
        return pixels / float(np.hypot(*self.projection()[0][0]))

    def frame(self, n_dimensions: int) -> Frame:
        """Return what a picture has to show: the canvas, and a margin if it can be dragged."""
        matrix, offset = self.projection()
        size = np.maximum(np.array(self._canvas.size, dtype=float), 1.0)
        margin = np.zeros(2) if self.solid else np.ceil(_MARGIN * size)
        extent = size + 2 * margin
        scale = min(float(self._canvas.pixel_scale), float(np.sqrt(_MOST_PIXELS / extent.prod())))
        width, height = np.ceil(extent * scale).astype(int)
        matrix, offset = matrix[:n_dimensions] * scale, (offset + margin) * scale
        return Frame(matrix.astype(np.float32), offset.astype(np.float32), int(width), int(height), scale)
