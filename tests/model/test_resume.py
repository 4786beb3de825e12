"""A fit that was cut off goes on as if nothing had happened, or is refused in one line."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from napari_atlas.data.config import FitConfig
from napari_atlas.data.splits import assign_split
from napari_atlas.data.windows import Windows
from napari_atlas.errors import InputError, NewerFormatError
from napari_atlas.model.fitting import FitState
from napari_atlas.model.resume import load_resume, save_resume
from napari_atlas.model.runner import begin, prepare, train

CONFIG = FitConfig(
    epochs=9, beta_warmup=2, batch_size=16, latent_dim=3, learning_rate=3e-3, device="cpu", split="block"
)


def fresh(config: FitConfig = CONFIG) -> Any:
    """Return a fit of noise that is ready to start."""
    rng = np.random.default_rng(0)
    stacks = {name: rng.normal(size=(60, length)) for name, length in (("a", 16), ("b", 6))}
    windows = Windows.from_arrays(stacks, {name: rng.normal(20, 3, 60) for name in stacks})
    return prepare(windows.with_split(assign_split(windows.table, config).codes), config)


def fit(folder: Path, config: FitConfig = CONFIG, until: int = 100, resume: Path | None = None) -> list[Any]:
    """Train until an epoch has ended, keeping the state after each, and return the reports."""
    prepared = fresh(config)
    torch.rand(7)  # whatever else draws numbers must not matter
    state, reports = begin(prepared, resume), []
    for report in train(prepared, folder / "weights.safetensors", lambda: state.epoch >= until, state):
        save_resume(folder / "resume.safetensors", state)
        reports.append(report)
    return reports


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Return the state after four epochs."""
    fit(tmp_path, until=4)
    return tmp_path / "resume.safetensors"


@pytest.mark.parametrize(
    ("stops", "patience"), [((1,), 40), ((2, 3, 7), 40), ((8,), 40), ((9,), 40), ((3, 5), 1), ((100,), 1)]
)
def test_a_resumed_fit_ends_bit_equal(stops: tuple[int, ...], patience: int, tmp_path: Path) -> None:
    config = replace(CONFIG, patience=patience)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    expected, told, resume = fit(whole, config), [], None
    for stop in (*stops, 100):
        told += fit(cut, config, stop, resume)
        resume = cut / "resume.safetensors"
    assert list(map(repr, told)) == list(map(repr, expected))
    assert (cut / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes()
    assert (cut / "resume.safetensors").read_bytes() == (whole / "resume.safetensors").read_bytes()


def test_all_of_the_state_comes_back(kept: Path) -> None:
    states = [begin(fresh(), kept) for _ in range(2)]
    assert (states[0].epoch, states[0].best_epoch > 0, math.isfinite(states[0].best_loss)) == (4, True, True)
    assert states[0].step > 0
    assert len(states[0].optimiser.state) == 1
    save_resume(kept.with_name("again"), states[1])
    assert kept.with_name("again").read_bytes() == kept.read_bytes()


def test_a_part_that_is_added_later_is_kept_too(tmp_path: Path) -> None:
    def state_of() -> FitState:
        state = begin(fresh())
        state.best_weights = {}
        return state

    before, after = state_of(), state_of()
    before.best_loss, before.best_epoch = -math.inf, 3
    save_resume(tmp_path / "r", before)
    load_resume(tmp_path / "r", after)
    assert (after.best_loss, after.best_epoch, after.best_weights) == (-math.inf, 3, {})


def rewrite(path: Path, change: Callable[[dict[str, Any], dict[str, torch.Tensor]], None]) -> None:
    """Change header or tensors of a file as one would who knows the format, but not the digest."""
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["atlas"])
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    change(header, tensors)
    save_file(tensors, path, metadata={"atlas": json.dumps(header)})


def nudge(_: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    next(t for t in tensors.values() if t.is_floating_point() and t.numel()).view(-1)[0] += 1


def go_on(header: dict[str, Any], _: dict[str, torch.Tensor]) -> None:
    header["state"]["epoch"] = 8


def lose_a_tensor(_: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    tensors.pop(next(iter(tensors)))


@pytest.mark.parametrize("change", [nudge, go_on, lose_a_tensor])
def test_a_file_that_was_changed_is_refused(change: Any, kept: Path) -> None:
    rewrite(kept, change)
    with pytest.raises(InputError, match=r"changed after it was written; fit again, or restore a copy$"):
        begin(fresh(), kept)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.99])
def test_a_truncated_file_is_refused(share: float, kept: Path) -> None:
    data = kept.read_bytes()
    kept.write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match=r"resume.safetensors: it is damaged or cut short; fit again") as caught:
        begin(fresh(), kept)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("config", [replace(CONFIG, latent_dim=4), replace(CONFIG, temperature_weight=0.0)])
def test_a_fit_of_another_shape_is_refused(config: FitConfig, kept: Path) -> None:
    with pytest.raises(InputError, match=r"it belongs to a fit of another shape; fit again"):
        begin(fresh(config), kept)


def test_other_files_are_refused(kept: Path) -> None:
    with pytest.raises(InputError, match=r"damaged or cut short"):
        begin(fresh(), kept.with_name("weights.safetensors"))
    with pytest.raises(InputError, match=r"there is no such file"):
        begin(fresh(), kept.with_name("none"))


def test_a_newer_format_is_told(kept: Path) -> None:
    rewrite(kept, lambda header, _: header.update(format=2))
    with pytest.raises(NewerFormatError, match=r"format 2 is newer than 1; update napari-atlas"):
        begin(fresh(), kept)


def test_what_cannot_be_kept_is_a_fault_of_the_program(tmp_path: Path) -> None:
    state = begin(fresh())
    state.best_weights = {"x": object()}  # type: ignore[dict-item]
    with pytest.raises(TypeError, match=r"best_weights.x: a object cannot be kept"):
        save_resume(tmp_path / "r", state)
    assert list(itertools.chain(tmp_path.iterdir())) == []
