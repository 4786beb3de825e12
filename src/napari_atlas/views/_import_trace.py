"""The signal and the temperature of a planned recording as a small plot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_atlas.views._canvas import Palette, palette_of
from napari_atlas.views._import_look import Look

__all__ = ["Trace", "envelope"]

_MARGIN, _TITLE = 6.0, 18.0
_MOST_CHANNELS = 3


def envelope(values: NDArray[np.float64], n_columns: int) -> NDArray[np.float64]:
    """Return the (2 n, 2) places and values of the lowest and highest value in each of at most n columns.

    Parameters
    ----------
    values
        (n_bins,), NaN where unknown.
    n_columns
        How many there is room for.

    Returns
    -------
    NDArray
        Places in 0–1 and values, in order; columns without a known value are left out. As many points as bins, one
        each, if there is room for them.
    """
    places = (np.arange(values.size) + 0.5) / max(1, values.size)
    if values.size <= 2 * n_columns:
        known = np.isfinite(values)
        return np.stack([places[known], values[known]], axis=1)
    points = []
    for part, at in zip(np.array_split(values, n_columns), np.array_split(places, n_columns), strict=True):
        known = part[np.isfinite(part)]
        if known.size:
            points += [(at[0], known.min()), (at[0], known.max())]
    return np.array(points).reshape(-1, 2)


class Trace(QWidget):  # type: ignore[misc]
    """Draw the signal over the whole recording, below it the temperature if there is any; a click goes there."""

    wanted = Signal(int)
    """The frame that was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-import-trace")
        self.setAccessibleName("Signal and temperature over the recording")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._look: Look | None = None
        self._frame = 0
        self._palette = palette_of("dark")

    def set_palette(self, palette: Palette) -> None:
        """Take the colours of a theme."""
        self._palette = palette
        self.update()

    def show_look(self, look: Look | None) -> None:
        """Draw a recording, or nothing."""
        self._look = look
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def show_frame(self, frame: int) -> None:
        """Mark the frame on show."""
        self._frame = frame
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the room for one plot, or two."""
        return QSize(240, 106 if self._look is not None and self._look.temperature.size else 68)

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802
        """Go to the frame under the mouse."""
        look = self._look
        if look is not None and event.button() == Qt.MouseButton.LeftButton:
            share = (event.position().x() - _MARGIN) / max(1.0, self.width() - 2 * _MARGIN)
            first, last = look.first_frame, _end(look)
            self.wanted.emit(int(np.clip(first + share * (last - first), 0, look.last_frame)))

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        """Draw."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(self._palette.canvas))
        if self._look is not None:
            for box, title, lines in self._plots(self._look):
                self._plot(painter, box, title, lines)
            self._cursor(painter, self._look)
        painter.end()

    def _plots(self, look: Look) -> Iterator[tuple[QRectF, str, list[tuple[NDArray[np.float64], str]]]]:
        both = bool(look.temperature.size)
        height = self.height() * (0.6 if both else 1.0)
        width = self.width() - 2 * _MARGIN
        shown = look.channels[:_MOST_CHANNELS]
        more = f" and {len(look.channels) - len(shown)} more" if len(look.channels) > len(shown) else ""
        colors = (look.species.color, self._palette.accent, self._palette.muted)
        lines = [(look.trace[:, i], colors[i]) for i in range(len(shown))]
        yield QRectF(_MARGIN, 0, width, height), (", ".join(shown) or "no signal") + more, lines
        if both:
            box = QRectF(_MARGIN, height, width, self.height() - height)
            yield box, "temperature (°C)", [(look.temperature, self._palette.warm)]

    def _plot(self, painter: QPainter, box: QRectF, title: str, lines: list[tuple[NDArray[np.float64], str]]) -> None:
        known = np.concatenate([np.empty(0), *(values[np.isfinite(values)] for values, _ in lines)])
        painter.setPen(QColor(self._palette.muted))
        font = self.font()
        font.setPointSizeF(8.0)
        painter.setFont(font)
        head = QRectF(box.x(), box.y(), box.width(), _TITLE)
        ends = np.unique([known.min(), known.max()]) if known.size else ()
        limits = " – ".join(f"{value:.4g}".replace("-", "−") for value in ends)
        room = head.width() - painter.fontMetrics().horizontalAdvance(limits) - 12
        title = painter.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, int(room))
        painter.drawText(head, int((Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter).value), title)
        painter.drawText(head, int((Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter).value), limits)
        if not known.size:
            return
        low, span = float(known.min()), float(np.ptp(known))
        low, span = (low, span) if span else (low - 0.5, 1.0)
        top, bottom = box.y() + _TITLE, box.y() + box.height() - 6.0
        for values, color in lines:
            points = envelope(values, int(box.width()))
            x = box.x() + points[:, 0] * box.width()
            y = bottom - (points[:, 1] - low) / span * (bottom - top)
            painter.setPen(QPen(QColor(color), 1.3))
            painter.drawPolyline(QPolygonF([QPointF(*pair) for pair in zip(x, y, strict=True)]))

    def _cursor(self, painter: QPainter, look: Look) -> None:
        first, last = look.first_frame, _end(look)
        share = (self._frame - first) / max(1, last - first)
        if look.frames.size and 0 <= share <= 1:
            x = _MARGIN + share * (self.width() - 2 * _MARGIN)
            painter.setPen(QPen(QColor(self._palette.cursor), 1.0))
            painter.drawLine(QPointF(x, _TITLE), QPointF(x, self.height() - 4.0))


def _end(look: Look) -> int:
    """Return the frame after the last tracked one."""
    return look.first_frame + max(1, look.recording.timebase.n_samples)
