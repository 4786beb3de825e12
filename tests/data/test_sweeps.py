"""Plans of sweeps: which fits a file asks for, and what is refused before any of them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from napari_atlas.data.config import FitConfig
from napari_atlas.data.sweeps import SweepPlan, plan_sweep
from napari_atlas.errors import InputError

HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "sweep.md"
RANDOM = """
kind = "random"
points = 20
[grid]
learning_rate = {low = 1e-4, high = 1e-2, scale = "log"}
batch_size = {low = 4, high = 7}
encoder = ["conv", "residual"]
"""


def plan(text: str, **given: Any) -> SweepPlan:
    return plan_sweep(tomllib.loads(text), given)


def test_a_grid_is_every_combination_and_the_last_changes_fastest() -> None:
    made = plan("[settings]\nepochs = 9\nseed = 1\n[grid]\nlatent_dim = [4, 8]\nbeta = [1, 4.0, 4]", seed=7)
    assert made.varied == ("latent_dim", "beta")
    assert [(p.latent_dim, p.beta) for p in made.points] == [(4, 1.0), (4, 4.0), (8, 1.0), (8, 4.0)]
    assert made.points[0] == FitConfig(epochs=9, seed=7, latent_dim=4, beta=1.0)
    assert made.values(3) == {"latent_dim": 8, "beta": 4.0}


def test_the_manual_shows_sweeps_that_can_be_run() -> None:
    blocks = re.findall(r"^```toml\n(.*?)^```$", HOWTO.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert [len(plan(block).points) for block in blocks] == [6, 20]


def test_settings_that_depend_on_each_other_are_checked_together() -> None:
    made = plan("[settings]\nfold = 6\n[grid]\nfolds = [7, 8]")
    assert [(p.fold, p.folds) for p in made.points] == [(6, 7), (6, 8)]


def test_random_points_lie_in_their_ranges_and_are_all_different() -> None:
    points = plan(RANDOM).points
    assert len(set(points)) == len(points) == 20
    assert {p.batch_size for p in points} == {4, 5, 6, 7}
    assert {p.encoder for p in points} == {"conv", "residual"}
    assert all(1e-4 <= p.learning_rate <= 1e-2 for p in points)
    assert 4 <= sum(p.learning_rate < 1e-3 for p in points) <= 16


def test_a_longer_draw_begins_with_the_shorter_one() -> None:
    points = plan(RANDOM).points
    assert plan(RANDOM.replace("20", "7")).points == points[:7]
    assert plan(RANDOM.replace("20", "20\nseed = 1")).points != points


def test_no_more_points_are_drawn_than_there_are() -> None:
    made = plan('kind = "random"\npoints = 50\n[grid]\nlatent_dim = [2, 4]\nencoder = ["conv", "residual"]')
    assert len(made.points) == 4


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "[grid]: it is empty; list values"),
        ("[grid]", "[grid]: it is empty; list values"),
        ("[grids]", "grids: a sweep has no such key; choose from kind, points"),
        ("grid = 3", "grid: 3 is not a table; write [grid]"),
        ('kind = "odd"', "kind: 'odd' is not known; choose from grid, random"),
        ("[grid]\nbeta = 3", "[grid] beta: 3 is not a list; write"),
        ("[grid]\nbeta = []", "[grid] beta: the list is empty; give it a value"),
        ("[grid]\nfold = [0, 7]", "setting fold: 7 is not below folds=5"),
        ("[grid]\nbeta = [1.0, -1.0]", "setting beta: -1.0 is out of range; give"),
        ("[grid]\nbetta = [1.0]", "settings: betta is not a setting; choose from"),
        ("[settings]\nepochs = 0\n[grid]\nbeta = [1.0]", "setting epochs: 0 is out of range; give"),
        ("[settings]\nbeta = 1\n[grid]\nbeta = [1.0]", "setting beta: it is fixed and varied at once; take"),
        ("[grid]\nbeta = {low = 1, high = 2}", "[grid] beta: {'low': 1, 'high': 2} is not a list; write"),
        ("points = 0\n[grid]\nbeta = [1.0]", "points: 0 is not possible; write a whole number from 1"),
        ("[grid]\nbeta = [1.0]", "points: 0 is not possible; write a whole number from 1"),
        ("points = 2\nseed = -1\n[grid]\nbeta = [1.0]", "seed: -1 is not possible"),
        ("points = 2\n[grid]\nbeta = {low = 1}", "[grid] beta: {'low': 1} is not a range; write"),
        ("points = 2\n[grid]\nbeta = {low = 2, high = 1}", "[grid] beta: 2.0 to 1.0 is not a range; low below"),
        ('points = 2\n[grid]\nbeta = {low = 0, high = 1, scale = "log"}', "[grid] beta: 0.0 to 1.0 is not a range"),
        ("points = 2\n[grid]\nbeta = {low = 0, high = 9999}", "setting beta: 9999.0 is out of range"),
        ("points = 2\n[grid]\nencoder = {low = 0, high = 1}", "[grid] encoder: it takes words, not a range; list"),
        ("points = 2\n[grid]\nbetta = {low = 0, high = 1}", "settings: betta is not a setting"),
    ],
)
def test_what_cannot_be_used_is_refused_before_any_fit(text: str, says: str) -> None:
    random = "points" in text or says.startswith("points")
    with pytest.raises(InputError) as refused:
        plan(('kind = "random"\n' if random else "") + text)
    assert str(refused.value).startswith(says)


def test_a_grid_without_end_is_refused() -> None:
    text = "[grid]\n" + "\n".join(f"{name} = {list(range(1, 31))}" for name in ("epochs", "seed", "patience"))
    with pytest.raises(InputError, match=r"\[grid\]: it has 27000 points; keep it to 10000, or draw at random"):
        plan(text)
