"""Verbs in child processes: their events, stop, kill, and what they say when they fail."""

from __future__ import annotations

import json
import logging
import math
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from napari_atlas import workflow
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest
from napari_atlas.errors import InputError, StoppedError
from napari_atlas.io.atomic import read_json, write_json
from napari_atlas.io.running import process_of, resume_file
from napari_atlas.io.runs import RunFolder
from napari_atlas.jobs import Job, JobError, _parse, attach, command_line, fit_under_way

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


def stop_after(n_epochs: int, project: Path, config: FitConfig, resume: str | None = None) -> Path:
    """Fit in this process until so many epochs are over, and return the run's folder."""
    n = count(1)
    (started, *_) = list(workflow.fit(project, config, lambda: next(n) > n_epochs, None, resume))
    return Path(started.data["folder"])


def same_result(run: Path, other: Path) -> bool:
    """Return whether two runs have the same weights and history, to the bit."""
    names = ("weights.safetensors", "history.csv")
    return all((run / name).read_bytes() == (other / name).read_bytes() for name in names)


def test_a_fit_that_was_killed_ends_as_if_it_had_not_been(project: Path, start: Start) -> None:
    job = start("fit", project, *settings(epochs=12))
    with pytest.raises(JobError):
        kill_after(5, job)
    killed = job.run_folder
    with (killed / "events.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"event": "ep')
    (killed / "history.csv.part").touch()
    again = start("fit", project, "--resume")
    events = list(again.events())
    assert (events[0]["event"], events[0]["run"], events[-1]["event"]) == ("started", killed.name, "done")
    epochs = [e["epoch"] for e in events if e["event"] == "epoch"]
    assert epochs == list(range(events[0]["done"] + 1, 13))
    assert events[0]["done"] >= 5
    (*_, done) = workflow.fit(project, replace(ENDLESS, epochs=12))
    assert same_result(killed, killed.with_name(done.data["run"]))
    assert {k: v for k, v in done.data.items() if k != "run"} == RunFolder(killed).card
    told = [json.loads(line) for line in (killed / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [e["event"] for e in told if e["event"] in ("started", "done")] == ["started", "started", "done"]
    left = {path.name for path in killed.iterdir()}
    assert left == {path.name for path in killed.with_name(done.data["run"]).iterdir()}
    assert not left & {"resume.safetensors", "running.json"}


def test_a_fit_that_was_stopped_goes_on(project: Path) -> None:
    config = replace(ENDLESS, epochs=6)
    run = stop_after(4, project, config)
    (summary,) = workflow.runs(project)
    assert (summary["state"], summary["stopped"], summary["resumable"], summary["epochs"]) == (
        "complete",
        True,
        True,
        4,
    )
    (run / "maps" / "umap.npz").write_bytes(b"of the earlier weights")
    stop_after(1, project, config, "")
    assert RunFolder(run).map_recipes == ()
    (*_, done) = workflow.fit(project, FitConfig(), resume=run.name)
    assert (done.data["run"], done.data["stopped"], done.data["epochs"]) == (run.name, False, 6)
    assert same_result(run, stop_after(100, project, config))
    for name, says in ((run.name, "it is complete"), ("", "no run of it was stopped"), ("none", "no such run")):
        with pytest.raises(InputError, match=says):
            next(workflow.fit(project, config, resume=name))


def test_a_fit_cut_off_before_its_first_epoch_begins_anew(project: Path) -> None:
    events = workflow.fit(project, replace(ENDLESS, epochs=3))
    run = Path(next(events).data["folder"])
    assert process_of(RunFolder(run))
    assert workflow.runs(project)[0]["state"] == "running"
    events.close()  # type: ignore[attr-defined]
    assert workflow.runs(project)[0]["state"] == "unfinished"
    stop_after(100, project, ENDLESS, "")
    assert same_result(run, stop_after(100, project, replace(ENDLESS, epochs=3)))
    with pytest.raises(StoppedError):
        stop_after(0, project, ENDLESS)
    assert len(workflow.runs(project)) == 2


def test_what_cannot_be_resumed_is_refused_and_stays_whole(project: Path) -> None:
    run = stop_after(4, project, ENDLESS)
    kept = resume_file(RunFolder(run)).read_bytes()
    resume_file(RunFolder(run)).write_bytes(kept[:-100])
    before = {path: path.read_bytes() for path in sorted(project.rglob("*")) if path.is_file()}
    with pytest.raises(InputError, match=r"resume.safetensors: it is damaged or cut short; fit again"):
        stop_after(100, project, ENDLESS, run.name)
    assert {path: path.read_bytes() for path in sorted(project.rglob("*")) if path.is_file()} == before
    assert workflow.load_atlas(project).run == run.name
    resume_file(RunFolder(run)).write_bytes(kept)
    history = (run / "history.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (run / "history.csv").write_text("".join(history[:3]), encoding="utf-8")
    with pytest.raises(InputError, match=r"history.csv: it does not reach epoch 4; restore a copy"):
        stop_after(100, project, ENDLESS, run.name)
    config = read_json(run / "config.json")
    write_json(run / "config.json", config | {"reference": "weights.pt"})
    with pytest.raises(InputError, match=r"it took the weights of a reference"):
        stop_after(100, project, ENDLESS, run.name)
    write_json(run / "config.json", config)
    np.save(project.parent / "temps.npy", np.linspace(10, 20, 4 * 98))
    with pytest.raises(InputError, match=r"its recordings or settings have changed since; fit again$"):
        stop_after(100, project, ENDLESS, run.name)
    workflow.delete_run(project, run.name)
    assert workflow.runs(project) == []


def test_a_fit_outlives_its_window_and_is_followed_by_the_next(project: Path) -> None:
    with subprocess.Popen(command_line("fit", [str(project), *settings()]), stdout=subprocess.PIPE) as fit:
        assert fit.stdout is not None
        run = Path(json.loads(fit.stdout.readline())["folder"])
        fit.stdout.close()
        followed = attach(run)
        assert (fit_under_way(project), followed.pid) == (run, fit.pid)
        with pytest.raises(InputError, match=rf"^run {run.name}: process {fit.pid} is fitting it at this moment; "):
            next(workflow.fit(project, ENDLESS, resume=""))
        with pytest.raises(InputError, match=rf"^run {run.name}: process {fit.pid} is fitting it at this moment; "):
            workflow.delete_run(project, run.name)
        epochs = []
        for event in followed.events():
            epochs += [event["epoch"]] if event["event"] == "epoch" else []
            if len(epochs) == 30:
                followed.stop()
        assert epochs == list(range(1, len(epochs) + 1))
        assert event["event"] == "done"
        assert event["stopped"] is True
        assert followed.stopped
        assert fit.wait(30) == 0
    assert fit_under_way(project) == Path()
    assert not (run / "stop").exists()
    (summary,) = workflow.runs(project)
    assert (summary["state"], summary["resumable"]) == ("complete", True)


def test_who_follows_a_fit_hears_how_it_ended(project: Path, start: Start) -> None:
    job = start("fit", project, *settings())
    for event in job.events():
        if event.get("epoch") == 2:
            break
    followed = attach(job.run_folder)
    left = followed.events()
    assert next(left)["event"] == "started"
    followed.leave()
    assert all(event["event"] != "done" for event in left)
    assert not followed.stopped
    job.kill()
    with pytest.raises(JobError, match=rf"its process was ended; .* --resume {job.run_folder.name}'$"):
        list(attach(job.run_folder).events())
    RunFolder(job.run_folder).append_event({"event": "error", "text": "epoch 9: the loss is nan"})
    with pytest.raises(JobError, match=r"^epoch 9: the loss is nan$"):
        list(attach(job.run_folder).events())
    shutil.rmtree(job.run_folder)
    with pytest.raises(JobError, match="its process was ended"):
        list(attach(job.run_folder).events())


def test_a_mark_of_a_process_that_is_gone_does_not_count(project: Path) -> None:
    run = RunFolder(stop_after(2, project, ENDLESS))
    mine = psutil.Process()
    mark = {"pid": mine.pid, "created": mine.create_time(), "host": platform.node()}
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    marks = [
        (mark, mine.pid),
        (mark | {"created": mine.create_time() - 60}, 0),
        (mark | {"pid": gone.pid}, 0),
        (mark | {"host": "elsewhere", "pid": 1}, 1),
        ({}, 0),
    ]
    for value, pid in marks:
        write_json(run.path / "running.json", value)
        assert process_of(run) == pid


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
