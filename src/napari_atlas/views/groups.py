"""Clusters, saved selections, tags and notes."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QLabel, QTabWidget, QVBoxLayout, QWidget

from napari_atlas.views._behind import hide_behind_tabs
from napari_atlas.views._canvas import Links
from napari_atlas.views._groups_clusters import ClustersPanel
from napari_atlas.views._groups_marks import MarksPanel
from napari_atlas.views._groups_parts import button
from napari_atlas.views.desk import Desk

__all__ = ["GroupsDock"]

_NO_PROJECT = "Open a project: its clusters, tags, notes and saved selections appear here."


class GroupsDock(QWidget):  # type: ignore[misc]
    """Clusters, tags, notes and saved selections, a tab for each.

    Parameters
    ----------
    desk
        Whose session is shown, and what keeps what is changed.
    parent
        Qt parent.
    """

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-groups")
        self._desk = desk
        self._empty, self._fault = QLabel(_NO_PROJECT), QLabel()
        self._mend = button(
            "atlas-groups-mend",
            "Set the damaged file aside",
            "Keep the file under another name, and go on with what can be read of it",
            desk.keeper.mend,
        )
        self._tabs = QTabWidget()
        self._tabs.setObjectName("atlas-groups-tabs")
        self._panels = (
            ClustersPanel(desk),
            MarksPanel(desk, "tag"),
            MarksPanel(desk, "note"),
            MarksPanel(desk, "selection"),
        )
        for panel, title in zip(self._panels, ("Clusters", "Tags", "Notes", "Saved"), strict=True):
            self._tabs.addTab(panel, title)
        self._lay_out()
        self._links = Links((desk.session.atlas_changed, self._on_atlas), (desk.keeper.fault_changed, self._on_atlas))

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
        for panel in self._panels:
            panel.set_theme(theme)

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Listen, and show what may have changed meanwhile."""
        super().showEvent(event)
        hide_behind_tabs(self)
        self._links.connect()
        self._on_atlas()

    def hideEvent(self, event: Any) -> None:  # noqa: N802
        """Let go of the session."""
        self._links.disconnect()
        super().hideEvent(event)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        for label, name in ((self._empty, "empty"), (self._fault, "fault")):
            label.setObjectName(f"atlas-groups-{name}")
            label.setWordWrap(True)
            label.setMinimumWidth(1)
            layout.addWidget(label)
        layout.addWidget(self._mend)
        layout.addWidget(self._tabs, 1)
        layout.addStretch(0)

    def _on_atlas(self, _: object = None) -> None:
        opened, fault = self._desk.session.atlas is not None, self._desk.keeper.fault
        self._empty.setVisible(not opened)
        self._tabs.setVisible(opened)
        self._fault.setText(f"Tags, notes and saved selections cannot be read or changed: {fault}" if fault else "")
        for widget in (self._fault, self._mend):
            widget.setVisible(opened and bool(fault))
