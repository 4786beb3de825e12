"""Drop files and folders on a widget."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_atlas.views._canvas import palette_of

__all__ = ["Chooser", "DropArea", "Drops", "paths_of"]

_SAYS = "Drop a folder or files here"
_MEANS = (
    "Keypoints (SLEAP, DeepLabCut, Lightning Pose, TRex …), hulls, videos and logs.\n"
    "What belongs together is found out. Nothing is written before you press Add."
)


def paths_of(mime: Any) -> tuple[Path, ...]:
    """Return the files and folders that are being dragged; none if it is something else."""
    return tuple(Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile())


class Drops(QObject):  # type: ignore[misc]
    """Let files and folders be dropped on a widget.

    Parameters
    ----------
    widget
        Where they can be dropped.
    then
        What is done with them.
    hover
        Told when they are over the widget, and when they leave it.
    """

    def __init__(
        self, widget: QWidget, then: Callable[[tuple[Path, ...]], None], hover: Callable[[bool], None] | None = None
    ) -> None:
        super().__init__(widget)
        self._then, self._hover = then, hover or _nothing
        widget.setAcceptDrops(True)
        widget.installEventFilter(self)

    def eventFilter(self, widget: QObject, event: QEvent) -> bool:  # noqa: N802
        """Take what is dragged over the widget if it is files."""
        kind = event.type()
        if kind in (QEvent.Type.DragEnter, QEvent.Type.DragMove) and paths_of(event.mimeData()):
            self._hover(True)
            event.acceptProposedAction()
            return True
        if kind == QEvent.Type.DragLeave:
            self._hover(False)
        if kind == QEvent.Type.Drop and (paths := paths_of(event.mimeData())):
            self._hover(False)
            event.acceptProposedAction()
            self._then(paths)
            return True
        return False


class Chooser(QWidget):  # type: ignore[misc]
    """Buttons for those who would rather not drag."""

    chosen = Signal(tuple)
    """Files, or a folder."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for text, meaning, ask in (
            ("Choose folder…", "Look through a folder, to the end of its folders", self.ask_folder),
            ("Choose files…", "Look at single files", self.ask_files),
        ):
            button = QPushButton(text)
            button.setObjectName("atlas-import-choose-" + text.split()[1].strip("…"))
            button.setToolTip(meaning)
            button.setAccessibleDescription(meaning)
            button.clicked.connect(ask)
            row.addWidget(button)

    def ask_folder(self) -> None:
        """Ask for a folder."""
        path = QFileDialog.getExistingDirectory(self, "Choose a folder")
        if path:
            self.chosen.emit((Path(path),))

    def ask_files(self) -> None:
        """Ask for files."""
        paths, _ = QFileDialog.getOpenFileNames(self, "Choose files")
        if paths:
            self.chosen.emit(tuple(Path(path) for path in paths))


class DropArea(QWidget):  # type: ignore[misc]
    """A large frame that says what can be dropped, with buttons to choose it instead."""

    chosen = Signal(tuple)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-import-drop")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._palette, self._hovered = palette_of("dark"), False
        head, text = QLabel(_SAYS), QLabel(_MEANS)
        head.setStyleSheet("font-size: 15pt")
        for label in (head, text):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        chooser = Chooser()
        chooser.chosen.connect(self.chosen)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 12, 24, 12)
        layout.setSpacing(12)
        layout.addStretch(1)
        for widget in (head, text, chooser):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)

    def set_theme(self, theme: str) -> None:
        """Follow a napari theme, given by its id."""
        self._palette = palette_of(theme)
        self.update()

    def highlight(self, hovered: bool) -> None:
        """Show that files are over it."""
        self._hovered = hovered
        self.update()

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        """Draw the frame."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._palette.accent if self._hovered else self._palette.muted
        painter.setPen(QPen(QColor(color), 2.0 if self._hovered else 1.4, Qt.PenStyle.DashLine))
        painter.setBrush(QColor(self._palette.canvas))
        painter.drawRoundedRect(self.rect().adjusted(4, 4, -4, -4), 10, 10)
        painter.end()


def _nothing(_: bool) -> None:
    """Do nothing."""
