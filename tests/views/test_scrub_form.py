"""What is taken out of the latent: rows, how they are told to the fit, and when they are looked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLabel, QToolButton

from napari_atlas.data.config import FitConfig
from napari_atlas.data.variables import Candidate
from napari_atlas.errors import InputError
from napari_atlas.session.session import Session
from napari_atlas.views._fit_form import FitForm
from napari_atlas.views._scrub_form import ScrubForm
from napari_atlas.views.desk import Desk
from napari_atlas.views.training import TrainingDock

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_atlas.data.atlas import Atlas

pytestmark = pytest.mark.gui

OFFER = (
    Candidate("individual", "class"),
    Candidate("recording", "class", "one recording only: nothing to scrub"),
    Candidate("species", "class"),
    Candidate("temperature", "number"),
    Candidate("heading", "angle"),
)


@pytest.fixture
def form(qtbot: QtBot) -> FitForm:
    """Return a form that is unfolded and has a few variables."""
    made = FitForm()
    qtbot.addWidget(made)
    made.resize(260, 500)
    made.show()
    made.scrubs.offer(OFFER)
    fold_of(made).click()
    return made


def fold_of(form: FitForm) -> QToolButton:
    return form.findChild(QToolButton, "atlas-scrub-fold")


def check_of(form: FitForm, name: str) -> QCheckBox:
    return form.findChild(QCheckBox, f"atlas-scrub-{name}")


def way_of(form: FitForm, name: str) -> QComboBox:
    return form.findChild(QComboBox, f"atlas-scrub-{name}-way")


def strength_of(form: FitForm, name: str) -> QDoubleSpinBox:
    return form.findChild(QDoubleSpinBox, f"atlas-scrub-{name}-strength")


def said(form: FitForm) -> str:
    label = form.findChild(QLabel, "atlas-scrub-said")
    return label.text() if label.isVisible() else ""


def test_a_tick_asks_for_it_and_shows_how(form: FitForm, qtbot: QtBot) -> None:
    assert not way_of(form, "individual").isVisible()
    check_of(form, "individual").setFocus()
    qtbot.keyClick(check_of(form, "individual"), Qt.Key.Key_Space)
    assert way_of(form, "individual").isVisible()
    assert form.value()["scrub"] == "individual"
    way_of(form, "individual").setCurrentIndex(way_of(form, "individual").findData("qd"))
    strength_of(form, "individual").setValue(2.0)
    check_of(form, "heading").click()
    assert form.value()["scrub"] == "individual:qd:2,heading"
    assert [scrub.strength for scrub in FitConfig.from_dict(form.value()).scrubs] == [2.0, 1.0]
    assert fold_of(form).text() == "Take out: individual, heading"
    check_of(form, "individual").click()
    check_of(form, "heading").click()
    assert form.value()["scrub"] == ""
    assert fold_of(form).text().endswith("nothing")


def test_only_what_fits_a_variable_is_offered(form: FitForm) -> None:
    ways = {name: [way_of(form, name).itemData(i) for i in range(way_of(form, name).count())] for name in
            ("individual", "species", "heading")}  # fmt: skip
    assert all(offered[0] == "auto" for offered in ways.values())
    assert "qd" in ways["individual"]
    assert "mals" not in ways["individual"]
    assert "mals" in ways["heading"]
    assert "moving-average" not in ways["heading"]
    assert "none" in ways["individual"]
    assert "none" not in ways["species"], "each species has a decoder of its own"


def test_what_the_decoder_is_merely_told_is_a_condition(form: FitForm) -> None:
    check_of(form, "heading").click()
    way_of(form, "heading").setCurrentIndex(way_of(form, "heading").findData("none"))
    assert not strength_of(form, "heading").isVisible()
    assert (form.value()["scrub"], form.value()["condition"]) == ("", "heading")
    assert FitConfig.from_dict(form.value()).variable_names == ("heading",)


def test_where_there_is_nothing_to_take_out_the_row_says_why(form: FitForm) -> None:
    check, why = check_of(form, "recording"), form.findChild(QLabel, "atlas-scrub-recording-why")
    assert not check.isEnabled()
    assert why.isVisible()
    assert why.text() == "one recording only: nothing to scrub"
    assert check.toolTip() == "One recording only: nothing to scrub."
    form.scrubs.set_value("recording", "")
    assert form.value()["scrub"] == ""


def test_a_preset_is_shown_and_what_was_chosen_stays_while_variables_are_looked_for(form: FitForm) -> None:
    form.findChild(QComboBox, "atlas-preset").setCurrentText("both")
    assert check_of(form, "individual").isChecked()
    check_of(form, "heading").click()
    strength_of(form, "heading").setValue(3.0)
    for offer in ((), OFFER):
        form.scrubs.offer(offer)
        assert form.value()["scrub"] == "individual,heading:auto:3"
    form.findChild(QComboBox, "atlas-preset").setCurrentText("default")
    assert form.value()["scrub"] == ""


def test_the_temperature_is_not_asked_for_and_taken_out_at_once(form: FitForm) -> None:
    check_of(form, "temperature").click()
    assert said(form).startswith("The temperature head asks")
    form.findChild(QDoubleSpinBox, "atlas-temperature_weight").setValue(0.0)
    assert said(form) == ""


def test_nothing_is_cut_off_in_a_narrow_dock(form: FitForm) -> None:
    for name in ("individual", "heading"):
        check_of(form, name).click()
    strength = strength_of(form, "individual")
    right = strength.mapTo(form, strength.rect().topRight()).x()
    assert right <= form.viewport().width()
    assert not said(form)


def test_the_variables_of_a_project_are_looked_for_once_and_in_a_thread(
    qtbot: QtBot, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("napari_atlas.workflow.scrub_candidates", lambda folder, table: asked.append(folder) or OFFER)
    desk = Desk(Session())
    dock = TrainingDock(desk)
    qtbot.addWidget(dock)
    dock.show()
    form = dock.findChild(ScrubForm)
    fold_of(dock).click()
    assert said(dock) == "Open a project first."
    desk.session.show(atlas)
    assert "individual" not in dock.settings()["scrub"]
    qtbot.waitUntil(lambda: check_of(dock, "individual") is not None, timeout=5000)
    check_of(dock, "individual").click()
    desk.session.show(replace(atlas, run="4"))
    dock.close()
    dock.show()
    assert asked == [atlas.folder]
    assert dock.settings()["scrub"] == "individual"
    assert form is dock.findChild(ScrubForm)


def test_what_cannot_be_read_is_told(qtbot: QtBot, atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: object, table: object) -> None:
        raise InputError.of("a.csv", "it is gone", "bring it back")

    monkeypatch.setattr("napari_atlas.workflow.scrub_candidates", fail)
    desk = Desk(Session())
    dock = TrainingDock(desk)
    qtbot.addWidget(dock)
    dock.show()
    fold_of(dock).click()
    desk.session.show(atlas)
    qtbot.waitUntil(lambda: said(dock).startswith("a.csv: it is gone"), timeout=5000)
    assert dock.settings()["scrub"] == ""
