"""The visuals of the timeline, all in pixels of the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from vispy.scene.visuals import Image, Line, Markers, Mesh
from vispy.visuals.transforms import STTransform

from napari_atlas.views._colors import rgba_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from vispy.scene import Node, SceneCanvas

    from napari_atlas.views._canvas import Palette
    from napari_atlas.views._timeline_model import Box

__all__ = ["TimelineVisuals"]

_CLEAR = (0.0, 0.0, 0.0, 0.0)


class TimelineVisuals:
    """Panels, lines, windows, selection, and the cursor with its window, which move alone.

    Parameters
    ----------
    canvas
        Canvas to draw on.
    palette
        Its colours.
    """

    def __init__(self, canvas: SceneCanvas, palette: Palette) -> None:
        self._canvas, self._palette = canvas, palette
        root = canvas.scene
        self._panels, self._grid = _mesh(root, 0), _line(root, 1, 1.0)
        self._window = _mesh(root, 2)
        self._signal, self._heat = _line(root, 4, 1.4), _picture(root, 4)
        self._temperature, self._predicted = _line(root, 5, 1.6), _dots(root, 4)
        self._strip, self._selection, self._cursor = _mesh(root, 5), _mesh(root, 6), _mesh(root, 7)
        self._window.transform, self._cursor.transform = STTransform(), STTransform()
        self._known: dict[str, tuple[bytes, bytes]] = {}

    def paint(self, palette: Palette) -> None:
        """Use the colours of another theme; the caller draws everything again."""
        self._palette = palette
        self._canvas.bgcolor = palette.background

    def clear(self) -> None:
        """Draw nothing."""
        for visual in (self._panels, self._grid, self._window, self._signal, self._heat):
            visual.visible = False
        for visual in (self._temperature, self._predicted, self._strip, self._selection, self._cursor):
            visual.visible = False

    def set_panels(self, panels: Sequence[Box], heights: Sequence[Sequence[float]]) -> None:
        """Draw the panels with grid lines at these heights."""
        boxes = [(b.left, b.top, b.right, b.bottom) for b in panels]
        self._fill("_panels", boxes, rgba_of([self._palette.canvas]))
        ends = [(x, y) for box, ys in zip(panels, heights, strict=True) for y in ys for x in (box.left, box.right)]
        self._grid.visible = bool(ends)
        if ends:
            color = rgba_of([self._palette.line])[0]
            color[3] = 0.7
            self._grid.set_data(np.array(ends, dtype=np.float32), color=color, connect="segments")

    def set_signal(self, lines: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]], color: str) -> None:
        """Draw the channels (x, y); NaN leaves a gap."""
        self._heat.visible, self._signal.visible = False, True
        gap = np.array([np.nan])
        x, y = (np.concatenate([part for line in lines for part in (line[axis], gap)]) for axis in (0, 1))
        _draw(self._signal, (x, y), rgba_of([color])[0])

    def set_heat(self, strengths: NDArray[np.float64], box: Box, color: str) -> None:
        """Draw (n_channels, n_columns) strengths, 0 to 1, as a picture that fills a box; NaN leaves a gap."""
        self._signal.visible, self._heat.visible = False, True
        rgba = np.empty((*strengths.shape, 4), dtype=np.float32)
        rgba[:] = rgba_of([color])[0]
        rgba[..., 3] = np.where(np.isfinite(strengths), 0.1 + 0.9 * strengths, 0.0)
        self._heat.set_data(rgba)
        n_channels, n_columns = strengths.shape
        self._heat.transform.scale = (box.width / n_columns, (box.bottom - box.top) / n_channels)
        self._heat.transform.translate = (box.left, box.top)

    def set_temperature(self, line: tuple[NDArray[np.float64], NDArray[np.float64]], dots: NDArray[np.float64]) -> None:
        """Draw the measured temperature (x, y) as a line and what is predicted (n, 2) as dots."""
        self._temperature.visible, self._predicted.visible = line[0].size > 1, len(dots) > 0
        if line[0].size > 1:
            _draw(self._temperature, line, rgba_of([self._palette.warm])[0])
        if len(dots):
            face = rgba_of([self._palette.text])[0]
            face[3] = 0.55
            self._predicted.set_data(dots.astype(np.float32), size=4.0, edge_width=0.0, face_color=face)

    def set_strip(self, boxes: NDArray[np.float64], colors: NDArray[np.float32]) -> None:
        """Draw the windows (n, 4)."""
        self._fill("_strip", boxes, colors)

    def set_selection(self, boxes: NDArray[np.float64]) -> None:
        """Mark the selected windows (n, 4)."""
        self._fill("_selection", boxes, rgba_of([self._palette.accent]))

    def set_cursor(self, x: float, window: tuple[float, float], box: Box) -> None:
        """Draw the cursor at a pixel, and its window from one pixel to another; equal pixels mean no window."""
        left, right = (float(np.clip(edge, box.left, box.right)) for edge in window)
        shade = rgba_of([self._palette.cursor])
        shade[:, 3] = 0.13 if self._palette.dark else 0.10
        self._place("_window", (left, box.top, right, box.bottom), shade)
        inside = box.left <= x <= box.right
        line = (x - 0.75, box.top, x + 0.75, box.bottom) if inside else (0.0, 0.0, 0.0, 0.0)
        self._place("_cursor", line, rgba_of([self._palette.cursor]))

    def _fill(
        self,
        name: str,
        boxes: NDArray[np.float64] | Sequence[tuple[float, float, float, float]],
        colors: NDArray[np.float32],
    ) -> None:
        """Draw boxes unless they are drawn already: new data make vispy compile a mesh's shaders anew."""
        corners = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
        known = (corners.tobytes(), np.asarray(colors).tobytes())
        mesh = getattr(self, name)
        mesh.visible = len(corners) > 0
        if len(corners) and self._known.get(name) != known:
            self._known[name] = known
            _fill(mesh, corners, colors)

    def _place(self, name: str, box: tuple[float, float, float, float], color: NDArray[np.float32]) -> None:
        """Move a unit box to where *box* is; an empty one is hidden."""
        self._fill(name, [(0.0, 0.0, 1.0, 1.0)], color)
        mesh = getattr(self, name)
        mesh.visible = box[2] > box[0]
        if mesh.visible:
            mesh.transform.scale = (box[2] - box[0], box[3] - box[1])
            mesh.transform.translate = (box[0], box[1])


