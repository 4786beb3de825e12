"""A map of the selected windows alone, and the way back."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QToolButton, QWidget
from superqt import QElidingLabel

from napari_atlas import workflow
from napari_atlas.data.atlas import Atlas
from napari_atlas.views._buttons import button_style
from napari_atlas.views._worker import Latest

if TYPE_CHECKING:
    from napari_atlas.views._canvas import Palette
    from napari_atlas.views.desk import Desk

__all__ = ["SubsetBar"]

_NAME = "selection"
_FEWEST = 10


class SubsetBar(QFrame):  # type: ignore[misc]
    """Maps the selected windows anew, in a child process, and says so while that map is on show.

    Parameters
    ----------
    desk
        What runs the verb, and whose session is shown.
    parent
        Qt parent.
    """

    said = Signal(str)

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-map-subset")
        self._desk, self._session = desk, desk.session
        self._whole: Atlas | None = None
        self._part: Atlas | None = None
        self._readings = Latest()
        self._text = QElidingLabel("", self)
        self._text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._making = 0
        self.back_button = _button(self, "Back to all windows", "Show the map of all windows again")
        self.stop_button = _button(self, "Stop", "Stop mapping; the map on show stays")
        self.back_button.clicked.connect(self.back)
        self.stop_button.clicked.connect(desk.runner.stop)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 3, 3, 3)
        row.addWidget(self._text, 1)
        row.addWidget(self.stop_button)
        row.addWidget(self.back_button)
        self.setVisible(False)

    def paint(self, palette: Palette) -> None:
        """Use the colours of a theme."""
        self.setStyleSheet(f"#atlas-map-subset {{ border: 1px solid {palette.accent}; border-radius: 4px; }}")
        self._text.setStyleSheet(f"color: {palette.text};")
        for button in (self.stop_button, self.back_button):
            button.setStyleSheet(button_style(palette))

    def refresh(self) -> None:
        """Show whether the map is one of some windows only, or is being made."""
        part = self._session.atlas is not None and self._session.atlas is self._part
        if not part:
            self._whole = self._part = None
        if self._making:
            self._text.setText(f"Mapping {self._making} windows: {self._session.job.text}")
        elif self._part is not None:
            n = int(np.isfinite(self._part.coordinates).all(axis=1).sum())
            self._text.setText(f"A map of {n} windows only")
        self.stop_button.setVisible(self._making > 0)
        self.back_button.setVisible(part and not self._making)
        self.setVisible(part or self._making > 0)

    def make(self) -> None:
        """Map the selected windows; the map replaces that of all windows when it is there."""
        atlas, ids = self._session.atlas, self._session.selection.ids
        if atlas is None or not atlas.run or ids.size < _FEWEST:
            self.said.emit(f"Select {_FEWEST} windows or more: they get a map of their own.")
            return
        if self._session.job.running:
            self.said.emit(f"Wait for the {self._session.job.verb} under way, or stop it.")
            return
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False, encoding="utf-8") as file:
            json.dump(ids.tolist(), file)
        wanted = Path(file.name)

        def end() -> None:
            wanted.unlink(missing_ok=True)
            self._making = 0
            self.refresh()

        def show() -> None:
            end()
            self._read(atlas)

        def fail(reason: str) -> None:
            end()
            self.said.emit(reason)

        self._making = ids.size
        options = ("--run", atlas.run, "--only", str(wanted), "--name", _NAME)
        self._desk.runner.run("map", str(atlas.folder), *options, then=show, otherwise=fail)

    def back(self) -> None:
        """Show the map of all windows again; selection and cursor stay."""
        whole, now = self._whole, self._session.atlas
        if whole is not None and now is not None:
            self._session.show(self._laid_out(now, whole), self._session.live)

    def _read(self, atlas: Atlas) -> None:
        """Read the map in a worker thread, and show it unless another run is on show by then."""

        def show(found: object) -> None:
            if not isinstance(found, Atlas):
                self.said.emit(str(found))
                return
            now = self._session.atlas
            if now is not None and (now.folder, now.run) == (atlas.folder, atlas.run):
                # From one part to another the way back still leads to all windows.
                self._whole = self._whole or now
                self._part = self._laid_out(now, found)
                self._session.show(self._part, self._session.live)

        self._readings.run(lambda: workflow.with_map(atlas, _NAME), show)

    def _laid_out(self, atlas: Atlas, like: Atlas) -> Atlas:
        """Return an atlas with the map of another one of its run, and with the clusters as they are now."""
        return replace(
            atlas,
            coordinates=like.coordinates,
            kept=like.kept,
            recipe=like.recipe,
            clusterings=self._session.clusterings,
        )


def _button(parent: QWidget, text: str, tip: str) -> QToolButton:
    button = QToolButton(parent)
    button.setObjectName(f"atlas-map-{text.split(maxsplit=1)[0].lower()}")
    button.setText(text)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
