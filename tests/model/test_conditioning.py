"""Decoders that are told variables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_atlas.data.config import FitConfig
from napari_atlas.data.splits import assign_split
from napari_atlas.data.variables import Measured, Variable
from napari_atlas.data.windows import Windows
from napari_atlas.errors import InputError
from napari_atlas.model.checkpoint import load_weights, save_weights
from napari_atlas.model.conditioning import with_variables
from napari_atlas.model.pretrained import continue_fit
from napari_atlas.model.resume import load_resume, save_resume
from napari_atlas.model.runner import Prepared, begin, encode_all, prepare, train

CONFIG = FitConfig(
    epochs=3, beta_warmup=1, batch_size=16, latent_dim=3, device="cpu", scrub="who:none,level", patience=0
)


def make_windows() -> tuple[Windows, dict[str, Measured]]:
    """Return windows of two species that stand at a level of their own, by window, and what they are."""
    rng = np.random.default_rng(0)
    level = rng.normal(0, 2, 240)
    stacks = {
        "a": level[:120, None] + rng.normal(0, 0.2, (120, 12)),
        "b": level[120:, None] + rng.normal(0, 0.2, (120, 8)),
    }
    windows = Windows.from_arrays(stacks)
    who = Measured("who", "class", np.tile([0.0, 1.0, np.nan], 80)[:, None], ("x", "y"))
    return windows, {"who": who, "level": Measured("level", "number", level[:, None])}


def make_fit(config: FitConfig = CONFIG, told: bool = True) -> Prepared:
    windows, measured = make_windows()
    windows = windows.with_split(assign_split(windows.table, config).codes)
    trained = windows.table.in_split("train")
    found = [Variable.of(m, trained) for m in measured.values()] if told else []
    return with_variables(prepare(windows, config), [v for v in found if v is not None], measured)


def test_a_decoder_is_told_and_an_encoder_is_not() -> None:
    prepared = make_fit()
    model, data = prepared.model.eval(), prepared.resident["a"]
    rows = torch.arange(9)
    windows, known = data.windows(rows), model.told(data.variables[rows])
    assert known.shape == (9, 3)
    assert torch.isfinite(known).all()
    assert torch.isnan(data.variables[2, :2]).all()
    assert (known[2, :2] == 0).all()
    other = known.clone()
    other[:, 2] += 1.0
    torch.testing.assert_close(model("a", windows, told=known).mu, model("a", windows, told=other).mu)
    assert not torch.allclose(model("a", windows, told=known).reconstruction,
                              model("a", windows, told=other).reconstruction)  # fmt: skip


def test_what_is_told_need_not_be_carried() -> None:
    """A level that differs between windows is rebuilt through a latent that carries nothing, if it is told."""
    errors = []
    for told in (True, False):
        config = replace(CONFIG, epochs=40, beta=50.0, scrub="", learning_rate=5e-3, split="none", averaging=0.0)
        prepared = make_fit(config, told)
        list(train_in(prepared))
        errors.append(encode_all(prepared).reconstruction_error.mean())
    assert errors[0] < 0.3 * errors[1]


def train_in(prepared: Prepared, folder: Path | None = None) -> object:
    import tempfile

    with tempfile.TemporaryDirectory() as aside:
        yield from train(prepared, (folder or Path(aside)) / "weights.safetensors", lambda: False)


def test_weights_keep_their_variables(tmp_path: Path) -> None:
    prepared = make_fit()
    save_weights(tmp_path / "w.safetensors", prepared.model, prepared.scaling)
    loaded, _ = load_weights(tmp_path / "w.safetensors")
    assert loaded.architecture == prepared.model.architecture
    data, rows = prepared.resident["b"], torch.arange(5)
    inputs = "b", data.windows(rows), None, loaded.told(data.variables[rows])
    torch.testing.assert_close(loaded(*inputs).reconstruction, prepared.model.eval()(*inputs).reconstruction)


def test_weights_that_are_told_more_begin_as_they_were(tmp_path: Path) -> None:
    plain = make_fit(replace(CONFIG, scrub=""), told=False)
    path = tmp_path / "w.safetensors"
    save_weights(path, plain.model, plain.scaling)
    windows, measured = make_windows()
    windows = windows.with_split(assign_split(windows.table, CONFIG).codes)
    begun = continue_fit(windows, CONFIG, path)
    new = [Variable.of(m, windows.table.in_split("train")) for m in measured.values()]
    told = with_variables(begun, [v for v in new if v is not None], measured, trained_before=True)
    np.testing.assert_allclose(encode_all(told).reconstruction_error, encode_all(plain).reconstruction_error, rtol=1e-5)


def test_a_fit_that_was_cut_off_goes_on_with_what_its_scrubbers_had_learnt(tmp_path: Path) -> None:
    whole = make_fit()
    reports = list(train(whole, tmp_path / "a.safetensors", lambda: False))
    assert all("scrub" in report.train and np.isfinite(report.train["scrub"]) for report in reports)
    cut = make_fit()
    state = begin(cut)
    for i, _ in enumerate(train(cut, tmp_path / "b.safetensors", lambda: False, state)):
        save_resume(tmp_path / "b.resume", state)
        if i == 0:
            break
    again = make_fit()
    state = begin(again)
    load_resume(tmp_path / "b.resume", state)
    rest = list(train(again, tmp_path / "b.safetensors", lambda: False, state))
    assert [r.train for r in rest] == [r.train for r in reports[1:]]


def test_a_scrubber_that_does_not_fit_is_refused_before_anything_is_trained() -> None:
    with pytest.raises(InputError, match="cannot scrub a number"):
        make_fit(replace(CONFIG, scrub="level:qd"))
    with pytest.raises(InputError, match="'nothing' is not a scrubber"):
        make_fit(replace(CONFIG, scrub="level:nothing"))
