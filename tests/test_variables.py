"""Variables of a project: measured, told to the decoders, and refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_atlas import workflow
from napari_atlas._variables import measurable, measure
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest
from napari_atlas.errors import InputError
from napari_atlas.io.loading import load_windows
from napari_atlas.io.project import read_project
from napari_atlas.io.runs import find_run
from napari_atlas.model.checkpoint import load_weights

N = 600


def write_walk(path: Path, turn: float, speed: float, seed: int) -> Path:
    """Write a DeepLabCut file of an animal that heads one way and goes so many pixels per frame."""
    rng = np.random.default_rng(seed)
    ahead = np.array([np.cos(turn), np.sin(turn)])
    middle = np.arange(N)[:, None] * speed * ahead + 500
    nose, tail = middle + 20 * ahead, middle - 20 * ahead
    rows = np.concatenate([nose, tail], axis=1) + rng.normal(0, 0.05, (N, 4))
    head = "scorer" + ",s" * 6 + "\nbodyparts,nose,nose,nose,tail,tail,tail\ncoords" + ",x,y,likelihood" * 2 + "\n"
    lines = [f"{i},{a:.4f},{b:.4f},0.9,{c:.4f},{d:.4f},0.9\n" for i, (a, b, c, d) in enumerate(rows)]
    path.write_text(head + "".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def walkers(tmp_path: Path) -> Path:
    """Return a project of two mice, one that heads to +x and one to +y, at 1 and 3 pixels per frame."""
    folder = tmp_path / "p.atlas"
    workflow.new(folder)
    settings = {"signal": "keypoint-speed", "bin_rate": 30.0, "window": 0.5, "stride": 0.5}
    for name, turn, speed in (("Ada", 0.0, 1.0), ("Bo", np.pi / 2, 3.0)):
        tracks = write_walk(tmp_path / f"{name}.csv", turn, speed, len(name))
        request = AddRequest(tracks, "mouse", name=name.lower(), fps=30, settings=settings, animals=(name,))
        workflow.add(folder, request)
    return folder


def test_motion_is_measured_in_the_pose(walkers: Path) -> None:
    project = read_project(walkers)
    table = load_windows(project)[0].table
    found = measure(project, table, ["heading", "speed", "individual"])
    who = found["individual"].labels()
    for name, turn, speed in (("Ada", 0.0, 1.0), ("Bo", np.pi / 2, 3.0)):
        np.testing.assert_allclose(found["heading"].values[who == name, 0], turn, atol=0.02)
        np.testing.assert_allclose(found["speed"].values[who == name, 0], speed, rtol=0.05)
    assert {"individual", "recording", "species", "heading", "speed", "speed-parts"} <= set(measurable(project, table))


def test_a_fit_scrubs_what_it_is_asked_to_and_says_what_it_cannot(walkers: Path) -> None:
    config = FitConfig(
        epochs=2, beta_warmup=1, batch_size=8, split="block", device="cpu", scrub="individual,heading:mals,species"
    )
    events = list(workflow.fit(walkers, config))
    assert any("species is the same in all training windows: there is nothing to scrub" in e.text for e in events)
    run = find_run(walkers, "")
    model, _ = load_weights(run.weights)
    assert [v.name for v in model.architecture.variables] == ["individual", "heading"]
    assert model.architecture.variables[0].classes == ("Ada", "Bo")
    assert all(np.isfinite(row["train_scrub"]) for row in run.read_history())


def test_an_unknown_variable_is_refused_with_those_that_there_are(walkers: Path) -> None:
    with pytest.raises(InputError, match=r"no variable 'mood'.*choose from individual"):
        list(workflow.fit(walkers, FitConfig(epochs=1, scrub="mood", device="cpu")))


def test_a_run_goes_on_where_its_variables_are_known(walkers: Path) -> None:
    config = FitConfig(epochs=2, beta_warmup=1, batch_size=8, split="block", device="cpu", scrub="individual")
    list(workflow.fit(walkers, config))
    scrubbed = find_run(walkers, "").name
    events = list(workflow.encode(walkers, scrubbed))
    assert events[-1].kind == "done"
    before = find_run(walkers, scrubbed).read_latents()["reconstruction_error"]
    after = find_run(walkers, events[-1].data["run"]).read_latents()["reconstruction_error"]
    np.testing.assert_allclose(after, before, rtol=1e-4)
