"""The wheel over an editor within something that scrolls."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject

__all__ = ["WheelPasses"]


class WheelPasses(QObject):  # type: ignore[misc]
    """Let the wheel scroll the form, and not change a setting that merely lies below it."""

    def eventFilter(self, editor: QObject, event: QEvent) -> bool:  # noqa: N802
        """Leave the wheel to the parent, unless the editor has the focus."""
        passing = event.type() == QEvent.Type.Wheel and not editor.hasFocus()
        if passing:
            event.ignore()
        return passing
