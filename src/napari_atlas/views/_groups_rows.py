"""Groups of windows as rows: a colour, a name, a count, and a line of more; their Qt model and their list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from qtpy.QtCore import QAbstractListModel, QItemSelectionModel, QModelIndex, QRect, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QFont, QKeySequence, QPainter
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QListView,
    QShortcut,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from napari_atlas.session.selection import Combine
from napari_atlas.views._canvas import Palette, combine_of, palette_of

__all__ = ["GroupRow", "GroupsList"]

_ROLE = Qt.ItemDataRole
_NOWHERE = QModelIndex()
_FLAG = QItemSelectionModel.SelectionFlag
_PAD, _SQUARE, _BAR = 6, 16, 5


@dataclass(frozen=True)
class GroupRow:
    """One group, in the words of the list.

    Attributes
    ----------
    name
        What it is called.
    count
        How many windows it has; "–" if none of them is in this run.
    color
        Of its square, as "#rrggbb"; empty for none.
    detail
        A line of less weight under the name.
    meaning
        Told where the mouse rests, and to a screen reader.
    bar
        Pairs of colour and share, drawn side by side under the name; empty for none.
    head
        A sign in the square, such as the key of a tag.
    fixed
        Whether it keeps its name.
    """

    name: str
    count: str
    color: str = ""
    detail: str = ""
    meaning: str = ""
    bar: tuple[tuple[str, float], ...] = ()
    head: str = ""
    fixed: bool = False


class _GroupsModel(QAbstractListModel):  # type: ignore[misc]
    """The rows for Qt; a name that is edited is told by a signal and not changed here."""

    renamed = Signal(str, str)

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self.rows: tuple[GroupRow, ...] = ()

    def show_rows(self, rows: tuple[GroupRow, ...]) -> bool:
        """Show these rows, and return whether their names are others than before."""
        other = [row.name for row in rows] != [row.name for row in self.rows]
        if other:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()
        elif rows != self.rows:
            self.rows = rows
            self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
        return other

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self.rows)

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Let names be edited."""
        flags = super().flags(index)
        fixed = index.isValid() and self.rows[index.row()].fixed
        return flags if fixed else flags | Qt.ItemFlag.ItemIsEditable

    def data(self, index: QModelIndex, role: int = _ROLE.DisplayRole) -> Any:
        """Return what a row shows."""
        row = self.rows[index.row()]
        if role in (_ROLE.DisplayRole, _ROLE.EditRole):
            return row.name
        if role == _ROLE.ToolTipRole:
            return row.meaning
        if role == _ROLE.AccessibleTextRole:
            return f"{row.name}, {row.count} windows. {row.meaning}"
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = _ROLE.EditRole) -> bool:  # noqa: N802
        """Tell which name was typed."""
        row, new = self.rows[index.row()], str(value).strip()
        if role == _ROLE.EditRole and new and new != row.name:
            self.renamed.emit(row.name, new)
        return False


