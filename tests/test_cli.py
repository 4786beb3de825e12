"""The command line: help, JSON lines, exit codes, and one line for whatever was refused."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_atlas import __version__, workflow
from napari_atlas.data.config import FitConfig
from napari_atlas.data.results import Event
from napari_atlas.errors import AtlasError

VERBS = (
    *("inspect", "new", "add", "change", "remove", "proxy", "fit", "encode", "runs", "map"),
    *("cluster", "score", "clips", "export", "serve", "open", "demo"),
)
QUICK = ("--set", "device=cpu", "--set", "epochs=2", "--set", "beta_warmup=1", "--set", "latent_dim=2")
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def windows(tmp_path: Path) -> Path:
    """Return a file of 60 windows, the temperatures of which lie beside it."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "jelly.npy", rng.random((60, 12)))
    np.save(tmp_path / "temps.npy", rng.normal(20, 3, 60))
    return tmp_path / "jelly.npy"


@pytest.fixture
def project(tmp_path: Path, windows: Path, atlas: Command) -> Path:
    folder = tmp_path / "p.atlas"
    assert atlas("new", folder) == (0, f"made {folder}\n", "")
    status, out, err = atlas(
        "add", folder, windows, "--species", "jelly", "--temperature", windows.parent / "temps.npy"
    )
    assert (status, out, err) == (0, "added jelly (jelly)\n", "")
    return folder


