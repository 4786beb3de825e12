"""Sweeps: each point a run, a table of them, and going on where the last one ended."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_atlas import _sweep, workflow
from napari_atlas.data.config import FitConfig
from napari_atlas.data.results import Event
from napari_atlas.errors import AtlasError, InputError
from napari_atlas.io.running import claimed
from napari_atlas.io.runs import RunFolder

SETTINGS = '[settings]\nepochs = 2\nbeta_warmup = 1\nbatch_size = 32\ndevice = "cpu"\n'
GRID = SETTINGS + "[grid]\nlatent_dim = [2, 3]\n"
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def project(jelly_project: Path) -> Path:
    """Return a project that is not fitted."""
    return jelly_project


def write_sweep(project: Path, text: str = GRID) -> Path:
    file = project.parent / "width.toml"
    file.write_text(text, encoding="utf-8")
    return file


def swept(project: Path, text: str = GRID, **options: Any) -> list[Event]:
    return list(workflow.sweep(project, write_sweep(project, text), {}, **options))


def table(project: Path) -> list[dict[str, str]]:
    with (project / "sweeps" / "width.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def stop_after(n_epochs: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Return what asks for a stop once so many epochs of the sweep are over."""
    seen = []
    honest = _sweep.begin_fit

    def counted(*arguments: Any) -> Iterator[Event]:
        for event in honest(*arguments):
            if event.kind == "epoch":
                seen.append(event)
            yield event

    monkeypatch.setattr(_sweep, "begin_fit", counted)
    return lambda: len(seen) >= n_epochs


def test_every_point_is_a_run_and_a_row(project: Path) -> None:
    events = swept(project)
    rows = table(project)
    assert [row["run"] for row in rows] == [run["run"] for run in workflow.runs(project)]
    assert [(row["point"], row["state"], row["latent_dim"]) for row in rows] == [
        ("1", "complete", "2"),
        ("2", "complete", "3"),
    ]
    for row in rows:
        run = RunFolder(project / "runs" / row["run"])
        config = FitConfig(latent_dim=int(row["latent_dim"]), epochs=2, beta_warmup=1, batch_size=32, device="cpu")
        assert run.config["config"] == config.as_dict()
        best = run.read_history()[int(row["best_epoch"]) - 1]
        assert best["best"] == 1
        assert float(row["validation_total"]) == best["validation_total"]
        figures = run.card["temperature_r2"]["jelly"]
        assert float(row["validation_r2 jelly"]) == figures["validation"]
        assert float(row["test_r2 jelly"]) == figures["test"]
    done = events[-1]
    assert (done.kind, done.done, done.total) == ("done", 2, 2)
    scores = [row["score"] for row in done.data["rows"]]
    assert scores == sorted(float(row["score"]) for row in rows)
    assert json.loads(json.dumps(done.as_dict(), allow_nan=False))["rows"] == done.data["rows"]


def test_totals_are_compared_only_where_they_can_be(project: Path) -> None:
    swept(project, SETTINGS + "[grid]\nlearning_rate = [0.001, 0.01]\n")
    for row in table(project):
        assert row["score"] == row["validation_total"]
        assert row["note"] == "best first by validation total, never by test figures"
    swept(project, SETTINGS + "[grid]\nbeta = [0.5, 4.0]\n")
    for row in table(project):
        sum_of_terms = float(row["validation_reconstruction"]) + float(row["validation_temperature"])
        assert float(row["score"]) == pytest.approx(sum_of_terms)
        assert "not comparable, since beta differs" in row["note"]
    swept(project, SETTINGS + '[grid]\ntemperature_weight = [0.0, 4.0]\nsplit = ["none", "block"]\n')
    rows = table(project)
    assert [bool(row["score"]) for row in rows] == [False, True, False, True]
    assert all(row["score"] == row["validation_reconstruction"] for row in rows)
    assert "not the same windows may be held out, since split differs" in rows[0]["note"]
    assert "what holds nothing out has no score" in rows[0]["note"]


