"""The synthesis dock in a real window, with a real model behind it."""

from __future__ import annotations

import numpy as np
import psutil
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QSlider

from napari_atlas.session.linking import cursor_of

pytestmark = pytest.mark.gui


def test_a_clicked_window_is_decoded_and_a_slider_changes_it(opened, wait, qtbot):
    session, dock = opened.session, opened.widget("synthesis")
    opened._docks["synthesis"].raise_()
    wait(lambda: dock.shown >= 0 and not dock.page.said())
    fish = int(session.atlas.windows.table.rows_of("stickleback")[2])
    cursor = cursor_of(session.atlas, fish)
    session.seek(cursor.recording, cursor.individual, cursor.frame)
    wait(lambda: dock.shown == fish)
    stage = dock.page.stage
    recorded = session.atlas.windows.gather(np.array([fish]))[0]
    np.testing.assert_allclose(stage.recorded.values, recorded, rtol=1e-5)
    stage.toggle()
    before, drawn = stage.generated.values, stage.grab().toImage()
    slider = dock.page.latent.findChildren(QSlider)[0]
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_PageUp)
    wait(lambda: not np.array_equal(stage.generated.values, before))
    qtbot.wait(50)
    assert stage.grab().toImage() != drawn
    child = psutil.Process(dock._source._child.warm.pid)
    opened.close()
    wait(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 10)
