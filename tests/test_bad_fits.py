"""Data, settings and machines that a fit cannot use: one line with a cure, or a fit that says so; the project stays."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from napari_atlas import workflow
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest
from napari_atlas.errors import AtlasError, InputError
from napari_atlas.io.runs import list_runs

QUICK = FitConfig(epochs=2, beta_warmup=1, batch_size=8, latent_dim=2, device="cpu", split="block")
Windows = dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]


def noise(n_windows: int = 60, n_times: int = 10, n_channels: int = 1) -> NDArray[np.float64]:
    """Return windows that overlap by half, of a single track."""
    track = np.random.default_rng(0).normal(size=(n_times * (n_windows + 1), n_channels))
    step = max(1, n_times // 2)
    return np.stack([track[i * step : i * step + n_times] for i in range(n_windows)])


def warmth(n_windows: int = 60) -> NDArray[np.float64]:
    return np.linspace(15, 30, n_windows)


def make(tmp_path: Path, windows: Windows) -> Path:
    """Return a project of these windows and temperatures."""
    folder = tmp_path / "p.atlas"
    workflow.new(folder)
    for name, (stack, degrees) in windows.items():
        np.savez(tmp_path / f"{name}.npz", **{f"{name}_z": stack, f"{name}_temps": degrees})
        workflow.add(folder, AddRequest(tracks=tmp_path / f"{name}.npz", species=name))
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.suffix in (".toml", ".npz")
    }


@pytest.mark.parametrize(
    ("name", "windows", "says"),
    [
        (
            "constant",
            {"a": (noise(), warmth()), "flat": (np.ones((60, 10)), warmth())},
            "species flat: its signal is constant or empty; check the tracking, or choose another signal",
        ),
        (
            "one window",
            {"a": (noise(), warmth()), "lone": (noise(1), warmth(1))},
            "species lone: 1 training windows; add recordings, shorten its window or stride, or hold less out",
        ),
    ],
)
def test_data_that_nothing_can_be_learned_from(
    name: str, windows: Windows, says: str, tmp_path: Path, atlas: Callable[..., tuple[int, str, str]]
) -> None:
    folder = make(tmp_path, windows)
    before = files_of(folder)
    code, _, error = atlas("fit", folder, "--set", "device=cpu")
    assert (code, error.strip()) == (2, f"error: {says}"), name
    assert files_of(folder) == before
    assert list_runs(folder) == []


@pytest.mark.parametrize(
    ("name", "windows", "config"),
    [
        ("two times", {"a": (noise(n_times=2), warmth())}, QUICK),
        ("many channels", {"a": (noise(n_times=6, n_channels=200), warmth())}, QUICK),
        ("latent larger than the data", {"a": (noise(20, 3), warmth(20))}, replace(QUICK, latent_dim=256)),
        ("residual", {"a": (noise(n_times=2, n_channels=3), warmth())}, replace(QUICK, encoder="residual")),
    ],
)  # fmt: skip
def test_shapes_at_the_edge_are_fitted(name: str, windows: Windows, config: FitConfig, tmp_path: Path) -> None:
    folder = make(tmp_path, windows)
    events = list(workflow.fit(folder, config))
    assert events[-1].kind == "done", name
    (run,) = list_runs(folder)
    latents = run.read_latents()["mu"]
    assert latents.shape == (len(next(iter(windows.values()))[0]), config.latent_dim)
    assert np.isfinite(latents).all()


def test_labels_that_are_all_unknown_leave_the_head_out(tmp_path: Path) -> None:
    folder = make(tmp_path, {"a": (noise(), np.full(60, np.nan)), "b": (noise(), np.full(60, np.nan))})
    events = list(workflow.fit(folder, QUICK))
    assert any("no temperature head" in event.text for event in events)
    assert workflow.runs(folder)[0]["temperature_r2"] == {}


def test_a_constant_temperature_is_undefined_and_not_zero(tmp_path: Path) -> None:
    folder = make(tmp_path, {"a": (noise(), warmth()), "b": (noise(), np.full(60, 20.0))})
    list(workflow.fit(folder, QUICK))
    figures = workflow.runs(folder)[0]["temperature_r2"]
    assert figures["b"]["test"] is None
    assert figures["a"]["test"] is not None


def test_a_class_with_one_member_is_learned_and_none_is_refused_by_number() -> None:
    from napari_atlas.data.windows import Windows as Table
    from napari_atlas.model.fitting import fit_epochs
    from napari_atlas.model.heads import Head
    from napari_atlas.model.pretrained import with_heads
    from napari_atlas.model.runner import begin, prepare

    windows = Table.from_arrays({"a": noise()}, {"a": warmth()})
    classes = np.zeros(60)
    classes[3] = 1
    prepared = with_heads(prepare(windows, QUICK), {Head("sex", 2): classes})
    reports = list(fit_epochs(begin(prepared), prepared.resident, prepared.windows, prepared.config))
    assert all(np.isfinite(report.train["temperature"]) for report in reports)
    with pytest.raises(InputError, match=r"head sex: class 2 of 2; count from 0"):
        with_heads(prepare(windows, QUICK), {Head("sex", 2): classes + 1})


def test_a_device_without_memory_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_atlas.model import capture

    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB\nmore lines")

    folder = make(tmp_path, {"a": (noise(), warmth())})
    monkeypatch.setattr(capture, "take_step", fail)
    with pytest.raises(AtlasError, match=r"out of memory\. Tried to allocate 20\.00 GiB; lower batch_size") as told:
        list(workflow.fit(folder, QUICK))
    assert "\n" not in str(told.value)
    assert list_runs(folder) == [], "a run without weights is taken away"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of a few hundred kilobytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not shutil.which("mount") or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(folder)], check=False).returncode:
        pytest.skip("this machine does not let root mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_in_one_line_and_the_project_stays(small_disk: Path) -> None:
    folder = make(small_disk, {"a": (noise(), warmth())})
    before = files_of(folder)
    with pytest.raises(InputError, match=r"cannot be written \(No space left on device\); free some space") as told:
        list(workflow.fit(folder, QUICK))
    assert "\n" not in str(told.value)
    assert {name: kept for name, kept in files_of(folder).items() if not name.startswith("runs")} == before
    assert len(workflow.load_atlas(folder).windows.table) == 60
    assert not list(folder.rglob("*.part"))
