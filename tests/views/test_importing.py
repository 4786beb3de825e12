"""What is recognised is shown, edited for many rows at once, and added; before that nothing is written."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QLabel, QListWidget, QPushButton

from napari_atlas.data.plans import FoundFile, ImportPlan, LeftOver, PlannedRecording
from napari_atlas.data.project import AddRequest
from napari_atlas.errors import InputError
from napari_atlas.jobs import JobError
from napari_atlas.session.session import Session
from napari_atlas.views._import_details import grade, in_window
from napari_atlas.views._import_draft import Draft, is_thermal, uses_of
from napari_atlas.views._import_fields import FIELDS, common_text
from napari_atlas.views._import_look import look_at, read_file
from napari_atlas.views._import_model import COLUMNS, NOTES, TEMPERATURE, ImportModel, Place, temperature_text
from napari_atlas.views._import_trace import envelope
from napari_atlas.views._import_windows import WindowsForm
from napari_atlas.views.desk import Desk
from napari_atlas.views.importing import ImportDock

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

ROLE = Qt.ItemDataRole
VIDEO, OTHER, LOG = Path("/lab/a.mp4"), Path("/lab/other.mp4"), Path("/lab/log.csv")


def planned(name: str, species: str, fps: float = 0.0, **more: Any) -> PlannedRecording:
    """Return a planned pose of two animals."""
    path = Path(f"/lab/{name}.csv")
    found = FoundFile(path, "pose", "deeplabcut", 100, individuals=("x", "y"), keypoints=("nose",))
    video = more.pop("video", Path())
    return PlannedRecording(AddRequest(path, species, name, video=video), found, told_fps=fps, **more)


@pytest.fixture
def plan() -> ImportPlan:
    """Return two mice of which one has no frame rate, a rat, a video too many, a twin, and a file nobody knows."""
    recordings = (
        planned("a", "mouse", 25.0, video=VIDEO, video_frames=99, notes=("video: same name (a.mp4)",)),
        planned("b", "mouse"),
        planned("c", "rat", 30.0, quality={"sentences": ["3 jumps"], "missing": 0.1}),
    )
    left = (
        LeftOver(FoundFile(OTHER, "video", "h264", 120, 50.0), "nothing is called like it"),
        LeftOver(replace(recordings[0].found, path=Path("/lab/a.h5")), "the same tracks as a.csv", Path("/lab/a.csv")),
        LeftOver(FoundFile(Path("/lab/x.bin")), "nobody knows this format"),
    )
    return ImportPlan((Path("/lab"),), recordings, left)


@pytest.fixture
def draft(plan: ImportPlan) -> Draft:
    """Return a draft of the plan."""
    made = Draft()
    made.take(plan)
    return made


def test_one_value_for_many_rows_at_once(draft: Draft) -> None:
    heard: list[int] = []
    draft.changed.connect(lambda: heard.append(1))
    assert draft.ready == (0, 2)
    draft.edit([0, 1], "fps", "40")
    assert [r.fps for r in draft.plan.recordings] == [40.0, 40.0, 30.0]
    assert draft.ready == (0, 1, 2), "the frame rate was all that was missing"
    draft.edit([0, 1, 2], "conditions", "treatment = heat; sex = f")
    assert all(r.request.conditions == {"treatment": "heat", "sex": "f"} for r in draft.plan.recordings)
    draft.edit([1], "animals", "Ann, Ben")
    draft.edit([1, 2], "species", "vole")
    assert list(draft.plan.by_species) == ["mouse", "vole"]
    draft.edit([0], "tracking_start_frame", "")
    draft.edit([0, 1], "led_on_frame", "12")
    assert [r.request.led_on_frame for r in draft.plan.recordings] == [12, 12, 0]
    assert [r.request.tracking_start_frame for r in draft.plan.recordings] == [-1, -1, -1]
    draft.edit([0, 1], "fps", "")
    assert [r.fps for r in draft.plan.recordings[:2]] == [25.0, 0.0], "empty takes what the files tell"
    assert len(heard) == 7


@pytest.mark.parametrize(
    ("key", "text", "told"),
    [
        ("fps", "fast", "give a number"),
        ("fps", "-3", "give a number"),
        ("led_on_frame", "1.5", "whole number"),
        ("animals", "Ann, Ann", "a name of its own"),
        ("conditions", "heat", "treatment = heat"),
        ("species", " ", "give a name"),
        ("video", "/nowhere/at.mp4", "check the path"),
    ],
)
def test_what_cannot_be_meant_is_told_and_changes_nothing(draft: Draft, key: str, text: str, told: str) -> None:
    before = draft.plan
    with pytest.raises(InputError, match=told):
        draft.edit([0, 1], key, text)
    assert draft.plan is before


def test_fields_of_several_recordings(plan: ImportPlan) -> None:
    names = [FIELDS["name"].text(r) for r in plan.recordings]
    assert common_text(names) == ("", True)
    assert common_text([FIELDS["species"].text(r) for r in plan.recordings[:2]]) == ("mouse", False)
    assert common_text([]) == ("", False)
    assert FIELDS["fps"].told(plan.recordings[0]) == "25, as the files tell"


def test_a_video_is_given_by_hand_and_the_other_one_is_left_over(
    draft: Draft, tmp_path: Path, plan: ImportPlan
) -> None:
    other = tmp_path / "other.mp4"
    other.touch()
    left = (LeftOver(replace(plan.left_over[0].found, path=other), "nothing is called like it"), *plan.left_over[1:])
    draft.take(replace(plan, left_over=left))
    assert uses_of(draft.plan.left_over[0].found) == ("video",)
    draft.use(other, "video", 0)
    changed = draft.plan.recordings[0]
    assert (changed.request.video, changed.video_frames) == (other, 120)
    assert changed.notes == ("You chose the video other.mp4.",)
    assert draft.fault(1) != ""
    new = tmp_path / "new.mp4"
    new.touch()
    draft.edit([1], "video", str(new))
    assert draft.fault(1) == "", "a video that nobody looked into may tell the frame rate"
    assert [x.found.path for x in draft.plan.left_over][-1] == VIDEO
    assert "You took it from a" in draft.plan.left_over[-1].reason
    draft.edit([1], "video", str(other))
    assert draft.plan.recordings[1].request.video == other, "two views may share one"
    draft.edit([0], "video", "")
    assert other not in [x.found.path for x in draft.plan.left_over]


def test_twins_are_swapped_and_labels_given(draft: Draft) -> None:
    draft.swap(Path("/lab/a.h5"))
    assert draft.plan.recordings[0].request.tracks == Path("/lab/a.h5")
    assert Path("/lab/a.csv") in [x.found.path for x in draft.plan.left_over]
    assert set(uses_of(draft.plan.left_over[2].found)) == {"video", "timestamps", "temperature", "labels"}
    draft.use(Path("/lab/x.bin"), "labels", 2)
    assert draft.plan.recordings[2].labels == Path("/lab/x.bin")
    assert Path("/lab/x.bin") not in [x.found.path for x in draft.plan.left_over]


def test_edits_outlive_a_second_look(draft: Draft, plan: ImportPlan) -> None:
    draft.edit([1], "fps", "10")
    draft.choose([2], False)
    with_video = planned("b", "mouse", video=OTHER, video_frames=120)
    more = (plan.recordings[0], with_video, plan.recordings[2], planned("d", "rat", 30.0))
    draft.take(replace(plan, recordings=more))
    assert [r.fps for r in draft.plan.recordings] == [25.0, 10.0, 30.0, 30.0]
    assert draft.plan.recordings[1].request.video == OTHER, "what was found meanwhile is taken"
    assert draft.ready == (0, 1, 3)


def test_what_was_added_and_what_was_refused_is_told(draft: Draft) -> None:
    draft.tell(0, "")
    draft.tell(2, "c.csv: every position is missing; check the tracking")
    assert draft.added == {0}
    assert draft.refused == {2}
    assert draft.ready == ()
    assert "every position" in draft.fault(2)
    draft.edit([0, 2], "conditions", "sex = f")
    assert draft.plan.recordings[0].request.conditions == {}, "what is added is edited elsewhere"
    assert draft.ready == (2,), "a recording that was refused and edited is tried again"
    draft.tell(2, "no")
    draft.choose([0, 1, 2], True)
    assert draft.ready == (2,), "or as soon as it is ticked again"


def shown(model: ImportModel, place: Place, column: int = 0, role: Any = ROLE.DisplayRole) -> Any:
    """Return what a line of the table shows."""
    index = model.index_of(place)
    return model.data(index.siblingAtColumn(column), role)


@pytest.mark.gui
def test_model_groups_by_species_and_ends_with_what_is_not_used(draft: Draft, qtbot: QtBot, qtmodeltester: Any) -> None:
    model = ImportModel(draft)
    assert model.refresh() is True
    qtmodeltester.check(model)
    heads = [model.data(model.index(i, 0)) for i in range(model.rowCount())]
    assert heads == ["mouse  ·  1 of 2 chosen", "rat  ·  1 of 1 chosen", "Not used  ·  3"]
    assert [shown(model, Place("recording", 0), c) for c in range(6)] == ["a", "deeplabcut", "2", "100", "25", "a.mp4"]
    assert shown(model, Place("recording", 1), 4) == "?"
    assert "frame rate is not known" in shown(model, Place("recording", 1), NOTES)
    assert shown(model, Place("recording", 2), NOTES) == "3 jumps"
    assert shown(model, Place("left", 2), NOTES) == "nobody knows this format"
    assert "same name (a.mp4)" in shown(model, Place("recording", 0), 0, ROLE.ToolTipRole)
    states = [shown(model, Place("recording", i), 0, ROLE.CheckStateRole) for i in range(3)]
    assert states == [Qt.CheckState.Checked, Qt.CheckState.Unchecked, Qt.CheckState.Checked]
    checkable = Qt.ItemFlag.ItemIsUserCheckable
    assert not model.flags(model.index_of(Place("recording", 1))) & checkable, "there is a fault to be mended first"
    model.setData(model.index(0, 0), Qt.CheckState.Unchecked.value, ROLE.CheckStateRole)
    assert draft.ready == (2,)
    assert model.refresh() is False, "the lines are the same"
    draft.tell(2, "")
    model.refresh()
    assert shown(model, Place("recording", 2), NOTES) == "added"
    assert shown(model, Place("recording", 2), 0, ROLE.CheckStateRole) is None


def test_words_for_temperatures_and_faults() -> None:
    assert temperature_text("22.5") == "22.5 °C"
    assert temperature_text("80 F") == "26.67 °C"
    assert temperature_text("column:Temp") == "column Temp"
    assert temperature_text("") == ""
    assert temperature_text("folder", "17C_a") == "17 °C"
    assert in_window("fps: the frame rate is unknown; give it with --fps") == (
        "fps: the frame rate is unknown; give it under Edit"
    )
    assert in_window("recording a: it gives no window; shorten it") == "it gives no window; shorten it"
    assert in_window("the frame rate is not known: give it") == "the frame rate is not known: give it under Edit"
    assert [grade(q) for q in ({}, {"sentences": []}, {"sentences": ["a"]}, {"missing": 0.9})] == (
        ["", "good", "fair", "poor"]
    )


def test_a_long_signal_is_drawn_by_its_extremes() -> None:
    values = np.sin(np.arange(100_000.0))
    values[50_000:60_000] = np.nan
    points = envelope(values, 200)
    assert len(points) <= 400
    assert points[:, 1].max() == pytest.approx(1.0, abs=1e-6)
    assert not ((points[:, 0] > 0.51) & (points[:, 0] < 0.59)).any(), "what is missing stays a gap"
    assert len(envelope(np.array([1.0, np.nan, 2.0]), 200)) == 2


def test_a_video_that_is_gone_is_told_and_the_rest_is_shown(shared: Path, tmp_path: Path) -> None:
    tracks = shared / "data" / "vame" / "cropped_video.csv"
    request = AddRequest(tracks, "mouse", video=tmp_path / "gone.mp4", fps=25.0, temperature="warm")
    look = look_at(PlannedRecording(request, FoundFile(tracks, "pose")), read_file(request), None)
    assert any("gone.mp4" in fault and "; " in fault for fault in look.faults)
    assert any("neither a number nor a file" in fault for fault in look.faults)
    assert look.n_video_frames == 0
    assert look.trace.shape == (30, 1)
    assert look.temperature.size == 0
    assert "egocentric-pose" in look.signals
    assert not any("too short" in fault for fault in look.faults)
    longer = replace(request, settings={"window": 40.0})
    look = look_at(PlannedRecording(longer, FoundFile(tracks, "pose")), read_file(longer), None)
    assert "it is too short for a window of 40 s; shorten the window under Windows" in look.faults
    assert list(tmp_path.iterdir()) == []


@pytest.mark.gui
def test_windows_are_cut_by_the_ticked_signals_and_one_stays_ticked(shared: Path, qtbot: QtBot) -> None:
    tracks = shared / "data" / "vame" / "cropped_video.csv"
    request = AddRequest(tracks, "mouse", fps=25.0)
    form = WindowsForm()
    qtbot.addWidget(form)
    form.show_look(look_at(PlannedRecording(request, FoundFile(tracks, "pose")), read_file(request), None), known=False)
    told: list[tuple[str, dict[str, Any]]] = []
    form.cut.connect(lambda name, settings: told.append((name, settings)))
    signals = form.findChild(QListWidget, "atlas-import-signals")
    names = [signals.item(i).data(Qt.ItemDataRole.UserRole) for i in range(signals.count())]
    signals.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert signals.item(0).checkState() == Qt.CheckState.Checked, "windows of nothing make no sense"
    assert not told
    signals.item(names.index("keypoint-speed")).setCheckState(Qt.CheckState.Checked)
    assert told[-1] == (
        "mouse",
        {"window": 5.0, "stride": 2.0, "bin_rate": 1.0, "signal": "centroid-speed + keypoint-speed"},
    )
    window = form.findChild(QDoubleSpinBox, "atlas-import-window")
    assert window.suffix() == " s"
    window.setValue(0.5)
    window.editingFinished.emit()
    assert told[-1][1]["window"] == 0.5


class FakeJob:
    """A look at a folder that finds a plan, or an addition that refuses the last recording."""

    plan: ClassVar[ImportPlan] = ImportPlan()
    started: ClassVar[list[FakeJob]] = []
    stop_after: ClassVar[bool] = False
    fault: ClassVar[str] = ""

    def __init__(self, verb: str, *arguments: str) -> None:
        self.verb, self.arguments, self.stopped, self.run_folder = verb, arguments, False, Path()
        self.given = json.loads(Path(arguments[2]).read_text("utf-8")) if "--plan" in arguments else {}
        self.started.append(self)

    def stop(self) -> None:
        self.stopped = True

    def events(self) -> Any:
        if self.fault:
            raise JobError(self.fault)
        if "--dry-run" in self.arguments:
            yield {"event": "done", "text": "", "plan": self.plan.as_dict()}
            return
        rows = [i for i, r in enumerate(ImportPlan.from_dict(self.given).recordings) if r.chosen]
        if self.stop_after:
            yield {"event": "progress", "text": "", "done": 1, "total": 2, "row": rows[0], "error": ""}
            while not self.stopped:
                time.sleep(0.01)
            return
        for done, row in enumerate(rows, start=1):
            error = "c.csv: no window; shorten it" if row == rows[-1] else ""
            yield {"event": "progress", "text": "", "done": done, "total": len(rows), "row": row, "error": error}
        yield {"event": "done", "text": "added 1 of 2"}


@pytest.fixture
def dock(atlas: Atlas, plan: ImportPlan, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> ImportDock:
    """Return a dock that looked at the folder of the plan."""
    monkeypatch.setattr("napari_atlas.views._runner.Job", FakeJob)
    monkeypatch.setattr(FakeJob, "started", [])
    monkeypatch.setattr(FakeJob, "plan", plan)
    session = Session()
    desk = Desk(session)
    monkeypatch.setattr(desk, "open", lambda *_: None)
    made = ImportDock(desk)
    qtbot.addWidget(made)
    made.set_theme("light")
    made.resize(1100, 520)
    made.show()
    made.take((Path("/lab"),))
    qtbot.waitUntil(lambda: len(made.draft.plan.recordings) == 3, timeout=5000)
    qtbot.waitUntil(lambda: not session.job.running, timeout=5000)
    return made


def button(dock: ImportDock, name: str) -> QPushButton:
    """Return a button of the dock."""
    return dock.findChild(QPushButton, f"atlas-import-{name}")


@pytest.mark.gui
def test_dock_adds_what_is_ticked_and_tells_of_the_rest(dock: ImportDock, atlas: Atlas, qtbot: QtBot) -> None:
    assert FakeJob.started[0].arguments == ("new.atlas", "--recursive", "/lab", "--dry-run", "--quality")
    add, said = button(dock, "add"), dock.findChild(QLabel, "atlas-import-said")
    assert said.text() == "3 recordings of 2 species, 3 files not used"
    assert not add.isEnabled()
    assert "make one" in add.toolTip()
    assert button(dock, "new").isVisible()
    dock._desk.session.show(atlas)
    assert add.isEnabled()
    assert add.text() == "Add 2 recordings"
    assert not button(dock, "new").isVisible()
    QTest.mouseClick(add, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(FakeJob.started) == 2 and not dock._desk.session.job.running, timeout=5000)
    assert [r["chosen"] for r in FakeJob.started[1].given["recordings"]] == [True, False, True]
    assert not Path(FakeJob.started[1].arguments[2]).exists(), "the plan that was handed over is cleaned up"
    assert dock.draft.added == {0}
    assert dock.draft.fault(2) == "c.csv: no window; shorten it"
    assert said.text().startswith("1 added to ")
    assert "1 refused" in said.text()
    assert not add.isEnabled()
    assert "Tick a recording" in add.toolTip()


@pytest.mark.gui
def test_stop_keeps_what_was_added(
    dock: ImportDock, atlas: Atlas, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeJob, "stop_after", True)
    opened: list[Path] = []
    monkeypatch.setattr(dock._desk, "open", opened.append)
    dock._desk.session.show(atlas)
    QTest.mouseClick(button(dock, "add"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dock.draft.added == {0}, timeout=5000)
    stop = button(dock, "stop")
    assert stop.isVisible()
    assert not button(dock, "add").isEnabled()
    QTest.mouseClick(stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(opened), timeout=5000)
    assert opened == [atlas.folder], "the project is shown with what was added"
    assert dock.draft.ready == (2,)
    assert button(dock, "add").text() == "Add 1 recording"
    assert not stop.isVisible()


@pytest.mark.gui
def test_a_look_that_fails_is_told_in_one_line_and_loses_nothing(
    dock: ImportDock, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeJob, "fault", "/lab/usb: there is no such file or folder; check the path")
    dock.draft.edit([1], "fps", "10")
    before = dock.draft.plan
    dock.take((Path("/lab/usb"),))
    said = dock.findChild(QLabel, "atlas-import-said")
    qtbot.waitUntil(lambda: said.text() == FakeJob.fault, timeout=5000)
    assert FakeJob.started[-1].arguments[1:5] == ("--recursive", "/lab", "--recursive", "/lab/usb")
    assert dock.draft.plan is before
    assert not button(dock, "stop").isVisible()


@pytest.mark.gui
def test_form_speaks_of_temperature_only_where_there_is_any(dock: ImportDock, plan: ImportPlan, qtbot: QtBot) -> None:
    temperature = dock.findChild(QComboBox, "atlas-import-temperature")
    more = button(dock, "add-temperature")
    assert not is_thermal(dock.draft.plan)
    assert dock._table.isColumnHidden(TEMPERATURE)
    assert temperature.isHidden()
    assert not more.isHidden()
    log = LeftOver(FoundFile(LOG, "temperature"), "no recording is like it")
    dock.draft.take(replace(plan, left_over=(*plan.left_over, log)))
    assert not temperature.isHidden()
    assert more.isHidden()
    assert not dock._table.isColumnHidden(TEMPERATURE)
    dock.draft.take(plan)
    assert temperature.isHidden()
    more.click()
    assert not temperature.isHidden()


@pytest.mark.gui
def test_typing_holds_for_all_selected_rows_and_a_slip_is_told(dock: ImportDock, qtbot: QtBot) -> None:
    dock._table.select([Place("recording", 0), Place("recording", 1)])
    fps = dock.findChild(QComboBox, "atlas-import-fps").lineEdit()
    assert fps.placeholderText() == "several"
    assert not dock.findChild(QComboBox, "atlas-import-name").isEnabled(), "no two recordings have one name"
    fps.setText("fast")
    fps.editingFinished.emit()
    fault = dock.findChild(QLabel, "atlas-import-fault")
    assert "give a number" in fault.text()
    assert fps.text() == "fast", "what was typed is not lost"
    fps.setText("50")
    fps.editingFinished.emit()
    assert [r.fps for r in dock.draft.plan.recordings] == [50.0, 50.0, 30.0]
    assert fault.text() == ""
    assert dock._table.chosen() == (0, 1), "the selection stays"
    QTest.keyClick(dock._table, Qt.Key.Key_Space)
    assert dock.draft.ready == (2,)
    QTest.keyClick(dock._table, Qt.Key.Key_Space)
    assert dock.draft.ready == (0, 1, 2)


@pytest.mark.gui
def test_left_over_files_have_a_menu_and_recordings_none(dock: ImportDock) -> None:
    dock._table.select([Place("left", 1)])
    assert button(dock, "use").isVisible()
    menu = button(dock, "use").menu()
    menu.aboutToShow.emit()
    assert menu.actions()[0].text() == "In the place of a.csv"
    dock._table.select([Place("left", 0)])
    menu.aboutToShow.emit()
    (use,) = button(dock, "use").menu().actions()
    assert use.text() == "As video of"
    assert [action.text() for action in use.menu().actions()] == ["a", "b", "c"]
    assert "nothing is called like it" in dock.findChild(QLabel, "atlas-import-details-text").text()
    dock._table.select([Place("recording", 0)])
    assert not button(dock, "use").isVisible()


@pytest.mark.gui
def test_dock_keeps_its_draft_when_closed_and_has_names_for_all(dock: ImportDock, atlas: Atlas) -> None:
    dock.draft.edit([1], "fps", "10")
    dock.close()
    dock._desk.session.show(atlas)
    dock.draft.edit([1], "fps", "20")
    dock.show()
    assert button(dock, "add").text() == "Add 3 recordings"
    assert dock._table.lines.columnCount() == len(COLUMNS)
    for widget in (*dock.findChildren(QPushButton), *dock.findChildren(QComboBox)):
        assert widget.objectName().startswith("atlas-import-"), widget
        assert widget.toolTip(), widget.objectName()


@pytest.mark.gui
def test_a_file_that_cannot_be_read_is_told_in_the_preview(dock: ImportDock, qtbot: QtBot) -> None:
    dock._table.select([Place("recording", 0)])
    picture = dock.findChild(object, "atlas-import-picture")
    qtbot.waitUntil(lambda: "/lab/a.csv" in picture._text, timeout=5000)
    assert dock._inspector.look is None