def _fill(mesh: Mesh, corners: NDArray[np.float32], colors: NDArray[np.float32]) -> None:
    """Draw boxes (left, top, right, bottom) with one colour each, or one for all."""
    vertices = np.zeros((len(corners), 4, 3), dtype=np.float32)
    vertices[:, :, :2] = corners[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    first = 4 * np.arange(len(corners), dtype=np.uint32)[:, None]
    faces = (first[:, :, None] + np.array([[0, 1, 2], [0, 2, 3]], dtype=np.uint32)).reshape(-1, 3)
    every = np.repeat(np.broadcast_to(colors, (len(corners), 4)), 4, axis=0)
    mesh.set_data(vertices.reshape(-1, 3), faces, vertex_colors=every)


def _draw(line: Line, points: tuple[NDArray[np.float64], NDArray[np.float64]], color: NDArray[np.float32]) -> None:
    place = np.stack(points, axis=1).astype(np.float32)
    known = np.asarray(np.isfinite(place).all(axis=1))
    rows = np.flatnonzero(known)
    if rows.size < 2:
        line.visible = False
        return
    place, known = place[rows[0] : rows[-1] + 1], known[rows[0] : rows[-1] + 1]
    if known.all():
        line.set_data(place, color=color, connect="strip")
        return
    # Drivers differ in what they make of NaN, so gaps are connections left out.
    place[~known] = 0.0
    line.set_data(place, color=color, connect=known & np.append(known[1:], False))


def _mesh(parent: Node, order: int) -> Mesh:
    mesh = Mesh(parent=parent)
    return _plain(mesh, order)


def _line(parent: Node, order: int, width: float) -> Line:
    line = Line(np.zeros((2, 2), dtype=np.float32), parent=parent, width=width, antialias=True)
    return _plain(line, order)


def _picture(parent: Node, order: int) -> Image:
    picture = Image(np.zeros((1, 1, 4), dtype=np.float32), parent=parent, interpolation="nearest")
    picture.transform = STTransform()
    return _plain(picture, order)


def _dots(parent: Node, order: int) -> Markers:
    return _plain(Markers(parent=parent, scaling="fixed"), order)


def _plain(visual: Node, order: int) -> Node:
    visual.set_gl_state("translucent", depth_test=False, cull_face=False)
    visual.order = order
    visual.visible = False
    return visual
