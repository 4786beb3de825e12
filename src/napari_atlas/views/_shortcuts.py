"""Keys that work in the whole window, and the list of all keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qtpy.QtCore import QObject, Qt
from qtpy.QtGui import QIcon, QKeySequence
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QScrollArea, QShortcut, QVBoxLayout, QWidget

__all__ = ["KEYS", "Shortcuts", "keys_dialog"]

KEYS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Everywhere",
        (
            ("J, K", "next and previous window of the selection, or else of the animal"),
            ("O", "play the window at the cursor over and over"),
            ("1 … 9", "put a tag on the selected windows, or on the one at the cursor; again takes it off"),
            ("Ctrl+Z, Ctrl+Shift+Z", "go back to the selection before, and on again"),
            ("?", "this list"),
        ),
    ),
    ("Video", (("Space", "play or pause"), ("← →", "one frame back or on"), ("click on an animal", "go to it"))),
    (
        "Map",
        (
            ("wheel, drag", "zoom, pan"),
            ("click", "select a window and go there; Shift adds, Alt subtracts"),
            ("double click", "select the window's cluster"),
            ("L, B", "lasso, box"),
            ("I", "invert the selection"),
            ("Ctrl+A, Esc", "select all, nothing"),
            ("Ctrl+S", "keep the selection under a name"),
            ("Z", "zoom to the selection"),
            ("F, Home", "show the whole map"),
            ("D", "show how many windows lie where, or the points again"),
        ),
    ),
    (
        "Timeline",
        (
            ("click, drag", "go to a time"),
            ("wheel, Shift+wheel", "zoom, scroll"),
            ("T", "select by dragging; Shift adds, Alt subtracts"),
            ("drag the °C scale", "select a range of temperature"),
            ("W, S, 0", "zoom to the window, to the selection, to everything"),
            ("A", "all recordings, one below the other"),
            ("← →", "previous and next window; with Shift a bin"),
            ("Return", "select the window at the cursor"),
        ),
    ),
    ("Compare, clips", (("Space", "play or pause"), ("click", "select that window"), ("double click", "go there"))),
)


class Shortcuts(QObject):  # type: ignore[misc]
    """Keys of a window; where text is typed, they are text.

    Parameters
    ----------
    window
        The window.
    deeds
        By key, what it does.
    """

    def __init__(self, window: QWidget, deeds: Mapping[str, Callable[[], object]]) -> None:
        super().__init__(window)
        self._made = tuple(QShortcut(QKeySequence(key), window, activated=deed) for key, deed in deeds.items())

    def also(self, widget: QWidget, key: str, deed: Callable[[], object]) -> None:
        """Let a key work in one part of the window only, where no other widget has a use for it."""
        shortcut = QShortcut(QKeySequence(key), widget, activated=deed)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self._made = (*self._made, shortcut)

    def close(self) -> None:
        """Take the keys back."""
        for shortcut in self._made:
            shortcut.setEnabled(False)
            shortcut.deleteLater()
        self._made = ()


def keys_dialog(parent: QWidget | None) -> QDialog:
    """Return a dialog that lists all keys."""
    dialog = QDialog(parent)
    dialog.setObjectName("atlas-keys")
    dialog.setWindowTitle("Keys")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    page = QWidget(dialog)
    grid = QGridLayout(page)
    grid.setHorizontalSpacing(18)
    grid.setVerticalSpacing(3)
    for title, keys in KEYS:
        heading = QLabel(f"<b>{title}</b>", page)
        heading.setContentsMargins(0, 10, 0, 2)
        grid.addWidget(heading, grid.rowCount(), 0, 1, 2)
        for key, meaning in keys:
            row = grid.rowCount()
            told = QLabel(meaning, page)
            told.setWordWrap(True)
            grid.addWidget(QLabel(key, page), row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(told, row, 1)
    grid.setColumnStretch(1, 1)
    area = QScrollArea(dialog)
    area.setObjectName("atlas-keys-list")
    area.setAccessibleName("keys and what they do")
    area.setWidgetResizable(True)
    area.setWidget(page)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, dialog)
    close = buttons.button(QDialogButtonBox.StandardButton.Close)
    close.setObjectName("atlas-keys-close")
    close.setIcon(QIcon())  # A tick would look as if something were to be confirmed.
    buttons.rejected.connect(dialog.reject)
    layout = QVBoxLayout(dialog)
    layout.addWidget(area)
    layout.addWidget(buttons)
    dialog.resize(640, 720)
    return dialog
