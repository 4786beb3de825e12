"""What the other species do that is nearest to the clicked window."""

from __future__ import annotations

from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_atlas.views.desk import Desk

__all__ = ["CompareDock"]


class CompareDock(QWidget):  # type: ignore[misc]
    """What the other species do that is nearest to the clicked window.

    Parameters
    ----------
    desk
        Whose session is shown.
    parent
        Qt parent.
    """

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-compare")
        self._desk = desk
        layout = QVBoxLayout(self)
        layout.addWidget(
            QLabel("Click a point on the map: the windows of the other species nearest to it appear here.", self)
        )

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
