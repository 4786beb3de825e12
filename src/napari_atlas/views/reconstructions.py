"""Some windows of every species, and what the network makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

from napari_atlas.data.live import Example
from napari_atlas.views._canvas import palette_of

__all__ = ["Reconstructions"]

_EMPTY = "examples appear here while a model is trained"
_GAP, _PAD, _POINTS = 8.0, 5.0, 8.0


class Reconstructions(QWidget):  # type: ignore[misc]
    """Draw examples in a grid: a row per species, the input thin and muted, the reconstruction over it.

    All channels of an example share one scale, and each has a lane of its own.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-reconstructions")
        self.setAccessibleName("Reconstructions of some windows of every species")
        self.setMinimumHeight(96)
        self._palette = palette_of("dark")
        self._examples: tuple[Example, ...] = ()
        self._epoch = 0

    def set_theme(self, theme: str) -> None:
        """Follow a napari theme, given by its id."""
        self._palette = palette_of(theme)
        self.update()

    def show_examples(self, examples: tuple[Example, ...], epoch: int) -> None:
        """Show what the network made of these windows after an epoch."""
        self._examples, self._epoch = examples, epoch
        self.setAccessibleDescription("; ".join(_caption(example) for example in examples))
        self.update()

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        """Draw legend and panels, or a sentence where there is nothing yet."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        font.setPointSizeF(_POINTS)
        painter.setFont(font)
        if self._examples:
            line = float(painter.fontMetrics().height())
            self._legend(painter, line)
            for example, box in zip(self._examples, self._boxes(line + 4), strict=True):
                self._panel(painter, example, box)
        else:
            painter.setPen(QColor(self._palette.muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, _EMPTY)
        painter.end()

    def _boxes(self, top: float) -> list[QRectF]:
        """Return where each example goes, below *top*: a row per species."""
        species = list(dict.fromkeys(example.species for example in self._examples))
        height = (self.height() - top - _GAP * (len(species) - 1)) / len(species)
        boxes = []
        for row, name in enumerate(species):
            n = sum(example.species == name for example in self._examples)
            width = (self.width() - _GAP * (n - 1)) / n
            y = top + row * (height + _GAP)
            boxes += [QRectF(i * (width + _GAP), y, width, height) for i in range(n)]
        return boxes

    def _legend(self, painter: QPainter, height: float) -> None:
        left, epoch = QRectF(_PAD, 0, self.width() - 2 * _PAD, height), f"epoch {self._epoch}"
        right = QRectF(left)
        for text, color in (("input", self._palette.muted), ("reconstruction", self._palette.accent)):
            painter.setPen(QColor(color))
            painter.drawText(left, Qt.AlignmentFlag.AlignLeft, text)
            left.setLeft(left.left() + painter.fontMetrics().horizontalAdvance(text) + 2 * _GAP)
        painter.setPen(QColor(self._palette.muted))
        painter.drawText(right, Qt.AlignmentFlag.AlignRight, epoch)

    def _panel(self, painter: QPainter, example: Example, box: QRectF) -> None:
        painter.fillRect(box, QColor(self._palette.canvas))
        line = float(painter.fontMetrics().height())
        inner = box.adjusted(_PAD, 2, -_PAD, 0)
        painter.setPen(QColor(self._palette.muted))
        words = painter.fontMetrics().elidedText(_caption(example), Qt.TextElideMode.ElideRight, int(inner.width()))
        painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, words)
        drawn = inner.adjusted(0, line + 2, 0, -_PAD)
        both = np.concatenate([example.given, example.rebuilt])
        limits = (float(both.min()), float(both.max()))
        height = drawn.height() / example.given.shape[1]
        for lane in range(example.given.shape[1]):
            place = QRectF(drawn.x(), drawn.y() + lane * height, drawn.width(), height)
            for values, color, width in (
                (example.given, self._palette.muted, 1.2),
                (example.rebuilt, self._palette.accent, 1.6),
            ):
                painter.setPen(QPen(QColor(color), width))
                painter.drawPolyline(_polyline(values[:, lane], place, limits))


def _caption(example: Example) -> str:
    part = "held out" if example.held_out else "training"
    n_shown = example.given.shape[1]
    channels = f" · {n_shown} of {example.n_channels} channels" if n_shown < example.n_channels else ""
    return f"{example.species} · {part}{channels}"


def _polyline(values: NDArray[np.float32], box: QRectF, limits: tuple[float, float]) -> QPolygonF:
    low, high = limits
    x = np.linspace(box.left(), box.right(), len(values))
    y = box.bottom() - (values - low) / max(high - low, 1e-6) * box.height()
    return QPolygonF([QPointF(*place) for place in zip(x.tolist(), y.tolist(), strict=True)])
