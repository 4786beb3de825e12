"""A card in words."""

from __future__ import annotations

from typing import Any

import pytest

from napari_atlas.analysis.report import lines, summary, verdict


def of_r2(test: float | None, shuffled: float | None = -0.1, smallest_p: float | None = 1e-6) -> dict[str, Any]:
    return {
        "train": 0.7, "validation": 0.5, "test": test, "shuffled": shuffled, "n_courses": 4, "smallest_p": smallest_p,
    }  # fmt: skip


def of_pair(difference: float | None, smallest_p: float = 1e-6, n: int = 90) -> dict[str, Any]:
    return {
        "difference": difference, "shuffled": 0.33, "shuffled_5th": 0.28, "smallest_p": smallest_p,
        "n_windows": n, "n_test": 90,
    }  # fmt: skip


def card(*r2: dict[str, Any], pairs: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    drawn = {"train": 0.9, "validation": 0.8, "test": 0.8}
    return {
        "temperature_r2": {f"s{i}": f for i, f in enumerate(r2)},
        "reconstruction_r2": {"s0": drawn, "s1": drawn},
        "neighbours": {f"pair{i}": f for i, f in enumerate(pairs)},
    }


def test_each_kind_of_figure_is_one_line() -> None:
    told = lines(card(of_r2(0.4, smallest_p=1 / 24), of_r2(None, None), pairs=(of_pair(0.2, 1 / 24, 60),)))
    assert told == [
        "temperature R² on held-out windows: s0 0.40 (training 0.70, validation 0.50, shuffled -0.10, 4 independent "
        "courses, no p-value below 1/24); s1 undefined (training 0.70, validation 0.50, shuffled undefined, "
        "4 independent courses)",
        "reconstruction R² on held-out windows: s0 0.80 (training 0.90); s1 0.80 (training 0.90)",
        "nearest neighbours across species, held-out windows, difference of temperature ranks: pair0 0.20 "
        "(shuffled 0.33, 5th percentile 0.28, no p-value below 1/24, 60 of 90 windows)",
    ]


def test_a_single_course_is_not_judged() -> None:
    (told, _) = lines(card(of_r2(0.4, smallest_p=1)))
    assert told.endswith("4 independent courses, which no shuffling can judge)")


def test_a_card_without_figures_says_nothing() -> None:
    for empty in ({}, {"temperature_r2": {}, "notes": ["stopped"]}):
        assert lines(empty) == []
        assert summary(empty) == ""
        assert verdict(empty) == ""


def test_a_card_of_an_older_version_is_read() -> None:
    old = {"temperature_r2": {"s0": {"train": 0.7, "validation": None, "test": 0.7, "shuffled": 0.1, "n_courses": 4}}}
    assert lines(old) == [
        "temperature R² on held-out windows: s0 0.70 (training 0.70, validation undefined, shuffled 0.10, "
        "4 independent courses)"
    ]
    assert summary(old) == "; temperature R² on held-out windows: s0 0.70"
    assert verdict(old) == "The map by °C holds for held-out windows."


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (card(of_r2(None), of_r2(None)), "Nothing can be said of windows that were not trained on."),
        (card(of_r2(0.04), of_r2(-0.4)), "do not read the map by °C"),
        (card(of_r2(0.5), of_r2(0.05)), "mistrust °C there"),
        (card(of_r2(0.5), of_r2(0.5, shuffled=0.6)), "mistrust °C there"),
        (card(of_r2(0.7), of_r2(0.3)), "Part of what the map shows by °C holds for held-out windows."),
        (card(of_r2(0.7), pairs=(of_pair(0.2),)), "holds for held-out windows, and neighbours of different species "
         "agree better than chance."),
        (card(of_r2(0.7), pairs=(of_pair(0.3),)), "but neighbours of different species agree no better than chance."),
        (card(of_r2(0.7), pairs=(of_pair(0.3, 1 / 6),)), "but too few recordings differ to tell"),
        (card(of_r2(0.7), pairs=(of_pair(0.1, 1 / 6),)), "but too few recordings differ to tell"),
        (card(of_r2(0.7), pairs=(of_pair(0.2), of_pair(0.3))), "but in some pair neighbours"),
        (card(pairs=(of_pair(0.2),)), "Neighbours of different species agree better than chance."),
        (card(), "Nothing that was measured ties the species together: do not compare them by place."),
    ],
)  # fmt: skip
def test_the_verdict_is_one_plain_sentence(told: dict[str, Any], says: str) -> None:
    assert says in verdict(told)
    assert verdict(told).count(".") == 1


def of_head(test: float | None, shuffled: float | None, smallest_p: float, classes: int = 0) -> dict[str, Any]:
    figures = of_r2(test, shuffled, smallest_p) | {"shuffled_95th": shuffled and shuffled + 0.2}
    if classes:
        figures["accuracy"] = {"train": 0.9, "validation": 0.8, "test": test, "shuffled": shuffled}
    return {"classes": ["x"] * classes, "species": {"s0": figures}}


def test_further_heads_are_told_beside_chance() -> None:
    told = lines({"heads": {"dose": of_head(0.4, -0.1, 1e-6), "mood": of_head(0.6, 0.5, 1, 2)}})
    assert told == [
        "dose R² on held-out windows: s0 0.40 (training 0.70, validation 0.50, shuffled -0.10, 4 independent courses)",
        "mood balanced accuracy on held-out windows: s0 0.60 (training 0.70, validation 0.50, shuffled 0.50, "
        "4 independent courses, which no shuffling can judge), of all windows 0.60 (training 0.90, shuffled 0.50)",
    ]


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (of_head(0.75, 0.5, 1e-6, 2), "the latent tells mood better than chance."),
        (of_head(0.6, 0.5, 1e-6, 2), "the latent tells mood no better than chance."),
        (of_head(0.6, 0.5, 1, 2), "the latent tells mood better than chance, but too few recordings differ"),
        (of_head(-0.1, -0.9, 1e-6), "the latent tells mood no better than chance."),
    ],
)
def test_further_heads_have_a_verdict(head: dict[str, Any], says: str) -> None:
    assert says in verdict({"heads": {"mood": head}})
    assert verdict({"heads": {"mood": of_head(None, None, 1)}}) == ""
