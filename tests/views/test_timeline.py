"""The timeline under a real mouse."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QComboBox

from napari_atlas.session.session import Session
from napari_atlas.views import _timeline_layout as layout
from napari_atlas.views import _timeline_model as model
from napari_atlas.views._time import clock_text, nice_step, ticks
from napari_atlas.views.timeline import Timeline

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def session(atlas: Atlas) -> Session:
    session = Session()
    session.show(atlas)
    session.seek("jellyfish-1", "0", 300)
    return session


@pytest.fixture
def timeline(qtbot: QtBot, session: Session) -> Timeline:
    widget = Timeline(session)
    qtbot.addWidget(widget)
    widget.resize(700, 320)
    with qtbot.waitExposed(widget):
        widget.show()
    QTest.qWait(80)
    return widget


def with_channels(atlas: Atlas, n_channels: int, names: tuple[str, ...] = ()) -> Atlas:
    """Return an atlas whose tracks have so many channels, each stronger than the one before."""
    more = [replace(t, values=t.values * np.arange(1, n_channels + 1), channels=names) for t in atlas.tracks]
    return replace(atlas, tracks=tuple(more))


def channel_choice(widget: Timeline) -> QComboBox:
    found = widget.findChild(QComboBox, "atlas-timeline-channel")
    assert found is not None
    return found


def at(widget: Timeline, frame: int) -> QPoint:
    return QPoint(round(widget.x_of_frame(frame)), widget.canvas_widget.height() // 3)


def wheel(widget: Timeline, place: QPoint, turns: int) -> None:
    away = QPointF(widget.canvas_widget.mapToGlobal(place))
    angle, still = QPoint(0, 120 * turns), QPoint(0, 0)
    phase = Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(QPointF(place), away, still, angle, Qt.MouseButton.NoButton, NONE, phase, False)
    QApplication.sendEvent(widget.canvas_widget, event)


@pytest.mark.parametrize(
    ("seconds", "decimals", "text"),
    [(0, 0, "0:00"), (59.96, 1, "1:00.0"), (723.4, 1, "12:03.4"), (3661, 0, "1:01:01"), (-3.0, 0, "−0:03")],
)
def test_clock_text(seconds: float, decimals: int, text: str) -> None:
    assert clock_text(seconds, decimals) == text


def test_ticks_are_round() -> None:
    assert nice_step(300, 5, clock=True) == 60
    assert nice_step(9, 3) == 5
    assert nice_step(1e-3, 2) == pytest.approx(5e-4)
    assert ticks(-0.1, 10, 5).tolist() == [0, 5, 10]


def test_frames_and_bins_are_inverse(atlas: Atlas) -> None:
    track = atlas.tracks[0]
    for frame in (100, 155, 1299):
        assert model.frame_of_bin(track, model.bin_of_frame(track, frame)) == frame
    assert model.frame_of_bin(track, 1e9) == 1299
    assert model.bin_of_frame(track, 0) == 0


def test_envelope_keeps_peaks_and_gaps() -> None:
    values = np.zeros(100_000)
    values[61_234] = 9.0
    values[20_000:40_000] = np.nan
    bins, kept = model.envelope(model.Course(values), layout.Span(0, 100_000, 100_000), 500)
    assert bins.size < 2_100
    assert np.nanmax(kept) == 9.0
    assert np.isnan(kept).any()


def test_zoom_keeps_the_bin_under_the_mouse_and_stays_inside() -> None:
    box = layout.Box(0, 0, 100, 10)
    span = layout.Span(0, 100, 100).zoomed(30.0, 0.5)
    assert float(span.x(30.0, box)) == pytest.approx(30.0)
    assert span.zoomed(30.0, 100.0) == layout.Span(0, 100, 100)
    assert span.moved(1e6).high == 100
    assert span.holding(span.low + 1) is span
    assert span.holding(99.0).low <= 99.0 <= span.holding(99.0).high


def test_unknown_clock_counts_samples_and_unregistered_signals_have_no_unit(atlas: Atlas, plain_atlas: Atlas) -> None:
    span = layout.Span(0, 120, 120)
    assert [label for _, label in model.time_ticks(plain_atlas.tracks[0], span, 400)] == ["0", "50", "100"]
    assert [label for _, label in model.time_ticks(atlas.tracks[0], span, 400)][:2] == ["0:00", "0:15"]
    assert model.caption(atlas, atlas.tracks[0]) == "hull-area-rate (px²/frame)"


def test_rows_that_are_off_leave_their_room_to_the_others() -> None:
    both, one = (layout.lay_out(600, 200, {layout.SIGNAL: 1, layout.TEMPERATURE: n}) for n in (1, 0))
    assert set(both.panels) == {layout.SIGNAL, layout.TEMPERATURE}
    assert set(one.panels) == {layout.SIGNAL}
    assert one.panels[layout.SIGNAL][0].height > 1.5 * both.panels[layout.SIGNAL][0].height
    none = layout.lay_out(600, 200, {}, 0)
    assert not none.all_panels
    assert not none.strips


@pytest.mark.parametrize("height", [150, 200, 700])
def test_rows_lie_one_below_the_other(height: float) -> None:
    found = layout.lay_out(600, height, {layout.SIGNAL: 3, layout.TEMPERATURE: 1, layout.LATENT: 2}, 4)
    boxes = [*found.all_panels, found.marks, *found.strips, found.axis]
    assert len(boxes) == 12
    assert all(above.bottom <= below.top + 1e-6 for above, below in pairwise(boxes))
    heights = [box.height for box in found.panels[layout.SIGNAL]]
    assert max(heights) - min(heights) < 1e-6
    for box in found.all_panels:
        low, high = layout.level(box, np.array([0.0, 1.0]), (0.0, 1.0))
        assert box.top <= high < low <= box.bottom


def test_a_picture_of_many_channels_keeps_scale_and_gaps() -> None:
    values = np.random.default_rng(0).normal(size=(10_000, 7)) * [1, 10, 100, 1, 1, 1, 0] + 5
    values[4_000:5_000, 3] = np.nan
    values[:, 4] = np.nan
    scale = model.heat_scale(values)
    np.testing.assert_allclose((scale[1] - scale[0])[:3], [4, 40, 400], rtol=0.1)
    picture = model.heat(values, layout.Span(0, 10_000, 10_000), 500, scale)
    assert picture.shape == (7, 500)
    assert np.isnan(picture[3]).sum() == 50
    assert np.isnan(picture[4]).all()
    assert np.nanmin(picture) >= 0
    assert np.nanmax(picture) <= 1
    close = model.heat(values, layout.Span(100.0, 110.0, 10_000), 500, scale)
    np.testing.assert_allclose(close[0, 25::50], np.clip((values[100:110, 0] - scale[0, 0]) / 4, 0, 1), atol=0.03)


def test_captions_tell_channels_and_units(atlas: Atlas) -> None:
    named = with_channels(atlas, 2, ("nose x (body lengths)", "nose y (body lengths)")).tracks[0]
    assert model.channel_names(named) == named.channels
    assert model.channel_names(with_channels(atlas, 2).tracks[0]) == ("channel 1", "channel 2")
    assert model.caption(atlas, replace(atlas.tracks[0], channels=("tail speed (px/ms)",))) == "tail speed (px/ms)"


def test_of_many_windows_each_column_has_one_and_no_selected_one_is_lost() -> None:
    edges = np.stack([np.arange(50_000.0), np.arange(1.0, 50_001)], axis=1)
    edges = np.delete(edges, slice(20_000, 30_000), axis=0)
    columns = layout.Span.whole(50_000).columns(layout.Box(0, 0, 500, 10))
    at = model.tile_at(edges, columns)
    assert at.shape == (500,)
    assert np.flatnonzero(at < 0).tolist() == list(range(200, 300))
    assert at[0] == 50
    assert np.flatnonzero(model.filled(edges, columns, np.array([777]))).tolist() == [7]
    assert not model.filled(edges, columns, np.empty(0, dtype=np.int64)).any()
    assert model.tile_at(np.empty((0, 2)), columns).max() == -1


def test_long_courses_keep_peaks_and_gaps_at_any_zoom() -> None:
    values = np.sin(np.arange(1_000_000) / 5e4)
    values[612_345] = 9.0
    values[200_000:400_000] = np.nan
    course = model.Course(values)
    for span in (layout.Span.whole(1_000_000), layout.Span(6e5, 6.3e5, 1e6), layout.Span(612_000, 612_600, 1e6)):
        bins, kept = model.envelope(course, span, 500)
        assert bins.size < 4_100
        assert np.nanmax(kept) == 9.0
        assert abs(bins[np.nanargmax(kept)] - 612_345.5) <= max(1, (span.high - span.low) / 500)
        assert np.isnan(kept).any() == (span.low < 4e5)
        assert np.all(np.diff(bins) >= 0)


@pytest.mark.gui
def test_click_seeks_to_the_frame(timeline: Timeline, session: Session) -> None:
    QTest.mouseClick(timeline.canvas_widget, LEFT, NONE, at(timeline, 700))
    assert (session.cursor.recording, session.cursor.individual) == ("jellyfish-1", "0")
    assert abs(session.cursor.frame - 700) <= 3


@pytest.mark.gui
def test_drag_seeks_along(timeline: Timeline, session: Session) -> None:
    canvas = timeline.canvas_widget
    QTest.mousePress(canvas, LEFT, NONE, at(timeline, 200))
    QTest.qWait(30)
    place = at(timeline, 900)
    away = QPointF(canvas.mapToGlobal(place))
    move = QMouseEvent(QEvent.Type.MouseMove, QPointF(place), away, Qt.MouseButton.NoButton, LEFT, NONE)
    QApplication.sendEvent(canvas, move)
    assert abs(session.cursor.frame - 900) <= 3
    QTest.mouseRelease(canvas, LEFT, NONE, place)
    frame = session.cursor.frame
    QTest.qWait(30)
    QTest.mouseMove(canvas, at(timeline, 400))
    assert session.cursor.frame == frame


@pytest.mark.gui
def test_wheel_zooms_and_double_click_shows_all(timeline: Timeline, session: Session) -> None:
    whole = timeline.x_of_frame(500) - timeline.x_of_frame(400)
    place = at(timeline, 600)
    wheel(timeline, place, 4)
    assert timeline.x_of_frame(500) - timeline.x_of_frame(400) > 1.5 * whole
    assert abs(timeline.x_of_frame(600) - place.x()) <= 1
    session.seek("jellyfish-1", "0", 1290)
    canvas = timeline.canvas_widget
    assert 0 <= timeline.x_of_frame(1290) <= canvas.width()
    QTest.mouseDClick(canvas, LEFT, NONE, place)
    assert timeline.x_of_frame(500) - timeline.x_of_frame(400) == pytest.approx(whole)


@pytest.mark.gui
def test_cursor_within_a_track_draws_no_curve_again(
    timeline: Timeline, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[object] = []
    monkeypatch.setattr(model, "envelope", lambda *args: drawn.append(args))
    for frame in range(300, 900, 20):
        session.seek("jellyfish-1", "0", frame)
    session.select(np.arange(5))
    assert not drawn


@pytest.mark.gui
def test_another_animal_is_another_track(timeline: Timeline, session: Session) -> None:
    assert timeline.title() == "jellyfish-1 · 0"
    session.seek("stickleback-2", "0", 500)
    assert timeline.title() == "stickleback-2 · 0"
    QTest.mouseClick(timeline.canvas_widget, LEFT, NONE, at(timeline, 800))
    assert session.cursor.recording == "stickleback-2"


@pytest.mark.gui
@pytest.mark.parametrize("n_channels", [3, 9])
def test_several_channels_are_drawn_and_one_can_be_chosen(
    n_channels: int, timeline: Timeline, session: Session, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice = channel_choice(timeline)
    assert not choice.isVisible()
    before = timeline.grab().toImage()
    session.show(with_channels(atlas, n_channels, tuple(f"part {i} (px)" for i in range(n_channels))))
    session.seek("jellyfish-1", "0", 300)
    QTest.qWait(200)
    several = timeline.grab().toImage()
    assert choice.isVisible()
    assert choice.count() == n_channels + 1
    assert several != before
    choice.setFocus()
    QTest.keyClick(choice, Qt.Key.Key_Down)
    QTest.keyClick(choice, Qt.Key.Key_Down)
    QTest.qWait(50)
    assert choice.currentText() == "part 1 (px)"
    assert timeline.grab().toImage() != several
    session.seek("stickleback-1", "0", 300)
    assert choice.currentText() == "part 1 (px)", "another animal is shown alike"
    drawn: list[object] = []
    monkeypatch.setattr(model, "heat", lambda *args: drawn.append(args))
    monkeypatch.setattr(model, "envelope", lambda *args: drawn.append(args))
    for frame in range(300, 900, 20):
        session.seek("stickleback-1", "0", frame)
    assert not drawn
    monkeypatch.undo()
    session.show(atlas)
    assert not choice.isVisible()


@pytest.mark.gui
def test_empty_and_closed_timelines_do_nothing(qtbot: QtBot, plain_atlas: Atlas) -> None:
    session = Session()
    widget = Timeline(session)
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    QTest.mouseClick(widget.canvas_widget, LEFT, NONE, QPoint(80, 20))
    assert session.cursor.recording == ""
    assert np.isnan(widget.x_of_frame(10))
    session.show(plain_atlas)
    session.seek("jellyfish-2", "0", 400)
    assert widget.title() == "jellyfish-2 · 0"
    widget.set_theme("light")
    widget.close()
    assert len(session.cursor_changed) == 0
