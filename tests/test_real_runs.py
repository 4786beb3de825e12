"""The whole path on real recordings, in short; the two rigs with their videos are among the end-to-end tests."""

from __future__ import annotations

import json

import numpy as np

from napari_atlas import workflow
from napari_atlas.analysis.projection import MapRecipe
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest


def test_jellyfish_and_sticklebacks_get_one_map_and_a_sober_figure(shared, tmp_path):
    project = tmp_path / "atlas.atlas"
    workflow.new(project)
    workflow.add(project, AddRequest(shared / "data/atlas/jellyfish.npz", "jellyfish"))
    workflow.add(project, AddRequest(shared / "data/atlas/fish.npz", "stickleback"))
    done = list(workflow.fit(project, FitConfig(epochs=2)))[-1]
    figures = done.data["temperature_r2"]
    assert set(figures) == {"jellyfish", "stickleback"}
    assert all(np.isfinite([f["test"], f["shuffled"]]).all() for f in figures.values())
    list(workflow.make_map(project, MapRecipe()))
    atlas = workflow.load_atlas(project)
    assert {name: atlas.windows.table.rows_of(name).size for name in figures} == {
        "jellyfish": 2975,
        "stickleback": 1854,
    }
    assert atlas.coordinates.shape == (4829, 2)
    assert np.isfinite(atlas.coordinates).all()


def test_a_mouse_from_sleap_gets_a_map_without_any_temperature(shared, tmp_path):
    project = tmp_path / "mouse.atlas"
    workflow.new(project)
    settings = {"bin_rate": 12.5, "window": 0.8, "stride": 0.16}
    workflow.add(project, AddRequest(shared / "data/deepof/testDLC_sleap.slp", "mouse", fps=25, settings=settings))
    told = " ".join(event.text for event in workflow.fit(project, FitConfig(epochs=3)))
    assert "°C" not in told
    list(workflow.make_map(project, MapRecipe(n_neighbors=5)))
    atlas = workflow.load_atlas(project)
    assert not atlas.windows.table.has_temperature
    assert len(atlas.windows.table) > 15
    assert np.isfinite(atlas.coordinates).all()
    assert "temperature" not in json.dumps(atlas.card["temperature_r2"])
