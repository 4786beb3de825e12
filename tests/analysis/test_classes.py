"""How well classes are told."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_atlas.analysis.alignment import smallest_p
from napari_atlas.analysis.classes import accuracy, balanced_accuracy, class_figures
from napari_atlas.data.windows import Windows

NAN = np.nan


def test_a_rare_class_counts_as_much_as_a_common_one() -> None:
    labels = np.array([0, 0, 0, 0, 0, 0, 1, 1, NAN])
    always = np.zeros(9)
    assert accuracy(labels, always) == 0.75
    assert balanced_accuracy(labels, always) == 0.5
    assert balanced_accuracy(labels, np.nan_to_num(labels)) == 1.0


def test_a_single_class_or_none_is_undefined() -> None:
    for labels in (np.ones(4), np.full(4, NAN), np.empty(0)):
        assert math.isnan(accuracy(labels, np.ones(labels.size)))
        assert math.isnan(balanced_accuracy(labels, np.ones(labels.size)))


def test_classes_are_judged_by_species_beside_their_null() -> None:
    stacks = {name: np.random.default_rng(0).normal(size=(60, 8)) for name in ("fish", "crab")}
    table = Windows.from_arrays(stacks).with_split(np.repeat([0, 2, 0, 2], 30).astype(np.int8)).table
    labels = np.where(np.arange(120) < 60, np.arange(120) // 5 % 2, NAN)
    ((name, found),) = class_figures(table, labels, labels).items()
    assert (name, found["train"], found["test"], found["accuracy"]["test"]) == ("fish", 1, 1, 1)
    assert math.isnan(found["validation"])
    assert found["shuffled"] == pytest.approx(0.5, abs=0.15)


def test_courses_of_the_same_classes_in_another_order_differ() -> None:
    stacks = {name: np.zeros((20, 4)) + np.arange(20)[:, None] % 7 for name in ("a", "b", "c")}
    table = Windows.from_arrays(stacks).table
    for orders, smallest in ((((0, 1), (1, 0), (0, 1)), 1 / 3), (((0, 1), (0, 1), (0, 1)), 1)):
        labels = np.concatenate([np.repeat(np.array(order, float), (5 + i, 15 - i)) for i, order in enumerate(orders)])
        assert smallest_p(table, labels, np.arange(60)) == pytest.approx(smallest)
