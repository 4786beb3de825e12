"""Draw one animal over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_atlas.views import _timeline_model as model
from napari_atlas.views._timeline_face import shortened
from napari_atlas.views._timeline_layout import (
    LATENT,
    SIGNAL,
    TEMPERATURE,
    Box,
    Layout,
    Span,
    inside,
    lay_out,
    level,
)
from napari_atlas.views._timeline_visuals import shades

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_atlas.views._timeline_drawn import Drawn, Panel
    from napari_atlas.views._timeline_face import Label
    from napari_atlas.views._timeline_visuals import TimelineVisuals

__all__ = ["View", "draw_panels", "draw_selected", "draw_strips", "labels_of"]

_HAIR_FROM = 4.0  # pixels of a window from which on a hair is left between it and the next


@dataclass(frozen=True, eq=False)
class View:
    """A track, where its rows lie, and which of its bins are on show.

    Attributes
    ----------
    drawn
        What is drawn.
    layout
        Where.
    span
        Bins on show.
    """

    drawn: Drawn
    layout: Layout
    span: Span

    @classmethod
    def of(cls, drawn: Drawn, size: tuple[float, float], span: Span) -> View:
        """Return the view on a canvas of a width and a height."""
        lanes = {kind: len(panel.names) for kind, panel in drawn.panels.items()}
        return cls(drawn, lay_out(*size, lanes, len(drawn.strips)), span)

    @property
    def celsius(self) -> Box | None:
        """The panel of the temperature, if it is on show."""
        return next(iter(self.layout.panels.get(TEMPERATURE, ())), None)

    def x(self, at: float) -> float:
        """Return the pixel of a bin."""
        return float(self.span.x(at, self.layout.axis))

    def bin_at(self, x: float) -> float:
        """Return the bin at a pixel, kept inside the track."""
        return self.span.bin_at(x, self.layout.axis)

    def x_of_frame(self, frame: int) -> float:
        """Return the pixel of a video frame."""
        return self.x(model.bin_of_frame(self.drawn.track, frame))

    def point_of(self, window: int) -> tuple[float, float]:
        """Return the pixel in the middle of a window; NaN if it is not of this track."""
        edges = self.drawn.edges[self.drawn.ids == window]
        return (self.x(float(edges.mean())) if edges.size else float("nan")), self.layout.upper.bottom / 2

    def y_of_celsius(self, celsius: float) -> float:
        """Return the pixel of a temperature; NaN if there is none on show."""
        box = self.celsius
        return float(level(box, np.array([celsius]), self.drawn.limits)[0]) if box is not None else float("nan")

    def celsius_at(self, y: float) -> float:
        """Return the temperature at a pixel, kept inside its panel."""
        assert self.celsius is not None
        inner, (least, most) = inside(self.celsius), self.drawn.limits
        return float(np.clip(least + (inner.bottom - y) / inner.height * (most - least), least, most))

    def tiles(self) -> NDArray[np.int64]:
        """Return which of the track's windows is drawn at each column of pixels; −1 if none."""
        return model.tile_at(self.drawn.edges, self.span.columns(self.layout.axis))


def draw_panels(visuals: TimelineVisuals, view: View, color: str) -> None:
    """Draw the panels with their lines and pictures; *color* is that of the signal."""
    layout, panels, at = view.layout, view.drawn.panels, view.tiles()
    visuals.set_panels(layout.all_panels, [[y for y, _ in scale] for scale in _scales(view)])
    colors = {SIGNAL: color, TEMPERATURE: visuals.palette.warm, LATENT: visuals.palette.text}
    for kind, panel in panels.items():
        boxes = layout.panels[kind]
        if panel.scale.size:
            strengths = _strengths(panel, view, at, by_bin=kind == SIGNAL)
            visuals.set_picture(kind, shades(colors[kind], strengths, least=0.1), inside(boxes[0]))
        else:
            lanes = zip(panel.courses, boxes, panel.limits, strict=True)
            by_window = kind == LATENT
            visuals.set_lines(
                kind,
                [
                    model.step_curve(course.values, at, box, limits)
                    if by_window
                    else model.curve(course, view.span, box, limits)
                    for course, box, limits in lanes
                ],
                colors[kind],
            )
    if view.celsius is not None:
        _draw_predicted(visuals, view, at)


