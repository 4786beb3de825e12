"""Verbs in child processes: their events, stop, kill, and what they say when they fail."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from napari_atlas import workflow
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest
from napari_atlas.jobs import Job, JobError, _parse

ENDLESS = FitConfig(
    epochs=100_000, patience=0, learning_rate=3e-3, beta_warmup=3, beta=0.01, latent_dim=2, device="cpu", split="block"
)
Start = Callable[..., Job]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project of noise, of which nothing can be learned, so that the best epoch is not the last one."""
    noise = np.random.default_rng(0).normal(size=(4, 600))
    windows = np.stack([track[s : s + 12] for track in noise for s in range(0, 588, 6)])
    np.save(tmp_path / "noise.npy", windows)
    np.save(tmp_path / "temps.npy", np.random.default_rng(1).normal(20, 3, len(windows)))
    workflow.new(tmp_path / "p.atlas")
    request = AddRequest(tmp_path / "noise.npy", "noise", temperature=str(tmp_path / "temps.npy"))
    workflow.add(tmp_path / "p.atlas", request)
    return tmp_path / "p.atlas"


@pytest.fixture
def start() -> Iterator[Start]:
    """Return a function that starts a job; none outlives the test."""
    jobs: list[Job] = []

    def begin(verb: str, *arguments: object) -> Job:
        jobs.append(Job(verb, *map(str, arguments)))
        return jobs[-1]

    yield begin
    for job in jobs:
        job.kill()


def settings(**changes: Any) -> list[str]:
    """Return ``ENDLESS``, with changes, as the command line says it."""
    values = ENDLESS.as_dict() | changes
    return [text for name, value in values.items() for text in ("--set", f"{name}={value}")]


def kill_after(n_epochs: int, job: Job) -> None:
    """Follow a fit, and end its process from outside in the midst of an epoch."""
    for event in job.events():
        if event.get("epoch") == n_epochs:
            psutil.Process(job.pid).kill()


def test_a_fit_tells_its_events(project: Path, start: Start) -> None:
    job = start("fit", project, *settings(epochs=3))
    assert job.running
    assert psutil.Process(job.pid).nice() > psutil.Process().nice()
    events = list(job.events())
    assert (job.running, job.stopped) == (False, False)
    assert [e["event"] for e in events if e["event"] != "log"] == ["started", "epoch", "epoch", "epoch", "done"]
    assert [e["epoch"] for e in events if e["event"] == "epoch"] == [1, 2, 3]
    assert events[0]["pid"] == job.pid
    assert job.run_folder == Path(events[0]["folder"])
    (run,) = workflow.runs(project)
    assert (run["run"], run["state"], run["epochs"]) == (job.run_folder.name, "complete", 3)
    assert events[-1]["temperature_r2"] == run["temperature_r2"]


def test_a_stop_keeps_the_best_weights(project: Path, start: Start) -> None:
    job = start("fit", project, *settings())
    best, last = 0, {}
    for last in job.events():
        best = last["epoch"] if last.get("best") else best
        if last["event"] == "epoch" and best and last["epoch"] >= best + 20:
            job.stop()
    assert job.stopped
    assert (last["event"], last["stopped"], last["best_epoch"]) == ("done", True, best)
    assert 3 <= best < last["epochs"] < 2000
    assert not (job.run_folder / "stop").exists()
    kept = workflow.load_atlas(project)
    assert kept.run == job.run_folder.name
    asked = count()
    list(workflow.fit(project, ENDLESS, lambda: next(asked) >= best))
    until_best = workflow.load_atlas(project)
    assert until_best.run != kept.run
    assert until_best.card["epochs"] == best
    np.testing.assert_array_equal(kept.latents, until_best.latents, err_msg="not the weights of the best epoch")


def test_a_stop_before_the_first_word_leaves_nothing_half_done(project: Path, start: Start) -> None:
    job = start("fit", project, *settings())
    job.stop()
    told = [event["event"] for event in job.events()]
    assert job.stopped
    assert told[0] == "started"
    states = [(run["state"], run["stopped"]) for run in workflow.runs(project)]
    assert states == ([("complete", True)] if told[-1] == "done" else [])


@pytest.mark.parametrize(("warmup", "state"), [(3, "interrupted"), (100_000, "unfinished")])
def test_a_fit_that_is_killed_leaves_a_project_that_opens(warmup: int, state: str, project: Path, start: Start) -> None:
    job = start("fit", project, *settings(beta_warmup=warmup))
    with pytest.raises(JobError, match=r"^fit ended with status (-9|1|15)$"):
        kill_after(6, job)
    assert not job.running
    (killed,) = workflow.runs(project)
    assert (killed["run"], killed["state"]) == (job.run_folder.name, state)
    assert killed["epochs"] >= 6
    atlas = workflow.load_atlas(project)
    assert len(atlas.windows.table) > 0
    assert not atlas.has_map
    (*_, done) = workflow.fit(project, FitConfig(epochs=2, beta_warmup=1, latent_dim=2, device="cpu"))
    assert [run["state"] for run in workflow.runs(project)] == [state, "complete"]
    again = workflow.load_atlas(project)
    assert again.run == done.data["run"]
    assert again.latents.shape == (len(again.windows.table), 2)
    assert again.has_map


def test_an_error_is_the_childs_own_line(tmp_path: Path, start: Start) -> None:
    job = start("fit", tmp_path / "none")
    line = f"{tmp_path / 'none'}: it is not a project; make one with 'napari-atlas new FOLDER'"
    with pytest.raises(JobError) as caught:
        list(job.events())
    assert str(caught.value) == line
    assert not job.stopped
    assert job.run_folder == Path()


def test_a_job_that_is_killed_on_purpose_is_no_error(project: Path, start: Start) -> None:
    job = start("fit", project, *settings())
    job.kill()
    assert not job.running
    assert list(job.events()) == []
    assert job.stopped
    assert workflow.runs(project) == []


def test_lines_that_are_no_events_go_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "napari_atlas.jobs"):
        assert _parse("OMP: warning\n") == {}
    assert [record.message for record in caplog.records] == ["OMP: warning"]
    assert _parse("[1, 2]") == {}
    event = _parse('{"event": "epoch", "validation_total": null, "temperature_r2": {"a": {"test": null}}}')
    assert math.isnan(event.pop("validation_total"))
    assert event == {"event": "epoch", "temperature_r2": {"a": {"test": None}}}
