"""How far a run can be believed, as the window shows it."""

from __future__ import annotations

from dataclasses import replace

from napari_atlas.data.atlas import Atlas
from napari_atlas.views.card import card_text

R2 = {"train": 0.0, "validation": 0.5, "test": -0.44, "shuffled": None, "n_courses": 4, "smallest_p": 1 / 24}
PAIR = {"difference": 0.2, "shuffled": 0.33, "shuffled_5th": 0.28, "smallest_p": 1e-6, "n_windows": 9, "n_test": 9}


def test_figures_stand_beside_their_null(atlas: Atlas) -> None:
    drawn = {"train": 0.9, "validation": 0.8, "test": 0.8}
    card = {"temperature_r2": {"a<b": R2}, "reconstruction_r2": {"a<b": drawn}, "neighbours": {"a<b and c": PAIR}}
    text = card_text(replace(atlas, card=card))
    for said in ("held out", "shuffled", "training", "a&lt;b", "−0.44", ">&nbsp;–<", ">&nbsp;0.00<", "0.90", "0.20"):
        assert said in text
    assert text.index("do not read the map by °C") < text.index("<table")
    assert "a&lt;b and c" not in text, "a single pair needs no name"
    two = {**card, "neighbours": {"a and b": PAIR, "a and c": {**PAIR, "difference": None}}}
    assert "a and c" in card_text(replace(atlas, card=two))


def test_before_the_first_fit_there_is_nothing(atlas: Atlas) -> None:
    assert card_text(atlas) == ""


def test_without_temperature_no_degrees_are_shown(atlas: Atlas) -> None:
    drawn = {"train": 0.9, "validation": None, "test": 0.8}
    card = {"temperature_r2": {}, "reconstruction_r2": {"a": drawn, "b": drawn}, "neighbours": {}}
    text = card_text(replace(atlas, card=card))
    assert "°C" not in text
    assert "ties the species together" in text


def test_further_heads_stand_in_blocks_of_their_own(atlas: Atlas) -> None:
    figures = {"species": {"a": R2 | {"shuffled": 0.25, "shuffled_95th": 0.4}}}
    heads = {"x<y": {"classes": ["p", "q"], **figures}, "dose": {"classes": [], **figures}}
    text = card_text(replace(atlas, card={"heads": heads}))
    for said in ("Balanced accuracy of x&lt;y", "R² of dose", ">&nbsp;0.25<", "no better than chance"):
        assert said in text
    assert "x<y" not in text
