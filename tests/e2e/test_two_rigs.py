"""Two rigs with their real videos: a click on the map shows the frame that the table names."""

from __future__ import annotations

import av
import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_atlas.session.linking import cursor_of

pytestmark = pytest.mark.gui


def decoded(path, index):
    """Return frame *index* as a plain decode from the beginning gives it."""
    with av.open(str(path)) as container:
        for i, frame in enumerate(container.decode(video=0)):
            if i == index:
                return frame.to_ndarray(format="rgb24")
    raise AssertionError(f"{path} has no frame {index}")


def displayed(viewer):
    """Return the (height, width, 3) pixels that napari draws of the video, without what lies over it."""
    shown = {layer.name: layer.visible for layer in viewer.layers}
    for layer in viewer.layers:
        layer.visible = layer.name == "video"
    viewer.canvas.overlays.text.visible = False
    picture = viewer.export_figure(flash=False)[..., :3]
    viewer.canvas.overlays.text.visible = True
    for layer in viewer.layers:
        layer.visible = shown[layer.name]
    return picture


def click(workspace, window):
    """Click a window's point with a real mouse event on the native canvas."""
    the_map = workspace.widget("map")
    QTest.mouseClick(
        the_map.canvas_widget,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
        the_map.coordinates_on_screen(window),
    )


def apart(atlas, rng, n):
    """Return n windows, of both rigs and inside their videos, whose points do not hide each other."""
    table, xy = atlas.windows.table, atlas.coordinates
    ends = {"cropped_video": 749, "180607_004.train_frames=75.rng=0": 1000}
    inside = np.array([table.centre_frame()[i] < ends[table.of_key("recording")[i]] for i in range(len(table))])
    size = np.ptp(xy, axis=0).max()
    gap = np.array([np.sort(np.linalg.norm(xy - p, axis=1))[1] for p in xy])
    chosen = []
    for name in table.species_names():
        rows = [i for i in table.rows_of(name) if inside[i] and gap[i] > 0.004 * size]
        chosen += list(rng.choice(rows, n // 2, replace=False))
    return [int(i) for i in rng.permutation(chosen)]


def test_ten_clicks_show_ten_right_frames(rigs, workspace, wait, qtbot):
    workspace.open(rigs)
    session, bridge, viewer = workspace.session, workspace.bridge, workspace.viewer
    wait(lambda: session.atlas is not None and bridge.shown is not None)
    qtbot.wait(500)
    atlas = session.atlas
    videos = {name: info.video for name, info in atlas.recordings.items()}
    right = 0
    for window in apart(atlas, np.random.default_rng(3), 10):
        wanted = cursor_of(atlas, window)
        click(workspace, window)
        wait(lambda w=wanted: bridge.shown is not None and bridge.shown.recording.name == w.recording)
        wait(lambda w=wanted: viewer.dims.current_step[0] == w.frame and not bridge.shown.note, 5)
        assert session.cursor == wanted
        assert list(session.selection.ids) == [window]
        assert str(wanted.recording) in viewer.canvas.overlays.text.text
        right += np.array_equal(displayed(viewer), decoded(videos[wanted.recording], wanted.frame))
    assert right == 10


def test_slider_moves_the_cursor_and_there_is_no_temperature(rigs, workspace, wait, qtbot):
    workspace.open(rigs)
    session, bridge, viewer = workspace.session, workspace.bridge, workspace.viewer
    wait(lambda: session.atlas is not None and bridge.shown is not None)
    viewer.dims.set_current_step(0, 300)
    wait(lambda: session.cursor.frame == 300, 5)
    assert "°C" not in viewer.canvas.overlays.text.text
    combo = workspace.widget("map").findChildren(type(workspace.widget("project").findChild(object, "atlas-runs")))
    assert all("temperature" not in box.itemText(i) for box in combo for i in range(box.count()))


def test_a_frame_beyond_the_video_says_so(rigs, workspace, wait):
    workspace.open(rigs)
    session, bridge, viewer = workspace.session, workspace.bridge, workspace.viewer
    wait(lambda: session.atlas is not None and bridge.shown is not None)
    table = session.atlas.windows.table
    late = int(np.flatnonzero(table.first_frame >= 1000)[0])
    cursor = cursor_of(session.atlas, late)
    session.seek(cursor.recording, cursor.individual, cursor.frame)
    wait(lambda: "beyond the video's end (1000 frames)" in viewer.canvas.overlays.text.text)
    assert not displayed(viewer).any()
