"""Clusters, saved selections, tags and notes."""

from __future__ import annotations

from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_atlas.views.desk import Desk

__all__ = ["GroupsDock"]


class GroupsDock(QWidget):  # type: ignore[misc]
    """Clusters, saved selections, tags and notes.

    Parameters
    ----------
    desk
        Whose session is shown.
    parent
        Qt parent.
    """

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-groups")
        self._desk = desk
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel("Open a project with a run: its clusters, tags and notes appear here.", self))

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
