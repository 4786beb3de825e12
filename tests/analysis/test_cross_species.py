"""The short form of ``benchmarks/cross_species.py``: one smaller reef, one seed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from napari_atlas import workflow
from napari_atlas.data.config import FitConfig
from napari_atlas.sample.reef import ReefSpec, write_reef

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "cross_species.py"


@pytest.fixture(scope="module")
def benchmark():
    """Return the benchmark as a module."""
    spec = importlib.util.spec_from_file_location("cross_species", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_neighbours_across_species_share_the_hidden_state(benchmark, tmp_path):
    for _ in write_reef(tmp_path / "reef", ReefSpec.statistics(0)):
        pass
    project = tmp_path / "reef.atlas"
    workflow.new(project)
    for _ in workflow.add_reef(project, tmp_path / "reef"):
        pass
    figures = benchmark.compare(project, tmp_path / "reef" / "truth.csv", FitConfig(epochs=30))
    assert figures["latent_ratio"] < 1, "better than neighbours drawn by lot"
    assert figures["forest_ratio"] < 1
    assert figures["ratio"] <= 1.2
