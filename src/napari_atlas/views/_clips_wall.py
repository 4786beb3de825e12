"""Clips of chosen windows in a wall, filled as they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLabel, QStackedLayout, QWidget

from napari_atlas.data.atlas import Atlas
from napari_atlas.data.clip import Clip
from napari_atlas.io.clips import ClipLibrary
from napari_atlas.views._clips_loader import ClipLoader
from napari_atlas.views._clips_model import content_of
from napari_atlas.views._panes import PaneContent, Panes

__all__ = ["ClipWall"]

_LEAST_PX = 140  # so that the animals can be seen


class ClipWall(QWidget):  # type: ignore[misc]
    """Panes with the clips of some windows, or a sentence where there are none.

    Signals
    -------
    changed
        Other windows, or one more clip is there.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panes = Panes(self)
        self.panes.setObjectName("atlas-clips-panes")
        self.empty = QLabel(self)
        self.empty.setObjectName("atlas-clips-empty")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.setMinimumHeight(_LEAST_PX)
        self._contents: tuple[PaneContent, ...] = ()
        self._atlas: Atlas | None = None
        self._whole: set[int] = set()
        self._loader = ClipLoader(self._on_clip)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.panes)

    @property
    def windows(self) -> tuple[int, ...]:
        """Window ids of the clips, from the upper left."""
        return tuple(content.window for content in self._contents)

    @property
    def left(self) -> int:
        """How many clips do not play yet."""
        return self._loader.left

    def say(self, text: str) -> None:
        """Show a sentence and no clips."""
        self._loader.stop()
        self.empty.setText(text)
        self._show(())

    def load(self, library: ClipLibrary, atlas: Atlas, windows: Sequence[int]) -> None:
        """Show the clips of windows; those that are there already are not read again."""
        there = {content.window: content for content in self._contents} if atlas is self._atlas else {}
        self._atlas, self._whole = atlas, self._whole & there.keys()
        self._loader.load(library, atlas.windows.table, [window for window in windows if window not in self._whole])
        self._show(tuple(there.get(window) or content_of(atlas, window) for window in windows))

    def stop(self) -> None:
        """Read nothing more."""
        self._loader.stop()

    def toggle(self) -> None:
        """Play, or pause."""
        (self.panes.pause if self.panes.playing else self.panes.play)()

    def _on_clip(self, window: int, result: Clip | str, whole: bool) -> None:
        if isinstance(result, str):
            changes: dict[str, Any] = {"clip": None, "fault": result, "tip": result}
        else:
            changes = {"clip": result, "fault": ""}
            self._whole.update([window] if whole else [])
        self._show(tuple(replace(c, **changes) if c.window == window else c for c in self._contents))

    def _show(self, contents: tuple[PaneContent, ...]) -> None:
        self._contents = contents
        self.panes.show_contents(contents)
        self._stack.setCurrentIndex(1 if contents else 0)
        self.changed.emit()
