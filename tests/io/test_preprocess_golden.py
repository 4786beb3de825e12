"""Readers, signals and windows against what the reference's preprocessing gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_atlas.data.recording import Recording
from napari_atlas.data.scaling import Scaler
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.data.windows import Windows, make_tracks
from napari_atlas.io.readers import read_tracks
from napari_atlas.io.temperature import read_temperature_csv

JELLY = Species("jelly", signal="hull-area-rate", bin_rate=1, window=60, stride=30)
FISH = Species("fish", keypoints=("body_1", "body_2", "body_3"), bin_rate=1, window=5, stride=2)


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "golden" / "preprocess"


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "expected.npz") as file:
        return {name: file[name] for name in file.files}


def same(found: np.ndarray, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=0, equal_nan=True)


def z_scores(windows: Windows) -> np.ndarray:
    ids = np.arange(len(windows.table))
    scaled = Scaler.of_windows(windows, ids).apply(windows.gather(ids))
    return np.nan_to_num(scaled, nan=0.0)[..., 0]


def track_and_start(windows: Windows) -> np.ndarray:
    return np.stack([windows.table.track, windows.table.start], axis=1)


@pytest.mark.parametrize("name", ["jelly_tracked.mat", "jelly_tracked_cell_of_struct.mat"])
def test_jellyfish(name: str, folder: Path, expected: dict[str, np.ndarray]) -> None:
    outline = read_tracks(folder / name).tracks
    clock = TimeBase(
        outline.n_samples,
        fps=float(expected["hull_fps"]),
        led_on_frame=int(expected["led_on_frame"]),
        tracking_start_frame=int(expected["tracking_start_frame"]),
    )
    tracks = make_tracks(
        Recording("r", "jelly", outline, clock, read_temperature_csv(folder / "cl100.csv")),
        JELLY,
    )
    assert len(tracks) == 3
    for i, track in enumerate(tracks):
        same(outline.areas(i), expected[f"hull_area_{i}"])
        same(track.values[:, 0], expected[f"area_rate_1fps_{i}"])
    windows = Windows.from_tracks(tracks, [JELLY])
    same(windows.gather(np.arange(len(windows.table)))[..., 0], expected["jelly_windows"])
    same(windows.table.temperature, expected["jelly_temp_C"])
    assert np.array_equal(track_and_start(windows), expected["jelly_animal_start"])
    np.testing.assert_allclose(z_scores(windows), expected["jelly_z"], rtol=1e-9, atol=1e-12)


def test_stickleback(folder: Path, expected: dict[str, np.ndarray]) -> None:
    pose = read_tracks(folder / "fish.analysis.h5").tracks
    clock = TimeBase(pose.n_samples, fps=float(expected["sleap_fps"]))
    tracks = make_tracks(Recording("r", "fish", pose, clock), FISH)
    for i, track in enumerate(tracks):
        same(track.values[:, 0], expected[f"fish_speed_1fps_{i}"])
    windows = Windows.from_tracks(tracks, [FISH])
    same(windows.gather(np.arange(len(windows.table)))[..., 0], expected["fish_windows"])
    assert np.array_equal(track_and_start(windows), expected["fish_track_start"])
    np.testing.assert_allclose(z_scores(windows), expected["fish_z"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "key", "count"), [("jellyfish", "jelly", 25), ("fish", "fish", 33)])
def test_reference_windows_lie_in_the_tracks_they_were_cut_from(name: str, key: str, count: int, shared: Path) -> None:
    cut = read_tracks(shared / "data" / "atlas" / f"{name}.npz").tracks
    track = np.load(shared / "golden" / "atlas_tracks.npz")[f"{name}_track"]
    assert len(cut.individuals) == count
    with np.load(shared / "data" / "atlas" / f"{name}.npz") as file:
        stack, degrees = file[f"{key}_z"], file[f"{key}_temps"]
    for i, rows in enumerate(cut.rows):
        assert np.array_equal(rows, np.flatnonzero(track == i))
        again = cut.values[i][cut.starts[i][:, None] + np.arange(cut.length)]
        assert np.array_equal(again, stack[rows], equal_nan=True)
        assert np.array_equal(cut.temperatures[i], degrees[rows])
