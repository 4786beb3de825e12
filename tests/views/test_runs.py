"""The list of fits: what it says, and what can be done with it."""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from napari.qt import get_stylesheet
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QLineEdit, QMessageBox, QPushButton, QTableWidget

from napari_atlas import workflow
from napari_atlas.data.config import FitConfig
from napari_atlas.session.session import JobState, Session
from napari_atlas.views._run_comparison import RunComparison
from napari_atlas.views._run_model import run_table
from napari_atlas.views._run_table import RunsTable
from napari_atlas.views.desk import Desk
from napari_atlas.views.runs import RunsDock

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

pytestmark = pytest.mark.gui

OLD, NEW = "001-20260301-100000", "002-20260302-100000"
R2 = {"jellyfish": {"test": 0.421, "shuffled": -0.031}, "stickleback": {"test": None, "shuffled": 0.0}}


def make_run(project: Path, name: str, *, card: dict[str, Any] | None = None, **settings: Any) -> Path:
    """Write the folder of a run with three epochs; without a card it was cut off."""
    run = project / "runs" / name
    run.mkdir(parents=True)
    (run / "config.json").write_text(json.dumps({"config": FitConfig(**settings).as_dict()}), encoding="utf-8")
    (run / "history.csv").write_text("epoch,best,validation_total\n1,1,4.5\n2,1,-2.25\n3,0,3.0\n", encoding="utf-8")
    (run / "weights.safetensors").touch()
    if card is not None:
        (run / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return run


def under_way(run: Path) -> None:
    """Mark a run as being fitted, by this process."""
    mark = {"pid": os.getpid(), "created": psutil.Process().create_time(), "host": platform.node()}
    (run / "running.json").write_text(json.dumps(mark), encoding="utf-8")


class Wishes(Desk):
    """A desk that notes what is asked of it."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.wishes: list[tuple[Any, ...]] = []

    def open(self, folder: Path, run: str = "") -> None:
        self.wishes.append(("open", folder, run))

    def go_on(self, run: str) -> None:
        self.wishes.append(("go on", run))


@pytest.fixture
def desk(atlas: Atlas) -> Wishes:
    """Return the desk of a project with a run that ended and a newer one that was cut off, the first on show."""
    workflow.new(atlas.folder / "p.atlas")
    project = atlas.folder / "p.atlas"
    make_run(project, OLD, card={"temperature_r2": R2}, beta=4.0)
    make_run(project, NEW, beta=0.5)
    session = Session()
    session.show(replace(atlas, folder=project, run=OLD))
    return Wishes(session)


@pytest.fixture
def dock(desk: Wishes, qtbot: QtBot) -> RunsDock:
    made = RunsDock(desk)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(lambda: len(cells(made)) == 2, timeout=5000)
    return made


def table_of(dock: RunsDock) -> RunsTable:
    return dock.findChild(RunsTable, "atlas-runs-table")


def cells(dock: RunsDock) -> list[list[str]]:
    model = table_of(dock).model()
    return [[model.index(i, j).data() for j in range(model.columnCount())] for i in range(model.rowCount())]


def said(dock: RunsDock) -> str:
    label = dock.findChild(QLabel, "atlas-runs-said")
    return label.text() if label.isVisible() else ""


def can(dock: RunsDock) -> set[str]:
    """Return which buttons can be pressed."""
    return {b.objectName().removeprefix("atlas-runs-") for b in dock.findChildren(QPushButton) if b.isEnabled()}


def key(dock: RunsDock, qtbot: QtBot, wanted: Qt.Key, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
    dock.activateWindow()
    table_of(dock).setFocus()
    qtbot.waitUntil(table_of(dock).hasFocus, timeout=5000)
    qtbot.keyClick(table_of(dock), wanted, modifier)


def question(dock: RunsDock, qtbot: QtBot) -> QMessageBox:
    """Press Delete, and return what asks back."""
    key(dock, qtbot, Qt.Key.Key_Delete)
    box = dock.findChild(QMessageBox, "atlas-runs-ask")
    qtbot.waitUntil(box.isActiveWindow, timeout=5000)
    return box


def answer(box: QMessageBox, qtbot: QtBot, wanted: str) -> None:
    (button,) = (b for b in box.buttons() if b.text() == wanted)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_newest_first_with_figures_beside_chance(dock: RunsDock) -> None:
    model = table_of(dock).model()
    headings = [model.headerData(i, Qt.Orientation.Horizontal) for i in range(model.columnCount())]
    assert headings == ["Run", "State", "Epochs", "R² of °C, jellyfish", "R² of °C, stickleback", "Begun"]
    new, old = cells(dock)
    assert new[:5] == [NEW, "interrupted", "3", "", ""]
    assert old[:5] == [f"● {OLD}", "complete", "3", "0.42 (−0.03)", "– (0.00)"]
    assert new[5].startswith("2026-03-0")
    assert model.index(1, 0).data(Qt.ItemDataRole.FontRole).bold()
    assert "on show" in model.index(1, 0).data(Qt.ItemDataRole.AccessibleDescriptionRole)
    assert [row.name for row in table_of(dock).chosen()] == [OLD]
    assert said(dock) == ""


def test_without_temperature_the_figures_are_those_of_the_signal() -> None:
    summary = {"run": "3", "label": "mine", "state": "complete", "resumable": True, "epochs": 5, "temperature_r2": {}}
    table = run_table([{**summary, "reconstruction_r2": {"fly": {"test": 0.5, "train": 0.6}}}])
    assert [heading for heading, _ in table.columns][3:4] == ["R² of signal, fly"]
    assert table.rows[0].cells == ("mine", "stopped", "5", "0.50", "")


def test_keys_show_and_continue_what_is_selected(dock: RunsDock, desk: Wishes, qtbot: QtBot) -> None:
    assert can(dock) == {"show", "rename", "delete"}
    key(dock, qtbot, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    key(dock, qtbot, Qt.Key.Key_Return)
    assert desk.wishes == [("open", desk.folder, OLD)], "a run that is complete is not continued"
    key(dock, qtbot, Qt.Key.Key_Up)
    assert can(dock) == {"show", "continue", "rename", "delete"}
    key(dock, qtbot, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert desk.wishes[1:] == [("go on", NEW)]
    desk.session.report(JobState("map"))
    qtbot.waitUntil(lambda: "continue" not in can(dock), timeout=5000)


def test_a_name_is_typed_in_its_place(dock: RunsDock, desk: Wishes, qtbot: QtBot) -> None:
    key(dock, qtbot, Qt.Key.Key_F2)
    editor = table_of(dock).findChild(QLineEdit)
    assert editor.text() == ""
    qtbot.keyClicks(editor, "warm reef")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: cells(dock)[1][0] == "● warm reef", timeout=5000)
    assert workflow.runs(desk.folder)[0]["label"] == "warm reef"
    assert [row.name for row in table_of(dock).chosen()] == [OLD]
    key(dock, qtbot, Qt.Key.Key_Up)
    qtbot.mouseClick(dock.findChild(QPushButton, "atlas-runs-rename"), Qt.MouseButton.LeftButton)
    editor = table_of(dock).findChild(QLineEdit)
    qtbot.keyClicks(editor, "warm reef")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "is called that; choose another name" in said(dock), timeout=5000)
    assert cells(dock)[0][0] == NEW


def test_two_runs_are_compared_in_a_window(dock: RunsDock, qtbot: QtBot) -> None:
    assert "compare" not in can(dock)
    key(dock, qtbot, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert can(dock) == {"compare", "delete"}
    key(dock, qtbot, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: dock.findChild(RunComparison) is not None, timeout=5000)
    window = dock.findChild(RunComparison)
    table = window.findChild(QTableWidget)
    rows = {
        table.verticalHeaderItem(i).text(): [table.item(i, j).text() for j in range(2)] for i in range(table.rowCount())
    }
    assert [table.horizontalHeaderItem(j).text() for j in range(2)] == [NEW, OLD]
    assert rows["beta"] == ["0.5", "4"]
    assert rows["validation total"] == ["−2.25", "−2.25"]
    assert rows["temperature R² jellyfish, test"] == ["", "0.421"]
    assert "seed" not in rows
    assert "beta differs" in window.findChild(QLabel, "atlas-runs-comparison-note").text()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: dock.findChild(RunComparison) is None, timeout=5000)


@pytest.mark.parametrize("deleted", [OLD, NEW])
def test_what_is_deleted_was_asked_for(dock: RunsDock, desk: Wishes, qtbot: QtBot, deleted: str) -> None:
    if deleted == NEW:
        key(dock, qtbot, Qt.Key.Key_Up)
    box = question(dock, qtbot)
    assert deleted in box.text()
    qtbot.keyClick(box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: dock.findChild(QMessageBox) is None, timeout=5000)
    assert len(workflow.runs(desk.folder)) == 2, "Return keeps it"
    answer(question(dock, qtbot), qtbot, "Delete")
    qtbot.waitUntil(lambda: len(desk.wishes) == 1, timeout=5000)
    assert desk.wishes == [("open", desk.folder, "" if deleted == OLD else OLD)]
    assert [run["run"] for run in workflow.runs(desk.folder)] == [NEW if deleted == OLD else OLD]


def test_a_run_under_way_is_not_deleted(dock: RunsDock, desk: Wishes, qtbot: QtBot) -> None:
    key(dock, qtbot, Qt.Key.Key_Up)
    under_way(desk.folder / "runs" / NEW)
    answer(question(dock, qtbot), qtbot, "Delete")
    qtbot.waitUntil(lambda: "is fitting it at this moment; wait or stop it" in said(dock), timeout=5000)
    qtbot.waitUntil(lambda: cells(dock)[0][1] == "running", timeout=5000)
    assert can(dock) == {"rename", "delete"}
    key(dock, qtbot, Qt.Key.Key_Delete)
    assert said(dock) == f"Run {NEW} is being fitted: stop it first."
    assert dock.findChild(QMessageBox) is None or not dock.findChild(QMessageBox).isVisible()
    assert len(workflow.runs(desk.folder)) == 2


def test_a_fit_is_followed(dock: RunsDock, desk: Wishes, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(desk.folder, "003-20260303-100000")
    under_way(run)
    monkeypatch.setattr(type(desk.runner), "run_folder", run)
    desk.runner.event.emit({"event": "started", "folder": str(run)})
    qtbot.waitUntil(lambda: len(cells(dock)) == 3, timeout=5000)
    desk.runner.event.emit({"event": "epoch", "epoch": 41})
    assert cells(dock)[0][:3] == [run.name, "running", "41"]
    (run / "running.json").unlink()
    desk.session.report(JobState("fit", "epoch 41"))
    desk.session.report(JobState())
    qtbot.waitUntil(lambda: cells(dock)[0][:3] == [run.name, "interrupted", "3"], timeout=5000)


def test_it_says_what_to_do_or_what_is_wrong(desk: Wishes, atlas: Atlas, qtbot: QtBot) -> None:
    session = Session()
    dock = RunsDock(Wishes(session))
    qtbot.addWidget(dock)
    dock.show()
    assert said(dock) == "No project is open."
    workflow.new(atlas.folder / "empty.atlas")
    session.show(replace(atlas, folder=atlas.folder / "empty.atlas"))
    qtbot.waitUntil(lambda: said(dock) == "No fit yet: press Train in the training dock.", timeout=5000)
    assert can(dock) == set()
    (desk.folder / "runs" / OLD / "card.json").write_text("{", encoding="utf-8")
    session.show(replace(atlas, folder=desk.folder))
    qtbot.waitUntil(lambda: "card.json" in said(dock), timeout=5000)
    assert "\n" not in said(dock)
    assert dock.minimumSizeHint().width() < 300, "a long path does not widen the dock"


def test_closed_it_rests_and_reopened_it_reads_anew(dock: RunsDock, desk: Wishes, qtbot: QtBot) -> None:
    dock.close()
    make_run(desk.folder, "003-20260303-100000")
    desk.session.report(JobState("fit"))
    desk.session.report(JobState())
    qtbot.wait(100)
    assert len(cells(dock)) == 2
    dock.show()
    qtbot.waitUntil(lambda: len(cells(dock)) == 3, timeout=5000)
    assert [row.name for row in table_of(dock).chosen()] == [OLD]


def test_it_follows_the_theme(dock: RunsDock, qtbot: QtBot) -> None:
    lightness = {}
    for theme in ("dark", "light"):
        dock.setStyleSheet(get_stylesheet(theme))
        qtbot.wait(20)
        picture = table_of(dock).viewport().grab().toImage()
        lightness[theme] = picture.pixelColor(picture.width() - 5, picture.height() - 5).lightnessF()
    assert lightness["dark"] < 0.4
    assert lightness["light"] > 0.6


def test_a_run_that_went_on_is_mapped_and_shown_even_if_it_is_not_the_newest(
    desk: Wishes, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    def run(verb: str, *arguments: str, then: Any) -> None:
        started.append((verb, *arguments))
        then()

    monkeypatch.setattr(desk.runner, "run", run)
    Desk.go_on(desk, OLD)
    project = str(desk.folder)
    assert started == [("fit", project, "--resume", OLD), ("map", project, "--run", OLD)]
    assert desk.wishes[-1] == ("open", desk.folder, OLD)


def test_a_thousand_runs_do_not_hold_the_window_up(dock: RunsDock) -> None:
    summary = {"label": "", "state": "complete", "resumable": False, "epochs": 250, "temperature_r2": R2}
    table = run_table([{"run": f"{i:03d}-20260301-100000", **summary} for i in range(1000)])
    begun = time.perf_counter()
    table_of(dock).show_table(table, OLD)
    assert time.perf_counter() - begun < 0.1
