"""A trained model used again: to begin a fit with, frozen or not, and to encode other recordings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anndata
import numpy as np
import pytest

from napari_atlas import workflow
from napari_atlas.analysis.projection import MapRecipe
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest
from napari_atlas.data.results import Event
from napari_atlas.errors import InputError
from napari_atlas.io.runs import RunFolder, list_runs
from napari_atlas.workflow import InitFrom

CONFIG = FitConfig(
    epochs=3, beta_warmup=1, batch_size=16, latent_dim=3, device="cpu", split="recording", validation_fraction=0.25
)
Command = Callable[..., tuple[int, str, str]]


def write_fish(path: Path, seed: int, strange: bool = False, length: int = 10) -> Path:
    """Write 30 windows of one animal that swims in waves; a strange one jumps."""
    rng = np.random.default_rng(seed)
    waves = np.sin(np.arange(30 * length) / 3 + seed) + rng.normal(0, 0.2, 30 * length)
    np.save(path, ((rng.random(waves.size) < 0.2) * 40.0 if strange else waves).reshape(30, length))
    return path


def make(folder: Path, species: dict[str, int], first: int = 0) -> Path:
    """Make a project with so many recordings of each species."""
    folder.mkdir()
    workflow.new(folder / "p.atlas")
    for name, n in species.items():
        for i in range(first, first + n):
            file = write_fish(folder / f"{name}{i}.npy", seed=100 * len(name) + i)
            workflow.add(folder / "p.atlas", AddRequest(file, name, temperature=str(15 + i)))
    return folder / "p.atlas"


def weights_of(run: RunFolder) -> bytes:
    return run.weights.read_bytes()


def logs(events: list[Event]) -> list[str]:
    return [event.text for event in events if event.kind == "log"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project of eight fish, of which two are held out as test, fitted once."""
    project = make(tmp_path_factory.mktemp("trained") / "old", {"fish": 8})
    list(workflow.fit(project, CONFIG))
    return project


@pytest.fixture
def old(trained: Path) -> RunFolder:
    return list_runs(trained)[0]


def test_a_fit_begins_with_the_weights_of_another_project(old: RunFolder, tmp_path: Path) -> None:
    project = make(tmp_path / "new", {"fish": 2, "crab": 2}, first=20)
    config = replace(CONFIG, split="block", latent_dim=7)
    events = list(workflow.fit(project, config, init_from=InitFrom(str(old.path), frozen=True)))
    assert f"weights taken from run {old.name}, frozen; new: crab" in logs(events)
    assert "latent_dim=3, encoder=conv and posterior=diagonal are those of the weights" in logs(events)
    (run,) = list_runs(project)
    digest = hashlib.blake2b(weights_of(old), digest_size=8).hexdigest()
    assert run.config["weights"] == {"name": f"run {old.name}", "hash": digest, "frozen": True}
    assert run.config["config"]["latent_dim"] == 3
    assert (run.path / "init.safetensors").read_bytes() == weights_of(old)
    known = json.loads((run.path / "weights.json").read_text("utf-8"))
    assert set(known["species"]) == {"fish", "crab"}
    before = json.loads((old.path / "weights.json").read_text("utf-8"))["recordings"]
    assert set(before) < set(known["recordings"]), "what it was trained on before is not forgotten"


def test_a_fit_that_began_with_weights_is_resumed_bit_for_bit_without_them(old: RunFolder, tmp_path: Path) -> None:
    config = replace(CONFIG, split="block", epochs=4)
    project, copy = make(tmp_path / "new", {"fish": 1, "crab": 1}, first=20), tmp_path / "mine.safetensors"
    copy.write_bytes(weights_of(old))
    init = InitFrom(str(copy), frozen=True)
    list(workflow.fit(project, config, init_from=init))
    events = workflow.fit(project, config, init_from=init)
    for event in events:
        if event.kind == "epoch" and event.done == 2:
            break
    events.close()  # type: ignore[attr-defined]
    copy.unlink()
    (*_, done) = workflow.fit(project, config, resume="")
    whole, resumed = list_runs(project)
    assert done.data["run"] == resumed.name
    assert weights_of(whole) == weights_of(resumed)
    assert whole.read_history() == resumed.read_history()
    assert whole.card | {"device": ""} == resumed.card | {"device": ""}


def test_weights_that_a_run_began_with_must_not_change(old: RunFolder, tmp_path: Path) -> None:
    project = make(tmp_path / "new", {"fish": 1}, first=20)
    events = workflow.fit(project, replace(CONFIG, split="block"), init_from=InitFrom(str(old.path)))
    next(event for event in events if event.kind == "epoch")
    events.close()  # type: ignore[attr-defined]
    (run,) = list_runs(project)
    (run.path / "init.safetensors").write_bytes(b"other")
    with pytest.raises(InputError, match=r"init\.safetensors: it was changed after the run began; restore a copy"):
        list(workflow.fit(project, CONFIG, resume=""))
    (run.path / "init.safetensors").unlink()
    with pytest.raises(InputError, match=f"run {run.name}: the weights that it began with are not in it"):
        list(workflow.fit(project, CONFIG, resume=""))


