"""A table of no known format is read by what people say of its columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QSpinBox,
    QTableView,
)

from napari_atlas import workflow
from napari_atlas._import import ImportWishes, add_many, plan_import
from napari_atlas.data.mapping import ColumnMapping, KeypointColumns
from napari_atlas.data.plans import FoundFile, ImportPlan
from napari_atlas.errors import InputError
from napari_atlas.io.mapping_file import read_mapping, write_mapping
from napari_atlas.io.table import sheet_names, table_columns
from napari_atlas.views._import_draft import Draft
from napari_atlas.views._import_model import Place
from napari_atlas.views._import_table import ImportTable
from napari_atlas.views._mapping_dialog import MappingDialog
from napari_atlas.views._mapping_roles import (
    ROLES,
    Said,
    begin,
    is_table,
    keypoint_of,
    mapping_of,
    missing_of,
    place_for,
    said_of,
)

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

PLAIN = ColumnMapping(columns=("any",))
HEADER = "Bild;Tier;Schnauze waagrecht;Schnauze senkrecht;Schwanz waagrecht;Schwanz senkrecht;Guete"
ROLES_OF = ("frame", "individual", "x", "y", "x", "y", "confidence")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a table of two animals with two keypoints, whose columns nobody knows."""
    rows = [f"{i};{who};{i * 0.5};{3 + i};{i * 0.4};{2 + i};0.9" for i in range(400) for who in ("Ann", "Ben")]
    path = tmp_path / "lab" / "cage.csv"
    path.parent.mkdir()
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("column", "keypoint"),
    [
        ("nose_x", "nose"),
        ("left ear likelihood", "left_ear"),
        ("noseX", "nose"),
        ("x pos [mm]", "centroid"),
        ("Schnauze waagrecht", "Schnauze"),
        ("u", "centroid"),
    ],
)
def test_keypoint_of_a_column(column: str, keypoint: str) -> None:
    assert keypoint_of(column) == keypoint


def test_what_names_speak_of_and_what_a_mapping_says() -> None:
    said = said_of(["Frame no", "t", "Time [ms]", "tail X", "tail y", "tail score", "index", "time 2"], None)
    assert [s.role for s in said] == ["frame", "", "time:ms", "x", "y", "confidence", "", ""]
    assert {s.keypoint for s in said[3:6]} == {"tail"}
    mapping = ColumnMapping(
        (KeypointColumns("nose", "a", "b", individual="left"), KeypointColumns("nose", "c", "d", individual="right")),
        ("speed",),
        time="t",
        time_unit="h",
        missing=(-1.0, "lost"),
    )
    said = said_of(["t", "a", "b", "c", "d", "speed", "more"], mapping)
    assert said[1] == Said("a", "x", "left/nose")
    assert mapping_of(said, ColumnMapping(columns=("any",), missing=missing_of("-1, lost"))) == mapping
    assert set(ROLES) >= {s.role for s in said}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ([Said("a")], "say which ones are x and y"),
        ([Said("a", "x", "nose")], "nose: no column is its y"),
        ([Said("a", "x", "nose"), Said("b", "x", "nose")], "a and b: both are x of nose"),
        ([Said("a", "frame"), Said("b", "frame"), Said("c", "number")], "a and b: both are the frame number"),
    ],
)
def test_what_cannot_be_meant_is_told(said: list[Said], told: str) -> None:
    with pytest.raises(InputError, match=told):
        mapping_of(said, PLAIN)


def test_a_saved_mapping_serves_for_tables_like_it_and_is_never_replaced(table: Path) -> None:
    assert list(begin(table).columns) == HEADER.split(";"), "in their order"
    other = ColumnMapping((KeypointColumns("a", "A", "B"),))
    write_mapping(table.parent / "z.mapping.toml", other)
    assert begin(table).source == Path(), "it is of another table"
    mapping = ColumnMapping((KeypointColumns("Schnauze", *HEADER.split(";")[2:4]),), frame="Bild", individual="Tier")
    place, saved = place_for(table, mapping, Path())
    assert (place.name, saved) == ("cage.mapping.toml", False)
    write_mapping(place, mapping)
    assert place_for(table, mapping, Path()) == (place, True)
    assert place_for(table, other, Path())[0].name == "cage-2.mapping.toml"
    found = begin(table.with_name("cage.csv"))
    assert (found.source, found.mapping) == (place, mapping)
    assert [s.role for s in found.said] == ["frame", "individual", "x", "y", "", "", ""]


def test_only_tables_that_nobody_knows_are_offered() -> None:
    assert is_table(FoundFile(Path("a.csv")))
    assert is_table(FoundFile(Path("a.XLSX"), "unknown"))
    assert not is_table(FoundFile(Path("a.csv"), "pose"))
    assert not is_table(FoundFile(Path("a.bin")))


