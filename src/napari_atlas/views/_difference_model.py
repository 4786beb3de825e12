"""What sets windows apart as rows: their words, their order, and their Qt model."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtGui import QFont

from napari_atlas.analysis.enrichment import Difference

__all__ = ["COLUMNS", "EFFECT", "DifferenceModel", "as_text"]

_ROLE = Qt.ItemDataRole
_NOWHERE = QModelIndex()
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_SMALL = 0.05
_OF_THEMSELVES = ("species", "recording", "individual")
EFFECT, _P = 1, 4
COLUMNS = (
    ("What", "A column of the windows, one of its classes, or a signal"),
    (
        "Effect",
        "Cliff's delta, from −1 to 1: how often a selected window has a higher value than another one, less how often"
        " it has a lower one; of a class, the difference of the shares",
    ),
    ("Selected", "Median of the selected windows, or share of them that are of the class"),
    ("Rest", "Median of the others, or share of them that are of the class"),
    (
        "p",
        "How often shuffled selections differ as much, corrected for the number of rows; the selection is shifted along"
        " time and exchanged between recordings, since neighbouring windows are alike",
    ),
)


class DifferenceModel(QAbstractTableModel):  # type: ignore[misc]
    """The rows for Qt; the greatest effect comes first until another order is wished."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.rows: tuple[Difference, ...] = ()
        self._complete = True
        self._order = (EFFECT, Qt.SortOrder.DescendingOrder)

    def show_rows(self, rows: Sequence[Difference], complete: bool) -> None:
        """Show these rows; p are left open until they are complete."""
        self.beginResetModel()
        self._complete = complete
        self.rows = self._sorted(rows)
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Put the rows into another order; what is undefined comes last."""
        self._order = (column, order)
        self.show_rows(self.rows, self._complete)

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole) -> Any:  # noqa: N802
        """Return a heading, or what it means."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == _ROLE.TextAlignmentRole and section > EFFECT:
            return _RIGHT
        heading, meaning = COLUMNS[section]
        return {_ROLE.DisplayRole: heading, _ROLE.ToolTipRole: meaning}.get(role)

    def data(self, index: QModelIndex, role: int = _ROLE.DisplayRole) -> Any:
        """Return what a cell shows."""
        row = self.rows[index.row()]
        match role:
            case _ROLE.DisplayRole:
                return _cells(row, self._complete)[index.column()]
            case _ROLE.UserRole:
                return row.effect
            case _ROLE.ToolTipRole | _ROLE.AccessibleDescriptionRole:
                return _told(row)
            case _ROLE.TextAlignmentRole if index.column() > EFFECT:
                return _RIGHT
            case _ROLE.FontRole if index.column() == _P and row.corrected < _SMALL:
                return _bold()
        return None

    def _sorted(self, rows: Sequence[Difference]) -> tuple[Difference, ...]:
        column, order = self._order
        down = order == Qt.SortOrder.DescendingOrder
        if column == 0:
            return tuple(sorted(rows, key=lambda row: row.label.casefold(), reverse=down))
        value = _VALUES[column - 1]
        known = sorted((row for row in rows if math.isfinite(value(row))), key=value, reverse=down)
        return (*known, *(row for row in rows if not math.isfinite(value(row))))


_VALUES: tuple[Callable[[Difference], float], ...] = (
    lambda row: abs(row.effect),
    lambda row: row.inside,
    lambda row: row.rest,
    lambda row: row.corrected,
)


def as_text(rows: Sequence[Difference]) -> str:
    """Return rows as lines with tabs between, to be pasted into a spreadsheet; what is undefined is empty."""
    head = ("what", "unit", "selected", "rest", "effect", "log2 odds ratio", "p", "p corrected", "note")
    lines: list[tuple[str | float, ...]] = [
        (row.label, row.unit, row.inside, row.rest, row.effect, row.fold, row.p, row.corrected, row.note)
        for row in rows
    ]
    texts = ["\t".join(_plain(value) for value in line) for line in lines]
    return "\n".join(["\t".join(head), *texts]) + "\n"


def _plain(value: str | float) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    return f"{value:.6g}" if math.isfinite(value) else ""


def _cells(row: Difference, complete: bool) -> tuple[str, ...]:
    p = "…" if math.isfinite(row.p) and not complete else _p(row.corrected)
    # These names say what they are, and there is little room.
    label = row.label.removeprefix(f"{row.column}: ") if row.column in _OF_THEMSELVES else row.label
    return (label, _signed(row.effect), _value(row.inside, row), _value(row.rest, row), p)


def _value(value: float, row: Difference) -> str:
    if row.is_class:
        return f"{100 * value:.0f} %" if value in (0, 1) or 0.01 <= value <= 0.99 else f"{100 * value:.1f} %"
    return f"{value:.3g}".replace("-", "−") + (" °C" if row.unit == "°C" else "")


def _signed(effect: float) -> str:
    return f"{effect:+.2f}".replace("-", "−")


def _p(p: float) -> str:
    if not math.isfinite(p):
        return "–"
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def _told(row: Difference) -> str:
    """Return a row in sentences."""
    what = "share" if row.is_class else "median"
    unit = "" if row.is_class or row.unit in ("", "°C") else f" {row.unit}"
    lines = [
        row.label,
        f"{what} {_value(row.inside, row)}{unit} in the selection, {_value(row.rest, row)}{unit} in the rest",
        f"effect {_signed(row.effect)}",
    ]
    if row.is_class:
        times = 2.0**row.fold
        lines[-1] += f", odds {times:.3g} times those of the rest"
    if math.isfinite(row.corrected):
        lines[-1] += f", p {row.p:.2g}, corrected {row.corrected:.2g}"
    lines += [row.note] if row.note else []
    lines.append("Click to colour the map by it." if row.column else "The map cannot be coloured by it.")
    return "\n".join(lines)


def _bold() -> QFont:
    font = QFont()
    font.setBold(True)
    return font
