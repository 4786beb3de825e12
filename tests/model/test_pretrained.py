"""A trained model put to use: frozen, trained on, given another species or head, exported."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from napari_atlas.data.config import FitConfig
from napari_atlas.data.novelty import Trained, judge, mahalanobis, novelty
from napari_atlas.data.splits import assign_split
from napari_atlas.data.windows import Windows
from napari_atlas.errors import InputError
from napari_atlas.model.checkpoint import load_weights, save_weights
from napari_atlas.model.heads import Head
from napari_atlas.model.pretrained import (
    add_heads,
    add_species,
    continue_fit,
    encode_frozen,
    freeze,
    load_pretrained,
    parts_of,
    with_heads,
)
from napari_atlas.model.reference import load_reference, save_reference
from napari_atlas.model.runner import Prepared, encode_all, prepare, train
from napari_atlas.model.vae import Architecture, AtlasVAE, SpeciesShape

CONFIG = FitConfig(
    epochs=2, beta_warmup=1, batch_size=16, latent_dim=3, device="cpu", encoder="residual", posterior="full"
)
SHAPES = {"a": (8, 2), "b": (5, 1), "c": (6, 3), "d": (4, 1)}
REFERENCE = (SpeciesShape("jellyfish", 60, 1), SpeciesShape("fish", 5, 1))


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep tiny networks from waiting for threads."""
    before = torch.get_num_threads()
    monkeypatch.setattr("napari_atlas.model.runner.set_threads", lambda: 1)
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_windows(names: str, config: FitConfig = CONFIG, seed: int = 0, *, warm: bool = True) -> Windows:
    rng = np.random.default_rng(seed)
    stacks = {name: rng.normal(3, 2, size=(40, *SHAPES[name])) for name in names}
    windows = Windows.from_arrays(stacks, {name: rng.normal(20, 2, 40) for name in names} if warm else None)
    return windows.with_split(assign_split(windows.table, config).codes)


def fit(prepared: Prepared, path: Path) -> list[float]:
    return [report.train["total"] for report in train(prepared, path, lambda: False)]


def state_of(model: AtlasVAE) -> dict[str, Tensor]:
    return {name: t.clone() for name, t in model.state_dict().items()}


