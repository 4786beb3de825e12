"""The dialog in which the kinematic tree of a species is made, with the pose drawn beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari import current_viewer
from napari.utils.notifications import show_info
from qtpy.QtCore import Qt
from qtpy.QtGui import QIcon, QKeySequence
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from napari_atlas import workflow
from napari_atlas.data.pose import Pose
from napari_atlas.data.signals import SIGNALS
from napari_atlas.data.species import Species
from napari_atlas.errors import InputError
from napari_atlas.views._canvas import Links, palette_of
from napari_atlas.views._tree_joints import JointTable
from napari_atlas.views._tree_model import Fault, TreeDraft, TreeSource, draft_of, fault_of, load_draft, read_source
from napari_atlas.views._tree_picture import TreePicture, chain_colors
from napari_atlas.views._worker import call_in_thread
from napari_atlas.views.desk import Desk

__all__ = ["TreeDialog", "has_joints", "tree_dialog"]

_WHAT = (
    "Each keypoint hangs on another one; the root hangs on nothing. What hangs nowhere is left out. In the picture, a"
    " click chooses a keypoint, and Ctrl and a click lets it hang on another."
)
_ROOT = "Let all of the tree hang on the selected keypoint"
_FILES = "Trees (*.json *.toml)"
_SIGNAL = "pose-6d"
_SAME = "Nothing is changed yet."


def has_joints(species: Species) -> bool:
    """Return whether a species is told by keypoints, so that it may have a tree."""
    return any(name in SIGNALS and SIGNALS[name].needs is Pose for name in species.signal.split(" + "))


def tree_dialog(desk: Desk, parent: QWidget, recording: str) -> TreeDialog:
    """Open the dialog on the tree of a recording's species."""
    dialog = TreeDialog(desk, parent, recording)
    dialog.open()
    return dialog


