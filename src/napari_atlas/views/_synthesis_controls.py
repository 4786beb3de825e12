"""What the decoders are told, and the latent: everything that can be set in the synthesis dock."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from napari_atlas.views._synthesis_facts import Facts, VariableFacts
from napari_atlas.views._synthesis_rows import ChoiceRow, SlideRow

__all__ = ["LatentBox", "VariablesBox"]

_NOTHING_TOLD = (
    "The decoders of this run are told nothing beside the latent. To try another animal, speed or heading, fit with"
    " variables to scrub or to tell."
)


class _Box(QScrollArea):  # type: ignore[misc]
    """A heading with rows below it that scroll."""

    changed = Signal()
    """Something was set by hand, or taken back."""

    def __init__(self, name: str, heading: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName(f"atlas-synthesis-{name}")
        self.setAccessibleName(heading)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(264)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._heading = QLabel(heading)
        self._inner = QWidget()
        self._layout = QVBoxLayout(self._inner)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        self._layout.addWidget(self._heading)
        self._layout.addStretch(1)
        self.setWidget(self._inner)

    def _clear(self) -> None:
        """Take all away but the heading and the stretch."""
        while self._layout.count() > 2:
            widget = self._layout.takeAt(1).widget()
            widget.hide()
            widget.deleteLater()

    def _add(self, widget: QWidget) -> None:
        self._layout.insertWidget(self._layout.count() - 1, widget)


class VariablesBox(_Box):
    """A row for each variable that the decoders are told; numbers with several values have a row for each."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("told", "What the decoder is told", parent)
        self._offered: Sequence[VariableFacts] | None = None
        self._rows: dict[str, list[SlideRow] | ChoiceRow] = {}

    def offer(self, variables: Sequence[VariableFacts]) -> None:
        """Offer these variables, as the window has them, unless they are offered already."""
        if variables == self._offered:
            return
        self._offered = variables
        self._clear()
        self._rows = {}
        for variable in variables:
            rows = _rows_of(variable)
            self._rows[variable.name] = rows
            for row in rows if isinstance(rows, list) else [rows]:
                row.changed.connect(self.changed)
                self._add(row)
        if not variables:
            label = QLabel(_NOTHING_TOLD)
            label.setObjectName("atlas-synthesis-nothing-told")
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            self._add(label)

    def values(self) -> dict[str, Any]:
        """Return what was set by hand, as a request names it."""
        told: dict[str, Any] = {}
        for name, rows in self._rows.items():
            if isinstance(rows, ChoiceRow):
                told |= {name: rows.value} if rows.set_by_hand else {}
            elif any(row.set_by_hand for row in rows):
                told[name] = [row.told for row in rows]
        return told

    def show_own(self, values: Mapping[str, Any]) -> None:
        """Show what another window has; what was set by hand stays."""
        for name, rows in self._rows.items():
            own = values.get(name)
            if isinstance(rows, ChoiceRow):
                rows.show_own(own)
                continue
            numbers = own if isinstance(own, list) else [own] * len(rows)
            for row, number in zip(rows, numbers, strict=True):
                row.show_own(math.nan if number is None else row.scale * number)

    def forget(self) -> None:
        """Go back to what the window has, and tell nobody."""
        for rows in self._rows.values():
            for row in rows if isinstance(rows, list) else [rows]:
                row.forget()


class LatentBox(_Box):
    """A slider for each dimension of the latent, those that differ most between windows first."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("latent", "Latent", parent)
        self._facts: Facts | None = None
        self._rows: dict[int, SlideRow] = {}
        self._latent: list[float] = []
        self._own: list[float] = []
        self._more = QPushButton(self)
        self._more.setObjectName("atlas-synthesis-more")
        self._more.setAccessibleName("All dimensions of the latent")
        self._more.setToolTip("Dimensions that hardly differ between windows change hardly anything")
        self._more.setCheckable(True)
        self._more.toggled.connect(self._show_rows)
        self._add(self._more)
        self._more.hide()

    @property
    def wished(self) -> tuple[float, ...]:
        """The whole latent as it stands; empty if it is the window's own."""
        return () if self._latent == self._own else tuple(self._latent)

    def offer(self, facts: Facts) -> None:
        """Offer the dimensions of a run."""
        self._facts = facts
        for row in self._rows.values():
            self._layout.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows, self._latent, self._own = {}, [], []
        self._more.setChecked(False)
        self._show_rows()

    def show_own(self, latent: list[float]) -> None:
        """Stand at the latent of another window."""
        self._own, self._latent = list(latent), list(latent)
        self._show_values()

    def put(self, latent: list[float]) -> None:
        """Stand at another latent, and tell nobody."""
        self._latent = list(latent)
        for i, row in self._rows.items():
            row.put(latent[i])

    def forget(self) -> None:
        """Go back to the window's latent, and tell nobody."""
        self.show_own(self._own)

    def _show_values(self) -> None:
        for i, row in self._rows.items():
            if self._own:
                row.show_own(self._own[i])
            row.forget()

    def _show_rows(self, _: object = None) -> None:
        """Make the rows that are wanted and not there yet; hide the others."""
        facts = self._facts
        if facts is None:
            return
        n = len(facts.order) if self._more.isChecked() else facts.n_active
        for rank, i in enumerate(facts.order):
            if rank < n and i not in self._rows:
                self._rows[i] = self._row(facts, i)
                self._layout.insertWidget(1 + rank, self._rows[i])
            if i in self._rows:
                self._rows[i].setVisible(rank < n)
        hidden = len(facts.order) - facts.n_active
        self._more.setText("Show fewer" if self._more.isChecked() else f"Show {hidden} more")
        self._more.setVisible(hidden > 0)

    def _row(self, facts: Facts, i: int) -> SlideRow:
        tip = f"Dimension {i + 1} of the latent; the slider goes as far as 98 % of the windows do"
        row = SlideRow(f"latent-{i + 1}", f"latent {i + 1}", tip, (facts.low[i], facts.high[i]))
        if self._latent:
            row.show_own(self._own[i])
            if self._latent[i] != self._own[i]:
                row.put(self._latent[i])
        row.changed.connect(partial(self._on_row, i))
        return row

    def _on_row(self, i: int) -> None:
        if self._latent:
            self._latent[i] = self._rows[i].value
            self.changed.emit()


def _rows_of(variable: VariableFacts) -> list[SlideRow] | ChoiceRow:
    name, tip = variable.name, f"What the decoder is told of {variable.name}"
    if variable.kind == "class":
        return ChoiceRow(name, name, tip, variable.classes)
    if variable.kind == "angle":
        return [SlideRow(name, name, tip, (-180.0, 180.0), unit="°", scale=180.0 / math.pi)]
    ends = list(zip(variable.low, variable.high, strict=True))
    names = [name] if len(ends) == 1 else [f"{name} {i + 1}" for i in range(len(ends))]
    return [SlideRow(text.replace(" ", "-"), text, tip, end) for text, end in zip(names, ends, strict=True)]
