"""The table of differences, with bars for the effects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QRectF, Qt, Signal
from qtpy.QtGui import QColor, QGuiApplication, QKeySequence, QPainter
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_atlas.analysis.enrichment import Difference
from napari_atlas.views._bar_cell import BarCell
from napari_atlas.views._canvas import Palette
from napari_atlas.views._difference_model import EFFECT, DifferenceModel, as_text

__all__ = ["DifferenceTable"]

# The widest text of each column but the first, in whose place the second draws bars.
_WIDEST = ("Effect   ", "Selected", "−99.9 °C", "< 0.001")
# Width of the table below which a column is left out, in letters.
_NEEDED = {2: 62, 3: 72}


class DifferenceTable(QTableView):  # type: ignore[misc]
    """Differences, the greatest first; a click, Return or Enter asks for the map's colour by one."""

    wanted = Signal(str)
    """The column of a row that was clicked."""

    def __init__(self, palette: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-difference-table")
        self.setAccessibleName("What sets the selected windows apart, the greatest effect first")
        self.differences = DifferenceModel(self)
        self.setModel(self.differences)
        self._bars = _EffectBar(palette, self)
        self.setItemDelegateForColumn(EFFECT, self._bars)
        self._lay_out()
        self.clicked.connect(self._ask)

    def show_rows(self, rows: Sequence[Difference], complete: bool) -> None:
        """Show these rows; the current one stays so if it is among them."""
        place = self.currentIndex().row()
        label = self.differences.rows[place].label if place >= 0 else ""
        self.differences.show_rows(rows, complete)
        labels = [row.label for row in self.differences.rows]
        if label in labels:
            self.setCurrentIndex(self.differences.index(labels.index(label), 0))

    def set_palette(self, palette: Palette) -> None:
        """Use other colours."""
        self._bars.colors = palette
        self.viewport().update()

    def copy(self) -> None:
        """Put all rows on the clipboard, or those that are selected if they are several, for a spreadsheet."""
        places = sorted(index.row() for index in self.selectionModel().selectedRows())
        rows = self.differences.rows
        chosen = [rows[place] for place in places] if len(places) > 1 else rows
        QGuiApplication.clipboard().setText(as_text(chosen))

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Colour by the current row with Return, copy with Ctrl+C."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._ask()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        """Leave numbers to the tooltips where there is no room for them."""
        super().resizeEvent(event)
        for column, needed in _NEEDED.items():
            self.setColumnHidden(column, self.viewport().width() < needed * self.fontMetrics().averageCharWidth())

    def _ask(self, _index: Any = None) -> None:
        place = self.currentIndex().row()
        if place >= 0 and self.differences.rows[place].column:
            self.wanted.emit(self.differences.rows[place].column)

    def _lay_out(self) -> None:
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(30)
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column, widest in enumerate(_WIDEST, start=1):
            header.resizeSection(column, self.fontMetrics().horizontalAdvance(widest) + 12)
        header.setSortIndicator(EFFECT, Qt.SortOrder.DescendingOrder)
        self.setSortingEnabled(True)


class _EffectBar(BarCell):
    """Draw an effect as a bar from the middle, to the right where the selection has more."""

    def draw(self, painter: QPainter, value: Any, cell: QRectF) -> None:
        """Draw the effect of a row."""
        effect, room = float(value), cell.adjusted(4, 4, -4, -4)
        middle = room.center().x()
        reach = effect * room.width() / 2
        painter.fillRect(
            QRectF(middle + min(reach, 0), room.top(), max(abs(reach), 1.0), room.height()), self._color(effect)
        )
        painter.fillRect(QRectF(middle - 0.5, room.top() - 2, 1, room.height() + 4), QColor(self.colors.muted))

    def _color(self, effect: float) -> QColor:
        return QColor(self.colors.accent if effect > 0 else self.colors.warm)
