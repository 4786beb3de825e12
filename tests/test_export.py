"""The table for one's own statistics: what it holds, that other programs read it, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_atlas import workflow
from napari_atlas.data.clusters import Clustering
from napari_atlas.data.config import FitConfig
from napari_atlas.data.marks import Mark, Spans
from napari_atlas.data.windows import WindowTable
from napari_atlas.io.annotations import change_annotations
from napari_atlas.io.clusters import write_clusters
from napari_atlas.io.loading import load_windows
from napari_atlas.io.project import read_project
from napari_atlas.io.provenance import provenance
from napari_atlas.io.runs import RunFolder, new_run

Verb = Callable[..., tuple[int, str, str]]

OWN_NAMES = ("window", "recording", "individual", "species", "first_frame", "last_frame", "seconds", "split")


def make_run(project: Path) -> tuple[RunFolder, WindowTable]:
    """Write a run as a fit would, with a map and clusters, and return it with the windows."""
    known = read_project(project)
    windows = load_windows(known)[0]
    run, n = new_run(project), len(windows.table)
    rng = np.random.default_rng(0)
    run.write("config", provenance(known, FitConfig(), windows))
    run.write("card", {"notes": ["a note"], "heads": {"mood": {"classes": ["calm", "wild"]}}})
    run.write("label", {"label": "the good one"})
    run.weights.touch()
    predicted = rng.normal(20, 1, n).astype(np.float32)
    predicted[3] = np.nan
    run.write_latents(
        mu=rng.normal(size=(n, 2)).astype(np.float32),
        predicted=predicted,
        split=np.arange(n, dtype=np.int8) % 3,
        reconstruction_error=rng.random(n).astype(np.float32),
        outside=np.arange(n) == 5,
        **{"head/mood": np.where(np.arange(n) == 2, np.nan, np.arange(n) % 2)},
    )
    codes = np.arange(n) % 2 - (np.arange(n) == 4) * 2
    write_clusters(run, Clustering("k2", "by hand", np.maximum(codes, -1), ("wavy", "still")))
    return run, windows.table


def mark(project: Path, table: WindowTable, kind: str, name: str, *ids: int) -> None:
    spans = Spans.of_windows(table, np.array(ids, dtype=np.int64))
    change_annotations(project, lambda a: a.with_mark(Mark(kind, name, spans)))


@pytest.fixture
def fitted(jelly_project: Path) -> Path:
    """Return a project with a run, two tags, notes and a saved selection."""
    _, table = make_run(jelly_project)
    mark(jelly_project, table, "tag", "turn", 1, 2)
    mark(jelly_project, table, "note", "look, again", 2)
    mark(jelly_project, table, "note", "odd", 2)
    mark(jelly_project, table, "selection", "first ones", 0, 1, 2)
    return jelly_project


def read(file: Path) -> pd.DataFrame:
    if file.suffix == ".parquet":
        return pd.read_parquet(file)
    return pd.read_csv(file, sep="\t" if file.suffix == ".tsv" else ",")


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
def test_a_table_holds_all_that_is_known(fitted: Path, tmp_path: Path, atlas: Verb, ending: str) -> None:
    file = tmp_path / f"windows.{ending}"
    code, out, err = atlas("export", fitted, file)
    assert (code, err) == (0, "")
    assert "wrote 64 windows" in out
    shown, found = workflow.load_atlas(fitted), read(file)
    table = shown.windows.table
    assert found["window"].tolist() == list(range(64))
    assert found["individual"].tolist() == table.of_key("individual").tolist()
    assert (found["last_frame"] == table.stop_frame - 1).all()
    np.testing.assert_allclose(found["temperature"], table.temperature)
    np.testing.assert_allclose(found["temperature_predicted"], shown.predicted, rtol=1e-6)
    np.testing.assert_allclose(found[["latent_1", "latent_2"]], shown.latents, rtol=1e-6)
    np.testing.assert_allclose(found[["map_x", "map_y"]], shown.coordinates, rtol=1e-6)
    assert found["split"][:4].tolist() == ["train", "validation", "test", "train"]
    assert np.flatnonzero(found["outside"]).tolist() == [5]
    assert found["mood_predicted"][:2].tolist() == ["calm", "wild"]
    assert found["cluster_k2"][:2].tolist() == ["wavy", "still"]
    assert np.flatnonzero(found["tag_turn"]).tolist() == [1, 2]
    assert np.flatnonzero(found["selection_first ones"]).tolist() == [0, 1, 2]
    assert found["note"][2] == "look, again | odd"
    unknown = {"seconds": 0, "temperature_predicted": 3, "mood_predicted": 2, "cluster_k2": 4, "note": 0}
    assert all(pd.isna(found[name][row]) for name, row in unknown.items())


def test_a_file_beside_it_says_what_is_what(fitted: Path, tmp_path: Path, atlas: Verb) -> None:
    atlas("export", fitted, tmp_path / "t.csv", "--selection", "first ones")
    told = json.loads((tmp_path / "t.csv.json").read_text(encoding="utf-8"))
    found = read(tmp_path / "t.csv")
    assert [column["name"] for column in told["columns"]] == list(found.columns)
    assert all(column["meaning"] for column in told["columns"])
    assert {c["name"]: c.get("unit") for c in told["columns"]}["temperature"] == "°C"
    assert told["rows"] == len(found) == 3
    run = workflow.load_atlas(fitted).run
    assert (told["format"], told["run"], told["label"], told["selection"]) == (1, run, "the good one", "first ones")
    assert told["config"] == FitConfig().as_dict()
    assert told["recipe"] == RunFolder(fitted / "runs" / run).config["recipe"]


def test_a_project_without_a_run_has_a_table_too(jelly_project: Path, tmp_path: Path, atlas: Verb) -> None:
    code, out, _ = atlas("export", jelly_project, tmp_path / "t.csv", "--json")
    events = [json.loads(line) for line in out.splitlines()]
    assert (code, events[-1]["event"], events[-1]["rows"], events[-1]["run"]) == (0, "done", 64, "")
    assert list(read(tmp_path / "t.csv"))[:8] == list(OWN_NAMES)


def test_windows_by_number(fitted: Path, tmp_path: Path, atlas: Verb) -> None:
    assert atlas("export", fitted, tmp_path / "t.csv", "--windows", "7,3,7")[0] == 0
    assert read(tmp_path / "t.csv")["window"].tolist() == [3, 7]


def test_a_covariate_named_as_one_of_our_columns(jelly_project: Path, tmp_path: Path, atlas: Verb) -> None:
    """It gets another name rather than the place of the column."""
    name = read_project(jelly_project).recordings[0].name
    assert atlas("change", jelly_project, name, "--covariate", "window=3")[0] == 0
    assert atlas("export", jelly_project, tmp_path / "t.csv")[0] == 0
    found = read(tmp_path / "t.csv")
    assert found["window"].tolist() == list(range(64))
    assert set(found["window_2"]) == {3}


def test_a_file_that_is_there_is_kept_unless_force_is_set(fitted: Path, tmp_path: Path, atlas: Verb) -> None:
    file = tmp_path / "t.csv"
    file.write_text("mine", encoding="utf-8")
    code, _, err = atlas("export", fitted, file)
    assert (code, err) == (2, f"error: {file}: it exists already; name another file, or write --force to replace it\n")
    assert file.read_text(encoding="utf-8") == "mine"
    assert atlas("export", fitted, file, "--force")[0] == 0
    assert len(read(file)) == 64


@pytest.mark.parametrize(
    ("file", "options", "told"),
    [
        ("t.xyz", (), "a table cannot be written as 'xyz'; let the name end in .csv, .tsv or .parquet"),
        ("t", (), "its name does not say how to write it"),
        ("t.csv", ("--format", "parquet"), "its name ends in .csv, but parquet is wanted"),
        ("none/t.csv", (), "its folder does not exist; make the folder first"),
        (".", ("--format", "csv"), "it is a folder; name a file in it"),
        ("t.csv", ("--selection", "best"), "no such selection; known ones: first ones"),
        ("t.csv", ("--selection", "elsewhere"), "known ones: first ones"),
        ("t.csv", ("--windows", "64"), "window 64: there is no such window; choose from 0 to 63"),
        ("t.csv", ("--windows", "-1"), "window -1: there is no such window"),
        ("t.csv", ("--windows", "a"), "that is no list of numbers"),
        ("t.csv", ("--windows", "1", "--selection", "first ones"), "leave one of the two out"),
        ("t.csv", ("--run", "009"), "has no such run; known runs: 001"),
    ],
)
def test_what_cannot_be_written_is_told_in_one_line(
    fitted: Path, tmp_path: Path, atlas: Verb, file: str, options: tuple[str, ...], told: str
) -> None:
    code, _, err = atlas("export", fitted, tmp_path / file, *options)
    assert code == 2
    assert told in err
    assert err.count("\n") == 1
    assert not (tmp_path / "t.csv").exists()


def test_a_selection_of_windows_that_the_run_lacks(fitted: Path, tmp_path: Path, atlas: Verb) -> None:
    gone = Mark("selection", "gone", Spans({("no such recording", "0"): np.array([[0, 9]])}))
    change_annotations(fitted, lambda a: a.with_mark(gone))
    code, _, err = atlas("export", fitted, tmp_path / "t.csv", "--selection", "gone")
    assert (code, "none of its windows is in this run; choose another run" in err) == (2, True)


def test_a_run_of_other_windows_is_refused(fitted: Path, tmp_path: Path, atlas: Verb) -> None:
    config = json.loads(next(fitted.glob("runs/*/config.json")).read_text(encoding="utf-8"))
    next(fitted.glob("runs/*/config.json")).write_text(json.dumps(config | {"recipe": "another"}), encoding="utf-8")
    code, _, err = atlas("export", fitted, tmp_path / "t.csv")
    assert code == 2
    assert "is out of date: its recordings or settings changed; fit again, or name another run" in err


def test_parquet_without_its_package(
    fitted: Path, tmp_path: Path, atlas: Verb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_atlas.io.export.find_spec", lambda name: None)
    code, _, err = atlas("export", fitted, tmp_path / "t.parquet")
    assert (code, "install napari-atlas[tables], or write a .csv" in err) == (2, True)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no folder that nobody can write to")
def test_a_folder_that_cannot_be_written_to(fitted: Path, atlas: Verb) -> None:
    code, _, err = atlas("export", fitted, "/proc/t.csv")
    assert (code, "it cannot be written" in err) == (2, True)


def test_an_empty_project(tmp_path: Path, atlas: Verb) -> None:
    workflow.new(tmp_path / "e.atlas")
    code, _, err = atlas("export", tmp_path / "e.atlas", tmp_path / "t.csv")
    assert (code, "it has no windows" in err) == (2, True)
