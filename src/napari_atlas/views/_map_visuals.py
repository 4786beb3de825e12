"""The visuals of the latent map; the cloud is uploaded once, everything that moves is small and apart from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from vispy.scene.visuals import Line

from napari_atlas.views._colors import rgba_of
from napari_atlas.views._map_cloud import CloudVisuals, make_points
from napari_atlas.views._map_view import MapView

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from vispy.scene import Node, SceneCanvas
    from vispy.scene.visuals import Markers

    from napari_atlas.views._canvas import Palette
    from napari_atlas.views._map_cloud import Look

__all__ = ["MapVisuals"]

_CLEAR = (0.0, 0.0, 0.0, 0.0)


class MapVisuals:
    """Cloud, selection, hover ring, cursor with its trail, and lasso, on one canvas.

    Parameters
    ----------
    canvas
        Canvas to draw on.
    palette
        Its colours.
    """

    def __init__(self, canvas: SceneCanvas, palette: Palette) -> None:
        self._canvas = canvas
        self._palette = palette
        self.view = MapView(canvas)
        root = self.view.root
        # Outlines lie below points, whose colours they must not hide, but above a picture, which would hide them.
        self._below, self._above = make_points(root, 0), make_points(root, 2)
        self.cloud = CloudVisuals(self.view, palette, canvas.native)
        self._trail, self._hover = _line(root, 2, 2.0, 3), make_points(root, 3)
        self._cursor, self._outline = make_points(root, 4), _line(root, 5, 1.6)
        self._drawn_cursor: tuple[bytes, Palette] = (b"", palette)

    def paint(self, palette: Palette) -> None:
        """Use the colours of another theme; the caller sets the small visuals again."""
        self._palette = palette
        self._canvas.bgcolor = palette.canvas
        self.cloud.paint(palette)

    def set_cloud(self, look: Look) -> None:
        """Draw the points."""
        self.cloud.show(look)

    def moving(self) -> None:
        """Keep up with a view that moves."""
        self.cloud.moving()

    def set_selection(self, positions: NDArray[np.float32], symbols: NDArray[np.str_]) -> None:
        """Draw an outline round the selected points (n, 2)."""
        selected, other = (self._above, self._below) if self.cloud.pictured else (self._below, self._above)
        selected.visible, other.visible = len(positions) > 0, False
        if len(positions):
            selected.set_data(
                positions, size=11.0, edge_width=1.4, edge_color=self._palette.accent, face_color=_CLEAR, symbol=symbols
            )

    def set_hover(self, position: NDArray[np.float32]) -> None:
        """Draw a ring round a point (1, 2) or (1, 3), or none for (0, 2)."""
        self._hover.visible = len(position) > 0
        if len(position):
            _ring(self._hover, position, (self._palette.canvas, self._palette.text), (15.0, 1.4))

    def set_cursor(self, positions: NDArray[np.float32]) -> None:
        """Draw the ring at the last of the positions (n, 2) and a trail that fades towards the first."""
        key = (positions.tobytes(), self._palette)
        if key == self._drawn_cursor:
            # Most frames of a video lie in the window of the frame before: nothing to draw.
            return
        self._drawn_cursor = key
        self._cursor.visible = len(positions) > 0
        self._trail.visible = len(positions) > 1
        if len(positions):
            _ring(self._cursor, positions[-1:], (self._palette.canvas, self._palette.cursor), (18.0, 2.6))
        if len(positions) > 1:
            color = np.repeat(rgba_of([self._palette.cursor]), len(positions), axis=0)
            color[:, 3] = np.linspace(0.05, 0.85, len(positions))
            # A line keeps the number of dimensions that it has first.
            self._trail.set_data(np.pad(positions, ((0, 0), (0, 3 - positions.shape[1]))), color=color)

    def set_outline(self, polygon: NDArray[np.floating]) -> None:
        """Draw a closed polygon (n, 2), or none for fewer than two corners.

        It is in map coordinates and stays there; in three dimensions it is in canvas pixels.
        """
        self._outline.parent = self.view.glass if self.view.solid else self.view.root
        self._outline.visible = len(polygon) > 1
        if len(polygon) > 1:
            closed = np.concatenate([polygon, polygon[:1]])
            self._outline.set_data(closed.astype(np.float32), color=self._palette.accent)

    def stop(self) -> None:
        """Stop the timers."""
        self.cloud.stop()


def _ring(points: Markers, position: NDArray[np.float32], colors: tuple[str, str], shape: tuple[float, float]) -> None:
    """Draw a ring on a wider one in the background colour, so that it stands out from any cloud."""
    size, width = shape
    points.set_data(
        np.repeat(position, 2, axis=0),
        size=np.array([size, size]),
        edge_width=np.array([width + 2.4, width]),
        edge_color=rgba_of(colors),
        face_color=_CLEAR,
        symbol="disc",
    )


def _line(parent: Node, order: int, width: float, n_dimensions: int = 2) -> Line:
    line = Line(np.zeros((2, n_dimensions), dtype=np.float32), parent=parent, width=width, antialias=True)
    line.set_gl_state("translucent", depth_test=False)
    line.order = order
    line.visible = False
    return line
