"""What becomes of the window when a fit ends, one way or another."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from napari_atlas.data.live import Live
from napari_atlas.io.live import write_live
from napari_atlas.jobs import JobError
from napari_atlas.session.session import Session
from napari_atlas.views.desk import Desk

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

pytestmark = pytest.mark.gui


class FakeJob:
    """A fit that tells one epoch with something to see, and then ends as it is told to."""

    started: ClassVar[list[FakeJob]] = []

    def __init__(self, verb: str, *arguments: str) -> None:
        self.verb, self.arguments, self.stopped = verb, arguments, False
        self.run_folder = Path()
        self.ending = ""
        self.started.append(self)

    def events(self) -> Any:
        self.run_folder = Path(self.arguments[0]) / "runs" / "002-x"
        yield {"event": "epoch", "epoch": 1, "live": True}
        while not self.ending:
            time.sleep(0.01)
            yield {"event": "log"}
        if self.ending == "fault":
            raise JobError("out of memory")
        self.stopped = self.ending == "stop"


@pytest.fixture
def desk(atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Return the desk of a project whose second run is not finished."""
    live = Live(
        atlas.folder / "runs" / "002-x",
        epoch=1,
        n_windows=len(atlas.windows.table),
        ids=np.array([0, 3]),
        coordinates=np.zeros((2, 2), dtype=np.float32),
        split=np.zeros(2, dtype=np.int8),
    )
    write_live(live)
    for run in ("001-x", "002-x"):
        (atlas.folder / "runs" / run).mkdir(exist_ok=True)
        (atlas.folder / "runs" / run / "config.json").write_text(json.dumps({}), encoding="utf-8")
    (atlas.folder / "runs" / "001-x" / "card.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr("napari_atlas.views._runner.Job", FakeJob)
    monkeypatch.setattr(FakeJob, "started", [])
    session = Session()
    session.show(atlas)
    return Desk(session)


@pytest.mark.parametrize(("ending", "said"), [("fault", "out of memory"), ("stop", "nothing was changed")])
def test_a_fit_without_a_result_gives_the_map_back_and_can_be_continued(
    desk: Desk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, ending: str, said: str
) -> None:
    told: list[str] = []
    for name in ("show_error", "show_info"):
        monkeypatch.setattr(f"napari_atlas.views._runner.{name}", told.append)
    session = desk.session
    assert desk.unfinished == ""
    desk.fit({"epochs": 3})
    qtbot.waitUntil(lambda: session.live is not None, timeout=5000)
    assert session.mapped is not session.atlas
    FakeJob.started[0].ending = ending
    qtbot.waitUntil(lambda: desk.unfinished == "002-x", timeout=5000)
    assert said in told[0]
    assert session.live is None
    assert session.mapped is session.atlas
    assert [job.verb for job in FakeJob.started] == ["fit"], "there is nothing new to map"
    desk.go_on(desk.unfinished)
    assert FakeJob.started[1].arguments == (str(desk.folder), "--resume", "002-x")
    FakeJob.started[1].ending = ending
    qtbot.waitUntil(lambda: not session.job.running, timeout=5000)
