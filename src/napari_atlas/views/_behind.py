"""Tell a widget that the tab of another dock covers it."""

from __future__ import annotations

import contextlib

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QWidget

__all__ = ["hide_behind_tabs"]


def hide_behind_tabs(widget: QWidget) -> None:
    """Hide a widget while its dock is behind another one's tab, so that show and hide events tell whether it is seen.

    Qt leaves what lies behind a tab visible and only moves it out of sight. To be called when the widget is shown; it
    does nothing a second time, and nothing outside a dock.
    """
    dock = widget.parentWidget()
    while dock is not None and not isinstance(dock, QDockWidget):
        dock = dock.parentWidget()
    if dock is not None:
        # Otherwise Qt lets no dock that shares its place grow beyond the least height of the hidden one.
        policy = widget.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        widget.setSizePolicy(policy)
        with contextlib.suppress(TypeError):  # it is connected already
            dock.visibilityChanged.connect(widget.setVisible, Qt.ConnectionType.UniqueConnection)
