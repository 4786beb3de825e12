"""What the latent tells of each variable, measured by the verb and written into the run."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_atlas import workflow
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest
from napari_atlas.data.scores import Scores
from napari_atlas.errors import InputError, StoppedError
from napari_atlas.io.runs import RunFolder, list_runs
from napari_atlas.workflow import ScoreWishes

Atlas = Callable[..., tuple[int, str, str]]

SETTINGS: dict[str, object] = {"signal": "centroid-speed", "window": 2.0, "stride": 1.0, "bin_rate": 5.0}
PLAIN = FitConfig(epochs=2, latent_dim=3, batch_size=32, device="cpu", split="block", beta=0.05)
STATES = ("rest", "walk", "run")
SCRUBBED = FitConfig.from_dict({**PLAIN.as_dict(), "scrub": "individual", "condition": "activity"})


def add_mouse(project: Path, number: int) -> None:
    """Add a mouse with a pace of its own, that rests, walks and runs by turns, each for five seconds."""
    rng = np.random.default_rng(number)
    states = rng.permutation(np.arange(12) % 3)
    speed = np.repeat(np.array([0.5, 2.0, 6.0])[states], 100) * (1 + number / 2) + rng.normal(0, 0.1, 1200)
    rows = np.column_stack([np.arange(1200), speed.cumsum(), np.zeros(1200), np.ones(1200)])
    tracks, log = project.parent / f"mouse{number}.csv", project.parent / f"log{number}.csv"
    header = "scorer,a,a,a\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood"
    np.savetxt(tracks, rows, delimiter=",", header=header, comments="", fmt="%.6g")
    told = [f"{5 * i + late},{STATES[s]}" for i, s in enumerate(states) for late in (0, 4.99)]
    log.write_text("time_s,behaviour\n" + "\n".join(told) + "\n", encoding="utf-8")
    conditions = {"drug": "saline" if number % 2 else "nicotine"}
    covariates = {"behaviour": f"{log}::behaviour"}
    request = AddRequest(
        tracks, "mouse", fps=20.0, settings=SETTINGS, covariates=covariates, conditions=conditions, extend=number > 0
    )
    workflow.add(project, request)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project of four mice with a plain run and one that was scrubbed of who it was."""
    project = tmp_path_factory.mktemp("score") / "p.atlas"
    workflow.new(project)
    for number in range(4):
        add_mouse(project, number)
    for config in (PLAIN, SCRUBBED):
        list(workflow.fit(project, config))
    return project


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made.parent, tmp_path / "score")
    return tmp_path / "score" / "p.atlas"


def test_a_run_is_measured_and_the_figures_are_kept_in_it(project: Path, atlas: Atlas) -> None:
    before = list_runs(project)[0].name
    status, told, errors = atlas("score", project, "--baseline", before, "--variables", "activity,individual")
    assert (status, errors) == (0, "")
    run = list_runs(project)[-1]
    kept = json.loads((run.path / "score.json").read_text(encoding="utf-8"))
    scores = Scores.from_dict(kept)
    assert scores.run == run.name
    rows = [(row.variable, row.decoder, row.source, row.scrubbed) for row in scores.decoded]
    assert rows[:3] == [("individual", name, "latent", True) for name in ("logistic", "qda", "mlp")]
    assert rows[3][2] == "signal"
    assert {row.variable for row in scores.decoded} == {"individual", "activity"}  # what was scrubbed comes first
    assert all(0 <= row.score <= 1 for row in scores.decoded if row.kind == "class")
    assert "individual (scrubbed)" in told
    assert "variable" in told
    assert "times that of the baseline" in told
    assert set(kept["more"]) >= {"mmd", "clusters", "behaviour", "sessions", "reconstruction", "obeyed", "confounding"}
    assert set(kept["more"]["obeyed"]) == {"individual", "activity"}
    assert kept["more"]["behaviour"]["held_out"] == "recordings"
    assert kept["more"]["behaviour"]["signal"]["macro_f1"] > 0.5 > kept["more"]["behaviour"]["signal"]["chance"]
    assert kept["more"]["sessions"]["drug"]["beside"] == "saline"


def test_a_plain_run_is_measured_alike(project: Path, atlas: Atlas) -> None:
    plain = list_runs(project)[0].name
    status, told, _ = atlas("score", project, "--run", plain, "--variables", "speed", "--json")
    assert status == 0
    events = [json.loads(line) for line in told.splitlines()]
    assert [event["event"] for event in events] == ["started", "progress", "done"]
    rows = events[-1]["decoded"]
    assert {row["variable"] for row in rows} == {"speed"}
    assert not any(row["scrubbed"] for row in rows)
    pace = {row["decoder"]: row["score"] for row in rows if row["source"] == "signal"}
    assert pace["linear"] > 0.9  # speed is the signal itself


def test_wrong_names_and_runs_of_other_windows_are_refused(project: Path, atlas: Atlas) -> None:
    status, _, errors = atlas("score", project, "--variables", "mood")
    assert status == 2
    assert "no variable 'mood'" in errors
    assert "choose from individual" in errors
    with pytest.raises(InputError, match="the windows have no"):
        list(workflow.score(project, ScoreWishes(behaviour="mood")))
    run = list_runs(project)[0]
    latents = run.read_latents()
    run.write_latents(**{name: values[:-1] for name, values in latents.items()})
    with pytest.raises(InputError, match="other windows"):
        list(workflow.score(project, ScoreWishes(baseline=run.name)))
    with pytest.raises(InputError, match="other windows"):
        list(workflow.score(project, ScoreWishes(), run.name))
    with pytest.raises(StoppedError):
        list(workflow.score(project, ScoreWishes(), should_stop=lambda: True))
    assert not (list_runs(project)[-1].path / "score.json").exists()


def test_one_animal_alone_leaves_nothing_to_tell_apart(tmp_path: Path) -> None:
    project = tmp_path / "one.atlas"
    workflow.new(project)
    add_mouse(project, 0)
    list(workflow.fit(project, PLAIN))
    done = list(workflow.score(project, ScoreWishes()))[-1]
    assert "one animal only: nothing to tell apart" in done.data["notes"]
    assert "one recording only: nothing to tell apart" in done.data["notes"]
    scores = Scores.from_dict(json.loads((list_runs(project)[0].path / "score.json").read_text(encoding="utf-8")))
    assert {row.variable for row in scores.decoded} == {"individual", "recording"}
    assert all(math.isnan(row.score) for row in scores.decoded)
    assert RunFolder(project / "runs" / scores.run).path.is_dir()


def test_a_fit_warns_of_a_variable_that_determines_the_behaviour(tmp_path: Path) -> None:
    project = tmp_path / "two.atlas"
    workflow.new(project)
    for number in range(2):
        add_mouse(project, number)
        log = tmp_path / f"log{number}.csv"
        log.write_text(log.read_text(encoding="utf-8").replace("walk", f"walk{number}").replace("rest", f"rest{number}")
                       .replace("run", f"run{number}"), encoding="utf-8")  # fmt: skip
    told = [event.text for event in workflow.fit(project, SCRUBBED)]
    (warned,) = [text for text in told if "confounded" in text]
    assert "individual and behaviour" in warned
    assert "1.00 of 1" in warned
