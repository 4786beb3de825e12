"""A drawing above a text."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

__all__ = ["Stacked"]

# Room for two lines, in a very low window.
_LEAST_PX = 40
_MOST_PX = 10_000


class Stacked(QWidget):  # type: ignore[misc]
    """A drawing above a text, which scrolls where there is no room for all of it.

    Parameters
    ----------
    drawing, text
        What is stacked.
    shares
        Of the room, where there is not enough for both.
    """

    def __init__(self, drawing: QWidget, text: QLabel, shares: tuple[int, int]) -> None:
        super().__init__()
        self._drawing, self._text = drawing, text
        self._scroll = QScrollArea()
        self._scroll.setObjectName(f"{text.objectName()}-scroll")
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidgetResizable(True)
        self._scroll.setWidget(text)
        self._scroll.setMinimumHeight(_LEAST_PX)
        text.setAlignment(Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(drawing, shares[0])
        layout.addWidget(self._scroll, shares[1])

    def show_text(self, shown: bool) -> None:
        """Show the text, or leave all the room to the drawing."""
        self._scroll.setVisible(shown)

    def fit(self) -> None:
        """Give the text no more room than it needs, or all of it while there is no drawing."""
        needed = self._text.heightForWidth(self._scroll.viewport().width())
        self._scroll.setMaximumHeight(_MOST_PX if self._drawing.isHidden() else max(_LEAST_PX, needed))

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        """Share the new room."""
        super().resizeEvent(event)
        self.fit()