def draw_strips(visuals: TimelineVisuals, view: View) -> None:
    """Draw the strips, a colour for each window."""
    strips, boxes = view.drawn.strips, view.layout.strips
    if not strips:
        return
    at = view.tiles()
    shown = at >= 0
    # A hair between windows, where there is room for one.
    if np.count_nonzero(np.diff(at)) * _HAIR_FROM < at.size:
        shown[1:] &= at[1:] == at[:-1]
    each = round(boxes[0].height + 1)
    picture = np.zeros((each * len(strips), at.size, 4), dtype=np.uint8)
    for i, strip in enumerate(strips):
        picture[each * i : each * (i + 1) - 1, shown] = strip.rgba[at[shown]]
    visuals.set_picture("strips", picture, Box(boxes[0].left, boxes[0].top, boxes[0].right, boxes[-1].bottom + 1))


def draw_selected(visuals: TimelineVisuals, view: View, chosen: NDArray[np.int64]) -> None:
    """Mark the chosen windows, counted within the track, by their tiles, and shade all that they span."""
    marks, accent = view.layout.marks, visuals.palette.accent
    columns = view.span.columns(marks)
    tiled = model.filled(view.drawn.edges, columns, chosen)
    spanned = model.filled(view.drawn.reach[chosen], columns, np.arange(chosen.size))
    tiles, spans = (np.where(part, 1.0, np.nan)[None] for part in (tiled, spanned))
    visuals.set_picture("marks", shades(accent, tiles), Box(marks.left, marks.top, marks.right, marks.bottom - 1))
    visuals.set_picture("shade", shades(accent, spans, most=0.16), view.layout.upper)


def labels_of(view: View) -> tuple[Label, ...]:
    """Return the texts: captions, values, names of the strips, times."""
    axis = view.layout.axis
    values = [(axis.left - 6, y, text, "right") for scale in _scales(view) for y, text in scale]
    # The first and the last time are kept off the edges.
    low, high, y = axis.left + 12, axis.right - 10, (axis.top + axis.bottom) / 2
    places = model.time_ticks(view.drawn.track, view.span, axis.width)
    times = [(min(max(view.x(at), low), high), y, text, "centre") for at, text in places]
    return (*_captions(view.drawn, view.layout), *values, *times)


def _strengths(panel: Panel, view: View, at: NDArray[np.int64], by_bin: bool) -> NDArray[np.float64]:
    if by_bin:
        return model.heat(panel.values, view.span, at.size, panel.scale)
    by_column = np.full((at.size, panel.values.shape[1]), np.nan)
    by_column[at >= 0] = panel.values[at[at >= 0]]
    return model.strengths(by_column, panel.scale)


def _draw_predicted(visuals: TimelineVisuals, view: View, at: NDArray[np.int64]) -> None:
    """Draw at most one dot for each column of pixels."""
    drawn, box, shown = view.drawn, view.layout.panels[TEMPERATURE][0], np.unique(at[at >= 0])
    x = view.span.x(drawn.edges[shown].mean(axis=1), box)
    dots = np.stack([x, level(box, drawn.predicted[shown], drawn.limits)], axis=1)
    visuals.set_dots(dots[np.isfinite(dots[:, 1]) & (x >= box.left) & (x <= box.right)])


def _scales(view: View) -> list[list[tuple[float, str]]]:
    """Return for each panel the pixels and labels of its values."""
    scales: list[list[tuple[float, str]]] = []
    for kind, panel in view.drawn.panels.items():
        if panel.scale.size:
            scales.append([])
        for limits, box in zip(panel.limits, view.layout.panels[kind], strict=False):
            values = model.value_ticks(limits, box.height - 20)
            heights = level(box, np.array([value for value, _ in values]), limits)
            scales.append([(float(y), label) for y, (_, label) in zip(heights, values, strict=True)])
    return scales


def _captions(drawn: Drawn, layout: Layout) -> list[Label]:
    names = (name for panel in drawn.panels.values() for name in panel.names)
    within = [(box.left + 7, box.top + 9, text, "left") for text, box in zip(names, layout.all_panels, strict=True)]
    beside = [(shortened(strip.label), box) for strip, box in zip(drawn.strips, layout.strips, strict=True)]
    if not model.clocked(drawn.track):
        beside.append(("sample", layout.axis))
    return [*within, *((box.left - 6, (box.top + box.bottom) / 2, text, "right") for text, box in beside)]
