"""What is told of a file."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from napari_atlas.errors import InputError
from napari_atlas.io.inspection import inspect_file


def test_a_pose(shared: Path) -> None:
    found = inspect_file(shared / "golden/preprocess/fish.analysis.h5")
    assert (found["kind"], found["format"], found["n_frames"], found["dims"]) == ("pose", "sleap-analysis", 6050, 2)
    assert found["individuals"] == ["track_0", "track_1", "track_2"]
    assert found["keypoints"][1:4] == ["body_1", "body_2", "body_3"]
    assert found["fps"] is None
    assert 0.1 < found["missing_fraction"] < 0.12


def test_an_outline_and_a_log(shared: Path) -> None:
    assert inspect_file(shared / "golden/preprocess/jelly_tracked.mat")["kind"] == "outline"
    found = inspect_file(shared / "golden/preprocess/cl100.csv")
    assert found["kind"] == "temperature"
    assert found["covariates"]["temperature_C"]["first_s"] == -20


def test_windows(shared: Path) -> None:
    found = inspect_file(shared / "data/atlas/jellyfish.npz")
    assert found["kind"] == "windows"
    assert len(found["individuals"]) == 25
    assert found["covariates"]["temperature_C"]["highest"] > 38
    assert any("4 recordings" in note for note in found["notes"])


def test_a_video(shared: Path) -> None:
    found = inspect_file(shared / "data/vame/cropped_video.mp4")
    assert found["kind"] == "video"
    assert found["video"] == {"width": 1064, "height": 1070, "codec": "mpeg4", "n_frames": 749, "fps": 25.0}


def test_numbers(tmp_path: Path) -> None:
    for values, kind in ((np.arange(9.0), "timestamps"), (np.array([1, 0, 2]), "labels"), (np.ones(4), "labels")):
        np.save(tmp_path / "a.npy", values)
        assert inspect_file(tmp_path / "a.npy")["kind"] == kind


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.mp4", b"no video"),
        ("a.mp4", b""),
        ("a.csv", b""),
        ("a.csv", b"time_s,temp_C\n0,warm\n"),
        ("a.csv", b"scorer,n,n\nbodyparts,a,a\ncoords,x,y\n0,a,b\n"),
        ("a.h5", b"\x89HDF\r\n\x1a\n" + b"x" * 99),
        ("a", bytes(range(256))),
    ],
)
def test_a_file_that_exists_never_raises(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    found = inspect_file(tmp_path / name)
    assert found["kind"] == "unknown"
    assert len(found["notes"]) == 1
    assert "\n" not in found["notes"][0]


def test_a_folder_and_a_missing_file(tmp_path: Path) -> None:
    assert inspect_file(tmp_path)["notes"] == ["it is a folder; give a file"]
    with pytest.raises(InputError):
        inspect_file(tmp_path / "none")


def test_reading_imports_nothing_heavy_beforehand() -> None:
    import subprocess

    code = (
        "import sys; import napari_atlas.io.readers, napari_atlas.io.inspection, napari_atlas.io.track_cache;"
        "print([m for m in ('sleap_io', 'pandas', 'av', 'scipy.io', 'h5py') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
