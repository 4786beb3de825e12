"""Runs named, compared, and those of another version, which are shown all the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_atlas import workflow
from napari_atlas.data.config import FitConfig
from napari_atlas.errors import InputError
from napari_atlas.io.atomic import read_arrays, read_json, write_arrays, write_json
from napari_atlas.io.running import resume_file
from napari_atlas.io.runs import RunFolder

CONFIG = FitConfig(epochs=2, beta_warmup=1, latent_dim=2, batch_size=32, device="cpu")
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def project(jelly_project: Path) -> Path:
    """Return a project that is fitted once."""
    fit(jelly_project, CONFIG)
    return jelly_project


def fit(project: Path, config: FitConfig) -> str:
    (*_, done) = workflow.fit(project, config)
    return str(done.data["run"])


def only_run(project: Path) -> Path:
    (run,) = (project / "runs").iterdir()
    return run


def test_a_label_serves_as_a_name_and_is_the_only_one(project: Path, atlas: Command) -> None:
    first, second = only_run(project).name, fit(project, CONFIG)
    assert atlas("runs", project, "--rename", first, " größer ")[:2] == (0, f"run {first} is called größer\n")
    assert [run["label"] for run in workflow.runs(project)] == ["größer", ""]
    assert atlas("runs", project)[1].startswith(f"{first}  größer  complete, 2 epochs")
    assert workflow.load_atlas(project, "größer").run == first
    for taken in ("größer", first):
        with pytest.raises(InputError, match=f"label '{taken}' of run {second}: run {first} is called that; choose"):
            workflow.rename_run(project, second, taken)
    for wrong in ("x" * 61, "two\nlines"):
        with pytest.raises(InputError, match="it is too long, or not one line of text; use up to 60 characters"):
            workflow.rename_run(project, second, wrong)
    assert workflow.rename_run(project, "größer", "größer") == first
    workflow.rename_run(project, first, "")
    workflow.rename_run(project, second, "größer")
    assert [run["label"] for run in workflow.runs(project)] == ["", "größer"]
    workflow.delete_run(project, "größer")
    assert [run["run"] for run in workflow.runs(project)] == [first]


def test_runs_side_by_side_tell_what_differs(project: Path, atlas: Command) -> None:
    first = only_run(project).name
    second = fit(project, FitConfig.from_dict({**CONFIG.as_dict(), "beta": 1.0, "epochs": 3}))
    workflow.rename_run(project, first, "plain")
    one, other = workflow.compare_runs(project, ["plain", second])
    assert (one["run"], one["label"], other["run"]) == (first, "plain", second)
    assert (one["settings"], other["settings"]) == ({"epochs": 2, "beta": 2.5}, {"epochs": 3, "beta": 1.0})
    assert (one["epochs"], other["epochs"]) == (2, 3)
    history = RunFolder(project / "runs" / second).read_history()
    assert other["validation_total"] == history[other["best_epoch"] - 1]["validation_total"]
    assert other["temperature_r2"]["jelly"].keys() >= {"train", "test", "shuffled"}
    assert one["note"] == "validation totals are not comparable, since beta differs"
    status, out, err = atlas("runs", project, "--compare", "--json")
    assert (status, err) == (0, "")
    assert [json.loads(line) for line in out.splitlines()] == [one, other]
    told = {line.split("  ")[0]: line.split()[-2:] for line in atlas("runs", project, "--compare")[1].splitlines()}
    assert told["run"] == [first, second]
    assert told["beta"] == ["2.5", "1"]
    assert told["epochs fitted"] == ["2", "3"]
    assert "seed" not in told


def test_one_run_is_not_compared(project: Path, atlas: Command) -> None:
    for names in ([], [only_run(project).name] * 2):
        with pytest.raises(InputError, match=r"two runs are needed to compare; name two"):
            workflow.compare_runs(project, names)
    status, out, err = atlas("runs", project, only_run(project).name)
    assert (status, out) == (2, "")
    assert "nothing says what to do with it; write --compare" in err


@pytest.mark.parametrize("lost", ["recordings", "recipe", "config", ""])
def test_a_run_of_another_version_is_shown_but_not_resumed(lost: str, project: Path, atlas: Command) -> None:
    run = only_run(project)
    record = read_json(run / "config.json")
    if lost:
        del record[lost]
    else:
        record["config"] = {k: v for k, v in record["config"].items() if k != "averaging"} | {"momentum": 0.9}
    write_json(run / "config.json", record)
    assert workflow.runs(project)[0]["state"] == "complete"
    shown = workflow.load_atlas(project)
    assert len(shown.windows.table) == 64
    assert bool(shown.run) == (lost != "recipe")
    fit(project, CONFIG)
    assert len(workflow.compare_runs(project)) == 2
    resume_file(RunFolder(run)).touch()
    status, out, err = atlas("fit", project, "--resume", run.name)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: ")
    if not lost:
        assert f"run {run.name}: another version of the program made it (without averaging, with momentum)" in err


def test_latents_of_another_version_are_out_of_date(project: Path) -> None:
    file = only_run(project) / "latents.npz"
    latents = read_arrays(file)
    write_arrays(file, **{name: latents[name] for name in ("mu", "split")})
    shown = workflow.load_atlas(project)
    assert (shown.run, len(shown.latents)) == ("", 0)
    assert "is out of date: another version of the program made it" in shown.card["notes"][0]


def test_a_config_that_is_none_is_told_in_one_line(project: Path, atlas: Command) -> None:
    (only_run(project) / "config.json").write_text("[]", encoding="utf-8")
    assert atlas("runs", project)[0] == 0
    status, _, err = atlas("map", project)
    assert status == 2
    assert err.endswith("config.json: it holds no settings; restore a copy, or delete its run\n")


def test_settings_come_from_preset_file_and_command_line(project: Path, tmp_path: Path, atlas: Command) -> None:
    (tmp_path / "mine.toml").write_text("epochs = 40\nbeta = 1.5\n", encoding="utf-8")
    options = ["--preset", "reference", "--config", tmp_path / "mine.toml", "--set", "epochs=1"]
    status, out, err = atlas("fit", *options, "--list-settings", "--json")
    assert (status, err) == (0, "")
    values = {knob["name"]: knob["value"] for knob in map(json.loads, out.splitlines())}
    assert (values["split"], values["beta"], values["epochs"], values["seed"]) == ("none", 1.5, 1, 0)
    assert FitConfig.from_toml(atlas("fit", *options, "--toml")[1]).as_dict() == values
    assert json.loads(atlas("fit", "--schema")[1])["type"] == "object"
    again = ["--config", only_run(project) / "config.json", "--set", "epochs=1"]
    assert json.loads(atlas("fit", *again, "--toml", "--json")[1]) == CONFIG.as_dict() | {"epochs": 1}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("epochs 3", "mine.toml: it is not valid TOML"),
        ("epochs = 0", "setting epochs: 0 is out of range"),
        ("", ""),
    ],
)
def test_a_file_of_settings_that_cannot_be_used(text: str, says: str, tmp_path: Path, atlas: Command) -> None:
    if text:
        (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    status, out, err = atlas("fit", tmp_path, "--config", tmp_path / "mine.toml")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert (says or "mine.toml: it cannot be read (No such file or directory); check the path") in err


def test_a_fit_needs_a_project_and_a_known_preset(atlas: Command) -> None:
    assert atlas("fit")[0::2] == (2, "error: Missing argument 'PROJECT'.\n")
    status, _, err = atlas("fit", "--preset", "odd", "--list-settings")
    assert (status, err.count("\n")) == (2, 1)
    assert "'odd'" in err
    assert "'reference'" in err
