"""Apple's GPU is tried before it is chosen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from napari_atlas.data.config import FitConfig
from napari_atlas.data.splits import assign_split
from napari_atlas.data.windows import Windows
from napari_atlas.model import fitting
from napari_atlas.model.fitting import choose_device, mps_fault
from napari_atlas.model.runner import prepare


@pytest.fixture(autouse=True)
def _apple(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the machine an Apple GPU by name, and no other."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    mps_fault.cache_clear()
    yield
    mps_fault.cache_clear()


def figures_of(monkeypatch: pytest.MonkeyPatch, mistake: float) -> None:
    """Let the GPU give the CPU's figures, but for a mistake."""
    honest = fitting._tried(torch.device("cpu"))
    monkeypatch.setattr(fitting, "_tried", lambda device: honest + mistake * (device.type == "mps"))


@pytest.mark.parametrize(("mistake", "chosen"), [(0.0, "mps"), (1e-4, "mps"), (0.1, "cpu"), (float("nan"), "cpu")])
def test_it_is_chosen_only_if_its_figures_are_right(
    mistake: float, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures_of(monkeypatch, mistake)
    assert choose_device("auto").type == chosen
    assert mps_fault() == ("" if chosen == "mps" else "its figures differ from the CPU's")
    assert choose_device("mps").type == "mps", "who asks for it gets it"


def test_one_that_fails_is_left_aside_and_that_is_told() -> None:
    rng = np.random.default_rng(0)
    windows = Windows.from_arrays({"a": rng.normal(size=(40, 6, 1))})
    before = torch.get_rng_state()
    assert choose_device("auto").type == "cpu"
    assert torch.equal(before, torch.get_rng_state())
    windows = windows.with_split(assign_split(windows.table, FitConfig()).codes)
    (told,) = (note for note in prepare(windows, FitConfig()).notes if "mps" in note)
    assert told.startswith("Apple's GPU (mps) is left aside, since it failed a small test (")
    assert "\n" not in told
    assert not [note for note in prepare(windows, FitConfig(device="cpu")).notes if "mps" in note]


def test_the_same_network_gives_the_same_figures() -> None:
    one, other = (fitting._tried(torch.device("cpu")) for _ in range(2))
    assert torch.equal(one, other)
    assert one.numel() > 1000
    assert torch.isfinite(one).all()
