"""Panes that play clips in phase, under real mouse and key events."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QColor
from qtpy.QtTest import QTest

from napari_atlas.data.clip import Clip
from napari_atlas.views._pane_layout import Style, lay_out
from napari_atlas.views._panes import PaneContent, Panes

pytestmark = pytest.mark.gui
LEFT, NONE, CONTROL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
NO_POINTS = np.empty((0, 2), dtype=np.float32)


def make_clip(n: int, first: int = 0, step: int = 1, fps: float = 20.0, color=(20, 20, 20)) -> Clip:
    """Return a clip of plain colour with one keypoint and one line in its middle."""
    pictures = np.broadcast_to(np.array(color, dtype=np.uint8), (n, 18, 24, 3)).copy()
    lines = tuple(np.array([[(2, 2), (20, 2)]], dtype=np.float32) for _ in range(n))
    nodes = tuple(np.array([(4, 15)], dtype=np.float32) for _ in range(n))
    return Clip("r", "a", first + step * np.arange(n), pictures, nodes, lines, "#FFFFFF", np.arange(n) / fps)


def content(clip: Clip | None, window: int = 0, **more: object) -> PaneContent:
    return PaneContent(clip, f"window {window}", "first\nsecond", np.sin(np.arange(9)), window, **more)


@pytest.fixture
def panes(qtbot: QtBot) -> Panes:
    made = Panes()
    qtbot.addWidget(made)
    made.resize(700, 220)
    with qtbot.waitExposed(made):
        made.show()
    return made


def test_clips_of_any_length_and_rate_play_in_phase(panes: Panes, qtbot: QtBot) -> None:
    clips = (make_clip(60, 100, 5, fps=12.0), make_clip(7, 0, 1, fps=40.0), make_clip(31, 9, 3), make_clip(1, 5))
    log: list[tuple[float, tuple[int, ...]]] = []
    panes.phase_changed.connect(lambda phase: log.append((phase, panes.frames_shown())))
    panes.show_contents(tuple(content(clip) for clip in clips))
    qtbot.waitUntil(lambda: len(log) > 12, timeout=8000)
    panes.pause()
    assert np.ptp([phase for phase, _ in log]) > 0.1, "they play"
    for phase, frames in log:
        for clip, frame in zip(clips, frames, strict=True):
            n = len(clip.frames)
            shown = int(np.flatnonzero(clip.frames == frame)[0]) / n
            assert shown <= phase < shown + 1 / n, "each is within one of its frames of the common phase"


def test_playing_pauses_by_itself_while_nobody_can_see_it(panes: Panes, qtbot: QtBot) -> None:
    panes.show_contents((content(make_clip(20)),))
    with qtbot.waitSignal(panes.phase_changed):
        pass
    panes.hide()
    before = panes.phase
    QTest.qWait(150)
    assert panes.phase == before
    assert panes.playing
    with qtbot.waitSignal(panes.phase_changed):
        panes.show()


def test_only_pictures_that_changed_are_uploaded(panes: Panes) -> None:
    panes.pause()
    one, other = content(make_clip(4), 1), content(make_clip(40), 2)
    panes.show_contents((one, other))
    assert panes.uploads() == 2
    panes.show_contents((replace(one, title="another"), other))
    panes.go_to(0.03)
    assert panes.uploads() == 3, "the first clip still shows its first picture"
    panes.show_contents((content(make_clip(4), 3), other))
    assert panes.uploads() == 4


def test_contents_that_change_50_times_leave_nothing_behind(panes: Panes, qtbot: QtBot) -> None:
    panes.pause()

    def change(i: int) -> int:
        """Show other panes, and return how many things the graphics card holds."""
        clips = [make_clip(3, color=(i, j, 0)) for j in range(1 + i % 6)]
        panes.show_contents(tuple(content(clip, j) for j, clip in enumerate(clips)), (i % 3,) if i % 6 > 1 else ())
        panes.grab()
        return len(panes._canvas.context.shared.parser._objects)

    held = [change(i) for i in range(62)]
    assert max(held[12:]) <= max(held[:12])


def test_a_pane_shows_its_picture_with_lines_and_keypoints(panes: Panes) -> None:
    panes.pause()
    panes.show_contents((content(make_clip(5, color=(200, 30, 30))), content(make_clip(5, color=(30, 30, 200)))))
    QTest.qWait(50)
    picture = panes.grab().toImage()
    ratio = picture.width() / panes.width()

    def at(point: QPoint) -> QColor:
        return picture.pixelColor(round(point.x() * ratio), round(point.y() * ratio))

    red, blue = (at(panes.middle_of(i)) for i in (0, 1))
    assert red.red() > 180 > 80 > red.blue()
    assert blue.blue() > 180 > 80 > blue.red()
    line = at(QPoint(*panes._shots()[0].lines[0].mean(axis=0).round().astype(int).tolist()))
    assert min(line.red(), line.green(), line.blue()) > 150


def test_mouse_and_keyboard_choose_panes(panes: Panes) -> None:
    clicked: list[int] = []
    opened: list[int] = []
    panes.clicked.connect(clicked.append)
    panes.opened.connect(opened.append)
    panes.show_contents(tuple(content(make_clip(4), i) for i in range(3)))
    QTest.mouseClick(panes.native, LEFT, NONE, panes.middle_of(2))
    assert clicked == [2]
    QTest.mouseDClick(panes.native, LEFT, NONE, panes.middle_of(1))
    assert opened == [1]
    QTest.keyClick(panes, Qt.Key.Key_Right)
    QTest.keyClick(panes, Qt.Key.Key_Return)
    assert clicked[-1] == 2
    QTest.keyClick(panes, Qt.Key.Key_Right)
    QTest.keyClick(panes, Qt.Key.Key_Return, CONTROL)
    assert opened[-1] == 0, "after the last comes the first"
    playing: list[bool] = []
    panes.playing_changed.connect(playing.append)
    for _ in range(2):
        QTest.keyClick(panes, Qt.Key.Key_Space)
    assert playing == [False, True]


def test_panes_say_what_they_wait_for_and_what_went_wrong(panes: Panes) -> None:
    noted = replace(make_clip(2), note="no video")
    panes.show_contents((content(None), content(None, fault="cannot be shown"), content(noted)))
    assert [line.rsplit(" · ")[-1] for line in panes.words().splitlines()] == ["loading", "cannot be shown", "no video"]
    assert panes.frames_shown()[:2] == (-1, -1)
    assert panes.accessibleDescription() == panes.words()
    panes.show_contents(())
    assert panes.words() == ""
    panes.grab()


def test_missing_values_leave_gaps_and_do_no_harm(panes: Panes) -> None:
    clip = replace(make_clip(2), nodes=(NO_POINTS, NO_POINTS), lines=(np.empty((0, 2, 2), np.float32),) * 2)
    gaps = np.array([np.nan, 1.0, np.nan, 2.0, 2.0])
    traces = (gaps, np.full(4, np.nan), np.ones(5), np.empty(0), np.ones(1))
    panes.show_contents(tuple(replace(content(clip), trace=trace) for trace in traces))
    for phase in (0.0, 0.3, 0.999):
        panes.go_to(phase)
    panes.grab()


@pytest.mark.parametrize("size", [(1100, 230), (500, 500), (300, 120)])
@pytest.mark.parametrize(("n", "groups"), [(1, ()), (9, ()), (4, (3,)), (7, (3, 3)), (11, (5, 5)), (6, (3, 3))])
def test_places_do_not_overlap_and_groups_stay_in_a_row(size, n, groups) -> None:
    places = lay_out(size, n, groups, Style(3, True))
    assert len(places) == n
    boxes = [place.whole for place in places]
    for i, box in enumerate(boxes):
        assert box.left >= 0
        assert box.top >= 0
        assert box.left + box.width <= size[0] + 0.5
        assert box.top + box.height <= size[1] + 0.5
        for other in boxes[i + 1 :]:
            apart = box.left + box.width <= other.left + 0.1 or other.left + other.width <= box.left + 0.1
            assert apart or box.top + box.height <= other.top + 0.1 or other.top + other.height <= box.top + 0.1
    first = n - sum(groups)
    for size_of in groups:
        assert len({box.top for box in boxes[first : first + size_of]}) == 1
        first += size_of
