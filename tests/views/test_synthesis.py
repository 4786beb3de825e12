"""The synthesis dock: what it asks for, what it shows, and when its child process lives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QPoint, QRectF, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QComboBox, QLabel, QPushButton, QSlider, QToolButton, QWidget

from napari_atlas.data.atlas import Atlas
from napari_atlas.data.packing import packed
from napari_atlas.jobs import JobError
from napari_atlas.session.linking import cursor_of
from napari_atlas.session.session import Session
from napari_atlas.views._playing import Player
from napari_atlas.views._synthesis_draw import Turn, body, box_of, traces
from napari_atlas.views._synthesis_facts import Facts, Made, made_of
from napari_atlas.views._synthesis_rows import SlideRow
from napari_atlas.views.desk import Desk
from napari_atlas.views.synthesis import SynthesisDock

pytestmark = pytest.mark.gui
LEFT = Qt.MouseButton.LeftButton

HELLO: dict[str, Any] = {
    "run": "3",
    "low": [-1.0, -2.0, 0.0],
    "high": [1.0, 2.0, 0.001],
    "variance": [0.2, 1.0, 1e-6],
    "variables": [
        {
            "name": "individual",
            "kind": "class",
            "species": {"jellyfish": {"classes": ["ann", "bob"]}, "stickleback": {"classes": ["cat"]}},
        },
        {"name": "speed", "kind": "number", "species": {"jellyfish": {"low": [0.0], "high": [10.0]}}},
        {"name": "parts", "kind": "number", "species": {"jellyfish": {"low": [0.0, 2.0], "high": [2.0, 4.0]}}},
        {"name": "heading", "kind": "angle", "species": {"jellyfish": {"low": [-3.0], "high": [3.0]}}},
    ],
    "species": [
        {
            "name": "jellyfish",
            "color": "#E69F00",
            "channels": ["x", "y", "z"],
            "low": [-1, -1, -1],
            "high": [1, 1, 1],
            "pose": {"names": ["a", "b"], "edges": [[0, 1]], "unit": "mm", "low": [-1, -1, -1], "high": [1, 1, 1]},
        },
        {"name": "stickleback", "color": "#2FB5A0", "channels": ["speed (px/ms)"], "low": [0.0], "high": [1.0]},
    ],
}
OWN = {"individual": "ann", "speed": 4.0, "parts": [1.0, None], "heading": np.pi / 2}


class FakeRun:
    """A child process that is none; what is generated tells what was asked for."""

    made: ClassVar[list[FakeRun]] = []
    fault = ""
    gate = threading.Event()

    def __init__(self, folder: Path, run: str) -> None:
        self.run, self.running, self.asked = run, True, []
        FakeRun.made.append(self)

    def greet(self) -> dict[str, Any]:
        FakeRun.gate.wait(10)
        if FakeRun.fault:
            self.running = False
            raise JobError(FakeRun.fault)
        return HELLO | {"run": self.run}

    def ask(self, **request: Any) -> dict[str, Any]:
        if not self.running:
            raise JobError("serve ended with status 9")
        species = request.get("species", "jellyfish" if request["window"] < 56 else "stickleback")
        told = {"species": species, "values": packed(np.full((10, 3 if species == "jellyfish" else 1), 0.5))}
        if species == "jellyfish":
            told["points"] = packed(np.zeros((10, 2, 3)) + np.array([[0, 0, 0], [0.5, 0, 0.5]]))
        if request["do"] == "window":
            return told | {"window": request["window"], "latent": [0.5, request["window"] / 100, 0.0], "variables": OWN}
        self.asked.append(request)
        return told

    def close(self) -> None:
        self.running = False


@pytest.fixture(autouse=True)
def fakes() -> Iterator[list[FakeRun]]:
    FakeRun.made, FakeRun.fault = [], ""
    FakeRun.gate.set()
    yield FakeRun.made
    FakeRun.gate.set()


@pytest.fixture
def session(atlas: Atlas) -> Session:
    made = Session()
    rng = np.random.default_rng(0)
    made.show(replace(atlas, latents=rng.normal(size=(len(atlas.windows.table), 3)).astype(np.float32)))
    return made


@pytest.fixture
def player(session: Session) -> Iterator[Player]:
    made = Player(session)
    yield made
    made.close()


@pytest.fixture
def dock(qtbot: QtBot, session: Session, player: Player) -> SynthesisDock:
    made = SynthesisDock(Desk(session), player, FakeRun)
    qtbot.addWidget(made)
    made.resize(1100, 240)
    return made


def go_to(session: Session, window: int) -> None:
    cursor = cursor_of(session.atlas, window)
    session.seek(cursor.recording, cursor.individual, cursor.frame)


def opened(qtbot: QtBot, dock: SynthesisDock, session: Session, window: int = 5) -> FakeRun:
    """Show the dock, and wait until a window is decoded."""
    go_to(session, window)
    dock.show()
    qtbot.waitUntil(lambda: dock.shown == window and not dock.page.said(), timeout=5000)
    return FakeRun.made[-1]


def part(dock: QWidget, kind: type, name: str) -> Any:
    (found,) = [w for w in dock.findChildren(kind, f"atlas-synthesis-{name}") if not w.isHidden()]
    return found


def asked(qtbot: QtBot, run: FakeRun, n: int) -> dict[str, Any]:
    """Return the newest request, once there are more than *n*."""
    qtbot.waitUntil(lambda: len(run.asked) > n, timeout=5000)
    qtbot.wait(30)
    return run.asked[-1]


def choose(dock: QWidget, name: str, index: int) -> None:
    combo = part(dock, QComboBox, name)
    combo.setCurrentIndex(index)
    combo.activated.emit(index)


def test_nothing_is_begun_before_the_dock_is_seen_with_a_run(
    qtbot: QtBot, dock: SynthesisDock, session: Session, atlas: Atlas, fakes: list[FakeRun]
) -> None:
    assert fakes == []
    session.show(replace(atlas, run="", latents=np.empty((0, 0), dtype=np.float32)))
    dock.show()
    assert "No fit is on show" in dock.page.said()
    assert fakes == []
    dock.close()
    nobody = SynthesisDock(Desk(Session()), Player(Session()), FakeRun)
    qtbot.addWidget(nobody)
    nobody.show()
    assert nobody.page.said() == "No project is open."
    assert fakes == []


def test_it_says_that_it_waits_and_shows_the_window_as_it_is(
    qtbot: QtBot, dock: SynthesisDock, session: Session
) -> None:
    FakeRun.gate.clear()
    go_to(session, 5)
    dock.show()
    assert dock.page.said() == "Starting the model …"
    FakeRun.gate.set()
    run = opened(qtbot, dock, session)
    assert run.asked == [{"do": "decode", "window": 5, "variables": {}}]
    assert part(dock, QComboBox, "individual").currentText() == "as it is (ann)"
    said = [row.findChildren(QLabel)[-1].text() for row in dock.page.told.findChildren(SlideRow)]
    assert said == ["4.0", "1.00", "unknown", "90°"]
    assert "jellyfish, 2 keypoints" in dock.page.stage.accessibleDescription()


def test_what_is_set_by_hand_is_told_and_taken_back(qtbot: QtBot, dock: SynthesisDock, session: Session) -> None:
    run = opened(qtbot, dock, session)
    choose(dock, "individual", 2)
    assert asked(qtbot, run, 1)["variables"] == {"individual": "bob"}
    slider = part(dock, QSlider, "speed")
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert asked(qtbot, run, 2)["variables"] == {"individual": "bob", "speed": [pytest.approx(4.05)]}
    part(dock, QSlider, "heading").setValue(0)
    assert asked(qtbot, run, 3)["variables"]["heading"] == [pytest.approx(-np.pi)]
    part(dock, QSlider, "parts-1").setValue(200)
    assert asked(qtbot, run, 4)["variables"]["parts"] == [2.0, 3.0]  # nobody knows the second: the middle
    before = len(run.asked)
    QTest.mouseClick(part(dock, QToolButton, "speed-back"), LEFT)
    assert "speed" not in asked(qtbot, run, before)["variables"]
    before = len(run.asked)
    QTest.mouseClick(part(dock, QPushButton, "reset"), LEFT)
    assert asked(qtbot, run, before) == {"do": "decode", "window": 5, "variables": {}}
    assert not part(dock, QToolButton, "individual-back").isEnabled()


def test_latent_sliders_come_by_how_much_they_differ(qtbot: QtBot, dock: SynthesisDock, session: Session) -> None:
    run = opened(qtbot, dock, session)
    rows = [s.objectName() for s in dock.page.latent.findChildren(QSlider)]
    assert rows == ["atlas-synthesis-latent-2", "atlas-synthesis-latent-1"]
    more = part(dock, QPushButton, "more")
    assert more.text() == "Show 1 more"
    QTest.mouseClick(more, LEFT)
    assert part(dock, QSlider, "latent-3").isVisible()
    assert more.text() == "Show fewer"
    part(dock, QSlider, "latent-2").setValue(200)
    latent = asked(qtbot, run, 1)["latent"]
    assert latent == (0.5, 2.0, 0.0)
    go_to(session, 9)
    qtbot.waitUntil(lambda: dock.shown == 9, timeout=5000)
    assert run.asked[-1] == {"do": "decode", "window": 9, "variables": {}}


def test_another_species_has_its_own_variables(qtbot: QtBot, dock: SynthesisDock, session: Session) -> None:
    run = opened(qtbot, dock, session)
    part(dock, QSlider, "speed").setValue(150)
    asked(qtbot, run, 1)
    choose(dock, "species", 2)
    assert asked(qtbot, run, 2) == {"do": "decode", "window": 5, "variables": {}, "species": "stickleback"}
    offered = part(dock, QComboBox, "individual")
    assert [offered.itemText(i) for i in range(offered.count())] == ["as it is (ann)", "cat"]
    assert "generated: stickleback, 1 channels" in dock.page.stage.accessibleDescription()


def test_a_walk_goes_from_the_kept_window_to_the_clicked_one(
    qtbot: QtBot, dock: SynthesisDock, session: Session
) -> None:
    run = opened(qtbot, dock, session)
    assert part(dock, QPushButton, "pin").isVisible()
    QTest.keyClick(dock, Qt.Key.Key_W)
    assert "click another one" in part(dock, QLabel, "walk-said").text()
    assert not dock.page.bar.walk.isVisible()
    go_to(session, 20)
    qtbot.waitUntil(lambda: dock.shown == 20 and dock.page.bar.walk.isVisible(), timeout=5000)
    assert "latent" not in run.asked[-1]
    before = len(run.asked)
    dock.page.bar.walk.setValue(25)
    latents = session.atlas.latents
    np.testing.assert_allclose(asked(qtbot, run, before)["latent"], 0.75 * latents[5] + 0.25 * latents[20], rtol=1e-5)
    before = len(run.asked)
    QTest.mouseClick(dock.page.bar.go, LEFT)
    qtbot.waitUntil(lambda: len(run.asked) > before + 3, timeout=5000)
    assert dock.page.bar.go.text() == "Stop"
    QTest.mouseClick(dock.page.bar.go, LEFT)
    at = dock.page.bar.walk.value()
    assert at > 25
    QTest.mouseClick(dock.page.bar.pin, LEFT)
    assert not dock.page.bar.walk.isVisible()
    qtbot.waitUntil(lambda: "latent" not in run.asked[-1], timeout=5000)


def test_both_stay_with_the_video_while_it_plays(
    qtbot: QtBot, dock: SynthesisDock, session: Session, player: Player
) -> None:
    opened(qtbot, dock, session)
    stage, table = dock.page.stage, session.atlas.windows.table
    assert stage._clock.running
    player.set(loop=True, speed=0.25)
    player.toggle()
    assert not stage._clock.running
    qtbot.waitUntil(lambda: session.cursor.frame != int(table.centre_frame()[5]), timeout=5000)
    share = (session.cursor.frame - table.first_frame[5]) / (table.stop_frame[5] - table.first_frame[5])
    assert stage.phase == pytest.approx(share)
    player.toggle()
    assert stage._clock.running
    stage.setFocus()
    QTest.keyClick(stage, Qt.Key.Key_Space)
    assert not stage._clock.running
    assert dock.page.bar.play.text() == "Play"


def test_a_pose_in_three_dimensions_is_turned_by_mouse_and_keys(
    qtbot: QtBot, dock: SynthesisDock, session: Session
) -> None:
    opened(qtbot, dock, session)
    stage = dock.page.stage
    before = stage.turn
    QTest.keyClick(stage, Qt.Key.Key_Right)
    assert stage.turn.azimuth == before.azimuth + 10
    QTest.mousePress(stage, LEFT, pos=QPoint(50, 50))
    QTest.mouseMove(stage, QPoint(50, 70))
    QTest.mouseRelease(stage, LEFT, pos=QPoint(50, 70))
    assert stage.turn.elevation > before.elevation


def test_another_run_is_another_child_and_closing_ends_it(
    qtbot: QtBot, dock: SynthesisDock, session: Session, fakes: list[FakeRun]
) -> None:
    first = opened(qtbot, dock, session)
    session.show(replace(session.atlas, run="4"))
    qtbot.waitUntil(lambda: len(fakes) == 2 and dock.shown == 5 and not dock.page.said(), timeout=5000)
    assert [first.running, fakes[1].running, fakes[1].run] == [False, True, "4"]
    dock.hide()
    assert fakes[1].running
    go_to(session, 9)  # nobody looks
    qtbot.wait(150)
    assert dock.shown == 5
    dock.close()
    assert not fakes[1].running
    opened(qtbot, dock, session, 12)
    assert [run.running for run in fakes] == [False, False, True]


def test_it_rests_after_not_having_been_seen_for_long(
    qtbot: QtBot, dock: SynthesisDock, session: Session, fakes: list[FakeRun]
) -> None:
    opened(qtbot, dock, session)
    dock._rest.setInterval(20)
    dock.hide()
    qtbot.waitUntil(lambda: not fakes[0].running, timeout=2000)
    opened(qtbot, dock, session, 6)
    assert len(fakes) == 2


def test_a_run_that_cannot_be_used_says_why_and_can_be_tried_again(
    qtbot: QtBot, dock: SynthesisDock, session: Session, fakes: list[FakeRun]
) -> None:
    FakeRun.fault = "weights.safetensors: there are no weights; fit the model first"
    go_to(session, 5)
    dock.show()
    qtbot.waitUntil(lambda: "there are no weights" in dock.page.said(), timeout=5000)
    again = part(dock, QPushButton, "again")
    session.show(replace(session.atlas))  # it is not begun again and again by itself
    assert len(fakes) == 1
    FakeRun.fault = ""
    QTest.mouseClick(again, LEFT)
    qtbot.waitUntil(lambda: dock.shown == 5, timeout=5000)
    assert again.isHidden()


def test_a_child_that_dies_is_told(qtbot: QtBot, dock: SynthesisDock, session: Session) -> None:
    run = opened(qtbot, dock, session)
    run.running = False
    part(dock, QSlider, "speed").setValue(150)
    qtbot.waitUntil(lambda: "ended with status 9" in dock.page.said(), timeout=5000)
    assert part(dock, QPushButton, "again").isVisible()


def test_where_there_is_no_window_it_says_what_to_do(qtbot: QtBot, dock: SynthesisDock, session: Session) -> None:
    opened(qtbot, dock, session)
    session.seek("jellyfish-1", "0", 10**6)
    qtbot.waitUntil(lambda: "Click a point on the map" in dock.page.said(), timeout=5000)
    go_to(session, 7)
    qtbot.waitUntil(lambda: dock.shown == 7 and not dock.page.said(), timeout=5000)


def test_the_window_may_go_while_the_child_is_asked(qtbot: QtBot, session: Session, player: Player) -> None:
    gone = SynthesisDock(Desk(session), player, FakeRun)
    FakeRun.gate.clear()
    gone.show()
    gone.deleteLater()
    qtbot.waitUntil(lambda: not FakeRun.made[0].running, timeout=5000)
    FakeRun.gate.set()
    qtbot.wait(50)


def test_a_pose_keeps_its_size_and_hides_what_is_unknown() -> None:
    facts = Facts.of(HELLO)
    made = made_of({"species": "jellyfish", "values": packed(np.zeros((1, 3))), **_points([0, 0, 1], [1, 0, 0])}, facts)
    box = QRectF(0, 0, 200, 200)
    joints, lines = body(made, 0, Turn(0.0, 0.0), box)
    assert len(lines) == 1
    assert joints[0].x() == pytest.approx(100)
    assert joints[0].y() < joints[1].y() == pytest.approx(100)
    assert joints[1].x() > 100
    away, _ = body(made, 0, Turn(90.0, 0.0), box)
    assert away[1].x() == pytest.approx(100)
    made.points[0, 1] = np.nan
    assert [len(found) for found in body(made, 0, Turn(), box)] == [1, 0]


def _points(*joints: list[float]) -> dict[str, Any]:
    return {"points": packed(np.array([joints], dtype=float))}


def test_a_trace_has_gaps_where_nothing_is_known() -> None:
    species = Facts.of(HELLO).species["stickleback"]
    values = np.array([[0.0], [1.0], [np.nan], [0.5]], dtype=np.float32)
    made = Made(species, values, np.empty((0, 0, 2), np.float32))
    ((channel, lane),) = box_of(made, QRectF(0, 0, 100, 50))
    first, second = traces(made, channel, lane)
    assert (first.size(), second.size()) == (2, 1)
    assert first[0].y() > first[1].y()
    (nothing,) = traces(replace(made, values=np.full((3, 1), np.nan, np.float32)), 0, lane)
    assert nothing.size() == 0
