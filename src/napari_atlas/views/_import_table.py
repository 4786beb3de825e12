"""The table of what was recognised: what is selected, the keys, and what a left-over file can be used as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QItemSelection, QItemSelectionModel, QPoint, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QStyledItemDelegate, QTreeView, QWidget

from napari_atlas.data.plans import LeftOver
from napari_atlas.data.project import AddRequest
from napari_atlas.views._canvas import palette_of
from napari_atlas.views._import_draft import USES, Draft, is_thermal, uses_of
from napari_atlas.views._import_model import CONDITIONS, NOTES, TEMPERATURE, ImportModel, Place
from napari_atlas.views._mapping_dialog import MappingDialog
from napari_atlas.views._mapping_roles import is_table

__all__ = ["ImportTable"]

_ONLY = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
_WIDTHS = {0: 176, 1: 98, 2: 56, 3: 52, 4: 46, 5: 104, 6: 84, 7: 84}
_LEAST_PX = 160
_SAY_AGAIN = "Say again what its columns are…"


class ImportTable(QTreeView):  # type: ignore[misc]
    """Recordings by species, and the files that are left over.

    Parameters
    ----------
    draft
        What is shown.
    """

    chosen_changed = Signal()

    def __init__(self, draft: Draft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-import-table")
        self.setAccessibleName("Recordings that were recognised, by species, and files that are not used")
        self._draft = draft
        self.lines = ImportModel(draft, self)
        self.setModel(self.lines)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setIndentation(14)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setMinimumSize(_LEAST_PX, 80)
        self.setItemDelegateForColumn(NOTES, _Sentences(self))
        header = self.header()
        header.setStretchLastSection(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self._size_columns()
        self._menu = QMenu(self)
        self._menu.setObjectName("atlas-import-table-menu")
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._ask_use)
        self.selectionModel().selectionChanged.connect(self.chosen_changed)

    def refresh(self) -> None:
        """Show the draft as it is now; what was selected stays so, and the first recording is if nothing was."""
        wanted = self._places()
        self.setColumnHidden(TEMPERATURE, not is_thermal(self._draft.plan))
        self.setColumnHidden(CONDITIONS, not any(r.request.conditions for r in self._draft.plan.recordings))
        if not self.lines.refresh():
            return
        self.expandAll()
        for group in range(self.lines.rowCount()):
            self.setFirstColumnSpanned(group, self.rootIndex(), True)
        self.select(wanted or [Place("recording", 0)])

    def set_theme(self, theme: str) -> None:
        """Follow a napari theme, given by its id."""
        palette = palette_of(theme)
        self.lines.set_palette(palette)
        # The theme's own empty box can hardly be told from the background.
        self.setStyleSheet(f"QTreeView::indicator:unchecked {{ border: 1px solid {palette.muted}; }}")

    def chosen(self) -> tuple[int, ...]:
        """Return the selected recordings, as places in the plan."""
        return tuple(sorted(place.row for place in self._places() if place.kind == "recording"))

    def left(self) -> LeftOver | None:
        """Return the selected left-over file, if only one is selected."""
        rows = [place.row for place in self._places() if place.kind == "left"]
        return self._draft.plan.left_over[rows[0]] if len(rows) == 1 and not self.chosen() else None

    def current(self) -> int:
        """Return the recording to look at: the current line's, or else the first that is selected; −1 if none is."""
        rows = self.chosen()
        place = self.lines.place(self.currentIndex())
        if place.kind == "recording" and place.row in rows:
            return place.row
        return rows[0] if rows else -1

    def select(self, places: list[Place]) -> None:
        """Select these lines and no others."""
        indices = [index for index in map(self.lines.index_of, places) if index.isValid()]
        selection = QItemSelection()
        for index in indices:
            selection.select(index, index)
        self.selectionModel().select(selection, _ONLY)
        if indices:
            self.selectionModel().setCurrentIndex(indices[0], QItemSelectionModel.SelectionFlag.NoUpdate)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Tick the selected recordings with Space, or take the ticks away."""
        rows = self.chosen()
        if event.key() == Qt.Key.Key_Space and rows:
            self._draft.choose(rows, any(self._draft.addable(row) and row not in self._draft.ready for row in rows))
            return
        super().keyPressEvent(event)

    @property
    def usable(self) -> bool:
        """Whether `fill_use_menu` has anything to offer."""
        left = self.left()
        if left is None:
            return self._mapped() is not None
        uses = self._draft.plan.recordings and uses_of(left.found)
        return bool(left.same_as.name or uses or is_table(left.found))

    def fill_use_menu(self, menu: QMenu) -> None:
        """Offer in a menu what the selected left-over file can be used as, or a table be read as."""
        menu.clear()
        left, mapped = self.left(), self._mapped()
        if mapped is not None:
            menu.addAction(_SAY_AGAIN, lambda: self._ask_columns(mapped.tracks, mapped.mapping))
        if left is None:
            return
        path = left.found.path
        if is_table(left.found):
            menu.addAction("Say what its columns are…", lambda: self._ask_columns(path))
        if left.same_as.name:
            menu.addAction(f"In the place of {left.same_as.name}", lambda: self._draft.swap(path))
        for use in uses_of(left.found) if self._draft.plan.recordings else ():
            uses = menu.addMenu(f"As {USES[use]} of")
            for row, recording in enumerate(self._draft.plan.recordings):
                name = recording.request.name or recording.found.path.stem
                uses.addAction(name, lambda use=use, row=row: self._draft.use(path, use, row))

    def _mapped(self) -> AddRequest | None:
        """Return the selected recording's request, if only one is selected, it is a table and not added yet."""
        rows = self.chosen()
        if len(rows) != 1 or rows[0] in self._draft.added:
            return None
        request = self._draft.plan.recordings[rows[0]].request
        return request if request.mapping != Path() else None

    def _ask_columns(self, path: Path, mapping: Path = Path()) -> None:
        """Ask what the columns of a table are, and plan what comes of it."""
        dialog = MappingDialog(path, self._draft.plan, self.lines.palette, mapping, self)
        dialog.planned.connect(lambda table: self.select([Place("recording", self._draft.put(table))]))
        dialog.open()

    def _ask_use(self, at: QPoint) -> None:
        if self.usable:
            self.fill_use_menu(self._menu)
            self._menu.popup(self.viewport().mapToGlobal(at))

    def _places(self) -> list[Place]:
        """Return what is selected; Qt's own list of rows takes long where there are many."""
        lines = self.lines
        found = {
            lines.place(lines.index(row, 0, part.parent())): None
            for part in self.selectionModel().selection()
            for row in range(part.top(), part.bottom() + 1)
        }
        return list(found)

    def _size_columns(self) -> None:
        scale = self.fontMetrics().averageCharWidth() / 7
        for column, width in _WIDTHS.items():
            self.setColumnWidth(column, round(max(1.0, scale) * width))


class _Sentences(QStyledItemDelegate):  # type: ignore[misc]
    """Show the beginning of a sentence; of names, the middle is left out."""

    def initStyleOption(self, option: Any, index: Any) -> None:  # noqa: N802
        """Cut at the end."""
        super().initStyleOption(option, index)
        option.textElideMode = Qt.TextElideMode.ElideRight
