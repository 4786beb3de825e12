"""Several processes on one fit end where one process does."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from napari_atlas import workflow
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest
from napari_atlas.errors import InputError

SETTINGS = {"epochs": 3, "beta_warmup": 1, "batch_size": 16, "device": "cpu", "latent_dim": 3, "averaging": 0.5}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project of two species, of which one knows its temperature only in part."""
    rng = np.random.default_rng(0)
    workflow.new(tmp_path / "p.atlas")
    for name, length in (("a", 20), ("b", 8)):
        z, degrees = rng.normal(size=(90, length)), rng.normal(20, 3, 90)
        degrees[::3] = np.nan if name == "b" else degrees[::3]
        np.savez(tmp_path / f"{name}.npz", **{f"{name}_z": z, f"{name}_temps": degrees})
        workflow.add(tmp_path / "p.atlas", AddRequest(tracks=tmp_path / f"{name}.npz", species=name))
    return tmp_path / "p.atlas"


def fit_together(project: Path, *arguments: str) -> str:
    """Fit with two processes and return what they print."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", f"--master-port={port}"),
        *("-m", "napari_atlas", "fit", str(project), "--json", *arguments),
    ]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=180, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_two_processes_end_where_one_does(project: Path) -> None:
    list(workflow.fit(project, FitConfig.from_dict(SETTINGS)))
    told = fit_together(project, *(f"--set={name}={value}" for name, value in SETTINGS.items()))
    events = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert [event["epoch"] for event in events if event["event"] == "epoch"] == [1, 2, 3], "one of them speaks"
    alone, together = sorted((project / "runs").iterdir())
    wanted, found = (load_file(run / "weights.safetensors") for run in (alone, together))
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, rtol=0, atol=1e-4, err_msg=name)
    rows = [(run / "history.csv").read_text(encoding="utf-8").splitlines() for run in (alone, together)]
    for mine, theirs in zip(*(lines[1:] for lines in rows), strict=True):
        numbers = [np.array(line.split(","), dtype=float) for line in (mine, theirs)]
        np.testing.assert_allclose(*numbers, rtol=1e-4, atol=1e-4)


def test_several_processes_without_their_extra_are_told_so(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    with pytest.raises(InputError, match=r"torchrun: several processes need Fabric; install napari-atlas\[cluster\]"):
        list(workflow.fit(project, FitConfig.from_dict(SETTINGS)))
