"""The dialog in which the kinematic tree of a species is made, with the pose drawn beside it."""

from __future__ import annotations

from typing import Any

from napari import current_viewer
from napari.utils.notifications import show_info
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from napari_atlas import workflow
from napari_atlas.data.pose import Pose
from napari_atlas.data.signals import SIGNALS
from napari_atlas.data.species import Species
from napari_atlas.views._canvas import Links, palette_of
from napari_atlas.views._tree_editor import TreeEditor, tree_button
from napari_atlas.views._tree_model import TreeDraft, TreeSource, draft_of, read_source
from napari_atlas.views._worker import call_in_thread
from napari_atlas.views.desk import Desk

__all__ = ["TreeDialog", "has_joints", "tree_dialog"]

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
    """Make a tree; it becomes a setting of the species once it is saved.

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
        self._palette = palette_of("dark")
        self._editor, self._said = TreeEditor(), QLabel("Reading …")
        self._save = tree_button("save", "Save", "Keep this tree", self.accept)
        self._lay_out()
        self._editor.setEnabled(False)
        self._forbid("Wait until the recording is read.")
        self._editor.changed.connect(self._on_changed)
        self._editor.refused.connect(self._complain)
        viewer = current_viewer()
        self._links = Links(*([(viewer.events.theme, self._on_theme)] if viewer else []))
        self._links.connect()
        self.set_theme(viewer.theme if viewer else "dark")
        folder = self._folder
        call_in_thread(lambda: read_source(folder, recording), self._begin, self._complain)

    def set_theme(self, theme: str) -> None:
        """Follow a napari theme, given by its id."""
        self._palette = palette_of(theme)
        self._editor.set_theme(theme)
        if self._source is not None:
            self._on_changed()

    def done(self, result: int) -> None:
        """Close, and let go of the viewer."""
        self._links.disconnect()
        super().done(result)

    def accept(self) -> None:
        """Save the tree, and say that the project is to be fitted again."""
        if self._source is None or not self._save.isEnabled():
            return
        if self._desk.session.job.running:
            self._complain(f"Wait for the {self._desk.session.job.verb} under way, or stop it.")
            return
        folder, desk, name, tree = self._folder, self._desk, self._source.species.name, self._editor.draft.spelled
        fitted = desk.session.atlas is not None and bool(desk.session.atlas.run)

        def saved(_: Any) -> None:
            told = "Its windows are cut anew: fit the project again." if fitted else "Fit the project to use it."
            show_info(f"The tree of {name} is saved. {told}")
            if desk.folder == folder:
                desk.open(folder)
            super(TreeDialog, self).accept()

        def failed(error: Any) -> None:
            self._editor.setEnabled(True)
            self._on_changed()
            self._complain(error)

        self._editor.setEnabled(False)
        self._forbid("Saving …")
        self._said.setText("Saving …")
        call_in_thread(lambda: workflow.change_species(folder, name, {"tree": tree}), saved, failed)

    def _lay_out(self) -> None:
        self._said.setObjectName("atlas-tree-said")
        self._said.setTextFormat(Qt.TextFormat.PlainText)
        self._said.setWordWrap(True)
        self._save.setShortcut(QKeySequence(QKeySequence.StandardKey.Save))
        buttons = QDialogButtonBox()
        buttons.addButton(self._save, QDialogButtonBox.ButtonRole.ApplyRole)
        cancel = tree_button("cancel", "Cancel", "Change nothing", self.reject)
        buttons.addButton(cancel, QDialogButtonBox.ButtonRole.RejectRole)
        layout = QVBoxLayout(self)
        layout.addWidget(self._editor, 1)
        layout.addWidget(self._said)
        layout.addWidget(buttons)
        self.resize(860, 560)

    def _begin(self, source: TreeSource) -> None:
        """Show what was read."""
        self._source = source
        self.setWindowTitle(f"Kinematic tree of {source.species.name}")
        self._editor.setEnabled(True)
        self._editor.show_source(source)

    def _on_changed(self) -> None:
        """Tell what the tree is, or what is wrong with it, and let it be saved if it can be."""
        source, draft, fault = self._source, self._editor.draft, self._editor.fault.text
        if source is None:
            return
        same = bool(source.species.tree) and draft.spelled == draft_of(source).spelled
        if fault:
            self._complain(fault)
        else:
            self._said.setStyleSheet("")
            self._said.setText(f"{_told(draft, source)} {_SAME if same else ''}".strip())
        self._forbid(fault or (_SAME if same else ""))

    def _forbid(self, why: str) -> None:
        """Let the tree be saved, unless there is a reason against it."""
        self._save.setEnabled(not why)
        self._save.setToolTip(why or "Keep this tree for all recordings of the species (Ctrl+S)")
        self._save.setAccessibleDescription(why)

    def _complain(self, fault: Any) -> None:
        """Tell what is wrong, in one line."""
        self._said.setStyleSheet(f"color: {self._palette.warm}")
        self._said.setText(" ".join(str(fault).split()))
        if self._source is None:
            self._forbid(self._said.text())

    def _on_theme(self, event: Any) -> None:
        self.set_theme(event.value)


def _told(draft: TreeDraft, source: TreeSource) -> str:
    """Return what is good to know of a tree."""
    out, n_chains = len(draft.names) - len(draft.used), len(draft.chains)
    left = f", {out} left out" if out else ""
    chains = "1 chain" if n_chains == 1 else f"{n_chains} chains"
    text = f"{len(draft.used)} joints in {chains} from {draft.names[draft.roots[0]]}{left}."
    if source.points.shape[2] == 2:
        return f"{text} The pose is flat: only {_SIGNAL}, for poses in three dimensions, uses a tree."
    if _SIGNAL not in source.species.signal.split(" + "):
        return f"{text} The signal of {source.species.name} is {source.species.signal}; only {_SIGNAL} uses a tree."
    return text