def changed(model: AtlasVAE, before: dict[str, Tensor]) -> set[str]:
    """Return the parts, such as "encoders.species-a", of which anything differs."""
    now = model.state_dict()
    return {".".join(n.split(".")[:2]) for n, t in before.items() if not torch.equal(t, now[n])}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return weights of a small run of the species a and b."""
    path = tmp_path_factory.mktemp("run") / "weights.safetensors"
    fit(prepare(make_windows("ab"), CONFIG), path)
    return path


def test_a_new_species_joins_a_frozen_latent_bit_for_bit(trained: Path, tmp_path: Path) -> None:
    prepared = continue_fit(make_windows("c", seed=1), CONFIG, trained, frozen=True)
    assert [s.name for s in prepared.model.architecture.species] == ["a", "b", "c"]
    assert set(prepared.resident) == {"c"}
    before = state_of(prepared.model)
    fit(prepared, tmp_path / "grown.safetensors")
    assert changed(prepared.model, before) == {"encoders.species-c", "decoders.species-c"}
    windows = make_windows("ab")
    old, new = (encode_frozen(path, windows, "cpu") for path in (trained, tmp_path / "grown.safetensors"))
    assert all(np.array_equal(x, y, equal_nan=True) for x, y in zip(old, new, strict=True))
    assert np.isfinite(encode_all(prepared).predicted).all(), "the head speaks of the new species too"


def test_a_new_species_may_also_move_the_others(trained: Path, tmp_path: Path) -> None:
    prepared = continue_fit(make_windows("abc"), CONFIG, trained)
    before = state_of(prepared.model)
    fit(prepared, tmp_path / "grown.safetensors")
    assert changed(prepared.model, before) == {
        "heads.temperature", *(f"{p}coders.species-{s}" for p in ("en", "de") for s in "abc"),
    }  # fmt: skip


@pytest.mark.parametrize("frozen", [True, False])
def test_training_goes_on_from_the_weights_and_scalers_of_a_run(trained: Path, frozen: bool, tmp_path: Path) -> None:
    model, scaling = load_weights(trained)
    other = replace(CONFIG, latent_dim=7, encoder="conv", posterior="diagonal")
    windows = make_windows("bd" if frozen else "ab", seed=5)
    prepared = continue_fit(windows, other, trained, frozen=frozen)
    assert (prepared.config.latent_dim, prepared.config.encoder, prepared.config.posterior) == (3, "residual", "full")
    assert all(torch.equal(t, prepared.model.state_dict()[n]) for n, t in model.state_dict().items())
    for name in "ab":
        assert np.array_equal(prepared.scaling[name].signal.mean, scaling[name].signal.mean)
        assert np.array_equal(prepared.scaling[name].temperature.mean, scaling[name].temperature.mean)
    expected = "weights taken from weights.safetensors" + (", frozen; new: d" if frozen else "; new: nothing")
    assert expected in prepared.notes
    fit(prepared, tmp_path / "on.safetensors")
    _, kept = load_weights(tmp_path / "on.safetensors")
    assert set(kept) == ({"a", "b", "d"} if frozen else {"a", "b"}), "scalers of absent species stay in the file"


def test_the_same_seed_continues_in_the_same_way(trained: Path, tmp_path: Path) -> None:
    fits = [continue_fit(make_windows("ac"), CONFIG, trained) for _ in range(2)]
    histories = [fit(prepared, tmp_path / "x.safetensors") for prepared in fits]
    assert histories[0] == histories[1]
    assert changed(fits[0].model, state_of(fits[1].model)) == set()


def test_a_run_without_temperature_gains_a_head(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    fit(prepare(make_windows("a", warm=False), CONFIG), path)
    prepared = continue_fit(make_windows("a"), CONFIG, path, frozen=True)
    before = state_of(prepared.model)
    fit(prepared, tmp_path / "on.safetensors")
    assert changed(prepared.model, before) == {"heads.temperature"}
    assert np.isfinite(encode_all(prepared).predicted).all(), "its scaler is new, as the run knew none"


def test_all_frozen_is_refused(trained: Path) -> None:
    with pytest.raises(InputError, match="all of its parts are frozen; add a species") as caught:
        continue_fit(make_windows("ab"), CONFIG, trained, frozen=True)
    assert "\n" not in str(caught.value)


def test_weights_of_other_species_or_shapes_are_refused_in_one_line(trained: Path) -> None:
    wrong = Windows.from_arrays({"a": np.random.default_rng(0).normal(size=(40, 9, 2))})
    wrong = wrong.with_split(assign_split(wrong.table, CONFIG).codes)
    for use in (lambda: continue_fit(wrong, CONFIG, trained), lambda: encode_frozen(trained, wrong, "cpu")):
        with pytest.raises(InputError, match="windows of a have 8 times and 2 channels, these have 9 and 2") as caught:
            use()
        assert str(caught.value).startswith(str(trained))
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="it has no species c, only a, b; fit that one first") as caught:
        load_pretrained(trained, (SpeciesShape("b", 5, 1), SpeciesShape("c", 6, 3)))
    assert "\n" not in str(caught.value)


def test_frozen_encoding_uses_the_scalers_of_the_run(trained: Path) -> None:
    windows = make_windows("b", seed=7)
    found = encode_frozen(trained, windows, "cpu")
    model, scaling = load_weights(trained)
    scaled = scaling["b"].signal.apply(windows.gather(np.arange(40))).astype(np.float32)
    with torch.no_grad():
        output = model("b", torch.from_numpy(scaled))
    np.testing.assert_allclose(found.mu, output.mu, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.logvar, output.logvar, rtol=1e-4, atol=1e-5)


def test_parts_can_be_frozen_and_freed_one_by_one(tmp_path: Path) -> None:
    prepared = with_heads(prepare(make_windows("ab"), CONFIG), {Head("day"): np.arange(80.0)})
    assert list(parts_of(prepared.model)) == [
        "encoder/a", "encoder/b", "decoder/a", "decoder/b", "head/temperature", "head/day",
    ]  # fmt: skip
    freeze(prepared.model, ["encoder/a", "decoder/b", "head/day", "head/temperature"])
    freeze(prepared.model, ["head/temperature"], frozen=False)
    before = state_of(prepared.model)
    fit(prepared, tmp_path / "w.safetensors")
    assert changed(prepared.model, before) == {"encoders.species-b", "decoders.species-a", "heads.temperature"}
    with pytest.raises(InputError, match="part 'encoder/z': the model has no such part; choose from encoder/a"):
        freeze(prepared.model, ["encoder/z"])


def test_growing_keeps_what_was_frozen() -> None:
    model = AtlasVAE(Architecture((SpeciesShape("a", 8, 2),), 3, temperature=True))
    freeze(model, ["decoder/a"])
    grown = add_heads(add_species(model, [SpeciesShape("b", 5, 1)], frozen=False), [Head("day")])
    free = {name: all(w.requires_grad for w in part.parameters()) for name, part in parts_of(grown).items()}
    assert [name for name, is_free in free.items() if not is_free] == ["decoder/a"]
    assert all(torch.equal(t, grown.state_dict()[n]) for n, t in model.state_dict().items())


@pytest.mark.parametrize("names", [["a"], ["b", "b"]])
def test_names_are_given_once(names: list[str]) -> None:
    model = AtlasVAE(Architecture((SpeciesShape("a", 8, 2),), 3, temperature=True, heads=(Head("a"),)))
    with pytest.raises(InputError, match=f"species {names[-1]}: the model has it already"):
        add_species(model, [SpeciesShape(name, 5, 1) for name in names])
    with pytest.raises(InputError, match=f"head {names[-1]}: the model has it already"):
        add_heads(model, [Head(name, 2) for name in names])
    with pytest.raises(InputError, match="head temperature: the model has it already"):
        add_heads(model, [Head("temperature")])


def test_heads_learn_numbers_and_classes_and_survive_in_the_file(tmp_path: Path) -> None:
    config = replace(CONFIG, epochs=30, beta=0.01, learning_rate=5e-3, averaging=0.9, encoder="conv", split="none")
    rng = np.random.default_rng(0)
    level = np.repeat(np.arange(4.0), 30)
    stack = rng.normal(0, 0.3, (120, 6)) + level[:, None]
    windows = Windows.from_arrays({"a": stack})
    windows = windows.with_split(assign_split(windows.table, config).codes)
    order = windows.gather(np.arange(120))[..., 0].mean(1).round().clip(0, 3)
    day, sex = Head("day"), Head("sex", 4)
    unknown = rng.random(120) < 0.3
    labels = {day: np.where(unknown, np.nan, 100 * order), sex: np.where(unknown, -1, order)}
    prepared = with_heads(prepare(windows, config), labels)
    path = tmp_path / "weights.safetensors"
    fit(prepared, path)
    model, _ = load_weights(path)
    assert model.architecture.heads == (day, sex)
    data = prepared.resident["a"]
    with torch.no_grad():
        numbers, logits = (p.values for p in model("a", data.windows(torch.arange(120))).predictions)
    assert np.corrcoef(numbers, order)[0, 1] > 0.9
    assert (logits.argmax(1).numpy() == order)[unknown].mean() > 0.8
    again = with_heads(continue_fit(windows, config, path), {sex: order})
    assert again.model.architecture.heads == (day, sex), "a head that is there is not added twice"
    assert torch.isnan(again.resident["a"].labels[:, 1]).all()


def test_labels_that_do_not_fit_are_refused() -> None:
    prepared = prepare(make_windows("a"), CONFIG)
    for head, labels, says in (
        (Head("day"), np.zeros(39), r"head day: labels \(39,\) for 40 windows"),
        (Head("sex", 2), np.full(40, 2), "head sex: class 2 of 2; count from 0"),
    ):
        with pytest.raises(InputError, match=says):
            with_heads(prepared, {head: labels})


def make_latents(n: int = 2000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)) @ np.diag([1.0, 5.0, 0.1]), rng.gamma(2.0, size=n)


def test_distances_are_in_spreads_of_the_cloud() -> None:
    cloud, _ = make_latents()
    mean, covariance = cloud.mean(0), np.cov(cloud.T, bias=True)
    points = np.array([[0, 10.0, 0], [0, 0, 1.0], mean, [np.nan, 0, 0]])
    wanted = [np.sqrt((p - mean) @ np.linalg.inv(covariance) @ (p - mean)) for p in points]
    np.testing.assert_allclose(mahalanobis(points, cloud), wanted, rtol=1e-2, atol=1e-9)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    turned = mahalanobis(points @ turn, cloud @ turn)
    np.testing.assert_allclose(turned, mahalanobis(points, cloud), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("cloud", [np.zeros((5, 2)), np.ones((1, 2)), np.array([[0.0, 1], [0, 2]]), np.eye(2) * 1e-30])
def test_distances_to_a_flat_cloud_are_finite(cloud: np.ndarray) -> None:
    distance = mahalanobis(np.array([[0.0, 0], [3, 4]]), cloud)
    assert np.isfinite(distance).all()
    assert distance[1] > 10, "off the cloud is far"


def test_novelty_flags_one_percent_of_training_windows_and_all_strangers() -> None:
    mu, error = make_latents()
    strangers = np.array([[0, 0, 2.0], [0, 40, 0], [0, 0, 0], [np.nan, 0, 0], [0, 0, 0]])
    errors = np.array([1.0, 1.0, 100.0, 1.0, np.nan])
    found = novelty(np.vstack([mu, strangers]), np.append(error, errors), np.full(2005, "a"), np.arange(2005) < 2000)
    assert found.badly_rebuilt[:2000].sum() == found.far[:2000].sum() == 20
    assert found.far[2000:].tolist() == [True, True, False, True, False]
    assert found.badly_rebuilt[2000:].tolist() == [False, False, True, False, True]
    assert found.outside[2000:].all()


def test_novelty_is_judged_within_a_species() -> None:
    mu, error = make_latents(100)
    both = novelty(np.vstack([mu, mu + 100]), np.append(error, error * 50), ["a"] * 100 + ["b"] * 100, np.ones(200))
    alone = novelty(mu, error, ["a"] * 100, np.ones(100))
    for part in (slice(0, 100), slice(100, 200)):
        assert np.array_equal(both.far[part], alone.far)
        assert np.array_equal(both.badly_rebuilt[part], alone.badly_rebuilt)
    unseen = novelty(mu, error, ["a"] * 50 + ["b"] * 50, np.arange(100) < 50)
    assert unseen.outside[50:].all()
    assert np.isnan(unseen.distance[50:]).all()


def test_what_training_windows_look_like_survives_as_json() -> None:
    mu, error = make_latents()
    direct = novelty(mu, error, ["a"] * 2000, np.arange(2000) < 1000)
    kept = Trained.from_dict(json.loads(json.dumps(Trained.of(mu[:1000], error[:1000]).as_dict())))
    again = judge(mu, error, ["a"] * 2000, {"a": kept})
    assert all(np.array_equal(x, y) for x, y in zip(direct, again, strict=True))
    assert judge(mu, error, ["b"] * 2000, {"a": kept}).outside.all()
    with pytest.raises(ValueError, match="another latent"):
        Trained.from_dict(kept.as_dict() | {"mean": [0.0]})


@pytest.mark.parametrize(("n", "percentile"), [(9, 99.0), (10, 0.0), (10, 101.0)])
def test_novelty_refuses_what_does_not_fit(n: int, percentile: float) -> None:
    with pytest.raises(ValueError, match=r"one row per window|percentile is"):
        novelty(np.zeros((10, 2)), np.zeros(n), ["a"] * 10, np.ones(10), percentile)


def test_golden_reference_checkpoint_goes_out_as_it_came_in(shared: Path, tmp_path: Path) -> None:
    source = shared / "golden/atlas_reference_state.pt"
    model, path = load_reference(source, REFERENCE), tmp_path / "out.pt"
    save_reference(path, model)
    foreign, ours = (torch.load(p, weights_only=True) for p in (source, path))
    assert foreign.keys() == ours.keys()
    assert all(torch.equal(foreign[name], ours[name]) for name in foreign)
    back = load_reference(path, REFERENCE)
    assert changed(back, model.state_dict()) == set()
    assert [p.name for p in tmp_path.iterdir()] == ["out.pt"]


def test_only_networks_of_the_reference_can_be_exported(tmp_path: Path) -> None:
    good = Architecture(REFERENCE, 8, temperature=True)
    for bad in (
        replace(good, species=REFERENCE[:1]), replace(good, temperature=False), replace(good, encoder="residual"),
        replace(good, posterior="full"), replace(good, heads=(Head("day"),)),
    ):  # fmt: skip
        with pytest.raises(InputError, match="the reference has two species, a temperature head") as caught:
            save_reference(tmp_path / "out.pt", AtlasVAE(bad))
        assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("encoder", "posterior"), list(itertools.product(("conv", "residual"), ("diagonal", "full"))))
def test_a_fit_of_any_kind_runs_from_settings_to_file(encoder: str, posterior: str, tmp_path: Path) -> None:
    config = replace(CONFIG, encoder=encoder, posterior=posterior, latent_dim=20)
    prepared, path = prepare(make_windows("ad", config), config), tmp_path / "weights.safetensors"
    assert np.isfinite(fit(prepared, path)).all()
    model, scaling = load_weights(path)
    save_weights(path, model, scaling)
    assert np.array_equal(encode_frozen(path, prepared.windows, "cpu").mu, encode_all(prepared).mu)
