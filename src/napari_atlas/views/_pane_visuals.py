"""The visuals of panes, all on one canvas: a picture each, and for all of them together lines, keypoints and traces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from vispy.scene.visuals import Image, Line, Markers
from vispy.visuals.transforms import STTransform

from napari_atlas.views._colors import rgba_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from vispy.scene import Node, SceneCanvas

    from napari_atlas.data.clip import Clip
    from napari_atlas.views._canvas import Palette
    from napari_atlas.views._pane_layout import Box

__all__ = ["PaneVisuals", "Shot"]

_NODE, _DOT = 6.0, 7.0


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture of a clip and where it is drawn.

    Attributes
    ----------
    clip, index
        The clip, and which of its pictures.
    box
        Where there is room for it; it keeps its shape and stands in the middle.
    """

    clip: Clip
    index: int
    box: Box

    @property
    def placed(self) -> tuple[float, float, float]:
        """Logical pixels per pixel of the picture, and the left and the top edge."""
        height, width = self.clip.pictures.shape[1:3]
        scale = min(self.box.width / width, self.box.height / height)
        left = self.box.left + (self.box.width - scale * width) / 2
        return scale, left, self.box.top + (self.box.height - scale * height) / 2

    @property
    def nodes(self) -> NDArray[np.float32]:
        """The (n_nodes, 2) keypoints inside the picture, in pixels of the canvas."""
        nodes = self.clip.nodes[self.index]
        return self._on_canvas(nodes[self._inside(nodes)])

    @property
    def lines(self) -> NDArray[np.float32]:
        """The (n_lines, 2, 2) ends of the lines inside the picture, in pixels of the canvas."""
        lines = self.clip.lines[self.index]
        return self._on_canvas(lines[self._inside(lines).all(axis=1)])

    def _inside(self, points: NDArray[np.float32]) -> NDArray[np.bool_]:
        height, width = self.clip.pictures.shape[1:3]
        return np.asarray(((points >= 0) & (points <= (width, height))).all(axis=-1))

    def _on_canvas(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        scale, left, top = self.placed
        return np.asarray(points * scale + (left, top), dtype=np.float32)


class PaneVisuals:
    """Pictures, lines, keypoints, frames, traces and the dots that move along them.

    Visuals are used again for other panes, and hidden where there are fewer; a picture is handed to the graphics card
    only when it is another one.

    Parameters
    ----------
    canvas
        Canvas to draw on.
    palette
        Its colours.
    """

    def __init__(self, canvas: SceneCanvas, palette: Palette) -> None:
        self._canvas = canvas
        root = canvas.scene
        self._images: list[Image] = []
        self._shown: list[tuple[Clip, int] | None] = []
        self.uploads = 0
        """Pictures handed to the graphics card so far."""
        self._frames, self._traces = _line(root, 3, 1.0), _line(root, 3, 1.3)
        self._skeletons = _line(root, 4, 1.6)
        self._nodes, self._dots = _markers(root, 5), _markers(root, 6)
        self.paint(palette)

    def paint(self, palette: Palette) -> None:
        """Use the colours of a theme; the caller draws everything again."""
        self._palette = palette
        self._canvas.bgcolor = palette.background

    def set_frames(self, boxes: Sequence[Box], colors: Sequence[str]) -> None:
        """Draw a frame around each box."""
        ends = [_outline(box) for box in boxes]
        _segments(self._frames, ends, colors)

    def set_traces(self, traces: Sequence[NDArray[np.float32]], colors: Sequence[str]) -> None:
        """Draw lines (n_points, 2); NaN leaves a gap."""
        ends = [np.stack([line[:-1], line[1:]], axis=1) for line in traces]
        _segments(self._traces, [e[np.isfinite(e).all(axis=(1, 2))] for e in ends], colors)

    def set_dots(self, dots: NDArray[np.float32]) -> None:
        """Draw the dots (n_dots, 2) on the traces."""
        _points(self._dots, [dots[np.isfinite(dots).all(axis=1)]], [self._palette.cursor], _DOT)

    def set_shots(self, shots: Sequence[Shot | None]) -> None:
        """Draw a picture, its lines and its keypoints in each pane; None leaves it empty."""
        while len(self._images) < len(shots):
            self._images.append(_image(self._canvas.scene))
            self._shown.append(None)
        for i, image in enumerate(self._images):
            self._set_shot(i, image, shots[i] if i < len(shots) else None)
        there = [shot for shot in shots if shot is not None]
        colors = [shot.clip.color for shot in there]
        _segments(self._skeletons, [shot.lines for shot in there], colors)
        _points(self._nodes, [shot.nodes for shot in there], colors, _NODE)

    def _set_shot(self, i: int, image: Image, shot: Shot | None) -> None:
        image.visible = shot is not None
        if shot is None:
            self._shown[i] = None
            return
        before = self._shown[i]
        if before is None or before[0] is not shot.clip or before[1] != shot.index:
            image.set_data(shot.clip.pictures[shot.index])
            self._shown[i] = (shot.clip, shot.index)
            self.uploads += 1
        scale, left, top = shot.placed
        if tuple(image.transform.translate[:2]) != (left, top) or image.transform.scale[0] != scale:
            image.transform.scale, image.transform.translate = (scale, scale), (left, top)


def _outline(box: Box) -> NDArray[np.float32]:
    right, bottom = box.left + box.width, box.top + box.height
    corners = np.array([(box.left, box.top), (right, box.top), (right, bottom), (box.left, bottom)], dtype=np.float32)
    return np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)


def _segments(line: Line, parts: Sequence[NDArray[np.float32]], colors: Sequence[str]) -> None:
    """Draw parts (n_lines, 2, 2) in one colour each."""
    line.visible = any(len(part) for part in parts)
    if line.visible:
        ends = np.concatenate([part.reshape(-1, 2) for part in parts]).astype(np.float32)
        line.set_data(ends, color=np.repeat(rgba_of(colors), [2 * len(p) for p in parts], axis=0), connect="segments")


def _points(markers: Markers, parts: Sequence[NDArray[np.float32]], colors: Sequence[str], size: float) -> None:
    """Draw parts (n_points, 2) in one colour each."""
    markers.visible = any(len(part) for part in parts)
    if markers.visible:
        faces = np.repeat(rgba_of(colors), [len(part) for part in parts], axis=0)
        markers.set_data(np.concatenate(parts), size=size, edge_width=0.6, edge_color="#10131A", face_color=faces)


def _image(parent: Node) -> Image:
    image = Image(np.zeros((1, 1, 3), dtype=np.uint8), parent=parent, interpolation="linear", clim=(0, 255))
    image.transform = STTransform()
    return _plain(image, 2)


def _line(parent: Node, order: int, width: float) -> Line:
    return _plain(Line(np.zeros((2, 2), dtype=np.float32), parent=parent, width=width, antialias=True), order)


def _markers(parent: Node, order: int) -> Markers:
    return _plain(Markers(parent=parent, scaling="fixed"), order)


def _plain(visual: Node, order: int) -> Node:
    visual.set_gl_state("translucent", depth_test=False, cull_face=False)
    visual.order = order
    visual.visible = False
    return visual
