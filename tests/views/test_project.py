"""The project dock: what it lists, and what can be done with one recording."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QFileDialog, QMenu, QMessageBox, QTreeWidget, QWidget

from napari_atlas.session.session import Session
from napari_atlas.views._recording_menu import fill_menu
from napari_atlas.views.desk import Desk
from napari_atlas.views.project import ProjectDock

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

pytestmark = pytest.mark.gui
NAME = "jellyfish-1"


class FakeDesk:
    """Remember what was wished for."""

    def __init__(self) -> None:
        self.wishes: list[tuple[str, ...]] = []

    def __getattr__(self, verb: str) -> Any:
        return lambda *arguments: self.wishes.append((verb, *arguments))


def menu_of(qtbot: QtBot, desk: Any, atlas: Atlas, name: str = NAME) -> dict[str, Any]:
    owner = QWidget()
    qtbot.addWidget(owner)
    menu = QMenu(owner)
    fill_menu(menu, owner, desk, atlas, name)
    return {action.objectName(): action for action in menu.actions() if action.objectName()}


def with_info(atlas: Atlas, **more: Any) -> Atlas:
    return replace(atlas, recordings={**atlas.recordings, NAME: replace(atlas.recordings[NAME], **more)})


def test_a_missing_video_can_be_found_by_hand(
    atlas: Atlas, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, gone = FakeDesk(), with_info(atlas, video=tmp_path / "gone.mp4")
    actions = menu_of(qtbot, desk, gone)
    assert actions["atlas-recording-video"].text() == "Find gone.mp4…"
    assert not actions["atlas-recording-copy-video"].isEnabled()
    found = str(tmp_path / "found.mp4")
    asked: list[str] = []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda _p, _t, folder: asked.append(folder) or (found, ""))
    actions["atlas-recording-video"].trigger()
    assert asked == [str(tmp_path)]
    assert desk.wishes == [("treat", "change", NAME, "--video", found)]
    actions["atlas-recording-no-video"].trigger()
    assert desk.wishes[-1] == ("treat", "change", NAME, "--video", "")


def test_a_video_is_copied_once(atlas: Atlas, qtbot: QtBot, tmp_path: Path) -> None:
    video = tmp_path / "v.mp4"
    video.write_bytes(b"x")
    desk = FakeDesk()
    actions = menu_of(qtbot, desk, with_info(atlas, video=video))
    assert actions["atlas-recording-video"].text() == "Choose another video…"
    actions["atlas-recording-copy-video"].trigger()
    assert desk.wishes == [("treat", "proxy", NAME)]
    copied = menu_of(qtbot, desk, with_info(atlas, video=video, proxy=tmp_path / "p.mp4"))
    assert not copied["atlas-recording-copy-video"].isEnabled()


def test_a_recording_is_removed_only_after_a_yes(atlas: Atlas, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = FakeDesk()
    actions = menu_of(qtbot, desk, atlas)
    for answer, wishes in (("No", []), ("Yes", [("treat", "remove", NAME)])):
        monkeypatch.setattr(
            QMessageBox, "question", lambda *_, answer=answer: getattr(QMessageBox.StandardButton, answer)
        )
        actions["atlas-recording-remove"].trigger()
        assert desk.wishes == wishes


def test_what_cannot_be_read_or_wants_a_look_is_marked(atlas: Atlas, qtbot: QtBot) -> None:
    desk = Desk(Session())
    dock = ProjectDock(desk)
    qtbot.addWidget(dock)
    dock.show()
    note = "The tracks reach frame 901, the video 121: later frames have no picture."
    desk.session.show(replace(with_info(atlas, notes=(note,)), faults={"late": "late.h5: it is empty"}))
    tree = dock.findChild(QTreeWidget, "atlas-recordings")
    items = {tree.topLevelItem(i).text(0): tree.topLevelItem(i) for i in range(tree.topLevelItemCount())}
    assert note in items[f"⚠ {NAME}"].toolTip(0)
    assert items["⚠ late"].text(1) == "cannot be read"
    assert items["⚠ late"].toolTip(0) == "late.h5: it is empty"


def test_the_menu_opens_at_a_recording_and_by_keyboard(atlas: Atlas, qtbot: QtBot) -> None:
    desk = Desk(Session())
    dock = ProjectDock(desk)
    qtbot.addWidget(dock)
    dock.show()
    desk.session.show(atlas)
    tree = dock.findChild(QTreeWidget, "atlas-recordings")
    tree.setCurrentItem(tree.topLevelItem(0))
    for place in (tree.visualItemRect(tree.topLevelItem(0)).center(), QPoint(-5, -5)):
        tree.customContextMenuRequested.emit(place)
        menu = dock.findChild(QMenu, "atlas-recording-menu")
        assert menu is not None
        assert menu.isVisible()
        qtbot.keyClick(menu, Qt.Key.Key_Escape)
        qtbot.waitUntil(lambda: dock.findChild(QMenu, "atlas-recording-menu") is None)
