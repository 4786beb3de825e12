"""A folder as it is found in a lab: what is wrong with it is told in one line, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from napari_atlas import _import, _pool, workflow
from napari_atlas.data.project import AddRequest
from napari_atlas.errors import InputError
from napari_atlas.io import loading
from napari_atlas.io.inspection import inspect_file

Command = Callable[..., tuple[int, str, str]]
FPS = ("--fps", "30")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do tasks in this process, which is faster."""

    def run_tasks(tasks: list[Any], should_stop: Callable[[], bool], n: int) -> Iterator[tuple[int, Any]]:
        yield from ((i, _pool.guarded(_import.perform, task)) for i, task in enumerate(tasks) if not should_stop())

    monkeypatch.setattr(_import, "run_tasks", run_tasks)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    folder = tmp_path / "lab"
    folder.mkdir()
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    workflow.new(tmp_path / "p.atlas")
    return tmp_path / "p.atlas"


def write_pose(path: Path, seed: int = 0, n: int = 300) -> Path:
    """Write two animals that walk about."""
    steps = np.random.default_rng(seed).normal(size=(n, 2, 2, 2)).cumsum(axis=0)
    with h5py.File(path, "w") as file:
        file["tracks"] = steps.transpose(1, 3, 2, 0)
        file["track_occupancy"] = np.ones((n, 2), dtype=np.uint8)
        file["node_names"] = np.array([b"nose", b"tail"])
        file["track_names"] = np.array([b"ada", b"bo"])
        file["edge_inds"] = np.array([[0, 1]])
    return path


def write_log(path: Path, text: str = "time_s,temp_C\n0,20\n100,21\n", encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding)
    return path


def toml(project: Path) -> str:
    return (project / "project.toml").read_text(encoding="utf-8")


def strays(project: Path) -> list[Path]:
    """Return temporary files that were left behind."""
    return [path for path in project.rglob("*") if path.name.endswith(".part")]


def names(project: Path) -> list[str]:
    return [entry.name for entry in workflow.read_project(project).recordings]


def refused(told: tuple[int, str, str], *says: str) -> None:
    status, _, err = told
    assert status == 2, told
    (line,) = err.splitlines()
    assert [text for text in says if text not in line] == [], line


def plan_of(lab: Path, project: Path, atlas: Command, *options: object) -> dict[str, Any]:
    status, out, err = atlas("add", project, "--recursive", lab, "--dry-run", "--json", *options)
    assert status == 0, err
    plan: dict[str, Any] = json.loads(out.splitlines()[-1])["plan"]
    return plan


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders here")
@pytest.mark.parametrize(
    ("before", "cure"),
    [
        ((), "give a file"),
        (("pose.h5", "--video"), "give the video"),
        (("pose.h5", "--timestamps"), "give a file"),
        (("pose.h5", "--temperature"), "neither a number nor a file"),
    ],
)
def test_a_pipe_is_not_waited_for(before: tuple[str, ...], cure: str, lab: Path, project: Path, atlas: Command) -> None:
    os.mkfifo(lab / "pipe.csv")
    write_pose(lab / "pose.h5")
    was = toml(project)
    files = [lab / before[0], *before[1:]] if before else []
    refused(atlas("add", project, *files, lab / "pipe.csv", "--species", "m", *FPS), "pipe.csv", cure)
    assert toml(project) == was
    assert "a pipe" in atlas("inspect", lab / "pipe.csv")[1]


