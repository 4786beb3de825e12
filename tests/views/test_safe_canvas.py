"""A display that cannot draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from napari_atlas.views._canvas import make_canvas, palette_of
from napari_atlas.views._safe_canvas import NO_OPENGL

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


@pytest.mark.gui
@pytest.mark.parametrize("fault", ["no context", "old driver"])
def test_a_canvas_that_cannot_draw_says_so_and_the_rest_works(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    host = QWidget()
    qtbot.addWidget(host)
    layout, button = QVBoxLayout(host), QPushButton("works", host)
    canvas = make_canvas(host, palette_of("dark"))
    layout.addWidget(canvas.native)
    layout.addWidget(button)
    if fault == "no context":
        monkeypatch.setattr(canvas.native, "isValid", lambda: False)
    else:
        monkeypatch.setattr("vispy.scene.SceneCanvas._draw_scene", _refuse)
    with qtbot.waitExposed(host):
        host.show()
    qtbot.waitUntil(lambda: host.findChild(QLabel, "atlas-no-opengl") is not None, timeout=5000)
    label = host.findChild(QLabel, "atlas-no-opengl")
    assert label.text() == NO_OPENGL
    assert label.isVisible()
    assert not canvas.native.isVisible()
    pressed: list[bool] = []
    button.clicked.connect(pressed.append)
    button.click()
    assert pressed


def _refuse(canvas: object, bgcolor: object = None) -> None:
    raise RuntimeError("Shader compilation error")
