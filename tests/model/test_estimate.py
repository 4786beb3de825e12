"""What a fit will take is told before it starts, and is near what it takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_atlas.data.config import FitConfig
from napari_atlas.data.splits import assign_split
from napari_atlas.data.windows import Windows
from napari_atlas.errors import AtlasError
from napari_atlas.model import estimate as module
from napari_atlas.model import runner
from napari_atlas.model.estimate import Needs, estimate, free_bytes, needs_text, size_text, time_text, warning_text
from napari_atlas.model.pretrained import freeze, parts_of
from napari_atlas.model.runner import Prepared, foretell, prepare
from napari_atlas.model.steps import start_fit

CONFIG = FitConfig(device="cpu", latent_dim=3, batch_size=32)


def make(config: FitConfig = CONFIG) -> Prepared:
    rng = np.random.default_rng(0)
    windows = Windows.from_arrays({"a": rng.normal(size=(80, 15, 2)), "b": rng.normal(size=(20, 6, 1))})
    return prepare(windows.with_split(assign_split(windows.table, config).codes), config)


def needs_of(prepared: Prepared) -> Needs:
    return estimate(prepared.model, prepared.resident, prepared.config)


def test_weights_and_signals_are_counted_to_the_byte() -> None:
    prepared = make()
    needs = needs_of(prepared)
    n = sum(p.numel() for p in prepared.model.parameters())
    assert needs.n_parameters == n
    tensors = (t for r in prepared.resident.values() for t in vars(r).values() if isinstance(t, torch.Tensor))
    assert needs.signals == sum(t.untyped_storage().nbytes() for t in tensors)
    state = start_fit(prepared.model, prepared.config)
    state.weights.grad += 1.0  # type: ignore[operator]
    state.optimiser.step()
    moments = [t for kept in state.optimiser.state.values() for t in kept.values() if t.ndim]
    alike = [state.weights, state.weights.grad, state.mean, *moments]
    assert needs.weights == sum(t.numel() * 4 for t in alike if t is not None) + 4 * n, "and the best epoch's"
    assert needs.total == needs.signals + needs.weights + needs.batch
    freeze(prepared.model, parts_of(prepared.model))
    assert needs_of(prepared).weights == 3 * 4 * n


@pytest.mark.parametrize("encoder", ["conv", "residual"])
def test_a_batch_is_what_autograd_keeps_of_it(encoder: str) -> None:
    prepared = make(replace(CONFIG, encoder=encoder))
    model = prepared.model.eval()
    whole = 0
    for name, data in prepared.resident.items():
        n = min(32, data.ids.size)
        whole += module._saved(model, name, data.windows(torch.arange(n)))
    found = needs_of(prepared).batch / 2
    # What does not grow with the batch, such as the weights, is counted elsewhere.
    assert 0 < whole - found < 2.5 * 4 * needs_of(prepared).n_parameters
    larger = needs_of(replace(prepared, config=replace(CONFIG, batch_size=64)))
    assert larger.batch > 1.5 * needs_of(prepared).batch
    assert needs_of(replace(prepared, config=replace(CONFIG, batch_size=9999))).batch < 3 * larger.batch


def test_the_network_and_random_numbers_are_left_alone() -> None:
    prepared = make(replace(CONFIG, encoder="residual"))
    prepared.model.train()
    before, noise = {k: t.clone() for k, t in prepared.model.state_dict().items()}, torch.get_rng_state()
    needs_of(prepared)
    assert prepared.model.training
    assert all(torch.equal(t, prepared.model.state_dict()[k]) for k, t in before.items())
    assert torch.equal(noise, torch.get_rng_state())
    assert all(p.grad is None for p in prepared.model.parameters())


def test_too_little_memory_is_told_with_a_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = Needs(n_parameters=41_832, signals=10**9, weights=3 * 10**6, batch=10**9)
    assert needs_text(needs, "cpu") == (
        "41,832 weights to fit with; about 2.0 GB are needed on cpu, beside the program itself"
    )
    assert warning_text(needs, needs.still, CONFIG) == ""
    told = "only 500 MB are free for the 1.0 GB that are still to come: lower batch_size, now 32, or set a coarser"
    assert warning_text(needs, 5 * 10**8, CONFIG).startswith(told)
    assert "lower latent_dim" in warning_text(replace(needs, weights=2 * 10**9), 0, CONFIG)
    assert free_bytes(torch.device("cpu")) > 0
    assert len(foretell(make())) == 1
    monkeypatch.setattr(runner, "free_bytes", lambda _: 1)
    assert foretell(make())[1].startswith("only 1 MB are free")


def test_signals_that_do_not_fit_are_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB\nmore lines")

    monkeypatch.setattr(runner, "make_resident", fail)
    with pytest.raises(AtlasError, match=r"the signals, 1 MB, cannot be brought to cpu: .* GiB; set a coarser") as told:
        make()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (0.96, "0.96 s per epoch: at most 4.0 min for 250 epochs; often less, since it stops by itself"),
        (0.01, "0.01 s per epoch: at most 2 s for 250 epochs"),
        (90.0, "1.5 min per epoch: at most 6.2 h for 250 epochs"),
        (30.0, "30 s per epoch: at most 2.1 h for 250 epochs"),
    ],
)
def test_time_is_told_in_the_unit_that_is_read(seconds: float, says: str) -> None:
    assert time_text(seconds, FitConfig()).startswith(says)
    assert not time_text(seconds, FitConfig(patience=0)).endswith("itself")


def test_sizes_are_rounded() -> None:
    assert [size_text(n) for n in (1, 2_400_000, 999_000_000, 1_260_000_000)] == ["1 MB", "2 MB", "999 MB", "1.3 GB"]
