"""The table of joints and the picture of the pose, side by side and showing the same tree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from napari_atlas.errors import InputError
from napari_atlas.views._canvas import palette_of
from napari_atlas.views._tree_drawing import chain_colors
from napari_atlas.views._tree_joints import JointTable
from napari_atlas.views._tree_model import Fault, TreeDraft, TreeSource, draft_of, fault_of, load_draft
from napari_atlas.views._tree_picture import TreePicture

__all__ = ["TreeEditor", "tree_button"]

_WHAT = (
    "Each keypoint hangs on another one; the root hangs on nothing. What hangs nowhere is left out. In the picture, a"
    " click chooses a keypoint, and Ctrl and a click lets it hang on another."
)
_ROOT = "Let all of the tree hang on the selected keypoint"
_SKELETON = "Take the tree that the lines of the file's skeleton make"
_FILES = "Trees (*.json *.toml)"


class TreeEditor(QWidget):  # type: ignore[misc]
    """Choose what each keypoint hangs on, and see it."""

    changed = Signal()
    """The tree, or what is wrong with it."""
    refused = Signal(str)
    """Why a file was not taken."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.draft, self.fault = TreeDraft((), (), ()), Fault()
        self._source: TreeSource | None = None
        self._palette = palette_of("dark")
        self._joints, self._picture = JointTable(), TreePicture()
        self._slider, self._at = QSlider(Qt.Orientation.Horizontal), QLabel()
        self._root = tree_button("root", "Make it the root", _ROOT, self._make_root)
        self._skeleton = tree_button("skeleton", "From the skeleton", _SKELETON, self._take_skeleton)
        self._load = tree_button("load", "Load…", "Read a tree from a JSON or TOML file", self._ask)
        self._lay_out()
        for part in (self._joints, self._picture):
            part.hung.connect(lambda joint, parent: self.show_draft(self.draft.hung(joint, parent)))
        self._joints.chosen.connect(self._picture.choose)
        self._picture.picked.connect(self._joints.choose)
        self._slider.valueChanged.connect(self._on_frame)

    def set_theme(self, theme: str) -> None:
        """Follow a napari theme, given by its id."""
        self._palette = palette_of(theme)
        self._picture.set_theme(theme)
        self._draw()

    def show_source(self, source: TreeSource) -> None:
        """Edit the tree of a species, and show a typical frame of its pose."""
        self._source = source
        self._skeleton.setVisible(bool(source.edges))
        self._picture.show_source(source)
        self.show_draft(draft_of(source))
        self._joints.choose(0)
        self._joints.setFocus()
        self._slider.setRange(0, max(0, len(source.frames) - 1))
        self._slider.setValue(source.typical)
        self._on_frame(self._slider.value())

    def show_draft(self, draft: TreeDraft) -> None:
        """Show a tree."""
        if self._source is None:
            return
        self.draft, self.fault = draft, fault_of(draft, self._source)
        ring = bool(draft.cycle())
        self._root.setEnabled(not ring)
        self._root.setToolTip("Mend the ring first" if ring else _ROOT)
        self._draw()
        self._picture.choose(self._joints.currentIndex().row())
        self.changed.emit()

    def _draw(self) -> None:
        colors = chain_colors(self.draft, self._palette.text)
        self._joints.show_draft(self.draft, colors, self.fault.joints, self._palette)
        self._picture.show_draft(self.draft, colors, self.fault.joints)

    def _lay_out(self) -> None:
        what = QLabel(_WHAT)
        what.setWordWrap(True)
        self._at.setObjectName("atlas-tree-frame")
        self._slider.setObjectName("atlas-tree-slider")
        self._slider.setAccessibleName("Frame of the recording that is drawn")
        self._slider.setToolTip("Another frame of the recording")
        row, below, left, right = QHBoxLayout(), QHBoxLayout(), QVBoxLayout(), QVBoxLayout()
        for button in (self._root, self._skeleton, self._load):
            row.addWidget(button)
        row.addStretch(1)
        left.addWidget(what)
        left.addWidget(self._joints, 1)
        left.addLayout(row)
        below.addWidget(self._slider, 1)
        below.addWidget(self._at)
        right.addWidget(self._picture, 1)
        right.addLayout(below)
        halves = QHBoxLayout(self)
        halves.setContentsMargins(0, 0, 0, 0)
        halves.addLayout(left, 2)
        halves.addLayout(right, 3)

    def _on_frame(self, frame: int) -> None:
        if self._source is not None and len(self._source.frames):
            self._picture.show_frame(frame)
            self._at.setText(f"frame {self._source.frames[frame]}")

    def _make_root(self) -> None:
        joint = self._joints.currentIndex().row()
        if joint >= 0:
            self.show_draft(self.draft.rooted(joint))

    def _take_skeleton(self) -> None:
        if self._source is not None:
            self.show_draft(draft_of(self._source, skeleton=True))

    def _ask(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load a tree", "", _FILES)
        if not path or self._source is None:
            return
        try:
            self.show_draft(load_draft(Path(path), self._source))
        except InputError as error:
            self.refused.emit(f"{error}. The tree is as before.")


def tree_button(name: str, text: str, meaning: str, deed: Callable[[], Any]) -> QPushButton:
    """Return a button that Enter presses only while it has the focus."""
    button = QPushButton(text)
    button.setObjectName(f"atlas-tree-{name}")
    button.setAccessibleName(meaning)
    button.setToolTip(meaning)
    button.setAutoDefault(False)
    button.clicked.connect(lambda _: deed())
    return button
