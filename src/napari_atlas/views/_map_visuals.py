"""The visuals of the latent map; the cloud is uploaded once, everything that moves is small and apart from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QTimer
from vispy.scene import PanZoomCamera
from vispy.scene.visuals import Line, Markers

from napari_atlas.views._colors import rgba_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from vispy.scene import Node, SceneCanvas

    from napari_atlas.views._canvas import Palette
    from napari_atlas.views._map_model import Cloud

__all__ = ["MapView", "MapVisuals"]

Places = Any

_PREVIEW = 20_000
_IDLE_MS = 180
# A view that points fill less than this is brought nearer.
_FILLED = 0.6
_CLEAR = (0.0, 0.0, 0.0, 0.0)


class MapView:
    """The camera of the map, and the way between canvas pixels and map coordinates.

    Parameters
    ----------
    canvas
        Canvas to look through.
    """

    def __init__(self, canvas: SceneCanvas) -> None:
        self._canvas = canvas
        self._box = canvas.central_widget.add_view()
        self._box.camera = PanZoomCamera(aspect=1)
        self._fitted = self.camera.rect

    @property
    def camera(self) -> PanZoomCamera:
        """What pans and zooms."""
        return self._box.camera

    @property
    def root(self) -> Node:
        """The node that holds what is drawn in map coordinates."""
        return self._box.scene

    def fit(self, positions: NDArray[np.float32]) -> None:
        """Show all of the positions (n, 2) that are not NaN."""
        positions = positions[np.isfinite(positions).all(axis=1)]
        if not len(positions):
            return
        low, high = positions.min(axis=0).astype(float), positions.max(axis=0).astype(float)
        span = np.maximum(high - low, 1e-3 * max(1.0, float(np.abs(high).max())))
        margin = 0.06 * span.max()
        corner, size = low - margin, span + 2 * margin
        self.camera.rect = (corner[0], corner[1], size[0], size[1])
        self._fitted = self.camera.rect

    def follow(self, positions: NDArray[np.float32]) -> None:
        """Show all of the positions (n, 2), unless they still fill the view, or somebody has moved it."""
        if self.camera.rect != self._fitted:
            return
        low, high = np.nanmin(positions, axis=0), np.nanmax(positions, axis=0)
        begin, size = np.array(self._fitted.pos), np.array(self._fitted.size)
        inside = (low >= begin).all() and (high <= begin + size).all()
        if not inside or (high - low).max() < _FILLED * size.max():
            self.fit(positions)

    def to_screen(self, position: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the canvas pixel of a map coordinate."""
        return np.asarray(self._box.scene.node_transform(self._canvas.scene).map(position)[:2], dtype=np.float64)

    def to_map(self, pixels: Places) -> NDArray[np.float64]:
        """Return the map coordinates (n, 2) of canvas pixels (n, 2)."""
        flat = np.atleast_2d(np.asarray(pixels, dtype=np.float64))
        return np.asarray(self._box.scene.node_transform(self._canvas.scene).imap(flat)[:, :2], dtype=np.float64)

    def map_units(self, pixels: float) -> float:
        """Return how long so many pixels are on the map; both axes have one scale."""
        ends = self.to_map([[0.0, 0.0], [pixels, 0.0]])
        return float(np.hypot(*(ends[1] - ends[0])))


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
        # Outlines lie below the cloud: where points are dense they must not hide its colours.
        self._selected, self._cloud, self._prefix = _points(root, 0), _points(root, 1), _points(root, 1)
        self._trail, self._hover = _line(root, 2, 2.0), _points(root, 3)
        self._cursor, self._outline = _points(root, 4), _line(root, 5, 1.6)
        self._has_prefix = False
        self._drawn_cursor: tuple[bytes, Palette] = (b"", palette)
        self._idle = QTimer(canvas.native, singleShot=True, interval=_IDLE_MS)
        self._idle.timeout.connect(self._draw_all)

    def paint(self, palette: Palette) -> None:
        """Use the colours of another theme; the caller sets the small visuals again."""
        self._palette = palette
        self._canvas.bgcolor = palette.canvas

    def set_cloud(self, cloud: Cloud) -> None:
        """Upload the points."""
        self._upload(self._cloud, cloud)
        self._has_prefix = cloud.ids.size > _PREVIEW
        if self._has_prefix:
            self._upload(self._prefix, cloud.sample(_PREVIEW))
        self._draw_all()

    def moving(self) -> None:
        """Draw a sample of a very large cloud until the view has come to rest."""
        if self._has_prefix:
            self._cloud.visible, self._prefix.visible = False, True
            self._idle.start()

    def set_selection(self, positions: NDArray[np.float32], symbols: NDArray[np.str_]) -> None:
        """Draw an outline round the selected points (n, 2)."""
        self._selected.visible = len(positions) > 0
        if len(positions):
            self._selected.set_data(
                positions, size=11.0, edge_width=1.4, edge_color=self._palette.accent, face_color=_CLEAR, symbol=symbols
            )

    def set_hover(self, position: NDArray[np.float32]) -> None:
        """Draw a ring round a point (1, 2), or none for (0, 2)."""
        self.moving()
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
        self.moving()
        self._cursor.visible = len(positions) > 0
        self._trail.visible = len(positions) > 1
        if len(positions):
            _ring(self._cursor, positions[-1:], (self._palette.canvas, self._palette.cursor), (18.0, 2.6))
        if len(positions) > 1:
            color = np.repeat(rgba_of([self._palette.cursor]), len(positions), axis=0)
            color[:, 3] = np.linspace(0.05, 0.85, len(positions))
            self._trail.set_data(positions, color=color)

    def set_outline(self, polygon: NDArray[np.floating]) -> None:
        """Draw a closed polygon (n, 2) in map coordinates, or none for fewer than two corners."""
        self._outline.visible = len(polygon) > 1
        if len(polygon) > 1:
            closed = np.concatenate([polygon, polygon[:1]])
            self._outline.set_data(closed.astype(np.float32), color=self._palette.accent)

    def stop(self) -> None:
        """Stop the timer."""
        self._idle.stop()

    def _draw_all(self) -> None:
        self._cloud.visible, self._prefix.visible = True, False

    def _upload(self, points: Markers, cloud: Cloud) -> None:
        if not cloud.ids.size:
            points.set_data(np.zeros((1, 2), dtype=np.float32), size=0.0, face_color=_CLEAR, edge_width=0.0)
            return
        points.set_data(
            cloud.positions,
            size=cloud.sizes,
            edge_width=cloud.edges,
            edge_color=self._palette.canvas,
            face_color=cloud.faces,
            symbol=cloud.symbols,
        )


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


def _points(parent: Node, order: int) -> Markers:
    points = Markers(parent=parent, scaling="fixed", antialias=1)
    points.set_gl_state("translucent", depth_test=False)
    points.order = order
    points.visible = False
    return points


def _line(parent: Node, order: int, width: float) -> Line:
    line = Line(np.zeros((2, 2), dtype=np.float32), parent=parent, width=width, antialias=True)
    line.set_gl_state("translucent", depth_test=False)
    line.order = order
    line.visible = False
    return line