def test_the_same_file_again_fits_nothing_twice(project: Path) -> None:
    swept(project)
    before, runs = table(project), workflow.runs(project)
    (project / "sweeps" / "width.csv").unlink()
    events = swept(project)
    assert [event.kind for event in events] == ["log", "log", "done"]
    assert "point 1 of 2: latent_dim = 2: run 001-" in events[0].text
    assert (table(project), workflow.runs(project)) == (before, runs)
    swept(project, GRID.replace("[2, 3]", "[4, 3]"))
    assert [(row["point"], row["latent_dim"]) for row in table(project)] == [("1", "4"), ("2", "3")]
    assert len(workflow.runs(project)) == 3


def test_other_temperatures_make_other_points(project: Path) -> None:
    swept(project, point=1)
    np.save(project.parent / "temps.npy", np.linspace(10, 20, 64))
    swept(project, point=2)
    assert [row["point"] for row in table(project)] == ["2"]
    swept(project)
    assert [row["run"][:3] for row in table(project)] == ["003", "002"]


def test_a_stop_keeps_the_point_under_way_and_the_next_time_goes_on(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = GRID.replace("epochs = 2", "epochs = 4\npatience = 0")
    with monkeypatch.context() as patch:
        events = swept(project, longer, should_stop=stop_after(2, patch))
    assert events[-1].data["rows"][0]["state"] == "stopped"
    assert [(row["point"], row["state"]) for row in table(project)] == [("1", "stopped")]
    swept(project, longer)
    assert [(row["point"], row["state"]) for row in table(project)] == [("1", "complete"), ("2", "complete")]
    assert [run["epochs"] for run in workflow.runs(project)] == [4, 4]


def test_a_point_that_fails_is_a_row_and_is_tried_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = _sweep.begin_fit

    def broken(folder: Path, config: FitConfig, *rest: Any) -> Iterator[Event]:
        if config.latent_dim == 2:
            raise AtlasError("epoch 1: the loss is nan; lower learning_rate, now 1")
        yield from honest(folder, config, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(_sweep, "begin_fit", broken)
        events = swept(project)
    failed, fine = table(project)
    assert (failed["state"], failed["run"], failed["score"]) == ("failed", "", "")
    assert failed["error"] == "epoch 1: the loss is nan; lower learning_rate, now 1"
    assert (fine["state"], fine["error"]) == ("complete", "")
    assert [row["point"] for row in events[-1].data["rows"]] == [2, 1]
    swept(project)
    assert [(row["state"], row["error"]) for row in table(project)] == [("complete", ""), ("complete", "")]


def test_a_point_that_another_process_fits_is_left_to_it(project: Path) -> None:
    swept(project, point=1)
    (run,) = (project / "runs").iterdir()
    with claimed(RunFolder(run)):
        events = swept(project, point=1)
    assert "is being fitted by another process" in events[0].text
    assert len(workflow.runs(project)) == 1


def test_what_cannot_be_used_is_refused_before_any_fit(project: Path, atlas: Command) -> None:
    with pytest.raises(InputError, match=r"point 3: .*width.toml has points 1 to 2; choose one of them"):
        swept(project, point=3)
    with pytest.raises(InputError, match=r"width.toml: setting latent_dim: 0 is out of range"):
        swept(project, GRID.replace("[2, 3]", "[2, 0]"))
    with pytest.raises(InputError, match=r"width.toml: it is not valid TOML"):
        swept(project, GRID + "=")
    file = write_sweep(project)
    for wrong in (["--sweep", file, "--from-reference", "x.pt"], ["--point", 1], ["--sweep", file, "--resume"]):
        status, out, err = atlas("fit", project, *wrong)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert "leave the other options out" in err
    assert workflow.runs(project) == []
    assert not (project / "sweeps").exists()


def test_one_point_of_an_array_job_by_command(project: Path, atlas: Command) -> None:
    file = write_sweep(project)
    status, out, err = atlas("fit", project, "--sweep", file, "--set", "seed=3", "--point", 2)
    assert (status, err) == (0, "")
    head, row = out.splitlines()[-2:]
    assert head.split()[:4] == ["point", "run", "state", "latent_dim"]
    assert row.split()[0] == "2"
    (run,) = (project / "runs").iterdir()
    assert RunFolder(run).config["config"]["seed"] == 3
    status, out, err = atlas("fit", project, "--sweep", file, "--set", "seed=3", "--json")
    assert (status, err) == (0, "")
    assert [row["point"] for row in json.loads(out.splitlines()[-1])["rows"]] in ([1, 2], [2, 1])
