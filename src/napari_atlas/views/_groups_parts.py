"""Small parts of the groups dock: buttons, a line that tells what was done and undoes it, colours to choose from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QColorDialog,
    QFrame,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QWidget,
)
from superqt import QFlowLayout

from napari_atlas.data.species import COLORS

__all__ = ["Said", "Scrolled", "ask_text", "button", "flowing", "named", "offer_colors"]

_NAMES = ("orange", "teal", "pink", "sky", "yellow", "rust", "violet", "grey")


class Said(QWidget):  # type: ignore[misc]
    """A line that tells what was done or why not, with a button to undo it where that can be done; else hidden."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._text = QLabel()
        self._text.setObjectName(f"{name}-said")
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setWordWrap(True)
        self._text.setMinimumWidth(1)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._undo = button(f"{name}-undo", "Undo", "Take this back", self._take_back)
        self._back: Callable[[], Any] | None = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._undo)
        self.setVisible(False)

    def say(self, text: str, back: Callable[[], Any] | None = None) -> None:
        """Tell something; *back* undoes it. No text hides the line."""
        self._back = back
        self._text.setText(text)
        self._undo.setVisible(back is not None)
        self.setVisible(bool(text))

    def _take_back(self) -> None:
        back = self._back
        self.say("")
        if back is not None:
            back()


class Scrolled(QScrollArea):  # type: ignore[misc]
    """A text that takes the room it needs up to a few lines, and scrolls beyond."""

    def __init__(self, text: QLabel, most: int = 112) -> None:
        super().__init__()
        self._text, self._most = text, most
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidgetResizable(True)
        self.setWidget(text)
        text.setAlignment(Qt.AlignmentFlag.AlignTop)

    def fit(self) -> None:
        """Take the room that the text needs."""
        self.setFixedHeight(min(self._most, self._text.heightForWidth(self.viewport().width()) + 2))

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        """Take the room that the text needs at another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.fit()


def flowing() -> QFlowLayout:
    """Return an empty row that breaks where there is no room."""
    row = QFlowLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setHorizontalSpacing(4)
    row.setVerticalSpacing(4)
    return row


def named(widget: Any, name: str, meaning: str) -> Any:
    """Give a widget its object name, and say what it is for."""
    widget.setObjectName(name)
    widget.setToolTip(meaning)
    widget.setAccessibleName(meaning)
    return widget


def button(name: str, text: str, meaning: str, action: Callable[[], Any]) -> QPushButton:
    """Return a button that says what it is for."""
    made: QPushButton = named(QPushButton(text), name, meaning)
    made.clicked.connect(lambda _checked=False: action())
    return made


def offer_colors(parent: QWidget, name: str, now: str, choose: Callable[[str], Any]) -> None:
    """Offer the palette, and any other colour, in a menu at a widget.

    Parameters
    ----------
    parent
        Where the menu opens.
    name
        Object name of the menu.
    now
        The colour that is to be changed.
    choose
        Called with the new one, as "#rrggbb".
    """
    menu = QMenu(parent)
    menu.setObjectName(name)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for color, word in zip(COLORS, _NAMES, strict=True):
        menu.addAction(_square(color), word).triggered.connect(lambda _=False, color=color: choose(color))
    menu.addSeparator()
    menu.addAction("Another one…").triggered.connect(lambda _=False: _ask(parent, name, now, choose))
    menu.popup(parent.mapToGlobal(parent.rect().bottomLeft()))


def ask_text(parent: QWidget, name: str, now: str, choose: Callable[[str], Any]) -> None:
    """Ask for another name in a small dialog.

    Parameters
    ----------
    parent
        Over which it opens.
    name
        Object name of the dialog.
    now
        The name that is to be changed.
    choose
        Called with the new one.
    """
    ask = QInputDialog(parent)
    ask.setObjectName(name)
    ask.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    ask.setWindowTitle("Rename")
    ask.setLabelText("Another name:")
    ask.setTextValue(now)
    ask.textValueSelected.connect(choose)
    ask.open()


def _ask(parent: QWidget, name: str, now: str, choose: Callable[[str], Any]) -> None:
    dialog = QColorDialog(QColor(now), parent)
    dialog.setObjectName(f"{name}-dialog")
    dialog.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.colorSelected.connect(lambda color: choose(color.name().upper()))
    dialog.open()


def _square(color: str) -> QIcon:
    pixmap = QPixmap(14, 14)
    pixmap.fill(QColor(color))
    return QIcon(pixmap)
