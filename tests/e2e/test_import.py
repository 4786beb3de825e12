"""A folder is dropped on the window, looked through, mended and added, by mouse and keyboard."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QComboBox, QLabel, QPushButton, QTabWidget, QTreeWidget

from napari_atlas import workflow
from napari_atlas.io.project import read_project
from napari_atlas.views._import_model import Place

pytestmark = pytest.mark.gui
LEFT, NONE, CTRL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def lab(shared, tmp_path):
    """Return a folder of three labs' data and of jellyfish and fish with a temperature log."""
    folder = tmp_path / "lab"
    folder.mkdir()
    for source in ("data/vame", "data/eks", "data/deepof", "golden/preprocess"):
        (folder / source.split("/")[1]).symlink_to(shared / source, target_is_directory=True)
    return folder


@pytest.fixture
def project(tmp_path, workspace, wait):
    """Return an empty project that is open."""
    workflow.new(tmp_path / "p.atlas")
    workspace.open(tmp_path / "p.atlas")
    wait(lambda: workspace.session.atlas is not None)
    return tmp_path / "p.atlas"


def drop(widget, path):
    """Drag a folder over a widget and let it go there."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    at, copy = QPoint(40, 40), Qt.DropAction.CopyAction
    enter = QDragEnterEvent(at, copy, mime, LEFT, NONE)
    QApplication.sendEvent(widget, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(widget, QDropEvent(QPointF(at), copy, mime, LEFT, NONE))


def files(folder):
    """Return all files below a folder with the time of their last change, those behind links too."""
    return {
        path: path.stat().st_mtime_ns
        for start in (folder, *(link for link in folder.rglob("*") if link.is_symlink()))
        for path in start.resolve().rglob("*")
        if path.is_file()
    }


def click(table, name, modifier=NONE):
    """Click the line of a recording."""
    rows = [r.request.name for r in table._draft.plan.recordings]
    index = table.lines.index_of(Place("recording", rows.index(name)))
    table.scrollTo(index)
    QTest.mouseClick(table.viewport(), LEFT, modifier, table.visualRect(index.siblingAtColumn(3)).center())


def test_a_dropped_folder_is_paired_mended_and_added(lab, project, workspace, wait, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = files(tmp_path)
    drop(workspace.widget("project"), lab)
    dock = workspace.widget("import")
    assert dock.isVisible(), "the import comes to the front"
    wait(lambda: dock.draft.plan.recordings and not workspace.session.job.running)
    pairs_are_right(dock.draft.plan)
    table, add = dock._table, dock.findChild(QPushButton, "atlas-import-add")
    told = dock.findChild(QLabel, "atlas-import-details-text")
    click(table, "cropped_video")
    assert "same name (cropped_video.mp4)" in told.text()
    wait(lambda: dock._inspector.look is not None and dock._inspector.look.recording.name == "cropped_video")
    assert dock._inspector.look.n_video_frames == 749
    assert len(dock._inspector.look.trace) == 30
    wait(lambda: not dock._inspector._preview._picture._image.isNull())
    mend(dock, table)
    assert files(tmp_path) == before, "nothing is written before it is added"
    click(table, "test2DLC_csv_table_madlc_901frames")
    QTest.keyClick(table, Qt.Key.Key_Space)
    rows = [dock.draft.plan.recordings[row].request.name for row in dock.draft.ready]
    assert add.text() == f"Add {len(rows)} recordings"
    assert "test2DLC_csv_table_madlc_901frames" not in rows, "its tick was taken away"
    QTest.mouseClick(add, LEFT)
    wait(lambda: not workspace.session.job.running and dock.draft.added, 90)
    added(dock, project, workspace, wait, rows)


def pairs_are_right(plan):
    """Check which video, log and clock each recording was given."""
    paired = {r.request.name: (r.request.video.name, r.request.temperature, r.fps) for r in plan.recordings}
    assert paired["cropped_video"] == ("cropped_video.mp4", "", 25.0)
    assert paired["180607_004"] == ("180607_004.mp4", "", 250.0)
    assert paired["180607_004.top"] == paired["180607_004.bot"] == ("", "", 0.0)
    assert paired["test2DLC_csv_table_madlc_901frames"] == ("test2DLC_video_circular_arena_madlc.mp4", "", 30.0)
    assert paired["testDLC_csv"][0] == ""
    assert paired["jelly"][1].endswith("cl100.csv")
    clocks = {r.request.name[-5:].strip("."): r.request.timestamps.name for r in plan.recordings}
    assert clocks["left"].endswith("timestamps.left.npy")
    assert clocks["right"].endswith("timestamps.right.npy")
    twins = {x.found.path.name: x.same_as.name for x in plan.left_over}
    assert twins["testDLC_sleap.slp"] == "testDLC_sleap.analysis.h5"
    assert twins["jelly_tracked_cell_of_struct.mat"] == "jelly_tracked.mat"


def mend(dock, table):
    """Type the frame rate of several recordings at once, and after a slip a condition."""
    for name, modifier in (("testDLC_csv", NONE), ("180607_004.top", CTRL), ("fish", CTRL), ("jelly", CTRL)):
        click(table, name, modifier)
    assert len(table.chosen()) == 4
    tabs = dock.findChild(QTabWidget, "atlas-import-inspector")
    QTest.mouseClick(tabs.tabBar(), LEFT, NONE, tabs.tabBar().tabRect(1).center())
    fps = dock.findChild(QComboBox, "atlas-import-fps")
    assert fps.lineEdit().placeholderText() == "the files do not tell"
    QTest.keyClicks(fps.lineEdit(), "thirty")
    QTest.keyClick(fps.lineEdit(), Qt.Key.Key_Return)
    assert "give a number" in dock.findChild(QLabel, "atlas-import-fault").text()
    fps.lineEdit().selectAll()
    QTest.keyClicks(fps.lineEdit(), "30")
    QTest.keyClick(fps.lineEdit(), Qt.Key.Key_Return)
    rates = {r.request.name: r.fps for r in dock.draft.plan.recordings}
    assert [rates[name] for name in ("testDLC_csv", "180607_004.top", "fish", "jelly")] == [30.0] * 4
    assert rates["180607_004.bot"] == 0.0
    conditions = dock.findChild(QComboBox, "atlas-import-conditions").lineEdit()
    QTest.keyClicks(conditions, "session = 2")
    QTest.keyClick(conditions, Qt.Key.Key_Return)


def added(dock, project, workspace, wait, rows):
    """Check that the project holds what could be added, and that the rest stays with its reason."""
    refused = {dock.draft.plan.recordings[row].request.name: dock.draft.fault(row) for row in dock.draft.refused}
    held = {entry.name: entry for entry in read_project(project).recordings}
    assert sorted([*held, *refused]) == sorted(rows)
    assert "window of 5 s" in refused["testDLC_csv"], "97 frames at 30 fps are too short"
    assert held["cropped_video"].fps == 25.0
    assert held["fish"].conditions == {"session": "2"}
    assert held["jelly"].temperature.file.name == "cl100.csv"
    wait(lambda: len(workspace.session.atlas.recordings) == len(held))
    listed = workspace.widget("project").findChild(QTreeWidget, "atlas-recordings")
    assert listed.topLevelItemCount() == len(held)
    said = dock.findChild(QLabel, "atlas-import-said").text()
    assert said.startswith(f"{len(held)} added to p.atlas; {len(refused)} refused")
