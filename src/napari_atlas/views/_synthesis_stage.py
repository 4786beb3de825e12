"""A recorded window beside a generated one, moving together."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QLineF, QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QWidget

from napari_atlas.views._canvas import palette_of
from napari_atlas.views._pane_player import Player
from napari_atlas.views._synthesis_draw import Turn, body, box_of, traces
from napari_atlas.views._synthesis_facts import Made

__all__ = ["Stage"]

_GAP, _PAD, _POINTS = 8.0, 6.0, 8.0
_DOT = 2.6
_STEP = 10.0
_TURNS = {
    Qt.Key.Key_Left: (-_STEP, 0.0),
    Qt.Key.Key_Right: (_STEP, 0.0),
    Qt.Key.Key_Up: (0.0, _STEP),
    Qt.Key.Key_Down: (0.0, -_STEP),
}
_RECORDED, _GENERATED = "recorded", "generated"


class Stage(QWidget):  # type: ignore[misc]
    """Draw what was recorded and what was generated, at the same phase of their windows.

    Poses stand side by side. Traces of one species lie over one another. Space plays and pauses; a pose in three
    dimensions is turned with the mouse or the arrow keys.
    """

    playing_changed = Signal(bool)
    painted = Signal()
    """It has been drawn anew."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-synthesis-stage")
        self.setAccessibleName("recorded and generated window")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(180, 110)
        self._palette = palette_of("dark")
        self._recorded: Made | None = None
        self._generated: Made | None = None
        self._turn, self._dragged = Turn(), QPointF()
        self._wanted, self._led = True, False
        self._clock = Player(self)
        self._clock.phase_changed.connect(self._on_phase)

    @property
    def playing(self) -> bool:
        """Whether it plays, or will as soon as it can be seen."""
        return self._wanted

    @property
    def phase(self) -> float:
        """Where both are, from 0 to 1."""
        return self._clock.phase

    @property
    def turn(self) -> Turn:
        """From where poses in three dimensions are seen."""
        return self._turn

    def set_theme(self, theme: str) -> None:
        """Follow a napari theme, given by its id."""
        self._palette = palette_of(theme)
        self.update()

    def show_made(self, recorded: Made | None, generated: Made | None, seconds: float) -> None:
        """Show these two, each in a loop of so many seconds."""
        self._recorded, self._generated = recorded, generated
        self._clock.period = seconds
        self.setAccessibleDescription("; ".join(f"{word}: {_told(made)}" for word, made in self._shown()))
        self._run()
        self.update()

    def toggle(self) -> None:
        """Play if it is paused, else pause."""
        self._wanted = not self._wanted
        self._run()
        self.playing_changed.emit(self._wanted)

    def follow(self, phase: float) -> None:
        """Be where the video is, until `lead`."""
        self._led = True
        self._run()
        self._clock.go_to(phase)

    def lead(self) -> None:
        """Keep its own time again."""
        self._led = False
        self._run()

    def event(self, event: Any) -> bool:
        """Play only while it can be seen."""
        handled = bool(super().event(event))
        if event.type() in (event.Type.Show, event.Type.Hide):
            self._run()
        return handled

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Play, pause, turn."""
        if event.key() == Qt.Key.Key_Space:
            self.toggle()
        elif event.key() in _TURNS and self._solid():
            self._turn_by(*_TURNS[event.key()])
        else:
            event.ignore()

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802
        """Take the pose."""
        self._dragged = event.position()

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802
        """Turn the pose with the mouse."""
        moved, self._dragged = event.position() - self._dragged, event.position()
        if self._solid():
            self._turn_by(-0.5 * moved.x(), 0.5 * moved.y())

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
        pairs = ((_RECORDED, self._recorded), (_GENERATED, self._generated))
        return [(word, made) for word, made in pairs if made is not None]

    def _solid(self) -> bool:
        return any(made.points.shape[-1] == 3 for _, made in self._shown())

    def _turn_by(self, right: float, up: float) -> None:
        self._turn = self._turn.by(right, up)
        self.update()

    def _run(self) -> None:
        on = self._wanted and not self._led and self._generated is not None and self.isVisible()
        (self._clock.start if on else self._clock.stop)()

    def _on_phase(self, phase: float) -> None:
        self.update()

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
        index = min(int(self.phase * len(made.points)), len(made.points) - 1)
        joints, lines = body(made, index, self._turn, box)
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
        x = box.left() + self.phase * box.width()
        painter.setPen(QPen(QColor(self._palette.cursor), 1.0))
        painter.drawLine(QLineF(x, box.top(), x, box.bottom()))

    def _color(self, word: str) -> str:
        return self._palette.muted if word == _RECORDED else self._palette.accent


def _told(made: Made) -> str:
    what = f"{len(made.species.joints)} keypoints" if made.points.size else f"{made.values.shape[1]} channels"
    return f"{made.species.name}, {what}"