def test_a_folder_with_loops_pipes_and_a_project_in_it(tmp_path: Path, project: Path, atlas: Command) -> None:
    write_pose(tmp_path / "mouse1.h5")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.h5").symlink_to(tmp_path / "nothing.h5")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.csv")
    plan = plan_of(tmp_path, project, atlas, *FPS)
    assert [r["request"]["name"] for r in plan["recordings"]] == ["mouse1"]
    assert plan["left_over"] == []


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("new\nline.h5", "new line"),
        ("tab\tname.h5", "tab name"),
        ("a::b.h5", "a::b"),
        ("-dash.h5", "dash"),
        ("Zürich 東京 🐟.h5", "Zürich 東京 🐟"),
        ("quote\"'[x].h5", "quote\"'[x]"),
        ("n" * 200 + ".h5", "n" * 200),
    ],
)
def test_strange_names(file: str, name: str, lab: Path, project: Path, atlas: Command) -> None:
    write_pose(lab / file)
    write_log(lab / f"{file[:60].removesuffix('.h5')} log.csv")
    status, out, err = atlas("add", project, "--recursive", lab, *FPS)
    assert (status, err) == (0, ""), out
    assert max(map(len, out.splitlines())) < 280, "a table as wide as the longest name cannot be read"
    (entry,) = workflow.read_project(project).recordings
    assert entry.name == name
    assert entry.tracks == lab / file
    assert entry.temperature.file == lab / f"{file[:60].removesuffix('.h5')} log.csv"
    workflow.load_windows(workflow.read_project(project))
    assert atlas("change", project, "--fps", "25", "--", name)[0] == 0
    assert atlas("remove", project, "--", name)[0] == 0


@pytest.mark.skipif(os.name == "nt", reason="all names are text there")
def test_a_name_that_is_no_text(lab: Path, project: Path, atlas: Command) -> None:
    path = write_pose(Path(os.fsdecode(os.fsencode(lab) + b"/bad\xff.h5")))
    write_pose(lab / "good.h5", 1)
    was = toml(project)
    refused(atlas("add", project, path, "--species", "m", *FPS), "not valid text", "rename")
    assert toml(project) == was
    assert atlas("add", project, "--recursive", lab, *FPS)[0] == 0
    assert names(project) == ["good"]


@dataclass(frozen=True)
class Log:
    """A log, and what is said of a recording with it."""

    text: str
    says: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    encoding: str = "utf-8"
    first: float = 20.0


LOGS = {
    "°F without a unit": Log("time_s,temp\n0,72\n10,75\n", ("cannot be °C", "give its unit")),
    "°F with it": Log("time_s,temp\n0,68\n10,75\n", options=("--temperature-unit", "F")),
    "a unit that is none": Log("time_s,temp\n0,72\n", ("'R' is no unit",), ("--temperature-unit", "R")),
    "UTF-16": Log("time_s,temp_C\n0,20\n10,21\n", ("UTF-16", "CSV UTF-8"), encoding="utf-16"),
    "Latin-1": Log("time_s,temp (°C)\n0,20\n10,21\n", encoding="latin-1"),
    "Windows lines": Log("time_s,temp_C\r\n0,20\r\n10,21\r\n"),
    "decimal commas": Log("time_s;temp_C\n0;20,0\n10;21,5\n"),
    "times twice": Log("time_s,temp_C\n0,20\n5,20\n5,22\n10,21\n"),
    "one moment": Log("time_s,temp_C\n0,20\n0,20\n", ("covers 0 to 0 s", "check the log")),
    "clock times": Log("datetime,temp_C\n2024-01-02 10:00:00,20\n2024-01-02 10:01:00,21\n", ("--start",)),
}


@pytest.mark.parametrize("name", LOGS)
def test_logs(name: str, lab: Path, project: Path, atlas: Command) -> None:
    case, was = LOGS[name], toml(project)
    log, tracks = write_log(lab / "log.csv", case.text, case.encoding), write_pose(lab / "m.h5")
    told = atlas("add", project, tracks, "--species", "m", *FPS, "--temperature", log, *case.options)
    if case.says:
        refused(told, *case.says)
        assert toml(project) == was
    else:
        assert told[0] == 0, told
        (entry,) = workflow.read_project(project).recordings
        course = loading.load_recording(workflow.read_project(project), entry).temperature
        assert course.values[0] == pytest.approx(case.first)


