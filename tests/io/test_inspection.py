"""What is told of a file."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_atlas.errors import InputError
from napari_atlas.io.inspection import inspect_file

INSPECTED = {
    "path", "kind", "format", "n_frames", "fps", "first_frame", "individuals", "keypoints", "dims",
    "missing_fraction", "video", "covariates", "notes",
}  # fmt: skip
KINDS = {  # by what the index of the real files says of how each is loaded
    "annotation xlsx": "labels",
    "atlas npz windows": "windows",
    "body-outline polygons (hull loader, real vertices)": "outline",
    "Caltech annotation .txt": "labels",
    "coco keypoints json": "labels",
    "dlc labels .csv (must not be read as a track)": "labels",
    "dlc labels .h5": "labels",
    "dlc multi labels .h5": "labels",
    "dlc skeleton .h5 (refuse)": "unknown",
    "jabs predictions (refuse)": "labels",
    "matlab v5 struct/cell": "labels",
    "matlab v7.3 struct/cell": "labels",
    "matlab v7.3 array (labels)": "labels",
    "npy timestamps": "timestamps",
    "sleap .slp (missing video)": "labels",
    "video": "video",
    "video/gif": "video",
    "video (broken)": "unknown",
}
SHAPES = {  # frames, individuals, keypoints, first frame, dimensions where the index does not tell them in words
    "atlas/fish.npz": (119, 33, 0, 0, 1),
    "atlas/jellyfish.npz": (3600, 25, 0, 0, 1),
    "sleap-nn/minimal_instance.pkg.slp": (1, 2, 2, 0, 2),
    "deepof/testDLC_sleap.slp": (101, 1, 14, 0, 2),
    "deepof/testDLC_sleap.analysis.h5": (101, 1, 14, 0, 2),
    "deepof/testDLC_sleap_table.npy": (100, 1, 14, 0, 2),
    "dannce/mouse1_save_data_AVG.mat": (1000, 1, 22, 0, 3),
    "dannce/rat_JDM37_save_data_AVG.mat": (40, 1, 20, 0, 3),
    "jabs/sample_pose_est_v2.h5": (1800, 1, 12, 0, 2),
    "jabs/sample_pose_est_v3.h5": (1800, 5, 12, 0, 2),
    "movement-data/sleap/SLEAP_three-mice_Aeon_mixed-labels.analysis.h5": (601, 3, 1, 0, 2),
    "movement-data/anipose/mouse_paw.csv": (246, 1, 6, 0, 3),
    "movement-data/idtrackerai/trajectories.h5": (508, 8, 1, 0, 2),
    "movement-data/trex/beetle.csv": (19, 1, 3, 0, 2),
    "movement-data/AnimalTA/single_individual_multi_arena.csv": (19, 9, 1, 19098, 2),
    "autogaita/human_TestSubject.xlsx": (1611, 1, 25, 0, 3),
    "nrim/MOS1aD_S15_M5_MC2_T2_TRM_15MMIN_B.mat": (10500, 1, 11, 0, 3),
    "mover/2021-03-01-ISA17150-chaud_fish481.npz": (64076, 1, 3, 41063, 2),
    "mover/2021-03-01-ISA17150-chaud_fish503.npz": (64076, 1, 3, 41063, 2),
    "rats/5_annot.txt": (13500, 0, 0, 0, 0),
    "rats/24_annot.txt": (13384, 0, 0, 0, 0),
    "rats/54_annot.txt": (13535, 0, 0, 0, 0),
    "larva/dish01_larva7.csv": (2880, 1, 0, 1, 2),
    "larva/dish01_larva54.csv": (800, 1, 0, 205, 2),
    "mmm/demo_MMM_sC1CON.mat": (95998, 0, 0, 0, 0),
    "ndx-pose/0.3.0_poseestimation_one_camera.nwb": (10, 1, 2, 0, 2),
    "ndx-pose/0.1.1_poseestimation_nodes_edges.nwb": (100, 1, 2, 0, 2),
}


def test_every_real_file(shared: Path) -> None:
    with (shared / "data/INDEX.tsv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    assert len(rows) == 81
    for row in rows:
        found = inspect_file(shared / "data" / row["path"])
        assert found.keys() == INSPECTED
        json.dumps(found, allow_nan=False)
        assert found["kind"] == KINDS.get(row["loader"], "pose"), row["path"]
        assert found["notes"] or found["kind"] not in ("unknown", "labels")
        check_shape(found, row)


def check_shape(found: dict[str, Any], row: dict[str, str]) -> None:
    """Compare what is told with the index, which has it in words for DeepLabCut's tables, videos and numpy arrays."""
    shape = (found["n_frames"], len(found["individuals"]), len(found["keypoints"]))
    rest = (found["first_frame"], found["dims"])
    if row["path"] in SHAPES:
        assert (*shape, *rest) == SHAPES[row["path"]], row["path"]
        return
    told = row["opened_with"]
    if match := re.search(r": (\d+) rows, (?:(\d+) individuals, )?(\d+) bodyparts", told):
        first = re.search(r"index (\d+)\.\.", told)
        n_points = int(match[2] or 1) * int(match[3])
        wanted = (int(match[1]), n_points, int(first[1]) if first else 0, 2)
        assert found["kind"] == "labels" or (shape[0], shape[1] * shape[2], *rest) == wanted, row["path"]
    elif match := re.search(r"(\d+) frames decode|(?:numpy|pandas): \((\d+),", told):
        assert shape[0] == int(match[1] or match[2]), row["path"]
    else:
        assert found["kind"] in ("unknown", "labels"), row["path"]


def test_columns_and_classes_are_covariates(shared: Path) -> None:
    wasp = inspect_file(shared / "data/mover/2021-03-01-ISA17150-chaud_fish481.npz")
    assert wasp["covariates"]["Measured_Temp_Deg_C"] == {"lowest": 35.0, "highest": 45.0, "unit": "°C"}
    assert wasp["fps"] == 25.0
    rats = inspect_file(shared / "data/rats/5_annot.txt")
    assert rats["covariates"]["S1"]["classes"] == ["base", "social", "nonsocial", "aggression"]
    cameras = "data/eks/ibl-paw/3f859b5c-e73a-4044-b49e-34bb81e96715.timestamps.{}.npy"
    left, right = (inspect_file(shared / cameras.format(side)) for side in ("left", "right"))
    assert (round(left["fps"]), round(right["fps"])) == (60, 151)
    assert left["covariates"]["time_s"]["n_gaps"] == 1
    assert left["covariates"]["time_s"]["last_s"] > left["covariates"]["time_s"]["first_s"]


def test_a_table_with_keypoints_and_temperatures_is_a_pose(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time_s,nose_x,nose_y,temp_C\n0,1,2,20\n0.5,3,4,21\n")
    found = inspect_file(tmp_path / "a.csv")
    assert (found["kind"], found["fps"], found["keypoints"]) == ("pose", 2.0, ["nose"])
    assert found["covariates"] == {"temp_C": {"lowest": 20.0, "highest": 21.0, "unit": "°C"}}


def test_a_folder_of_pictures_is_a_video(tmp_path: Path) -> None:
    from PIL import Image

    for i in range(3):
        Image.new("L", (8, 6)).save(tmp_path / f"{i}.png")
    found = inspect_file(tmp_path)
    assert (found["kind"], found["n_frames"], found["video"]["width"]) == ("video", 3, 8)


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
    kinds = ((np.arange(9.0), "timestamps"), (np.array([1, 0, 2]), "labels"), (np.ones(4), "labels"))
    for values, kind in (*kinds, (np.array([0.5, 0.2]), "unknown")):
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