def said_in(dialog: MappingDialog) -> str:
    """Return the line that tells how it stands."""
    return str(dialog.findChild(QLabel, "atlas-mapping-said").text())


def use_of(dialog: MappingDialog) -> QPushButton:
    """Return the button."""
    return dialog.findChild(QPushButton, "atlas-mapping-use")


def choose(dialog: MappingDialog, row: int, role: str) -> None:
    """Say by keyboard what a column is."""
    view = dialog.findChild(QTableView, "atlas-mapping-columns")
    view.setCurrentIndex(view.model().index(row, 2))
    type_role(view, role)


def type_role(view: QTableView, role: str) -> None:
    """Open the list of the current line, go to a role with the arrow keys, and press Return."""
    QTest.keyClick(view, Qt.Key.Key_F2)
    editor = view.findChildren(QComboBox, "atlas-mapping-role")[-1]
    steps = list(ROLES).index(role) - editor.currentIndex()
    for _ in range(abs(steps)):
        QTest.keyClick(editor, Qt.Key.Key_Down if steps > 0 else Qt.Key.Key_Up)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    QTest.qWait(1)


def looked_at(table: Path) -> ImportPlan:
    """Return what a look at the folder of the table tells."""
    (*_, done) = plan_import(table.parent / "p.atlas", [table.parent], ImportWishes())
    return ImportPlan.from_dict(done.data["plan"])


@pytest.fixture
def lines(table: Path, qtbot: QtBot) -> ImportTable:
    """Return the table of an import that looked at the folder of the odd table, which is selected."""
    draft = Draft()
    draft.take(looked_at(table))
    shown = ImportTable(draft)
    qtbot.addWidget(shown)
    shown.set_theme("light")
    shown.refresh()
    draft.changed.connect(shown.refresh)
    shown.select([Place("left", 0)])
    shown.show()
    return shown


def open_dialog(lines: ImportTable, qtbot: QtBot) -> MappingDialog:
    """Open the dialog by its menu, and wait until the columns are there."""
    menu = QMenu(lines)
    lines.fill_use_menu(menu)
    menu.actions()[0].trigger()
    dialog = lines.findChildren(MappingDialog)[-1]
    qtbot.waitUntil(lambda: "Reading" not in said_in(dialog), timeout=10_000)
    return dialog


@pytest.mark.gui
def test_odd_table_is_planned_added_and_read(lines: ImportTable, table: Path, qtbot: QtBot) -> None:
    draft: Any = lines._draft
    assert [left.found.path for left in draft.plan.left_over] == [table]
    dialog = open_dialog(lines, qtbot)
    assert "say which ones are x and y" in said_in(dialog)
    assert not use_of(dialog).isEnabled()
    for row, role in enumerate(ROLES_OF[:-1]):
        choose(dialog, row, role)
    choose(dialog, 1, "number")
    qtbot.waitUntil(lambda: "Reading" not in said_in(dialog), timeout=10_000)
    assert "'Tier' holds 'Ann'" in said_in(dialog) or "there twice" in said_in(dialog)
    assert use_of(dialog).toolTip() == said_in(dialog), "the reason is told on the button"
    assert not use_of(dialog).isEnabled()
    choose(dialog, 1, "individual")
    dialog.findChild(QDoubleSpinBox, "atlas-mapping-fps").setValue(20)
    qtbot.waitUntil(use_of(dialog).isEnabled, timeout=10_000)
    assert said_in(dialog) == "2 animals, 2 keypoints, 400 frames at 20 per second."
    assert "cage.mapping.toml beside the table" in dialog.findChild(QLabel, "atlas-mapping-place").text()
    assert [p.name for p in table.parent.iterdir()] == ["cage.csv"], "nothing is written before"
    QTest.keyClick(use_of(dialog), Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(draft.plan.recordings) == 1, timeout=10_000)
    place = table.parent / "cage.mapping.toml"
    assert sorted(p.name for p in table.parent.iterdir()) == ["cage.csv", place.name]
    assert lines.chosen() == (0,)
    assert draft.plan.left_over == ()
    assert draft.ready == (0,)
    assert draft.plan.recordings[0].request.mapping == place
    draft.edit([0], "species", "vole")
    workflow.new(table.parent / "p.atlas")
    (*_, done) = add_many(table.parent / "p.atlas", draft.plan)
    assert done.data["refused"] == []
    recording = workflow.load_tracks_of(table.parent / "p.atlas", "cage")
    assert recording.tracks.individuals == ("Ann", "Ben")
    assert recording.tracks.keypoints == ("Schnauze", "Schwanz")
    assert recording.tracks.positions[10, 1].tolist() == [[5.0, 13.0], [4.0, 12.0]]
    assert recording.timebase.fps == 20.0


