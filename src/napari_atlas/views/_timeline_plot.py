"""The drawing area of the timeline, and what the mouse does there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_atlas.data.windows import SPLITS
from napari_atlas.session import linking
from napari_atlas.views import _timeline_model as model
from napari_atlas.views._canvas import Overlay, Text, make_canvas
from napari_atlas.views._colors import SPLIT_COLORS, rgba_of
from napari_atlas.views._timeline_visuals import TimelineVisuals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_atlas.data.atlas import Atlas
    from napari_atlas.data.windows import Track
    from napari_atlas.session.session import Session
    from napari_atlas.views._canvas import Palette

__all__ = ["TimelinePlot"]

_EMPTY = "Nothing open yet. Click a point of the map or an animal in the video."
_ZOOM = 0.85


@dataclass(frozen=True, eq=False)
class Drawn:
    """What is on the canvas: a track with its windows and limits.

    Attributes
    ----------
    track
        The track.
    ids, edges
        Its windows, and (n_windows, 2) bins from and to which each is drawn.
    values, names
        (n_bins, n_shown) channels on show, and their names.
    scale
        (2, n_shown) values drawn faintest and strongest, or empty where the channels are drawn as lines.
    limits
        Lowest and highest value of each lane of the signal, then of the temperature where there is any.
    predicted
        (n_windows,) °C.
    """

    track: Track
    ids: NDArray[np.int64]
    edges: NDArray[np.float64]
    values: NDArray[np.float64]
    names: tuple[str, ...]
    scale: NDArray[np.float64]
    limits: tuple[tuple[float, float], ...]
    predicted: NDArray[np.float64]

    @classmethod
    def of(cls, atlas: Atlas, track: Track, channel: int) -> Drawn:
        """Gather what is drawn of a track: one of its channels, or all of them if *channel* is −1."""
        values, names = track.values, model.channel_names(track)
        if len(names) == 1:
            names = (model.caption(atlas, track),)
        elif 0 <= channel < len(names):
            values, names = values[:, [channel]], names[channel : channel + 1]
        scale = np.empty((0, 0))
        if len(names) > model.LANES:
            signal = model.caption(atlas, track)
            scale, names = model.heat_scale(values), (f"{signal} · {len(names)} channels, each on its own scale",)
        ids, edges = model.tiles(atlas, track)
        predicted = atlas.predicted[ids].astype(np.float64) if atlas.predicted.size else np.full(ids.size, np.nan)
        limits = [(0.0, 1.0)] if scale.size else [model.value_range(lane) for lane in values.T]
        if np.isfinite(track.temperature).any():
            low, high = model.value_range(np.concatenate([track.temperature, predicted]), tail=1.0)
            # A steady temperature is drawn as steady, not as noise over the whole height.
            pad = max(0.0, 2.0 - (high - low)) / 2
            limits.append((low - pad, high + pad))
        return cls(track, ids, edges, values, names, scale, tuple(limits), predicted)

    @property
    def thermal(self) -> bool:
        """Whether there is a row for temperature."""
        return len(self.limits) > len(self.names)


class TimelinePlot(QWidget):  # type: ignore[misc]
    """Draws the track at the cursor of a session, and seeks where the mouse says.

    Parameters
    ----------
    session
        What to show.
    palette
        Colours.
    parent
        Qt parent.
    """

    def __init__(self, session: Session, palette: Palette, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._palette = session, palette
        self._canvas = make_canvas(parent, palette)
        self._visuals = TimelineVisuals(self._canvas, palette)
        self._overlay = Overlay(self._canvas.native)
        self._drawn: Drawn | None = None
        self._span = model.Span(0.0, 1.0, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._canvas.native)
        for name, slot in (
            ("mouse_press", self._on_press),
            ("mouse_move", self._on_press),
            ("mouse_wheel", self._on_wheel),
            ("mouse_double_click", self._on_double_click),
            ("resize", self.draw),
        ):
            getattr(self._canvas.events, name).connect(slot)

    @property
    def native(self) -> QWidget:
        """The widget that is drawn on."""
        return self._canvas.native

    def paint(self, palette: Palette) -> None:
        """Use the colours of a theme."""
        self._palette = palette
        self._visuals.paint(palette)
        self.draw()

    def load(self, channel: int = -1) -> None:
        """Take up the track at the cursor, or one channel of it; the part on show stays where the track does."""
        atlas = self._session.atlas
        track = model.track_at(atlas, self._session.cursor)
        before, self._drawn = self._drawn, None
        if atlas is not None and track is not None:
            self._drawn = Drawn.of(atlas, track, channel)
        n_bins = len(track.values) if track is not None else 1
        same = before is not None and track is not None and before.track.key == track.key
        if not same or self._span.n_bins != n_bins:
            self._span = model.Span(0.0, float(n_bins), n_bins)
        self.draw()

    def x_of_frame(self, frame: int) -> float:
        """Return the logical pixel of a video frame; NaN while nothing is shown."""
        if self._drawn is None:
            return float("nan")
        return float(self._span.x(model.bin_of_frame(self._drawn.track, frame), self._rows(self._drawn).strip))

    def draw(self, event: Any = None) -> None:
        """Draw everything."""
        native, drawn = self._canvas.native, self._drawn
        self._overlay.setGeometry(native.rect())
        if drawn is None:
            self._visuals.clear()
            middle = Text(native.width() / 2, native.height() / 2, _EMPTY, self._palette.muted, "centre")
            self._overlay.show_texts((middle,))
            return
        rows = self._rows(drawn)
        scales = _scales(drawn, rows)
        self._visuals.set_panels(rows.panels, [[y for y, _ in scale] for scale in scales])
        captions = _captions(drawn, rows)
        times = model.time_ticks(drawn.track, self._span, rows.axis.width)
        places = [(float(self._span.x(at, rows.axis)), label) for at, label in times]
        texts = [*captions, *_value_labels(scales, rows), *_time_labels(places, rows)]
        self._overlay.show_texts(tuple(Text(x, y, text, self._palette.muted, anchor) for x, y, text, anchor in texts))
        self._draw_curves(drawn, rows)
        self._draw_strip(drawn, rows)
        self.draw_selection()
        self.draw_cursor()

    def draw_selection(self) -> None:
        """Mark the selected windows."""
        if self._drawn is None:
            return
        strip = self._rows(self._drawn).strip
        chosen = np.isin(self._drawn.ids, self._session.selection.ids)
        self._visuals.set_selection(model.marks_of(self._drawn.edges[chosen], self._span, strip))

    def follow_cursor(self) -> None:
        """Move the cursor, and scroll there if it has left the bins on show."""
        if self._drawn is None:
            return
        span = self._span.holding(model.bin_of_frame(self._drawn.track, self._session.cursor.frame))
        if span == self._span:
            self.draw_cursor()
        else:
            self._span = span
            self.draw()

    def draw_cursor(self) -> None:
        """Move the cursor line and the span of its window."""
        atlas, cursor, drawn, span = self._session.atlas, self._session.cursor, self._drawn, self._span
        if drawn is None or atlas is None:
            return
        at = model.bin_of_frame(drawn.track, cursor.frame)
        box, table = self._rows(drawn).whole, atlas.windows.table
        window = linking.window_at(atlas, cursor)
        edges = (float(table.start[window]), float(table.stop[window])) if window >= 0 else (at, at)
        left, right = (float(span.x(edge, box)) for edge in edges)
        self._visuals.set_cursor(float(span.x(at, box)), (left, right), box)

    def _rows(self, drawn: Drawn) -> model.Rows:
        return model.lay_out(self._canvas.native.width(), self._canvas.native.height(), drawn.thermal, len(drawn.names))

    def _draw_curves(self, drawn: Drawn, rows: model.Rows) -> None:
        atlas, track = self._session.atlas, drawn.track
        color = next(s.color for s in atlas.windows.species if s.name == track.key.species) if atlas else ""
        if drawn.scale.size:
            box = rows.inside(0)
            self._visuals.set_heat(model.heat(drawn.values, self._span, int(box.width), drawn.scale), box, color)
        else:
            lanes = enumerate(drawn.values.T)
            lines = [model.curve(lane, self._span, rows, i, drawn.limits[i]) for i, lane in lanes]
            self._visuals.set_signal(lines, color)
        if not drawn.thermal:
            self._visuals.set_temperature((np.empty(0), np.empty(0)), np.empty((0, 2)))
            return
        shown = model.thinned(drawn.edges, self._span, rows.strip.width)
        x = self._span.x(drawn.edges[shown].mean(axis=1), rows.strip)
        dots = np.stack([x, rows.y(len(drawn.names), drawn.predicted[shown], drawn.limits[-1])], axis=1)
        inside = np.isfinite(dots[:, 1]) & (x >= rows.strip.left) & (x <= rows.strip.right)
        line = model.curve(track.temperature, self._span, rows, len(drawn.names), drawn.limits[-1])
        self._visuals.set_temperature(line, dots[inside])

    def _draw_strip(self, drawn: Drawn, rows: model.Rows) -> None:
        atlas = self._session.atlas
        if atlas is None:
            return
        shown = model.thinned(drawn.edges, self._span, rows.strip.width)
        edges = drawn.edges[shown]
        # A window stands for those that were left out after it.
        edges[:-1, 1] = np.where(np.diff(shown) > 1, edges[1:, 0], edges[:-1, 1])
        colors = rgba_of([SPLIT_COLORS[name] for name in SPLITS])[atlas.windows.table.split[drawn.ids[shown]]]
        self._visuals.set_strip(model.boxes_of(edges, self._span, rows.strip), colors)

    def _on_press(self, event: Any) -> None:
        if self._drawn is None or event.button != 1:
            return
        track = self._drawn.track
        at = self._span.bin_at(float(event.pos[0]), self._rows(self._drawn).strip)
        frame = model.frame_of_bin(track, at)
        self._session.seek(track.key.recording, track.key.individual, frame)

    def _on_wheel(self, event: Any) -> None:
        if self._drawn is None:
            return
        strip = self._rows(self._drawn).strip
        steps = float(event.delta[1] or event.delta[0])
        if "Shift" in event.modifiers:
            self._span = self._span.moved(-steps * 0.1 * (self._span.high - self._span.low))
        else:
            around = self._span.bin_at(float(event.pos[0]), strip)
            self._span = self._span.zoomed(around, _ZOOM**steps)
        self.draw()

    def _on_double_click(self, event: Any) -> None:
        self._span = model.Span(0.0, float(self._span.n_bins), self._span.n_bins)
        self.draw()


Label = tuple[float, float, str, str]


def _scales(drawn: Drawn, rows: model.Rows) -> list[list[tuple[float, str]]]:
    """Return for each panel the pixels and labels of its values."""
    scales: list[list[tuple[float, str]]] = []
    for i, (limits, box) in enumerate(zip(drawn.limits, rows.panels, strict=True)):
        if drawn.scale.size and i == 0:
            scales.append([])
            continue
        values = model.value_ticks(limits, box.bottom - box.top - 20)
        heights = rows.y(i, np.array([value for value, _ in values]), limits)
        scales.append([(float(y), label) for y, (_, label) in zip(heights, values, strict=True)])
    return scales


def _captions(drawn: Drawn, rows: model.Rows) -> list[Label]:
    predicted = " · dots: predicted" if np.isfinite(drawn.predicted).any() else ""
    words = (*drawn.names, f"temperature (°C){predicted}")
    inside = [(box.left + 7, box.top + 9, text, "left") for box, text in zip(rows.panels, words, strict=False)]
    beside = [("split", rows.strip)]
    if not np.isfinite(drawn.track.times).all():
        beside.append(("sample", rows.axis))
    return [*inside, *((box.left - 6, (box.top + box.bottom) / 2, text, "right") for text, box in beside)]


def _value_labels(scales: list[list[tuple[float, str]]], rows: model.Rows) -> list[Label]:
    return [(rows.strip.left - 6, y, label, "right") for scale in scales for y, label in scale]


def _time_labels(places: list[tuple[float, str]], rows: model.Rows) -> list[Label]:
    """Keep the first and the last label off the edges."""
    low, high, y = rows.axis.left + 12, rows.axis.right - 10, (rows.axis.top + rows.axis.bottom) / 2
    return [(min(max(x, low), high), y, label, "centre") for x, label in places]
