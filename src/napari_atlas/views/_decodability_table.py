"""Bars of how well each variable can be told, each beside its chance."""

from __future__ import annotations

import math
from typing import Any

from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_atlas.views._bar_cell import BarCell
from napari_atlas.views._canvas import Palette
from napari_atlas.views._decodability_model import BAR, Row, TellModel, summary

__all__ = ["TellTable"]

_WIDEST = {0: "straight border ", 2: "100 % → 100 % "}


class TellTable(QTableView):  # type: ignore[misc]
    """Variables with their decoders; a click, Return or Enter asks for the map's colour by one."""

    wanted = Signal(str)
    """The variable of a row that was clicked."""

    def __init__(self, palette: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-scrubbing-table")
        self.setAccessibleName("How well each variable can be told from the latent")
        self.tells = TellModel(self)
        self.setModel(self.tells)
        self._bars = _Bars(palette, self)
        self.setItemDelegateForColumn(BAR, self._bars)
        self._lay_out()
        self.clicked.connect(self._ask)

    def show_rows(self, rows: tuple[Row, ...]) -> None:
        """Show these rows; the current one stays so if it is among them."""
        place = self.currentIndex().row()
        self.clearSpans()
        self.tells.show_rows(rows)
        for i, row in enumerate(rows):
            if not row.decoder:
                self.setSpan(i, 0, 1, 3)
        self.setAccessibleDescription(summary(rows))
        beside = any(math.isfinite(row.beside) for row in rows)
        for column, widest in _WIDEST.items():
            text = widest if beside or column != 2 else widest.partition(" →")[0]
            self.horizontalHeader().resizeSection(column, self.fontMetrics().horizontalAdvance(text) + 10)
        if 0 <= place < len(rows):
            self.setCurrentIndex(self.tells.index(place, 0))

    def set_palette(self, palette: Palette) -> None:
        """Use other colours."""
        self._bars.colors = palette
        self.viewport().update()

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Colour by the current row with Return."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._ask()
        else:
            super().keyPressEvent(event)

    def _ask(self, _index: Any = None) -> None:
        place = self.currentIndex().row()
        if place >= 0 and self.tells.rows[place].colours:
            self.wanted.emit(self.tells.rows[place].variable)

    def _lay_out(self) -> None:
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        header = self.horizontalHeader()
        header.hide()
        header.setMinimumSectionSize(30)
        header.setSectionResizeMode(BAR, QHeaderView.ResizeMode.Stretch)


class _Bars(BarCell):
    """Draw the latent as a bar, the run beside as a hollow one, the signal as a thin one, and the line of chance."""

    def draw(self, painter: QPainter, row: Row, cell: QRectF) -> None:
        """Draw the figures of a row."""
        room = cell.adjusted(4, 3, -4, -3)
        chance = QColor(self.colors.muted)
        chance.setAlphaF(0.35)
        painter.fillRect(QRectF(room.left(), room.bottom() - 0.5, room.width(), 1), QColor(self.colors.line))
        low, high = _place(row.chance, room), _place(row.chance_high, room)
        if low >= 0 and high > low:
            painter.fillRect(QRectF(low, room.top(), high - low, room.height()), chance)
        beside = math.isfinite(row.beside)
        height = room.height() - 3
        top, share = room.top(), height / (2 if beside else 1)
        if beside:
            painter.setPen(QPen(QColor(self.colors.accent), 1))
            painter.drawRect(_bar(row.beside, room, top + 0.5, share - 2))
        painter.fillRect(_bar(row.score, room, top + height - share, share - 1), QColor(self.colors.accent))
        painter.fillRect(_bar(row.signal, room, room.bottom() - 3, 3), QColor(self.colors.muted))
        if low >= 0:
            painter.setPen(QPen(QColor(self.colors.text), 1))
            painter.drawLine(QPointF(low, room.top() - 2), QPointF(low, room.bottom() + 2))
        if high > low:
            painter.setPen(QPen(QColor(self.colors.text), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(high, room.top() - 2), QPointF(high, room.bottom() + 2))


def _place(value: float, room: QRectF) -> float:
    """Return where a figure lies in the room, from 0 at its left to 1 at its right; −1 if it is not known."""
    return float(room.left() + min(max(value, 0.0), 1.0) * room.width()) if math.isfinite(value) else -1.0


def _bar(value: float, room: QRectF, top: float, height: float) -> QRectF:
    """Return the bar of a figure; a figure of 0 or below has the thinnest one, an unknown one none."""
    width = max(_place(value, room) - room.left(), 1.5) if math.isfinite(value) else 0.0
    return QRectF(room.left(), top, width, height)
