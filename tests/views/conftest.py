"""Small atlases to look at."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_atlas.data.atlas import Atlas, RecordingInfo
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.data.windows import SPLITS, Track, TrackKey, Windows

FPS = 20.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a display where there is none, and say so."""
    if not sys.platform.startswith("linux") or os.environ.get("DISPLAY"):
        return
    here = Path(__file__).parent
    for item in items:
        if item.path.parent == here and item.get_closest_marker("gui"):
            item.add_marker(pytest.mark.skip(reason="no DISPLAY: run under xvfb-run"))


def make_track(species: Species, recording: str, n_bins: int, seed: int, thermal: bool, clock: bool) -> Track:
    """Return a track with ten video frames per bin, the first at frame 100."""
    rng = np.random.default_rng(seed)
    bins = np.arange(n_bins)
    swell = 1.2 + np.sin(bins / n_bins * 3 * np.pi + seed)
    pulses = np.abs(np.sin(bins / 9 + seed)) * swell + rng.random(n_bins) * 0.25
    length = 10
    return Track(
        key=TrackKey(species.name, recording, "0"),
        values=pulses[:, None],
        times=bins * 10 / FPS if clock else np.full(n_bins, np.nan),
        frames=100 + 10 * np.arange(n_bins + 1),
        temperature=np.clip(18 + 20 * bins / n_bins, 20, 36) if thermal else np.full(n_bins, np.nan),
        length=length,
        starts=np.arange(0, n_bins - length, 4),
        labels=np.empty(0),
    )


def make_atlas(folder: Path, n_bins: int = 120, *, thermal: bool = True, clock: bool = True, per: int = 2) -> Atlas:
    """Return an atlas of two species, *per* recordings each, on a curved map; the last recordings are held out."""
    kinds = (
        Species("jellyfish", "hull-area-rate", marker="disc", color="#E69F00"),
        Species("stickleback", "centroid-speed", marker="triangle_up", color="#2FB5A0"),
    )
    tracks = [
        make_track(kind, f"{kind.name}-{i + 1}", n_bins, 10 * j + i, thermal, clock)
        for j, kind in enumerate(kinds)
        for i in range(per)
    ]
    windows = Windows.from_tracks(tracks, kinds)
    held_out = np.array([key.recording.endswith(f"-{per}") for key in windows.table.keys])
    split = np.where(held_out[windows.table.track], SPLITS.index("test"), SPLITS.index("train")).astype(np.int8)
    windows = windows.with_split(split)
    place = windows.table.start / n_bins
    rng = np.random.default_rng(0)
    angle = np.pi * (1.05 - place)
    coordinates = np.stack([np.cos(angle) * 6, np.sin(angle) * 4], axis=1) + rng.normal(0, 0.22, (len(place), 2))
    clock_of = TimeBase(10 * n_bins, fps=FPS if clock else float("nan"), led_on_frame=100, tracking_start_frame=100)
    return Atlas(
        folder=folder,
        recordings={t.key.recording: RecordingInfo(t.key.recording, t.key.species, ("0",), clock_of) for t in tracks},
        windows=windows,
        tracks=tuple(tracks),
        run="3",
        latents=np.zeros((len(place), 8), dtype=np.float32),
        coordinates=coordinates.astype(np.float32),
        predicted=(windows.table.temperature + rng.normal(0, 0.8, len(place))).astype(np.float32),
        recipe="UMAP · n=15 · seed 0",
    )


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    """Return two species with temperature and clock."""
    return make_atlas(tmp_path)


@pytest.fixture
def plain_atlas(tmp_path: Path) -> Atlas:
    """Return two species with neither temperature nor clock."""
    return make_atlas(tmp_path, thermal=False, clock=False)


@pytest.fixture
def fewer_atlas(tmp_path: Path) -> Atlas:
    """Return the first recording of each species, in the project of the other atlases."""
    return make_atlas(tmp_path, per=1)
