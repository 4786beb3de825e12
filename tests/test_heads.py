"""A latent that is asked for further numbers and classes of the project."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pytest

from napari_atlas import workflow
from napari_atlas.analysis.report import lines, verdict
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest
from napari_atlas.data.results import Event
from napari_atlas.errors import InputError
from napari_atlas.io.runs import RunFolder, list_runs
from napari_atlas.workflow import InitFrom

CONFIG = FitConfig(
    epochs=30, beta=0.05, beta_warmup=2, batch_size=32, latent_dim=3, learning_rate=5e-3, averaging=0.9, device="cpu",
    split="block", heads="state, effort,coin",
)  # fmt: skip
SHORT = replace(CONFIG, epochs=3, heads="effort,state")
SETTINGS: dict[str, object] = {"signal": "centroid-speed", "window": 2.0, "stride": 1.0, "bin_rate": 5.0}
STATES = ("rest", "run", "walk")


def write_mouse(folder: Path, seed: int, names: tuple[str, ...] = STATES) -> AddRequest:
    """Write a mouse that changes its speed every five seconds, what it does then, and a coin that tells nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    states = rng.permutation(np.arange(18) % 3)
    speed = np.repeat(np.array([0.5, 6.0, 2.0])[states], 100) + rng.normal(0, 0.1, 1800)
    rows = np.column_stack([np.arange(1800), speed.cumsum(), np.zeros(1800), np.ones(1800)])
    header = "scorer,a,a,a\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood"
    tracks, log = folder / f"m{seed}.csv", folder / f"log{seed}.csv"
    np.savetxt(tracks, rows, delimiter=",", header=header, comments="", fmt="%.6g")
    told = [
        f"{5 * i + late},{names[s]},{30 - 10 * s},{'ab'[coin]}"
        for i, (s, coin) in enumerate(zip(states, rng.integers(2, size=states.size), strict=True))
        for late in (0, 4.99)  # a number runs straight from one reading to the next
    ]
    log.write_text("time_s,state,effort,coin\n" + "\n".join(told) + "\n", encoding="utf-8")
    covariates = {name: f"{log}::{name}" for name in ("state", "effort", "coin")}
    fixed = {"cage": "one", **covariates}
    return AddRequest(tracks, "mouse", fps=20.0, settings=SETTINGS, covariates=fixed, extend=True)


def make(folder: Path, seeds: tuple[int, ...], names: tuple[str, ...] = STATES) -> Path:
    workflow.new(folder / "p.atlas")
    for seed in seeds:
        workflow.add(folder / "p.atlas", write_mouse(folder, seed, names))
    return folder / "p.atlas"


def logs(events: list[Event]) -> list[str]:
    return [event.text for event in events if event.kind == "log"]


def heads_beside(run: RunFolder) -> dict[str, Any]:
    known: dict[str, Any] = json.loads((run.path / "weights.json").read_text("utf-8"))["heads"]
    return known


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("heads")
    project = make(folder, (1, 2, 3, 4))
    list(workflow.fit(project, CONFIG))
    return project


@pytest.fixture
def run(trained: Path) -> RunFolder:
    return list_runs(trained)[0]


def test_classes_and_numbers_are_told_on_held_out_windows_and_a_coin_is_not(run: RunFolder) -> None:
    state, effort, coin = (run.card["heads"][name] for name in ("state", "effort", "coin"))
    told = state["species"]["mouse"]
    assert state["classes"] == list(STATES)
    assert told["test"] > 0.75 > told["shuffled"] + 0.2
    assert told["accuracy"]["test"] > 0.75 > told["accuracy"]["shuffled"] + 0.2
    assert effort["classes"] == []
    assert effort["species"]["mouse"]["test"] > 0.6 > effort["species"]["mouse"]["shuffled"]
    assert coin["species"]["mouse"]["test"] == pytest.approx(0.5, abs=0.2)
    assert run.config["config"]["heads"] == "state,effort,coin"


def test_what_is_told_is_in_the_latents_and_a_column_of_the_table(trained: Path, run: RunFolder) -> None:
    latents = run.read_latents()
    obs = anndata.read_h5ad(run.path / "atlas.h5ad").obs
    state = np.array(STATES)[latents["head/state"].astype(int)]
    assert obs["state_predicted"].tolist() == state.tolist()
    assert (obs["state_predicted"].astype(str) == obs["state"].astype(str)).mean() > 0.75
    assert np.array_equal(obs["effort_predicted"], latents["head/effort"])
    assert -5 < obs["effort_predicted"].min() < 12 < 28 < obs["effort_predicted"].max() < 45
    atlas = workflow.load_atlas(trained)
    assert not [note for note in atlas.card["notes"] if "fitted to other" in note]


