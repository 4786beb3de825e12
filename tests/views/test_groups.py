"""Clusters, tags, notes and saved selections: what a user sees, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QApplication, QComboBox, QInputDialog, QLabel, QLineEdit, QMenu, QPushButton, QTabWidget

from napari_atlas.data.clusters import Clustering
from napari_atlas.data.marks import Mark, Spans
from napari_atlas.io.annotations import change_annotations, read_annotations
from napari_atlas.io.clusters import read_clusters, write_clusters
from napari_atlas.io.runs import RunFolder
from napari_atlas.session.linking import cursor_of
from napari_atlas.session.session import JobState, Session
from napari_atlas.views._groups_rows import GroupsList
from napari_atlas.views._tagging import Tagger
from napari_atlas.views.desk import Desk
from napari_atlas.views.groups import GroupsDock

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

pytestmark = pytest.mark.gui

NONE, SHIFT, ALT, CTRL = (getattr(Qt.KeyboardModifier, f"{name}Modifier") for name in ("No", "Shift", "Alt", "Control"))
TABS = {"clusters": 0, "tags": 1, "notes": 2, "selections": 3}


class Window:
    """The dock, its desk and what a user does with it."""

    def __init__(self, desk: Desk, qtbot: QtBot) -> None:
        self.desk, self.session, self.qtbot = desk, desk.session, qtbot
        self.dock = GroupsDock(desk)
        qtbot.addWidget(self.dock)
        self.dock.resize(280, 620)
        self.dock.show()
        qtbot.waitExposed(self.dock)
        self.settle()

    @property
    def folder(self) -> Path:
        return self.desk.folder

    def settle(self) -> None:
        self.qtbot.waitUntil(lambda: not self.desk.keeper.busy, timeout=10_000)

    def tab(self, name: str) -> GroupsList:
        self.dock.findChild(QTabWidget, "atlas-groups-tabs").setCurrentIndex(TABS[name])
        self.settle()
        return self.dock.findChild(GroupsList, f"atlas-{name}-list")

    def rows(self, name: str) -> list[tuple[str, str]]:
        return [(row.name, row.count) for row in self.tab(name).rows]

    def click(self, name: str, row: str, modifier: Any = NONE) -> None:
        shown = self.tab(name)
        index = shown.model().index([r.name for r in shown.rows].index(row), 0)
        place = shown.visualRect(index).topLeft() + QPoint(40, 8)
        self.qtbot.mouseClick(shown.viewport(), Qt.MouseButton.LeftButton, modifier, place)

    def press(self, name: str) -> None:
        button = self.dock.findChild(QPushButton, f"atlas-{name}")
        assert button.isVisible()
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        self.settle()

    def can(self, name: str) -> bool:
        return bool(self.dock.findChild(QPushButton, f"atlas-{name}").isEnabled())

    def type(self, name: str, text: str, key: Any = Qt.Key.Key_Return) -> None:
        line = self.dock.findChild(QLineEdit, f"atlas-{name}")
        line.clear()
        self.qtbot.keyClicks(line, text)
        if key is not None:
            self.qtbot.keyClick(line, key)
        self.settle()

    def rename(self, name: str, row: str, new: str) -> None:
        """Double-click a row and type."""
        shown = self.tab(name)
        self.click(name, row)
        index = shown.model().index([r.name for r in shown.rows].index(row), 0)
        place = shown.visualRect(index).topLeft() + QPoint(40, 8)
        self.qtbot.mouseDClick(shown.viewport(), Qt.MouseButton.LeftButton, NONE, place)
        (editor,) = (line for line in shown.findChildren(QLineEdit) if line.isVisible())
        editor.selectAll()
        self.qtbot.keyClicks(editor, new)
        self.qtbot.keyClick(editor, Qt.Key.Key_Return)
        self.qtbot.waitUntil(lambda: not any(line.isVisible() for line in shown.findChildren(QLineEdit)), timeout=5000)
        self.settle()

    def said(self, name: str) -> str:
        label = self.dock.findChild(QLabel, f"atlas-{name}")
        return str(label.text()) if label.isVisible() else ""

    def selected(self) -> list[int]:
        return [int(i) for i in self.session.selection.ids]


@pytest.fixture
def desk(atlas: Atlas) -> Desk:
    """Return the desk of a project of 112 windows with a run."""
    session = Session()
    (atlas.folder / "runs" / "3").mkdir(parents=True)
    session.show(atlas)
    cursor = cursor_of(atlas, 5)
    session.seek(cursor.recording, cursor.individual, cursor.frame)
    return Desk(session)


@pytest.fixture
def window(desk: Desk, qtbot: QtBot) -> Window:
    return Window(desk, qtbot)


def thirds(atlas: Atlas) -> Clustering:
    """Return three clusters: of both species, of the first one only, of one recording; the last windows are in none."""
    table = atlas.windows.table
    codes = np.full(len(table), -1)
    jelly, fish = table.rows_of("jellyfish"), table.rows_of("stickleback")
    codes[jelly[:20]], codes[fish[:30]], codes[jelly[20:40]], codes[fish[-4:]] = 0, 0, 1, 2
    return Clustering("thirds", "k-means · k=3 · seed 0", codes, ("1", "2", "3"), note="They come again.")


@pytest.fixture
def grouped(desk: Desk, qtbot: QtBot) -> Window:
    """Return the dock with clusters on disk and on show."""
    atlas = desk.session.atlas
    assert atlas is not None
    made = thirds(atlas)
    write_clusters(run_of(desk), made)
    desk.session.group((made,))
    return Window(desk, qtbot)


def run_of(desk: Desk) -> RunFolder:
    return RunFolder(desk.folder / "runs" / "3")


def kept(window: Window) -> Clustering:
    (found,) = read_clusters(run_of(window.desk), 112)
    return found


def test_number_keys_tag_the_selection_or_the_window_at_the_cursor(window: Window) -> None:
    tagger, session = Tagger(window.desk), window.session
    assert tagger.toggle(2) == "tag 2: put on 1 window."
    session.select(np.arange(3, 9))
    assert tagger.toggle(2) == "tag 2: put on 6 windows."
    assert tagger.toggle(7) == "tag 7: put on 6 windows."
    assert tagger.toggle(7) == "tag 7: taken off 6 windows."
    assert window.rows("tags") == [("tag 2", "6"), ("tag 7", "0")]
    assert session.columns is not None
    assert session.columns.column("tag").texts()[2:10].tolist() == ["", *["tag 2"] * 6, ""]
    on_disk = read_annotations(window.folder)
    assert on_disk.same(session.annotations)
    assert [(tag.key, tag.color) for tag in on_disk.of_kind("tag")] == [(2, "#2FB5A0"), (7, "#8F7FE8")]


def test_without_a_window_a_key_says_what_is_missing(window: Window) -> None:
    window.session.seek("nowhere", "0", 3)
    assert "a tag needs a window" in Tagger(window.desk).toggle(1)
    assert window.session.annotations.marks == ()


def test_a_tag_is_renamed_coloured_found_deleted_and_brought_back(window: Window, qtbot: QtBot) -> None:
    window.session.select(np.arange(4))
    for key in (1, 2):
        Tagger(window.desk).toggle(key)
    window.rename("tags", "tag 2", "bout")
    assert window.rows("tags") == [("tag 1", "4"), ("bout", "4")]
    window.rename("tags", "tag 1", "bout")
    assert "choose another name" in window.said("tags-said")
    window.click("tags", "bout")
    qtbot.mouseClick(window.dock.findChild(QPushButton, "atlas-tags-color"), Qt.MouseButton.LeftButton)
    menu = window.dock.findChild(QMenu, "atlas-tags-colors")
    next(action for action in menu.actions() if action.text() == "rust").trigger()
    menu.close()
    window.settle()
    tag = read_annotations(window.folder).find("tag", "bout")
    assert tag is not None
    assert (tag.color, tag.key) == ("#D55E00", 2)
    window.type("tags-find", "BOU", key=None)
    assert window.rows("tags") == [("bout", "4")]
    window.click("tags", "bout")
    window.press("tags-delete")
    window.type("tags-find", "", key=None)
    assert window.rows("tags") == [("tag 1", "4")]
    window.press("tags-undo")
    assert window.rows("tags") == [("tag 1", "4"), ("bout", "4")]
    assert read_annotations(window.folder).same(window.session.annotations)


def test_a_tag_is_made_and_put_on_without_number_keys(window: Window) -> None:
    window.session.select(np.arange(4))
    window.tab("tags")
    window.type("tags-new", "court")
    window.session.select(np.arange(10, 13))
    window.click("tags", "court")
    assert window.selected() == [0, 1, 2, 3]
    window.session.select(np.arange(10, 13))
    window.press("tags-put")
    assert window.rows("tags") == [("court", "7")]
    window.press("tags-map")
    assert window.session.color_by == "tag"


def test_a_note_is_written_found_and_gone_to(window: Window) -> None:
    shown = window.tab("notes")
    assert "No notes yet" in window.said("notes-empty")
    window.type("notes-new", "turns at the wall")
    window.session.select(np.array([60, 61]))
    window.type("notes-new", "stops pulsing")
    window.type("notes-new", "   ")
    assert "Type a note first" in window.said("notes-said")
    assert window.rows("notes") == [("stops pulsing", "2"), ("turns at the wall", "1")]
    assert shown.rows[1].detail == "jellyfish-1 · 0:12"
    window.type("notes-find", "stickleback-1", key=None)
    assert window.rows("notes") == [("stops pulsing", "2")]
    window.type("notes-find", "", key=None)
    window.click("notes", "turns at the wall")
    assert window.selected() == [5]
    atlas = window.session.atlas
    assert atlas is not None
    assert window.session.cursor == cursor_of(atlas, 5)
    window.type("notes-new", "stops pulsing")
    assert window.rows("notes") == [("stops pulsing", "3"), ("turns at the wall", "1")]
    window.press("notes-undo")
    assert window.rows("notes")[0] == ("stops pulsing", "2")


def test_selections_are_saved_recalled_and_combined(window: Window) -> None:
    window.tab("selections")
    window.type("selections-new", "nothing")
    assert "Select windows first" in window.said("selections-said")
    for name, ids in (("low", np.arange(10)), ("high", np.arange(5, 20))):
        window.session.select(ids)
        window.type("selections-new", name)
    assert window.rows("selections") == [("low", "10"), ("high", "15")]
    window.click("selections", "low")
    assert (window.selected(), window.session.selection.name) == (list(range(10)), "low")
    window.click("selections", "high", ALT)
    assert window.selected() == list(range(5))
    window.click("selections", "high", SHIFT)
    assert window.selected() == list(range(20))
    window.click("selections", "low", ALT)
    window.press("selections-both")
    assert window.selected() == list(range(10, 20))
    window.type("selections-new", "low")
    assert window.rows("selections") == [("low", "10"), ("high", "15")]
    window.click("selections", "low")
    assert window.selected() == list(range(10, 20))
    window.type("selections-new", "low")
    window.press("selections-undo")
    assert read_annotations(window.folder).same(window.session.annotations)


def test_a_click_on_a_cluster_selects_and_shift_and_alt_combine(grouped: Window, qtbot: QtBot) -> None:
    shown = grouped.tab("clusters")
    assert grouped.rows("clusters") == [("1", "50"), ("2", "20"), ("3", "4"), ("in no cluster", "38")]
    assert [[round(share, 2) for _, share in row.bar] for row in shown.rows[:3]] == [[0.4, 0.6], [1, 0], [0, 1]]
    codes = thirds(grouped.session.atlas).codes  # type: ignore[arg-type]
    grouped.click("clusters", "2")
    assert grouped.selected() == np.flatnonzero(codes == 1).tolist()
    grouped.click("clusters", "3", SHIFT)
    assert grouped.selected() == np.flatnonzero(codes >= 1).tolist()
    assert shown.chosen() == ("2", "3")
    grouped.click("clusters", "2", ALT)
    assert grouped.selected() == np.flatnonzero(codes == 2).tolist()
    assert shown.chosen() == ("3",)
    grouped.click("clusters", "in no cluster", CTRL)
    assert grouped.selected() == np.flatnonzero((codes == 2) | (codes == -1)).tolist()
    grouped.click("clusters", "1")
    grouped.dock.activateWindow()
    shown.setFocus()
    qtbot.waitUntil(shown.hasFocus, timeout=5000)
    qtbot.keyClick(shown, Qt.Key.Key_Down)
    qtbot.keyClick(shown, Qt.Key.Key_Return)
    assert grouped.selected() == np.flatnonzero(codes == 1).tolist()


def test_what_clusters_hold_is_told_in_words(grouped: Window) -> None:
    assert grouped.said("clusters-about").splitlines() == [
        "k-means · k=3 · seed 0",
        "They come again.",
        "Clusters 2 and 3 hold one species only: no behaviour that species share.",
        "Cluster 3 holds windows of a single recording: it may be the recording rather than behaviour.",
    ]
    row = grouped.tab("clusters").rows[1]
    assert (
        row.meaning
        == "jellyfish 100%, stickleback 0% (as if all species had as many windows); 2 recordings. jellyfish only."
    )


def test_clusters_are_named_merged_coloured_and_all_of_it_is_kept(grouped: Window, qtbot: QtBot) -> None:
    grouped.rename("clusters", "2", "pulsing")
    assert kept(grouped).labels == ("1", "pulsing", "3")
    grouped.rename("clusters", "1", "pulsing")
    assert "two have one name" in grouped.said("clusters-said")
    grouped.click("clusters", "pulsing")
    assert not grouped.can("clusters-merge")
    grouped.click("clusters", "3", SHIFT)
    grouped.press("clusters-merge")
    assert kept(grouped).labels == ("1", "pulsing")
    assert grouped.said("clusters-about").splitlines()[0] == "k-means · k=3 · seed 0 · merged by hand"
    grouped.press("clusters-undo")
    assert kept(grouped).labels == ("1", "pulsing", "3")
    grouped.click("clusters", "3")
    qtbot.mouseClick(grouped.dock.findChild(QPushButton, "atlas-clusters-color"), Qt.MouseButton.LeftButton)
    menu = grouped.dock.findChild(QMenu, "atlas-clusters-colors")
    next(action for action in menu.actions() if action.text() == "violet").trigger()
    menu.close()
    grouped.settle()
    assert kept(grouped).colors[2] == "#8F7FE8"
    assert grouped.session.clusterings[0].colors == kept(grouped).colors


def test_clusters_colour_the_map_and_leave_it_when_they_go(grouped: Window, qtbot: QtBot) -> None:
    columns: list[str] = []
    session = grouped.session

    def look(_: object = None) -> None:
        assert session.columns is not None
        columns.append(session.columns.column(session.color_by).name)

    session.columns_changed.connect(look)
    grouped.press("clusters-map")
    assert session.color_by == "clusters: thirds"
    qtbot.mouseClick(grouped.dock.findChild(QPushButton, "atlas-clusters-rename"), Qt.MouseButton.LeftButton)
    ask = grouped.dock.findChild(QInputDialog, "atlas-clusters-ask")
    ask.setTextValue("three kinds")
    ask.accept()
    grouped.settle()
    assert (kept(grouped).name, session.color_by) == ("three kinds", "clusters: three kinds")
    grouped.press("clusters-delete")
    assert session.color_by == "species"
    assert read_clusters(run_of(grouped.desk), 112) == ()
    assert "No clusters yet" in grouped.said("clusters-empty")
    grouped.press("clusters-undo")
    assert kept(grouped).name == "three kinds"
    assert columns, "what colours the map was there all the time"


def test_the_button_runs_the_verb_and_shows_what_it_made(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []
    ends: dict[str, Callable[..., None]] = {}

    def run(verb: str, *arguments: str, **then: Any) -> None:
        asked.append((verb, *arguments))
        ends.update(then)
        window.session.report(JobState(verb, "starting …"))

    monkeypatch.setattr(window.desk.runner, "run", run)
    window.press("clusters-make")
    assert asked == [("cluster", str(window.folder), "--run", "3", "--method", "kmeans", "--k", "8")]
    assert not window.can("clusters-make")
    assert window.dock.findChild(QPushButton, "atlas-clusters-stop").isVisible()
    atlas = window.session.atlas
    assert atlas is not None
    write_clusters(run_of(window.desk), replace(thirds(atlas), name="kmeans-8"))
    window.desk.runner.event.emit({"event": "done", "clusters": "kmeans-8"})
    window.session.report(JobState())
    ends["then"]()
    window.settle()
    assert window.can("clusters-make")
    assert window.session.color_by == "clusters: kmeans-8"
    assert window.dock.findChild(QComboBox, "atlas-clusters-which").currentText() == "kmeans-8"
    assert len(window.rows("clusters")) == 4
    ends["otherwise"]("k: 8 clusters of 5 windows; give at most 4")
    assert window.said("clusters-make-said") == "k: 8 clusters of 5 windows; give at most 4"


def test_hdbscan_asks_for_a_size_and_no_number(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(window.desk.runner, "run", lambda *arguments, **then: asked.append(arguments[2:]))
    window.dock.findChild(QComboBox, "atlas-clusters-method").setCurrentText("HDBSCAN")
    assert not window.dock.findChild(QComboBox, "atlas-clusters-method").toolTip().startswith("k-means")
    window.press("clusters-make")
    window.dock.findChild(type(window.dock.findChild(QComboBox)).__mro__[1], "atlas-clusters-least").setValue(15)
    window.press("clusters-make")
    assert asked == [("--run", "3", "--method", "hdbscan"), ("--run", "3", "--method", "hdbscan", "--min-size", "15")]


def test_files_of_clusters_that_cannot_be_shown_are_told(desk: Desk, qtbot: QtBot) -> None:
    folder = run_of(desk).path / "clusters"
    folder.mkdir()
    (folder / "old.npz").write_bytes(b"damaged")
    np.savez(folder / "other.npz", codes=np.zeros(9, int), labels=["a"], colors=["#000000"], recipe="")
    window = Window(desk, qtbot)
    qtbot.waitUntil(lambda: "old.npz" in window.said("clusters-faults"), timeout=5000)
    assert "9 windows, and the run has 112" in window.said("clusters-faults")


def test_without_a_run_tags_and_notes_work(atlas: Atlas, qtbot: QtBot) -> None:
    session = Session()
    session.show(replace(atlas, run="", latents=np.empty((0, 0), np.float32), coordinates=np.empty((0, 2), np.float32)))
    window = Window(Desk(session), qtbot)
    assert "train first" in window.said("clusters-empty")
    assert not window.can("clusters-make")
    session.select(np.arange(3))
    Tagger(window.desk).toggle(1)
    assert window.rows("tags") == [("tag 1", "3")]
    assert read_annotations(window.folder).find("tag", "tag 1") is not None


def test_without_a_project_the_dock_says_so(qtbot: QtBot) -> None:
    dock = GroupsDock(Desk(Session()))
    qtbot.addWidget(dock)
    dock.show()
    assert "Open a project" in dock.findChild(QLabel, "atlas-groups-empty").text()
    assert not dock.findChild(QTabWidget).isVisible()


def test_marks_outlive_the_run_and_lost_recordings(window: Window, atlas: Atlas) -> None:
    window.session.select(np.arange(6))
    Tagger(window.desk).toggle(1)
    far = Spans({("gone", "0"): np.array([[0, 100], [100, 200]])})
    window.desk.keeper.mark(lambda a: a.with_mark(Mark("note", "far away", far)))
    window.settle()
    longer = atlas.windows.table
    wide = replace(longer, stop_frame=longer.stop_frame + 40, first_frame=longer.first_frame - 20)
    window.session.show(replace(atlas, run="4", windows=replace(atlas.windows, table=wide)))
    assert [name for name, count in window.rows("tags") if int(count) >= 4] == ["tag 1"]
    assert window.rows("notes") == [("far away", "–")]
    assert window.tab("notes").rows[0].detail == "not in this run"
    before = window.selected()
    window.click("notes", "far away")
    assert "no window in this run" in window.said("notes-said")
    assert window.selected() == before
    assert read_annotations(window.folder).find("note", "far away") is not None


def test_a_damaged_file_is_told_of_and_nothing_is_lost(window: Window, qtbot: QtBot) -> None:
    Tagger(window.desk).toggle(1)
    window.settle()
    file = window.folder / "annotations.json"
    damaged = file.read_text(encoding="utf-8") + "garbage"
    file.write_text(damaged, encoding="utf-8")
    window.tab("tags")
    window.desk.keeper.look_again()
    window.settle()
    qtbot.waitUntil(lambda: "annotations.json" in window.said("groups-fault"), timeout=5000)
    told = Tagger(window.desk).toggle(2)
    assert "cannot be read as JSON" in told
    assert window.rows("tags") == []
    assert file.read_text(encoding="utf-8") == damaged
    window.press("groups-mend")
    qtbot.waitUntil(lambda: window.said("groups-fault") == "", timeout=5000)
    assert (window.folder / "annotations.damaged-1.json").read_text(encoding="utf-8") == damaged
    Tagger(window.desk).toggle(2)
    window.settle()
    assert [mark.name for mark in read_annotations(window.folder).marks] == ["tag 2"]


def test_two_windows_on_one_project_see_each_others_marks(window: Window) -> None:
    change_annotations(window.folder, lambda a: a.with_mark(Mark("note", "from the other window")))
    window.tab("notes")
    assert window.rows("notes") == [("from the other window", "0")]
    change_annotations(
        window.folder, lambda a: a.without("note", "from the other window").with_mark(Mark("tag", "new"))
    )
    Tagger(window.desk).toggle(1)
    assert {mark.name for mark in read_annotations(window.folder).marks} | {"tag 1"} >= {"new", "tag 1"}
    window.settle()
    assert window.rows("tags") == [("tag 1", "1"), ("new", "0")]
    assert json.loads((window.folder / "annotations.json").read_text(encoding="utf-8"))["format"] == 1


def test_what_cannot_be_written_is_not_shown_as_if_it_were(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("napari_atlas.views._keeper.show_error", told.append)
    window.tab("tags")
    change_annotations(window.folder, lambda a: a.with_mark(Mark("tag", "taken")))
    window.desk.keeper.mark(lambda a: a.with_mark(Mark("tag", "x")).renamed("tag", "x", "taken"))
    window.settle()
    assert len(told) == 1
    assert "choose another name" in told[0]
    assert window.rows("tags") == [("taken", "0")]


def test_the_dock_closes_and_opens_again_without_listening_meanwhile(grouped: Window, qtbot: QtBot) -> None:
    for theme in ("dark", "light"):
        grouped.dock.set_theme(theme)
        for tab in TABS:
            grouped.tab(tab)
            assert not grouped.dock.grab().isNull()
        grouped.dock.close()
        Tagger(grouped.desk).toggle(1)
        grouped.settle()
        grouped.dock.show()
        qtbot.waitExposed(grouped.dock)
    assert grouped.rows("tags") == [("tag 1", "0")]
    QApplication.processEvents()
