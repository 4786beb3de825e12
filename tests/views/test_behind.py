"""A dock behind the tab of another one is hidden, and leaves that one all the room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

from napari_atlas.views._behind import hide_behind_tabs

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

pytestmark = pytest.mark.gui


def test_what_is_behind_a_tab_does_not_keep_the_others_small(qtbot: QtBot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    window.setCentralWidget(QWidget())
    docks = [QDockWidget(name, window) for name in ("above", "front", "behind")]
    for dock in docks:
        dock.setWidget(QWidget())
        window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
    above, front, behind = docks
    window.tabifyDockWidget(front, behind)
    hide_behind_tabs(behind.widget())
    window.resize(500, 700)
    window.show()
    behind.raise_()
    qtbot.waitUntil(lambda: behind.widget().isVisible())
    front.raise_()
    qtbot.waitUntil(behind.widget().isHidden)
    window.resizeDocks([above, front], [150, 500], Qt.Orientation.Vertical)
    qtbot.wait(100)  # Qt lays the docks out in a later turn.
    assert front.height() > 400
    behind.raise_()
    qtbot.waitUntil(lambda: behind.widget().isVisible())
