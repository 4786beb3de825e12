"""The linked explorer in a real window: mouse and keys go to the native widgets, and what a user sees is asserted."""

from __future__ import annotations

import json

import av
import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QScrollBar, QToolButton

from napari_atlas.data.marks import Mark, Spans
from napari_atlas.io.annotations import read_annotations
from napari_atlas.session.linking import cursor_of, matched, window_at
from napari_atlas.views._legend import LegendEntry

pytestmark = pytest.mark.gui

NONE = Qt.KeyboardModifier.NoModifier
SHIFT, ALT, CTRL = (getattr(Qt.KeyboardModifier, f"{name}Modifier") for name in ("Shift", "Alt", "Control"))
LEFT = Qt.MouseButton.LeftButton


def picture(widget):
    """Return the (height, width, 3) pixels of a widget as they are on the screen."""
    image = widget.grab().toImage().convertToFormat(widget.grab().toImage().Format.Format_RGB888)
    raw = np.frombuffer(image.constBits().asstring(image.sizeInBytes()), dtype=np.uint8)
    return raw.reshape(image.height(), image.bytesPerLine())[:, : 3 * image.width()].reshape(image.height(), -1, 3)


def drag(widget, path, modifier=NONE):
    """Press at the first point, move along the others, release at the last."""
    QTest.mousePress(widget, LEFT, modifier, path[0])
    for point in path[1:]:
        QTest.mouseMove(widget, point)
        QTest.qWait(5)
    QTest.mouseRelease(widget, LEFT, modifier, path[-1])


def ring_round(the_map, window, radius=7):
    """Return a path round a window's point."""
    centre = the_map.coordinates_on_screen(window)
    angles = np.linspace(0, 2 * np.pi, 9)
    return [centre + QPoint(round(radius * np.cos(a)), round(radius * np.sin(a))) for a in angles]


def lone(atlas, the_map, n, gap=22):
    """Return windows whose points have no other one near them on the screen."""
    places = np.array([(p.x(), p.y()) for p in map(the_map.coordinates_on_screen, range(len(atlas.windows.table)))])
    inside = (places > 12).all(axis=1) & (places < [the_map.canvas_widget.width(), the_map.canvas_widget.height()]).all(
        axis=1
    )
    far = [np.sort(np.linalg.norm(places - p, axis=1))[1] > gap for p in places]
    return [int(w) for w in np.flatnonzero(np.array(far) & inside)[:n]]


