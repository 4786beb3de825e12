"""The visuals of the timeline, all in pixels of the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from vispy.scene.visuals import Image, Line, Markers, Mesh
from vispy.visuals.transforms import STTransform

from napari_atlas.views._colors import rgba_of
from napari_atlas.views._timeline_layout import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from vispy.scene import Node, SceneCanvas

    from napari_atlas.views._canvas import Palette

__all__ = ["TimelineVisuals", "shades"]

_PICTURES = {"shade": 2, "signal": 4, "latent": 4, "strips": 5, "marks": 6}
_LINES = {"signal": 1.4, "latent": 1.2, "temperature": 1.6}


class TimelineVisuals:
    """Panels, lines, pictures, and three boxes that move alone: the cursor, its window, and the brush.

    Parameters
    ----------
    canvas
        Canvas to draw on.
    palette
        Its colours.
    """

    def __init__(self, canvas: SceneCanvas, palette: Palette) -> None:
        self._canvas, self.palette = canvas, palette
        root = canvas.scene
        self._panels, self._grid, self._predicted = _mesh(root, 0), _line(root, 1, 1.0), _dots(root, 4)
        self._pictures = {name: _picture(root, order) for name, order in _PICTURES.items()}
        self._lines = {name: _line(root, 4, width) for name, width in _LINES.items()}
        self._boxes = {name: _mesh(root, order) for name, order in {"window": 3, "cursor": 7, "brush": 8}.items()}
        for mesh in self._boxes.values():
            mesh.transform = STTransform()
        self._known: dict[int, tuple[bytes, bytes]] = {}

    def paint(self, palette: Palette) -> None:
        """Use the colours of another theme; the caller draws everything again."""
        self.palette = palette
        self._canvas.bgcolor = palette.background

    def clear(self) -> None:
        """Draw nothing."""
        every = (self._pictures, self._lines, self._boxes)
        for visual in (self._panels, self._grid, self._predicted, *(v for named in every for v in named.values())):
            visual.visible = False

    def set_panels(self, panels: Sequence[Box], heights: Sequence[Sequence[float]]) -> None:
        """Draw the panels with grid lines at these heights."""
        boxes = [(b.left, b.top, b.right, b.bottom) for b in panels]
        self._fill(self._panels, boxes, rgba_of([self.palette.canvas]))
        ends = [(x, y) for box, ys in zip(panels, heights, strict=True) for y in ys for x in (box.left, box.right)]
        self._grid.visible = bool(ends)
        if ends:
            color = rgba_of([self.palette.line])[0]
            color[3] = 0.7
            self._grid.set_data(np.array(ends, dtype=np.float32), color=color, connect="segments")

    def set_lines(
        self, name: str, lines: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]], color: str
    ) -> None:
        """Draw lines (x, y) of one colour; NaN leaves a gap."""
        gap = np.array([np.nan])
        x, y = (np.concatenate([part for line in lines for part in (line[axis], gap)]) for axis in (0, 1))
        self._lines[name].visible = True
        _draw(self._lines[name], (x, y), rgba_of([color])[0])

    def set_dots(self, places: NDArray[np.float64]) -> None:
        """Draw what is predicted (n, 2)."""
        self._predicted.visible = len(places) > 0
        if len(places):
            face = rgba_of([self.palette.text])[0]
            face[3] = 0.55
            self._predicted.set_data(places.astype(np.float32), size=4.0, edge_width=0.0, face_color=face)

    def set_picture(self, name: str, rgba: NDArray[np.uint8], box: Box) -> None:
        """Draw a picture (n_rows, n_columns, 4) that fills a box; one that is empty is hidden."""
        picture = self._pictures[name]
        picture.visible = bool(rgba.size and rgba[..., 3].any())
        if picture.visible:
            picture.set_data(rgba)
            picture.transform.scale = (box.width / rgba.shape[1], box.height / rgba.shape[0])
            picture.transform.translate = (box.left, box.top)

    def set_cursor(self, x: float, window: tuple[float, float], box: Box) -> None:
        """Draw the cursor at a pixel, and its window from one pixel to another; equal pixels mean no window."""
        color = rgba_of([self.palette.cursor])
        shade = color.copy()
        shade[:, 3] = 0.13 if self.palette.dark else 0.10
        left, right = (float(np.clip(edge, box.left, box.right)) for edge in window)
        self._place("window", Box(left, box.top, right, box.bottom), shade)
        line = Box(x - 0.75, box.top, x + 0.75, box.bottom) if box.left <= x <= box.right else Box(0, 0, 0, 0)
        self._place("cursor", line, color)

    def set_brush(self, box: Box | None) -> None:
        """Draw the box that is being dragged, or none."""
        color = rgba_of([self.palette.accent])
        color[:, 3] = 0.3
        self._place("brush", box or Box(0, 0, 0, 0), color)

    def _place(self, name: str, box: Box, color: NDArray[np.float32]) -> None:
        """Move a unit box to where *box* is; an empty one is hidden."""
        mesh = self._boxes[name]
        self._fill(mesh, [(0.0, 0.0, 1.0, 1.0)], color)
        mesh.visible = box.width > 0
        if mesh.visible:
            mesh.transform.scale = (box.width, box.height)
            mesh.transform.translate = (box.left, box.top)

    def _fill(
        self, mesh: Mesh, boxes: Sequence[tuple[float, float, float, float]], colors: NDArray[np.float32]
    ) -> None:
        """Draw boxes unless they are drawn already: new data make vispy compile a mesh's shaders anew."""
        corners = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
        known = (corners.tobytes(), colors.tobytes())
        mesh.visible = len(corners) > 0
        if len(corners) and self._known.get(id(mesh)) != known:
            self._known[id(mesh)] = known
            _fill(mesh, corners, colors)


def shades(color: str, strengths: NDArray[Any], most: float = 1.0, least: float = 0.0) -> NDArray[np.uint8]:
    """Return (..., 4) pixels of one colour, the stronger the more opaque; strengths are 0 to 1, NaN leaves a gap."""
    rgba = np.empty((*strengths.shape, 4), dtype=np.uint8)
    rgba[:] = 255 * rgba_of([color])[0]
    known = np.isfinite(strengths)
    rgba[..., 3] = np.where(known, 255 * (least + (most - least) * np.where(known, strengths, 0.0)), 0)
    return rgba


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
    picture = Image(np.zeros((1, 1, 4), dtype=np.uint8), parent=parent, interpolation="nearest")
    picture.transform = STTransform()
    return _plain(picture, order)


def _dots(parent: Node, order: int) -> Markers:
    return _plain(Markers(parent=parent, scaling="fixed"), order)


def _plain(visual: Node, order: int) -> Node:
    visual.set_gl_state("translucent", depth_test=False, cull_face=False)
    visual.order = order
    visual.visible = False
    return visual
