"""What sets the selected windows apart from the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_atlas.analysis.enrichment import AGAINST, Enrichment, enrichment
from napari_atlas.views._behind import hide_behind_tabs
from napari_atlas.views._canvas import Links, palette_of
from napari_atlas.views._difference_table import DifferenceTable
from napari_atlas.views._worker import Latest
from napari_atlas.views.desk import Desk

__all__ = ["DifferenceDock"]

_NO_PROJECT = "No project is open."
_NO_SELECTION = "Select windows on the map: what sets them apart from the others appears here."
_ALL = "All windows are selected: there are no others to compare them with."
_HOW = "p: the selection shuffled along time and between recordings, then corrected for the number of rows"


class DifferenceDock(QWidget):  # type: ignore[misc]
    """What sets the selected windows apart from the others; it listens and works only while it can be seen.

    Parameters
    ----------
    desk
        Whose session is shown.
    parent
        Qt parent.
    """

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-difference")
        self._desk = desk
        self._latest = Latest()
        self._wish: tuple[Any, ...] = ()
        self._complete = True
        self._title, self._said = _label("atlas-difference-title"), _label("atlas-difference-said")
        self._bar = QWidget()
        self._table = DifferenceTable(palette_of("dark"), self)
        self._against = QComboBox()
        self._against.setObjectName("atlas-difference-against")
        self._against.setAccessibleName("What the selected windows are compared with")
        self._against.setToolTip("What the selected windows are compared with")
        self._against.addItems(AGAINST)
        self._copy = QPushButton("Copy")
        self._copy.setObjectName("atlas-difference-copy")
        self._copy.setAccessibleName("Copy the table")
        self._copy.setToolTip("Copy the table, to be pasted into a spreadsheet (Ctrl+C)")
        self._lay_out()
        self._against.currentIndexChanged.connect(self._refresh)
        self._copy.clicked.connect(self._table.copy)
        session = desk.session
        self._table.wanted.connect(session.color)
        self._links = Links(
            (session.atlas_changed, self._refresh),
            (session.selection_changed, self._refresh),
            (session.columns_changed, self._refresh),
        )
        self.set_theme("dark")

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
        palette = palette_of(theme)
        self._table.set_palette(palette)
        self._said.setStyleSheet(f"color: {palette.muted};")

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Listen, and compare anew what may have changed meanwhile."""
        super().showEvent(event)
        hide_behind_tabs(self)
        self._links.connect()
        self._refresh()

    def hideEvent(self, event: Any) -> None:  # noqa: N802
        """Let go of the session."""
        self._links.disconnect()
        if not self._complete:
            self._wish = ()  # It is begun anew when it is shown again.
        super().hideEvent(event)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self._bar)
        row.setContentsMargins(0, 0, 0, 0)
        against = QLabel("against")
        against.setBuddy(self._against)
        row.addWidget(against)
        row.addWidget(self._against, 1)
        row.addWidget(self._copy)
        self._against.setMinimumContentsLength(8)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.addWidget(self._title)
        layout.addWidget(self._bar)
        layout.addWidget(self._table, 1)
        layout.addWidget(self._said)
        layout.addStretch(0)

    def _refresh(self, _: object = None) -> None:
        """Compare what is selected now, unless that is on show already; a later wish overtakes an earlier one."""
        session = self._desk.session
        columns, selection, against = session.columns, session.selection, self._against.currentText()
        wish = (columns, selection, against)
        if wish == self._wish:
            return
        self._wish = wish
        if columns is None or not len(selection) or len(selection) == len(columns.atlas.windows.table):
            self._show(Enrichment(0, 0), _NO_PROJECT if columns is None else _ALL if len(selection) else _NO_SELECTION)
            return
        self._title.setText(f"{_windows(len(selection))} · working …")
        self._title.show()
        self._complete = False
        self._go_on(enrichment(columns, selection.ids, against), wish)

    def _go_on(self, found: Iterator[Enrichment], wish: tuple[Any, ...]) -> None:
        """Take the next part of what is found, in a thread, as long as it is wished for."""

        def show(part: Any) -> None:
            if wish != self._wish:
                return
            if not isinstance(part, Enrichment):
                self._show(Enrichment(0, 0), str(part))
                return
            self._show(part)
            if not part.complete:
                self._go_on(found, wish)

        self._latest.run(lambda: next(found), show)

    def _show(self, found: Enrichment, why: str = "") -> None:
        self._complete = found.complete
        for widget in (self._title, self._table, self._copy):
            widget.setVisible(not why)
        # Where nothing is left to compare with, something else may do.
        self._bar.setVisible(why not in (_NO_PROJECT, _NO_SELECTION, _ALL))
        working = "" if found.complete else " · working …"
        self._title.setText(f"{_windows(found.n_inside)} against {_number(found.n_rest)}{working}")
        self._table.show_rows(found.rows, found.complete)
        least = f"; before that, {found.smallest_p:.2g} at the least." if found.rows else "."
        self._said.setText(why or "\n".join([*found.notes, _HOW + least]))


def _windows(n: int) -> str:
    return f"{_number(n)} window{'' if n == 1 else 's'}"


def _number(n: int) -> str:
    """Return a count with thin spaces between thousands."""
    return f"{n:,}".replace(",", "\u2009")


def _label(name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setMinimumWidth(1)  # A long sentence must not widen the dock.
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
