"""Maps that come while the window is used: the preview, then the map; selection and cursor stay."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from napari_atlas.io.runs import RunFolder
from napari_atlas.session.session import Session
from napari_atlas.views.desk import Desk

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

pytestmark = pytest.mark.gui


class FakeMap:
    """A map that tells what it is told to tell, one event at a time."""

    verb = "map"
    run_folder = Path()
    going: ClassVar[FakeMap]

    def __init__(self, verb: str, *arguments: str) -> None:
        self.arguments, self.stopped = arguments, False
        self._told: list[dict[str, Any]] = []
        self._more = threading.Semaphore(0)
        FakeMap.going = self

    def tell(self, **event: Any) -> None:
        self._told.append(event)
        self._more.release()

    def stop(self) -> None:
        self.stopped = True
        self.tell(event="end")

    def events(self) -> Any:
        while self._more.acquire(timeout=10):
            event = self._told.pop(0)
            if event["event"] == "end":
                return
            yield event


@pytest.fixture
def session(atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Return a session with a selection and a cursor."""
    monkeypatch.setattr("napari_atlas.views._runner.Job", FakeMap)
    (atlas.folder / "runs" / atlas.run).mkdir(parents=True)
    session = Session()
    session.show(atlas)
    session.select(np.array([3, 5, 8]))
    session.seek("stickleback-1", "0", 140)
    return session


def write(atlas: Atlas, name: str, value: float, **more: Any) -> None:
    coordinates = np.full((len(atlas.windows.table), 2), value, dtype=np.float32)
    run = RunFolder(atlas.folder / "runs" / atlas.run)
    run.write_map(name, f"UMAP {name}", coordinates=coordinates, kept=coordinates[:, 0], **more)


def test_a_preview_and_then_the_map_take_the_place_of_what_is_shown(
    session: Session, atlas: Atlas, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(session)
    monkeypatch.setattr(desk, "open", lambda *_: pytest.fail("the project is read anew"))
    before = session.cursor, session.selection
    shown: list[str] = []
    session.atlas_changed.connect(lambda found: shown.append(found.recipe))
    desk.map()
    assert FakeMap.going.arguments == (str(atlas.folder),)
    write(atlas, "soon", 1.0, preview=np.array(True))
    FakeMap.going.tell(event="preview", run=atlas.run, map="soon", part=False)
    qtbot.waitUntil(lambda: shown == ["UMAP soon"], timeout=5000)
    assert session.job.verb == "map"
    assert (session.atlas.coordinates == 1).all()
    write(atlas, "full", 2.0)
    FakeMap.going.tell(event="done", run=atlas.run, map="full", part=False)
    FakeMap.going.tell(event="end")
    qtbot.waitUntil(lambda: shown == ["UMAP soon", "UMAP full"], timeout=5000)
    assert not session.job.running
    assert (session.atlas.kept == 2).all()
    assert (session.cursor, session.selection) == before
    assert session.atlas.windows is atlas.windows


def test_maps_of_parts_and_of_other_runs_are_not_put_on_show(session: Session, atlas: Atlas, qtbot: QtBot) -> None:
    desk = Desk(session)
    opened: list[Any] = []
    desk.open = lambda *wanted: opened.append(wanted)  # type: ignore[method-assign]
    write(atlas, "part", 1.0)
    desk.map("9")
    FakeMap.going.tell(event="preview", run=atlas.run, map="part", part=True)
    FakeMap.going.tell(event="done", run="9", map="other", part=False)
    FakeMap.going.tell(event="end")
    qtbot.waitUntil(lambda: bool(opened), timeout=5000)
    assert opened == [(atlas.folder, "9")]
    assert session.atlas is atlas


def test_a_map_is_not_put_on_another_project(session: Session, atlas: Atlas, qtbot: QtBot, tmp_path: Path) -> None:
    desk = Desk(session)
    opened: list[Any] = []
    desk.open = lambda *wanted: opened.append(wanted)  # type: ignore[method-assign]
    desk.map()
    other = replace(atlas, folder=tmp_path / "other")
    session.show(other)
    FakeMap.going.tell(event="done", run=atlas.run, map="full", part=False)
    FakeMap.going.tell(event="end")
    qtbot.waitUntil(lambda: not session.job.running, timeout=5000)
    qtbot.wait(50)
    assert opened == []
    assert session.atlas is other


@pytest.mark.parametrize(("preview", "says"), [(True, "its preview stays"), (False, "nothing was changed")])
def test_a_stop_says_what_is_left(
    session: Session, atlas: Atlas, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, preview: bool, says: str
) -> None:
    told: list[str] = []
    monkeypatch.setattr("napari_atlas.views._runner.show_info", told.append)
    desk = Desk(session)
    desk.map()
    if preview:
        write(atlas, "soon", 1.0, preview=np.array(True))
        FakeMap.going.tell(event="preview", run=atlas.run, map="soon", part=False)
        qtbot.waitUntil(lambda: session.atlas is not atlas, timeout=5000)
    desk.runner.stop()
    qtbot.waitUntil(lambda: bool(told), timeout=5000)
    assert told == [f"The map was stopped; {says}."]
    assert (session.atlas.recipe == "UMAP soon") is preview