def lines_of(text: str) -> list[dict[str, Any]]:
    """Return the JSON object of every line; NaN is no JSON."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    found = [json.loads(line, parse_constant=refuse) for line in text.splitlines()]
    assert all(isinstance(value, dict) for value in found)
    return found


def refused(told: tuple[int, str, str], *says: str, status: int = 2) -> None:
    """Check that nothing but one line came out, on stderr, and that it says all of that."""
    code, out, err = told
    assert code == status
    assert out == ""
    assert err.startswith("error: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert [text for text in says if text not in err] == []


def test_help_lists_all_verbs(atlas: Command) -> None:
    status, out, err = atlas("--help")
    assert (status, err) == (0, "")
    commands = out.split("Commands:\n")[1].splitlines()
    assert sorted(line.split()[0] for line in commands) == sorted(VERBS)
    assert atlas("--version") == (0, f"{__version__}\n", "")


@pytest.mark.parametrize(
    ("verb", "says"),
    [
        ("inspect", ["FILES...", "--json"]),
        ("new", ["PROJECT", "--name", "--json"]),
        ("add", ["PROJECT [TRACKS]", "--species", "--fps", "--temperature", "--led-on", "--window", "--recursive"]),
        ("add", ["--timestamps", "--start", "--covariate NAME=WHAT", "--animals", "--mapping", "--max-jump"]),
        ("change", ["PROJECT RECORDING...", "--video PATH", "--fps", "--condition NAME=LABEL", "--extend", "--json"]),
        ("remove", ["PROJECT RECORDING...", "--json"]),
        ("proxy", ["PROJECT [RECORDING]...", "--json"]),
        (
            "fit",
            ["PROJECT", "--set KEY=VALUE", "--from-reference", "--resume [RUN]", "--list-settings", "keeps the best"],
        ),
        ("fit", ["--preset [default|reference|", "--config PATH", "--sweep PATH", "--point", "--toml", "--schema"]),
        ("fit", ["--init-from RUN_OR_FILE", "--freeze"]),
        ("encode", ["PROJECT", "--with RUN_OR_FILE", "[required]", "--json", "of a trained model"]),
        ("runs", ["PROJECT [RUN]...", "--compare", "--rename RUN NAME", "--delete RUN", "--json"]),
        ("map", ["PROJECT", "--run", "--neighbors", "--min-dist", "--seed", "--only", "--preview-only"]),
        ("cluster", ["PROJECT", "--run", "--method [kmeans|", "--k", "--min-size", "--seed", "--name", "--json"]),
        ("score", ["PROJECT", "--run", "--variables NAME,...", "--behaviour NAME", "--baseline", "--groups", "--json"]),
        ("clips", ["PROJECT OUT", "--of", "--selection", "--windows", "--choose", "--format", "--grid", "--json"]),
        ("export", ["PROJECT FILE", "--run", "--selection", "--format", "--force", "--json"]),
        ("serve", ["PROJECT", "--run", "--json", "decode on request"]),
        ("open", ["PROJECT", "--run", "--pictures"]),
        ("demo", ["[FOLDER]", "--show / --no-show", "--seed"]),
    ],
)
def test_help_of_every_verb(verb: str, says: list[str], atlas: Command) -> None:
    status, out, err = atlas(verb, "--help")
    assert (status, err) == (0, "")
    assert out.startswith(f"Usage: napari-atlas {verb} ")
    assert [text for text in says if text not in out] == []


def test_every_verb_has_its_help_tested() -> None:
    (mark,) = (m for m in test_help_of_every_verb.pytestmark if m.name == "parametrize")  # type: ignore[attr-defined]
    assert tuple(dict.fromkeys(verb for verb, _ in mark.args[1])) == VERBS


def test_json_lines_of_a_whole_project(tmp_path: Path, windows: Path, atlas: Command) -> None:
    folder = tmp_path / "p.atlas"
    told = {
        "new": atlas("new", folder, "--name", "größe", "--json"),
        "inspect": atlas("inspect", windows, tmp_path / "temps.npy", "--json"),
        "add": atlas("add", folder, windows, "--species", "Qualle °", "--json"),
        "fit": atlas("fit", folder, *QUICK, "--set", "split=none", "--json"),
        "map": atlas("map", folder, "--neighbors", 5, "--json"),
        "runs": atlas("runs", folder, "--json"),
        "settings": atlas("fit", folder, "--list-settings", "--json"),
    }
    assert {verb: (status, err) for verb, (status, _, err) in told.items()} == dict.fromkeys(told, (0, ""))
    found = {verb: lines_of(out) for verb, (_, out, _) in told.items()}
    assert found["new"] == [{"event": "done", "project": str(folder)}]
    assert [(f["kind"], f["n_frames"]) for f in found["inspect"]] == [("windows", 720), ("unknown", 0)]
    assert found["add"] == [{"event": "done", "recording": "jelly", "species": "Qualle °", "fps": 0.0}]
    assert [e["event"] for e in found["fit"] if e["event"] != "log"] == ["started", "epoch", "epoch", "done"]
    assert [e["validation_total"] for e in found["fit"] if e["event"] == "epoch"] == [None, None]
    assert [e["event"] for e in found["map"] if e["event"] != "progress"] == ["started", "done"]
    (run,) = found["runs"]
    assert (run["run"], run["state"], run["epochs"]) == (found["fit"][0]["run"], "complete", 2)
    assert run["maps"] == [found["map"][-1]["map"]]
    assert [knob["name"] for knob in found["settings"]] == list(FitConfig().as_dict())


def test_plain_lines_of_a_whole_project(project: Path, atlas: Command) -> None:
    status, out, err = atlas("runs", project)
    assert (status, out, err) == (0, "no run yet: fit one with 'napari-atlas fit PROJECT'\n", "")
    status, out, err = atlas("fit", project, *QUICK)
    assert (status, err) == (0, "")
    (run,) = workflow.runs(project)
    lines = out.splitlines()
    assert lines[0].startswith(f"run {run['run']} on cpu (")
    assert lines[-3] == f"run {run['run']} done"
    figures = run["temperature_r2"]["jelly"]
    assert lines[-2].startswith(f"  temperature R² on held-out windows: jelly {figures['test']:.2f} (training ")
    assert lines[-1].startswith("  reconstruction R² on held-out windows: jelly ")
    assert [line.split(":")[0] for line in lines if line.startswith("epoch")] == ["epoch 1", "epoch 2"]
    status, out, err = atlas("runs", project)
    assert (status, err) == (0, "")
    assert out.startswith(f"{run['run']}  complete, 2 epochs; temperature R² on held-out windows: jelly ")
    assert len(out.splitlines()) == 1


def test_files_are_told(windows: Path, atlas: Command) -> None:
    status, out, err = atlas("inspect", windows)
    assert (status, err) == (0, "")
    assert out.splitlines()[:2] == [f"{windows}: windows (windows-npy)", "  n frames: 720"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["fly"], ["'fly'"]),
        (["inspect", "{dir}/none.h5"], ["none.h5: there is no such file", "check the path"]),
        (["new", "{project}"], ["p.atlas: there is a project already", "choose another folder"]),
        (["new", "{tracks}"], ["jelly.npy: it exists and is not an empty folder", "choose another"]),
        (["new", "{tracks}/deeper"], ["deeper: it cannot be made", "choose another"]),
        (["add", "{project}", "{tracks}"], ["--species"]),
        (["add", "{project}", "{tracks}", "--species", "x", "--fps", "quick"], ["--fps", "'quick'"]),
        (["add", "{dir}/none", "{tracks}", "--species", "x"], ["none: it is not a project", "napari-atlas new"]),
        (["fit", "{dir}/none"], ["none: it is not a project", "napari-atlas new"]),
        (["fit", "{project}", "--set", "epochs"], ["--set epochs", "key=value"]),
        (["fit", "{project}", "--set", "epoch=3"], ["epoch is not a setting", "choose from latent_dim, encoder"]),
        (["fit", "{project}", "--set", "epochs=many"], ["setting epochs", "'many'", "250"]),
        (["fit", "{project}", "--set", "epochs=0"], ["setting epochs", "0 is out of range", "from 1 to 100000"]),
        (["fit", "{project}", "--set", "beta=nan"], ["setting beta", "nan is out of range", "from 0.0 to 1000.0"]),
        (["fit", "{project}", "--set", "split=odd"], ["setting split", "'odd'", "choose from auto, recording"]),
        (["fit", "{project}", "--from-reference", "{dir}/none.pt"], ["none.pt: there is no such file", "check"]),
        (["fit", "{project}", "--from-reference", "{tracks}"], ["jelly.npy: it is not a plain torch state", "export"]),
        (["fit", "{project}", "--freeze"], ["--freeze: there is nothing to be kept", "--init-from"]),
        (["fit", "{project}", "--init-from", "7"], ["weights 7: there is no such run, folder or file", "none yet"]),
        (["fit", "{project}", "--init-from", "{dir}"], ["weights.safetensors: there are no weights", "check the path"]),
        (["fit", "{project}", "--init-from", "{tracks}"], ["jelly.npy: it is not a whole weight file", "restore"]),
        (["fit", "{project}", "--init-from", "7", "--from-reference", "{tracks}"], ["one set of weights", "leave"]),
        (["fit", "{project}", "--init-from", "7", "--resume"], ["keeps its settings", "leave the other options out"]),
        (["encode", "{project}"], ["--with"]),
        (["encode", "{project}", "--with", "7"], ["weights 7: there is no such run", "none yet"]),
        (["encode", "{dir}/none", "--with", "7"], ["none: it is not a project", "napari-atlas new"]),
        (["runs", "{dir}"], ["it is not a project", "napari-atlas new"]),
        (["map", "{project}"], ["p.atlas: it has no fitted run", "napari-atlas fit"]),
        (["map", "{project}", "--run", "7"], ["run 7", "p.atlas has no such run", "none yet"]),
        (["map", "{project}", "--neighbors", "1"], ["setting n_neighbors", "1 is too few", "at least 2"]),
        (["map", "{project}", "--min-dist", "3"], ["setting min_dist", "3 is out of range", "from 0 to 1"]),
        (["map", "{project}", "--seed", "-1"], ["setting seed", "-1 is out of range", "from 0"]),
        (["open", "{dir}/none"], ["none: it is not a project", "napari-atlas new"]),
        (["demo", "{dir}/d", "--seed", "-1"], ["--seed", "-1"]),
    ],
)
def test_bad_input_is_refused_in_one_line(
    arguments: list[str], says: list[str], project: Path, windows: Path, tmp_path: Path, atlas: Command
) -> None:
    filled = [text.format(project=project, tracks=windows, dir=tmp_path) for text in arguments]
    refused(atlas(*filled), *says)
    assert not (tmp_path / "d").exists()


def test_a_demo_never_goes_over_another(tmp_path: Path, atlas: Command) -> None:
    workflow.new(tmp_path / "reef.atlas")
    refused(atlas("demo", tmp_path, "--no-show"), "reef.atlas: it exists already", "or remove it")
    assert [path.name for path in tmp_path.iterdir()] == ["reef.atlas"]


def test_no_verb_at_all_tells_them(atlas: Command) -> None:
    status, out, err = atlas()
    assert (status, out) == (2, "")
    assert err.startswith("Usage: ")
    assert all(f"\n  {verb} " in err for verb in VERBS)


def test_a_stop_before_the_first_epoch_leaves_with_3(
    project: Path, atlas: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_atlas.cli.Stop.__call__", lambda self: True)
    status, out, err = atlas("fit", project, *QUICK)
    assert status == 3
    assert "epoch" not in out
    assert err.startswith("error: run 001-")
    assert err.endswith("stopped before the first epoch ended; nothing was kept\n")


def test_a_signal_keeps_the_best_epoch_and_leaves_with_3(
    project: Path, atlas: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = workflow.fit

    def interrupted(*arguments: Any, **named: Any) -> Iterator[Event]:
        for event in honest(*arguments, **named):
            if event.kind == "epoch":
                signal.raise_signal(signal.SIGINT)
            yield event

    monkeypatch.setattr(workflow, "fit", interrupted)
    status, out, err = atlas("fit", project, *QUICK, "--set", "epochs=500", "--json")
    assert (status, err) == (3, "")
    assert [e["event"] for e in lines_of(out) if e["event"] != "log"] == ["started", "epoch", "done"]
    assert lines_of(out)[-1]["stopped"] is True
    assert workflow.runs(project)[0]["state"] == "complete"


def test_a_run_is_resumed_and_deleted(project: Path, atlas: Command) -> None:
    refused(atlas("fit", project, "--resume"), "no run of it was stopped or cut off")
    events = workflow.fit(project, FitConfig(epochs=2, beta_warmup=1, latent_dim=2, device="cpu"))
    name = next(event.data["run"] for event in events if event.kind == "epoch" or event.kind == "started")
    events.close()  # type: ignore[attr-defined]
    refused(atlas("fit", project, "--resume", name, *QUICK), "keeps its settings", "leave the other options out")
    status, out, err = atlas("fit", project, "--resume", name, "--json")
    assert (status, err) == (0, "")
    assert lines_of(out)[-1]["run"] == name
    refused(atlas("fit", project, "--resume", name), f"run {name}: it is complete; fit again")
    refused(atlas("runs", project, "--delete", "nine"), "the project", "has no such run", name)
    assert atlas("runs", project, "--delete", name) == (0, f"deleted run {name}\n", "")
    assert workflow.runs(project) == []


def test_a_fault_that_is_nobodys_input_leaves_with_1(
    project: Path, atlas: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Iterator[Event]:
        raise AtlasError("epoch 3: the loss is nan; lower learning_rate, now 1")
        yield

    monkeypatch.setattr(workflow, "fit", broken)
    refused(atlas("fit", project), "epoch 3: the loss is nan", "lower learning_rate", status=1)


def test_the_program_itself(tmp_path: Path) -> None:
    start = [sys.executable, "-m", "napari_atlas", "runs", "größe"]
    done = subprocess.run(start, cwd=tmp_path, capture_output=True, check=False, timeout=60)
    line = "error: größe: it is not a project; make one with 'napari-atlas new FOLDER'"
    assert (done.returncode, done.stdout, done.stderr.decode().splitlines()) == (2, b"", [line])
    script = Path(sys.executable).with_name("napari-atlas.exe" if sys.platform == "win32" else "napari-atlas")
    done = subprocess.run([script, "--version"], cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, [__version__.encode()], b"")
