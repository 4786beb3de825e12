"""Keys of one part of the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeySequence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from qtpy.QtWidgets import QWidget

__all__ = ["Keys"]


class Keys(QObject):  # type: ignore[misc]
    """Do something when a key is pressed while a widget, or a part of it that has no use for the key, has the focus.

    They come before keys of the window that are the same; where text is typed, they are text.

    Parameters
    ----------
    widget
        Whose keys they are.
    deeds
        By key, such as "Ctrl+S", what it does.
    """

    def __init__(self, widget: QWidget, deeds: Mapping[str, Callable[[], object]]) -> None:
        super().__init__(widget)
        self._deeds = {QKeySequence(key).toString(): deed for key, deed in deeds.items()}
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Claim the keys before the window does, and answer them."""
        if event.type() not in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
            return False
        deed = self._deeds.get(_name_of(event))
        if deed is None:
            return False
        event.accept()
        if event.type() == QEvent.Type.KeyPress:
            deed()
        return True


def _name_of(event: Any) -> str:
    """Return what the key is called, those of a number pad like any other."""
    held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    return str(QKeySequence(int(event.key()) | held.value).toString())
