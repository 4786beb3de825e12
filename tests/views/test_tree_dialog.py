"""The dialog of a kinematic tree: what it begins with, refuses, draws and saves."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtWidgets import QComboBox, QFileDialog, QLabel, QMenu, QPushButton, QSlider, QWidget

from napari_atlas import workflow
from napari_atlas.data.kinematics import KinematicTree
from napari_atlas.data.project import AddRequest
from napari_atlas.data.species import Species
from napari_atlas.errors import InputError
from napari_atlas.io.project import read_project
from napari_atlas.session.session import JobState, Session
from napari_atlas.views import tree_dialog as module
from napari_atlas.views._recording_menu import fill_menu
from napari_atlas.views._tree_joints import JointTable
from napari_atlas.views._tree_model import TreeDraft, TreeSource, draft_of, fault_of, load_draft, read_source
from napari_atlas.views._tree_picture import TreePicture
from napari_atlas.views.desk import Desk
from napari_atlas.views.tree_dialog import TreeDialog, tree_dialog

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

NAMES = ("hips", "neck", "snout", "ear", "tail")
TREE = (("hips", "neck", "snout"), ("neck", "ear:+z"), ("hips", "tail"))
MOUSE = "data/dannce/mouse1_save_data_AVG.mat"


def source_of(tree: tuple[tuple[str, ...], ...] = (), edges: tuple[tuple[int, int], ...] = ()) -> TreeSource:
    """Return five joints in ten frames of three dimensions; ear and tail lie in one place."""
    places = np.array([[0.0, 0, 0], [5, 0, 1], [8, 0, 0], [-4, 0, 2], [-4, 0, 2]])
    points = np.repeat(places[None], 10, axis=0)
    species = Species("mouse", "pose-6d", tree=tree)
    return TreeSource(species, NAMES, edges, np.arange(10), points, 4, np.array([12.0, 12, 2]))


def joint(name: str, draft: TreeDraft) -> int:
    return draft.names.index(name)


def test_a_draft_of_a_tree_spells_the_tree_as_it_was() -> None:
    for tree in (
        TREE,
        (("hips", "neck"), ("neck", "snout"), ("hips", "tail", "ear:+x")),  # a chain that is broken off on purpose
        (("tail", "hips"), ("hips", "snout", "neck"), ("snout", "ear")),
    ):
        assert draft_of(source_of(tree)).spelled == tree


def test_without_a_tree_the_skeleton_is_taken_else_nothing() -> None:
    draft = draft_of(source_of(edges=((0, 1), (1, 2), (0, 4))))
    assert draft.spelled == (("hips", "neck", "snout"), ("hips", "tail"))
    assert draft.used == {joint(name, draft) for name in ("hips", "neck", "snout", "tail")}
    empty = draft_of(source_of())
    assert empty.names == NAMES
    assert (empty.roots, empty.chains, empty.used) == ((), (), frozenset())


def test_a_joint_hangs_elsewhere_and_what_hangs_on_it_goes_along() -> None:
    draft = draft_of(source_of(TREE))
    moved = draft.hung(joint("ear", draft), joint("hips", draft))
    assert moved.spelled == (("hips", "neck", "snout"), ("hips", "ear"), ("hips", "tail"))  # its direction goes
    assert moved.hung(joint("snout", draft), joint("tail", draft)).spelled == (
        ("hips", "neck"),
        ("hips", "ear"),
        ("hips", "tail", "snout"),
    )
    out = draft.hung(joint("neck", draft), -1)
    assert [out.names[i] for i in out.roots] == ["hips", "neck"]
    assert draft.hung(joint("neck", draft), joint("hips", draft)) is draft


def test_another_root_turns_the_way_there_round() -> None:
    draft = draft_of(source_of(TREE))
    turned = draft.rooted(joint("snout", draft))
    tree = KinematicTree.from_chains(turned.spelled)
    parents = {name: tree.names[p] if p >= 0 else "" for name, p in zip(tree.names, tree.parents, strict=True)}
    assert parents == {"snout": "", "neck": "snout", "hips": "neck", "tail": "hips", "ear": "neck"}
    assert ("snout", "neck", "hips", "tail") in turned.spelled


@pytest.mark.parametrize(
    ("changes", "told", "at_fault"),
    [
        ([("hips", "snout")], "which is a ring", {"hips", "neck", "snout"}),
        ([("hips", "hips")], "hips hangs on itself", {"hips"}),
        ([("neck", "")], "hips and neck are both roots", {"neck"}),
        ([("ear", "tail")], "from tail to ear has no length", {"ear"}),
        ([(name, "") for name in NAMES[1:]], "No keypoint hangs on another", set()),
    ],
)
def test_what_is_no_tree_is_told_in_a_line(changes: list[tuple[str, str]], told: str, at_fault: set[str]) -> None:
    source = source_of(TREE)
    draft = draft_of(source)
    assert not fault_of(draft, source).text
    for name, parent in changes:
        draft = draft.hung(joint(name, draft), joint(parent, draft) if parent else -1)
    fault = fault_of(draft, source)
    assert told in fault.text
    assert "\n" not in fault.text
    assert {draft.names[i] for i in fault.joints} == at_fault


def test_a_joint_that_the_recording_does_not_have_can_be_taken_out() -> None:
    source = source_of((*TREE, ("tail", "tip")))
    draft = draft_of(source)
    assert "no keypoint tip" in fault_of(draft, source).text
    assert not fault_of(draft.hung(joint("tip", draft), -1), source).text


def test_a_file_is_read_with_the_directions_that_it_tells(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_text(json.dumps({"chains": [["hips", "neck"], ["hips", "tail"]]}), encoding="utf-8")
    assert load_draft(file, source_of()).spelled == (("hips", "neck"), ("hips", "tail"))
    file.write_text(json.dumps({"chains": [["hips", "neck"], ["hips", "tail:+x"]]}), encoding="utf-8")
    assert load_draft(file, source_of()).spelled == (("hips", "neck:-z"), ("hips", "tail:+x"))
    file.write_text(json.dumps({"chains": [["hips", "neck"], ["tail", "neck"]]}), encoding="utf-8")
    with pytest.raises(InputError, match="chain 2 begins at tail"):
        load_draft(file, source_of())


@pytest.fixture(scope="module")
def mouse_project(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree") / "m.atlas"
    workflow.new(folder)
    tree = (("node-4", "node-3", "node-2"), ("node-4", "node-5"))
    settings = {"signal": "pose-6d", "bin_rate": 50.0, "window": 0.5, "stride": 0.5, "tree": tree, "front": "node-3"}
    settings |= {"back": "node-5"}
    workflow.add(folder, AddRequest(shared / MOUSE, "mouse", name="m", fps=100, settings=settings))
    return folder


def test_the_setting_of_a_species_is_changed_or_nothing_is(mouse_project: Path) -> None:
    before = read_project(mouse_project).species
    for given, told in (
        ({"tree": (("node-4", "no such"),)}, "no such"),
        ({"window": 60.0}, "no window"),
        ({"name": "rat"}, "name cannot be changed"),
    ):
        with pytest.raises(InputError, match=told):
            workflow.change_species(mouse_project, "mouse", given)
        assert read_project(mouse_project).species == before
    assert workflow.change_species(mouse_project, "mouse", {"stride": 0.4}).stride == 0.4
    workflow.change_species(mouse_project, "mouse", {"stride": 0.5})
    assert read_project(mouse_project).species == before


@pytest.fixture
def desk(mouse_project: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a desk whose project is that of the mouse, and which only remembers what is to be opened."""
    desk, opened = Desk(Session()), list[Path]()
    monkeypatch.setattr(Desk, "folder", mouse_project)
    monkeypatch.setattr(desk, "open", opened.append)
    monkeypatch.setattr(module, "show_info", opened.append)
    desk.wishes = opened  # type: ignore[attr-defined]
    return desk


