"""The verbs as functions: what they leave on disk and what they tell on the way."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
from safetensors.numpy import load_file

from napari_atlas import workflow
from napari_atlas.analysis.projection import MapRecipe
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest
from napari_atlas.data.results import Event
from napari_atlas.errors import InputError, StoppedError
from napari_atlas.io.project import read_project

CONFIG = FitConfig(epochs=4, beta_warmup=2, batch_size=64, latent_dim=3, device="cpu")
RECIPE = MapRecipe(n_neighbors=5)
OBS = [
    "species", "recording", "individual", "start", "stop", "first_frame", "frame", "stop_frame", "seconds", "activity",
    "split", "temperature", "temperature_predicted",
]  # fmt: skip


def write_windows(folder: Path, name: str = "jelly", n_tracks: int = 8, length: int = 12) -> tuple[Path, Path]:
    """Write windows of pulses whose rate follows temperature, and one temperature per window; return both files."""
    rng = np.random.default_rng(0)
    warmth = np.linspace(15, 30, n_tracks)
    tracks = [np.sin(np.arange(60) * w / 20) * w / 10 + rng.normal(0, 0.1, 60) for w in warmth]
    starts = range(0, 61 - length, length // 2)
    folder.mkdir(exist_ok=True)
    np.save(folder / f"{name}.npy", np.stack([track[s : s + length] for track in tracks for s in starts]))
    np.save(folder / f"{name}_temps.npy", np.concatenate([w + np.array(starts) / 60 for w in warmth]))
    return folder / f"{name}.npy", folder / f"{name}_temps.npy"


def write_pose(path: Path, n_frames: int = 1800, speed: float = 3.0) -> Path:
    """Write two animals, the second at twice the *speed*, px/frame along x, in a SLEAP analysis file."""
    positions = np.zeros((n_frames, 2, 3, 2))
    positions[..., 0] = np.arange(n_frames)[:, None, None] * np.array([speed, 2 * speed])[:, None]
    wobble = 0.3 * np.sin(np.arange(n_frames) / 40)
    positions[..., 1] = wobble[:, None, None]
    with h5py.File(path, "w") as file:
        file["tracks"] = positions.transpose(1, 3, 2, 0)
        file["track_occupancy"] = np.ones((n_frames, 2), dtype=np.uint8)
        file["node_names"] = np.array([b"nose", b"body", b"tail"])
        file["track_names"] = np.array([b"ada", b"bo"])
        file["edge_inds"] = np.array([[0, 1], [1, 2]])
    return path


def write_hulls(path: Path, n_frames: int = 400) -> Path:
    """Write one animal whose square hull grows by 2 px² from frame to frame."""
    cells = np.empty((1, n_frames), dtype=object)
    for i in range(n_frames):
        side = math.sqrt(10 + 2 * i)
        cells[0, i] = np.array([[0, 0], [side, 0], [side, side], [0, side]])
    hull = np.empty((1, 1), dtype=[("ConvexHull", object)])
    hull[0, 0]["ConvexHull"] = cells
    scipy.io.savemat(path, {"hull": hull})
    return path


def make_project(folder: Path, temperature: bool = True) -> Path:
    """Make a project of jellyfish windows and of two fish with keypoints."""
    project = folder / "reef.atlas"
    workflow.new(project)
    jelly, temps = write_windows(folder)
    warm = {"jelly": str(temps), "fish": "18.5"} if temperature else {"jelly": "", "fish": ""}
    workflow.add(project, AddRequest(jelly, "jelly", temperature=warm["jelly"]))
    pose = write_pose(folder / "tank.analysis.h5")
    workflow.add(project, AddRequest(pose, "fish", fps=30.0, temperature=warm["fish"]))
    return project


def fitted(project: Path, config: FitConfig = CONFIG) -> Path:
    """Fit a project and return the folder of its run."""
    (*_, done) = workflow.fit(project, config)
    return project / "runs" / done.data["run"]


def mapped(project: Path, recipe: MapRecipe = RECIPE) -> str:
    """Map the newest run and return the name of the map."""
    (*_, done) = workflow.make_map(project, recipe)
    return str(done.data["map"])


def tree(folder: Path) -> dict[str, str]:
    """Return the hash of every file in a folder, and an empty text for every folder in it."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in folder.rglob("*")
    }


