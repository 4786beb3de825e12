"""Maps: a preview, the map, maps of a part, stops, and what is put on show."""

from __future__ import annotations

import itertools
import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_atlas import workflow
from napari_atlas.analysis import landmarks, projection
from napari_atlas.analysis.preservation import silent
from napari_atlas.analysis.projection import MapRecipe, project_linearly
from napari_atlas.data.config import FitConfig
from napari_atlas.data.marks import Annotations, Mark, Spans
from napari_atlas.data.results import Event, counted
from napari_atlas.errors import InputError, StoppedError
from napari_atlas.io.annotations import change_annotations
from napari_atlas.io.loading import load_windows
from napari_atlas.io.project import read_project
from napari_atlas.io.provenance import provenance
from napari_atlas.io.runs import RunFolder, new_run
from napari_atlas.workflow import MapWishes

N = 64
RECIPE = MapRecipe()


def quick(latents: np.ndarray, recipe: MapRecipe, *_: Any, begin: Any = None, tell: Any = silent, **__: Any) -> Any:
    """Lay latents out as UMAP would be asked to, at once; the seed can be seen."""
    for done in range(5):
        tell(done, 4)
    return project_linearly(latents, recipe.n_dims) + recipe.seed


@pytest.fixture
def run(jelly_project: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """Return a run of 64 windows with latents, of which window 5 has none; maps of it are made at once."""
    windows = load_windows(read_project(jelly_project))[0]
    made = new_run(jelly_project)
    made.write("config", provenance(read_project(jelly_project), FitConfig(), windows))
    made.weights.write_bytes(b"weights")
    mu = np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32)
    mu[5] = np.nan
    made.write_latents(mu=mu, predicted=np.full(N, np.nan), split=np.zeros(N, dtype=np.int8))
    for module in (projection, landmarks):
        monkeypatch.setattr(module, "project", quick)
    return made


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few windows have a preview too."""
    monkeypatch.setattr(landmarks, "FEWEST_FOR_PREVIEW", 30)


def project_of(run: RunFolder) -> Path:
    return run.path.parents[1]


def mapped(run: RunFolder, recipe: MapRecipe = RECIPE, **wishes: Any) -> list[Event]:
    """Map a run, and return what was told but for the steps."""
    events = workflow.make_map(project_of(run), recipe, wishes=MapWishes(**wishes))
    return [event for event in events if event.kind != "progress"]


def maps(run: RunFolder) -> list[str]:
    return sorted(file.name for file in (run.path / "maps").iterdir())


def test_few_windows_get_no_preview(run: RunFolder) -> None:
    events = mapped(run)
    assert [event.kind for event in events] == ["started", "done"]
    assert maps(run) == ["umap-n15-d0.1-s0.npz"]
    atlas = workflow.load_atlas(project_of(run))
    assert atlas.recipe == "UMAP · n=15 · min_dist=0.1 · seed 0"
    assert np.flatnonzero(np.isnan(atlas.coordinates).any(axis=1)).tolist() == [5]
    assert np.flatnonzero(np.isnan(atlas.kept)).tolist() == [5]
    assert np.nanmin(atlas.kept) >= 0
    assert np.nanmax(atlas.kept) <= 1


@pytest.mark.usefixtures("soon")
def test_a_preview_is_there_before_the_map_which_takes_its_place(run: RunFolder) -> None:
    seen: dict[str, tuple[list[str], str]] = {}
    for event in workflow.make_map(project_of(run), RECIPE):
        if event.kind in ("preview", "done"):
            seen[event.kind] = maps(run), workflow.load_atlas(project_of(run)).recipe
            assert f"{event.data['map']}.npz" in seen[event.kind][0]
    assert seen["preview"] == (["umap-n15-d0.1-s0-preview.npz"], "UMAP preview · 12 landmarks · n=15 · seed 0")
    assert seen["done"] == (["umap-n15-d0.1-s0.npz"], "UMAP · n=15 · min_dist=0.1 · seed 0")


@pytest.mark.usefixtures("soon")
def test_a_preview_never_hides_a_map(run: RunFolder) -> None:
    mapped(run)
    (*_, done) = mapped(run, MapRecipe(seed=3), preview_only=True)
    assert done.data["map"] == "umap-n15-d0.1-s3-preview"
    assert run.map_recipes == ("umap-n15-d0.1-s0", "umap-n15-d0.1-s3-preview")
    assert workflow.load_atlas(project_of(run)).recipe == str(RECIPE)
    shown = workflow.load_atlas(project_of(run), map_name="umap-n15-d0.1-s3-preview")
    assert shown.recipe == "UMAP preview · 12 landmarks · n=15 · seed 3"
    mapped(run, MapRecipe(seed=1))
    assert workflow.load_atlas(project_of(run)).recipe == str(MapRecipe(seed=1))


def test_a_map_of_a_part_is_shown_only_when_it_is_asked_for(run: RunFolder, tmp_path: Path) -> None:
    ids = [2, 3, 5, 8, 13, 21, 34, 40, 41, 42, 43, 44]
    (tmp_path / "ids.json").write_text(json.dumps(ids[::-1]), encoding="utf-8")
    (tmp_path / "ids.txt").write_text("2, 3 5\n" + "\n".join(map(str, ids[3:])), encoding="utf-8")
    (*_, done) = mapped(run, only=str(tmp_path / "ids.json"), name="jumps")
    assert done.data == {"run": run.name, "part": True, "map": "jumps"}
    stored = run.read_map("jumps")
    assert stored["ids"].tolist() == ids
    assert stored["coordinates"].shape == (12, 2)
    project = project_of(run)
    assert run.map_recipes == ()
    assert workflow.load_atlas(project).recipe == "PCA"
    part = workflow.load_atlas(project, map_name="jumps")
    assert part.recipe == "UMAP of 12 windows · n=15 · min_dist=0.1 · seed 0"
    assert np.flatnonzero(np.isfinite(part.coordinates).all(axis=1)).tolist() == sorted({*ids} - {5})
    np.testing.assert_array_equal(np.isfinite(part.kept), np.isfinite(part.coordinates[:, 0]))
    np.testing.assert_array_equal(part.latents, workflow.load_atlas(project).latents)
    assert workflow.with_map(part).recipe == "PCA", "the way back"
    mapped(run, only=str(tmp_path / "ids.txt"), name="again")
    np.testing.assert_array_equal(run.read_map("again")["coordinates"], stored["coordinates"])
    assert mapped(run, only=str(tmp_path / "ids.txt"))[-1].data["map"] == "umap-n15-d0.1-s0-part"


def test_a_saved_selection_can_be_mapped(run: RunFolder) -> None:
    table = workflow.load_atlas(project_of(run)).windows.table
    mark = Mark("selection", "calm", Spans.of_windows(table, np.arange(10, 30)))
    change_annotations(project_of(run), lambda marks: marks.with_mark(mark))
    mapped(run, only="calm", name="calm")
    assert run.read_map("calm")["ids"].tolist() == list(range(10, 30))
    elsewhere = Mark("selection", "gone", Spans({("other", "0"): np.array([[0, 5]])}))
    change_annotations(project_of(run), lambda _: Annotations((mark, elsewhere)))
    with pytest.raises(InputError, match="gone: it holds no window of this run; choose other windows"):
        mapped(run, only="gone")
    with pytest.raises(InputError, match="clam: it is neither a file of window ids nor a saved selection; saved: calm"):
        mapped(run, only="clam")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.json", "[1, 64]", "window 64 is not one of the run's 64; give ids from 0 to 63"),
        ("a.json", "[-1, 4]", "window -1 is not one of"),
        ("a.json", "[1.5]", "it is no list of window ids"),
        ("a.json", "[true]", "it is no list of window ids"),
        ("a.json", "7", "it is no list of window ids"),
        ("a.json", "[[1, 2]]", "it is no list of window ids"),
        ("a.json", "[99999999999999999999]", "it is no list of window ids"),
        ("a.json", "{", "it cannot be read as JSON"),
        ("a.txt", "1 two", "it is no list of window ids"),
        ("a.txt", "", "it holds no window of this run"),
        ("a.json", "[5]", "none of these windows has a latent"),
    ],
)
def test_window_ids_that_cannot_be_used_are_refused(
    run: RunFolder, tmp_path: Path, name: str, text: str, says: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        mapped(run, only=str(tmp_path / name))
    assert maps(run) == []


@pytest.mark.parametrize("n", [1, 2, 9])
def test_a_part_of_very_few_windows_has_a_map(run: RunFolder, tmp_path: Path, n: int) -> None:
    (tmp_path / "ids.json").write_text(json.dumps(list(range(10, 10 + n))), encoding="utf-8")
    mapped(run, only=str(tmp_path / "ids.json"), name="few")
    atlas = workflow.load_atlas(project_of(run), map_name="few")
    assert np.isfinite(atlas.coordinates).all(axis=1).sum() == n
    assert atlas.recipe == f"PCA of {counted(n, 'window')} · too few windows for UMAP"


def test_names_of_maps_are_checked_before_the_work(run: RunFolder) -> None:
    for name in ("../../else", ".hidden", "a/b", "a" * 200, "dot."):
        with pytest.raises(InputError, match="that cannot name a file"):
            mapped(run, name=name)
    with pytest.raises(InputError, match=r"map none: run .* has no such map; known maps: none yet"):
        workflow.load_atlas(project_of(run), map_name="none")
    assert maps(run) == []


def test_a_map_of_other_windows_is_refused(run: RunFolder) -> None:
    run.write_map("odd", "UMAP", coordinates=np.zeros((7, 2), dtype=np.float32))
    with pytest.raises(InputError, match=r"map odd of run .*: it is not of the windows that the run has now"):
        workflow.load_atlas(project_of(run), map_name="odd")
    passed_over = workflow.load_atlas(project_of(run))
    assert passed_over.recipe == "PCA"
    assert "map odd of run" in passed_over.card["notes"][0]
    run.write_map("odd", "UMAP", coordinates=np.zeros((1, 2), dtype=np.float32), ids=np.array([64]))
    with pytest.raises(InputError, match="it is not of the windows that the run has now"):
        workflow.load_atlas(project_of(run), map_name="odd")


def test_a_solid_map_has_three_coordinates(run: RunFolder) -> None:
    mapped(run, MapRecipe(n_dims=3))
    atlas = workflow.load_atlas(project_of(run))
    assert atlas.coordinates.shape == (N, 3)
    assert atlas.recipe == "UMAP 3-D · n=15 · min_dist=0.1 · seed 0"


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("in_full", [False, True])
def test_a_stop_leaves_what_was_there(run: RunFolder, monkeypatch: pytest.MonkeyPatch, in_full: bool) -> None:
    mapped(run, MapRecipe(seed=9))
    ended = threading.Event()

    def endless(latents: np.ndarray, recipe: MapRecipe, *_: Any, tell: Any, **__: Any) -> None:
        try:
            for done in itertools.count():
                tell(done, 0)
                time.sleep(0.005)
        finally:
            ended.set()

    monkeypatch.setattr(projection if in_full else landmarks, "project", endless)
    asked = itertools.count()
    events = workflow.make_map(project_of(run), RECIPE, should_stop=lambda: next(asked) > 20)
    with pytest.raises(StoppedError, match="the map was stopped"):
        list(events)
    assert ended.wait(5), "the work goes on"
    left = ["umap-n15-d0.1-s0-preview.npz"] * in_full + ["umap-n15-d0.1-s9.npz"]
    assert maps(run) == left
    assert workflow.load_atlas(project_of(run)).recipe == str(MapRecipe(seed=9))


def test_a_run_that_is_deleted_meanwhile_does_not_come_back(run: RunFolder) -> None:
    events = workflow.make_map(project_of(run), RECIPE)
    next(events)
    run.path.rename(run.path.with_name("elsewhere"))
    with pytest.raises(InputError, match="it was deleted meanwhile"):
        list(events)
    assert not run.path.exists()


def test_the_command_takes_it_all(run: RunFolder, atlas: Any, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("1 2 3 4", encoding="utf-8")
    options = ["--neighbors", "3", "--min-dist", "0.2", "--seed", "4", "--dims", "3", "--only", tmp_path / "ids.txt"]
    status, out, err = atlas("map", project_of(run), "--run", run.name, *options, "--name", "mine", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out.splitlines()[-1])["map"] == "mine"
    assert run.read_map("mine")["coordinates"].shape == (4, 3)
    assert atlas("map", project_of(run), "--only", "nothing")[0] == 2
    assert atlas("map", project_of(run), "--dims", "4")[0] == 2
