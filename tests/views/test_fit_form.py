"""The settings of a fit, and presets of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication, QComboBox, QDoubleSpinBox, QLabel, QSpinBox, QWidget

from napari_atlas.data.config import FitConfig
from napari_atlas.data.presets import PRESETS
from napari_atlas.session.session import Session
from napari_atlas.views._fit_form import FitForm
from napari_atlas.views.desk import Desk
from napari_atlas.views.training import TrainingDock

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

pytestmark = pytest.mark.gui


@pytest.fixture
def form(qtbot: QtBot) -> FitForm:
    made = FitForm()
    qtbot.addWidget(made)
    made.resize(300, 120)
    made.show()
    return made


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_gives_all_that_it_names_and_the_form_wins(form: FitForm, name: str) -> None:
    seed, latent = form.findChild(QSpinBox, "atlas-seed"), form.findChild(QSpinBox, "atlas-latent_dim")
    seed.setValue(5)
    form.findChild(QComboBox, "atlas-preset").setCurrentText(name)
    expected = FitConfig.from_dict({**PRESETS[name].values, "seed": 5})
    assert FitConfig.from_dict(form.value()) == expected
    latent.setValue(3)
    assert FitConfig.from_dict(form.value()).latent_dim == 3
    form.findChild(QComboBox, "atlas-preset").setCurrentText("default")
    assert FitConfig.from_dict(form.value()) == FitConfig(seed=5, latent_dim=3 if name == "default" else 8)


def test_a_preset_tells_what_it_is_for_and_what_cannot_be_seen(form: FitForm, qtbot: QtBot) -> None:
    presets = form.findChild(QComboBox, "atlas-preset")
    presets.setFocus()
    qtbot.keyClick(presets, Qt.Key.Key_Down)
    assert presets.currentText() == "reference"
    assert presets.toolTip().startswith(PRESETS["reference"].meaning)
    assert "split = none" in presets.toolTip()
    assert "epochs" not in presets.toolTip().partition("It also sets")[2]


def test_the_wheel_scrolls_the_form_and_changes_nothing(form: FitForm, qtbot: QtBot) -> None:
    before, editor = form.value(), form.findChild(QSpinBox, "atlas-epochs")
    assert not turn_wheel_over(editor), "it is left to what lies below"
    assert form.value() == before
    assert turn_wheel_over(form.viewport())
    assert form.verticalScrollBar().value() > 0
    form.activateWindow()
    editor.setFocus()
    qtbot.waitUntil(editor.hasFocus, timeout=5000)
    turn_wheel_over(editor)
    assert form.value()["epochs"] == before["epochs"] - 1


def turn_wheel_over(widget: QWidget) -> bool:
    """Turn the wheel over a widget by one notch, and return whether it cared."""
    place = QPointF(5, 5)
    wheel = QWheelEvent(
        place,
        QPointF(widget.mapToGlobal(place.toPoint())),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, wheel)
    return wheel.isAccepted()


def test_without_a_temperature_nothing_is_said_of_any(qtbot: QtBot, atlas: Atlas, plain_atlas: Atlas) -> None:
    desk = Desk(Session())
    dock = TrainingDock(desk)
    qtbot.addWidget(dock)
    dock.show()
    weight = dock.findChild(QDoubleSpinBox, "atlas-temperature_weight")
    for shown, there in ((plain_atlas, False), (atlas, True), (plain_atlas, False)):
        desk.session.show(shown)
        assert weight.isVisible() == there
        words = [w.text() for w in dock.findChildren(QLabel) if w.isVisible()]
        assert any("emperature" in word for word in words) == there