def strictly(line: str) -> Any:
    """Return a line's JSON value; NaN is none."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON: {line}")

    return json.loads(line, parse_constant=refuse)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event], list[Event]]:
    """Return a project that was fitted and mapped, for tests that only look; the events of the fit, and of the map."""
    project = make_project(tmp_path_factory.mktemp("story"))
    fit = list(workflow.fit(project, CONFIG))
    return project, fit, list(workflow.make_map(project, RECIPE))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


def test_new_makes_an_empty_project(tmp_path: Path) -> None:
    made = workflow.new(tmp_path / "deep" / "reef.atlas")
    assert (made.name, made.species, made.recordings) == ("reef", (), ())
    assert workflow.new(tmp_path / "other", "Reef two").name == "Reef two"
    assert workflow.runs(made.folder) == []
    assert list(tree(made.folder)) == ["project.toml"]
    with pytest.raises(InputError, match="there is a project already"):
        workflow.new(made.folder)


def test_windows_are_added_with_one_temperature_each(tmp_path: Path) -> None:
    workflow.new(tmp_path / "p")
    jelly, temps = write_windows(tmp_path)
    (entry,) = workflow.add(tmp_path / "p", AddRequest(jelly, "jelly", temperature=str(temps)))
    assert (entry.name, entry.species, entry.tracks, entry.temperature.file) == ("jelly", "jelly", jelly, temps)
    project = read_project(tmp_path / "p")
    assert project.recordings == (entry,)
    assert (project.species[0].signal, project.species[0].bin_rate) == ("array", 0.0)
    assert 'tracks = "../jelly.npy"' in (tmp_path / "p" / "project.toml").read_text(encoding="utf-8")
    windows, tracks = workflow.load_windows(project)
    assert len(tracks) == 8
    np.testing.assert_array_equal(windows.table.temperature, np.load(temps))
    np.testing.assert_array_equal(windows.gather(np.arange(len(windows.table)))[..., 0], np.load(jelly))


def test_keypoints_and_hulls_become_windows_of_their_signals(tmp_path: Path) -> None:
    workflow.new(tmp_path / "p")
    pose, hulls = write_pose(tmp_path / "tank.analysis.h5"), write_hulls(tmp_path / "hulls.mat")
    workflow.add(tmp_path / "p", AddRequest(pose, "fish", fps=30.0, temperature="18.5"))
    cut = {"window": 4.0, "stride": 2.0}
    workflow.add(tmp_path / "p", AddRequest(hulls, "jelly", name="dish", fps=10.0, settings=cut))
    table = workflow.load_windows(read_project(tmp_path / "p"))[0].table
    fish, jelly = table.rows_of("fish"), table.rows_of("jelly")
    assert fish.size == 2 * 28, "two animals, 60 s in windows of 5 s, every 2 s"
    assert set(table.of_key("individual")[fish]) == {"ada", "bo"}
    assert set(table.of_key("recording")) == {"tank", "dish"}
    second = table.of_key("individual")[fish] == "bo"
    np.testing.assert_allclose(table.activity[fish[~second]], 0.09, rtol=0.01)
    np.testing.assert_allclose(table.activity[fish[second]], 0.18, rtol=0.01)
    np.testing.assert_allclose(table.activity[jelly], 2.0, rtol=1e-6)
    assert (table.temperature[fish] == 18.5).all()
    assert np.isnan(table.temperature[jelly]).all()


def test_a_file_of_several_recordings_is_added_whole_or_not_at_all(tmp_path: Path) -> None:
    workflow.new(tmp_path / "p")
    jelly, temps = write_windows(tmp_path)
    windows, labels = np.load(jelly), np.repeat(["warm", "cold"], 36)
    np.savez(tmp_path / "lab.npz", a_z=windows, a_temps=np.load(temps), a_labels=labels)
    workflow.add(tmp_path / "p", AddRequest(jelly, "a", name="lab · cold"))
    before = tree(tmp_path / "p")
    with pytest.raises(InputError, match=r"recording lab · cold: the project holds one of that name"):
        workflow.add(tmp_path / "p", AddRequest(tmp_path / "lab.npz", "a"))
    assert tree(tmp_path / "p") == before
    added = workflow.add(tmp_path / "p", AddRequest(tmp_path / "lab.npz", "a", name="again"))
    assert [entry.name for entry in added] == ["again · warm", "again · cold"]
    assert [entry.conditions for entry in added] == [{"label": "warm"}, {"label": "cold"}]
    assert len(read_project(tmp_path / "p").recordings) == 3


def test_a_species_keeps_its_windows(project: Path, tmp_path: Path) -> None:
    before = tree(project)
    other, _ = write_windows(tmp_path, "other", length=10)
    with pytest.raises(InputError, match="10 bins per window, but recording jelly of the same species has 12"):
        workflow.add(project, AddRequest(other, "jelly"))
    request = AddRequest(tmp_path / "tank.analysis.h5", "fish", name="again", fps=30.0)
    with pytest.raises(InputError, match=r"species fish: its window is 5.0, not 9.0"):
        workflow.add(project, replace(request, settings={"window": 9.0}))
    assert tree(project) == before
    workflow.add(project, replace(request, settings={"window": 5.0}))
    assert [e.name for e in read_project(project).recordings] == ["jelly", "tank", "again"]


def test_a_fit_tells_its_steps_in_order_and_keeps_them(story: tuple[Path, list[Event], list[Event]]) -> None:
    project, events, _ = story
    kinds = [event.kind for event in events]
    assert [kind for kind in kinds if kind != "log"] == ["started", *["epoch"] * 4, "done"]
    assert kinds[1:4] == ["log"] * 3, "what was held out, of each species, and what the fit needs"
    assert [(e.done, e.total) for e in events if e.kind == "epoch"] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    run = project / "runs" / events[0].data["run"]
    assert events[0].data["folder"] == str(run)
    assert events[-1].data["run"] == run.name
    kept = [strictly(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert kept == [event.as_dict() for event in events]
    history = (run / "history.csv").read_text(encoding="utf-8").splitlines()
    assert len(history) == 5
    (summary,) = workflow.runs(project)
    assert (summary["run"], summary["state"], summary["epochs"]) == (run.name, "complete", 4)
    told = dict.fromkeys(e.text for e in events if e.kind == "log")
    assert summary["notes"] == [text for text in told if text in summary["notes"]]
    assert len(summary["notes"]) >= 2
    assert 2 <= summary["best_epoch"] <= 4


def test_what_is_undefined_is_null_in_json(project: Path) -> None:
    events = list(workflow.fit(project, replace(CONFIG, epochs=1, split="none")))
    (epoch,) = (e for e in events if e.kind == "epoch")
    assert math.isnan(epoch.data["validation_total"])
    lines = (project / "runs" / events[0].data["run"] / "events.jsonl").read_text(encoding="utf-8").splitlines()
    (kept,) = (told for told in map(strictly, lines) if told["event"] == "epoch")
    assert kept["validation_total"] is None
    assert kept["train_total"] == epoch.data["train_total"]


def test_fewer_windows_than_a_batch_shrink_it_and_say_so(story: tuple[Path, list[Event], list[Event]]) -> None:
    project, events, _ = story
    run = project / "runs" / events[0].data["run"]
    table = workflow.load_atlas(project).windows.table
    trained = {name: int(table.in_split("train")[table.rows_of(name)].sum()) for name in ("jelly", "fish")}
    assert min(trained.values()) >= 2
    assert max(trained.values()) < 64
    card = json.loads((run / "card.json").read_text(encoding="utf-8"))
    for name, n in trained.items():
        note = f"{name}: {n} training windows, so its batch is {n} instead of 64"
        assert note in [e.text for e in events]
        assert note in card["notes"]


def test_enough_windows_leave_the_batch_as_it_is(project: Path) -> None:
    events = list(workflow.fit(project, replace(CONFIG, epochs=1, batch_size=8)))
    assert not [e.text for e in events if "batch" in e.text]


def test_fewer_than_two_training_windows_are_refused(project: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "lone.npy", np.random.default_rng(0).random((1, 12)))
    workflow.add(project, AddRequest(tmp_path / "lone.npy", "lone"))
    workflow.load_windows(read_project(project))  # the signals are kept from now on
    before = tree(project)
    with pytest.raises(InputError, match="species lone: 1 training windows; add recordings"):
        list(workflow.fit(project, CONFIG))
    assert tree(project) == before
    workflow.new(tmp_path / "bare")
    with pytest.raises(InputError, match=r"bare: it holds no window; add recordings with 'napari-atlas add'"):
        list(workflow.fit(tmp_path / "bare", CONFIG))


def test_without_temperature_there_are_no_degrees_anywhere(tmp_path: Path) -> None:
    import anndata

    project = make_project(tmp_path, temperature=False)
    events = list(workflow.fit(project, CONFIG))
    run = project / "runs" / events[0].data["run"]
    told = [*(run / "events.jsonl").read_text(encoding="utf-8").splitlines(), (run / "card.json").read_text("utf-8")]
    assert not [line for line in told if "°" in line or "R²" in line]
    assert any("no temperature head" in event.text for event in events)
    assert events[-1].data["temperature_r2"] == {}
    assert all(e.data["train_temperature"] == 0 for e in events if e.kind == "epoch")
    assert not [name for name in load_file(run / "weights.safetensors") if "head" in name]
    assert np.isnan(workflow.load_atlas(project).predicted).all()
    assert list(anndata.read_h5ad(run / "atlas.h5ad").obs.columns) == OBS[:-2]


def test_with_temperature_there_is_a_head_and_its_worth(story: tuple[Path, list[Event], list[Event]]) -> None:
    project, events, _ = story
    run = project / "runs" / events[0].data["run"]
    assert [name for name in load_file(run / "weights.safetensors") if "head" in name]
    figures = events[-1].data["temperature_r2"]["jelly"]
    assert figures["test"] < 1
    assert figures["train"] < 1
    card = workflow.load_atlas(project).card
    assert set(card["reconstruction_r2"]) == {"jelly", "fish"}
    assert all(parts["test"] < 1 for parts in card["reconstruction_r2"].values())
    (pair,) = card["neighbours"].values()
    assert pair["n_windows"] > 0
    assert pair["difference"] is None, "all fish have the same temperature"
    assert np.isfinite(workflow.load_atlas(project).predicted).all()


def test_a_run_is_never_overwritten(project: Path) -> None:
    first = fitted(project)
    before = tree(first)
    second = fitted(project)
    mapped(project)
    assert tree(first) == before
    assert [run["run"] for run in workflow.runs(project)] == [first.name, second.name]
    assert first.name.startswith("001-")
    assert second.name.startswith("002-")
    with np.load(first / "latents.npz") as one, np.load(second / "latents.npz") as two:
        np.testing.assert_array_equal(one["mu"], two["mu"], err_msg="the same seed gives the same latents")
    other = fitted(project, replace(CONFIG, seed=1))
    with np.load(first / "latents.npz") as one, np.load(other / "latents.npz") as three:
        assert not np.array_equal(one["mu"], three["mu"])


def test_a_map_tells_its_steps(story: tuple[Path, list[Event], list[Event]]) -> None:
    project, fit, events = story
    n = len(workflow.load_atlas(project).windows.table)
    assert [e.kind for e in (events[0], *events[-1:])] == ["started", "done"]
    assert {e.kind for e in events[1:-1]} == {"progress"}
    assert "map: step 500 of 500" in [e.text for e in events]
    assert (events[-1].done, events[-1].total) == (n, n)
    assert events[-1].data == {"run": fit[0].data["run"], "map": "umap-n5-d0.1-s0", "part": False}
    assert workflow.runs(project)[0]["maps"] == ["umap-n5-d0.1-s0"]


def test_the_same_recipe_makes_the_same_map_in_the_same_place(project: Path) -> None:
    run = fitted(project)
    name = mapped(project)
    first = workflow.load_atlas(project)
    assert mapped(project) == name
    again = workflow.load_atlas(project)
    np.testing.assert_array_equal(first.coordinates, again.coordinates)
    assert [f.name for f in (run / "maps").iterdir()] == [f"{name}.npz"]
    other = mapped(project, replace(RECIPE, seed=7))
    newest = workflow.load_atlas(project)
    assert newest.recipe == "UMAP · n=5 · min_dist=0.1 · seed 7"
    assert not np.array_equal(newest.coordinates, again.coordinates)
    assert workflow.runs(project)[0]["maps"] == [other, name]


def test_a_map_without_a_fit_is_refused(project: Path) -> None:
    with pytest.raises(InputError, match=r"reef\.atlas: it has no fitted run; fit one with"):
        list(workflow.make_map(project, RECIPE))
    run = fitted(project)
    (run / "latents.npz").unlink()
    with pytest.raises(InputError, match=f"run {run.name}: it has no latents yet"):
        list(workflow.make_map(project, RECIPE))
    with pytest.raises(InputError, match=rf"run 9: .* has no such run; known runs: {run.name}"):
        list(workflow.make_map(project, RECIPE, "9"))
    with pytest.raises(InputError, match="setting seed: -1 is out of range"):
        MapRecipe(seed=-1)


def test_atlas_h5ad_is_an_anndata_table_of_all_of_it(story: tuple[Path, list[Event], list[Event]]) -> None:
    import anndata

    project, events, _ = story
    run = project / "runs" / events[0].data["run"]
    data = anndata.read_h5ad(run / "atlas.h5ad")
    atlas = workflow.load_atlas(project)
    table = atlas.windows.table
    assert data.shape == (len(table), 3)
    assert list(data.obs.columns) == OBS
    np.testing.assert_array_equal(data.X, atlas.latents)
    np.testing.assert_array_equal(data.obsm["X_umap"], atlas.coordinates)
    assert data.obs["species"].tolist() == table.of_key("species").tolist()
    assert data.obs["recording"].tolist() == table.of_key("recording").tolist()
    np.testing.assert_array_equal(data.obs["temperature"], table.temperature)
    np.testing.assert_array_equal(data.obs["temperature_predicted"], atlas.predicted)
    np.testing.assert_array_equal(data.obs["frame"], table.centre_frame())
    assert set(data.obs["split"]) >= {"train", "validation", "test"}
    assert json.loads(data.uns["atlas_card"]) == json.loads((run / "card.json").read_text(encoding="utf-8"))


def test_an_atlas_grows_with_its_project(project: Path) -> None:
    bare = workflow.load_atlas(project)
    assert (bare.run, bare.has_map, bare.card) == ("", False, {})
    assert list(bare.recordings) == ["jelly", "tank"]
    run = fitted(project)
    laid = workflow.load_atlas(project)
    assert (laid.run, laid.recipe) == (run.name, "PCA")
    assert laid.latents.shape == (len(laid.windows.table), 3)
    assert set(np.unique(laid.windows.table.split)) >= {0, 1, 2}
    mapped(project)
    assert workflow.load_atlas(project, run.name).recipe == str(RECIPE)
    with pytest.raises(InputError, match="has no such run"):
        workflow.load_atlas(project, "nothing")


def test_a_run_of_other_settings_is_out_of_date_and_has_no_map(project: Path) -> None:
    run = fitted(project)
    text = (project / "project.toml").read_text(encoding="utf-8")
    (project / "project.toml").write_text(text.replace("window = 5.0", "window = 6.0"), encoding="utf-8")
    atlas = workflow.load_atlas(project)
    assert atlas.card["notes"] == [f"run {run.name} is out of date: its recordings or settings changed"]
    assert (atlas.has_map, atlas.latents.size) == (False, 0)
    assert len(atlas.windows.table) > 0
    before = tree(project)
    with pytest.raises(InputError, match=f"run {run.name}: its recordings or settings have changed since; fit again"):
        list(workflow.make_map(project, RECIPE))
    assert tree(project) == before


def test_a_recording_added_later_leaves_the_run_as_it_was(project: Path, tmp_path: Path) -> None:
    fitted(project)
    before = workflow.load_atlas(project)
    pose = write_pose(tmp_path / "late.analysis.h5", speed=5.0)
    workflow.add(project, AddRequest(pose, "fish", fps=30.0))
    after = workflow.load_atlas(project)
    assert list(after.recordings) == ["jelly", "tank", "late"]
    assert set(after.windows.table.of_key("recording")) == {"jelly", "tank"}
    np.testing.assert_array_equal(after.latents, before.latents)


def test_a_recording_that_cannot_be_read_is_left_out_and_told(project: Path, tmp_path: Path) -> None:
    fitted(project)
    pose = write_pose(tmp_path / "late.analysis.h5", speed=5.0)
    workflow.add(project, AddRequest(pose, "fish", fps=30.0))
    pose.unlink()
    for cache in (project / "signals").iterdir():
        cache.unlink()
    atlas = workflow.load_atlas(project)
    assert list(atlas.recordings) == ["jelly", "tank"]
    assert list(atlas.faults) == ["late"]
    assert "there is no such file" in atlas.faults["late"] or "cannot be read" in atlas.faults["late"]
    assert atlas.has_map
    assert atlas.card["notes"][0].startswith("late is left out, since it cannot be read: ")
    workflow.remove(project, ["jelly", "tank"])
    with pytest.raises(InputError, match=r"late\.analysis\.h5"):
        workflow.load_atlas(project)


def test_a_stop_keeps_the_best_epoch(project: Path) -> None:
    asked = count()
    events = list(workflow.fit(project, replace(CONFIG, epochs=50), lambda: next(asked) >= 3))
    assert [e.done for e in events if e.kind == "epoch"] == [1, 2, 3]
    assert events[-1].data["stopped"] is True
    assert events[-1].data["best_epoch"] in (2, 3)
    assert "stopped, best kept" in events[-1].text
    assert np.isfinite(workflow.load_atlas(project).latents).all()


def test_a_stop_file_in_the_run_stops_it(project: Path) -> None:
    events = workflow.fit(project, replace(CONFIG, epochs=50))
    run = Path(next(events).data["folder"])
    told = [event for event in events if event.kind != "epoch" or (run / "stop").touch() is None]
    assert [e.done for e in told if e.kind == "epoch"] == [1]
    assert told[-1].data["stopped"] is True
    assert not (run / "stop").exists()


def test_a_stop_before_the_first_epoch_leaves_no_run(project: Path) -> None:
    with pytest.raises(StoppedError, match="nothing was kept"):
        list(workflow.fit(project, CONFIG, lambda: True))
    assert workflow.runs(project) == []
    assert list((project / "runs").iterdir()) == []
