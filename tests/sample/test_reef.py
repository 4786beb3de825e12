"""A tiny reef with videos: every format reads back, and the pictures lie over the tracks."""

from __future__ import annotations

import csv
import hashlib
import json
import time
from pathlib import Path

import av
import h5py
import numpy as np
import pytest
import sleap_io
from scipy.io import loadmat

from napari_atlas.errors import InputError
from napari_atlas.sample.reef import ReefSpec, write_reef
from napari_atlas.sample.renderer import shoal_painter

TINY = ReefSpec("tiny", jellyfish_recordings=1, stickleback_recordings=2, jellyfish_seconds=4, stickleback_seconds=4)


def digest(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def reef(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reef")
    begin = time.monotonic()
    events = list(write_reef(folder, TINY))
    return folder, events, time.monotonic() - begin


@pytest.fixture(scope="module")
def manifest(reef):
    return json.loads((reef[0] / "reef.json").read_text(encoding="utf-8"))


def entry(manifest, name):
    return next(recording for recording in manifest["recordings"] if recording["id"] == name)


def frames_of(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return stream.average_rate, [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]


def test_progress_counts_up_to_the_total(reef):
    _, events, _ = reef
    assert {event.kind for event in events} == {"progress"}
    assert [event.done for event in events] == list(range(1, events[0].total + 1))


def test_small_and_quick(reef):
    folder, _, seconds = reef
    assert seconds < 20
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 3e6


def test_no_temporary_files_stay(reef):
    assert not list(reef[0].rglob(".part-*"))


def test_same_seed_same_bytes_other_seed_other_bytes(reef, tmp_path):
    list(write_reef(tmp_path / "again", TINY))
    assert digest(tmp_path / "again") == digest(reef[0])
    plain = ReefSpec("tiny", 1, 1, jellyfish_seconds=4, stickleback_seconds=4, seed=1, video=False)
    list(write_reef(tmp_path / "other", plain))
    name = "jellyfish/20to36/hulls.mat"
    assert digest(tmp_path / "other")[name] != digest(reef[0])[name]


def test_manifest_names_files_that_exist(reef, manifest):
    names = [recording["id"] for recording in manifest["recordings"]]
    assert names == ["jellyfish-20to36", "stickleback-17C-a", "stickleback-22.5C-a"]
    assert [species["signal"] for species in manifest["species"]] == ["hull-area-rate", "centroid-speed"]
    for recording in manifest["recordings"]:
        files = [recording["tracks"], recording["video"], *recording["temperature"].get("file", "").split()]
        assert all((reef[0] / file).is_file() for file in files)
    assert entry(manifest, "stickleback-17C-a")["temperature"] == {"folder": True}


def test_manifest_is_written_last(tmp_path):
    work = write_reef(tmp_path, TINY)
    next(work)
    work.close()
    assert not (tmp_path / "reef.json").exists()
    assert not list(tmp_path.rglob(".part-*"))


def test_hulls_read_back_as_struct_with_cell(reef, manifest):
    recording = entry(manifest, "jellyfish-20to36")
    hull = loadmat(reef[0] / recording["tracks"])["hull"]
    assert hull.shape == (1, 2)
    cell, area = hull[0, 0]["ConvexHull"], hull[0, 0]["Area"]
    assert cell.shape == area.shape == (1, 120)
    sizes = {polygon.shape for polygon in cell[0]}
    assert sizes == {(0, 0), (25, 2)}
    empty = np.array([len(polygon) == 0 for polygon in cell[0]])
    np.testing.assert_array_equal(np.isnan(area[0]), empty)


def test_hulls_are_convex_and_closed(reef, manifest):
    hull = loadmat(reef[0] / entry(manifest, "jellyfish-20to36")["tracks"])["hull"]
    polygon = next(p for p in hull[0, 0]["ConvexHull"][0] if len(p)).astype(float)
    np.testing.assert_array_equal(polygon[0], polygon[-1])
    sides = np.diff(polygon, axis=0)
    turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
    assert (turns > 0).all() or (turns < 0).all()


def test_thermocouple_starts_before_the_light(reef, manifest):
    path = reef[0] / entry(manifest, "jellyfish-20to36")["temperature"]["file"]
    assert path.read_text().splitlines()[0] == "time_s,measured_temp_C,setpoint_temp_C"
    times, measured, wanted = np.loadtxt(path, delimiter=",", skiprows=1).T
    assert times[0] == -20
    assert times[-1] > 4
    assert abs(measured - wanted).max() < 0.3
    assert wanted[0] == 20
    assert wanted[-1] == 36


def test_analysis_reads_back(reef, manifest):
    with h5py.File(reef[0] / entry(manifest, "stickleback-17C-a")["tracks"]) as file:
        assert file["tracks"].shape == (3, 2, 5, 484)
        assert file["track_occupancy"].shape == (484, 3)
        assert file["node_names"][()].tolist() == [b"snout", b"body_1", b"body_2", b"body_3", b"tail"]
        assert file["track_names"][()].tolist() == [b"track_0", b"track_1", b"track_2"]
        occupied = file["track_occupancy"][()].T.astype(bool)
        known = np.isfinite(file["tracks"][()]).all(axis=1)
    assert not known.transpose(0, 2, 1)[~occupied].any()
    assert (~occupied).any(axis=1).all()
    assert (~known.transpose(0, 2, 1)[occupied]).any()


def test_slp_reads_back(reef, manifest):
    labels = sleap_io.load_slp(str(reef[0] / entry(manifest, "stickleback-22.5C-a")["tracks"]), open_videos=False)
    assert [track.name for track in labels.tracks] == ["track_0", "track_1", "track_2", "track_3"]
    assert labels.skeleton.node_names == ["snout", "body_1", "body_2", "body_3", "tail"]
    assert Path(labels.video.filename).name == "video.mp4"
    assert max(frame.frame_idx for frame in labels) == 483
    counts = [len(frame.instances) for frame in labels]
    assert min(counts) < max(counts) == 4


@pytest.mark.parametrize(
    ("name", "fps", "count"), [("jellyfish-20to36", 30, 10 + 120), ("stickleback-22.5C-a", 121, 484)]
)
def test_video_has_exactly_the_tracked_frames(reef, manifest, name, fps, count):
    rate, frames = frames_of(reef[0] / entry(manifest, name)["video"])
    assert rate == fps
    assert len(frames) == count
    assert frames[0].shape == (240, 320, 3)


def test_video_can_be_sought(reef, manifest):
    with av.open(str(reef[0] / entry(manifest, "stickleback-17C-a")["video"])) as container:
        keys = [i for i, packet in enumerate(container.demux(video=0)) if packet.is_keyframe]
    assert max(np.diff([*keys, 484])) <= 60


def test_bells_are_drawn_where_their_hulls_are(reef, manifest):
    recording = entry(manifest, "jellyfish-20to36")
    hull = loadmat(reef[0] / recording["tracks"])["hull"]
    _, frames = frames_of(reef[0] / recording["video"])
    sample = next(i for i, polygon in enumerate(hull[0, 0]["ConvexHull"][0]) if len(polygon))
    polygon = hull[0, 0]["ConvexHull"][0][sample].astype(float)
    picture = frames[sample + recording["tracking_start_frame"]][..., 0].astype(float)
    middle = polygon[:-1].mean(axis=0)

    def light(scale: float) -> float:
        x, y = np.clip(np.rint(middle + scale * (polygon - middle)).astype(int), 0, (319, 239)).T
        return float(picture[y, x].mean())

    assert light(0.9) > 2 * light(1.12)


def test_fish_are_drawn_where_their_nodes_are(reef, manifest):
    recording = entry(manifest, "stickleback-17C-a")
    with h5py.File(reef[0] / recording["tracks"]) as file:
        tracks = file["tracks"][()]
    _, frames = frames_of(reef[0] / recording["video"])
    water = shoal_painter(np.empty((0, 1, 5, 2)), 0)(0).astype(float)
    contrast = np.abs(np.array(frames[::11]) - water).max(axis=-1)
    moment, body = np.nonzero(np.isfinite(tracks[0, 0, 1:4, ::11].T))
    x, y = np.rint(tracks[0, :, 1:4, ::11][:, body, moment]).astype(int)
    assert np.mean(contrast[moment, y, x] > 40) > 0.95
    assert np.mean(contrast > 40) < 0.05


def test_truth_covers_every_frame(reef, manifest):
    with (reef[0] / manifest["truth"]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["species", "recording", "individual", "second", "temperature_c", "hidden_state"]
    for recording in manifest["recordings"]:
        for name in recording["individuals"]:
            mine = [row for row in rows if (row["recording"], row["individual"]) == (recording["id"], name)]
            seconds = [int(row["second"]) for row in mine]
            assert seconds == list(range(seconds[0], seconds[-1] + 1))
            assert seconds[0] <= -recording["led_on_frame"] / recording["fps"]
            assert all(0 <= float(row["hidden_state"]) <= 1 for row in mine)


@pytest.mark.parametrize(
    ("field", "value"),
    [("jellyfish_recordings", 0), ("stickleback_individuals", (3, 2)), ("stickleback_seconds", 1.0)],
)
def test_impossible_reefs_are_refused(field, value):
    with pytest.raises(InputError, match=field):
        ReefSpec("bad", **{field: value})


def test_a_file_is_no_folder(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(InputError, match="choose a folder"):
        list(write_reef(path, TINY))


def test_a_fault_in_a_thread_reaches_the_caller(tmp_path):
    (tmp_path / "jellyfish").write_text("in the way")
    with pytest.raises(OSError, match="jellyfish"):
        list(write_reef(tmp_path, TINY))


def test_independent_reef_gives_both_species_a_temperature_file(tmp_path):
    spec = ReefSpec("s", 2, 2, jellyfish_seconds=4, stickleback_seconds=4, video=False, independent=True)
    list(write_reef(tmp_path, spec))
    manifest = json.loads((tmp_path / "reef.json").read_text(encoding="utf-8"))
    files = [tmp_path / recording["temperature"]["file"] for recording in manifest["recordings"]]
    assert len({file.read_text() for file in files}) == 4
    assert all(recording["video"] == "" for recording in manifest["recordings"])
    assert [species["window"] for species in manifest["species"]] == [60, 5]
