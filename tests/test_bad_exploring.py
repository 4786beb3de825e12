"""Verbs on what a run shows, asked for what cannot be: one line with the cure, and nothing is written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_atlas import workflow
from napari_atlas.data.clusters import Clustering
from napari_atlas.data.config import FitConfig
from napari_atlas.errors import InputError
from napari_atlas.io.clusters import write_clusters
from napari_atlas.io.project import read_project
from napari_atlas.io.provenance import provenance
from napari_atlas.io.runs import RunFolder, list_runs, new_run
from napari_atlas.io.view_state import read_view

Verb = Callable[..., tuple[int, str, str]]
ONE_LINE = re.compile(r"error: [^\n]+: [^\n]+; [^\n]+\n")


@pytest.fixture
def fitted(jelly_project: Path) -> Path:
    """Return a project of 64 windows with a run that has latents, clusters and two maps."""
    project = read_project(jelly_project)
    windows, rng = workflow.load_windows(project)[0], np.random.default_rng(0)
    run, n = new_run(jelly_project), len(windows.table)
    run.write("config", provenance(project, FitConfig(), windows))
    run.weights.touch()
    split = np.zeros(n, dtype=np.int8)
    run.write_latents(mu=rng.normal(size=(n, 3)).astype(np.float32), predicted=np.full(n, np.nan, "f4"), split=split)
    write_clusters(run, Clustering("three", "k-means", np.arange(n) % 3, ("1", "2", "3")))
    run.write_map("old", "an old map", coordinates=rng.normal(size=(n, 2)).astype(np.float32))
    return jelly_project


def run_of(project: Path) -> RunFolder:
    return list_runs(project)[0]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--k", 1), "k: 1 is out of range"),
        (("--k", 64), "k: 64 clusters of 64 windows; give at most 63"),
        (("--method", "hdbscan", "--min-size", 99), "min-size: 99 of 64 windows"),
        (("--seed", -1), "seed: -1 is out of range"),
        (("--name", "a/b"), "that cannot name a file"),
        (("--name", "日" * 80), "that cannot name a file"),
        (("--name", "three"), "choose another, or write --replace"),
        (("--run", "none"), "known runs: 001-"),
    ],
)
def test_clusters_that_cannot_be(fitted: Path, atlas: Verb, arguments: tuple[object, ...], told: str) -> None:
    code, _, err = atlas("cluster", fitted, *arguments)
    assert (code, bool(ONE_LINE.fullmatch(err)), told in err) == (2, True, True), err
    assert [path.name for path in (run_of(fitted).path / "clusters").iterdir()] == ["three.npz"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--n", 0), "n: 0 windows cannot be shown"),
        (("--seed", -1), "seed: -1 is out of range"),
        (("--per-recording", -1), "per-recording: -1 windows"),
        (("--fps", "nan"), "fps: nan pictures per second"),
        (("--size", "320"), "write 320x240"),
        (("--of", "three/1"), "it names no cluster"),
        (("--of", "cluster three/9"), "they are: 1, 2, 3"),
        (("--windows", 2**70), "there is no window 1180591620717411303424; give numbers from 0 to 63"),
        (("--windows", ","), "that is no list of numbers"),
        (("--selection", "none"), "the project has no such selection"),
    ],
)
def test_clips_that_cannot_be(
    fitted: Path, tmp_path: Path, atlas: Verb, arguments: tuple[object, ...], told: str
) -> None:
    code, _, err = atlas("clips", fitted, tmp_path / "films", *arguments)
    assert (code, bool(ONE_LINE.fullmatch(err)), told in err) == (2, True, True), err
    assert not (tmp_path / "films").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--windows", 2**70), "window 1180591620717411303424: there is no such window; choose from 0 to 63"),
        (("--windows", "3,-2"), "window -2: there is no such window"),
        (("--windows", ","), "that is no list of numbers"),
        (("--run", "none"), "known runs: 001-"),
    ],
)
def test_tables_that_cannot_be(
    fitted: Path, tmp_path: Path, atlas: Verb, arguments: tuple[object, ...], told: str
) -> None:
    code, _, err = atlas("export", fitted, tmp_path / "t.csv", *arguments)
    assert (code, bool(ONE_LINE.fullmatch(err)), told in err) == (2, True, True), err
    assert not (tmp_path / "t.csv").exists()


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        ("[]", "it holds no window of this run"),
        ("[64]", "give ids from 0 to 63"),
        ("[1.5]", "it is no list of window ids"),
        ("[99999999999999999999]", "it is no list of window ids"),
        ("null", "it is no list of window ids"),
        ("[1,", "it cannot be read as JSON"),
    ],
)
def test_maps_of_windows_that_are_not_there(fitted: Path, tmp_path: Path, atlas: Verb, ids: str, told: str) -> None:
    (tmp_path / "ids.json").write_text(ids, encoding="utf-8")
    code, _, err = atlas("map", fitted, "--only", tmp_path / "ids.json")
    assert (code, bool(ONE_LINE.fullmatch(err)), told in err) == (2, True, True), err
    assert [path.name for path in (run_of(fitted).path / "maps").iterdir()] == ["old.npz"]


@pytest.mark.parametrize("arguments", [("--neighbors", 1), ("--min-dist", "nan"), ("--name", "日" * 80)])
def test_maps_that_cannot_be(fitted: Path, atlas: Verb, arguments: tuple[object, ...]) -> None:
    code, _, err = atlas("map", fitted, *arguments)
    assert (code, bool(ONE_LINE.fullmatch(err))) == (2, True), err


def test_a_map_of_another_run_is_passed_over_and_said_so(fitted: Path) -> None:
    run = run_of(fitted)
    run.write_map("other", "of another run", coordinates=np.zeros((7, 2), dtype=np.float32))
    shown = workflow.load_atlas(fitted)
    assert shown.recipe == "an old map"
    assert "map other of run" in shown.card["notes"][0]
    (run.path / "maps" / "old.npz").write_bytes(b"PK")
    shown = workflow.load_atlas(fitted)
    assert (shown.recipe, np.isfinite(shown.coordinates).all(), len(shown.card["notes"])) == ("PCA", True, 2)
    with pytest.raises(InputError, match="it is not of the windows that the run has now"):
        workflow.load_atlas(fitted, map_name="other")


@pytest.mark.parametrize("part", ["latents.npz", "card.json"])
def test_a_damaged_run_leaves_the_recordings_to_look_at(fitted: Path, tmp_path: Path, atlas: Verb, part: str) -> None:
    (run_of(fitted).path / part).write_text("{", encoding="utf-8")
    shown = workflow.load_atlas(fitted)
    assert len(shown.windows.table) == 64
    assert not shown.has_map
    assert part in shown.card["notes"][0]
    code, _, err = atlas("export", fitted, tmp_path / "t.csv")
    assert (code, part in err, err.count("\n")) == (2, True, 1), err


def test_a_view_from_elsewhere_keeps_what_is_sound(tmp_path: Path) -> None:
    (tmp_path / "project.toml").touch()
    limits = ({"x": ["a", None]}, {"x": [None, 1]}, {"x": [5, 1]}, {"x": [1]}, {"x": [1e400, 1]}, [1], {"x": 3})
    bad = [{"limits": value} for value in limits] + [{"dims": [True, 1]}, {"dims": 3}, 7]
    for value in bad:
        view = {"format": 1, "color_by": "species", "cursor": [1], "docks": 5, "selection": 3, "map": value}
        (tmp_path / "view.json").write_text(json.dumps(view), encoding="utf-8")
        assert read_view(tmp_path) == {"format": 1, "color_by": "species"}, value
