"""Real recordings of many kinds, from their files to a map: three species with temperatures, and many channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_atlas import workflow
from napari_atlas.analysis.projection import MapRecipe
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest

WASPS = ("2021-03-01-ISA17150-chaud_fish481.npz", "2021-03-01-ISA17150-chaud_fish503.npz")


def test_three_species_on_their_temperatures_are_fitted_mapped_and_judged(shared: Path, tmp_path: Path) -> None:
    project = tmp_path / "three.atlas"
    workflow.new(project)
    workflow.add(project, AddRequest(shared / "data/atlas/jellyfish.npz", "jellyfish"))
    workflow.add(project, AddRequest(shared / "data/atlas/fish.npz", "stickleback"))
    settings: dict[str, object] = {"keypoints": ("centroid",), "window": 10.0, "stride": 5.0}
    for name in WASPS:
        path = shared / "data/mover" / name
        request = AddRequest(path, "wasp", temperature="column:Measured_Temp_Deg_C", settings=settings)
        (entry,) = workflow.add(project, request)
        assert (entry.fps, entry.tracking_start_frame) == (25.0, 41063)
    wasp = workflow.load_tracks_of(project, Path(WASPS[0]).stem)
    with np.load(shared / "data/mover" / WASPS[0]) as raw:
        frames, celsius = raw["frame"], raw["Measured_Temp_Deg_C"]
    known = np.flatnonzero(np.isfinite(celsius))[::5000]
    told = [wasp.value_at(wasp.temperature, int(frames[i])) for i in known]
    assert told == pytest.approx(celsius[known])
    done = list(workflow.fit(project, FitConfig(epochs=2)))[-1]
    assert set(done.data["temperature_r2"]) == {"jellyfish", "stickleback", "wasp"}
    assert len(done.data["neighbours"]) == 3
    list(workflow.make_map(project, MapRecipe()))
    atlas = workflow.load_atlas(project)
    warm = atlas.windows.table.temperature[atlas.windows.table.rows_of("wasp")]
    assert (warm.min(), warm.max()) == pytest.approx((35, 45), abs=0.5)
    assert np.isfinite(atlas.coordinates).all()


def test_many_channels_of_mice_and_rats_with_the_labels_of_their_frames(shared: Path, tmp_path: Path) -> None:
    project, data = tmp_path / "many.atlas", shared / "data"
    workflow.new(project)
    mouse = next((data / "bsoid").glob("*.h5"))
    pose: dict[str, object] = {"signal": "egocentric-pose", "bin_rate": 20.0, "window": 0.5, "stride": 0.25}
    workflow.add(project, AddRequest(mouse, "mouse", fps=60.0, settings=pose))
    rat = {**pose, "bin_rate": 10.0, "window": 1.0, "stride": 0.5, "fill_gap": 15, "front": "top", "back": "tail"}
    for session in (5, 24):
        path = next((data / "rats").glob(f"{session}DLC*.csv"))
        covariates = {"behaviour": f"{data}/rats/{session}_annot.txt::S1"}
        conditions = {"session": str(session)}
        workflow.add(
            project,
            AddRequest(path, "rat", fps=30.0, settings=rat, covariates=covariates, conditions=conditions),
        )
    reach: dict[str, object] = {
        "signal": "egocentric-pose + centroid-speed",
        "bin_rate": 50.0,
        "window": 0.4,
        "stride": 0.1,
        "keypoints": ("nose", "Left_wrist", "Left_elbow", "R_shoulder"),
        "front": "nose",
        "back": "R_shoulder",
    }
    workflow.add(project, AddRequest(data / "dlc2kinematics/reachingDEMO_2D.h5", "reacher", fps=100.0, settings=reach))
    told = " ".join(event.text for event in workflow.fit(project, FitConfig(epochs=2)))
    assert "°C" not in told
    list(workflow.make_map(project, MapRecipe()))
    atlas = workflow.load_atlas(project)
    table = atlas.windows.table
    found = {column.name: column for column in table.covariates}
    behaviour, rats = found["behaviour"].texts(), table.of_key("species") == "rat"
    assert set(behaviour[~rats]) == {""}
    assert {"base", "social", "nonsocial", "aggression"} <= set(behaviour[rats])
    assert set(found["session"].texts()[rats]) == {"5", "24"}
    assert [atlas.windows.signals[name].n_channels for name in ("mouse", "rat", "reacher")] == [9, 7, 6]
    assert not table.has_temperature
    assert np.isfinite(atlas.coordinates).all()
