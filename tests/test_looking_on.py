"""What a fit leaves for those who look on, from its first epoch to its last."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_atlas import _fit, workflow
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest
from napari_atlas.io.live import read_live

CONFIG = FitConfig(epochs=5, beta_warmup=1, latent_dim=3, device="cpu", split="block")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project of noise."""
    np.save(tmp_path / "noise.npy", np.random.default_rng(0).normal(size=(120, 12)))
    workflow.new(tmp_path / "p.atlas")
    workflow.add(tmp_path / "p.atlas", AddRequest(tmp_path / "noise.npy", "noise"))
    return tmp_path / "p.atlas"


def test_the_first_epoch_is_seen_at_once_and_what_is_kept_at_the_end(project: Path) -> None:
    epochs, seen = [], []
    for event in workflow.fit(project, CONFIG):
        if event.kind == "epoch":
            epochs.append(event.data["live"])
            (run,) = (project / "runs").iterdir()
            seen.append(read_live(run, under_way=True))
    assert epochs == [True, False, False, False, False], "not every epoch of a quick fit"
    assert [live and live.epoch for live in seen] == [1] * 5
    atlas, last = workflow.load_atlas(project), read_live(run, under_way=False)
    assert last is not None
    assert last.epoch == atlas.card["best_epoch"]
    assert last.ids.tolist() == list(range(len(atlas.windows.table)))
    assert np.array_equal(last.split, atlas.windows.table.split)
    assert last.coordinates.shape == (last.ids.size, 2)


def test_looking_on_takes_a_small_share_of_the_time(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(_fit.time, "monotonic", lambda: now[0])
    looks: list[int] = []

    class Slow(_fit._Onlooker):
        def look(self, model: object, epoch: int) -> None:
            looks.append(epoch)
            now[0] += 3.0

    onlooker = Slow.__new__(Slow)
    onlooker._due = 0.0
    for epoch in range(1, 301):
        now[0] += 1.0
        onlooker.look_if_due(None, epoch)  # type: ignore[arg-type]
    assert looks[0] == 1
    assert 3 <= len(looks) <= 4, "three seconds each, of three hundred"