def test_a_log_that_ends_before_the_recording(lab: Path, project: Path, atlas: Command) -> None:
    log, tracks = write_log(lab / "log.csv", "time_s,temp_C\n0,20\n4,21\n"), write_pose(lab / "m.h5")
    told = atlas("add", project, tracks, "--species", "m", *FPS, "--temperature", log)
    assert told[0] == 0
    assert "covers 40 % of the tracks" in told[1]
    assert "note" not in atlas("change", project, "m", "--temperature", log, "--extend")[1]


def test_a_log_that_lacks_only_its_unit_is_paired(lab: Path, project: Path, atlas: Command) -> None:
    write_pose(lab / "m.h5")
    write_log(lab / "m.csv", "time_s,temp\n0,72\n10,75\n")
    (planned,) = plan_of(lab, project, atlas, *FPS)["recordings"]
    assert any("give its unit" in note for note in planned["notes"])
    refused(atlas("add", project, "--recursive", lab, *FPS), "m.csv", "give its unit")
    assert atlas("add", project, "--recursive", lab, *FPS, "--temperature-unit", "F")[0] == 0


def test_a_log_of_two_probes_says_which_is_used(lab: Path) -> None:
    log = write_log(lab / "log.csv", "time_s,temp_a,temp_b\n0,20,30\n10,21,31\n")
    (note,) = inspect_file(log)["notes"]
    assert "temp_a is used" in note


@pytest.mark.parametrize(
    ("times", "options", "says", "taken"),
    [
        (np.arange(200) / 30, (), "timestamps for 200 of 300 frames", True),
        (np.arange(400) / 30, (), "400 timestamps for 300 frames", True),
        (np.arange(300) * 33.3, (), "--timestamps-unit", False),
        (np.arange(300) * 33.3, ("--timestamps-unit", "ms"), "added", True),
        (np.repeat(np.arange(150.0), 2), (), "do not rise at row 1", False),
        (np.ones((300, 2)), (), "not one number per frame", False),
    ],
)
def test_timestamps(
    times: np.ndarray, options: tuple[str, ...], says: str, taken: bool, lab: Path, project: Path, atlas: Command
) -> None:
    np.save(lab / "times.npy", times)
    tracks, was = write_pose(lab / "m.h5"), toml(project)
    status, out, err = atlas("add", project, tracks, "--species", "m", "--timestamps", lab / "times.npy", *options)
    assert says in out + err
    assert (status == 0) == taken
    assert (toml(project) == was) == (not taken)


@pytest.mark.parametrize("fps", ["0", "-1", "1e9", "nan", "inf", "fast"])
def test_frame_rates_that_are_none(fps: str, lab: Path, project: Path, atlas: Command) -> None:
    was = toml(project)
    told = atlas("add", project, write_pose(lab / "m.h5"), "--species", "m", "--fps", fps)
    refused(told)
    assert "fps" in told[2] or "frame rate" in told[2]
    assert toml(project) == was


