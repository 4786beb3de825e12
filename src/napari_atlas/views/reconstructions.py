"""Some windows of every species, and what the network makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QComboBox, QVBoxLayout, QWidget

from napari_atlas.data.live import Example
from napari_atlas.views._canvas import palette_of

__all__ = ["Reconstructions"]

_EMPTY = "examples appear here while a model is trained"
_GAP, _PAD, _POINTS = 8.0, 5.0, 8.0
_LANES = 3


class Reconstructions(QWidget):  # type: ignore[misc]
    """Draw examples in a grid: a row per species, the input thin and muted, the reconstruction over it.

    The first channels of an example share one scale, and each has a lane of its own; where there are several, one
    can be chosen instead.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-reconstructions")
        self.setAccessibleName("Reconstructions of some windows of every species")
        self.setMinimumHeight(96)
        self._palette = palette_of("dark")
        self._examples: tuple[Example, ...] = ()
        self._epoch = 0
        self._names: Mapping[str, Sequence[str]] = {}
        self._channels = QComboBox(self)
        self._channels.setObjectName("atlas-reconstruction-channel")
        self._channels.setAccessibleName("channel of the reconstructions")
        self._channels.setToolTip("Which channel of the signal is drawn")
        self._channels.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._channels.setMinimumContentsLength(18)
        self._channels.activated.connect(self._on_channel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(int(_PAD), round(self._line_height()) + 2, int(_PAD), 0)
        layout.addWidget(self._channels, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._offer_channels()

    def set_theme(self, theme: str) -> None:
        """Follow a napari theme, given by its id."""
        self._palette = palette_of(theme)
        self.update()

    def show_examples(self, examples: tuple[Example, ...], epoch: int) -> None:
        """Show what the network made of these windows after an epoch."""
        self._examples, self._epoch = examples, epoch
        self._offer_channels()
        self.update()

    def name_channels(self, names: Mapping[str, Sequence[str]]) -> None:
        """Call the channels of each species by these names."""
        self._names = names
        self._offer_channels()
        self.update()

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        """Draw legend and panels, or a sentence where there is nothing yet."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        font.setPointSizeF(_POINTS)
        painter.setFont(font)
        if self._examples:
            line = self._line_height()
            self._legend(painter, line)
            top = float(self._channels.geometry().bottom()) if self._channels.isVisible() else line
            for example, box in zip(self._examples, self._boxes(top + 4), strict=True):
                self._panel(painter, example, box)
        else:
            painter.setPen(QColor(self._palette.muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, _EMPTY)
        painter.end()

    def _line_height(self) -> float:
        font = self.font()
        font.setPointSizeF(_POINTS)
        return float(QFontMetricsF(font).height())

    def _on_channel(self, index: int) -> None:
        self._describe()
        self.update()

    def _describe(self) -> None:
        self.setAccessibleDescription("; ".join(self._caption(example) for example in self._examples))

    def _offer_channels(self) -> None:
        """Offer the channels of the examples, if there are several; the one chosen stays chosen."""
        most = max((example.given.shape[1] for example in self._examples), default=0)
        offered = [f"first {_LANES} channels" if most > _LANES else "all channels"]
        offered += [self._name(i) for i in range(most)]
        if offered != [self._channels.itemText(i) for i in range(self._channels.count())]:
            chosen = self._channels.currentIndex()
            self._channels.clear()
            self._channels.addItems(offered)
            self._channels.setCurrentIndex(chosen if 0 <= chosen <= most else 0)
        self._channels.setVisible(most > 1)
        self._describe()

    def _name(self, channel: int) -> str:
        """Return what a channel is called; species differ in their channels."""
        names = dict.fromkeys(
            self._names[example.species][channel]
            for example in self._examples
            if channel < len(self._names.get(example.species, ()))
        )
        return " / ".join(names) or f"channel {channel + 1}"

    def _lanes(self, example: Example) -> list[int]:
        """Return the channels of an example that are drawn."""
        chosen, n_held = self._channels.currentIndex() - 1, example.given.shape[1]
        return [i for i in ([chosen] if chosen >= 0 else range(_LANES)) if i < n_held]

    def _caption(self, example: Example) -> str:
        words = [example.species, "held out" if example.held_out else "training"]
        lanes, names = self._lanes(example), self._names.get(example.species, ())
        if not lanes:
            words.append("no such channel")
        elif self._channels.currentIndex() > 0:
            words.append(names[lanes[0]] if lanes[0] < len(names) else f"channel {lanes[0] + 1}")
        elif len(lanes) < example.n_channels:
            words.append(f"{len(lanes)} of {example.n_channels} channels")
        return " · ".join(words)

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
        words = painter.fontMetrics().elidedText(
            self._caption(example), Qt.TextElideMode.ElideRight, int(inner.width())
        )
        painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, words)
        drawn = inner.adjusted(0, line + 2, 0, -_PAD)
        lanes = self._lanes(example)
        if not lanes:
            return
        both = np.concatenate([example.given, example.rebuilt])[:, lanes]
        limits = (float(both.min()), float(both.max()))
        height = drawn.height() / len(lanes)
        for lane, channel in enumerate(lanes):
            place = QRectF(drawn.x(), drawn.y() + lane * height, drawn.width(), height)
            for values, color, width in (
                (example.given, self._palette.muted, 1.2),
                (example.rebuilt, self._palette.accent, 1.6),
            ):
                painter.setPen(QPen(QColor(color), width))
                painter.drawPolyline(_polyline(values[:, channel], place, limits))


def _polyline(values: NDArray[np.float32], box: QRectF, limits: tuple[float, float]) -> QPolygonF:
    low, high = limits
    x = np.linspace(box.left(), box.right(), len(values))
    y = box.bottom() - (values - low) / max(high - low, 1e-6) * box.height()
    return QPolygonF([QPointF(*place) for place in zip(x.tolist(), y.tolist(), strict=True)])
