"""Panes side by side on one canvas: a clip each, with what it is and its signal."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QFont, QFontMetricsF
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_atlas.views._canvas import Overlay, Text, make_canvas, palette_of
from napari_atlas.views._pane_layout import LINE, Box, Place, Style, lay_out
from napari_atlas.views._pane_visuals import PaneVisuals, Shot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_atlas.data.clip import Clip

__all__ = ["PaneContent", "PaneWall"]

_POINTS = 8.0
_UNKNOWN = (math.nan, math.nan)


@dataclass(frozen=True, eq=False)
class PaneContent:
    """What one pane shows.

    Attributes
    ----------
    clip
        What it plays; None while it is loaded.
    title, subtitle
        The lines above the picture or beside it; the second may hold line breaks, and facts with " · " between.
    trace
        (n_bins,) signal of the window, NaN where unknown; empty for none.
    window
        Window id; −1 if it stands for none.
    color
        Of the species, as "#rrggbb".
    limits
        Values at the bottom and the top of the trace; NaN takes those of the trace.
    fault
        Why there is no clip; empty while it is loaded.
    tip
        What more is told where the mouse rests.
    """

    clip: Clip | None
    title: str
    subtitle: str = ""
    trace: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    window: int = -1
    color: str = "#9AA5B1"
    limits: tuple[float, float] = _UNKNOWN
    fault: str = ""
    tip: str = ""


class PaneWall(QWidget):  # type: ignore[misc]
    """Draw panes at a phase from 0 to 1 that is the same for all, however long each clip is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette = palette_of("dark")
        self.contents: tuple[PaneContent, ...] = ()
        """What is shown."""
        self.groups: tuple[int, ...] = ()
        """How many of the last panes belong together; none in a grid."""
        self._places: tuple[Place, ...] = ()
        self._traces: tuple[NDArray[np.float32], ...] = ()
        self._at, self._current = 0.0, -1
        self._canvas = make_canvas(self, self._palette)
        self._visuals = PaneVisuals(self._canvas, self._palette)
        self._overlay = Overlay(self._canvas.native, _POINTS)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._canvas.native)
        self._canvas.events.resize.connect(self._draw)

    @property
    def native(self) -> QWidget:
        """The widget that is drawn on and takes the mouse."""
        return self._canvas.native

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
        self._palette = palette_of(theme)
        self._visuals.paint(self._palette)
        self._draw()

    def frames_shown(self) -> tuple[int, ...]:
        """Return the video frame that each pane shows; −1 for one without a picture."""
        return tuple(int(s.clip.frames[s.index]) if s is not None else -1 for s in self._shots())

    def uploads(self) -> int:
        """Return how many pictures were handed to the graphics card so far."""
        return self._visuals.uploads

    def words(self) -> str:
        """Return what the panes say, one a line, for screen readers."""
        return "\n".join(" · ".join(filter(None, (c.title, *c.subtitle.split("\n"), _state(c)))) for c in self.contents)

    def middle_of(self, pane: int) -> QPoint:
        """Return the middle of a pane's picture, in pixels of `native`."""
        box = self._places[pane].picture
        return QPoint(round(_middle(box)), round(_middle(box, down=True)))

    def pane_at(self, x: float, y: float) -> int:
        """Return which pane a pixel of `native` lies in; −1 if none."""
        return next((i for i, place in enumerate(self._places) if place.whole.holds(x, y)), -1)

    def _draw(self, event: Any = None) -> None:
        """Draw everything."""
        native = self._canvas.native
        self._overlay.setGeometry(native.rect())
        n_lines = max((2 + c.subtitle.count("\n") for c in self.contents), default=2)
        style = Style(n_lines, any(c.trace.size > 1 for c in self.contents))
        self._places = lay_out((native.width(), native.height()), len(self.contents), self.groups, style)
        self._traces = tuple(_curve(c, p) for c, p in zip(self.contents, self._places, strict=True))
        colors = [content.color for content in self.contents]
        self._visuals.set_traces(self._traces, colors)
        self._draw_frames()
        self._overlay.show_texts(tuple(self._texts()))
        self._draw_at(self._at)

    def _draw_frames(self) -> None:
        """Draw a frame around each pane, a bright one around the pane that the keyboard is at."""
        shown = self._current if self.hasFocus() else -1
        colors = [self._palette.accent if i == shown else self._palette.line for i in range(len(self._places))]
        self._visuals.set_frames([place.whole for place in self._places], colors)

    def _draw_at(self, phase: float) -> None:
        """Draw what moves."""
        self._at = phase
        self._visuals.set_shots(self._shots())
        dots = [_along(trace, phase) for trace in self._traces if len(trace)]
        self._visuals.set_dots(np.array(dots, dtype=np.float32).reshape(-1, 2))

    def _shots(self) -> tuple[Shot | None, ...]:
        pairs = zip(self.contents, self._places, strict=True)
        return tuple(
            Shot(c.clip, c.clip.at(self._at), place.picture) if c.clip is not None and len(c.clip.frames) else None
            for c, place in pairs
        )

    def _texts(self) -> Iterator[Text]:
        font = QFont(self._overlay.font())
        font.setPointSizeF(_POINTS)
        metrics = QFontMetricsF(font)
        right = Qt.TextElideMode.ElideRight
        for content, place in zip(self.contents, self._places, strict=True):
            box, title, texts = place.picture, place.title, place.texts
            yield Text(title.left, title.top + LINE / 2, "●", content.color)
            named = metrics.elidedText(content.title, right, title.width - 12)
            yield Text(title.left + 12, title.top + LINE / 2, named, self._palette.text)
            for i, words in enumerate(_lines(content.subtitle, texts.left > box.left)):
                if (i + 1) * LINE <= texts.height + 1:
                    told = metrics.elidedText(words, right, texts.width)
                    yield Text(texts.left, texts.top + (i + 0.5) * LINE, told, self._palette.muted)
            said = _state(content)
            if content.clip is None:
                waiting = metrics.elidedText(said, right, title.width)
                yield Text(_middle(title), _middle(box, down=True), waiting, self._palette.muted, "centre")
            elif said:
                yield Text(box.left + 4, box.top + box.height - LINE / 2, said, "#C9D1DC")


