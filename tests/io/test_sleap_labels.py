"""SLEAP label files, read as tables: the same as sleap-io gives object by object."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_atlas.data.pose import Pose
from napari_atlas.errors import InputError
from napari_atlas.io import _sleap_labels
from napari_atlas.io.readers import find_reader, read_tracks

Instances = list[tuple[int, bool, int]]  # track (-1 for none), whether predicted, a number that tells them apart


def write_slp(path: Path, frames: dict[tuple[int, int], Instances], names: tuple[str, ...] = ("a", "b", "c")) -> Path:
    """Write instances of 3 nodes, per (video, frame)."""
    import sleap_io as sio

    skeleton = sio.Skeleton(["tail", "nose", "body"], edges=[("nose", "body"), ("body", "tail")])
    skeleton.add_symmetry("nose", "tail")
    tracks = [sio.Track(name) for name in names]
    videos = [sio.Video(f"cam{i}.mp4", open_backend=False) for i in range(1 + max(video for video, _ in frames))]
    made = []
    for (video, frame), instances in frames.items():
        found = []
        for track, predicted, number in instances:
            points = np.arange(6.0).reshape(3, 2) + 10 * number
            points[number % 3] = np.nan
            owner = tracks[track] if track >= 0 else None
            if predicted:
                scores = np.full(3, number / 100)
                found.append(sio.PredictedInstance.from_numpy(points, skeleton, point_scores=scores, track=owner))
            else:
                found.append(sio.Instance.from_numpy(points, skeleton, track=owner))
        made.append(sio.LabeledFrame(video=videos[video], frame_idx=frame, instances=found))
    sio.Labels(made, videos=videos, tracks=tracks, skeletons=[skeleton]).save(str(path), embed=False)
    return path


def by_objects(path: Path) -> tuple[np.ndarray, np.ndarray, list[str], list[tuple[int, int]]]:
    """Return positions, confidence, keypoints and edges of the first video, through sleap-io's objects."""
    import sleap_io as sio

    labels = sio.load_slp(str(path), open_videos=False)
    frames = [frame for frame in labels.labeled_frames if len(frame.instances)]
    first = next(video for video in labels.videos if any(frame.video is video for frame in frames))
    frames = [frame for frame in frames if frame.video is first]
    used = {id(i.track) for frame in frames for i in frame.instances if i.track is not None}
    rows = {id(track): i for i, track in enumerate(t for t in labels.tracks if id(t) in used)}
    skeleton = frames[0].instances[0].skeleton
    n_tracks = len(rows) or max(len(f.user_instances or f.predicted_instances) for f in frames)
    shape = (max(int(f.frame_idx) for f in frames) + 1, n_tracks, len(skeleton.nodes))
    positions, confidence = np.full((*shape, 2), np.nan), np.full(shape, np.nan)
    for frame in frames:
        ordered = [*frame.predicted_instances, *frame.user_instances]
        if rows:
            chosen = [(rows[id(i.track)], i) for i in ordered if i.track is not None]
        else:
            chosen = list(enumerate(frame.user_instances or frame.predicted_instances))
        for row, instance in chosen:
            positions[frame.frame_idx, row] = instance.numpy()
            scored = "score" in instance.points.dtype.names
            confidence[frame.frame_idx, row] = instance.points["score"] if scored else 1.0
    return positions, confidence, skeleton.node_names, skeleton.edge_inds


def check(path: Path) -> Pose:
    positions, confidence, keypoints, edges = by_objects(path)
    pose = read_tracks(path).tracks
    assert isinstance(pose, Pose)
    np.testing.assert_array_equal(pose.positions, positions)
    np.testing.assert_array_equal(pose.confidence, confidence)
    assert list(pose.keypoints) == list(keypoints)
    assert [tuple(edge) for edge in pose.edges] == [tuple(edge) for edge in edges]
    return pose


def test_all_real_files(shared: Path) -> None:
    files = sorted((shared / "data").rglob("*.slp"))
    assert files
    for path in files:
        try:
            assert find_reader(path).name == "sleap"
        except InputError:
            continue  # hand labels
        check(path)


