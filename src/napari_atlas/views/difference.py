"""What sets the selected windows apart from the others."""

from __future__ import annotations

from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_atlas.views.desk import Desk

__all__ = ["DifferenceDock"]


class DifferenceDock(QWidget):  # type: ignore[misc]
    """What sets the selected windows apart from the others.

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
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel("Select windows on the map: what sets them apart appears here.", self))

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