def rows(header: list[str], mark: str = ",") -> str:
    values = np.random.default_rng(0).normal(size=(300, 2)).cumsum(axis=0).round(2)
    body = [
        ",".join([str(i), *([str(x), str(y), "1"] * (header[0].count(",") // 3))]) for i, (x, y) in enumerate(values)
    ]
    return "\n".join([*header, *body]).replace(",", mark) + "\n"


ONCE = ["scorer,n,n,n", "bodyparts,nose,nose,nose", "coords,x,y,likelihood"]
TWICE = [f"{line},{line.split(',', 1)[1]}" for line in ONCE]
TABLES = {
    "keypoints twice": (rows(TWICE), "utf-8", "pose", "nose are there twice"),
    "semicolons": (rows(ONCE, ";"), "utf-8", "unknown", "saved anew"),
    "UTF-16": (rows(ONCE), "utf-16", "unknown", "CSV UTF-8"),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_that_were_saved_anew(name: str, lab: Path) -> None:
    text, encoding, kind, says = TABLES[name]
    (lab / "m.csv").write_text(text, encoding=encoding)
    found = inspect_file(lab / "m.csv")
    assert (found["kind"], says in " ".join(found["notes"])) == (kind, True), found["notes"]


NONSENSE: dict[str, tuple[dict[str, Any], str]] = {
    "a rate in words": ({"fps": "fast"}, "recording 1: fps is 'fast', which is no number"),
    "a tick in words": ({"extend": "no"}, "neither true nor false"),
    "a frame in words": ({"led_on_frame": "soon"}, "no whole number"),
    "an unknown field": ({"colour": "red"}, "colour is not known"),
    "a list of conditions": ({"conditions": ["a"]}, "no table"),
    "a text of animals": ({"animals": "ada"}, "no list"),
    "no species": ({"species": ""}, "species name: it is empty"),
    "an unknown setting": ({"settings": {"bogus": 1}}, "bogus is not known"),
    "tracks that are gone": ({"tracks": "/nope.h5"}, "there is no such file"),
    "a video that is gone": ({"video": "/nope.mp4"}, "no video at this path"),
    "a rate below zero": ({"fps": -5}, "not a frame rate"),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_a_plan_edited_by_hand(name: str, lab: Path, project: Path, atlas: Command) -> None:
    edit, says = NONSENSE[name]
    write_pose(lab / "mouse.h5")
    plan = plan_of(lab, project, atlas, *FPS)
    plan["recordings"][0]["request"].update(edit)
    (lab / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    was = toml(project)
    refused(atlas("add", project, "--plan", lab / "plan.json"), says, "; ")
    assert toml(project) == was


def test_numbers_in_a_plan_may_stand_for_texts(lab: Path, project: Path, atlas: Command) -> None:
    write_pose(lab / "mouse.h5")
    plan = plan_of(lab, project, atlas, *FPS)
    plan["recordings"][0]["request"].update(name=5, temperature=22.5, covariates={"dose": 3}, video=None)
    (lab / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    assert atlas("add", project, "--plan", lab / "plan.json")[0] == 0
    assert names(project) == ["5"]


def test_two_who_add_the_same_new_species_at_once(lab: Path, project: Path) -> None:
    """The second one had read the project before the first one wrote it."""
    paths = [write_pose(lab / f"mouse{i}.h5", i) for i in range(3)]
    before = workflow.read_project(project)
    for path in paths[:2]:
        grown, _ = _import.with_added(before, AddRequest(path, "mouse", fps=30.0))
        _import.update_project(before, grown)
    assert names(project) == ["mouse0", "mouse1"]
    other, _ = _import.with_added(before, AddRequest(paths[2], "mouse", fps=30.0, settings={"window": 2.0}))
    with pytest.raises(InputError, match="somebody else changed it"):
        _import.update_project(before, other)
    assert names(project) == ["mouse0", "mouse1"]


@pytest.mark.parametrize("verb", ["add", "add --recursive", "change", "remove"])
def test_a_full_disk(verb: str, lab: Path, project: Path, atlas: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow.add(project, AddRequest(write_pose(lab / "m.h5"), "m", fps=30.0))
    new, was = write_pose(lab / "n.h5", 1), toml(project)
    options: dict[str, tuple[object, ...]] = {
        "add": ("add", project, new, "--species", "m", *FPS),
        "add --recursive": ("add", project, "--recursive", lab, *FPS),
        "change": ("change", project, "m", "--fps", "25"),
        "remove": ("remove", project, "m"),
    }

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        refused(atlas(*options[verb]), "No space left on device", "free some space")
    assert toml(project) == was
    assert strays(project) == []
    assert atlas(*options[verb])[0] == 0, "and works once there is room"


def test_a_file_that_changes_while_it_is_read(
    lab: Path, project: Path, atlas: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracks, was, read = write_pose(lab / "m.h5"), toml(project), loading.read_tracks

    def grows(*arguments: Any) -> Any:
        file = read(*arguments)
        os.utime(tracks, ns=(1, 1))
        return file

    monkeypatch.setattr(loading, "read_tracks", grows)
    refused(atlas("add", project, tracks, "--species", "m", *FPS), "changed while it was read", "wait")
    assert toml(project) == was


def test_a_project_that_moved_with_and_without_its_files(tmp_path: Path, lab: Path, atlas: Command) -> None:
    workflow.new(lab / "p.atlas")
    workflow.add(lab / "p.atlas", AddRequest(write_pose(lab / "m.h5"), "m", fps=30.0))
    shutil.move(lab, tmp_path / "moved")
    project = tmp_path / "moved" / "p.atlas"
    assert atlas("change", project, "m", "--fps", "25")[0] == 0
    alone = tmp_path / "deep" / "down" / "p.atlas"
    alone.parent.mkdir(parents=True)
    shutil.move(project, alone)
    assert atlas("change", alone, "m", "--fps", "30")[0] == 0, "the tracks are in the cache"
    shutil.rmtree(alone / "signals")
    refused(atlas("change", alone, "m", "--fps", "25"), "m.h5: it cannot be read", "check the path in project.toml")
    more = write_pose(tmp_path / "moved" / "n.h5", 1)
    assert atlas("add", alone, more, "--species", "m", *FPS)[0] == 0, "one lost file keeps nobody from adding others"
    assert names(alone) == ["m", "n"]


def test_a_mapping_reads_the_tables_that_only_it_can_read(lab: Path, project: Path, atlas: Command) -> None:
    write_pose(lab / "mouse.h5")
    body = "\n".join(f"{i},{i % 7},{i % 5}" for i in range(300))
    (lab / "odd.csv").write_text(f"n,across,down\n{body}\n", encoding="utf-8")
    mapping = lab.parent / "m.toml"
    mapping.write_text('[keypoints.body]\nx = "across"\ny = "down"\n', encoding="utf-8")
    assert len(plan_of(lab, project, atlas, *FPS)["left_over"]) == 1
    assert atlas("add", project, "--recursive", lab, *FPS, "--mapping", mapping)[0] == 0
    entries = workflow.read_project(project).recordings
    assert {e.name: e.mapping for e in entries} == {"mouse": Path(), "odd": mapping}
    refused(atlas("add", project, "--recursive", lab, "--mapping", lab / "none.toml"), "none.toml")


def test_one_reason_is_told_once(lab: Path, project: Path, atlas: Command) -> None:
    for i in range(30):
        (lab / f"note{i:02}.txt").write_text("hello", encoding="utf-8")
    _, out, _ = atlas("add", project, "--recursive", lab, "--dry-run")
    (line,) = [line for line in out.splitlines() if "note" in line]
    assert line.startswith("  note00.txt, note01.txt, note02.txt, note03.txt and 26 more: ")
    assert "0 recordings, 30 files left over" in out


def test_wasps_are_no_beetles(shared: Path, project: Path, atlas: Command) -> None:
    """All animals of one program have the same keypoints."""
    folders = (shared / "data" / "mover", shared / "data" / "movement-data" / "trex")
    recursive = [text for folder in folders for text in ("--recursive", folder)]
    status, out, _ = atlas("add", project, *recursive, "--dry-run", "--json")
    plan = json.loads(out.splitlines()[-1])["plan"]
    species = {r["request"]["name"]: r["request"]["species"] for r in plan["recordings"]}
    assert status == 0
    assert [name for name, each in species.items() if each == "beetle"] == ["beetle"]


def test_a_copy_for_scrubbing_is_made_of_a_video_that_is_found_again(
    shared: Path, lab: Path, project: Path, atlas: Command
) -> None:
    video = lab / "v.mp4"
    shutil.copy(shared / "data" / "dlc" / "m3v1mp4short.mp4", video)
    workflow.add(project, AddRequest(write_pose(lab / "m.h5"), "m", video=video))
    (lab / "films").mkdir()
    shutil.move(video, lab / "films" / "v.mp4")
    assert "the one of that name" in atlas("change", project, "m", "--fps", "30")[1]
    assert atlas("proxy", project)[0] == 0
    shutil.move(lab / "films", lab.parent.parent / f"{lab.parent.name}-away")
    refused(atlas("proxy", project), "v.mp4: there is no video at this path", "change PROJECT RECORDING --video PATH")
