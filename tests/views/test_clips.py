"""The wall of clips under real mouse and keys."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDockWidget,
    QLabel,
    QMainWindow,
    QPushButton,
    QSpinBox,
    QWidget,
)

from napari_atlas import workflow
from napari_atlas.data.clusters import Clustering
from napari_atlas.data.marks import Annotations, Mark, Spans
from napari_atlas.data.windows import SPLITS
from napari_atlas.io.clips import ClipLibrary
from napari_atlas.jobs import JobError
from napari_atlas.session.session import Session
from napari_atlas.views import _runner
from napari_atlas.views.clips import ClipsDock
from napari_atlas.views.desk import Desk

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

pytestmark = pytest.mark.gui
LEFT = Qt.MouseButton.LeftButton
Number = Callable[[object], int]


@pytest.fixture
def striped(striped_project: Path) -> Atlas:
    """Return an atlas with latents, two clusters, and the first half of the windows held out."""
    atlas = workflow.load_atlas(striped_project)
    n = len(atlas.windows.table)
    split = np.where(np.arange(n) < n // 2, SPLITS.index("test"), SPLITS.index("train")).astype(np.int8)
    latents = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    clusters = Clustering("kinds", "by hand", np.arange(n) % 2, ("even", "odd"))
    return replace(atlas, windows=atlas.windows.with_split(split), latents=latents, clusterings=(clusters,))


@pytest.fixture
def session(striped: Atlas) -> Session:
    session = Session()
    session.show(striped)
    return session


@pytest.fixture
def dock(qtbot: QtBot, session: Session) -> Iterator[ClipsDock]:
    widget = ClipsDock(Desk(session))
    qtbot.addWidget(widget)
    widget.resize(900, 300)
    with qtbot.waitExposed(widget):
        widget.show()
    ready(qtbot, widget)
    yield widget
    widget.close()
    ready(qtbot, widget)


def ready(qtbot: QtBot, dock: ClipsDock) -> None:
    qtbot.waitUntil(lambda: not dock.loading, timeout=20_000)


def part(dock: ClipsDock, kind: type[QWidget], name: str) -> QWidget:
    found = dock.findChild(kind, f"atlas-clips-{name}")
    assert found is not None
    return found


def said(dock: ClipsDock) -> str:
    return str(part(dock, QLabel, "said").text())


def test_held_out_windows_of_the_selection_appear_and_play(
    qtbot: QtBot, dock: ClipsDock, session: Session, number_of: Number
) -> None:
    assert "Select windows on the map" in part(dock, QLabel, "empty").text()
    assert part(dock, QLabel, "empty").isVisible()
    assert not dock.wall.panes.isVisible()
    session.select(np.arange(4, 40))
    ready(qtbot, dock)
    windows, panes = dock.wall.windows, dock.wall.panes
    assert len(windows) == 9
    assert set(windows) <= set(range(4, 27))
    assert said(dock) == "9 of 36 windows"
    table = session.atlas.windows.table
    for window, content in zip(windows, panes.contents, strict=True):
        assert content.window == window
        assert content.clip.frames[0] == table.first_frame[window]
        if content.clip.note == "":
            assert [number_of(picture) for picture in content.clip.pictures] == content.clip.frames.tolist()
    begun = table.first_frame[list(windows)]
    seen = set()
    for _ in range(6):
        qtbot.wait(60)
        steps = set((np.array(panes.frames_shown()) - begun).tolist())
        assert len(steps) == 1, "all are at the same step"
        seen |= steps
    assert len(seen) > 2


def test_a_click_selects_the_window_and_goes_there(qtbot: QtBot, dock: ClipsDock, session: Session) -> None:
    session.select(np.arange(4, 20))
    ready(qtbot, dock)
    windows = dock.wall.windows
    QTest.mouseClick(dock.wall.panes.native, LEFT, pos=dock.wall.panes.middle_of(2))
    assert session.selection.ids.tolist() == [windows[2]]
    table = session.atlas.windows.table
    assert session.cursor.recording == table.keys[table.track[windows[2]]].recording
    assert table.first_frame[windows[2]] <= session.cursor.frame < table.stop_frame[windows[2]]
    qtbot.wait(250)
    assert dock.wall.windows == windows, "the wall stays"
    session.undo()
    qtbot.wait(250)
    ready(qtbot, dock)
    assert dock.wall.windows == windows


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_windows(n: int, qtbot: QtBot, dock: ClipsDock, session: Session) -> None:
    session.select(np.arange(3))
    ready(qtbot, dock)
    session.select(np.arange(n))
    qtbot.wait(200)
    ready(qtbot, dock)
    assert dock.wall.windows == tuple(sorted(dock.wall.windows)) or n > 1
    assert len(dock.wall.windows) == n
    assert part(dock, QPushButton, "export").isEnabled() == part(dock, QPushButton, "play").isEnabled() == (n > 0)


def test_what_is_shown_can_be_chosen(qtbot: QtBot, dock: ClipsDock, session: Session) -> None:
    of, n, choose = part(dock, QComboBox, "of"), part(dock, QSpinBox, "n"), part(dock, QComboBox, "choose")
    kept = Mark("selection", "kept", Spans.of_windows(session.atlas.windows.table, np.array([1, 2])))
    session.annotate(Annotations((kept,)))
    ready(qtbot, dock)
    assert [of.itemText(i) for i in range(of.count())] == [
        "Selected windows (0)",
        "Selection: kept",
        "kinds: even (27)",
        "kinds: odd (27)",
    ]
    n.setValue(3)
    pick(qtbot, dock, of, 3)
    assert len(dock.wall.windows) == 3
    assert all(w % 2 and w < 27 for w in dock.wall.windows)
    part(dock, QCheckBox, "held-out").setChecked(False)
    n.setValue(6)
    ready(qtbot, dock)
    assert max(dock.wall.windows) >= 27
    assert len(dock.wall.windows) == 6
    n.setValue(3)
    ready(qtbot, dock)
    again = part(dock, QPushButton, "again")
    assert not again.isVisible()
    pick(qtbot, dock, choose, 1)
    before = dock.wall.windows
    QTest.mouseClick(again, LEFT)
    ready(qtbot, dock)
    assert before != dock.wall.windows
    session.select(np.array([7]))
    ready(qtbot, dock)
    assert of.currentText() == "kinds: odd (27)", "another selection leaves the choice alone"
    pick(qtbot, dock, of, 1)
    assert sorted(dock.wall.windows) == [1, 2]


def pick(qtbot: QtBot, dock: ClipsDock, box: QWidget, row: int) -> None:
    """Choose an entry by the keyboard."""
    assert isinstance(box, QComboBox)
    while box.currentIndex() != row:
        QTest.keyClick(box, Qt.Key.Key_Down if box.currentIndex() < row else Qt.Key.Key_Up)
    ready(qtbot, dock)


def test_a_newer_selection_overtakes(
    qtbot: QtBot, dock: ClipsDock, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    clip = ClipLibrary.clip

    def slow(library: ClipLibrary, table: object, window: int, *rest: object) -> object:
        read.append(window)
        time.sleep(0.1)
        return clip(library, table, window, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(ClipLibrary, "clip", slow)
    session.select(np.arange(0, 9))
    qtbot.waitUntil(lambda: len(read) >= 2, timeout=5000)
    assert "loading" in said(dock)
    assert any(content.clip is None for content in dock.wall.panes.contents)
    session.select(np.arange(10, 13))
    ready(qtbot, dock)
    assert sorted(dock.wall.windows) == [10, 11, 12]
    assert all(len(content.clip.frames) > 1 for content in dock.wall.panes.contents)
    assert len([window for window in read if window < 9]) < 7, "what nobody waits for is not read"


def test_nothing_is_read_while_hidden(
    qtbot: QtBot, dock: ClipsDock, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.select(np.arange(3))
    ready(qtbot, dock)
    read: list[int] = []
    clip = ClipLibrary.clip
    monkeypatch.setattr(ClipLibrary, "clip", lambda lib, t, w, *r: (read.append(w), clip(lib, t, w, *r))[1])
    dock.hide()
    session.select(np.arange(4, 6))
    session.group(())
    qtbot.wait(300)
    assert not read
    assert not dock.loading
    dock.show()
    qtbot.waitUntil(lambda: sorted(dock.wall.windows) == [4, 5], timeout=5000)
    ready(qtbot, dock)
    assert part(dock, QComboBox, "of").count() == 1
    dock.close()
    dock.show()
    ready(qtbot, dock)
    assert sorted(read) == [4, 4, 5, 5], "what is there already is not read again"


def test_nothing_is_read_behind_a_tab(qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    clip = ClipLibrary.clip
    monkeypatch.setattr(ClipLibrary, "clip", lambda lib, t, w, *r: (read.append(w), clip(lib, t, w, *r))[1])
    window, docks = QMainWindow(), [QDockWidget(), QDockWidget()]
    qtbot.addWidget(window)
    dock = ClipsDock(Desk(session))
    for place, widget in zip(docks, (QLabel("other"), dock), strict=True):
        place.setWidget(widget)
        window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, place)
    window.tabifyDockWidget(docks[0], docks[1])
    docks[0].raise_()
    with qtbot.waitExposed(window):
        window.show()
    session.select(np.array([4, 5]))
    qtbot.wait(300)
    assert not dock.isVisible()
    for _ in range(2):
        assert not dock.loading
        docks[1].raise_()
        qtbot.waitUntil(lambda: sorted(dock.wall.windows) == [4, 5], timeout=5000)
        ready(qtbot, dock)
        assert dock.isVisible()
        assert sorted(read) == [4, 4, 5, 5]
        docks[0].raise_()
        qtbot.waitUntil(lambda: not dock.isVisible(), timeout=5000)
    window.close()


def test_a_recording_that_is_removed_while_shown(
    qtbot: QtBot, dock: ClipsDock, session: Session, striped_project: Path
) -> None:
    workflow.remove(striped_project, ("a",))
    session.select(np.array([3, 4]))
    ready(qtbot, dock)
    assert all("does not hold it" in content.fault for content in dock.wall.panes.contents)
    assert part(dock, QLabel, "said").isVisible()
    assert dock.wall.panes.isVisible()


def test_space_plays_and_pauses(qtbot: QtBot, dock: ClipsDock, session: Session) -> None:
    session.select(np.arange(3))
    ready(qtbot, dock)
    for widget in (dock, dock.wall.panes, part(dock, QPushButton, "play")):
        before = dock.wall.panes.playing
        QTest.keyClick(widget, Qt.Key.Key_Space)
        assert dock.wall.panes.playing is not before


def test_every_control_says_what_it_does(dock: ClipsDock) -> None:
    for kind, name in ((QComboBox, "of"), (QSpinBox, "n"), (QComboBox, "choose"), (QPushButton, "export")):
        widget = part(dock, kind, name)
        assert widget.toolTip()
        assert widget.accessibleName()
        assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    for theme in ("dark", "light"):
        dock.set_theme(theme)


def test_without_a_project(qtbot: QtBot) -> None:
    dock = ClipsDock(Desk(Session()))
    qtbot.addWidget(dock)
    dock.show()
    qtbot.waitUntil(lambda: part(dock, QLabel, "empty").text() == "No project is open.", timeout=5000)
    dock.export(Path("nowhere"))
    dock.close()


def test_what_is_shown_is_saved(qtbot: QtBot, dock: ClipsDock, session: Session, tmp_path: Path) -> None:
    session.select(np.arange(3, 6))
    ready(qtbot, dock)
    dock.export(tmp_path / "out", "png")
    assert not part(dock, QPushButton, "export").isEnabled()
    qtbot.waitUntil(lambda: not session.job.running, timeout=60_000)
    assert said(dock).endswith(f"saved in {tmp_path / 'out'}")
    clips = json.loads((tmp_path / "out" / "clips.json").read_text(encoding="utf-8"))["clips"]
    assert [clip["window"] for clip in clips] == list(dock.wall.windows)


def test_what_cannot_be_saved_is_told_in_the_dock(
    qtbot: QtBot, dock: ClipsDock, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fails:
        verb, stopped, run_folder = "clips", False, Path()

        def __init__(self, *arguments: str) -> None:
            asked.append(arguments)

        def events(self) -> Iterator[dict[str, object]]:
            yield {"event": "progress", "text": "clip 1 of 2"}
            raise JobError("/full: it cannot be written (No space left on device); free some space or check rights")

    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(_runner, "Job", Fails)
    session.select(np.arange(3, 5))
    ready(qtbot, dock)
    dock.export(Path("/full"), "gif", grid=True)
    qtbot.waitUntil(lambda: not session.job.running, timeout=10_000)
    assert "No space left on device" in said(dock)
    assert asked[0][3:] == ("--windows", ",".join(map(str, dock.wall.windows)), "--format", "gif", "--grid")
