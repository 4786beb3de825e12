"""TRex, contours, anipose, DANNCE, Qualisys, idtracker.ai, AnimalTA, JABS and NWB, against their files' own numbers."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.io import loadmat, savemat

from napari_atlas.data.outline import Outline
from napari_atlas.errors import InputError
from napari_atlas.io.readers import read_tracks

WASP = "data/mover/2021-03-01-ISA17150-chaud_fish481.npz"


def test_trex_archive(shared: Path) -> None:
    file = read_tracks(shared / WASP)
    with np.load(shared / WASP) as archive:
        x, y, degrees = (archive[name] for name in ("X#wcentroid", "Y#wcentroid", "Measured_Temp_Deg_C"))
        times, head = archive["time"], archive["X"]
    assert np.isinf(x).any()
    known = np.isfinite(x)
    np.testing.assert_array_equal(np.isnan(file.tracks.positions[:, 0, 0]).any(axis=1), ~known)
    np.testing.assert_array_equal(file.tracks.positions[known, 0, 0], np.stack([x, y], axis=1)[known])
    np.testing.assert_array_equal(file.tracks.points(0, 200)[1, 0], head[200] if known[200] else np.nan)
    np.testing.assert_array_equal(file.columns.column("Measured_Temp_Deg_C"), degrees)
    np.testing.assert_array_equal(file.times, times)
    assert file.tracks.individuals == ("fish481",)
    assert file.tracks.keypoints == ("centroid", "head", "midline")
    assert "X#wcentroid" not in file.columns.names
    assert "IdVidId" not in file.columns.names


def test_trex_table(shared: Path) -> None:
    path = shared / "data/movement-data/trex/beetle.csv"
    file, table = read_tracks(path), pd.read_csv(path, float_precision="round_trip")
    np.testing.assert_array_equal(file.tracks.positions[:, 0, 1, 0], table["X (cm)"])
    np.testing.assert_array_equal(file.columns.column("SPEED#wcentroid"), table["SPEED#wcentroid (cm/s)"])
    assert file.notes == ("Positions are in cm.",)


def test_trex_frames_that_are_left_out_and_posture(tmp_path: Path) -> None:
    n = np.arange(3.0)
    arrays = {"X#wcentroid": n, "Y#wcentroid": n, "poseX0": n + 5, "poseY0": n + 6, "time": n / 10}
    np.savez(tmp_path / "film_id12.npz", frame=np.array([7, 8, 10]), **arrays)
    file = read_tracks(tmp_path / "film_id12.npz")
    np.testing.assert_array_equal(file.tracks.positions[:, 0, 0, 0], [0, 1, np.nan, 2])
    assert file.tracks.points(0, 1)[1].tolist() == [6, 7]
    np.testing.assert_allclose(file.times, [0, 0.1, 0.15, 0.2])
    assert (file.first_frame, file.tracks.individuals, file.tracks.keypoints) == (7, ("id12",), ("centroid", "pose-0"))
    np.savez(tmp_path / "film.npz", frame=np.array([7, 8, 8]), **arrays)
    with pytest.raises(InputError, match="a frame twice"):
        read_tracks(tmp_path / "film.npz")


@pytest.mark.parametrize(("name", "first"), [("dish01_larva7", 1), ("dish01_larva54", 205)])
def test_larva_contours(name: str, first: int, shared: Path) -> None:
    path = shared / f"data/larva/{name}.csv"
    file, rows = (
        read_tracks(path),
        pd.read_csv(path, header=None, skipinitialspace=True, float_precision="round_trip").to_numpy(dtype=float),
    )
    assert isinstance(file.tracks, Outline)
    assert file.first_frame == first
    whole = np.isfinite(rows[:, 25:69]).all(axis=1)
    sample = int(np.flatnonzero(whole)[3])
    np.testing.assert_array_equal(file.tracks.polygon(0, sample), rows[sample, 25:69].reshape(22, 2))
    np.testing.assert_array_equal(np.isnan(file.tracks.areas(0)), ~whole)
    np.testing.assert_array_equal(file.columns.column("perimeter"), rows[:, 76])
    np.testing.assert_array_equal(file.columns.column("midline-11-y"), rows[:, 24])


def test_a_table_of_vertices(tmp_path: Path) -> None:
    rows = ["5,a,0,0,0", "5,a,2,2,2", "5,a,1,2,0", "7,a,0,1,1", "7,a,1,,1", "7,a,2,3,1"]
    rows += ["5,b,0,9,9", "5,b,1,8,9", "5,b,2,9,8", "6,a,0,0,0", "6,a,1,1,0", "6,a,2,0,1"]
    (tmp_path / "a.csv").write_text("Frame,ID,vertex,x (mm),y (mm)\n" + "\n".join(rows))
    file = read_tracks(tmp_path / "a.csv")
    assert (file.tracks.individuals, file.first_frame, file.tracks.n_samples) == (("a", "b"), 5, 3)
    assert file.tracks.polygon(0, 0).tolist() == [[0, 0], [2, 0], [2, 2]]
    assert file.tracks.polygon(0, 1).tolist() == [[0, 0], [1, 0], [0, 1]]
    assert file.tracks.polygon(0, 2).size == file.tracks.polygon(1, 1).size == 0
    assert file.tracks.polygon(1, 0).tolist() == [[9, 9], [8, 9], [9, 8]]


def test_anipose(shared: Path) -> None:
    path = shared / "data/movement-data/anipose/mouse_paw.csv"
    file, table = read_tracks(path), pd.read_csv(path, float_precision="round_trip")
    assert file.tracks.keypoints == ("l-base", "l-edge", "l-middle", "r-base", "r-edge", "r-middle")
    for axis, name in enumerate("xyz"):
        np.testing.assert_array_equal(file.tracks.positions[:, 0, 2, axis], table[f"l-middle_{name}"])
    np.testing.assert_array_equal(file.tracks.confidence[:, 0, 2], table["l-middle_score"])
    np.testing.assert_array_equal(file.columns.column("r-edge_error"), table["r-edge_error"])


def test_dannce(shared: Path, tmp_path: Path) -> None:
    path = shared / "data/dannce/rat_JDM37_save_data_AVG.mat"
    file, content = read_tracks(path), loadmat(path)
    np.testing.assert_array_equal(file.tracks.positions[:, 0].transpose(0, 2, 1), content["pred"])
    np.testing.assert_array_equal(file.tracks.confidence[:, 0], content["p_max"])
    savemat(tmp_path / "a.mat", {"pred": np.zeros((4, 5, 6)), "sampleID": np.arange(4)})
    with pytest.raises(InputError, match=r"pred has shape \(4, 5, 6\)"):
        read_tracks(tmp_path / "a.mat")


def test_qualisys(shared: Path, tmp_path: Path) -> None:
    path = shared / "data/nrim/MOS1aD_S15_M5_MC2_T2_TRM_15MMIN_B.mat"
    file = read_tracks(path)
    (name,) = (n for n in loadmat(path, simplify_cells=True) if not n.startswith("_"))
    labelled = loadmat(path, simplify_cells=True)[name]["Trajectories"]["Labeled"]
    assert file.tracks.keypoints == tuple(labelled["Labels"])
    np.testing.assert_array_equal(file.tracks.positions[:, 0, 3], labelled["Data"][3, :3].T)
    assert (file.fps, file.first_frame) == (300.0, 0)
    told = {
        "StartFrame": 11,
        "FrameRate": 100,
        "Trajectories": {"Labeled": {"Labels": "hip", "Data": np.ones((1, 4, 5))}},
    }
    savemat(tmp_path / "one.mat", {"take": told}, do_compression=True)
    one = read_tracks(tmp_path / "one.mat")
    assert (one.tracks.positions.shape, one.tracks.keypoints, one.first_frame) == ((5, 1, 1, 3), ("hip",), 10)
    savemat(tmp_path / "none.mat", {"take": told | {"Trajectories": {"Labeled": {}}}})
    with pytest.raises(InputError, match="no marker in it is labelled"):
        read_tracks(tmp_path / "none.mat")


def test_idtracker(shared: Path) -> None:
    path = shared / "data/movement-data/idtrackerai/trajectories.h5"
    file = read_tracks(path)
    with h5py.File(path) as content:
        np.testing.assert_array_equal(file.tracks.positions[:, :, 0], content["trajectories"])
        np.testing.assert_array_equal(file.tracks.confidence, content["id_probabilities"])
    assert (file.fps, file.tracks.individuals) == (28.0, tuple("12345678"))


def test_animalta(shared: Path) -> None:
    path = shared / "data/movement-data/AnimalTA/single_individual_multi_arena.csv"
    file, table = read_tracks(path), pd.read_csv(path, sep=";", float_precision="round_trip")
    assert file.tracks.individuals == tuple(f"Arena{i}_Ind0" for i in range(9))
    np.testing.assert_array_equal(file.tracks.positions[:, 4, 0, 1], table["Y_Arena4_Ind0"])
    np.testing.assert_array_equal(file.times, table["Time"])
    assert (file.first_frame, file.fps) == (19098, 30.0)


def test_dated_centroids(shared: Path) -> None:
    file = read_tracks(shared / "data/larva/shi_33_-_004.csv")
    steps = np.diff(file.times)
    assert (np.median(steps), steps.max(), file.fps) == (1.0, 136.0, 1.0)
    assert file.tracks.keypoints == ("centroid",)


def test_jabs_points_are_stored_y_before_x(shared: Path) -> None:
    path = shared / "data/jabs/sample_pose_est_v2.h5"
    file = read_tracks(path)
    with h5py.File(path) as content:
        np.testing.assert_array_equal(file.tracks.positions[:, 0], content["poseest/points"][()][..., ::-1])
    assert file.tracks.keypoints[0] == "nose"
    assert file.tracks.confidence.max() == 1


def test_jabs_tracks_keep_their_place(shared: Path) -> None:
    path = shared / "data/jabs/sample_pose_est_v3.h5"
    file = read_tracks(path)
    with h5py.File(path) as content:
        group = content["poseest"]
        points, counts, ids = group["points"][()], group["instance_count"][()], group["instance_track_id"][()]
        confidence = group["confidence"][()]
    places = {}
    for frame in range(0, 1800, 7):
        for i in range(counts[frame]):
            seen = np.flatnonzero(confidence[frame, i] > 0)
            if not seen.size:
                continue
            point = points[frame, i, seen[0], ::-1]
            slots = np.flatnonzero((file.tracks.positions[frame, :, seen[0]] == point).all(axis=1))
            assert slots.size
            places.setdefault(ids[frame, i], set(slots)).intersection_update(slots)
    assert all(places.values())
    assert np.isfinite(file.tracks.positions[..., 0]).sum() == (confidence > 0).sum()


def test_jabs_with_identities(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file.create_group("poseest")
        group["points"] = np.arange(2 * 2 * 12 * 2).reshape(2, 2, 12, 2)
        group["confidence"] = np.full((2, 2, 12), 0.5)
        group["instance_embed_id"] = np.array([[2, 1], [1, 0]])
        group["id_mask"] = np.array([[0, 0], [0, 1]])
    file = read_tracks(tmp_path / "a.h5")
    assert file.notes == ()
    assert file.tracks.positions[0, :, 0, 0].tolist() == [25, 1]
    np.testing.assert_array_equal(file.tracks.positions[1, :, 0, 0], [49, np.nan])


def nwb(path: Path, poses: dict[str, dict[str, np.ndarray]], *, rate: float = 0.0) -> None:
    with h5py.File(path, "w") as file:
        for name, series in poses.items():
            group = file.create_group(f"processing/behavior/{name}")
            group.attrs["neurodata_type"] = "PoseEstimation"
            group["nodes"] = list(reversed(series))
            group["edges"] = np.array([[0, 1], [1, 7]])
            for keypoint, data in series.items():
                one = group.create_group(f"PoseEstimationSeries{keypoint}")
                one.attrs["neurodata_type"] = "PoseEstimationSeries"
                one["data"] = data
                if rate:
                    one["starting_time"] = 2.0
                    one["starting_time"].attrs["rate"] = rate


def test_nwb(shared: Path, tmp_path: Path) -> None:
    path = shared / "data/ndx-pose/0.3.0_poseestimation_one_camera.nwb"
    file = read_tracks(path)
    with h5py.File(path) as content:
        series = content["processing/behavior/PoseEstimation/front_right_paw"]
        np.testing.assert_array_equal(file.tracks.positions[:, 0, 1], series["data"])
        np.testing.assert_array_equal(file.tracks.confidence[:, 0, 1], series["confidence"])
        np.testing.assert_array_equal(file.times, series["timestamps"])
    one, two = np.ones((4, 2)), np.full((4, 2), 2.0)
    nwb(tmp_path / "a.nwb", {"m1": {"tail": one, "nose": two}, "m2": {"tail": two, "nose": one}}, rate=10)
    both = read_tracks(tmp_path / "a.nwb")
    assert (both.tracks.individuals, both.tracks.keypoints, both.fps) == (("m1", "m2"), ("nose", "tail"), 10)
    assert both.tracks.points(1, 0).tolist() == [[1, 1], [2, 2]]
    assert both.tracks.edges == ((0, 1),)
    np.testing.assert_allclose(both.times, [2, 2.1, 2.2, 2.3])
    nwb(tmp_path / "b.nwb", {"m1": {"nose": one}, "m2": {"nose": np.ones((5, 2))}})
    with pytest.raises(InputError, match="2 poses differ"):
        read_tracks(tmp_path / "b.nwb")
