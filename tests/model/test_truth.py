"""The short forms of ``benchmarks/truth.py`` and ``golden_history.py``, on real animals, one seed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from napari_atlas.data.config import FitConfig

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def load(name):
    """Return a benchmark as a module."""
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_settings_of_the_reference_follow_its_history(shared):
    golden_history = load("golden_history")
    found = golden_history.history(golden_history.truth.load(shared), seed=0, epochs=12)
    wanted = golden_history.reference(shared)
    for epoch in (3, 6, 12):
        for term, mine in zip(golden_history.TERMS, found[epoch - 1], strict=True):
            assert mine == pytest.approx(wanted[epoch][term], rel=0.15), f"{term} in epoch {epoch}"


def test_temperature_of_unseen_animals_beats_its_shuffle(shared):
    truth = load("truth")
    figures = truth.fitted(truth.load(shared), FitConfig(epochs=30))
    for species, least in (("jellyfish", 0.0), ("fish", 0.06)):
        assert figures[species]["test"] >= least
        assert figures[species]["test"] > figures[species]["shuffled"]
        assert figures[species]["test"] < 0.5, "more than there is to know: something leaks"
