"""The verb that puts windows into clusters."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from napari_atlas import workflow
from napari_atlas.analysis.clusters import ClusterRecipe
from napari_atlas.data.project import AddRequest
from napari_atlas.data.results import Event
from napari_atlas.io.project import read_project
from napari_atlas.io.provenance import recipe_hash
from napari_atlas.io.runs import RunFolder, find_run, new_run

Verb = Callable[..., tuple[int, str, str]]


def fake_run(project: Path, *, spread: float = 0.3) -> RunFolder:
    """Write what a fit leaves, with latents that are three clouds."""
    windows, _ = workflow.load_windows(read_project(project))
    run, n, rng = new_run(project), len(windows.table), np.random.default_rng(0)
    clouds = np.arange(n) % 3
    mu = (8 * np.eye(3)[clouds] + rng.normal(0, spread, (n, 3))).astype(np.float32)
    run.write("config", {"recordings": sorted(set(windows.table.of_key("recording"))), "config": {}})
    config = run.config | {"recipe": recipe_hash(read_project(project))}
    run.write("config", config)
    nothing = np.full(n, np.nan, dtype=np.float32)
    run.write_latents(mu=mu, predicted=nothing, split=np.zeros(n, dtype=np.int8))
    run.write("card", {})
    run.weights.touch()
    return run


@pytest.fixture
def project(jelly_project: Path, tmp_path: Path) -> Path:
    """Return a project of two species of 64 and 40 windows, and a run."""
    np.save(tmp_path / "fish.npy", np.random.default_rng(1).random((40, 8)))
    workflow.add(jelly_project, AddRequest(tmp_path / "fish.npy", "fish"))
    fake_run(jelly_project)
    return jelly_project


def events_of(told: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in told.splitlines()]


def test_clusters_are_made_told_and_shown(atlas: Verb, project: Path) -> None:
    code, told, error = atlas("cluster", project, "--k", 3, "--name", "clouds", "--json")
    assert (code, error) == (0, "")
    started, progress, done = events_of(told)
    assert [e["event"] for e in (started, progress, done)] == ["started", "progress", "done"]
    assert done["clusters"] == "clouds"
    assert sorted(done["sizes"], reverse=True) == done["sizes"]
    assert sum(done["sizes"]) == 104
    assert {name: sum(counts) for name, counts in done["species"].items()} == {"jelly": 64, "fish": 40}
    assert done["halves"] > 0.95
    (shown,) = workflow.load_atlas(project).clusterings
    assert (shown.name, shown.recipe, shown.labels) == ("clouds", "k-means · k=3 · seed 0", ("1", "2", "3"))
    assert shown.note == done["lines"][0]
    assert len(set(zip(shown.codes.tolist(), (np.arange(104) % 3).tolist(), strict=True))) == 3
    with h5py.File(find_run(project).path / "atlas.h5ad") as file:
        categories = file["obs/clusters: clouds/categories"].asstr()[:]
        assert categories[file["obs/clusters: clouds/codes"][:]].tolist() == [shown.label_of(i) for i in range(104)]


def test_a_person_reads_what_each_cluster_holds(atlas: Verb, project: Path) -> None:
    _, told, _ = atlas("cluster", project, "--method", "gmm", "--k", 3)
    lines = told.splitlines()
    assert lines[2] == "clusters gmm-3: 3 of 104 windows"
    assert any(line.strip().startswith("1: ") and "jelly" in line and "fish" in line for line in lines)


def test_the_same_seed_gives_the_same_clusters_under_another_name(atlas: Verb, project: Path) -> None:
    for _ in range(2):
        assert atlas("cluster", project, "--k", 4, "--seed", 7)[0] == 0
    one, two = workflow.load_atlas(project).clusterings
    assert (one.name, two.name) == ("kmeans-4", "kmeans-4-2")
    np.testing.assert_array_equal(one.codes, two.codes)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--k", 104], "give at most 103"),
        (["--k", 1], "from 2 to 1000"),
        (["--method", "som"], "not one of"),
        (["--method", "hdbscan", "--k", 3], "leave it out"),
        (["--min-size", 3], "leave it out"),
        (["--name", "../x"], "cannot name a file"),
        (["--name", "taken"], "--replace"),
        (["--run", "nobody"], "known runs"),
        (["--seed", -1], "from 0"),
    ],
)
def test_what_cannot_be_done_is_one_line(atlas: Verb, project: Path, options: list[Any], told: str) -> None:
    folder = find_run(project).path / "clusters"
    folder.mkdir()
    (folder / "taken.npz").write_bytes(b"")
    code, _, error = atlas("cluster", project, *options)
    assert code == 2
    assert told in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert [file.name for file in folder.iterdir()] == ["taken.npz"]


def test_a_run_whose_recordings_changed_or_that_has_no_latents_is_refused(atlas: Verb, project: Path) -> None:
    run = find_run(project)
    (run.path / "latents.npz").unlink()
    assert "no latents yet" in atlas("cluster", project)[2]
    run.write("config", run.config | {"recipe": "other"})
    assert "have changed since" in atlas("cluster", project)[2]


def test_replace_writes_over_clusters_of_that_name(project: Path) -> None:
    for k in (3, 2):
        done: list[Event] = list(workflow.cluster(project, ClusterRecipe(k=k), name="mine", replace=k == 2))
    assert done[-1].data["clusters"] == "mine"
    (shown,) = workflow.load_atlas(project).clusterings
    assert len(shown.labels) == 2
