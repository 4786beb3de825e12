"""The dialog that writes a table: what it offers, asks and runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QLabel, QLineEdit, QMessageBox, QPushButton, QWidget

from napari_atlas.data.marks import Annotations, Mark
from napari_atlas.session.session import JobState, Session
from napari_atlas.views._export_dialog import ExportDialog, export_dialog
from napari_atlas.views.desk import Desk
from napari_atlas.views.project import ProjectDock

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

pytestmark = pytest.mark.gui


@pytest.fixture
def desk(atlas: Atlas) -> Desk:
    session = Session()
    session.show(atlas)
    return Desk(session)


@pytest.fixture
def ran(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Return the verbs that were run, as on the command line; each is done at once."""
    verbs: list[tuple[str, ...]] = []

    def run(*arguments: str, then: Any) -> None:
        verbs.append(arguments)
        then()

    monkeypatch.setattr(desk.runner, "run", run)
    monkeypatch.setattr("napari_atlas.views._export_dialog.show_info", lambda text: verbs.append((text,)))
    return verbs


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made


def press(dialog: ExportDialog, qtbot: QtBot) -> None:
    qtbot.mouseClick(dialog.findChild(QPushButton, "atlas-export-do"), Qt.MouseButton.LeftButton)


def file_of(dialog: ExportDialog) -> QLineEdit:
    return dialog.findChild(QLineEdit, "atlas-export-file")


def windows_of(dialog: ExportDialog) -> QComboBox:
    return dialog.findChild(QComboBox, "atlas-export-windows")


def test_all_windows_of_the_run_on_show(
    desk: Desk, parent: QWidget, ran: list[tuple[str, ...]], qtbot: QtBot, tmp_path: Path
) -> None:
    dialog = export_dialog(desk, parent)
    assert Path(file_of(dialog).text()) == desk.folder.parent / f"{desk.folder.name}-windows.csv"
    file_of(dialog).setText(str(tmp_path / "t.csv"))
    press(dialog, qtbot)
    assert ran == [
        ("export", str(desk.folder), str(tmp_path / "t.csv"), "--run", "3"),
        (f"Wrote {tmp_path / 't.csv'}",),
    ]
    assert not dialog.isVisible()


def test_the_selection_or_a_saved_one(
    desk: Desk, parent: QWidget, ran: list[tuple[str, ...]], qtbot: QtBot, tmp_path: Path
) -> None:
    desk.session.select(np.array([3, 1]))
    desk.session.annotate(Annotations((Mark("selection", "best"), Mark("tag", "turn"))))
    for place, options in ((1, ("--windows", "1,3")), (2, ("--selection", "best"))):
        dialog = export_dialog(desk, parent)
        assert windows_of(dialog).count() == 3
        windows_of(dialog).setCurrentIndex(place)
        file_of(dialog).setText(str(tmp_path / "t.parquet"))
        press(dialog, qtbot)
        assert ran[-2][-2:] == options


def test_a_file_is_replaced_only_when_asked(
    desk: Desk, parent: QWidget, ran: list[tuple[str, ...]], qtbot: QtBot, tmp_path: Path
) -> None:
    file = tmp_path / "t.csv"
    file.touch()
    dialog = export_dialog(desk, parent)
    file_of(dialog).setText(str(file))
    for choice, runs in (("Cancel", 0), ("Replace", 1)):
        press(dialog, qtbot)
        box = dialog.findChildren(QMessageBox)[-1]
        assert "t.csv exists already" in box.text()
        button = next(b for b in box.buttons() if b.text().strip("&") == choice)
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        qtbot.wait(10)
        assert len([verb for verb in ran if verb[0] == "export"]) == runs
    assert ran[0][-1] == "--force"


@pytest.mark.parametrize(
    ("name", "told"),
    [("t.xyz", "let the name end in .csv"), ("none/t.csv", "make the folder first"), ("", "does not say how")],
)
def test_what_cannot_be_written_is_told_in_the_dialog(
    desk: Desk, parent: QWidget, ran: list[tuple[str, ...]], qtbot: QtBot, tmp_path: Path, name: str, told: str
) -> None:
    dialog = export_dialog(desk, parent)
    file_of(dialog).setText(str(tmp_path / name) if name else "")
    press(dialog, qtbot)
    assert told in dialog.findChild(QLabel, "atlas-export-said").text()
    assert ran == []
    dialog.reject()


def test_a_job_under_way_is_waited_for(
    desk: Desk, parent: QWidget, ran: list[tuple[str, ...]], qtbot: QtBot, tmp_path: Path
) -> None:
    desk.session.report(JobState("fit", "epoch 3"))
    dialog = export_dialog(desk, parent)
    file_of(dialog).setText(str(tmp_path / "t.csv"))
    press(dialog, qtbot)
    assert "Wait for the fit under way" in dialog.findChild(QLabel, "atlas-export-said").text()
    assert ran == []
    dialog.reject()


def test_a_very_large_selection_is_to_be_saved_first(
    desk: Desk, parent: QWidget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_atlas.views._export_dialog._LONGEST", 10)
    desk.session.select(np.arange(20))
    dialog = export_dialog(desk, parent)
    assert "save it first" in windows_of(dialog).itemText(1)
    assert not windows_of(dialog).model().item(1).isEnabled()
    dialog.reject()


def test_the_project_dock_offers_it(desk: Desk, qtbot: QtBot) -> None:
    dock = ProjectDock(desk)
    qtbot.addWidget(dock)
    dock.show()
    qtbot.mouseClick(dock.findChild(QPushButton, "atlas-export"), Qt.MouseButton.LeftButton)
    dialog = dock.findChild(ExportDialog)
    assert dialog.isVisible()
    dialog.reject()
    empty = ProjectDock(Desk(Session()))
    qtbot.addWidget(empty)
    assert not empty.findChild(QPushButton, "atlas-export").isEnabled()
