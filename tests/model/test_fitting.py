"""Batches, epochs, stopping, and what is kept."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_atlas.data.config import FitConfig
from napari_atlas.data.splits import assign_split
from napari_atlas.data.windows import Windows
from napari_atlas.errors import AtlasError, InputError
from napari_atlas.model.batches import fit_scaling, training_order
from napari_atlas.model.checkpoint import load_weights
from napari_atlas.model.fitting import EpochReport, beta_of, choose_device, fit_epochs, start_fit
from napari_atlas.model.runner import Prepared, encode_all, prepare, train
from napari_atlas.model.steps import step_size

CONFIG = FitConfig(epochs=4, beta_warmup=2, batch_size=16, device="cpu", seed=1)
MEMORISING = replace(
    CONFIG, averaging=0, epochs=30, beta_warmup=0, beta=0.01, learning_rate=3e-3, patience=0, split="block"
)


def make_windows(
    *, temperatures: bool = True, n_tracks: int = 12, seed: int = 0, names: tuple[str, str] = ("a", "b")
) -> Windows:
    """Return windows of two species whose pulse rate follows temperature, which differs between tracks."""
    rng = np.random.default_rng(seed)
    stacks, labels = {}, {}
    for name, length in zip(names, (16, 6), strict=True):
        warmth = np.linspace(15, 30, n_tracks)
        tracks = [np.sin(np.arange(60) * w / 20) * w / 10 + rng.normal(0, 0.1, 60) for w in warmth]
        starts = np.arange(0, 61 - length, length // 2)
        stacks[name] = np.stack([t[s : s + length] for t in tracks for s in starts])
        labels[name] = np.repeat(warmth, starts.size) + np.tile(starts / 60, n_tracks)
    return Windows.from_arrays(stacks, labels if temperatures else None)


def make_noise() -> Windows:
    """Return windows and temperatures of which nothing can be learned, only memorised."""
    rng = np.random.default_rng(0)
    stacks = {name: rng.normal(size=(60, length)) for name, length in (("a", 16), ("b", 6))}
    return Windows.from_arrays(stacks, {name: rng.normal(20, 3, 60) for name in stacks})


def make_fit(config: FitConfig = CONFIG, windows: Windows | None = None) -> Prepared:
    windows = windows or make_windows()
    return prepare(windows.with_split(assign_split(windows.table, config).codes), config)


def run(prepared: Prepared, should_stop: object = lambda: False) -> list[EpochReport]:
    state = start_fit(prepared.model, prepared.config)
    return list(fit_epochs(state, prepared.resident, prepared.windows, prepared.config, should_stop))  # type: ignore[arg-type]


def weights_of(prepared: Prepared) -> dict[str, torch.Tensor]:
    return {name: t.clone() for name, t in prepared.model.state_dict().items()}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=3), st.integers(2, 64), st.integers(0, 99))
def test_an_epoch_is_one_pass_over_the_longest_species(sizes: list[int], batch: int, seed: int) -> None:
    rows = {f"s{i}": torch.arange(n) + 1000 * i for i, n in enumerate(sizes)}
    orders = training_order(rows, batch, torch.Generator().manual_seed(seed))
    size = {name: min(batch, r.numel()) for name, r in rows.items()}
    assert {len(order) for order in orders.values()} == {max(r.numel() // size[name] for name, r in rows.items())}
    for name, mine in rows.items():
        per_pass = mine.numel() // size[name]
        drawn = orders[name].tolist()
        assert all(len(b) == size[name] for b in drawn)
        for begin in range(0, len(drawn), per_pass):
            one_pass = [row for b in drawn[begin : begin + per_pass] for row in b]
            assert len(set(one_pass)) == len(one_pass), "a row comes once per pass"
            assert set(one_pass) <= set(mine.tolist())


def test_the_order_is_new_in_each_epoch_and_the_same_for_a_seed() -> None:
    rows = {"a": torch.arange(64)}

    def two_epochs() -> list[list[int]]:
        generator = torch.Generator().manual_seed(5)
        return [training_order(rows, 16, generator)["a"].flatten().tolist() for _ in range(2)]

    first, second = two_epochs()
    assert first != second
    assert sorted(first) == sorted(second) == list(range(64))
    assert two_epochs() == [first, second]


def test_windows_on_the_device_are_z_scored_with_unknown_values_at_the_mean() -> None:
    rng = np.random.default_rng(0)
    signal = rng.normal(50, 4, 200)
    signal[::11] = np.nan
    windows = Windows.from_arrays({"a": np.stack([signal[i : i + 10] for i in range(0, 190, 5)])})
    prepared = make_fit(replace(CONFIG, split="none"), windows)
    rows = torch.arange(len(windows.table))
    found = prepared.resident["a"].windows(rows).numpy()
    stacked = windows.gather(np.arange(len(windows.table)))
    wanted = np.nan_to_num((stacked - np.nanmean(stacked)) / np.nanstd(stacked))
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_scalers_are_fitted_on_training_windows_alone() -> None:
    windows = make_windows()
    table = windows.table
    split = np.where(table.temperature > 25, 2, 0).astype(np.int8)
    scaling = fit_scaling(windows.with_split(split))
    for name in ("a", "b"):
        rows = table.rows_of(name)
        trained = rows[table.temperature[rows] <= 25]
        np.testing.assert_allclose(scaling[name].signal.mean, windows.gather(trained).mean(), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(scaling[name].temperature.mean, table.temperature[trained].mean())


def test_fewer_than_two_training_windows_are_refused() -> None:
    windows = make_windows()
    split = np.where(windows.table.of_key("species") == "b", 2, 0).astype(np.int8)
    with pytest.raises(InputError, match="species b: 0 training windows"):
        prepare(windows.with_split(split), CONFIG)
    split[windows.table.rows_of("b")[0]] = 0
    with pytest.raises(InputError, match="species b: 1 training windows"):
        prepare(windows.with_split(split), CONFIG)


def test_the_same_seed_gives_the_same_weights_bit_for_bit() -> None:
    fits = [make_fit(), make_fit(), make_fit(replace(CONFIG, seed=2))]
    histories = [run(fit) for fit in fits]
    assert histories[0] == histories[1]
    one, again, other = (weights_of(fit) for fit in fits)
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)
    assert np.array_equal(encode_all(fits[0]).mu, encode_all(fits[1]).mu)


def test_the_loss_falls_on_an_easy_task() -> None:
    prepared = make_fit(replace(CONFIG, epochs=40, beta=0.01, learning_rate=3e-3))
    history = run(prepared)
    assert history[-1].train["reconstruction"] < 0.5 * history[0].train["reconstruction"]
    assert min(r.validation["total"] for r in history[5:]) < history[0].validation["total"]
    trained = prepared.windows.table.in_split("train")
    truth = prepared.windows.table.temperature[trained]
    assert np.corrcoef(encode_all(prepared).predicted[trained], truth)[0, 1] > 0.8


def test_totals_are_the_weighted_sums_of_their_terms() -> None:
    config = replace(CONFIG, epochs=4, beta_warmup=4, beta=3.0, temperature_weight=0.5)
    for report in run(make_fit(config)):
        assert report.beta == pytest.approx(3.0 * report.epoch / 4)
        for terms, beta in ((report.train, report.beta), (report.validation, 3.0)):
            total = terms["reconstruction"] + beta * terms["kl"] + 0.5 * terms["temperature"]
            assert terms["total"] == pytest.approx(total, rel=1e-5), "validation is taken at the final beta"


def test_the_best_epoch_counts_only_after_the_warm_up() -> None:
    history = run(make_fit(replace(CONFIG, epochs=8, beta_warmup=5)))
    assert not any(r.best for r in history[:4])
    assert history[4].best
    falling = [r for r in history if r.best]
    assert all(a.validation["total"] > b.validation["total"] for a, b in itertools.pairwise(falling))


def test_a_fit_shorter_than_its_warm_up_keeps_its_last_epoch() -> None:
    assert [r.best for r in run(make_fit(replace(CONFIG, epochs=3, beta_warmup=10)))] == [False, False, True]


def test_the_best_weights_are_restored_at_the_end() -> None:
    prepared = make_fit(MEMORISING, make_noise())
    history = run(prepared)
    best = [r.epoch for r in history if r.best][-1]
    assert best < 30, "the toy must overfit, or this shows nothing"
    until_best = make_fit(MEMORISING, make_noise())
    stop = count()
    run(until_best, lambda: next(stop) >= best)
    assert all(
        torch.equal(a, b) for a, b in zip(weights_of(prepared).values(), weights_of(until_best).values(), strict=True)
    )


def test_patience_ends_the_fit() -> None:
    history = run(make_fit(replace(MEMORISING, epochs=200, patience=3), make_noise()))
    best = [r.epoch for r in history if r.best][-1]
    assert len(history) == best + 3 < 200


def test_patience_waits_for_the_warm_up() -> None:
    history = run(make_fit(replace(CONFIG, epochs=12, beta_warmup=11, patience=2)))
    assert len(history) == 12


def test_a_stop_ends_the_fit_after_the_epoch_under_way() -> None:
    asked = count()
    prepared = make_fit(replace(CONFIG, epochs=50, beta_warmup=0))
    history = run(prepared, lambda: next(asked) >= 3)
    assert [r.epoch for r in history] == [1, 2, 3]
    assert run(make_fit(), lambda: True) == []


def test_nothing_held_out_keeps_the_last_epoch() -> None:
    history = run(make_fit(replace(CONFIG, split="none", epochs=5)))
    assert [r.best for r in history] == [False, True, True, True, True]
    assert all(math.isnan(r.validation["total"]) for r in history)


def test_a_loss_that_is_no_number_is_an_error_with_a_cure() -> None:
    prepared = make_fit()
    with torch.no_grad():
        prepared.model.decoders["species-a"].out.bias[0] = torch.nan
    with pytest.raises(AtlasError, match=r"lower learning_rate, now 0\.001"):
        run(prepared)


def test_training_leaves_the_best_weights_on_disk(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "weights.safetensors"
    prepared = make_fit(MEMORISING, make_noise())
    seen = {}
    for report in train(prepared, path, lambda: False):
        if report.best:
            seen[report.epoch] = path.read_bytes()
    assert path.read_bytes() == seen[max(seen)]
    model, _ = load_weights(path)
    assert all(
        torch.equal(a, b) for a, b in zip(model.state_dict().values(), weights_of(prepared).values(), strict=True)
    )


def test_without_temperature_there_is_no_head() -> None:
    prepared = make_fit(windows=make_windows(temperatures=False))
    assert not list(prepared.model.heads)
    assert any("no temperature head" in note for note in prepared.notes)
    history = run(prepared)
    assert all(r.train["temperature"] == r.validation["temperature"] == 0 for r in history)
    assert np.isnan(encode_all(prepared).predicted).all()


def test_a_weight_of_zero_switches_the_head_off() -> None:
    prepared = make_fit(replace(CONFIG, temperature_weight=0.0))
    assert np.isnan(encode_all(prepared).predicted).all()


def test_a_species_without_temperature_gets_none_predicted() -> None:
    windows = make_windows()
    unknown = windows.table.of_key("species") == "b"
    table = replace(windows.table, temperature=np.where(unknown, np.nan, windows.table.temperature))
    prepared = make_fit(windows=replace(windows, table=table))
    run(prepared)
    predicted = encode_all(prepared).predicted
    assert np.isfinite(predicted[~unknown]).all()
    assert np.isnan(predicted[unknown]).all(), "degrees of a species that has none are invented"


def test_predictions_are_in_degrees() -> None:
    prepared = make_fit(replace(CONFIG, epochs=30, beta=0.01, learning_rate=3e-3))
    run(prepared)
    predicted = encode_all(prepared).predicted
    assert 10 < predicted.min() < predicted.max() < 36


def test_latents_belong_to_their_windows() -> None:
    prepared = make_fit()
    run(prepared)
    encoded = encode_all(prepared)
    table = prepared.windows.table
    for name in ("a", "b"):
        rows = table.rows_of(name)[[0, 5, -1]]
        scaled = prepared.scaling[name].signal.apply(prepared.windows.gather(rows))
        with torch.no_grad():
            output = prepared.model(name, torch.from_numpy(scaled.astype(np.float32)))
        np.testing.assert_allclose(encoded.mu[rows], output.mu, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(encoded.logvar[rows], output.logvar, rtol=1e-4, atol=1e-5)
        error = ((output.reconstruction.numpy() - scaled) ** 2).mean(axis=(1, 2))
        np.testing.assert_allclose(encoded.reconstruction_error[rows], error, rtol=1e-4)


def test_fewer_windows_than_a_batch_are_told() -> None:
    prepared = make_fit(replace(CONFIG, batch_size=10_000))
    trained = prepared.windows.table.in_split("train")
    for name in ("a", "b"):
        n = int(trained[prepared.windows.table.rows_of(name)].sum())
        assert f"{name}: {n} training windows, so its batch is {n} instead of 10000" in prepared.notes
    assert len(run(prepared)) == 4


@pytest.mark.parametrize("names", [("G. aculeatus", "Qualle 2"), ("größe.1", "train"), ("%", "%25")])
def test_species_may_be_called_anything(names: tuple[str, str]) -> None:
    prepared = make_fit(replace(CONFIG, epochs=1), make_windows(names=names, n_tracks=8))
    assert len(run(prepared)) == 1
    assert tuple(prepared.resident) == names


def test_devices_that_are_not_there_are_refused() -> None:
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type in ("cpu", "cuda", "mps")
    for name, there in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())):
        if not there:
            with pytest.raises(InputError, match=f"{name} is not available"):
                choose_device(name)


def test_the_running_mean_of_the_weights_is_what_is_kept() -> None:
    trained, same = [], []
    for averaging in (0.9, 0.0):
        prepared = make_fit(replace(CONFIG, averaging=averaging))
        state = start_fit(prepared.model, prepared.config)
        epochs = fit_epochs(state, prepared.resident, prepared.windows, prepared.config)
        while state.epoch < prepared.config.epochs:
            next(epochs)
        trained.append({name: t.clone() for name, t in state.model.state_dict().items()})
        same.append(all(torch.equal(t, trained[-1][name]) for name, t in state.kept.state_dict().items()))
        epochs.close()
        assert all(torch.equal(t, state.best_weights[name]) for name, t in state.model.state_dict().items())
    assert same == [False, True]
    assert all(torch.equal(t, trained[1][name]) for name, t in trained[0].items()), "training itself is the same"


def test_beta_rises_once_or_in_cycles_and_then_stays() -> None:
    once = replace(CONFIG, beta=4.0, beta_warmup=4)
    assert [beta_of(once, epoch) for epoch in (1, 2, 3, 4, 5, 90)] == [1, 2, 3, 4, 4, 4]
    twice = replace(once, beta_cycles=2)
    assert [beta_of(twice, epoch) for epoch in range(1, 11)] == [1, 2, 3, 4, 1, 2, 3, 4, 4, 4]
    assert beta_of(replace(once, beta_warmup=0), 1) == 4.0


def test_an_epoch_counts_as_best_only_after_the_last_rise_of_beta() -> None:
    reports = run(make_fit(replace(CONFIG, beta_cycles=2, epochs=5)))
    assert next(report.epoch for report in reports if report.best) >= 4


def test_the_step_size_follows_its_schedule() -> None:
    sizes = {
        name: [step_size(replace(CONFIG, schedule=name), share) for share in (0.0, 0.15, 0.3, 0.65, 1.0)]
        for name in ("constant", "cosine", "one-cycle")
    }
    assert sizes["constant"] == [CONFIG.learning_rate] * 5
    assert sizes["cosine"] == sorted(sizes["cosine"], reverse=True)
    assert sizes["cosine"][0] == CONFIG.learning_rate
    assert sizes["cosine"][-1] == pytest.approx(0.0, abs=1e-12)
    rising, highest, falling = sizes["one-cycle"][:2], sizes["one-cycle"][2], sizes["one-cycle"][3:]
    assert rising[0] == pytest.approx(highest / 25)
    assert highest == pytest.approx(CONFIG.learning_rate)
    assert rising[0] < rising[1] < highest > falling[0] > falling[1] == pytest.approx(highest / 250_000)


@pytest.mark.parametrize(
    "changed",
    [
        {"optimiser": "adamw", "weight_decay": 0.1}, {"schedule": "cosine"}, {"clip": 0.01}, {"free_bits": 0.3},
        {"precision": "bfloat16"},
    ],
)  # fmt: skip
def test_every_setting_of_the_step_changes_the_fit_and_keeps_it_whole(changed: dict[str, object]) -> None:
    def last(config: FitConfig) -> dict[str, float]:
        return run(make_fit(config))[-1].train

    plain, other = last(CONFIG), last(replace(CONFIG, **changed))  # type: ignore[arg-type]
    assert other != plain
    assert other["reconstruction"] == pytest.approx(plain["reconstruction"], rel=0.3)


def test_a_clipped_gradient_is_no_longer_than_asked() -> None:
    prepared = make_fit(replace(CONFIG, clip=0.01, epochs=1))
    state = start_fit(prepared.model, prepared.config)
    list(fit_epochs(state, prepared.resident, prepared.windows, prepared.config))
    assert state.weights.grad is not None
    assert float(state.weights.grad.norm()) <= 0.01 * 1.001


def test_frozen_weights_are_not_among_those_that_are_trained() -> None:
    prepared = make_fit()
    prepared.model.decoders.requires_grad_(False)
    before = weights_of(prepared)
    run(prepared)
    moved = {name.split(".")[0] for name, t in weights_of(prepared).items() if not torch.equal(t, before[name])}
    assert moved == {"encoders", "heads"}
