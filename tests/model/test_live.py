"""Looking at a fit shows what its network does, and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_atlas.data.config import FitConfig
from napari_atlas.data.splits import assign_split
from napari_atlas.data.windows import Windows
from napari_atlas.model.live import choose, look
from napari_atlas.model.resume import save_resume
from napari_atlas.model.runner import begin, prepare, train

CONFIG = FitConfig(epochs=4, beta_warmup=1, batch_size=16, latent_dim=3, device="cpu", split="block")


def fresh(n: int = 60, **changes: str) -> Any:
    """Return a fit of noise that is ready to start."""
    rng = np.random.default_rng(0)
    stacks = {name: rng.normal(size=(n, length)) for name, length in (("a", 16), ("b", 6))}
    windows = Windows.from_arrays(stacks, {name: rng.normal(20, 3, n) for name in stacks})
    config = replace(CONFIG, **changes)
    return prepare(windows.with_split(assign_split(windows.table, config).codes), config)


@pytest.mark.parametrize("encoder", ["conv", "residual"])
def test_a_fit_that_is_looked_at_ends_bit_equal(encoder: str, tmp_path: Path) -> None:
    left = []
    for looked_at in (False, True):
        prepared = fresh(encoder=encoder)
        state, watched = begin(prepared), choose(prepared.windows, prepared.resident)
        for _ in train(prepared, tmp_path / "weights.safetensors", lambda: False, state):
            if looked_at:
                before = torch.get_rng_state()
                look(state.kept, prepared.resident, watched)
                assert torch.equal(torch.get_rng_state(), before)
        save_resume(tmp_path / "resume.safetensors", state)
        left.append([(tmp_path / f"{name}.safetensors").read_bytes() for name in ("weights", "resume")])
    assert left[0] == left[1]


def test_latents_and_examples_are_those_of_the_network() -> None:
    prepared = fresh()
    seen = look(prepared.model, prepared.resident, choose(prepared.windows, prepared.resident))
    assert seen.ids.tolist() == list(range(120))
    row = 70
    data = prepared.resident["b"]
    with torch.no_grad():
        windows = data.windows(torch.tensor([row - 60]))
        expected = prepared.model("b", windows)
    assert np.allclose(seen.mu[row], expected.mu[0].numpy(), atol=1e-6)
    assert [e.species for e in seen.examples] == ["a", "a", "b", "b"]
    assert all(e.held_out and e.n_channels == 1 for e in seen.examples)
    assert [e.given.shape for e in seen.examples] == [(16, 1), (16, 1), (6, 1), (6, 1)]
    calm, lively = (float(e.given.var()) for e in seen.examples[:2])
    assert calm < lively
    validation = prepared.windows.table.in_split("validation")[prepared.resident["a"].ids]
    shown = prepared.resident["a"].windows(torch.from_numpy(np.flatnonzero(validation))).numpy()
    assert any(np.array_equal(seen.examples[0].given, window) for window in shown)


def test_many_windows_are_thinned_evenly_and_always_alike() -> None:
    prepared = fresh(3000, split="none")
    first, again = (choose(prepared.windows, prepared.resident) for _ in range(2))
    for name, mine in first.items():
        rows = mine.rows.numpy()
        assert rows.size == 1000
        assert np.ptp(np.diff(rows)) <= 1
        assert torch.equal(mine.rows, again[name].rows)
        assert torch.equal(mine.examples, again[name].examples)
        assert not mine.held_out, "nothing was"
