"""Type the name under which a selection is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QWidget

__all__ = ["NameField"]

_HINT = "Return keeps it, Esc gives up"


class NameField(QWidget):  # type: ignore[misc]
    """A field that is there while a name is asked for; a name that is taken has to be confirmed by a second Return."""

    given = Signal(str)
    opened = Signal(bool)
    """Whether a name is being asked for."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.field, self._hint = QLineEdit(self), QLabel(_HINT, self)
        self.field.setObjectName("atlas-map-name")
        self.field.setAccessibleName("name of the selection")
        self.field.setPlaceholderText("name of the selection")
        self.field.installEventFilter(self)
        self.field.returnPressed.connect(self._on_return)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.field, 1)
        row.addWidget(self._hint)
        self._taken: Callable[[str], bool] = _never
        self._warned = ""
        self.setVisible(False)

    def ask(self, name: str, taken: Callable[[str], bool]) -> None:
        """Ask for a name.

        Parameters
        ----------
        name
            What is proposed.
        taken
            Says whether there is something of that name.
        """
        self._taken, self._warned = taken, ""
        self._hint.setText(_HINT)
        self.field.setText(name)
        self.field.selectAll()
        self.setVisible(True)
        self.opened.emit(True)
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Give up on Esc."""
        if event.type() == QEvent.Type.KeyPress and _key(event) == Qt.Key.Key_Escape:
            self._close()
            return True
        return bool(super().eventFilter(watched, event))

    def _on_return(self) -> None:
        name = str(self.field.text()).strip()
        if not name:
            return
        if self._taken(name) and self._warned != name:
            self._warned = name
            self._hint.setText("There is one: Return replaces it")
            return
        self._close()
        self.given.emit(name)

    def _close(self) -> None:
        self.setVisible(False)
        self.opened.emit(False)


def _key(event: Any) -> Any:
    return event.key()


def _never(_: str) -> bool:
    return False