class GroupsList(QListView):  # type: ignore[misc]
    """A list of groups; a click picks a group's windows, Shift adds them, Alt takes them away.

    ``picked`` tells the names and how their windows meet the selection. Rows stay lit as long as what they stand for
    was picked together, so that several can be merged.

    Parameters
    ----------
    name, meaning
        Object name and accessible name.
    parent
        Qt parent.
    """

    picked = Signal(list, object)
    renamed = Signal(str, str)
    chosen_changed = Signal()

    def __init__(self, name: str, meaning: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(meaning)
        self._model = _GroupsModel(self)
        self._drawer = _Drawer(self)
        self.setModel(self._model)
        self.setItemDelegate(self._drawer)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMinimumHeight(60)
        self._model.renamed.connect(self.renamed)
        self.clicked.connect(self._on_click)
        self.selectionModel().selectionChanged.connect(lambda *_: self.chosen_changed.emit())
        for key, way in (("Return", Combine.REPLACE), ("Shift+Return", Combine.ADD), ("Alt+Return", Combine.SUBTRACT)):
            self.add_key(key, partial(self._pick, way))

    @property
    def rows(self) -> tuple[GroupRow, ...]:
        """What is listed."""
        return self._model.rows

    def chosen(self) -> tuple[str, ...]:
        """Return the names of the rows that are lit, in their order."""
        return tuple(self.rows[i].name for i in sorted(index.row() for index in self.selectedIndexes()))

    def show_rows(self, rows: tuple[GroupRow, ...]) -> None:
        """List these; those that were lit stay so."""
        lit = set(self.chosen())
        if self._model.show_rows(rows):
            self.choose(*lit)

    def choose(self, *names: str) -> None:
        """Light the rows of these names, and no others."""
        places = [self._model.index(i) for i, row in enumerate(self.rows) if row.name in names]
        self.clearSelection()
        for place in places:
            self.selectionModel().select(place, _FLAG.Select)
        if places:
            self.selectionModel().setCurrentIndex(places[0], _FLAG.NoUpdate)

    def edit_name(self) -> None:
        """Let the name of the first row that is lit be typed."""
        for name in self.chosen()[:1]:
            index = self._model.index([row.name for row in self.rows].index(name))
            self.setCurrentIndex(index)
            self.edit(index)

    def add_key(self, key: str, action: Callable[[], Any]) -> None:
        """Do something when a key is pressed while the list, and no editor in it, has the focus."""
        shortcut = QShortcut(QKeySequence(key), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
        shortcut.activated.connect(action)

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
        self._drawer.palette = palette_of(theme)
        self.viewport().update()

    def selectionCommand(self, index: QModelIndex, event: Any = None) -> Any:  # noqa: N802
        """Let Shift light another row rather than a range, and Alt put a row out."""
        if event is None or not hasattr(event, "button") or not index.isValid():
            return super().selectionCommand(index, event)
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            return _FLAG.Toggle
        ways = {Combine.ADD: _FLAG.Select, Combine.SUBTRACT: _FLAG.Deselect, Combine.REPLACE: _FLAG.ClearAndSelect}
        return ways[combine_of(event.modifiers())]

    def _on_click(self, index: QModelIndex) -> None:
        held = QApplication.keyboardModifiers()
        way = combine_of(held)
        if held & Qt.KeyboardModifier.ControlModifier:
            way = Combine.ADD if self.selectionModel().isSelected(index) else Combine.SUBTRACT
        self.picked.emit([self.rows[index.row()].name], way)

    def _pick(self, way: Combine) -> None:
        if self.chosen():
            self.picked.emit(list(self.chosen()), way)


class _Drawer(QStyledItemDelegate):  # type: ignore[misc]
    """Draw a row: square, name and count, and under them a bar or a line of less weight."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.palette: Palette = palette_of("dark")

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802
        """Give a second line to rows that have one."""
        row, line = index.model().rows[index.row()], option.fontMetrics.height()
        more = int(0.9 * line) + 2 if row.detail else _BAR + 3 if row.bar else 0
        return QSize(80, line + more + 8)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # noqa: N802
        """Lay the editor over the first line."""
        editor.setGeometry(option.rect.adjusted(_PAD + _SQUARE, 0, 0, 0))
        editor.setFixedHeight(option.fontMetrics.height() + 8)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw one row."""
        row, style = index.model().rows[index.row()], option.widget.style()
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
        box, line = option.rect.adjusted(_PAD, 4, -_PAD, -4), option.fontMetrics.height()
        painter.save()
        painter.setFont(option.font)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left = box.left()
        if row.color:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(row.color))
            square = QRectF(left, box.top() + (line - _SQUARE) / 2, _SQUARE, _SQUARE)
            painter.drawRoundedRect(square, 3, 3)
            painter.setPen(QColor("#15161A"))
            painter.drawText(square, Qt.AlignmentFlag.AlignCenter, row.head)
            left += _SQUARE + _PAD
        width = option.fontMetrics.horizontalAdvance(row.count)
        first = QRect(left, box.top(), box.right() - width - _PAD - left, line)
        gone = row.count == "–"
        painter.setPen(QColor(self.palette.muted if gone else self.palette.text))
        _write(painter, first, row.name)
        painter.setPen(QColor(self.palette.muted))
        counted = QRect(box.right() - width, box.top(), width + 1, line)
        painter.drawText(counted, Qt.AlignmentFlag.AlignVCenter, row.count)
        second = QRect(left, box.top() + line + 2, box.right() - left, box.height() - line - 2)
        if row.detail:
            painter.setFont(_smaller(option.font))
            _write(painter, second, row.detail)
        elif row.bar:
            _draw_bar(painter, QRectF(second).adjusted(0, 1, 0, 0), row.bar)
        painter.restore()


def _smaller(font: QFont) -> QFont:
    small = QFont(font)
    if font.pointSizeF() > 0:
        small.setPointSizeF(0.86 * font.pointSizeF())
    return small


def _write(painter: QPainter, box: QRect, text: str) -> None:
    fitting = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, fitting)


def _draw_bar(painter: QPainter, box: QRectF, bar: tuple[tuple[str, float], ...]) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    left = box.left()
    for color, share in bar:
        painter.setBrush(QColor(color))
        painter.drawRect(QRectF(left, box.top(), share * box.width(), _BAR))
        left += share * box.width()
