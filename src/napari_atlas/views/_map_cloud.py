"""Draw the points of the map, however many there are, without holding up the window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QTimer
from vispy.scene.visuals import Image, Markers
from vispy.visuals.transforms import STTransform

from napari_atlas.views._map_model import shrink_of
from napari_atlas.views._map_raster import density_picture, points_picture
from napari_atlas.views._worker import Latest

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qtpy.QtWidgets import QWidget
    from vispy.scene import Node

    from napari_atlas.views._canvas import Palette
    from napari_atlas.views._map_model import Cloud
    from napari_atlas.views._map_raster import Frame, Scale
    from napari_atlas.views._map_view import MapView

__all__ = ["MANY", "CloudVisuals", "Look", "draw_points", "make_points"]

# So many points are drawn one by one; of more there is a picture, made in a thread.
MANY = 20_000
# While the view moves, the picture is made of about so many.
_SAMPLE = 100_000
# Before there is a picture, and while a solid map turns, so many points are drawn.
_GLIMPSE = 10_000
# The density is counted in squares of so many pixels.
_DENSITY_PX = 2
_IDLE_MS = 150
_MOVING_MS = 250
_CLEAR = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Look:
    """Points and how to draw them.

    Attributes
    ----------
    cloud
        The points.
    density
        Whether a picture of how many there are takes their place.
    scale
        Numbers whose mean colours the density; None takes the colours of the points.
    kept
        (n_windows,) whether a window keeps its colour; the others turn grey. None if all do.
    step
        It was made of every so-manyth of the points.
    """

    cloud: Cloud
    density: bool = False
    scale: Scale | None = None
    kept: NDArray[np.bool_] | None = None
    step: int = 1

    @property
    def pictured(self) -> bool:
        """Whether a thread has to make a picture of it."""
        return self.density or self.cloud.ids.size > MANY

    def thinned(self, most: int) -> Look:
        """Return it with about *most* of its points, evenly from all recordings; each stands for several."""
        step = max(1, self.cloud.ids.size // most)
        return replace(self, cloud=self.cloud.taken(slice(None, None, step)), step=step)

    def colored(self) -> Cloud:
        """Return the points, those that do not keep their colours grey."""
        return self.cloud if self.kept is None else self.cloud.with_grey(~self.kept[self.cloud.ids])


@dataclass(frozen=True, eq=False)
class _Drawn:
    """A picture, or if there are few points in the frame, those."""

    of: Look
    frame: Frame
    pixels: NDArray[np.uint8] | None = None
    cloud: Cloud | None = None


class CloudVisuals:
    """The points, or a picture of them; which of both is decided by how many there are in view.

    Parameters
    ----------
    view
        Where they are drawn.
    palette
        Colours.
    owner
        Qt parent of the timers.
    """

    def __init__(self, view: MapView, palette: Palette, owner: QWidget) -> None:
        self._view = view
        self._palette = palette
        self._points = make_points(view.root, 1)
        self._picture = Image(np.zeros((1, 1, 4), dtype=np.uint8), parent=view.root, interpolation="nearest")
        self._picture.set_gl_state("translucent", depth_test=False)
        self._picture.order, self._picture.visible = 1, False
        self._look: Look | None = None
        self._painter = Latest()
        self._idle = QTimer(owner, singleShot=True, interval=_IDLE_MS)
        self._idle.timeout.connect(self._paint_all)
        self._meanwhile = QTimer(owner, singleShot=True, interval=_MOVING_MS)
        self._meanwhile.timeout.connect(self._paint_some)

    @property
    def busy(self) -> bool:
        """Whether what is on show is not the last word."""
        return self._painter.busy or self._idle.isActive()

    @property
    def pictured(self) -> bool:
        """Whether there are so many points that a thread makes a picture of them."""
        return self._look is not None and self._look.pictured

    def paint(self, palette: Palette) -> None:
        """Use the colours of another theme."""
        self._palette = palette

    def show(self, look: Look) -> None:
        """Draw points in the place of those before; the picture of very many comes a moment later."""
        before, self._look = self._look, look
        self._points.set_gl_state("translucent", depth_test=self._view.solid)
        if not look.pictured:
            self.clear()
            self._look = look
            self._show_points(look.cloud)
            return
        if before is None or before.cloud.positions is not look.cloud.positions:
            self._glimpse()
        self._paint_all()

    def moving(self) -> None:
        """Keep up with a view that moves: the picture moves along, and is made again now and then and at the end."""
        if not self.pictured:
            return
        self._idle.start()
        if self._view.solid:
            if self._picture.visible:
                self._glimpse()
        elif not self._meanwhile.isActive():
            self._meanwhile.start()

    def clear(self) -> None:
        """Draw none."""
        self.stop()
        self._painter.drop()
        self._look = None

    def stop(self) -> None:
        """Stop the timers."""
        self._idle.stop()
        self._meanwhile.stop()

    def _glimpse(self) -> None:
        """Draw some of the points at once."""
        if self._look is not None:
            self._show_points(self._look.thinned(_GLIMPSE).colored())

    def _paint_some(self) -> None:
        if self._look is not None:
            self._ask(self._look, self._look.thinned(_SAMPLE))

    def _paint_all(self) -> None:
        self._idle.stop()
        self._meanwhile.stop()
        if self._look is not None:
            self._ask(self._look, self._look)

    def _ask(self, look: Look, drawn: Look) -> None:
        frame = self._view.frame(look.cloud.positions.shape[1])
        self._painter.run(lambda: _drawn(look, drawn, frame), self._on_drawn)

    def _on_drawn(self, drawn: _Drawn | Exception) -> None:
        if isinstance(drawn, Exception):
            raise drawn
        if drawn.of is not self._look or (self._view.solid and self._idle.isActive()):
            return
        if drawn.cloud is not None:
            self._show_points(drawn.cloud)
        else:
            self._show_picture(drawn)

    def _show_points(self, cloud: Cloud) -> None:
        draw_points(self._points, cloud.ordered(), self._palette)
        self._points.visible, self._picture.visible = True, False

    def _show_picture(self, drawn: _Drawn) -> None:
        """Put the picture in the map, with which it moves; in three dimensions on the glass before it."""
        frame, solid = drawn.frame, self._view.solid
        self._picture.set_data(drawn.pixels)
        self._picture.parent = self._view.glass if solid else self._view.root
        if solid:
            self._picture.transform = STTransform(scale=(1 / frame.scale, 1 / frame.scale))
        else:
            scale = 1.0 / np.diag(frame.matrix)
            self._picture.transform = STTransform(scale=scale, translate=-frame.offset * scale)
        self._points.visible, self._picture.visible = False, True


def _drawn(look: Look, sample: Look, frame: Frame) -> _Drawn:
    """Return what is to be seen of points in a frame; it takes a while where there are many."""
    frame = frame.coarser(_DENSITY_PX) if look.density else frame
    cloud = sample.colored()
    cells = frame.cells(cloud.positions)
    rows = np.flatnonzero(cells >= 0)
    if not look.density and sample.step == 1 and rows.size <= MANY:
        return _Drawn(look, frame, cloud=cloud.taken(rows))
    if look.density:
        return _Drawn(look, frame, density_picture(cloud, cells, frame, sample.step, look.scale))
    return _Drawn(look, frame, points_picture(cloud, cells, frame, sample.step))


def make_points(parent: Node, order: int) -> Markers:
    """Return markers of a fixed size on screen that show nothing yet."""
    points = Markers(parent=parent, scaling="fixed", antialias=1)
    points.set_gl_state("translucent", depth_test=False)
    points.order = order
    points.visible = False
    # A camera asks for the bounds of all that there is.
    _draw_none(points)
    return points


def draw_points(points: Markers, cloud: Cloud, palette: Palette) -> None:
    """Upload points."""
    if not cloud.ids.size:
        _draw_none(points)
        return
    shrink = shrink_of(cloud.ids.size)
    points.set_data(
        cloud.positions,
        size=cloud.sizes * shrink,
        edge_width=cloud.edges * shrink,
        edge_color=palette.canvas,
        face_color=cloud.faces,
        symbol=cloud.symbols,
    )


def _draw_none(points: Markers) -> None:
    points.set_data(np.zeros((1, 2), dtype=np.float32), size=0.0, face_color=_CLEAR, edge_width=0.0)
