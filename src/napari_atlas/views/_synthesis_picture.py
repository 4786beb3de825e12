"""A recorded window and a generated one, drawn at one phase."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QLineF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QWidget

from napari_atlas.views._canvas import palette_of
from napari_atlas.views._synthesis_draw import Turn, body, box_of, traces
from napari_atlas.views._synthesis_facts import Made

__all__ = ["StagePicture"]

_GAP, _PAD, _POINTS = 8.0, 6.0, 8.0
_DOT = 2.6
_RECORDED, _GENERATED = "recorded", "generated"


class StagePicture(QWidget):  # type: ignore[misc]
    """Draw what was recorded and what was generated; poses side by side, traces of one species over one another."""

    painted = Signal()
    """It has been drawn anew."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette = palette_of("dark")
        self.recorded: Made | None = None
        self.generated: Made | None = None
        self.turn = Turn()
        """From where poses in three dimensions are seen."""
        self._at = 0.0

    def set_theme(self, theme: str) -> None:
        """Follow a napari theme, given by its id."""
        self._palette = palette_of(theme)
        self.update()

    def words(self) -> str:
        """Return what is shown, for screen readers."""
        return "; ".join(f"{word}: {_told(made)}" for word, made in self._shown())

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        """Draw both, or nothing yet."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        font.setPointSizeF(_POINTS)
        painter.setFont(font)
        shown = self._shown()
        if len(shown) == 2 and not shown[0][1].points.size and shown[0][1].species is shown[1][1].species:
            self._panel(painter, QRectF(self.rect()), shown)
        else:
            width = (self.width() - _GAP * (len(shown) - 1)) / max(1, len(shown))
            for i, one in enumerate(shown):
                self._panel(painter, QRectF(i * (width + _GAP), 0, width, self.height()), [one])
        painter.end()
        self.painted.emit()

    def _shown(self) -> list[tuple[str, Made]]:
        pairs = ((_RECORDED, self.recorded), (_GENERATED, self.generated))
        return [(word, made) for word, made in pairs if made is not None]

    def _panel(self, painter: QPainter, box: QRectF, shown: list[tuple[str, Made]]) -> None:
        painter.fillRect(box, QColor(self._palette.canvas))
        line = float(painter.fontMetrics().height())
        words = QRectF(box.x() + _PAD, box.y() + 2, box.width() - 2 * _PAD, line)
        for word, made in shown:
            painter.setPen(QColor(self._color(word)))
            text = f"{word} · {made.species.name}"
            fits = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(words.width()))
            painter.drawText(words, Qt.AlignmentFlag.AlignLeft, fits)
            words.setLeft(words.left() + painter.fontMetrics().horizontalAdvance(fits) + 2 * _GAP)
        inner = box.adjusted(_PAD, line + 6, -_PAD, -_PAD)
        if shown[0][1].points.size:
            self._body(painter, inner, *shown[0])
        else:
            self._lanes(painter, inner, shown)

    def _body(self, painter: QPainter, box: QRectF, word: str, made: Made) -> None:
        index = min(int(self._at * len(made.points)), len(made.points) - 1)
        joints, lines = body(made, index, self.turn, box)
        color = QColor(self._color(word))
        painter.setPen(QPen(color, 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLines(lines)
        painter.setBrush(color)
        painter.setPen(Qt.PenStyle.NoPen)
        for joint in joints:
            painter.drawEllipse(joint, _DOT, _DOT)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _lanes(self, painter: QPainter, box: QRectF, shown: list[tuple[str, Made]]) -> None:
        first = shown[0][1]
        lanes = box_of(first, box)
        for channel, lane in lanes:
            for word, made in shown:
                painter.setPen(QPen(QColor(self._color(word)), 1.6 if word == _GENERATED else 1.2))
                for stretch in traces(made, channel, lane):
                    painter.drawPolyline(stretch)
            painter.setPen(QColor(self._palette.muted))
            painter.drawText(
                lane, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, first.species.channels[channel]
            )
        if len(lanes) < first.values.shape[1]:
            told = f"{len(lanes)} of {first.values.shape[1]} channels"
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, told)
        x = box.left() + self._at * box.width()
        painter.setPen(QPen(QColor(self._palette.cursor), 1.0))
        painter.drawLine(QLineF(x, box.top(), x, box.bottom()))

    def _color(self, word: str) -> str:
        return self._palette.muted if word == _RECORDED else self._palette.accent


def _told(made: Made) -> str:
    what = f"{len(made.species.joints)} keypoints" if made.points.size else f"{made.values.shape[1]} channels"
    return f"{made.species.name}, {what}"