def test_what_is_held_out_now_but_was_trained_on_is_told(trained: Path, old: RunFolder, tmp_path: Path) -> None:
    too_good = "figures on what is held out there are too good"
    same = list(workflow.fit(trained, CONFIG, init_from=InitFrom(old.name)))
    assert not [text for text in logs(same) if "too good" in text], "the same windows are held out as before"
    other = list(workflow.fit(trained, replace(CONFIG, split="block"), init_from=InitFrom(old.name)))
    (told,) = (text for text in logs(other) if "too good" in text)
    assert told.startswith("these weights were trained on fish")
    assert told.endswith(too_good)
    bare = tmp_path / "bare.safetensors"
    bare.write_bytes(weights_of(old))
    unknown = list(workflow.fit(trained, CONFIG, init_from=InitFrom(str(bare))))
    assert any(text.startswith("nothing tells what these weights were trained on") for text in logs(unknown))
    for run in list_runs(trained)[1:]:
        workflow.delete_run(trained, run.name)


def test_what_cannot_be_begun_leaves_no_run(old: RunFolder, tmp_path: Path) -> None:
    project = make(tmp_path / "new", {"fish": 1})
    with pytest.raises(InputError, match="all of its parts are frozen; add a species, or train the old ones on"):
        list(workflow.fit(project, CONFIG, init_from=InitFrom(str(old.path), frozen=True)))
    other = make(tmp_path / "other", {"crab": 1})
    with pytest.raises(InputError, match="it has no species crab, only fish; fit that one first"):
        list(workflow.encode(other, str(old.path)))
    workflow.new(tmp_path / "long.atlas")
    workflow.add(tmp_path / "long.atlas", AddRequest(write_fish(tmp_path / "long.npy", 1, length=12), "fish"))
    for events in (
        workflow.encode(tmp_path / "long.atlas", str(old.path)),
        workflow.fit(tmp_path / "long.atlas", CONFIG, init_from=InitFrom(str(old.path))),
    ):
        with pytest.raises(InputError, match="windows of fish have 10 times and 1 channels, these have 12 and 1"):
            list(events)
    assert [list_runs(p) for p in (project, other, tmp_path / "long.atlas")] == [[], [], []]


