"""The panes of the compare dock, with a line on how far they can be believed, or why there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget
from superqt import QElidingLabel

from napari_atlas.views._canvas import palette_of
from napari_atlas.views._compare_model import Answer, Question, answer
from napari_atlas.views._pane_filler import PaneFiller
from napari_atlas.views._panes import Panes

if TYPE_CHECKING:
    from napari_atlas.views.desk import Desk

__all__ = ["ComparePage"]


class ComparePage(QWidget):  # type: ignore[misc]
    """Show an answer: its panes, which get their clips one by one, and the weightiest of its notes.

    Parameters
    ----------
    desk
        Whose clips are played.
    parent
        Qt parent.
    """

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self.panes = Panes(self)
        self.filler = PaneFiller(desk, self.panes)
        self._note, self._empty = QElidingLabel(self), QLabel(self)
        self._note.setObjectName("atlas-compare-note")
        self._empty.setObjectName("atlas-compare-empty")
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget, stretch in ((self._note, 0), (self.panes, 1), (self._empty, 1)):
            layout.addWidget(widget, stretch)
        self.show_answer(answer(None, (), Question()))

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
        palette = palette_of(theme)
        self._empty.setStyleSheet(f"color: {palette.muted};")
        self._note.setStyleSheet(f"color: {palette.warm};")
        self.panes.set_theme(theme)

    def show_answer(self, found: Answer | Exception) -> None:
        """Show an answer, or what went wrong on the way to it."""
        if isinstance(found, Exception):
            found = Answer(empty=f"This cannot be compared: {found}")
        self._note.setText("  ·  ".join(found.notes))
        self._note.setToolTip("\n".join(found.notes))
        self._note.setVisible(bool(found.notes))
        self._empty.setText(found.empty)
        self._empty.setVisible(bool(found.empty))
        self.panes.setVisible(not found.empty)
        self.filler.show(found.contents, found.groups)
