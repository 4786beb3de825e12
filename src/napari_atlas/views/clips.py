"""A wall of clips of a selection or a cluster."""

from __future__ import annotations

from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_atlas.views.desk import Desk

__all__ = ["ClipsDock"]


class ClipsDock(QWidget):  # type: ignore[misc]
    """A wall of clips of a selection or a cluster.

    Parameters
    ----------
    desk
        Whose session is shown.
    parent
        Qt parent.
    """

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-clips")
        self._desk = desk
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel("Select windows on the map: clips of them appear here.", self))

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