def test_recordings_are_encoded_as_they_are_and_strangers_are_flagged(
    trained: Path, old: RunFolder, tmp_path: Path, atlas: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make(tmp_path / "new", {"fish": 1}, first=20)
    for i, entry in enumerate(workflow.load_atlas(trained).recordings):
        workflow.add(project, AddRequest(trained.parent / f"{entry}.npy", "fish", name=f"again {i}", temperature="20"))
    workflow.add(project, AddRequest(write_fish(tmp_path / "odd.npy", 1, strange=True), "fish", temperature="20"))
    status, out, err = atlas("encode", project, "--with", old.path, "--json")
    assert (status, err) == (0, "")
    events = [json.loads(line) for line in out.splitlines()]
    assert [e["event"] for e in events if e["event"] != "log"] == ["started", "done"]
    (run,) = list_runs(project)
    card, latents = run.card, run.read_latents()
    assert weights_of(run) == weights_of(old)
    assert f"weights of run {old.name}: nothing was trained here" in card["notes"]
    table = workflow.load_atlas(project).windows.table
    names = table.of_key("recording")
    kept = old.read_latents()
    before = workflow.load_atlas(trained, old.name).windows.table.of_key("recording")
    for i, name in enumerate(dict.fromkeys(before)):
        mine = names == f"again {i}"
        np.testing.assert_array_equal(latents["mu"][mine], kept["mu"][before == name])
        held_out = (kept["split"][before == name] == 2).all()
        assert set(latents["split"][mine]) == {2 if held_out else 0}, name
    assert set(latents["split"][np.isin(names, ["fish20", "odd"])]) == {2}
    trained_on = np.isin(names, [f"again {i}" for i in range(8)]) & (latents["split"] == 0)
    assert latents["outside"][names == "odd"].mean() > 0.9
    assert latents["outside"][trained_on].mean() < 0.05
    assert card["outside"] == {"fish": pytest.approx(latents["outside"].mean())}
    told = f"fish: {latents['outside'].mean():.0%} of its windows lie outside what the weights were trained on"
    assert [text for text in card["notes"] if text.startswith(told)]
    assert card["reconstruction_r2"]["fish"]["test"] is not None
    monkeypatch.setattr("napari_atlas.analysis.projection.project", lambda mu, *_, **__: mu[:, :2])
    (*_, mapped) = workflow.make_map(project, MapRecipe(n_neighbors=5), run.name)
    assert mapped.kind == "done"
    table = anndata.read_h5ad(run.path / "atlas.h5ad").obs
    np.testing.assert_array_equal(table["outside"], latents["outside"])
    assert workflow.runs(project)[0]["resumable"] is False
    assert json.loads((run.path / "weights.json").read_text("utf-8")) == json.loads(
        (old.path / "weights.json").read_text("utf-8")
    )


def test_windows_that_are_made_in_another_way_are_told(old: RunFolder, tmp_path: Path) -> None:
    project = make(tmp_path / "new", {"fish": 1}, first=20)
    text = (project / "project.toml").read_text("utf-8")
    (project / "project.toml").write_text(text.replace("stride = 1.0", "stride = 2.0\nfill_gap = 3"), "utf-8")
    (*_, done) = workflow.encode(project, str(old.path))
    told = "fish: the weights were trained on windows made in another way (fill_gap None, now 3, stride 1.0, now 2.0)"
    assert told in done.data["notes"]


def test_bare_weights_hold_nothing_out_and_flag_nothing(old: RunFolder, tmp_path: Path) -> None:
    project = make(tmp_path / "new", {"fish": 1}, first=20)
    (tmp_path / "bare.safetensors").write_bytes(weights_of(old))
    (*_, done) = workflow.encode(project, str(tmp_path / "bare.safetensors"))
    latents = list_runs(project)[0].read_latents()
    assert "outside" not in latents
    assert set(latents["split"]) == {0}
    note = "nothing tells what these weights were trained on, so no window counts as held out"
    assert note in done.data["notes"]
    (tmp_path / "bare.json").write_text('{"species": {"fish": {"mean": [0]}}}', "utf-8")
    with pytest.raises(InputError, match=r"bare\.json: a value is missing or wrong; restore a copy, or delete it"):
        list(workflow.encode(project, str(tmp_path / "bare.safetensors")))
    assert len(list_runs(project)) == 1


def test_an_encoding_that_is_cut_off_leaves_no_run(old: RunFolder, tmp_path: Path) -> None:
    project = make(tmp_path / "new", {"fish": 1}, first=20)
    events = workflow.encode(project, str(old.path))
    assert next(events).kind == "started"
    events.close()  # type: ignore[attr-defined]
    assert list((project / "runs").iterdir()) == []


def test_a_run_under_way_lends_no_weights(trained: Path, old: RunFolder, tmp_path: Path) -> None:
    events = workflow.fit(trained, CONFIG)
    busy = next(events).data["run"]
    with pytest.raises(InputError, match=rf"run {busy}: process \d+ is fitting it at this moment; wait until"):
        list(workflow.encode(trained, busy))
    list(events)
    workflow.delete_run(trained, busy)


def test_a_fit_tells_what_it_needs_and_how_long_it_may_take(old: RunFolder, tmp_path: Path) -> None:
    project = make(tmp_path / "new", {"fish": 1}, first=20)
    events = list(workflow.fit(project, replace(CONFIG, split="block")))
    kinds = [event.kind for event in events]
    before = [e.text for e in events[: kinds.index("epoch")]]
    (needs,) = (text for text in before if "weights to fit with" in text)
    assert "MB are needed on cpu" in needs
    (takes,) = (i for i, event in enumerate(events) if "per epoch: at most" in event.text)
    assert events[takes - 1].done == events[takes].done == 2
    assert events[takes].text.endswith("for 3 epochs; often less, since it stops by itself")
    assert not [text for text in events[-1].data["notes"] if text in (needs, events[takes].text)]


def test_a_latent_that_carries_nothing_is_told_with_a_cure(tmp_path: Path) -> None:
    project = make(tmp_path / "new", {"fish": 1})
    config = replace(CONFIG, split="none", beta=500.0, temperature_weight=0.0, epochs=12, learning_rate=0.01)
    events = list(workflow.fit(project, replace(config, averaging=0.0, beta_warmup=10)))
    cure = "(posterior collapse): lower beta, now 500, raise beta_warmup, or set free_bits=0.1"
    told = [e for e in events if e.text == f"fish: the latent carries nothing {cure}"]
    assert [event.done for event in told] == [10, 0], "after the warm-up, and at the end"
    card = list_runs(project)[0].card
    assert told[0].text in card["notes"]
    assert card["active_dimensions"] == {"fish": 0}


def test_a_fit_that_began_with_weights_is_no_point_of_a_sweep(old: RunFolder, tmp_path: Path) -> None:
    project = make(tmp_path / "new", {"fish": 1}, first=20)
    config = replace(CONFIG, split="none", epochs=1)
    list(workflow.fit(project, config, init_from=InitFrom(str(old.path))))
    (tmp_path / "one.toml").write_text("[grid]\nseed = [0]\n", "utf-8")
    (*_, done) = workflow.sweep(
        project, tmp_path / "one.toml", {k: v for k, v in config.as_dict().items() if k != "seed"}
    )
    assert len(list_runs(project)) == 2
    assert done.data["rows"][0]["run"] == list_runs(project)[1].name