def _middle(box: Box, down: bool = False) -> float:
    return box.top + box.height / 2 if down else box.left + box.width / 2


def _lines(subtitle: str, narrow: bool) -> list[str]:
    """Return the lines of a subtitle; where there is little width each of its facts has a line of its own."""
    lines = subtitle.split("\n")
    return [fact for line in lines for fact in line.split(" · ")] if narrow else lines


def _state(content: PaneContent) -> str:
    """Return what there is to know about the picture of a pane."""
    return content.clip.note if content.clip is not None else content.fault or "loading"


def _curve(content: PaneContent, place: Place) -> NDArray[np.float32]:
    """Return the (n_bins, 2) points of a trace; none if there is no trace."""
    known = content.trace[np.isfinite(content.trace)]
    if content.trace.size < 2 or not known.size:
        return np.empty((0, 2), dtype=np.float32)
    ends = (float(known.min()), float(known.max()))
    low, high = (a if math.isfinite(a) else b for a, b in zip(content.limits, ends, strict=True))
    share = np.clip((content.trace - low) / ((high - low) or 1.0), 0.0, 1.0)
    box = place.trace
    x = box.left + (np.arange(share.size) + 0.5) / share.size * box.width
    return np.stack([x, box.top + 3 + (1 - share) * (box.height - 6)], axis=1).astype(np.float32)


def _along(curve: NDArray[np.float32], phase: float) -> tuple[float, float]:
    """Return the point of a curve at a phase; NaN in a gap."""
    at = float(np.clip(phase * len(curve) - 0.5, 0, len(curve) - 1))
    before, after = curve[int(at)], curve[min(int(at) + 1, len(curve) - 1)]
    x, y = before + (after - before) * (at - int(at)) if at > int(at) else before
    return float(x), float(y)
