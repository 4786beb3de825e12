"""The table of runs: which are chosen, and the keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QItemSelectionModel, Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QAbstractItemView, QTableView, QWidget

from napari_atlas.views._run_model import RunRow, RunsModel, RunTable

__all__ = ["RunsTable"]

_ADD = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows


class RunsTable(QTableView):  # type: ignore[misc]
    """Runs, the newest first, of which several can be chosen; a name is edited in its place."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-runs-table")
        self.setAccessibleName("Fits of the project, the newest first")
        self.runs = RunsModel(self)
        self.setModel(self.runs)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.setMinimumHeight(60)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        # Few are measured, however many there are.
        header.setResizeContentsPrecision(50)

    def chosen(self) -> tuple[RunRow, ...]:
        """Return the selected runs, the newest first."""
        places = sorted(index.row() for index in self.selectionModel().selectedRows())
        return tuple(self.runs.rows[place] for place in places)

    def show_table(self, table: RunTable, shown: str) -> None:
        """Show these runs; those that were chosen stay so, and if there are none, the one on show is."""
        wanted = {row.name for row in self.chosen()}
        if not self.runs.show_table(table, shown):
            return
        names = [row.name for row in table.rows]
        places = [i for i, name in enumerate(names) if name in wanted or (not wanted and name == shown)]
        for place in places:
            self.selectionModel().select(self.runs.index(place, 0), _ADD)
        if places:
            self.selectionModel().setCurrentIndex(
                self.runs.index(places[0], 0), QItemSelectionModel.SelectionFlag.NoUpdate
            )
        self.resizeColumnsToContents()

    def edit_name(self) -> None:
        """Let the name of the chosen run be typed."""
        for row in self.chosen()[:1]:
            index = self.runs.index(self.runs.rows.index(row), 0)
            self.setCurrentIndex(index)
            self.edit(index)

    def add_keys(self, keys: tuple[str, ...], action: Callable[[], Any]) -> None:
        """Do something when a key is pressed while the table, and no editor in it, has the focus."""
        for key in keys:
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(action)