@pytest.mark.gui
def test_it_can_be_said_again_and_outlives_a_second_look(lines: ImportTable, table: Path, qtbot: QtBot) -> None:
    columns = HEADER.split(";")
    first = ColumnMapping((KeypointColumns("Kopf", *columns[2:4]),), frame="Bild", individual="Tier", fps=10.0)
    write_mapping(table.parent / "cage.mapping.toml", first)
    draft: Any = lines._draft
    dialog = open_dialog(lines, qtbot)
    assert said_in(dialog).startswith("2 animals, 1 keypoint")
    assert "nothing is written" in dialog.findChild(QLabel, "atlas-mapping-place").text()
    QTest.mouseClick(use_of(dialog), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(draft.plan.recordings), timeout=10_000)
    draft.edit([0], "conditions", "sex = f")
    again = looked_at(table)
    assert [left.found.path for left in again.left_over] == [table], "the mapping is no file of its own"
    draft.take(again)
    assert draft.plan.recordings[0].request.conditions == {"sex": "f"}
    dialog = open_dialog(lines, qtbot)
    choose(dialog, 6, "number")
    qtbot.waitUntil(use_of(dialog).isEnabled, timeout=10_000)
    QTest.mouseClick(use_of(dialog), Qt.MouseButton.LeftButton)
    second = table.parent / "cage-2.mapping.toml"
    qtbot.waitUntil(lambda: draft.plan.recordings[0].request.mapping == second, timeout=10_000)
    assert read_mapping(table.parent / "cage.mapping.toml") == first
    assert read_mapping(second).columns == ("Guete",)
    assert draft.plan.recordings[0].request.conditions == {"sex": "f"}
    draft.tell(0, "")
    assert not lines.usable, "what is added is edited elsewhere"


@pytest.mark.gui
def test_a_place_that_cannot_be_written_is_asked_for(
    lines: ImportTable, table: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = open_dialog(lines, qtbot)
    view = dialog.findChild(QTableView, "atlas-mapping-columns")
    view.setCurrentIndex(view.model().index(2, 2))
    QTest.keyClick(view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    type_role(view, "number")
    choose(dialog, 0, "frame")
    choose(dialog, 1, "individual")
    qtbot.waitUntil(use_of(dialog).isEnabled, timeout=10_000)
    assert "2 further numbers" in said_in(dialog), "what is said holds for all lines that are selected"

    def write(place: Path, mapping: ColumnMapping) -> None:
        if place.parent == table.parent:
            raise InputError.of(place, "it cannot be written", "choose another place")
        write_mapping(place, mapping)

    asked: list[str] = []
    elsewhere = tmp_path / "mine.toml"
    monkeypatch.setattr("napari_atlas.views._mapping_dialog.write_mapping", write)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *told: asked.append(told[1]) or (str(elsewhere), ""))
    QTest.mouseClick(use_of(dialog), Qt.MouseButton.LeftButton)
    draft: Any = lines._draft
    qtbot.waitUntil(lambda: bool(draft.plan.recordings), timeout=10_000)
    assert "cannot be saved beside the table" in asked[0]
    assert draft.plan.recordings[0].request.mapping == elsewhere
    assert read_mapping(elsewhere).columns == tuple(HEADER.split(";")[2:4])


@pytest.mark.gui
def test_workbook_sheet_rows_above_and_names_for_all(tmp_path: Path, qtbot: QtBot, lines: ImportTable) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["made by us"])
    sheet = book.create_sheet("tracks")
    for row in (["made", "by", "us"], ["nose_x", "nose_y", "no"], [1, 2, "a"], [-1, 3, "b"]):
        sheet.append(row)
    path = tmp_path / "book.xlsx"
    book.save(path)
    assert sheet_names(path) == ("Sheet", "tracks")
    assert list(table_columns(path, "tracks", 1)) == ["nose_x", "nose_y", "no"]
    dialog = MappingDialog(path, lines._draft.plan, lines.lines.palette)  # it deletes itself when it is closed
    dialog.show()
    sheets = dialog.findChild(QComboBox, "atlas-mapping-sheet")
    qtbot.waitUntil(sheets.isVisible, timeout=10_000)
    sheets.setCurrentText("tracks")
    sheets.activated.emit(1)
    dialog.findChild(QSpinBox, "atlas-mapping-skip").setValue(1)
    dialog.findChild(QLineEdit, "atlas-mapping-missing").setText("-1")
    qtbot.waitUntil(use_of(dialog).isEnabled, timeout=10_000)
    assert said_in(dialog).startswith("1 animal, 1 keypoint, 2 frames")
    assert "missing" in said_in(dialog)
    for kind in (QPushButton, QComboBox, QSpinBox, QDoubleSpinBox, QTableView):
        for widget in dialog.findChildren(kind):
            assert widget.objectName().startswith("atlas-mapping-"), widget
            assert widget.accessibleName() or isinstance(widget, QPushButton), widget.objectName()
    with qtbot.waitSignal(dialog.destroyed, timeout=5000):
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not list(tmp_path.glob("*.toml"))
