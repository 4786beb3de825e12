"""A cell of a table that is drawn, not written."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QModelIndex, QRectF, Qt
from qtpy.QtGui import QPainter
from qtpy.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QWidget

from napari_atlas.views._canvas import Palette

__all__ = ["BarCell"]


class BarCell(QStyledItemDelegate):  # type: ignore[misc]
    """Draw what a model has in the user role, over the background of the row.

    Parameters
    ----------
    colors
        Of the theme.
    parent
        Qt parent.
    """

    def __init__(self, colors: Palette, parent: QWidget) -> None:
        super().__init__(parent)
        self.colors = colors

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw background and bars."""
        empty = QStyleOptionViewItem(option)
        self.initStyleOption(empty, index)
        empty.text = ""
        style = option.widget.style()
        style.drawControl(style.ControlElement.CE_ItemViewItem, empty, painter, option.widget)
        painter.save()
        self.draw(painter, index.data(Qt.ItemDataRole.UserRole), QRectF(option.rect))
        painter.restore()

    def draw(self, painter: QPainter, value: Any, cell: QRectF) -> None:
        """Draw a value in its cell."""
        raise NotImplementedError
