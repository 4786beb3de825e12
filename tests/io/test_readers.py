"""SLEAP, DeepLabCut and numpy files, and what is refused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_atlas.data.pose import Pose
from napari_atlas.errors import InputError
from napari_atlas.io.readers import READERS, Reader, TrackFile, find_reader, parts, read_tracks, register_reader

LABELS = ("20→36°C sub-threshold crash (heating)", "20→40°C crash (heating)")


def refused(path: Path, says: str, part: str = "") -> None:
    with pytest.raises(InputError, match=says) as caught:
        read_tracks(path, part)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def write(tmp_path: Path, text: str, name: str = "a.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def sleap_analysis(path: Path, order: str = "matlab", **changes: np.ndarray) -> np.ndarray:
    """Write 7 frames, 2 tracks, 3 nodes and return their positions as they shall be read."""
    positions = np.random.default_rng(0).random((7, 2, 3, 2))
    occupied = np.ones((7, 2), dtype=np.uint8)
    occupied[4:, 1] = 0
    stored = positions if order == "standard" else positions.transpose(1, 3, 2, 0)
    content = {
        "tracks": stored,
        "track_occupancy": occupied,
        "node_names": np.array([b"nose", b"body", b"tail"]),
        "track_names": np.empty(0),
        "edge_inds": np.array([[0, 1], [1, 2]]),
    }
    with h5py.File(path, "w") as file:
        for name, value in (content | changes).items():
            file[name] = value
        if order == "standard":
            file["tracks"].attrs["dims"] = json.dumps(["frame", "track", "node", "xy"])
    return np.where(occupied[..., None, None] > 0, positions, np.nan)


@pytest.mark.parametrize("order", ["matlab", "standard"])
def test_sleap_analysis(order: str, tmp_path: Path) -> None:
    wanted = sleap_analysis(tmp_path / "a.h5", order)
    pose = read_tracks(tmp_path / "a.h5").tracks
    assert isinstance(pose, Pose)
    np.testing.assert_array_equal(pose.positions, wanted)
    assert pose.individuals == ("track-0", "track-1")
    assert pose.keypoints == ("nose", "body", "tail")
    assert pose.edges == ((0, 1), (1, 2))
    assert pose.confidence.size == 0


def test_sleap_scores_and_repeated_names(tmp_path: Path) -> None:
    scores = np.random.default_rng(1).random((2, 3, 7))
    sleap_analysis(tmp_path / "a.h5", track_names=np.array([b"fish", b"fish"]), point_scores=scores)
    pose = read_tracks(tmp_path / "a.h5").tracks
    assert np.array_equal(pose.confidence, scores.transpose(2, 0, 1))
    assert len(set(pose.individuals)) == 2
    assert pose.individuals[0] == "fish"


def test_a_track_that_is_never_there_is_told(tmp_path: Path) -> None:
    occupied = np.ones((7, 2), dtype=np.uint8)
    occupied[:, 0] = 0
    sleap_analysis(tmp_path / "a.h5", track_occupancy=occupied)
    assert "track-0 is never tracked." in read_tracks(tmp_path / "a.h5").notes


def test_empty_sleap_files_are_refused(tmp_path: Path) -> None:
    sleap_analysis(tmp_path / "a.h5", track_occupancy=np.zeros((7, 2)))
    refused(tmp_path / "a.h5", "every position in it is missing")
    sleap_analysis(tmp_path / "b.h5", tracks=np.empty((0, 2, 3, 7)), track_occupancy=np.empty((7, 0)))
    refused(tmp_path / "b.h5", "no tracked frame")


def test_slp_agrees_with_its_analysis_file(shared: Path) -> None:
    slp = read_tracks(shared / "data/deepof/testDLC_sleap.slp").tracks
    h5 = read_tracks(shared / "data/deepof/testDLC_sleap.analysis.h5").tracks
    np.testing.assert_allclose(slp.positions, h5.positions, rtol=1e-6)
    np.testing.assert_allclose(slp.confidence, h5.confidence, rtol=1e-6)
    assert slp.keypoints == h5.keypoints
    assert slp.individuals == h5.individuals
    assert slp.edges == h5.edges


def write_slp(path: Path, *, tracked: bool = True, videos: int = 1, predicted: bool = True, step: int = 1) -> None:
    """Write two animals, both in every frame but the first two, 10 frames per video."""
    import sleap_io as sio

    skeleton = sio.Skeleton(["nose", "tail"], edges=[("nose", "tail")])
    tracks = [sio.Track("a"), sio.Track("b")]
    films = [sio.Video(f"cam{i}.mp4", open_backend=False) for i in range(videos)]
    frames = []
    for v, film in enumerate(films):
        for i in range(0, 10 * step, step):
            instances = []
            for k in range(2 if i >= 2 else 1):
                points = np.array([[i, k], [i + 1, v]], dtype=float)
                track = tracks[k] if tracked else None
                if predicted:
                    instances.append(
                        sio.PredictedInstance.from_numpy(points, skeleton, point_scores=np.ones(2), track=track)
                    )
                else:
                    instances.append(sio.Instance.from_numpy(points, skeleton, track=track))
            frames.append(sio.LabeledFrame(video=film, frame_idx=i, instances=instances))
    sio.Labels(frames, tracks=tracks if tracked else []).save(str(path), embed=False)


def test_slp_with_four_cameras_gives_the_first(tmp_path: Path) -> None:
    write_slp(tmp_path / "a.slp", videos=4)
    file = read_tracks(tmp_path / "a.slp")
    assert file.tracks.positions.shape == (10, 2, 2, 2)
    assert file.tracks.positions[5, 1].tolist() == [[5, 1], [6, 0]]
    assert np.isnan(file.tracks.positions[1, 1]).all()
    assert "The file holds 4 videos; the tracks of the first one were read." in file.notes
    assert "The file names the video cam0.mp4." in file.notes


def test_slp_without_tracks_takes_the_order_and_says_so(tmp_path: Path) -> None:
    write_slp(tmp_path / "a.slp", tracked=False)
    file = read_tracks(tmp_path / "a.slp")
    assert file.tracks.individuals == ("track-0", "track-1")
    assert any("identities may swap" in note for note in file.notes)


def test_slp_of_hand_labels(tmp_path: Path, shared: Path) -> None:
    write_slp(tmp_path / "few.slp", predicted=False, step=10)
    refused(tmp_path / "few.slp", "labels, not a track")
    write_slp(tmp_path / "all.slp", predicted=False)
    assert read_tracks(tmp_path / "all.slp").tracks.n_samples == 10
    write_slp(tmp_path / "predicted.slp", predicted=True, step=10)
    assert read_tracks(tmp_path / "predicted.slp").tracks.n_samples == 91
    refused(shared / "data/cosyne/labels_gt.train.n25.slp", "labels, not a track")


SINGLE = "scorer,net,net,net\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n"


def test_dlc_with_frames_that_begin_late_and_leave_some_out(tmp_path: Path) -> None:
    file = read_tracks(write(tmp_path, SINGLE + "42150,1,2,0.5\n42151,3,4,1\n42153,,inf,0\n"))
    assert file.first_frame == file.tracks.first_frame == 42150
    expected = [[1, 2], [3, 4], [np.nan, np.nan], [np.nan, np.nan]]
    np.testing.assert_array_equal(file.tracks.positions[:, 0, 0], expected)
    np.testing.assert_array_equal(file.tracks.confidence[:, 0, 0], [0.5, 1, np.nan, 0])


def test_dlc_without_likelihood_and_in_three_dimensions(tmp_path: Path) -> None:
    flat = write(tmp_path, "scorer,n,n\nbodyparts,a,a\ncoords,x,y\n0,1,2\n")
    assert read_tracks(flat).tracks.confidence.size == 0
    deep = write(tmp_path, "scorer,n,n,n\nbodyparts,a,a,a\ncoords,x,y,z\n0,1,2,3\n", "b.csv")
    assert read_tracks(deep).tracks.positions.tolist() == [[[[1, 2, 3]]]]


def test_dlc_with_numbered_copies_of_column_names(tmp_path: Path) -> None:
    text = "scorer,n,n.1,n.2\nbodyparts,nose,nose.1,nose.2\ncoords,x,y,likelihood\n0,1,2,0.5\n"
    pose = read_tracks(write(tmp_path, text)).tracks
    assert pose.keypoints == ("nose",)
    assert pose.positions.tolist() == [[[[1, 2]]]]
    text = "scorer,n,n,n,n\nbodyparts,a,a,b,b\ncoords,x,y,x.1,y.1\n0,1,2,3,4\n"
    assert read_tracks(write(tmp_path, text)).tracks.positions.tolist() == [[[[1, 2], [3, 4]]]]


def test_lightning_pose_with_more_columns(tmp_path: Path) -> None:
    text = (
        "scorer,t,t,t,t,t,\nbodyparts,paw,paw,paw,paw,paw,set\ncoords,x,y,likelihood,x_ens_median,x_ens_var,\n"
        "0,1,2,0.9,7,8,test\n1,3,4,0.8,7,8,train\n"
    )
    pose = read_tracks(write(tmp_path, text)).tracks
    assert pose.positions[:, 0, 0].tolist() == [[1, 2], [3, 4]]
    assert pose.confidence[:, 0, 0].tolist() == [0.9, 0.8]


def test_dlc_with_several_animals_leaves_an_empty_single_out(tmp_path: Path) -> None:
    header = (
        "scorer,n,n,n,n,n,n\nindividuals,m1,m1,m2,m2,single,single\n"
        "bodyparts,nose,nose,nose,nose,corner,corner\ncoords,x,y,x,y,x,y\n"
    )
    empty = read_tracks(write(tmp_path, header + "0,1,2,3,4,,\n"))
    assert empty.tracks.individuals == ("m1", "m2")
    assert empty.tracks.keypoints == ("nose",)
    assert empty.notes
    full = read_tracks(write(tmp_path, header + "0,1,2,3,4,5,6\n"))
    assert full.tracks.individuals == ("m1", "m2", "single")
    np.testing.assert_array_equal(full.tracks.positions[0, 2], [[np.nan, np.nan], [5, 6]])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SINGLE, "no tracked frame"),
        (SINGLE + "0,,,\n1,,,\n", "every position in it is missing"),
        (SINGLE + "0,1,2,1\n1,3", "2 of 4 columns"),
        (SINGLE + "0,1,2,1\n0,3,4,1\n", "count frames upwards"),
        (SINGLE + "0.5,1,2,1\n", "count frames upwards"),
        (SINGLE + "0,1,2,1\n1,a,4,1\n", "cannot be read as deeplabcut"),
        (SINGLE + "0,1,2,1\n900,3,4,1\n", "labels, not a track"),
        (SINGLE + "labeled-data/a/img0.png,1,2,1\n", "labelled images"),
        ("scorer,,,me,me\nbodyparts,,,a,a\ncoords,,,x,y\nlabeled-data,vid,img7.png,1,2\n", "labelled images"),
        ("scorer,n,n\nbodyparts,a,a\ncoords,u,v\n0,1,2\n", "no tracked frame"),
        ("frame,u,v\n0,1,2\n", "not recognised as keypoints"),
        ("nothing", "not known"),
        ("", "empty"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        ("time_s,temp_C\n0,20\n", "temperature log"),
    ],
)
def test_tables_that_are_refused(text: str, says: str, tmp_path: Path) -> None:
    refused(write(tmp_path, text), says)


def test_the_content_counts_and_not_the_name(tmp_path: Path, shared: Path) -> None:
    copy = tmp_path / "table.mp4"
    copy.write_bytes((shared / "data/vame/cropped_video.csv").read_bytes())
    assert read_tracks(copy).tracks.n_samples == 750
    (tmp_path / "a.h5").write_text(SINGLE + "0,1,2,1\n")
    assert find_reader(tmp_path / "a.h5").name == "deeplabcut"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("dlc/CollectedData_Pranav.csv", "labelled images"),
        ("dlc/CollectedData_Pranav.h5", "labelled images"),
        ("dlc/CollectedData_shaokai.h5", "labelled images"),
        ("dlc/trimouse_calib_old.h5", "labelled images"),
        ("dlc/briefDeepCut_resnet50_TESTAug16shuffle1_5_skeleton.h5", "bone lengths"),
        ("jabs/sample_file.h5", "no pose"),
        ("mmm/demo_MMM_sC1CON.mat", "behaviour labels, not tracks"),
        ("rats/5_annot.txt", "behaviour labels, not tracks"),
        ("dannce/mouse1_label3d_dannce_v5.mat", "Label3D"),
        ("dannce/mouse1_label3d_dannce_v73.mat", "Label3D"),
        ("autogaita/25mm.xlsx", "swing and stance"),
        ("eks/ibl-paw/3f859b5c-e73a-4044-b49e-34bb81e96715.timestamps.left.npy", "timestamps"),
        ("vame/cropped_video.mp4", "it is a video"),
    ],
)
def test_real_files_that_are_refused(name: str, says: str, shared: Path) -> None:
    refused(shared / "data" / name, says)


def test_what_is_no_file(tmp_path: Path) -> None:
    refused(tmp_path, "it is a folder")
    refused(tmp_path / "none.h5", "no such file")
    with pytest.raises(InputError, match="no such file"):
        parts(tmp_path / "none.h5")


def test_damaged_files(tmp_path: Path) -> None:
    for start, says in ((b"\x89HDF\r\n\x1a\n", "HDF5"), (b"PK\x03\x04", "zip"), (b"\x93NUMPY\1\0", "numpy")):
        path = tmp_path / "a.bin"
        path.write_bytes(start + b"\0\1\2" * 50)
        refused(path, says)


def test_parts_of_the_reference_windows(shared: Path) -> None:
    path = shared / "data/atlas/jellyfish.npz"
    assert parts(path)[:2] == LABELS
    assert len(parts(path)) == 4
    file = read_tracks(path, LABELS[1])
    assert len(file.tracks.individuals) == 6
    assert file.labels == {"label": LABELS[1]}
    assert file.tracks.rows[0][0] == 833
    assert parts(shared / "data/atlas/fish.npz") == ()
    refused(path, "no part 'nothing'; choose from 20", "nothing")
    refused(shared / "data/atlas/fish.npz", "leave the part out", "nothing")


def test_arrays(tmp_path: Path, shared: Path) -> None:
    path = tmp_path / "a.npy"
    signal = np.random.default_rng(0).random((30, 2))
    np.save(path, np.stack([signal[i : i + 10] for i in range(0, 21, 5)]))
    cut = read_tracks(path).tracks
    assert np.array_equal(cut.values[0], signal)
    np.save(path, np.full((4, 5), np.nan))
    refused(path, "every position in it is missing")
    np.save(path, np.array([[{}]]), allow_pickle=True)
    refused(path, "holds objects")
    for shape in ((0, 5), (5, 2), (2, 3, 4, 5), (), (7,)):
        np.save(path, np.full(shape, 0.5))
        refused(path, "numpy file|timestamps")
    pose = read_tracks(shared / "data/deepof/testDLC_sleap_table.npy").tracks
    assert pose.keypoints[:2] == ("kp-0", "kp-1")
    assert pose.individuals == ("track-0",)


def test_archives_that_are_no_windows(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, a_z=np.zeros((4, 5)), a_temps=np.zeros(4), b_z=np.zeros((4, 5)), b_temps=np.zeros(4))
    refused(path, "archive without windows")
    np.savez(path, a_z=np.zeros((4, 5)), a_temps=np.zeros(3))
    refused(path, "a.npz")
    np.savez(path, a_z=np.zeros((4, 5)), a_temps=np.zeros(4), a_labels=np.array(["x", "y"]))
    refused(path, "2 labels for 4 windows")
    np.savez(path, a_z=np.array([[{}]]), a_temps=np.zeros(1))
    refused(path, "a.npz")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "")
    refused(path, "damaged")


def test_a_new_reader_can_be_registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_atlas.io.readers.READERS", dict(READERS))
    pose = Pose(np.zeros((3, 1, 1, 2)), ("a",), ("b",))
    register_reader(
        Reader("mine", "pose", lambda path: path.read_bytes() == b"mine", lambda path, part: TrackFile(pose))
    )
    file = read_tracks(write(tmp_path, "mine"))
    assert file.format == "mine"
    assert file.tracks is pose
