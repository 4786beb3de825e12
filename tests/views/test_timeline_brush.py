"""Rows, zoom, keys and brushes of the timeline, and all recordings side by side, under real mouse and keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QAction, QColor, QMouseEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QComboBox, QLabel, QScrollBar, QToolButton

from napari_atlas.data.clusters import Clustering
from napari_atlas.data.marks import Annotations, Mark, Spans
from napari_atlas.data.windows import Windows
from napari_atlas.session.linking import window_at, windows_of_track
from napari_atlas.session.session import Session
from napari_atlas.session.stretch import Axis
from napari_atlas.views._timeline_stacked import Stacked
from napari_atlas.views._timeline_strips import Colorings, legend_text
from napari_atlas.views.timeline import Timeline

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SHIFT, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
COLORS = ("#E69F00", "#0072B2", "#CC79A7")


@pytest.fixture
def session(atlas: Atlas) -> Session:
    session = Session()
    session.show(atlas)
    session.seek("jellyfish-1", "0", 300)
    return session


@pytest.fixture
def timeline(qtbot: QtBot, session: Session) -> Timeline:
    return shown(qtbot, session)


def shown(qtbot: QtBot, session: Session) -> Timeline:
    widget = Timeline(session)
    qtbot.addWidget(widget)
    widget.resize(900, 340)
    with qtbot.waitExposed(widget):
        widget.show()
    QTest.qWait(80)
    return widget


def button(widget: Timeline, name: str) -> QToolButton:
    found = widget.findChild(QToolButton, f"atlas-timeline-{name}")
    assert found is not None
    return found


def reading(widget: Timeline) -> QLabel:
    found = widget.findChild(QLabel, "atlas-timeline-brush")
    assert found is not None
    return found


def row_action(widget: Timeline, name: str) -> QAction:
    menu = button(widget, "rows").menu()
    menu.aboutToShow.emit()
    return next(action for action in menu.actions() if action.objectName() == f"atlas-timeline-{name}")


def move(widget: Timeline, place: QPoint, keys: Qt.KeyboardModifier = NONE) -> None:
    QTest.qWait(15)  # vispy drops moves that follow each other at once
    away = QPointF(widget.canvas_widget.mapToGlobal(place))
    event = QMouseEvent(QEvent.Type.MouseMove, QPointF(place), away, Qt.MouseButton.NoButton, LEFT, keys)
    QApplication.sendEvent(widget.canvas_widget, event)


def drag(widget: Timeline, start: QPoint, end: QPoint, keys: Qt.KeyboardModifier = NONE) -> str:
    """Drag from one place to another; return what was said on the way."""
    QTest.mousePress(widget.canvas_widget, LEFT, keys, start)
    move(widget, (start + end) / 2, keys)
    move(widget, end, keys)
    said = reading(widget).text() if reading(widget).isVisible() else ""
    QTest.mouseRelease(widget.canvas_widget, LEFT, keys, end)
    return str(said)


def frame_point(widget: Timeline, frame: int) -> QPoint:
    return QPoint(round(widget.x_of_frame(frame)), 40)


def between(atlas: Atlas, recording: str, first: int, last: int) -> list[int]:
    ids = windows_of_track(atlas, recording, "0")
    middle = atlas.windows.table.centre_frame()[ids]
    return [int(i) for i in ids[(middle >= first) & (middle < last)]]


def grouped(session: Session) -> NDArray[np.int64]:
    """Give the windows three clusters, one of them turned off, and tag a few; return the codes."""
    assert session.atlas is not None
    table = session.atlas.windows.table
    codes = np.arange(len(table)) % 4 - 1
    session.group((Clustering("k-means", "k=3", codes, ("a", "b<i>", "c"), COLORS),))
    spans = Spans.of_windows(table, np.arange(3, 6))
    session.annotate(Annotations((Mark("tag", "turn", spans, color="#009E73"),)))
    return codes


def strip_color(widget: Timeline, window: int, from_below: int) -> str:
    """Return the colour of a window in a strip, counted from the lowest."""
    QTest.qWait(60)
    canvas = widget.canvas_widget
    y = canvas.height() - 20 - 13 * from_below + 6
    return QColor(widget.grab().toImage().pixel(canvas.mapTo(widget, QPoint(widget.point_of(window).x(), y)))).name()


def near(color: str, other: str) -> bool:
    pairs = zip(QColor(color).getRgb()[:3], QColor(other).getRgb()[:3], strict=True)
    return max(abs(a - b) for a, b in pairs) <= 4


@pytest.mark.gui
def test_a_brush_over_time_selects_adds_and_subtracts(timeline: Timeline, session: Session, atlas: Atlas) -> None:
    timeline.setFocus()
    QTest.keyClick(timeline, Qt.Key.Key_T)
    assert button(timeline, "select").isChecked()
    first, second = between(atlas, "jellyfish-1", 400, 600), between(atlas, "jellyfish-1", 900, 1000)
    said = drag(timeline, frame_point(timeline, 400), frame_point(timeline, 600))
    assert session.selection.ids.tolist() == first
    assert said == f"0:15.0–0:25.0 · {len(first)} windows"
    assert not reading(timeline).isVisible()
    assert session.cursor.frame == 300, "a brush does not seek"
    drag(timeline, frame_point(timeline, 1000), frame_point(timeline, 900), SHIFT)
    assert session.selection.ids.tolist() == first + second
    drag(timeline, frame_point(timeline, 300), frame_point(timeline, 500), ALT)
    assert session.selection.ids.tolist() == between(atlas, "jellyfish-1", 500, 600) + second
    session.undo()
    session.undo()
    assert session.selection.ids.tolist() == first
    QTest.mouseClick(timeline.canvas_widget, LEFT, NONE, frame_point(timeline, 801))
    window = window_at(atlas, replace(session.cursor, frame=801))
    assert session.selection.ids.tolist() == [window]
    assert window_at(atlas, session.cursor) == window


@pytest.mark.gui
def test_escape_gives_the_brush_up_and_then_clears(timeline: Timeline, session: Session) -> None:
    session.select(np.array([3]))
    timeline.setFocus()
    button(timeline, "select").click()
    canvas = timeline.canvas_widget
    QTest.mousePress(canvas, LEFT, NONE, frame_point(timeline, 400))
    move(timeline, frame_point(timeline, 700))
    assert reading(timeline).isVisible()
    QTest.keyClick(timeline, Qt.Key.Key_Escape)
    assert not reading(timeline).isVisible()
    QTest.mouseRelease(canvas, LEFT, NONE, frame_point(timeline, 700))
    assert session.selection.ids.tolist() == [3]
    QTest.keyClick(timeline, Qt.Key.Key_Escape)
    assert not len(session.selection)
    assert not button(timeline, "select").isChecked()


@pytest.mark.gui
def test_with_shift_a_drag_brushes_without_the_mode(timeline: Timeline, session: Session, atlas: Atlas) -> None:
    drag(timeline, frame_point(timeline, 400), frame_point(timeline, 600), SHIFT)
    assert session.selection.ids.tolist() == between(atlas, "jellyfish-1", 400, 600)
    assert session.cursor.frame == 300
    drag(timeline, frame_point(timeline, 400), frame_point(timeline, 600))
    assert abs(session.cursor.frame - 600) <= 3


@pytest.mark.gui
@pytest.mark.parametrize("scope", ["all", "species", "recording"])
def test_a_brush_over_temperature_selects_a_range(
    scope: str, timeline: Timeline, session: Session, atlas: Atlas
) -> None:
    row_action(timeline, f"scope-{scope}").trigger()
    said = drag(timeline, timeline.point_of_celsius(24.0), timeline.point_of_celsius(28.0))
    low, high = (float(part) for part in said.split(" °C")[0].split("–"))
    assert low == pytest.approx(24.0, abs=0.3)
    assert high == pytest.approx(28.0, abs=0.3)
    table = atlas.windows.table
    inside = (table.temperature >= low) & (table.temperature <= high)
    of = {"species": ["jellyfish-1", "jellyfish-2"], "recording": ["jellyfish-1"]}
    inside &= np.isin(table.of_key("recording"), of.get(scope, list(atlas.recordings)))
    assert session.selection.ids.tolist() == np.flatnonzero(inside).tolist()
    words = {"all": "", "species": " of this species", "recording": " of this recording"}[scope]
    assert said == f"{low:.1f}–{high:.1f} °C · {inside.sum()} windows{words}"
    assert session.cursor.frame == 300


@pytest.mark.gui
def test_keys_step_and_zoom(timeline: Timeline, session: Session, atlas: Atlas) -> None:
    timeline.setFocus()
    ids = windows_of_track(atlas, "jellyfish-1", "0")
    here = window_at(atlas, session.cursor)
    for key, step in ((Qt.Key.Key_Right, 1), (Qt.Key.Key_Right, 2), (Qt.Key.Key_Left, 1)):
        QTest.keyClick(timeline, key)
        assert window_at(atlas, session.cursor) == here + step
    frame = session.cursor.frame
    QTest.keyClick(timeline, Qt.Key.Key_Right, SHIFT)
    assert session.cursor.frame == frame + 10
    QTest.keyClick(timeline, Qt.Key.Key_Left, SHIFT)
    assert session.cursor.frame == frame
    for _ in range(ids.size + 3):
        QTest.keyClick(timeline, Qt.Key.Key_Left)
    assert window_at(atlas, session.cursor) == ids[0]
    QTest.keyClick(timeline, Qt.Key.Key_Return)
    QTest.keyClick(timeline, Qt.Key.Key_Right)
    QTest.keyClick(timeline, Qt.Key.Key_Return, SHIFT)
    assert session.selection.ids.tolist() == ids[:2].tolist()
    QTest.keyClick(timeline, Qt.Key.Key_Return, ALT)
    assert session.selection.ids.tolist() == ids[:1].tolist()
    QTest.keyClick(timeline, Qt.Key.Key_W)
    zoomed = timeline.x_of_frame(200) - timeline.x_of_frame(100)
    QTest.keyClick(timeline, Qt.Key.Key_0)
    whole = timeline.x_of_frame(200) - timeline.x_of_frame(100)
    assert zoomed > 3 * whole
    session.select(np.array([ids[10], ids[14]]))
    QTest.keyClick(timeline, Qt.Key.Key_S)
    table = atlas.windows.table
    edges = timeline.x_of_frame(table.first_frame[ids[10]]), timeline.x_of_frame(table.stop_frame[ids[14]])
    assert 66 <= edges[0] < 140
    assert 760 < edges[1] <= timeline.canvas_widget.width()
    session.select(windows_of_track(atlas, "stickleback-1", "0"))
    QTest.keyClick(timeline, Qt.Key.Key_S)
    assert timeline.x_of_frame(table.first_frame[ids[10]]) == edges[0], "none of this animal is selected"


@pytest.mark.gui
def test_strips_show_clusters_tags_and_the_colour_of_the_map(timeline: Timeline, session: Session) -> None:
    codes = grouped(session)
    session.color("split")
    session.seek("jellyfish-1", "0", 1200)
    for window in (5, 6, 7):
        assert near(strip_color(timeline, window, 3), COLORS[codes[window]])
    assert near(strip_color(timeline, 4, 1), "#009E73")
    assert not near(strip_color(timeline, 8, 1), "#009E73")
    y = timeline.canvas_widget.height() - 20 - 39 + 6
    plot = timeline._plot
    assert "clusters: k-means: a" in plot.face.told(timeline.point_of(5).x(), y)
    assert "clusters: k-means: none" in plot.face.told(timeline.point_of(4).x(), y)
    row_action(timeline, "row-clusters: k-means").toggle()
    assert not near(strip_color(timeline, 6, 3), COLORS[codes[6]])
    session.color("activity")
    QTest.qWait(40)
    assert len(plot.track.view.drawn.strips) == 3, "colour, split, tag"
    session.color("species")
    assert len(plot.track.view.drawn.strips) == 2, "an animal has one species only"


@pytest.mark.gui
def test_rows_can_be_switched_off_and_stay_so(timeline: Timeline, session: Session, atlas: Atlas) -> None:
    session.show(replace(atlas, latents=np.random.default_rng(0).normal(size=(len(atlas.windows.table), 8))))
    QTest.qWait(200)
    before = timeline.grab().toImage()
    row_action(timeline, "row-latent").toggle()
    QTest.qWait(60)
    with_latent = timeline.grab().toImage()
    assert with_latent != before
    for row in ("signal", "temperature", "latent", "split"):
        row_action(timeline, f"row-{row}").toggle()
    assert timeline._plot.track.view.layout.all_panels == ()
    session.seek("stickleback-1", "0", 300)
    assert timeline._plot.track.view.layout.all_panels == ()
    timeline.close()
    timeline.show()
    assert not row_action(timeline, "row-signal").isChecked()
    row_action(timeline, "row-signal").toggle()
    assert len(timeline._plot.track.view.layout.all_panels) == 1


@pytest.mark.gui
def test_all_that_a_selected_window_spans_is_shaded(timeline: Timeline, session: Session, atlas: Atlas) -> None:
    window, table = 20, atlas.windows.table

    def blue(frame: float) -> int:
        spot = timeline.canvas_widget.mapTo(timeline, QPoint(round(timeline.x_of_frame(frame)), 100))
        return int(QColor(timeline.grab().toImage().pixel(spot)).blue())

    # Windows overlap: the next one's tile begins well before this one ends.
    ends = int(table.stop_frame[window])
    inside, outside = ends - 8, ends + 12
    plain = blue(inside), blue(outside)
    session.select(np.array([window]))
    QTest.qWait(60)
    assert blue(inside) > plain[0] + 15
    assert blue(outside) == plain[1]


@pytest.mark.gui
def test_selected_windows_are_shaded_through_the_panels(timeline: Timeline, session: Session) -> None:
    place = timeline.point_of(20)
    spot = timeline.canvas_widget.mapTo(timeline, QPoint(place.x(), 100))
    plain = QColor(timeline.grab().toImage().pixel(spot))
    session.select(np.array([20]))
    QTest.qWait(60)
    shaded = QColor(timeline.grab().toImage().pixel(spot))
    assert shaded.blue() > plain.blue() + 15
    session.undo()
    QTest.qWait(60)
    assert QColor(timeline.grab().toImage().pixel(spot)) == plain


@pytest.mark.gui
def test_all_recordings_on_temperature(timeline: Timeline, session: Session, atlas: Atlas) -> None:
    timeline.setFocus()
    QTest.keyClick(timeline, Qt.Key.Key_A)
    QTest.qWait(150)
    assert timeline.title() == "4 animals"
    table = atlas.windows.table
    window = int(windows_of_track(atlas, "stickleback-1", "0")[12])
    QTest.mouseClick(timeline.canvas_widget, LEFT, NONE, timeline.point_of(window))
    assert session.cursor.recording == "stickleback-1"
    here = window_at(atlas, session.cursor)
    assert table.temperature[here] == pytest.approx(table.temperature[window], abs=0.4)
    QTest.keyClick(timeline, Qt.Key.Key_Up)
    assert session.cursor.recording == "jellyfish-2"
    assert table.temperature[window_at(atlas, session.cursor)] == pytest.approx(table.temperature[here], abs=0.4)
    twelve, thirty = (timeline.point_of(int(w)) for w in windows_of_track(atlas, "jellyfish-1", "0")[[12, 20]])
    QTest.keyClick(timeline, Qt.Key.Key_T)
    said = drag(timeline, twelve, thirty)
    low, high = (float(part) for part in said.split(" °C")[0].split("–"))
    inside = np.flatnonzero((table.temperature >= low) & (table.temperature <= high))
    assert session.selection.ids.tolist() == inside.tolist()
    assert set(table.of_key("recording")[inside]) == set(atlas.recordings)
    assert said.endswith(f"· {inside.size} windows")
    QTest.keyClick(timeline, Qt.Key.Key_S)
    assert timeline.point_of(int(inside[-1])).x() - timeline.point_of(int(inside[0])).x() > 500
    QTest.keyClick(timeline, Qt.Key.Key_A)
    assert timeline.title() == "jellyfish-2 · 0"


@pytest.mark.gui
def test_all_recordings_on_time(timeline: Timeline, session: Session, atlas: Atlas) -> None:
    button(timeline, "stack").click()
    QTest.qWait(150)
    by_temperature = timeline.grab().toImage()
    choice = timeline.findChild(QComboBox, "atlas-timeline-axis")
    assert choice is not None
    assert choice.isVisible()
    choice.setFocus()
    QTest.keyClick(choice, Qt.Key.Key_Down)
    QTest.qWait(80)
    assert choice.currentData() is Axis.TIME
    assert timeline.grab().toImage() != by_temperature
    assert np.isnan(timeline.x_of_frame(300)) or timeline.point_of(0).x() > 0
    window = int(windows_of_track(atlas, "jellyfish-2", "0")[9])
    QTest.mouseClick(timeline.canvas_widget, LEFT, NONE, timeline.point_of(window))
    assert window_at(atlas, session.cursor) == window
    ids = windows_of_track(atlas, "jellyfish-1", "0")
    said = drag(timeline, timeline.point_of(int(ids[5])), timeline.point_of(int(ids[9])), SHIFT)
    assert len(session.selection) in (12, 16, 20)
    assert "°C" not in said


@pytest.mark.gui
def test_without_temperature_there_is_only_time(qtbot: QtBot, plain_atlas: Atlas) -> None:
    session = Session()
    session.show(plain_atlas)
    session.seek("jellyfish-1", "0", 300)
    widget = shown(qtbot, session)
    assert widget.point_of_celsius(24.0) == QPoint(-1, -1)
    menu = button(widget, "rows").menu()
    menu.aboutToShow.emit()
    assert not any("°C" in action.text() or "emperature" in action.text() for action in menu.actions())
    button(widget, "stack").click()
    choice = widget.findChild(QComboBox, "atlas-timeline-axis")
    assert choice is not None
    assert not choice.isVisible()
    window = int(windows_of_track(plain_atlas, "stickleback-2", "0")[7])
    QTest.mouseClick(widget.canvas_widget, LEFT, NONE, widget.point_of(window))
    assert window_at(plain_atlas, session.cursor) == window


@pytest.mark.gui
def test_many_rows_scroll(qtbot: QtBot, atlas: Atlas) -> None:
    tracks = [
        replace(t, key=replace(t.key, recording=f"{t.key.recording}.{i}")) for t in atlas.tracks for i in range(8)
    ]
    infos = {t.key.recording: replace(atlas.recordings["jellyfish-1"], species=t.key.species) for t in tracks}
    windows = Windows.from_tracks(tracks, atlas.windows.species)
    many = replace(atlas, tracks=tuple(tracks), recordings=infos, windows=windows, predicted=np.empty(0, np.float32))
    session = Session()
    session.show(replace(many, latents=np.empty((0, 0), np.float32), coordinates=np.empty((0, 2), np.float32)))
    session.seek("jellyfish-1.0", "0", 300)
    widget = shown(qtbot, session)
    widget.resize(900, 200)
    button(widget, "stack").click()
    QTest.qWait(80)
    bar = widget.findChild(QScrollBar, "atlas-timeline-scroll")
    assert bar is not None
    assert bar.isVisible()
    last = len(windows.table) - 1
    assert widget.point_of(last) == QPoint(-1, -1)
    place, none = QPointF(300, 60), Qt.MouseButton.NoButton
    away = QPointF(widget.canvas_widget.mapToGlobal(place.toPoint()))
    down = QWheelEvent(place, away, QPoint(), QPoint(0, -1200), none, NONE, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(widget.canvas_widget, down)
    assert bar.value() == 10
    bar.setValue(bar.maximum())
    assert widget.point_of(last).y() > 0
    session.seek("jellyfish-1.0", "0", 400)
    assert bar.value() == 0, "the cursor is kept in sight"


@pytest.mark.gui
@pytest.mark.parametrize("n_windows", [0, 1, 2])
def test_few_windows_and_gaps(n_windows: int, qtbot: QtBot, atlas: Atlas) -> None:
    lone = atlas.tracks[0]
    values, temperature = lone.values.copy(), lone.temperature.copy()
    values[20:90], temperature[5:] = np.nan, np.nan
    track = replace(lone, values=values, temperature=temperature, starts=lone.starts[:n_windows])
    windows = Windows.from_tracks([track], atlas.windows.species)
    few = replace(
        atlas,
        recordings={"jellyfish-1": atlas.recordings["jellyfish-1"]},
        tracks=(track,),
        windows=windows,
        run="",
        latents=np.empty((0, 0), np.float32),
        coordinates=np.empty((0, 2), np.float32),
        predicted=np.empty(0, np.float32),
    )
    session = Session()
    session.show(few)
    session.seek("jellyfish-1", "0", 300)
    widget = shown(qtbot, session)
    widget.setFocus()
    keys = (Qt.Key.Key_W, Qt.Key.Key_S, Qt.Key.Key_0, Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Down)
    for _ in range(2):
        for key in keys:
            QTest.keyClick(widget, key)
        drag(widget, QPoint(70, 10), QPoint(800, 12), SHIFT)
        assert len(session.selection) == n_windows
        drag(widget, QPoint(10, 200), QPoint(10, 190))
        button(widget, "stack").click()
        QTest.qWait(150)
    assert widget.title() == "jellyfish-1 · 0"


@pytest.mark.gui
def test_nothing_open_says_what_to_do(qtbot: QtBot, atlas: Atlas) -> None:
    session = Session()
    widget = shown(qtbot, session)
    for _ in range(2):
        for key in (Qt.Key.Key_W, Qt.Key.Key_S, Qt.Key.Key_0, Qt.Key.Key_Right, Qt.Key.Key_T, Qt.Key.Key_Up):
            QTest.keyClick(widget, key)
        drag(widget, QPoint(100, 40), QPoint(300, 50))
        assert "open a project" in widget._plot.face.draw(600, 200)[0][2]
        button(widget, "stack").click()
    session.show(atlas)
    assert "Click a point" in widget._plot.face.draw(600, 200)[0][2]


def test_colours_of_rows_are_the_commonest_class_or_the_mean(atlas: Atlas) -> None:
    session = Session()
    session.show(atlas)
    codes = grouped(session)
    session.color("clusters: k-means")
    stacked = Stacked.of(session, Axis.TEMPERATURE, Colorings())
    assert stacked is not None
    ids = stacked.windows_of(0)
    low = float(atlas.windows.table.temperature[ids].min())
    picture = stacked.colors(range(4), np.array([low - 3, low - 2.9, low + 0.0001, low + 0.0002]))
    steady = ids[atlas.windows.table.temperature[ids] < low + 0.19]
    expected = np.bincount(codes[steady] % 4, minlength=4).argmax()
    assert picture.shape == (4, 3, 4)
    assert (picture[:, 0, 3] == 0).all(), "no window is that cold"
    assert picture[0, 2, 3] == 255
    colors = [*COLORS, "#808791"]
    assert near(QColor(*picture[0, 2].tolist()).name(), colors[expected])
    columns = np.linspace(stacked.low, stacked.high, 300)
    held = stacked.holding(range(4), columns, ids[10:11])
    assert 1 <= held.sum() <= 8
    assert held[0].sum() == held.sum()


def test_a_legend_is_safe_text_and_names_what_is_there(atlas: Atlas) -> None:
    session = Session()
    session.show(atlas)
    codes = grouped(session)
    coloring = Colorings().of(session, "clusters: k-means")
    text = legend_text(coloring, np.flatnonzero(codes == 1))
    assert "b&lt;i&gt;" in text
    assert "</span> a" not in text
    numbers = Colorings().of(session, "temperature")
    shown_text = legend_text(replace(numbers, low=-0.006, high=50.02), np.arange(3))
    assert shown_text.startswith("temperature: 0 ")
    assert shown_text.endswith(" 50 °C")
