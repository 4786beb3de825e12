"""The short form of ``benchmarks/truth.py``: real animals that the model has not seen, one seed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from napari_atlas.data.config import FitConfig

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "truth.py"


def test_temperature_of_unseen_animals_beats_its_shuffle(shared):
    spec = importlib.util.spec_from_file_location("truth", BENCHMARK)
    truth = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(truth)
    figures = truth.fitted(truth.load(shared), FitConfig(epochs=30))
    for species, least in (("jellyfish", 0.0), ("fish", 0.06)):
        assert figures[species]["test"] >= least
        assert figures[species]["test"] > figures[species]["shuffled"]
        assert figures[species]["test"] < 0.5, "more than there is to know: something leaks"
