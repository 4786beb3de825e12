"""The compare dock under real events: the right windows, together, and no work that nobody sees."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QCheckBox, QComboBox, QLabel, QPushButton, QSpinBox

from napari_atlas.data.atlas import Atlas
from napari_atlas.data.clip import Clip
from napari_atlas.data.clusters import Clustering
from napari_atlas.data.windows import SPLITS, Windows, WindowTable
from napari_atlas.errors import InputError
from napari_atlas.session.linking import cursor_of
from napari_atlas.session.session import Session
from napari_atlas.views._keeper import Keeper
from napari_atlas.views.compare import CompareDock
from napari_atlas.views.desk import Desk

pytestmark = pytest.mark.gui
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
NO_POINTS = np.empty((0, 2), dtype=np.float32)
NO_LINES = np.empty((0, 2, 2), dtype=np.float32)


class FakeLibrary:
    """Clips of one plain colour; recordings in ``gone`` cannot be read, and ``gate`` holds reading back."""

    def __init__(self) -> None:
        self.read: list[int] = []
        self.gone: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()

    def clip(self, table: WindowTable, window: int, size=(24, 18), most=60) -> Clip:
        self.gate.wait(10)
        self.read.append(window)
        key = table.keys[table.track[window]]
        if key.recording in self.gone:
            raise InputError.of(f"recording {key.recording}", "it is not in the project", "open the project again")
        first, stop = int(table.first_frame[window]), int(table.stop_frame[window])
        frames = np.linspace(first, stop - 1, 5 + window % 7).astype(np.int64)
        n = len(frames)
        pictures = np.full((n, 18, 24, 3), window % 200, dtype=np.uint8)
        return Clip(
            key.recording, key.individual, frames, pictures, (NO_POINTS,) * n, (NO_LINES,) * n, "#E69F00", frames / 20.0
        )


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLibrary]:
    made = FakeLibrary()
    monkeypatch.setattr(Keeper, "library", property(lambda self: made))
    yield made
    made.gate.set()


@pytest.fixture
def known(atlas: Atlas) -> Atlas:
    """Return an atlas with a latent of its own for each window."""
    rng = np.random.default_rng(5)
    return replace(atlas, latents=rng.normal(size=(len(atlas.windows.table), 3)).astype(np.float32))


@pytest.fixture
def session(known: Atlas) -> Session:
    made = Session()
    made.show(known)
    return made


@pytest.fixture
def dock(qtbot: QtBot, session: Session, library: FakeLibrary) -> CompareDock:
    made = CompareDock(Desk(session))
    qtbot.addWidget(made)
    made.resize(900, 260)
    made.panes.pause()
    with qtbot.waitExposed(made):
        made.show()
    return made


def go_to(session: Session, window: int) -> None:
    cursor = cursor_of(session.atlas, window)
    session.seek(cursor.recording, cursor.individual, cursor.frame)


def shown(dock: CompareDock) -> list[int]:
    return [content.window for content in dock.panes.contents]


def wait_for(qtbot: QtBot, dock: CompareDock, windows: list[int]) -> None:
    """Wait until these windows are shown, with their clips."""

    def ready() -> bool:
        return shown(dock) == windows and all(c.clip or c.fault for c in dock.panes.contents)

    qtbot.waitUntil(ready, timeout=8000)


def nearest(atlas: Atlas, window: int, k: int = 3, among: str = "test", species: str = "") -> list[int]:
    """Return a window with its nearest of another species, by looking at every one of them."""
    table, own = atlas.windows.table, atlas.windows.table.keys[atlas.windows.table.track[window]].species
    away = []
    for i in range(len(table)):
        key = table.keys[table.track[i]]
        wanted = key.species == species if species else key.species != own
        if wanted and table.track[i] != table.track[window] and (not among or SPLITS[table.split[i]] == among):
            away.append((float(((atlas.latents[i] - atlas.latents[window]).astype(float) ** 2).sum()), i))
    return [i for _, i in sorted(away)[:k]]


def said(dock: CompareDock, name: str) -> str:
    label = dock.findChild(QLabel, f"atlas-compare-{name}")
    return label.text() if label.isVisible() else ""


def test_the_window_at_the_cursor_is_shown_with_its_nearest_ones(dock, session, known, qtbot) -> None:
    for window in (3, 77):
        go_to(session, window)
        wait_for(qtbot, dock, [window, *nearest(known, window)])
    words = dock.panes.words().splitlines()
    table = known.windows.table
    for line, i in zip(words, shown(dock), strict=True):
        key = table.keys[table.track[i]]
        assert line.startswith(f"{key.recording} / {key.individual}")
        assert f"{table.temperature[i]:.1f} °C" in line
        assert "(5 s)" in line
    assert "this window" in words[0]
    assert all("nearer than" in line and "apart" in line for line in words[1:])
    np.testing.assert_allclose(dock.panes.contents[1].trace, known.windows.gather(np.array(shown(dock)[1:2]))[0, :, 0])


def test_settings_change_what_is_searched(dock, session, known, qtbot) -> None:
    go_to(session, 3)
    dock.findChild(QSpinBox, "atlas-compare-k").setValue(2)
    wait_for(qtbot, dock, [3, *nearest(known, 3, 2)])
    QTest.mouseClick(dock.findChild(QCheckBox, "atlas-compare-held-out"), LEFT)
    wait_for(qtbot, dock, [3, *nearest(known, 3, 2, among="")])
    QTest.mouseClick(dock.findChild(QCheckBox, "atlas-compare-own"), LEFT)
    own = nearest(known, 3, 2, among="", species="jellyfish")
    wait_for(qtbot, dock, [3, *nearest(known, 3, 2, among=""), *own])
    QTest.mouseClick(dock.findChild(QCheckBox, "atlas-compare-one"), LEFT)
    qtbot.waitUntil(lambda: len(shown(dock)) == 4, timeout=4000)
    recordings = [content.title.split(" / ")[0] for content in dock.panes.contents[1:3]]
    assert len(set(recordings)) == 2


def test_panes_play_in_phase(dock, session, known, qtbot) -> None:
    go_to(session, 5)
    wait_for(qtbot, dock, [5, *nearest(known, 5)])
    QTest.mouseClick(dock.findChild(QPushButton, "atlas-compare-play"), LEFT)
    log: list[tuple[float, tuple[int, ...]]] = []
    dock.panes.phase_changed.connect(lambda phase: log.append((phase, dock.panes.frames_shown())))
    qtbot.waitUntil(lambda: len(log) > 10, timeout=8000)
    for phase, frames in log:
        for content, frame in zip(dock.panes.contents, frames, strict=True):
            assert frame == content.clip.frames[int(phase * len(content.clip.frames))]
    QTest.keyClick(dock, Qt.Key.Key_Space)
    assert not dock.panes.playing
    assert dock.findChild(QPushButton, "atlas-compare-play").text() == "Play"


def test_within_a_window_and_out_of_sight_nothing_is_read(dock, session, known, library, qtbot) -> None:
    go_to(session, 4)
    wait_for(qtbot, dock, [4, *nearest(known, 4)])
    read, cursor = len(library.read), session.cursor
    for frame in range(cursor.frame - 15, cursor.frame + 15, 3):
        session.seek(cursor.recording, cursor.individual, frame)
        QTest.qWait(20)
    QTest.qWait(250)
    assert len(library.read) == read
    dock.hide()
    go_to(session, 60)
    QTest.qWait(250)
    assert len(library.read) == read
    dock.show()
    wait_for(qtbot, dock, [60, *nearest(known, 60)])
    dock.close()
    assert not dock._links._connected
    dock.show()
    go_to(session, 9)
    wait_for(qtbot, dock, [9, *nearest(known, 9)])


def test_the_comparison_keeps_up_with_a_video_that_plays(dock, session, known) -> None:
    cursor, end, moved = cursor_of(known, 6), time.monotonic() + 8, 0
    while shown(dock)[:1] != [6]:
        assert time.monotonic() < end, "it waits for the video to stop"
        moved += 1
        session.seek(cursor.recording, cursor.individual, cursor.frame + moved % 9)
        QTest.qWait(15)


def test_what_is_passed_over_quickly_is_not_shown(dock, session, known, library, qtbot) -> None:
    go_to(session, 4)
    wait_for(qtbot, dock, [4, *nearest(known, 4)])
    library.gate.clear()
    before = len(library.read)
    go_to(session, 10)
    qtbot.waitUntil(lambda: shown(dock)[0] == 10, timeout=4000)
    for window in (20, 21, 22):
        go_to(session, window)
        QTest.qWait(30)
    qtbot.waitUntil(lambda: shown(dock)[0] == 22, timeout=4000)
    library.gate.set()
    wait_for(qtbot, dock, [22, *nearest(known, 22)])
    assert library.read[before:] == [10, 22, *nearest(known, 22)]


def test_a_kept_window_stays_until_another_one_is_opened(dock, session, known, qtbot) -> None:
    go_to(session, 4)
    wait_for(qtbot, dock, [4, *nearest(known, 4)])
    pin = dock.findChild(QPushButton, "atlas-compare-pin")
    QTest.mouseClick(pin, LEFT)
    go_to(session, 70)
    QTest.qWait(250)
    assert shown(dock)[0] == 4
    other = shown(dock)[1]
    QTest.mouseDClick(dock.panes.native, LEFT, NONE, dock.panes.middle_of(1))
    wait_for(qtbot, dock, [other, *nearest(known, other)])
    go_to(session, 70)
    QTest.qWait(200)
    assert shown(dock)[0] == other, "it is kept in turn"
    QTest.keyClick(dock, Qt.Key.Key_P)
    assert not pin.isChecked()
    wait_for(qtbot, dock, [70, *nearest(known, 70)])


def test_a_click_selects_and_a_double_click_goes_there(dock, session, known, qtbot) -> None:
    go_to(session, 4)
    wait_for(qtbot, dock, [4, *nearest(known, 4)])
    first = shown(dock)[1]
    QTest.mouseClick(dock.panes.native, LEFT, NONE, dock.panes.middle_of(1))
    assert session.selection.ids.tolist() == [first]
    assert session.cursor == cursor_of(known, 4)
    session.select(np.empty(0, dtype=np.int64))
    QTest.mouseDClick(dock.panes.native, LEFT, NONE, dock.panes.middle_of(1))
    assert session.cursor == cursor_of(known, first)
    wait_for(qtbot, dock, [first, *nearest(known, first)])


def test_keys_and_buttons_step(dock, session, known, qtbot) -> None:
    go_to(session, 4)
    wait_for(qtbot, dock, [4, *nearest(known, 4)])
    QTest.keyClick(dock.panes, Qt.Key.Key_J)
    wait_for(qtbot, dock, [5, *nearest(known, 5)])
    QTest.mouseClick(dock.findChild(QPushButton, "atlas-compare-back"), LEFT)
    QTest.keyClick(dock, Qt.Key.Key_K)
    wait_for(qtbot, dock, [3, *nearest(known, 3)])


def test_clusters_are_set_side_by_side(dock, session, known, qtbot) -> None:
    table = known.windows.table
    codes = np.where(table.of_key("species") == "jellyfish", np.arange(len(table)) % 2, 1)
    session.group((Clustering("k", "k-means", codes, ("A", "B")),))
    what = dock.findChild(QComboBox, "atlas-compare-what")
    assert what.isVisible()
    for _ in range(2):
        QTest.keyClick(what, Qt.Key.Key_Down)
    assert dock.bar.clusters == ("k", "B")
    qtbot.waitUntil(lambda: len(shown(dock)) == 6 and all(c.clip for c in dock.panes.contents), timeout=4000)
    ids = np.array(shown(dock))
    assert (codes[ids] == 1).all()
    assert table.in_split("test")[ids].all()
    assert table.of_key("species")[ids].tolist() == ["jellyfish"] * 3 + ["stickleback"] * 3
    against = dock.findChild(QComboBox, "atlas-compare-against")
    QTest.keyClick(against, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: dock.panes.groups == (3, 3, 3, 1), timeout=4000)
    assert dock.panes.contents[-1].fault == "no window of stickleback is in A"
    session.group(())
    qtbot.waitUntil(lambda: "this window" in dock.panes.words() or bool(said(dock, "empty")), timeout=4000)


def test_a_recording_that_is_gone_is_said(dock, session, known, library, qtbot) -> None:
    library.gone = {"stickleback-2"}
    go_to(session, 4)
    wait_for(qtbot, dock, [4, *nearest(known, 4)])
    assert {c.fault for c in dock.panes.contents[1:]} == {"cannot be shown"}
    assert "recording stickleback-2: it is not in the project" in dock.panes.contents[1].tip
    pin = dock.findChild(QPushButton, "atlas-compare-pin")
    QTest.mouseClick(pin, LEFT)
    session.show(without(known, "jellyfish-1"))
    qtbot.waitUntil(lambda: "Click a point on the map" in said(dock, "empty"), timeout=4000)
    assert not pin.isChecked()
    assert session.atlas.windows.table.keys[0].recording == "jellyfish-2"
    go_to(session, 2)
    wait_for(qtbot, dock, [2, *nearest(session.atlas, 2)])


def without(atlas: Atlas, *recordings: str) -> Atlas:
    """Return an atlas without some recordings."""
    table = atlas.windows.table
    kept = ~np.isin(table.of_key("recording"), recordings)
    tracks = tuple(track for track in atlas.tracks if track.key.recording not in recordings)
    windows = Windows.from_tracks(tracks, atlas.windows.species).with_split(table.split[kept])
    infos = {name: info for name, info in atlas.recordings.items() if name not in recordings}
    return replace(atlas, recordings=infos, windows=windows, tracks=tracks, latents=atlas.latents[kept])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda a: without(a, "stickleback-1", "stickleback-2"), "only one species (jellyfish)"),
        (lambda a: replace(a, latents=np.empty((0, 0), dtype=np.float32)), "no model yet"),
        (lambda a: replace(a, latents=np.full_like(a.latents, np.nan)), "knows no place"),
        (lambda a: without(a, *a.recordings), "no windows yet"),
    ],
)
def test_why_there_is_nothing_is_said(dock, session, known, qtbot, change, told) -> None:
    session.show(change(known))
    if len(session.atlas.windows.table):
        go_to(session, 4)
    qtbot.waitUntil(lambda: told in said(dock, "empty"), timeout=4000)
    assert not dock.panes.isVisible()
    dock.grab()


def test_one_species_can_be_compared_with_itself(dock, session, known, qtbot) -> None:
    alone = without(known, "stickleback-1", "stickleback-2")
    session.show(alone)
    go_to(session, 4)
    QTest.mouseClick(dock.findChild(QCheckBox, "atlas-compare-own"), LEFT)
    wait_for(qtbot, dock, [4, *nearest(alone, 4, species="jellyfish")])


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_windows_of_a_species_are_enough(dock, session, known, qtbot, n) -> None:
    few = replace(known.tracks[2], starts=known.tracks[2].starts[:n])
    tracks = (known.tracks[0], few)
    windows = Windows.from_tracks(tracks, known.windows.species)
    latents = known.latents[: len(windows.table)]
    session.show(replace(known, windows=windows, tracks=tracks, latents=latents))
    go_to(session, 0)
    wait_for(qtbot, dock, [0, *nearest(session.atlas, 0, among="")])
    assert len(shown(dock)) == 1 + n
    note = dock.findChild(QLabel, "atlas-compare-note")
    assert "No window of stickleback was held out" in note.toolTip()


def test_what_speaks_against_the_comparison_is_said(dock, session, known, qtbot) -> None:
    figures = {"difference": 0.31, "shuffled": 0.33, "shuffled_5th": 0.25, "smallest_p": 0.01}
    session.show(replace(known, card={"neighbours": {"jellyfish and stickleback": figures}}))
    held_out = int(np.flatnonzero(known.windows.table.in_split("test"))[0])
    go_to(session, held_out)
    qtbot.waitUntil(lambda: shown(dock)[:1] == [held_out], timeout=4000)
    note = dock.findChild(QLabel, "atlas-compare-note")
    assert "no more alike than chance (°C ranks 0.31 apart, 0.33 when shuffled)" in note.toolTip()
    assert "trained on" not in note.toolTip()
    go_to(session, 0)
    qtbot.waitUntil(lambda: "This window was trained on" in note.toolTip(), timeout=4000)


def test_every_control_has_a_name_and_a_meaning(dock, session) -> None:
    for widget in dock.bar.findChildren((QPushButton, QCheckBox, QComboBox, QSpinBox)):
        if widget.objectName().startswith("atlas"):
            assert widget.toolTip()
            assert widget.accessibleName()
            assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_no_project_says_what_will_be_here(qtbot: QtBot, library: FakeLibrary) -> None:
    made = CompareDock(Desk(Session()))
    qtbot.addWidget(made)
    made.show()
    assert "Open a project" in said(made, "empty")
    made.set_theme("light")
    made.grab()