@pytest.fixture
def owner(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def dialog(desk: Desk, owner: QWidget, qtbot: QtBot) -> TreeDialog:
    return shown(desk, owner, qtbot)


def shown(desk: Desk, owner: QWidget, qtbot: QtBot) -> TreeDialog:
    dialog = tree_dialog(desk, owner, "m")
    qtbot.waitUntil(lambda: table(dialog).model().rowCount() == 22, timeout=10000)
    return dialog


def table(dialog: TreeDialog) -> JointTable:
    return dialog.findChild(JointTable)


def button(dialog: TreeDialog, name: str) -> QPushButton:
    return dialog.findChild(QPushButton, f"atlas-tree-{name}")


def said(dialog: TreeDialog) -> str:
    return str(dialog.findChild(QLabel, "atlas-tree-said").text())


def cell(dialog: TreeDialog, name: str) -> str:
    model = table(dialog).model()
    names = [model.index(row, 0).data() for row in range(model.rowCount())]
    return str(model.index(names.index(name), 1).data())


def hang(dialog: TreeDialog, name: str, parent: str, qtbot: QtBot) -> None:
    """Choose what a joint hangs on by keyboard, in the list of its line."""
    joints = table(dialog)
    names = [joints.model().index(row, 0).data() for row in range(joints.model().rowCount())]
    joints.setFocus()
    joints.choose(names.index(name))
    qtbot.keyClick(joints, Qt.Key.Key_Return)
    editor = joints.findChild(QComboBox, "atlas-tree-parent")
    editor.setCurrentText(parent)
    editor.activated.emit(editor.currentIndex())
    qtbot.wait(1)


@pytest.mark.gui
def test_a_tree_is_changed_by_keyboard_and_saved(dialog: TreeDialog, desk: Any, qtbot: QtBot) -> None:
    assert dialog.windowTitle() == "Kinematic tree of mouse"
    assert "4 joints in 2 chains from node-4, 18 left out" in said(dialog)
    assert cell(dialog, "node-4") == "nothing: the root"
    assert not button(dialog, "save").isEnabled()
    assert button(dialog, "save").toolTip() == "Nothing is changed yet."
    hang(dialog, "node-6", "node-5", qtbot)
    assert cell(dialog, "node-6") == "node-5"
    qtbot.keyClick(table(dialog), Qt.Key.Key_Delete)
    assert cell(dialog, "node-6") == "left out"
    hang(dialog, "node-6", "node-5", qtbot)
    folder, before = desk.folder, read_project(desk.folder).species[0]
    qtbot.mouseClick(button(dialog, "save"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(desk.wishes) == 2, timeout=10000)
    assert desk.wishes == ["The tree of mouse is saved. Fit the project to use it.", folder]
    (after,) = read_project(folder).species
    assert after == replace(before, tree=(("node-4", "node-3", "node-2"), ("node-4", "node-5", "node-6")))
    workflow.change_species(folder, "mouse", {"tree": before.tree})


@pytest.mark.gui
def test_a_fault_is_told_at_once_and_nothing_can_be_saved(dialog: TreeDialog, qtbot: QtBot) -> None:
    hang(dialog, "node-4", "node-2", qtbot)
    assert "which is a ring" in said(dialog)
    for name in ("save", "root"):
        assert not button(dialog, name).isEnabled()
    assert button(dialog, "save").toolTip() == said(dialog)
    hang(dialog, "node-4", "nothing", qtbot)
    table(dialog).choose(1)
    qtbot.mouseClick(button(dialog, "root"), Qt.MouseButton.LeftButton)
    assert cell(dialog, "node-3") == "nothing: the root"
    assert cell(dialog, "node-4") == "node-3"
    assert button(dialog, "save").isEnabled()


@pytest.mark.gui
def test_a_click_in_the_picture_chooses_and_hangs(dialog: TreeDialog, qtbot: QtBot) -> None:
    picture = dialog.findChild(TreePicture)
    dialog.resize(900, 600)
    qtbot.waitExposed(dialog)
    names = [table(dialog).model().index(row, 0).data() for row in range(22)]

    def at(name: str) -> QPoint:
        return QPointF(*picture.places()[names.index(name)]).toPoint()

    qtbot.mouseClick(picture, Qt.MouseButton.LeftButton, pos=at("node-7"))
    assert table(dialog).currentIndex().row() == names.index("node-7")
    control = Qt.KeyboardModifier.ControlModifier
    qtbot.mouseClick(picture, Qt.MouseButton.LeftButton, control, at("node-5"))
    assert cell(dialog, "node-7") == "node-5"
    before = picture.places()
    qtbot.keyClick(picture, Qt.Key.Key_Left)
    assert np.nanmax(np.abs(picture.places() - before)) > 1
    before = picture.places()
    slider = dialog.findChild(QSlider)
    assert slider.maximum() == 999
    slider.setValue(slider.value() - 300)
    assert np.nanmax(np.abs(picture.places() - before)) > 1


@pytest.mark.gui
def test_bones_are_drawn_in_the_colours_of_the_chains(dialog: TreeDialog, qtbot: QtBot) -> None:
    picture = dialog.findChild(TreePicture)
    pictures = []
    for theme in ("dark", "light"):
        dialog.set_theme(theme)
        for parent in ("node-4", "node-2"):
            hang(dialog, "node-5", parent, qtbot)
            pictures.append(picture.grab().toImage())
    assert all(a != b for a, b in combinations(pictures, 2))


@pytest.mark.gui
def test_a_file_with_a_fault_leaves_the_tree_as_it_is(
    dialog: TreeDialog, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "t.json"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    file.write_text('{"chains": [["node-0", "node-1"], ["node-0", "node-1"]]}', encoding="utf-8")
    qtbot.mouseClick(button(dialog, "load"), Qt.MouseButton.LeftButton)
    assert "node-1 is reached twice" in said(dialog)
    assert cell(dialog, "node-4") == "nothing: the root"
    file.write_text('{"chains": [["node-0", "node-1", "gone"]]}', encoding="utf-8")
    qtbot.mouseClick(button(dialog, "load"), Qt.MouseButton.LeftButton)
    assert "no keypoint gone" in said(dialog)
    assert not button(dialog, "save").isEnabled()
    hang(dialog, "gone", "nothing", qtbot)
    assert button(dialog, "save").isEnabled()


@pytest.mark.gui
def test_it_waits_for_a_job_and_opens_anew_as_the_project_is(
    dialog: TreeDialog, desk: Any, owner: QWidget, qtbot: QtBot
) -> None:
    hang(dialog, "node-6", "node-5", qtbot)
    desk.session.report(JobState("fit", "epoch 3"))
    qtbot.mouseClick(button(dialog, "save"), Qt.MouseButton.LeftButton)
    assert "Wait for the fit under way" in said(dialog)
    dialog.reject()
    again = shown(desk, owner, qtbot)
    assert cell(again, "node-6") == "left out"
    again.reject()
    assert desk.wishes == []


@pytest.mark.gui
def test_what_cannot_be_read_is_told(desk: Desk, owner: QWidget, qtbot: QtBot) -> None:
    dialog = tree_dialog(desk, owner, "nobody")
    qtbot.waitUntil(lambda: "nobody" in said(dialog), timeout=10000)
    assert not button(dialog, "save").isEnabled()
    dialog.reject()


def test_hulls_have_no_tree(jelly_project: Path) -> None:
    name = read_project(jelly_project).recordings[0].name
    with pytest.raises(InputError, match="no keypoints that could hang"):
        read_source(jelly_project, name)


@pytest.mark.gui
def test_the_menu_of_a_recording_offers_it_where_there_are_joints(
    atlas: Atlas, owner: QWidget, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("napari_atlas.views._recording_menu.tree_dialog", lambda _d, _p, name: asked.append(name))
    found = {}
    for name in ("stickleback-1", "jellyfish-1"):
        menu = QMenu(owner)
        fill_menu(menu, owner, Desk(Session()), atlas, name)
        found[name] = {action.objectName(): action for action in menu.actions()}
    assert "atlas-recording-tree" not in found["jellyfish-1"]
    action = found["stickleback-1"]["atlas-recording-tree"]
    assert action.text() == "Kinematic tree of stickleback…"
    action.trigger()
    assert asked == ["stickleback-1"]