def test_the_card_tells_each_head_beside_chance(run: RunFolder) -> None:
    told = "\n".join(lines(run.card))
    assert "state balanced accuracy on held-out windows: mouse " in told
    assert "effort R² on held-out windows: mouse " in told
    assert ", of all windows " in told
    assert "the latent tells effort better than chance." in verdict(run.card)


def test_what_cannot_be_asked_for_is_refused_or_left_out(trained: Path, run: RunFolder) -> None:
    for heads, says in (
        ("state,mood", "setting heads: the windows have no covariate 'mood'; choose from cage, state, effort, coin"),
        ("temperature", "setting heads: the temperature has a head of its own; take it out"),
    ):
        with pytest.raises(InputError, match=says):
            list(workflow.fit(trained, FitConfig(heads=heads)))
    with pytest.raises(InputError, match="temperature_weight=0 switches all heads off"):
        FitConfig(heads="state", temperature_weight=0)
    assert list_runs(trained) == [run], "nothing is left of it"
    events = list(workflow.fit(trained, replace(SHORT, epochs=1, heads="cage")))
    assert "cage is the same in all training windows: the latent is not asked for it" in logs(events)
    workflow.delete_run(trained, list_runs(trained)[1].name)
    assert "heads" not in events[-1].data


def test_a_fit_with_heads_is_resumed_bit_for_bit_unless_labels_changed(tmp_path: Path) -> None:
    project = make(tmp_path, (6,))
    list(workflow.fit(project, SHORT))
    events = workflow.fit(project, SHORT)
    next(event for event in events if event.kind == "epoch")
    events.close()  # type: ignore[attr-defined]
    log = tmp_path / "log6.csv"
    before = log.read_text("utf-8")
    log.write_text(before.replace("run", "hop"), encoding="utf-8")
    with pytest.raises(InputError, match="its recordings or settings have changed since; fit again"):
        list(workflow.fit(project, SHORT, resume=""))
    (note,) = (n for n in workflow.load_atlas(project, list_runs(project)[0].name).card["notes"] if "other" in n)
    assert "was fitted to other temperatures or covariates" in note
    log.write_text(before, encoding="utf-8")
    list(workflow.fit(project, SHORT, resume=""))
    whole, resumed = list_runs(project)
    assert whole.weights.read_bytes() == resumed.weights.read_bytes()
    assert whole.card | {"device": ""} == resumed.card | {"device": ""}
    assert heads_beside(whole) == heads_beside(resumed)


def test_classes_of_other_recordings_are_matched_by_name(run: RunFolder, tmp_path: Path) -> None:
    other = make(tmp_path, (7,), names=("rest", "run", "amble"))
    events = list(workflow.encode(other, str(run.path)))
    assert "head state of the weights does not know amble: these are not judged" in logs(events)
    (encoded,) = list_runs(other)
    found = encoded.card["heads"]["state"]
    assert found["classes"] == list(STATES), "codes are those of the weights: amble would come first here"
    assert found["species"]["mouse"]["test"] > 0.75
    obs = anndata.read_h5ad(encoded.path / "atlas.h5ad").obs
    known = obs["state"].astype(str) != "amble"
    assert (obs["state"].astype(str) == obs["state_predicted"].astype(str))[known].mean() > 0.75
    assert heads_beside(encoded) == heads_beside(run)
    assert encoded.config["config"]["heads"] == "state,effort,coin"
    bare = tmp_path / "bare.safetensors"
    bare.write_bytes(run.weights.read_bytes())
    events = list(workflow.encode(other, str(bare)))
    assert "heads" not in events[-1].data, "nobody knows what the codes mean"
    assert any(text.startswith("head state of the weights: nothing tells what it stands for") for text in logs(events))


def test_a_head_joins_frozen_weights_and_those_that_they_have_stay(run: RunFolder, tmp_path: Path) -> None:
    project = make(tmp_path, (5,))
    workflow.change(project, ("m5",), {"covariates": {"twice": f"{tmp_path / 'log5.csv'}::effort"}})
    init = InitFrom(str(run.path), frozen=True)
    with pytest.raises(InputError, match="all of its parts are frozen"):
        list(workflow.fit(project, replace(SHORT, heads="effort"), init_from=init))
    with pytest.raises(InputError, match="setting heads: all else is frozen"):
        list(workflow.fit(project, replace(SHORT, heads="cage"), init_from=init))
    events = list(workflow.fit(project, replace(SHORT, heads="twice"), init_from=init))
    (new,) = list_runs(project)
    assert any(text.endswith("new: head twice") for text in logs(events))
    assert new.config["config"]["heads"] == "twice,state,effort,coin"
    beside = heads_beside(new)
    assert {name: beside[name] for name in ("state", "effort", "coin")} == heads_beside(run), "scaled as before"
    assert set(new.card["heads"]) == {"state", "effort", "coin", "twice"}
    assert new.card["heads"]["effort"]["species"]["mouse"]["test"] > 0.6
