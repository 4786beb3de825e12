"""Runs side by side, in a window of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_atlas.analysis.comparison import comparison

__all__ = ["RunComparison"]

_ACROSS_PX, _DOWN_PX = (420, 1000), (240, 640)


class RunComparison(QDialog):  # type: ignore[misc]
    """A column for each run, a row for each setting that differs and for each figure.

    Parameters
    ----------
    rows
        Runs as ``workflow.compare_runs`` returns them.
    """

    def __init__(self, rows: Sequence[Mapping[str, Any]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-runs-comparison")
        self.setWindowTitle(f"{len(rows)} runs compared")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        lines = [line for line in comparison(rows) if line[0] not in ("run", "label")]
        table = _table([row["label"] or row["run"] for row in rows], lines)
        note = QLabel(f"Note: {rows[0]['note']}." if rows[0]["note"] else "")
        note.setObjectName("atlas-runs-comparison-note")
        note.setWordWrap(True)
        note.setVisible(bool(note.text()))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(table, 1)
        layout.addWidget(note)
        layout.addWidget(buttons)
        self._fit_to(table)

    def _fit_to(self, table: QTableWidget) -> None:
        """Take the room that the table needs, within reason."""
        across = table.horizontalHeader().length() + table.verticalHeader().sizeHint().width() + 60
        down = table.verticalHeader().length() + 130
        self.resize(*(min(max(n, low), high) for n, (low, high) in ((across, _ACROSS_PX), (down, _DOWN_PX))))


def _table(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> QTableWidget:
    table = QTableWidget(len(lines), len(headings))
    table.setObjectName("atlas-runs-compared")
    table.setAccessibleName("Settings that differ, and figures, one column for each run")
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setHorizontalHeaderLabels(headings)
    table.setVerticalHeaderLabels([name for name, *_ in lines])
    for i, (_, *values) in enumerate(lines):
        for j, value in enumerate(values):
            item = QTableWidgetItem(value.replace("-", "−") if _is_number(value) else value)
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            table.setItem(i, j, item)
    table.resizeColumnsToContents()
    return table


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
