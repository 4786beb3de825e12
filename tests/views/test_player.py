"""Playing, looping, following, and finding a project as it was left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QToolButton

from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import Recording
from napari_atlas.io import recent
from napari_atlas.io.view_state import read_view
from napari_atlas.session.linking import cursor_of
from napari_atlas.session.session import Cursor, Session
from napari_atlas.views import _playing
from napari_atlas.views._lens import Lens
from napari_atlas.views._memory import Memory, told, use
from napari_atlas.views._playing import Player, Stretch, frame_after, stretch_at
from napari_atlas.views._shortcuts import KEYS, keys_dialog
from napari_atlas.views.player import PlayerBar

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

pytestmark = pytest.mark.gui


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(_playing, "time", made)
    return made


@pytest.fixture
def session(atlas: Atlas) -> Session:
    made = Session()
    made.show(atlas)
    cursor = cursor_of(atlas, 3)
    made.seek(cursor.recording, cursor.individual, cursor.frame)
    return made


@pytest.fixture
def player(session: Session, clock: Clock, qtbot: QtBot) -> Iterator[Player]:
    made = Player(session)
    yield made
    made.close()


def test_frames_come_round_in_a_loop_and_stay_at_the_end_without() -> None:
    loop = Stretch(100, 110, True)
    assert [frame_after(loop, 108, n) for n in range(5)] == [108, 109, 100, 101, 102]
    assert [frame_after(Stretch(100, 110, False), 108, n) for n in range(4)] == [108, 109, 109, 109]


def test_the_stretch_is_the_window_or_the_recording(atlas: Atlas) -> None:
    table, cursor = atlas.windows.table, cursor_of(atlas, 3)
    assert stretch_at(atlas, cursor, True) == Stretch(int(table.first_frame[3]), int(table.stop_frame[3]), True)
    assert stretch_at(atlas, cursor, False) == Stretch(100, 100 + 1200, False)
    assert not stretch_at(atlas, replace(cursor, frame=10**6), True).round, "no window there to go round"


def test_it_plays_by_the_clock_and_leaves_frames_out(
    player: Player, session: Session, clock: Clock, qtbot: QtBot
) -> None:
    begin = session.cursor.frame
    player.toggle()
    clock.now = 0.501
    qtbot.waitUntil(lambda: session.cursor.frame == begin + 10, timeout=2000)  # 20 frames per second
    clock.now = 3.001
    qtbot.waitUntil(lambda: session.cursor.frame == begin + 60, timeout=2000)
    player.set(speed=0.5)
    clock.now = 4.002
    qtbot.waitUntil(lambda: session.cursor.frame == begin + 70, timeout=2000)
    player.toggle()
    clock.now = 9.0
    qtbot.wait(80)
    assert session.cursor.frame == begin + 70, "paused"


def test_it_loops_the_window_and_another_one_after_a_click(
    player: Player, session: Session, clock: Clock, qtbot: QtBot
) -> None:
    atlas = session.atlas
    assert atlas is not None
    table, begin = atlas.windows.table, session.cursor.frame
    player.set(loop=True)
    player.toggle()
    long = int(table.stop_frame[3] - table.first_frame[3])
    clock.now = (long - 5) / 20 + 0.001
    qtbot.waitUntil(lambda: session.cursor.frame == begin - 5, timeout=2000)
    there = cursor_of(atlas, 20)
    session.seek(there.recording, there.individual, there.frame)
    clock.now += (long - 1) / 20 + 0.001
    qtbot.waitUntil(lambda: session.cursor.frame == there.frame - 1, timeout=2000)


def test_it_stops_at_the_end_and_begins_anew_from_there(
    player: Player, session: Session, clock: Clock, qtbot: QtBot
) -> None:
    session.seek(session.cursor.recording, session.cursor.individual, 1290)
    player.toggle()
    clock.now = 60.0
    qtbot.waitUntil(lambda: not player.playing, timeout=2000)
    assert session.cursor.frame == 1299
    player.toggle()
    qtbot.waitUntil(lambda: session.cursor.frame == 100, timeout=2000)


def test_the_bar_leads_and_follows(player: Player, session: Session, qtbot: QtBot) -> None:
    lens = Lens(ViewerModel())
    bar = PlayerBar(session, player, lens)
    qtbot.addWidget(bar)
    bar.show()
    assert bar.where() == "window 4 of 28"
    QTest.mouseClick(bar.findChild(QToolButton, "atlas-step-on"), Qt.MouseButton.LeftButton)
    assert bar.where() == "window 5 of 28"
    bar.loop.setFocus()
    QTest.keyClick(bar.loop, Qt.Key.Key_Space)
    assert player.loop
    assert bar.loop.isChecked()
    QTest.mouseClick(bar.play, Qt.MouseButton.LeftButton)
    assert player.playing
    assert "Pause" in bar.play.text()
    QTest.mouseClick(bar.play, Qt.MouseButton.LeftButton)
    assert "Play" in bar.play.text()
    bar.close()
    session.seek("stickleback-1", "0", 300)
    bar.show()
    assert bar.where().startswith("window"), "it listens again after it was closed"


def test_nothing_open_leaves_nothing_to_press(qtbot: QtBot) -> None:
    session = Session()
    player = Player(session)
    bar = PlayerBar(session, player, Lens(ViewerModel()))
    qtbot.addWidget(bar)
    assert not bar.play.isEnabled()
    player.toggle()
    assert not player.playing
    player.close()


def walker(n: int = 400) -> Recording:
    """Return an animal that walks from the upper left to the lower right, missing at frame 50."""
    from napari_atlas.data.timebase import TimeBase

    places = np.linspace(20, 380, n)[:, None, None, None] + np.zeros((n, 1, 2, 2))
    places[50] = np.nan
    return Recording("a", "fish", Pose(places, ("x", "y"), ("0",)), TimeBase(n, 20.0))


def test_the_lens_follows_and_centres_jumps_when_it_is_near() -> None:
    viewer, recording = ViewerModel(), walker()
    viewer.add_image(np.zeros((400, 400, 400), dtype=np.uint8))
    lens, camera = Lens(viewer), viewer.scene.camera
    lens.show_all()
    whole, centre = camera.zoom, camera.center
    lens.look(recording, 0, Cursor("a", "0", 300))
    assert camera.center == centre, "the whole picture is in view: the camera rests"
    camera.zoom = 3 * whole
    lens.look(recording, 0, Cursor("a", "0", 302))
    assert camera.center == centre, "played on, not jumped"
    lens.look(recording, 0, Cursor("a", "0", 100))
    expected = float(np.linspace(20, 380, 400)[100])
    assert np.allclose(camera.center[-2:], (expected, expected))
    camera.zoom = whole
    lens.set_follow(True)
    assert camera.zoom > 1.5 * whole, "it comes nearer"
    lens.look(recording, 0, Cursor("a", "0", 101))
    assert np.allclose(camera.center[-2:], float(np.linspace(20, 380, 400)[101]))
    lens.look(recording, 0, Cursor("a", "0", 50))
    assert np.isfinite(camera.center).all(), "an animal that was not tracked leaves the camera where it is"
    lens.set_follow(False)
    assert camera.zoom == whole


def test_a_view_comes_back_as_it_was(session: Session, atlas: Atlas) -> None:
    session.select(np.array([4, 9, 30]), name="turns")
    session.color("temperature")
    session.arrange(axes="pca", dims=(1, 2), shown="held-out (test)", limits={"temperature": (22.0, 30.0)})
    view = json.loads(json.dumps(told(session)))
    other = Session()
    other.show(atlas)
    use(other, view)
    assert told(other) == told(session)
    assert other.map_state == session.map_state
    assert (other.selection.ids.tolist(), other.selection.name) == ([4, 9, 30], "turns")


@pytest.mark.parametrize(
    "view",
    [
        {},
        {"color_by": 3, "cursor": {"recording": "gone", "individual": "0", "frame": 1}, "selection": [], "map": 7},
        {"map": {"axes": "polar", "dims": [0], "limits": {"x": "wide"}}, "selection": {"spans": "all"}},
        {"map": {"dims": [0, 99]}, "cursor": {"recording": "jellyfish-1"}},
    ],
)
def test_a_view_that_makes_no_sense_is_passed_over(session: Session, view: dict[str, object]) -> None:
    before = told(session)
    use(session, view)
    assert told(session) == before


def test_memory_keeps_a_moment_after_a_change_and_finds_it_again(
    atlas: Atlas, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "user_state_path", lambda _: tmp_path / "state")
    (tmp_path / "project.toml").write_text("format = 1\n")
    session = Session()
    memory = Memory(session)
    session.show(atlas)
    qtbot.waitUntil(lambda: recent.recent_projects() == (tmp_path.resolve(),), timeout=3000)
    qtbot.wait(100)
    session.color("split")
    session.seek("stickleback-2", "0", 400)
    qtbot.waitUntil(lambda: read_view(tmp_path).get("color_by") == "split", timeout=3000)
    session.color("activity")
    memory.close()  # before the moment is over
    assert read_view(tmp_path)["color_by"] == "activity"
    again = Session()
    later = Memory(again)
    again.show(atlas)
    qtbot.waitUntil(lambda: again.color_by == "activity", timeout=3000)
    assert again.cursor == Cursor("stickleback-2", "0", 400)
    later.close()


def test_the_list_of_keys_names_them_all(qtbot: QtBot) -> None:
    from qtpy.QtWidgets import QLabel

    dialog = keys_dialog(None)
    qtbot.addWidget(dialog)
    shown = " ".join(label.text() for label in dialog.findChildren(QLabel))
    for _, keys in KEYS:
        assert all(key in shown and meaning in shown for key, meaning in keys)
