"""The curve of each term of the loss, and the examples beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QComboBox, QToolButton

from napari_atlas.data.live import Example
from napari_atlas.io.runs import RunFolder
from napari_atlas.views.loss_curve import LossCurve, _thinned
from napari_atlas.views.reconstructions import Reconstructions

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

pytestmark = pytest.mark.gui
TERMS = ("total", "reconstruction", "kl", "temperature")


def row(epoch: int, temperature: float = 0.5) -> dict[str, Any]:
    """Return an epoch of a history; each term has a scale of its own."""
    values = {f"{part}_{term}": 10.0**i for part in ("train", "validation") for i, term in enumerate(TERMS, start=1)}
    return {"epoch": epoch, "beta": epoch / 10, "best": 0.0, **values, "train_temperature": temperature}


@pytest.fixture
def curve(qtbot: QtBot) -> LossCurve:
    widget = LossCurve()
    qtbot.addWidget(widget)
    widget.resize(300, 160)
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


def words(curve: LossCurve) -> list[str]:
    """Return what is written on the curve, once it is drawn."""
    curve.draw_now()
    return [text.text for text in curve._texts._texts]


def button(curve: LossCurve, term: str) -> QToolButton:
    return curve.findChild(QToolButton, f"atlas-loss-{term}")


def test_each_term_is_a_key_away(curve: LossCurve) -> None:
    for epoch in range(1, 11):
        curve.add_epoch(row(epoch))
    assert {"10.00", "training", "held out", "epoch 10"} <= {*words(curve)}
    for term, top in (("reconstruction", "100.00"), ("kl", "1000.00"), ("temperature", "10000.00")):
        button(curve, term).setFocus()
        QTest.keyClick(button(curve, term), Qt.Key.Key_Space)
        shown = words(curve)
        assert button(curve, term).isChecked()
        assert {top, "held out"} <= {*shown}
    button(curve, "beta").click()
    assert {"weight of KL", "0.10"} <= {*words(curve)}
    assert "held out" not in words(curve), "β has one course"
    assert not button(curve, "temperature").isChecked()


def test_without_a_head_nothing_says_celsius(curve: LossCurve) -> None:
    curve.add_epoch(row(1))
    curve.draw_now()
    button(curve, "temperature").click()
    curve.clear()
    curve.add_epoch(row(1, temperature=0.0))
    curve.draw_now()
    assert button(curve, "temperature").isHidden()
    assert button(curve, "total").isChecked()


def test_what_scrubbing_costs_is_shown_where_there_is_scrubbing(curve: LossCurve) -> None:
    for epoch in (1, 2, 3):
        curve.add_epoch(row(epoch) | {"train_scrub": -float(epoch), "validation_scrub": 0.0})
    curve.draw_now()
    assert button(curve, "scrub").isVisible()
    button(curve, "scrub").click()
    assert {"-1.04", "-3.00", "training"} <= {*words(curve)}
    assert "held out" not in words(curve), "held-out windows are judged without it"
    curve.clear()
    curve.add_epoch(row(1))
    curve.draw_now()
    assert button(curve, "scrub").isHidden()
    assert button(curve, "total").isChecked()


def test_a_run_that_goes_on_takes_the_place_of_its_later_epochs(curve: LossCurve, tmp_path: Path) -> None:
    RunFolder(tmp_path).write_history([row(epoch) for epoch in range(1, 9)])
    curve.show_run(tmp_path, 5)
    assert "epoch 5" in words(curve)
    curve.add_epoch(row(6))
    curve.add_epoch(row(6))
    assert "epoch 6" in words(curve)
    curve.show_run(tmp_path)
    assert "epoch 8" in words(curve)


@pytest.mark.parametrize("text", ["epoch,train_total\n1,3.5\n2,2.5\n", "epoch\n1\n", "epoch,train_total\n1,x\n", ""])
def test_an_old_or_damaged_history_is_no_fault(curve: LossCurve, tmp_path: Path, text: str) -> None:
    (tmp_path / "history.csv").write_text(text, encoding="utf-8")
    curve.show_run(tmp_path)
    drawn = "epoch 2" in words(curve)
    assert drawn == ("2.5" in text)
    button(curve, "kl").click()
    assert words(curve) == ["the loss appears here"]


def test_many_epochs_are_thinned_to_what_can_be_seen() -> None:
    points = np.column_stack([np.linspace(0, 240, 5000), np.arange(5000)])
    few = _thinned(points)
    assert len(few) <= 82
    assert np.array_equal(few[[0, -1]], points[[0, -1]])
    assert np.array_equal(_thinned(points[:40:30]), points[:40:30])
    assert len(_thinned(points[:0])) == 0


def test_examples_are_drawn_with_input_and_output_apart(qtbot: QtBot) -> None:
    widget = Reconstructions()
    qtbot.addWidget(widget)
    widget.resize(300, 200)
    with qtbot.waitExposed(widget):
        widget.show()
    empty = widget.grab().toImage()
    given = np.sin(np.arange(20, dtype=np.float32))[:, None].repeat(3, axis=1)
    examples = tuple(Example(name, name == "fish", 7, given, given * 0.2) for name in ("fish", "fish", "jelly"))
    widget.show_examples(examples, 12)
    drawn = widget.grab().toImage()
    assert drawn != empty
    assert widget.accessibleDescription().startswith("fish · held out · 3 of 7 channels; ")
    assert widget.accessibleDescription().endswith("jelly · training · 3 of 7 channels")
    widget.set_theme("light")
    assert widget.grab().toImage() != drawn
    widget.show_examples((), 0)
    widget.set_theme("dark")
    assert widget.grab().toImage() == empty


def test_a_channel_can_be_chosen_where_there_are_several(qtbot: QtBot) -> None:
    widget = Reconstructions()
    qtbot.addWidget(widget)
    widget.resize(300, 200)
    with qtbot.waitExposed(widget):
        widget.show()
    choice = widget.findChild(QComboBox, "atlas-reconstruction-channel")
    assert choice is not None
    rng = np.random.default_rng(0)
    fish, jelly = (rng.normal(size=(20, n)).astype(np.float32) for n in (5, 1))
    widget.show_examples((Example("jelly", True, 1, jelly, jelly * 0.2),), 1)
    assert not choice.isVisible()
    examples = (Example("fish", True, 5, fish, fish * 0.2), Example("jelly", True, 1, jelly, jelly * 0.2))
    widget.show_examples(examples, 1)
    numbered = [f"channel {i + 1}" for i in range(5)]
    assert [choice.itemText(i) for i in range(choice.count())] == ["first 3 channels", *numbered]
    widget.name_channels({"fish": tuple("abcde"), "jelly": ("area",)})
    assert [choice.itemText(i) for i in range(choice.count())][1:3] == ["a / area", "b"]
    first = widget.grab().toImage()
    choice.setFocus()
    for _ in range(2):
        QTest.keyClick(choice, Qt.Key.Key_Down)
    assert widget.grab().toImage() != first
    assert widget.accessibleDescription() == "fish · held out · b; jelly · held out · no such channel"
    widget.show_examples(examples, 2)
    assert choice.currentText() == "b", "the next epoch shows the same channel"