def test_the_slider_moves_the_maps_cursor_the_timelines_and_the_readout(opened, qtbot, wait):
    session, viewer = opened.session, opened.viewer
    the_map, timeline = opened.widget("map"), opened.widget("timeline")
    bars = the_map.window().centralWidget().findChildren(QScrollBar)
    slider = max((bar for bar in bars if bar.isVisible()), key=QScrollBar.width)
    first = [picture(w.canvas_widget) for w in (the_map, timeline)]
    text = viewer.canvas.overlays.text.text
    for _ in range(3):
        QTest.mouseClick(slider, LEFT, NONE, QPoint(int(0.8 * slider.width()), slider.height() // 2))
        qtbot.wait(60)
    wait(lambda: session.cursor.frame > 0.4 * slider.maximum())
    qtbot.wait(400)
    assert session.cursor.frame == viewer.dims.current_step[0]
    assert viewer.canvas.overlays.text.text != text
    for before, widget in zip(first, (the_map, timeline), strict=True):
        assert (picture(widget.canvas_widget) != before).any(), widget.objectName()
    rank = window_at(session.atlas, session.cursor)
    assert rank >= 0
    assert opened.widget("player").where() in viewer.canvas.overlays.text.text


def test_lasso_adds_subtracts_and_is_undone(opened, qtbot, wait):
    session, the_map = opened.session, opened.widget("map")
    a, b, c = lone(session.atlas, the_map, 3)
    the_map.setFocus()
    QTest.keyClick(the_map, Qt.Key.Key_L)
    canvas = the_map.canvas_widget
    drag(canvas, ring_round(the_map, a))
    wait(lambda: session.selection.ids.tolist() == [a], 5)
    drag(canvas, ring_round(the_map, b), SHIFT)
    wait(lambda: session.selection.ids.tolist() == sorted([a, b]), 5)
    drag(canvas, ring_round(the_map, c), SHIFT)
    drag(canvas, ring_round(the_map, a), ALT)
    wait(lambda: session.selection.ids.tolist() == sorted([b, c]), 5)
    QTest.keyClick(the_map, Qt.Key.Key_Z, CTRL)
    wait(lambda: session.selection.ids.tolist() == sorted([a, b, c]), 5)
    QTest.keyClick(the_map, Qt.Key.Key_Z, CTRL)
    wait(lambda: session.selection.ids.tolist() == sorted([a, b]), 5)
    QTest.keyClick(the_map, Qt.Key.Key_Z, CTRL | SHIFT)
    wait(lambda: session.selection.ids.tolist() == sorted([a, b, c]), 5)
    QTest.keyClick(the_map, Qt.Key.Key_Escape)
    wait(lambda: len(session.selection) == 0, 5)


def test_a_click_in_the_legend_selects_and_the_counts_tell(opened, qtbot, wait):
    session, the_map = opened.session, opened.widget("map")
    entries = {e.text().split("  ")[0]: e for e in the_map.findChildren(LegendEntry)}
    fish = session.atlas.windows.table.rows_of("stickleback")
    QTest.mouseClick(entries["stickleback"], LEFT)
    assert session.selection.ids.tolist() == fish.tolist()
    assert f"{fish.size} / {fish.size}" in entries["stickleback"].text()
    QTest.mouseClick(entries["jellyfish"], LEFT, SHIFT)
    assert len(session.selection) == len(session.atlas.windows.table)
    QTest.mouseClick(entries["stickleback"], LEFT, ALT)
    assert f"0 / {fish.size}" in entries["stickleback"].text()


def test_a_brush_over_the_scale_of_temperature_selects_those_windows(opened, qtbot, wait):
    session, timeline = opened.session, opened.widget("timeline")
    table = session.atlas.windows.table
    mine = table.temperature[
        table.track == session.atlas.track_index(session.cursor.recording, session.cursor.individual)
    ]
    low, high = np.quantile(mine, [0.3, 0.7])
    drag(timeline.canvas_widget, [timeline.point_of_celsius(c) for c in np.linspace(low, high, 6)])
    wait(lambda: len(session.selection) > 0, 5)
    celsius = table.temperature[session.selection.ids]
    tolerance = 0.05 * np.ptp(mine) + 0.1
    assert (celsius >= low - tolerance).all()
    assert (celsius <= high + tolerance).all()
    inside = np.flatnonzero((table.temperature > low + tolerance) & (table.temperature < high - tolerance))
    assert np.isin(inside, session.selection.ids).all()


def test_compare_shows_the_nearest_windows_and_plays_them_in_phase(opened, qtbot, wait):
    session = opened.session
    compare = opened.widget("compare")
    compare.parent().raise_()
    atlas, table = session.atlas, session.atlas.windows.table
    clicked = int(table.rows_of("jellyfish")[3])
    cursor = cursor_of(atlas, clicked)
    session.seek(cursor.recording, cursor.individual, cursor.frame)
    wait(lambda: len(compare.panes.contents) > 1 and compare.panes.contents[0].window == clicked, 30)
    wait(lambda: all(content.clip is not None for content in compare.panes.contents), 30)
    fish = table.rows_of("stickleback")
    test = fish[table.in_split("test")[fish]]
    test = test if test.size else fish  # then the dock says that it looks at all windows
    far = np.linalg.norm(atlas.latents[test] - atlas.latents[clicked], axis=1)
    nearest = test[np.argsort(far, kind="stable")]
    others = [content.window for content in compare.panes.contents[1:]]
    assert others == nearest[: len(others)].tolist()
    logged = []
    compare.panes.play()
    end = 40
    while len(logged) < end:
        qtbot.wait(40)
        logged.append((compare.panes.phase, compare.panes.frames_shown()))
    clips = [content.clip for content in compare.panes.contents]
    for phase, frames in logged:
        for clip, frame in zip(clips, frames, strict=True):
            assert abs(int(np.searchsorted(clip.frames, frame)) - clip.at(phase)) <= 1, "panes play in phase"
    assert len({frames for _, frames in logged}) > 5, "they do play"


def test_an_exported_film_decodes_to_the_windows_frames(opened, qtbot, wait, tmp_path):
    session = opened.session
    clips = opened.widget("clips")
    clips.parent().raise_()
    session.select(session.atlas.windows.table.rows_of("stickleback")[:2])
    wait(lambda: not clips.loading and len(clips.wall.panes.contents) > 0, 30)
    clips.export(tmp_path / "films", "mp4")
    wait(lambda: not session.job.running and any((tmp_path / "films").glob("*.mp4")), 60)
    listed = json.loads((tmp_path / "films" / "clips.json").read_text())
    table = session.atlas.windows.table
    for clip in listed["clips"]:
        window = clip["window"]
        with av.open(str(tmp_path / "films" / clip["file"])) as container:
            shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert len(shown) == len(clip["frames"])
        assert table.first_frame[window] <= min(clip["frames"])
        assert max(clip["frames"]) < table.stop_frame[window]
    assert {clip["window"] for clip in listed["clips"]} == set(session.selection.ids.tolist())


def test_two_maps_share_one_selection(opened, qtbot, wait):
    from napari_atlas import workflow

    session, the_map = opened.session, opened.widget("map")
    runs = [entry["run"] for entry in workflow.runs(session.atlas.folder)]
    other = workflow.load_atlas(session.atlas.folder, next(run for run in runs if run != session.atlas.run))
    session.show_beside(other)
    qtbot.wait(800)
    pair = list(the_map._maps.plots())
    assert len(pair) == 2
    window = lone(session.atlas, the_map, 1)[0]
    before = picture(pair[1].native)
    QTest.mouseClick(the_map.canvas_widget, LEFT, NONE, the_map.coordinates_on_screen(window))
    qtbot.wait(400)
    assert session.selection.ids.tolist() == [window]
    assert (picture(pair[1].native) != before).any(), "the other map shows the selection too"
    there = int(matched(session.atlas, other)[5])
    QTest.mouseClick(pair[1].native, LEFT, NONE, pair[1].screen_of(there))
    qtbot.wait(200)
    found = session.selection.ids
    near = np.linalg.norm(other.coordinates[matched(session.atlas, other)[found]] - other.coordinates[there], axis=1)
    assert near.max() < 0.1 * np.ptp(other.coordinates, axis=0).max(), "a click on the second map selects there"


def test_keys_work_in_the_whole_window(opened, qtbot, wait):
    session = opened.session
    project = opened.widget("project")
    project.window().activateWindow()
    wait(project.window().isActiveWindow, 5)
    project.setFocus()
    window = window_at(session.atlas, session.cursor)
    QTest.keyClick(project, Qt.Key.Key_J)
    wait(lambda: window_at(session.atlas, session.cursor) == window + 1, 5)
    QTest.keyClick(project, Qt.Key.Key_3)
    wait(lambda: len(session.annotations.of_kind("tag")) == 1, 5)
    tag = session.annotations.of_kind("tag")[0]
    assert tag.spans.windows(session.atlas.windows.table).tolist() == [window + 1]
    QTest.keyClick(project, Qt.Key.Key_K)
    wait(lambda: window_at(session.atlas, session.cursor) == window, 5)
    QTest.keyClicks(project, "?")
    from qtpy.QtWidgets import QApplication, QDialog

    wait(lambda: any(isinstance(w, QDialog) and w.objectName() == "atlas-keys" for w in QApplication.topLevelWidgets()))
    next(w for w in QApplication.topLevelWidgets() if w.objectName() == "atlas-keys").close()


def test_an_animal_that_is_clicked_in_the_video_is_gone_to(opened, qtbot, wait):
    session, viewer = opened.session, opened.viewer
    wait(lambda: "keypoints" in viewer.layers or "outline" in viewer.layers)
    others = session.atlas.recordings[session.cursor.recording].individuals
    assert len(others) == 2
    wanted = next(name for name in others if name != session.cursor.individual)
    from napari_atlas.data.drawing import drawing_of

    recording = opened.bridge.shown.recording
    nodes, lines = drawing_of(recording, recording.individuals.index(wanted), session.cursor.frame)
    row, column = (nodes if len(nodes) else lines[:, 0]).mean(axis=0)
    canvas = max(
        (
            w
            for w in opened.widget("map")
            .window()
            .centralWidget()
            .findChildren(type(opened.widget("map").canvas_widget))
        ),
        key=lambda w: w.width() * w.height(),
    )
    camera = viewer.scene.camera
    place = QPoint(
        round((column - camera.center[2]) * camera.zoom + canvas.width() / 2),
        round((row - camera.center[1]) * camera.zoom + canvas.height() / 2),
    )
    QTest.mouseClick(canvas, LEFT, NONE, place)
    wait(lambda: session.cursor.individual == wanted, 5)


@pytest.fixture
def open_window(make_napari_viewer, reef_copy, wait, qtbot):
    """Return a function that opens the small reef in another window; all are closed in the end."""
    from napari_atlas.views.workspace import workspace_of

    made = []

    def start():
        viewer = make_napari_viewer(show=True)
        viewer.window.resize(1400, 900)
        made.append(workspace_of(viewer))
        made[-1].lay_out()
        made[-1].open(reef_copy)
        wait(lambda: made[-1].session.atlas is not None and made[-1].bridge.shown is not None)
        qtbot.wait(500)
        return made[-1]

    yield start
    for workspace in made:
        workspace.close()
    qtbot.wait(100)


def test_a_project_that_is_opened_again_is_as_it_was_left(open_window, qtbot, wait):
    first = open_window()
    session, table = first.session, first.session.atlas.windows.table
    session.select(np.array([2, 7, 11]), name="mine")
    session.color("temperature")
    session.arrange(axes="pca", shown="held-out (test)")
    last = list(session.atlas.recordings.values())[-1]
    session.seek(last.name, last.individuals[0], 40)
    wait(lambda: first.bridge.shown.recording.name == last.name)
    first.desk.keeper.mark(lambda a: a.with_mark(Mark("note", "it turns", Spans.of_windows(table, np.array([4])))))
    wait(lambda: not first.desk.keeper.busy)
    left = session.cursor
    first.close()
    again = open_window().session
    wait(lambda: again.color_by == "temperature", 10)
    assert (again.selection.ids.tolist(), again.selection.name) == ([2, 7, 11], "mine")
    assert (again.map_state.axes, again.map_state.shown) == ("pca", "held-out (test)")
    assert again.cursor == left
    assert [note.name for note in again.annotations.of_kind("note")] == ["it turns"]
    assert again.clusterings


def test_two_windows_on_one_project_lose_nothing(open_window, qtbot, wait):
    one, two = open_window(), open_window()
    table = one.session.atlas.windows.table
    for workspace, name in ((one, "left"), (two, "right")):
        mark = Mark("tag", name, Spans.of_windows(table, np.array([3])))
        workspace.desk.keeper.mark(lambda marks, mark=mark: marks.with_mark(mark))
    wait(lambda: not one.desk.keeper.busy and not two.desk.keeper.busy)
    names = {mark.name for mark in read_annotations(one.desk.folder).of_kind("tag")}
    assert names == {"left", "right"}


def test_docks_opened_and_closed_fifty_times_leave_nothing_behind(opened, qtbot, wait):
    import gc

    import psutil

    from napari_atlas.views.workspace import PARTS

    process = psutil.Process()
    docks = [opened.viewer.window.dock_widgets[PARTS[part][0]].parent() for part in PARTS]

    def rounds(n):
        for _ in range(n):
            for dock in docks:
                dock.close()
                dock.show()
                dock.raise_()
            qtbot.wait(20)
        gc.collect()
        return process.memory_info().rss / 2**20

    def buttons():
        # Those of the synthesis come once its child answers, whenever that is.
        synthesis = opened.widget("synthesis")
        found = opened.widget("map").window().findChildren(QToolButton)
        return sum(not synthesis.isAncestorOf(button) for button in found)

    rounds(5)
    children = buttons()
    before = rounds(5)
    after = rounds(40)
    assert after - before < 25, f"{before:.0f} MiB became {after:.0f} MiB"
    assert buttons() == children
    assert opened.session.atlas is not None
