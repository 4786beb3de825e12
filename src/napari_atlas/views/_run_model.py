"""Runs as rows: what they say, and their Qt model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtGui import QFont

__all__ = ["RunRow", "RunTable", "RunsModel", "run_table"]

_ROLE = Qt.ItemDataRole
_NOWHERE = QModelIndex()
_KINDS = {"temperature_r2": "°C", "reconstruction_r2": "signal"}
_MEANINGS = {
    "running": "It is being fitted",
    "complete": "The fit came to its end",
    "stopped": "The fit was stopped; it has a result and can be continued",
    "interrupted": "The fit was cut off, and can be continued",
    "unfinished": "The fit was cut off before it had a result",
}


@dataclass(frozen=True)
class RunRow:
    """One run, in the words of the table.

    Attributes
    ----------
    name
        Its id.
    label
        What people call it; may be empty.
    state
        "running", "complete", "stopped", "interrupted" or "unfinished".
    epochs
        How many were fitted.
    figures
        One text per column of figures.
    date
        When it was begun, in local time; empty if its id does not tell.
    resumable
        Whether it can be continued.
    """

    name: str
    label: str
    state: str
    epochs: int
    figures: tuple[str, ...]
    date: str
    resumable: bool

    @property
    def called(self) -> str:
        """Its label, or else its id."""
        return self.label or self.name

    @property
    def cells(self) -> tuple[str, ...]:
        """One text per column."""
        return (self.called, self.state, str(self.epochs), *self.figures, self.date)


@dataclass(frozen=True)
class RunTable:
    """All runs of a project, the newest first.

    Attributes
    ----------
    columns
        Pairs of a heading and what it means.
    rows
        The runs.
    """

    columns: tuple[tuple[str, str], ...] = ()
    rows: tuple[RunRow, ...] = ()


def run_table(summaries: Sequence[Mapping[str, Any]]) -> RunTable:
    """Return the table of runs that are given as ``workflow.runs`` gives them, the oldest first.

    Figures are R² of temperature on held-out windows beside its value for shuffled temperatures; if no run has any,
    R² of the signal. An undefined one is a dash.
    """
    kind = next((kind for kind in _KINDS if any(run.get(kind) for run in summaries)), "")
    species = dict.fromkeys(name for run in summaries for name in run.get(kind) or {})
    columns = (
        ("Run", "Its name; F2 gives it another one"),
        ("State", "How far the fit came"),
        ("Epochs", "Epochs fitted"),
        *((f"R² of {_KINDS[kind]}, {name}", _meaning(kind)) for name in species),
        ("Begun", "When the fit was begun"),
    )
    return RunTable(columns, tuple(_row(run, kind, species) for run in reversed(summaries)))


class RunsModel(QAbstractTableModel):  # type: ignore[misc]
    """The table for Qt; a name that is edited is told by a signal and not changed here."""

    renamed = Signal(str, str)
    """A run's id, and what it is to be called."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._table = RunTable()
        self._shown = ""

    @property
    def rows(self) -> tuple[RunRow, ...]:
        """The runs, the newest first."""
        return self._table.rows

    def show_table(self, table: RunTable, shown: str) -> bool:
        """Show these runs, mark the one on show, and return whether anything has changed."""
        changed = (table, shown) != (self._table, self._shown)
        if changed:
            self.beginResetModel()
            self._table, self._shown = table, shown
            self.endResetModel()
        return changed

    def count_epochs(self, name: str, epochs: int) -> None:
        """Show how far a run under way has come."""
        for i, row in enumerate(self.rows):
            if row.name == name and row.epochs != epochs:
                rows = (*self.rows[:i], replace(row, epochs=epochs), *self.rows[i + 1 :])
                self._table = replace(self._table, rows=rows)
                self.dataChanged.emit(self.index(i, 2), self.index(i, 2))

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802
        """Return the number of runs."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self._table.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole) -> Any:  # noqa: N802
        """Return a heading, or what it means."""
        if orientation != Qt.Orientation.Horizontal or section >= len(self._table.columns):
            return None
        heading, meaning = self._table.columns[section]
        return {_ROLE.DisplayRole: heading, _ROLE.ToolTipRole: meaning}.get(role)

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Let the name be edited, and everything be selected."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == 0 else flags

    def data(self, index: QModelIndex, role: int = _ROLE.DisplayRole) -> Any:
        """Return what a cell shows."""
        row = self.rows[index.row()]
        shown = row.name == self._shown
        match role:
            case _ROLE.DisplayRole:
                return ("● " if shown and index.column() == 0 else "") + row.cells[index.column()]
            case _ROLE.EditRole:
                return row.label
            case _ROLE.ToolTipRole | _ROLE.AccessibleDescriptionRole:
                return f"{row.name}{', on show' if shown else ''}. {_MEANINGS.get(row.state, row.state)}."
            case _ROLE.TextAlignmentRole if 2 <= index.column() < len(row.cells) - 1:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case _ROLE.FontRole if shown:
                return _bold()
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = _ROLE.EditRole) -> bool:  # noqa: N802
        """Tell which name was typed."""
        row = self.rows[index.row()]
        if role == _ROLE.EditRole and str(value).strip() != row.label:
            self.renamed.emit(row.name, str(value))
        return False


def _row(run: Mapping[str, Any], kind: str, species: Iterable[str]) -> RunRow:
    figures = run.get(kind) or {}
    state = "stopped" if run["state"] == "complete" and run["resumable"] else run["state"]
    return RunRow(
        name=run["run"],
        label=run["label"],
        state=state,
        epochs=run["epochs"],
        figures=tuple(_figure(figures[name]) if name in figures else "" for name in species),
        date=_date(run["run"]),
        resumable=run["resumable"] and state != "running",
    )


def _figure(figures: Mapping[str, Any]) -> str:
    """Return the held-out figure, and in brackets that of shuffled labels where there is one."""
    texts = ["–" if figures[k] is None else f"{figures[k]:.2f}" for k in ("test", "shuffled") if k in figures]
    return (texts[0] + (f" ({texts[1]})" if texts[1:] else "")).replace("-", "−")


def _meaning(kind: str) -> str:
    shuffled = "; in brackets: with shuffled temperatures" if kind == "temperature_r2" else ""
    return f"On windows that were held out; 1 is perfect, 0 no better than the mean{shuffled}"


def _date(name: str) -> str:
    try:
        begun = datetime.strptime(name.partition("-")[2], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return ""
    return f"{begun.astimezone():%Y-%m-%d %H:%M}"


def _bold() -> QFont:
    font = QFont()
    font.setBold(True)
    return font