CORRECTED: dict[tuple[int, int], Instances] = {
    (0, 4): [(0, True, 1), (2, True, 2), (0, False, 3)],
    (0, 1): [(2, False, 4), (2, True, 5), (-1, True, 6)],
    (0, 7): [(0, True, 7), (0, True, 8)],
    (0, 8): [],
}
UNTRACKED: dict[tuple[int, int], Instances] = {
    (0, 0): [(-1, True, 1), (-1, True, 2), (-1, True, 3)],
    (0, 2): [(-1, True, 4), (-1, False, 5), (-1, True, 6), (-1, False, 7)],
    (0, 3): [(-1, True, 8)],
}
OTHER_VIDEO: dict[tuple[int, int], Instances] = {(0, 5): [], (2, 0): [(0, True, 1)], (1, 1): [(1, True, 2)]}


@pytest.mark.parametrize("frames", [CORRECTED, UNTRACKED, OTHER_VIDEO], ids=["corrected", "untracked", "videos"])
def test_the_same_instances_are_chosen(
    frames: dict[tuple[int, int], Instances], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_slp(tmp_path / "a.slp", frames)
    pose = check(path)
    monkeypatch.setattr(_sleap_labels, "_BLOCK", 1)
    np.testing.assert_array_equal(read_tracks(path).tracks.positions, pose.positions)


def test_what_a_user_corrected_goes_before_what_was_predicted(tmp_path: Path) -> None:
    file = read_tracks(write_slp(tmp_path / "a.slp", CORRECTED))
    assert file.tracks.individuals == ("a", "c")
    assert file.tracks.positions[4, 0, 1].tolist() == [32, 33]
    assert file.tracks.confidence[4, :, 1].tolist() == [1, 0.02]
    assert "1 instances without a track were left out." in file.notes


def test_the_first_video_with_instances_is_named(tmp_path: Path) -> None:
    file = read_tracks(write_slp(tmp_path / "a.slp", OTHER_VIDEO))
    assert file.tracks.positions.shape[:2] == (2, 1)
    assert "The file names the video cam1.mp4." in file.notes
    assert any("3 videos" in note for note in file.notes)


def test_tracks_without_names(tmp_path: Path) -> None:
    pose = check(write_slp(tmp_path / "a.slp", CORRECTED, ("", "", "")))
    assert pose.individuals == ("track-0", "track-1")


@pytest.mark.parametrize(("version", "corner"), [(1.0, 0.5), (1.1, 0.0), (1.2, 0.0)])
def test_older_files_count_from_the_corner_of_a_pixel(version: float, corner: float, tmp_path: Path) -> None:
    path = write_slp(tmp_path / "a.slp", CORRECTED)
    before = check(path).positions
    with h5py.File(path, "r+") as file:
        file["metadata"].attrs["format_id"] = version
        if version < 1.2:
            table = file["instances"][()]
            del file["instances"]
            file["instances"] = table[[name for name in table.dtype.names if name != "tracking_score"]]
    np.testing.assert_array_equal(check(path).positions, before - corner)


def test_points_that_are_marked_invisible_are_missing(tmp_path: Path) -> None:
    path = write_slp(tmp_path / "a.slp", {(0, 0): [(0, True, 1)], (0, 1): [(0, True, 2)]})
    with h5py.File(path, "r+") as file:
        points = file["pred_points"][()]
        points["visible"][0] = False
        file["pred_points"][...] = points
    assert np.isnan(check(path).positions[0, 0, 0]).all()


def test_files_that_hold_nothing_or_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it holds no instance"):
        read_tracks(write_slp(tmp_path / "a.slp", {(0, 0): []}))
    path = write_slp(tmp_path / "b.slp", {(0, 0): [(0, True, 1)]})
    with h5py.File(path, "r+") as file:
        table = file["instances"][()]
        table["point_id_end"] -= 1
        file["instances"][...] = table
    with pytest.raises(InputError, match="different skeletons"):
        read_tracks(path)
