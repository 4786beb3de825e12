"""Which files belong together: by names, then by lengths, and never where it is not clear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from napari_atlas.data.plans import FoundFile, ImportPlan, PlannedRecording
from napari_atlas.data.project import AddRequest
from napari_atlas.errors import InputError
from napari_atlas.io.pairing import pair_files
from napari_atlas.io.scanning import files_of, look_at

ROOT = Path("/lab")
NODES = ("nose", "tail")
KINDS = {".csv": "pose", ".h5": "pose", ".slp": "pose", ".mat": "outline", ".mp4": "video", ".txt": "labels"}


def found(name: str, n_frames: int = 0, **values: Any) -> FoundFile:
    path = ROOT / name
    kind = values.pop("kind", KINDS.get(path.suffix, "unknown"))
    animal = {"individuals": ("a",), "keypoints": NODES} if kind == "pose" else {}
    streams = {"columns": ("S1",)} if kind == "labels" else {}
    return FoundFile(path, **{"kind": kind, "n_frames": n_frames, **animal, **streams, **values})


def planned(*files: FoundFile, same: bool = False, **asked: Any) -> ImportPlan:
    wishes = AddRequest(Path(), asked.pop("species", ""), **asked)
    return pair_files([ROOT], files, wishes, same=lambda a, b: same)


def only(plan: ImportPlan) -> PlannedRecording:
    (recording,) = plan.recordings
    return recording


@pytest.mark.parametrize(
    ("tracks", "video"),
    [
        ("m1DLC_resnet50_openfieldApr8shuffle1_1000.csv", "m1.mp4"),
        ("m1DeepCut_resnet50_openfieldApr8shuffle1_1000.csv", "m1.mp4"),
        ("m1.predictions.slp", "m1.mp4"),
        ("labels.v001.000_m1.analysis.h5", "m1.mp4"),
        ("180607_004.train_frames=75.rng=0.csv", "180607_004.mp4"),
        ("m1_superanimal_topviewmouse_hrnet.h5", "m1.mp4"),
        ("Mäuse 1.csv", "Mäuse 1.mp4"),
        ("m1.csv", "m1_cam0.mp4"),
        ("x" * 190 + ".csv", "x" * 190 + ".mp4"),
    ],
)
def test_names_of_known_programs_lead_to_the_video(tracks: str, video: str) -> None:
    plan = planned(found(tracks, 500), found(video, 499), found("zz.mp4", 500))
    assert only(plan).request.video == ROOT / video
    assert [left.found.path.name for left in plan.left_over] == ["zz.mp4"]


def test_the_number_decides_between_recordings_that_are_called_alike() -> None:
    files = [found(f"mouse{i}.csv", 100) for i in range(1, 12)] + [found(f"mouse{i}.mp4", 100) for i in range(1, 12)]
    assert all(r.request.video.stem == r.found.path.stem for r in planned(*files).recordings)


def test_a_video_that_the_tracks_name_wins_over_one_of_the_same_name() -> None:
    plan = planned(found("a.slp", 9, video_names=("cam7.mp4",)), found("a.mp4", 9), found("cam7.mp4", 9))
    assert only(plan).request.video.name == "cam7.mp4"


def test_a_named_video_of_another_folder_and_length_is_not_taken() -> None:
    plan = planned(found("one/a.slp", 9, video_names=("video.mp4",)), found("two/video.mp4", 500))
    assert only(plan).request.video == Path()


@pytest.mark.parametrize("folders", [(".", "videos"), ("tracks", "videos"), ("csv", "."), ("dlc_csv", "raw")])
def test_files_are_found_in_folders_beside(folders: tuple[str, str]) -> None:
    plan = planned(found(f"{folders[0]}/m1.csv", 100), found(f"{folders[1]}/m1.mp4", 300))
    assert only(plan).request.video.name == "m1.mp4"


def test_another_day_is_not_a_folder_beside() -> None:
    plan = planned(found("day1/m1.csv", 100), found("day2/m1.mp4", 300))
    assert only(plan).request.video == Path()
    assert "lies in day2 and has 300 frames" in " ".join(only(plan).notes)


def test_two_files_that_fit_equally_well_are_named_and_not_taken() -> None:
    plan = planned(found("m1.csv", 100), found("m1_a.mp4", 300), found("m1_b.mp4", 300))
    assert only(plan).request.video == Path()
    assert "video: m1_a.mp4 and m1_b.mp4 fit equally well; choose one" in only(plan).notes


def test_the_length_decides_where_names_do_not() -> None:
    plan = planned(found("m1.csv", 100), found("m1_a.mp4", 100), found("m1_b.mp4", 300))
    assert only(plan).request.video.name == "m1_a.mp4"


def test_lengths_pair_files_without_a_like_name() -> None:
    files = found("trial.csv", 100), found("other.csv", 200), found("left.mp4", 201), found("right.mp4", 99)
    plan = planned(*files)
    assert {r.request.name: r.request.video.name for r in plan.recordings} == {
        "trial": "right.mp4",
        "other": "left.mp4",
    }


def test_lengths_that_several_share_pair_nothing() -> None:
    plan = planned(found("trial.csv", 100), found("other.csv", 100), found("left.mp4", 100))
    assert all(r.request.video == Path() for r in plan.recordings)


def test_the_only_video_of_a_folder_needs_no_name() -> None:
    files = [found(f"{day}/{name}", 100) for day in ("mon", "tue") for name in ("tracks.csv", "video.mp4")]
    plan = planned(*files)
    assert [(r.request.name, r.request.video.parent.name) for r in plan.recordings] == [
        ("mon tracks", "mon"),
        ("tue tracks", "tue"),
    ]


def test_views_do_not_take_each_others_files() -> None:
    stamps = [
        found(f"s.timestamps.{side}.npy", n, kind="timestamps", fps=50) for side, n in (("left", 9), ("right", 7))
    ]
    plan = planned(found("s.left.rng=0.csv", 9), found("s.right.rng=0.csv", 7), *stamps)
    assert [r.request.timestamps.name for r in plan.recordings] == ["s.timestamps.left.npy", "s.timestamps.right.npy"]
    assert [r.fps for r in plan.recordings] == [50, 50]
    assert "a view of the same animals as s.right; each view is a recording of its own" in plan.recordings[0].notes


def test_a_video_with_the_tracks_drawn_in_is_left_over() -> None:
    stem = "m1DLC_resnet50_xApr8shuffle1_9"
    plan = planned(found(f"{stem}.csv", 9), found("m1.mp4", 9), found(f"{stem}_labeled.mp4", 9))
    assert only(plan).request.video.name == "m1.mp4"
    assert plan.left_over[0].reason == "a video with something drawn in"


def test_several_animals_in_files_of_their_own_share_a_video() -> None:
    plan = planned(found("film_fish1.csv", 9), found("film_fish2.csv", 9), found("film.mp4", 9))
    assert {r.request.video.name for r in plan.recordings} == {"film.mp4"}
    assert "video: also that of film_fish2.csv" in plan.recordings[0].notes


def test_lengths_that_differ_are_told() -> None:
    longer = only(planned(found("m.csv", 901), found("m.mp4", 121)))
    assert "the tracks have 901 frames, the video 121: frames from 121 on have no picture" in longer.notes
    shorter = only(planned(found("m.csv", 100), found("m.mp4", 121)))
    assert "the video has 121 frames, the tracks 100: the rest of the video has no poses" in shorter.notes
    assert longer.video_frames == 121


def test_labels_and_logs_are_paired_too() -> None:
    log = found("5_temperature.csv", kind="temperature")
    plan = planned(found("5DLC_dlcrnetms5_ratJan24shuffle1_5000_el_filtered.csv", 9), found("5_annot.txt"), log)
    assert only(plan).labels == ROOT / "5_annot.txt"
    assert only(plan).request.covariates == {"behaviour": str(ROOT / "5_annot.txt")}
    assert Path(only(plan).request.temperature).name == "5_temperature.csv"


def test_the_only_log_of_a_folder_belongs_to_the_hulls() -> None:
    log = found("cl100.csv", kind="temperature")
    plan = planned(found("jelly_tracked.mat", 9), found("fish.csv", 9), log)
    told = {r.request.name: Path(r.request.temperature).name for r in plan.recordings}
    assert told == {"fish": "", "jelly": "cl100.csv"}


def test_a_column_of_the_tracks_tells_the_temperature_and_streams_are_covariates() -> None:
    labels = found("a_annot.txt", columns=("S1", "S2"))
    request = only(planned(found("a.csv", 9, columns=("Temp_C",)), labels)).request
    assert request.temperature == "column:Temp_C"
    assert request.covariates == {name: f"{ROOT}/a_annot.txt::{name}" for name in ("S1", "S2")}


def test_a_log_that_may_belong_to_several_is_left_over() -> None:
    plan = planned(found("a.mat", 9), found("b.mat", 9), found("cl100.csv", kind="temperature"))
    assert not any(r.request.temperature for r in plan.recordings)
    assert "several equally well" in plan.left_over[0].reason


def test_the_folders_name_tells_the_temperature_and_what_was_asked_for_wins() -> None:
    assert only(planned(found("22.5C/a.csv", 9))).request.temperature == "folder"
    assert only(planned(found("22.5C/a.csv", 9), temperature="20")).request.temperature == "20"
    nothing = only(planned(found("a.csv", 9)))
    assert not nothing.request.temperature
    assert not any("°C" in note for note in nothing.notes)


@pytest.mark.parametrize(
    ("kept", "other"),
    [
        ("m1_filtered.csv", "m1.csv"),
        ("m1.h5", "m1.csv"),
        ("m1.analysis.h5", "m1.slp"),
        ("m1.rng=0.csv", "m1.rng=1.csv"),
        ("m1DLC_resnet50_xApr8shuffle1_9_filtered.csv", "m1DLC_resnet50_xApr8shuffle1_9.h5"),
    ],
)
def test_of_the_same_tracks_one_is_planned_and_the_other_can_be_chosen(kept: str, other: str) -> None:
    plan = planned(found(other, 100), found(kept, 100))
    assert only(plan).found.path.name == kept
    assert plan.left_over[0].reason == f"the same tracks as {kept}"
    swapped = plan.swapped(ROOT / other)
    assert only(swapped).request.tracks.name == only(swapped).found.path.name == other
    assert swapped.left_over[0].reason == f"the same tracks as {other}"
    assert swapped.swapped(ROOT / kept) == plan
    with pytest.raises(InputError, match="no recording holds the same tracks"):
        plan.swapped(ROOT / kept)


@pytest.mark.parametrize(
    "files",
    [
        (found("mouse1.csv", 100), found("mouse2.csv", 100)),
        (found("day1/m.csv", 100), found("day2/m.csv", 100)),
        (found("m.csv", 100), found("m_filtered.csv", 200)),
        (found("m.top.csv", 100), found("m.bot.csv", 100)),
        (found("m.csv", 100), found("m_saline.csv", 100)),
    ],
)
def test_other_tracks_are_no_twins(files: tuple[FoundFile, FoundFile]) -> None:
    assert len(planned(*files).recordings) == 2


def test_copies_are_left_over_wherever_they_lie() -> None:
    plan = planned(found("a/m.csv", 100, digest="77"), found("b/copy.csv", 100, digest="77"))
    assert len(plan.recordings) == 1
    assert plan.left_over[0].reason.startswith("a copy of")


def test_doubtful_twins_are_read() -> None:
    files = found("jelly.mat", 100), found("jelly_cell_of_struct.mat", 100)
    assert len(planned(*files, same=True).recordings) == 1
    assert len(planned(*files, same=False).recordings) == 2


def test_species_are_told_by_animals_skeletons_and_folders() -> None:
    other = {"keypoints": ("paw",)}
    files = [
        found("rigA/mice/one.csv", 1),
        found("rigA/mouse7.csv", 2),
        found("rigA/mouse8.csv", 3, **other),
        found("rigB/trial.csv", 4, keypoints=("x",)),
        found("rigB/zebrafish_3.csv", 5),
    ]
    told = {r.found.path.name: r.request.species for r in planned(*files).recordings}
    assert told == {
        "one.csv": "mouse",
        "mouse7.csv": "mouse",
        "mouse8.csv": "mouse-2",
        "trial.csv": "rigB",
        "zebrafish_3.csv": "zebrafish",
    }
    trex = found("wasps/film_fish1.npz", 9, kind="pose", format="trex-npz")
    assert only(planned(trex)).request.species == "wasp"
    assert {r.request.species for r in planned(*files, species="all").recordings} == {"all"}


def test_days_of_one_skeleton_are_one_species() -> None:
    plan = planned(found("day1/a.csv", 1), found("day2/b.csv", 1))
    assert list(plan.by_species) == ["species-1"]


def test_names_are_all_different() -> None:
    networks = [found(f"m1DLC_resnet50_{n}Oct2shuffle1_9.csv", 9, keypoints=(n,)) for n in ("beam", "body")]
    files = [found("mon/x.csv", 1), found("tue/x.csv", 1), *networks]
    plan = pair_files([ROOT], files, AddRequest(Path(), ""), taken=["mon x"])
    names = [r.request.name for r in plan.recordings]
    assert len({*names, "mon x"}) == 5


def test_the_frame_rate_is_asked_for_only_where_no_file_tells_it() -> None:
    unknown = planned(found("a.csv", 9)).recordings[0]
    assert unknown.fault == "the frame rate is not known: give it"
    assert not unknown.ready
    assert unknown.changed(fps=25.0).ready
    told = only(planned(found("a.csv", 9), found("a.mp4", 9, fps=30), fps=25))
    assert (told.request.fps, told.fps) == (0.0, 30)
    assert only(planned(found("a.csv", 9), fps=25)).fps == 25
    assert only(planned(found("a.npz", 9, kind="windows"))).ready


def test_a_plan_survives_json_and_says_what_is_wrong_in_one() -> None:
    plan = planned(found("a.csv", 9), found("b_filtered.csv", 8), found("b.csv", 8), species="s")
    told = plan.as_dict()
    assert ImportPlan.from_dict(told) == plan
    told["recordings"][0]["request"]["fps"] = 25
    assert ImportPlan.from_dict(told).recordings[0].ready
    told["recordings"][0]["request"]["speed"] = 25
    with pytest.raises(InputError, match=r"plan: .*speed is not known"):
        ImportPlan.from_dict(told)


def test_rows_of_a_plan_are_changed_together() -> None:
    plan = planned(found("a.csv", 9), found("b.csv", 8)).changed([0, 1], species="mouse", fps=20.0)
    assert [(r.request.species, r.fps) for r in plan.ready] == [("mouse", 20.0)] * 2
    assert [r.request.name for r in plan.choosing([0], False).ready] == ["b"]


def test_projects_hidden_files_and_loops_are_passed_over(tmp_path: Path) -> None:
    for name in ("a.csv", ".hidden/b.csv", "reef.atlas/c.csv", "__pycache__/d.csv", "~$e.csv", "other/project.toml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    pictures = tmp_path / "frames"
    pictures.mkdir()
    for i in range(3):
        (pictures / f"{i}.png").touch()
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    assert [p.name for p in files_of([tmp_path, tmp_path / "a.csv"])] == ["a.csv", "frames"]
    with pytest.raises(InputError, match="there is no such file or folder; check the path"):
        files_of([tmp_path / "gone"])


def test_a_file_that_is_none_is_told_and_raises_nothing(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.touch()
    told = look_at(path)
    assert told.kind == "unknown"
    assert told.notes


def test_real_folders(shared: Path, tmp_path: Path) -> None:
    for name in ("data/vame", "data/eks", "data/deepof", "golden/preprocess"):
        (tmp_path / Path(name).name).symlink_to(shared / name, target_is_directory=True)
    plan = pair_files([tmp_path], [look_at(path) for path in files_of([tmp_path])], AddRequest(Path(), ""))
    told = {r.found.path.name: r for r in plan.recordings}

    def pair(name: str) -> tuple[str, int, int]:
        return told[name].request.video.name, told[name].n_frames, told[name].video_frames

    assert pair("cropped_video.csv") == ("cropped_video.mp4", 750, 749)
    assert pair("180607_004.train_frames=75.rng=0.csv") == ("180607_004.mp4", 2000, 1000)
    madlc = "test2DLC_csv_table_madlc_901frames.csv", "test2DLC_video_circular_arena_madlc.mp4"
    assert pair(madlc[0]) == (madlc[1], 901, 121)
    paws = "3f859b5c-e73a-4044-b49e-34bb81e96715"
    for side, fps in (("left", 60), ("right", 150)):
        recording = told[f"{paws}.{side}.rng=0.csv"]
        assert recording.request.timestamps.name == f"{paws}.timestamps.{side}.npy"
        assert recording.fps == pytest.approx(fps, abs=1)
    for side in ("top", "bot"):
        recording = told[f"180607_004.train_frames=75.rng=0.{side}.csv"]
        assert recording.request.video == Path()
        assert any("180607_004.mp4 has a like name" in note for note in recording.notes)
    assert Path(told["jelly_tracked.mat"].request.temperature).name == "cl100.csv"
    assert told["fish.analysis.h5"].request.temperature == ""
    assert all(r.request.video == Path() for name, r in told.items() if name.startswith(("testDLC", "fish", "jelly")))
    twins = {left.found.path.name: left.same_as.name for left in plan.left_over if left.same_as != Path()}
    assert twins == {
        "testDLC_sleap.slp": "testDLC_sleap.analysis.h5",
        "testDLC_sleap_table.npy": "testDLC_sleap.analysis.h5",
        "jelly_tracked_cell_of_struct.mat": "jelly_tracked.mat",
    }
