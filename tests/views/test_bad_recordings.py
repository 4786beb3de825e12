"""The window goes on, and leaves nothing behind, when a file, a dock or the window itself goes away."""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtWidgets import QCheckBox, QComboBox, QLabel, QMenu

from napari_atlas.data.plans import FoundFile, ImportPlan, LeftOver, PlannedRecording
from napari_atlas.data.project import AddRequest
from napari_atlas.errors import InputError
from napari_atlas.session.session import Session
from napari_atlas.views._import_draft import Draft
from napari_atlas.views._import_edit import EditForm
from napari_atlas.views._import_fields import FIELDS
from napari_atlas.views._import_jobs import ImportJobs
from napari_atlas.views._import_table import ImportTable, Place
from napari_atlas.views._worker import call_in_thread
from napari_atlas.views.desk import Desk

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def planned(name: str = "a", **request: Any) -> PlannedRecording:
    path = Path(f"/lab/{name}.csv")
    return PlannedRecording(AddRequest(path, "mouse", name, fps=30.0, **request), FoundFile(path, "pose", "deeplabcut"))


@pytest.mark.gui
def test_a_widget_that_went_away_during_a_reading(qtbot: QtBot) -> None:
    from qtpy import sip

    label, read, told = QLabel(), threading.Event(), []

    def tell(result: object) -> None:
        told.append(result)
        label.setText(str(result))

    call_in_thread(read.wait, tell, tell)
    sip.delete(label)
    read.set()
    qtbot.waitUntil(lambda: told == [True])  # a fault here would fail the test, and abort the program


_LEAVE = """
import sys, time
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication
from napari_atlas.views._worker import call_in_thread
app = QApplication([])
QTimer.singleShot(0, lambda: call_in_thread(lambda: time.sleep(0.4), print, print))
QTimer.singleShot(100, app.quit)
app.exec()
print("left")
"""


@pytest.mark.gui
def test_the_window_is_closed_during_a_reading() -> None:
    ended = subprocess.run([sys.executable, "-c", _LEAVE], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (0, "left\n"), ended.stderr


@pytest.mark.gui
def test_a_plan_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    desk = Desk(Session())
    monkeypatch.setattr(desk.runner, "run", lambda *_, **__: None)
    jobs = ImportJobs(desk)
    jobs.add(ImportPlan(recordings=(planned(),)), [0])
    jobs.add(ImportPlan(recordings=(planned(),)), [0])
    assert len(list(tmp_path.iterdir())) == 1, "the one that is read now"
    del jobs
    gc.collect()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.gui
def test_fields_of_clocks_and_logs_are_there_where_they_mean_something(qtbot: QtBot) -> None:
    form = EditForm()
    qtbot.addWidget(form)
    edited: list[tuple[str, str]] = []
    form.edited.connect(lambda *told: edited.append(told))

    def shown(*recordings: PlannedRecording) -> list[bool]:
        form.show_recordings(recordings, ImportPlan(recordings=recordings), thermal=False)
        names = ("timestamps-unit", "start", "extend")
        return [not form.findChild((QComboBox, QCheckBox), f"atlas-import-{name}").isHidden() for name in names]

    form.show()
    assert shown(planned()) == [False, False, False]
    assert shown(planned(temperature="22,5")) == [False, False, False]
    assert shown(planned(timestamps=Path("/lab/t.npy"))) == [True, False, False]
    assert shown(planned(), planned("b", temperature="/lab/log.csv")) == [False, True, True]
    tick = form.findChild(QCheckBox, "atlas-import-extend")
    tick.click()
    assert edited == [("extend", "yes")]
    shown(planned(temperature="/lab/log.csv", extend=True))
    assert tick.isChecked()
    tick.click()
    assert edited[-1] == ("extend", "")


def test_what_is_typed_for_clocks() -> None:
    values = {key: FIELDS[key].values for key in ("start", "timestamps_unit", "extend")}
    assert values["start"]("2026-05-03 10:00:00") == {"start": "2026-05-03 10:00:00"}
    assert values["timestamps_unit"]("ms") == {"timestamps_unit": "ms"}
    assert values["extend"]("yes") == {"extend": True}
    for key, text in (("start", "noon"), ("timestamps_unit", "fortnights")):
        with pytest.raises(InputError, match=text):
            values[key](text)


@pytest.mark.gui
def test_selecting_a_left_over_file_builds_no_menu(qtbot: QtBot) -> None:
    draft = Draft()
    recordings = tuple(planned(f"m{i}") for i in range(200))
    draft.take(ImportPlan(recordings=recordings, left_over=(LeftOver(FoundFile(Path("/lab/o.mp4"), "video"), "none"),)))
    table = ImportTable(draft)
    qtbot.addWidget(table)
    table.refresh()
    table.select([Place("left", 0)])
    assert table.usable
    assert table.findChildren(QMenu, "atlas-import-use-menu") == []
    menu = QMenu(table)
    table.fill_use_menu(menu)
    table.fill_use_menu(menu)
    assert [len(action.menu().actions()) for action in menu.actions()] == [200]
    table.select([Place("recording", 0)])
    assert not table.usable


@pytest.mark.gui
def test_a_video_that_is_gone_or_cannot_be_decoded(tmp_path: Path) -> None:
    """The recording is shown without it, and the line over the picture says why."""
    from napari_atlas import workflow
    from napari_atlas.views.bridge import _load_shown

    workflow.new(tmp_path / "p.atlas")
    rows = "\n".join(f"{i},{i % 9},{i % 7},1" for i in range(300))
    (tmp_path / "m.csv").write_text(f"scorer,n,n,n\nbodyparts,a,a,a\ncoords,x,y,likelihood\n{rows}\n", encoding="utf-8")
    workflow.add(tmp_path / "p.atlas", AddRequest(tmp_path / "m.csv", "mouse", fps=30.0))
    toml = tmp_path / "p.atlas" / "project.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + 'video = "../v.mp4"\nvideo_frames = 300\n', encoding="utf-8")
    for content, says in ((None, "no video at this path"), (b"\0\0\0\x18ftypmp42" + bytes(2000), "v.mp4: ")):
        if content:
            (tmp_path / "v.mp4").write_bytes(content)
        atlas = workflow.load_atlas(tmp_path / "p.atlas")
        found = _load_shown(atlas, "m", 0)
        assert says in found.note
        assert found.n_video_frames == 0
        assert np.asarray(found.video[0]).ndim == 3
