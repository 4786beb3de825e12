"""Keypoints as lines of a table, each with the one that it hangs on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtGui import QColor, QStandardItem, QStandardItemModel
from qtpy.QtWidgets import QAbstractItemView, QComboBox, QStyledItemDelegate, QTableView, QWidget

from napari_atlas.views._canvas import Palette
from napari_atlas.views._tree_model import TreeDraft

__all__ = ["JointTable"]

_NAME, _PARENT = range(2)
_HEADINGS = ("Keypoint", "Hangs on")
_NOTHING = "nothing"
_ROOT, _OUT = "nothing: the root", "left out"
_WIDTH = 130
_HINT = "Choose what a keypoint hangs on: click, F2 or Enter, or type its first letters. Del lets it hang on nothing."
_Edit = QAbstractItemView.EditTrigger


class JointTable(QTableView):  # type: ignore[misc]
    """A line for each keypoint."""

    chosen = Signal(int)
    """The joint of the current line; −1 for none."""
    hung = Signal(int, int)
    """A joint, and the one that it is to hang on; −1 for none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-tree-joints")
        self.setAccessibleName("Keypoints, and what each of them hangs on")
        self.setToolTip(_HINT)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(_Edit.DoubleClicked | _Edit.EditKeyPressed | _Edit.AnyKeyPressed)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.horizontalHeader().setStretchLastSection(True)
        self.horizontalHeader().setHighlightSections(False)
        self._draft = TreeDraft((), (), ())
        self._lines = QStandardItemModel(self)
        self.setModel(self._lines)
        self.setItemDelegateForColumn(_PARENT, _Parents(self))
        self.selectionModel().currentRowChanged.connect(lambda now, _: self.chosen.emit(now.row()))
        self.clicked.connect(self._on_click)

    def show_draft(self, draft: TreeDraft, colors: Sequence[str], faulty: frozenset[int], palette: Palette) -> None:
        """Show which keypoint hangs on which.

        Parameters
        ----------
        draft
            The tree.
        colors
            Of the chain that each joint belongs to, as "#rrggbb"; empty for one that is left out.
        faulty
            Joints that are at fault.
        palette
            Colours of the theme.
        """
        if draft.names != self._draft.names:
            self._fill(draft.names)
        self._draft, used = draft, draft.used
        for joint, parent in enumerate(draft.parents):
            text = draft.names[parent] if parent >= 0 else _ROOT if joint in used else _OUT
            name, hangs_on = (self._lines.item(joint, column) for column in (_NAME, _PARENT))
            hangs_on.setText(text)
            name.setData(QColor(colors[joint] or palette.line), Qt.ItemDataRole.DecorationRole)
            lost = draft.places[joint] < 0
            name.setToolTip(f"{draft.names[joint]} is not in the recording" if lost else draft.names[joint])
            ink = palette.warm if joint in faulty or lost else palette.text if joint in used else palette.muted
            for item in (name, hangs_on):
                item.setForeground(QColor(ink))

    def choose(self, joint: int) -> None:
        """Make the line of a joint the current one."""
        if joint != self.currentIndex().row():
            self.setCurrentIndex(self._lines.index(joint, _PARENT))

    def offered(self, joint: int) -> tuple[str, ...]:
        """Return what a joint can hang on; nothing comes first."""
        return (_NOTHING, *(name for i, name in enumerate(self._draft.names) if i != joint))

    def hang(self, joint: int, text: str) -> None:
        """Let a joint hang on one of those that are offered."""
        self.hung.emit(joint, self._draft.names.index(text) if text in self.offered(joint)[1:] else -1)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Open the list with Enter, and take what a joint hangs on away with Del."""
        row = self.currentIndex().row()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and row >= 0:
            self.edit(self._lines.index(row, _PARENT))
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and row >= 0:
            self.hang(row, _NOTHING)
        else:
            super().keyPressEvent(event)

    def _fill(self, names: Sequence[str]) -> None:
        self._lines.clear()
        self._lines.setHorizontalHeaderLabels(_HEADINGS)
        for text in names:
            name, hangs_on = QStandardItem(text), QStandardItem()
            name.setEditable(False)
            hangs_on.setToolTip(_HINT)
            self._lines.appendRow([name, hangs_on])
        self.setColumnWidth(_NAME, _WIDTH)

    def _on_click(self, index: QModelIndex) -> None:
        if index.column() == _PARENT:
            self.edit(index)


class _Parents(QStyledItemDelegate):  # type: ignore[misc]
    """A list of what a joint can hang on, in its cell."""

    def createEditor(self, parent: QWidget, option: Any, index: QModelIndex) -> QComboBox:  # noqa: N802
        """Return the list; what is chosen holds at once."""
        editor = QComboBox(parent)
        editor.setObjectName("atlas-tree-parent")
        editor.setAccessibleName(f"What {index.siblingAtColumn(_NAME).data()} hangs on")
        editor.addItems(self.parent().offered(index.row()))
        editor.setMaxVisibleItems(24)
        editor.activated.connect(lambda _: self._take(editor))
        return editor

    def setEditorData(self, editor: QComboBox, index: QModelIndex) -> None:  # noqa: N802
        """Show what it hangs on."""
        editor.setCurrentIndex(max(0, editor.findText(index.data())))

    def setModelData(self, editor: QComboBox, model: Any, index: QModelIndex) -> None:  # noqa: N802
        """Take what was chosen."""
        self.parent().hang(index.row(), editor.currentText())

    def initStyleOption(self, option: Any, index: QModelIndex) -> None:  # noqa: N802
        """Show that there is a list."""
        super().initStyleOption(option, index)
        option.text = f"{option.text}  ▾"

    def _take(self, editor: QComboBox) -> None:
        self.commitData.emit(editor)
        self.closeEditor.emit(editor)
