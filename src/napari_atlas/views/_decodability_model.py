"""What the latent tells of each variable as rows: their words and their Qt model."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtGui import QFont

from napari_atlas.data.scores import Decoded, Scores

__all__ = ["BAR", "Row", "TellModel", "rows_of", "summary"]

_ROLE = Qt.ItemDataRole
_NOWHERE = QModelIndex()
BAR = 1
_NAN = float("nan")
# By name, in plain words and in those of the field.
_DECODERS = {
    "linear": ("straight line", "linear regression"),
    "logistic": ("straight border", "logistic regression"),
    "qda": ("curved border", "quadratic discriminant analysis"),
    "mlp": ("small network", "multi-layer perceptron"),
}


@dataclass(frozen=True)
class Row:
    """A variable as a heading, or one decoder of it.

    Attributes
    ----------
    variable
        Its name.
    decoder, method
        In plain words and in those of the field; empty for a heading.
    told
        Of a heading, what the figures come to.
    score, chance, chance_high
        Of the latent of the run on show; a share of right answers, or R².
    signal
        Of the signal itself; NaN where it was not measured.
    beside
        Of the latent of the run beside; NaN without one.
    is_share
        Whether figures are shares of right answers, and not R².
    beside_first
        Whether the run beside is the one before scrubbing.
    n_windows
        Windows that it was taken from.
    colours
        Whether the map can be coloured by the variable.
    """

    variable: str
    decoder: str = ""
    method: str = ""
    told: str = ""
    score: float = _NAN
    chance: float = _NAN
    chance_high: float = _NAN
    signal: float = _NAN
    beside: float = _NAN
    is_share: bool = False
    beside_first: bool = True
    n_windows: int = 0
    colours: bool = False

    @property
    def number(self) -> str:
        """The figure in words, that of the run beside with it."""
        if not self.decoder:
            return ""
        mine, other = self.figure(self.score), self.figure(self.beside)
        if not math.isfinite(self.beside):
            return mine
        return f"{other} → {mine}" if self.beside_first else f"{mine} → {other}"

    def figure(self, value: float) -> str:
        """Return one figure in words."""
        if not math.isfinite(value):
            return "–"
        return f"{100 * value:.0f} %" if self.is_share else f"{value:.2f}".replace("-", "−")

    def sentence(self) -> str:
        """Return the row in words, for tooltips and screen readers."""
        if not self.decoder:
            return f"{self.variable}: {self.told}"
        what = "right answers (all classes count alike)" if self.is_share else "R²"
        how = f"{self.decoder} ({self.method})" if self.method else self.decoder
        parts = [f"{self.variable}, {how}: {self.figure(self.score)} {what} from the latent"]
        parts.append(f"chance {self.figure(self.chance)}, in 95 of 100 cases below {self.figure(self.chance_high)}")
        if math.isfinite(self.beside):
            parts.append(f"{self.figure(self.beside)} from the latent of the run beside")
        if math.isfinite(self.signal):
            parts.append(f"{self.figure(self.signal)} from the signal itself")
        return f"{'; '.join(parts)}; {self.n_windows} windows."


def rows_of(
    scores: Scores, beside: Scores | None = None, columns: Collection[str] = (), beside_first: bool = True
) -> tuple[Row, ...]:
    """Return a heading for each variable, with a row for each of its decoders below.

    Parameters
    ----------
    scores
        Of the run on show.
    beside
        Of the run beside, if any.
    columns
        What the map can be coloured by.
    beside_first
        Whether the run beside is the one before scrubbing.
    """
    signal = {(d.variable, d.decoder): d.score for d in scores.decoded if d.source == "signal"}
    other = {(d.variable, d.decoder): d.score for d in beside.decoded if d.source == "latent"} if beside else {}
    latent = [d for d in scores.decoded if d.source == "latent"]
    rows: list[Row] = []
    for name in dict.fromkeys(d.variable for d in latent):
        mine = [d for d in latent if d.variable == name]
        rows.append(Row(name, told=_verdict(mine), colours=name in columns))
        rows += [
            Row(
                name, *_DECODERS.get(d.decoder, (d.decoder, "")), "", d.score, d.chance, d.chance_high,
                signal.get((name, d.decoder), _NAN), other.get((name, d.decoder), _NAN), d.kind == "class",
                beside_first, d.n_windows, name in columns,
            )
            for d in mine
        ]  # fmt: skip
    return tuple(rows)


def summary(rows: Collection[Row]) -> str:
    """Return all figures as text."""
    return "\n".join(row.sentence() for row in rows)


def _verdict(decoded: list[Decoded]) -> str:
    """Return what the figures of one variable come to, in a few words."""
    known = [d for d in decoded if math.isfinite(d.score)]
    above = [d for d in known if not d.score <= d.chance_high]
    out = "taken out, " if decoded[0].scrubbed else ""
    if not known:
        return f"{out}cannot be measured"
    if not above:
        return f"{out}told no better than by chance"
    if len(above) < len(known):
        return f"{out}{len(above)} of {len(known)} tell it"
    return f"{out}still told" if out else "told"


class TellModel(QAbstractTableModel):  # type: ignore[misc]
    """The rows for Qt: words, a bar, a number."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.rows: tuple[Row, ...] = ()

    def show_rows(self, rows: tuple[Row, ...]) -> None:
        """Show these rows."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802
        """Return the number of columns."""
        return 0 if parent.isValid() else 3

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole) -> Any:  # noqa: N802
        """Return a heading, for screen readers."""
        if orientation != Qt.Orientation.Horizontal or role != _ROLE.DisplayRole:
            return None
        return ("Read by", "How well", "Figure")[section]

    def data(self, index: QModelIndex, role: int = _ROLE.DisplayRole) -> Any:
        """Return what a cell shows."""
        row, column = self.rows[index.row()], index.column()
        match role:
            case _ROLE.DisplayRole:
                words = row.decoder or f"{row.variable}: {row.told}"
                return (words, "", row.number)[column]
            case _ROLE.UserRole:
                return row
            case _ROLE.ToolTipRole | _ROLE.AccessibleDescriptionRole:
                click = "Click to colour the map by it." if row.colours else "The map cannot be coloured by it."
                return f"{row.sentence()}\n{click}"
            case _ROLE.TextAlignmentRole if column > BAR:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case _ROLE.FontRole if not row.decoder:
                return _bold()
        return None


def _bold() -> QFont:
    font = QFont()
    font.setBold(True)
    return font