class TreeDialog(QDialog):  # type: ignore[misc]
    """Choose what each keypoint hangs on; the tree becomes a setting of the species once it is saved.

    Parameters
    ----------
    desk
        Whose project on show is meant.
    parent
        Qt parent.
    recording
        The recording whose pose is drawn.
    """

    def __init__(self, desk: Desk, parent: QWidget, recording: str) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-tree-dialog")
        self.setWindowTitle("Kinematic tree")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._desk, self._folder = desk, desk.folder
        self._source: TreeSource | None = None
        self._draft, self._fault = TreeDraft((), (), ()), Fault()
        self._palette = palette_of("dark")
        self._what, self._said, self._at = QLabel(_WHAT), QLabel("Reading …"), QLabel()
        self._joints, self._picture, self._slider = JointTable(), TreePicture(), QSlider(Qt.Orientation.Horizontal)
        self._buttons: dict[str, QPushButton] = {}
        self._lay_out()
        for part in (self._joints, self._picture):
            part.hung.connect(lambda joint, parent: self._show(self._draft.hung(joint, parent)))
        self._joints.chosen.connect(self._on_chosen)
        self._picture.picked.connect(self._joints.choose)
        self._slider.valueChanged.connect(self._on_frame)
        viewer = current_viewer()
        self._links = Links(*([(viewer.events.theme, self._on_theme)] if viewer else []))
        self._links.connect()
        self.set_theme(viewer.theme if viewer else "dark")
        self._offer(enabled=False)
        folder = self._folder
        call_in_thread(lambda: read_source(folder, recording), self._begin, self._refuse)

    def set_theme(self, theme: str) -> None:
        """Follow a napari theme, given by its id."""
        self._palette = palette_of(theme)
        self._picture.set_theme(theme)
        if self._source is not None:
            self._show(self._draft)

    def done(self, result: int) -> None:
        """Close, and let go of the viewer."""
        self._links.disconnect()
        super().done(result)

    def accept(self) -> None:
        """Save the tree, and say that the project is to be fitted again."""
        if self._source is None or not self._buttons["save"].isEnabled():
            return
        if self._desk.session.job.running:
            self._say(f"Wait for the {self._desk.session.job.verb} under way, or stop it.", self._palette.warm)
            return
        folder, desk, name, tree = self._folder, self._desk, self._source.species.name, self._draft.spelled
        fitted = desk.session.atlas is not None and bool(desk.session.atlas.run)

        def saved(_: Any) -> None:
            told = "Its windows are cut anew: fit the project again." if fitted else "Fit the project to use it."
            show_info(f"The tree of {name} is saved. {told}")
            if desk.folder == folder:
                desk.open(folder)
            super(TreeDialog, self).accept()

        self._offer(enabled=False)
        self._say("Saving …")
        call_in_thread(lambda: workflow.change_species(folder, name, {"tree": tree}), saved, self._keep)

    def _lay_out(self) -> None:
        for label, name in ((self._what, "what"), (self._said, "said"), (self._at, "frame")):
            label.setObjectName(f"atlas-tree-{name}")
            label.setTextFormat(Qt.TextFormat.PlainText)
        self._what.setWordWrap(True)
        self._said.setWordWrap(True)
        self._slider.setObjectName("atlas-tree-slider")
        self._slider.setAccessibleName("Frame of the recording that is drawn")
        self._slider.setToolTip("Another frame of the recording")
        row = QHBoxLayout()
        for name, text, meaning, deed in (
            ("root", "Make it the root", _ROOT, self._make_root),
            ("skeleton", "From the skeleton", "Take the tree that the lines of the file's skeleton make", self._take),
            ("load", "Load…", "Read a tree from a JSON or TOML file", self._load),
        ):
            row.addWidget(self._button(name, text, meaning, deed))
        row.addStretch(1)
        left, right, halves, below = QVBoxLayout(), QVBoxLayout(), QHBoxLayout(), QHBoxLayout()
        left.addWidget(self._what)
        left.addWidget(self._joints, 1)
        left.addLayout(row)
        below.addWidget(self._slider, 1)
        below.addWidget(self._at)
        right.addWidget(self._picture, 1)
        right.addLayout(below)
        halves.addLayout(left, 2)
        halves.addLayout(right, 3)
        buttons = QDialogButtonBox()
        cancel = self._button("cancel", "Cancel", "Change nothing", lambda: None)
        save = self._button("save", "Save", "", lambda: None)
        save.setShortcut(QKeySequence(QKeySequence.StandardKey.Save))
        buttons.addButton(cancel, QDialogButtonBox.ButtonRole.RejectRole)
        buttons.addButton(save, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(halves, 1)
        layout.addWidget(self._said)
        layout.addWidget(buttons)
        self.resize(860, 560)

    def _button(self, name: str, text: str, meaning: str, deed: Callable[[], object]) -> QPushButton:
        """Return a button that Enter presses only while it has the focus."""
        button = self._buttons[name] = QPushButton(text)
        button.setObjectName(f"atlas-tree-{name}")
        button.setAccessibleName(meaning or text)
        button.setToolTip(meaning)
        button.setIcon(QIcon())
        button.setAutoDefault(False)
        button.clicked.connect(lambda _: deed())
        return button

    def _begin(self, source: TreeSource) -> None:
        """Show what was read."""
        self._source = source
        self.setWindowTitle(f"Kinematic tree of {source.species.name}")
        self._picture.show_source(source)
        self._show(draft_of(source))
        self._joints.choose(0)
        self._joints.setFocus()
        self._slider.setRange(0, max(0, len(source.frames) - 1))
        self._slider.setValue(source.typical)
        self._on_frame(self._slider.value())

    def _show(self, draft: TreeDraft) -> None:
        """Show a tree, and what is wrong with it."""
        if self._source is None:
            return
        self._draft, self._fault = draft, fault_of(draft, self._source)
        colors = chain_colors(draft, self._palette.text)
        self._joints.show_draft(draft, colors, self._fault.joints, self._palette)
        self._picture.show_draft(draft, colors, self._fault.joints)
        self._on_chosen(self._joints.currentIndex().row())
        if self._fault.text:
            self._say(self._fault.text, self._palette.warm)
        else:
            self._say(_told(draft, self._source))
        self._offer()

    def _offer(self, enabled: bool = True) -> None:
        """Let be pressed what can be done, with the reason where Save cannot."""
        source = self._source
        for name in ("root", "skeleton", "load", "save"):
            self._buttons[name].setEnabled(enabled)
        for widget in (self._joints, self._slider):
            widget.setEnabled(enabled)
        if source is None or not enabled:
            return
        self._buttons["skeleton"].setVisible(bool(source.edges))
        ring = bool(self._draft.cycle())
        self._buttons["root"].setEnabled(not ring)
        self._buttons["root"].setToolTip("Mend the ring first" if ring else _ROOT)
        same = bool(source.species.tree) and self._draft.spelled == draft_of(source).spelled
        why = self._fault.text or (_SAME if same else "")
        self._buttons["save"].setEnabled(not why)
        self._buttons["save"].setToolTip(why or f"Keep this tree for all recordings of {source.species.name}")
        self._buttons["save"].setAccessibleDescription(why)

    def _on_chosen(self, joint: int) -> None:
        self._picture.choose(joint)

    def _on_frame(self, frame: int) -> None:
        if self._source is not None and len(self._source.frames):
            self._picture.show_frame(frame)
            self._at.setText(f"frame {self._source.frames[frame]}")

    def _on_theme(self, event: Any) -> None:
        self.set_theme(event.value)

    def _make_root(self) -> None:
        joint = self._joints.currentIndex().row()
        if joint >= 0:
            self._show(self._draft.rooted(joint))

    def _take(self) -> None:
        if self._source is not None:
            self._show(draft_of(self._source, skeleton=True))

    def _load(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load a tree", str(self._folder.parent), _FILES)
        if not path or self._source is None:
            return
        try:
            self._show(load_draft(Path(path), self._source))
        except InputError as error:
            self._say(f"{error}. The tree is as before.", self._palette.warm)

    def _refuse(self, error: Any) -> None:
        """Tell why there is nothing to edit."""
        self._say(str(error), self._palette.warm)
        self._buttons["save"].setToolTip(str(error))

    def _keep(self, error: Any) -> None:
        """Tell why it could not be saved, and let it be mended."""
        self._offer()
        self._say(str(error), self._palette.warm)

    def _say(self, text: str, color: str = "") -> None:
        self._said.setStyleSheet(f"color: {color}" if color else "")
        self._said.setText(" ".join(text.split()))


def _told(draft: TreeDraft, source: TreeSource) -> str:
    """Return what is good to know of a tree."""
    n, out = len(draft.used), len(draft.names) - len(draft.used)
    left = f", {out} left out" if out else ""
    text = f"{n} joints in {len(draft.chains)} chains from {draft.names[draft.roots[0]]}{left}."
    if source.points.shape[2] == 2:
        return f"{text} The pose is flat: only {_SIGNAL}, for poses in three dimensions, uses a tree."
    if _SIGNAL not in source.species.signal.split(" + "):
        return f"{text} The signal of {source.species.name} is {source.species.signal}; only {_SIGNAL} uses a tree."
    return text
