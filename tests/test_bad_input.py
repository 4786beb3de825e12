"""Whatever is wrong with a file: one line that says which, what and the cure, and a project as it was before."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from napari_atlas import workflow
from napari_atlas.data.config import FitConfig
from napari_atlas.data.project import AddRequest

Command = Callable[..., tuple[int, str, str]]
DLC = "scorer,net,net,net\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n"
QUICK = FitConfig(epochs=1, beta_warmup=0, latent_dim=2, device="cpu", split="none")


def tree(folder: Path) -> dict[str, str]:
    """Return the hash of every file in a folder, and an empty text for every folder in it."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in folder.rglob("*")
    }


def write_pose(path: Path, n_frames: int = 900, value: float = 1.0) -> Path:
    """Write two walking animals in a SLEAP analysis file; a *value* of NaN leaves all positions out."""
    steps = np.random.default_rng(0).normal(size=(n_frames, 2, 3, 2))
    with h5py.File(path, "w") as file:
        file["tracks"] = value * steps.cumsum(axis=0).transpose(1, 3, 2, 0)
        file["track_occupancy"] = np.ones((n_frames, 2), dtype=np.uint8)
        file["node_names"] = np.array([b"nose", b"body", b"tail"])
        file["track_names"] = np.array([b"ada", b"bo"])
        file["edge_inds"] = np.array([[0, 1], [1, 2]])
    return path


def write_hulls(path: Path, side: float = 2.0) -> Path:
    cells = np.empty((1, 300), dtype=object)
    for i in range(300):
        cells[0, i] = side * (1 + i % 7) * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    hull = np.empty((1, 1), dtype=[("ConvexHull", object)])
    hull[0, 0]["ConvexHull"] = cells
    scipy.io.savemat(path, {"hull": hull})
    return path


def write_windows(path: Path) -> Path:
    windows = np.random.default_rng(1).random((40, 12))
    if path.suffix == ".npz":
        np.savez(path, a_z=windows, a_temps=np.arange(40.0))
    else:
        np.save(path, windows)
    return path


def write_text(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def write_bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def table(n_frames: int, cell: str = "{i}.25,2.5,1") -> str:
    return DLC + "".join(f"{i},{cell.format(i=i)}\n" for i in range(n_frames))


def cut(path: Path, share: float = 0.5) -> Path:
    """Leave the first part of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a project of one recording of fish, fitted once."""
    folder = tmp_path_factory.mktemp("sound")
    workflow.new(folder / "p.atlas")
    workflow.add(folder / "p.atlas", AddRequest(write_pose(folder / "good.h5"), "fish", fps=30.0))
    list(workflow.fit(folder / "p.atlas", QUICK))
    return folder


@pytest.fixture
def project(sound: Path, tmp_path: Path) -> Path:
    """Return a copy of that project, to be tried to harm."""
    shutil.copytree(sound, tmp_path, dirs_exist_ok=True)
    return tmp_path / "p.atlas"


def refused(told: tuple[int, str, str], where: object, *says: str) -> None:
    """Check for exit status 2, nothing on stdout and one line on stderr, "error: where: what; cure"."""
    status, out, err = told
    assert (status, out) == (2, ""), err
    (line,) = err.splitlines()
    assert line.startswith(f"error: {where}"), line
    assert "Traceback" not in line
    assert re.search(r": [^;]+; \S+", line), f"no cure in: {line}"
    assert [text for text in says if text not in line] == [], line


@dataclass(frozen=True)
class Case:
    """A file that cannot be used: how to make it, what follows it on the command line, what is to be said of it."""

    make: Callable[[Path], Path]
    says: tuple[str, ...]
    options: tuple[str, ...] = ("--fps", "30")


def whole(name: str) -> Callable[[Path], Path]:
    return lambda folder: write_pose(folder / name)


TRACKS = {
    "missing": Case(lambda d: d / "none.h5", ("there is no such file", "check the path")),
    "a folder": Case(lambda d: d, ("it is a folder", "give a file")),
    "empty": Case(lambda d: write_bytes(d / "a.h5", b""), ("it is empty", "copy or export it again")),
    "a picture called .h5": Case(
        lambda d: write_bytes(d / "a.h5", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(300)),
        ("its format is not known", "export the tracks as"),
    ),
    "a text called .mat": Case(lambda d: write_text(d / "a.mat", "hello"), ("its format is not known", "export")),
    "a log for tracks": Case(
        lambda d: write_text(d / "log.csv", "time_s,temp_C\n0,20\n"), ("temperature log", "--temperature")
    ),
    "all-NaN keypoints": Case(
        lambda d: write_pose(d / "a.h5", value=np.nan), ("every position in it is missing", "check the tracking")
    ),
    "all-empty table": Case(
        lambda d: write_text(d / "a.csv", table(300, ",,")), ("every position in it is missing", "check the tracking")
    ),
    "all-NaN hulls": Case(
        lambda d: write_hulls(d / "a.mat", side=np.nan), ("every position in it is missing", "check the tracking")
    ),
    "all-NaN windows": Case(
        lambda d: (np.save(d / "a.npy", np.full((40, 12), np.nan)), d / "a.npy")[1],
        ("every position in it is missing",),
    ),
    "too short for a window": Case(
        lambda d: write_pose(d / "a.h5", n_frames=90), ("no window of 5 s", "shorten the window of species fish")
    ),
    "other windows than the species has": Case(
        lambda d: write_windows(d / "a.npy"),
        ("12 bins per window, but recording good of the same species has 5", "a species name of its own"),
    ),
    "no frame rate": Case(whole("a.h5"), ("fps: the frame rate is unknown", "give it with --fps"), ()),
    "no frame rate that is one": Case(whole("a.h5"), ("fps: -3.0", "such as 30"), ("--fps", "-3")),
    "a name that is taken": Case(whole("a.h5"), ("recording good", "--name"), ("--fps", "30", "--name", "good")),
    "no temperature": Case(
        whole("a.h5"), ("temperature: 'warm'", "neither a number nor a file"), ("--fps", "30", "--temperature", "warm")
    ),
    "an endless temperature": Case(
        whole("a.h5"), ("temperature: inf", "give a number"), ("--fps", "30", "--temperature", "inf")
    ),
    "other settings than the species has": Case(
        whole("a.h5"), ("its stride is 2.0, not 7.0", "leave the setting out"), ("--fps", "30", "--stride", "7")
    ),
}


@pytest.mark.parametrize("name", TRACKS)
def test_tracks_that_cannot_be_added(name: str, project: Path, tmp_path: Path, atlas: Command) -> None:
    case = TRACKS[name]
    (tmp_path / "in").mkdir()
    path, before = case.make(tmp_path / "in"), tree(project)
    refused(atlas("add", project, path, "--species", "fish", *case.options), f"{path}: ", *case.says)
    assert tree(project) == before


NEW_SPECIES = {
    "no name": (("--species", ""), ("species name: it is empty", "give a name")),
    "unknown signal": (("--species", "n", "--signal", "heat"), ("signal: 'heat' is not known", "choose from")),
    "signal of other tracks": (("--species", "n", "--signal", "hull-area-rate"), ("needs outline", "choose another")),
    "unknown keypoint": (("--species", "n", "--keypoints", "fin"), ("no keypoint is called fin", "nose, body, tail")),
    "more bins than frames": (("--species", "n", "--bin-rate", "60"), ("bin_rate: 60 Hz exceeds the 30 fps", "lower")),
    "no bin rate": (("--species", "n", "--bin-rate", "nan"), ("species n: bin_rate nan", "give bins per second")),
    "window of nothing": (("--species", "n", "--window", "0"), ("species n: window 0", "above 0")),
    "endless window": (("--species", "n", "--window", "inf"), ("species n: window inf", "give both in seconds")),
    "no stride": (("--species", "n", "--stride", "nan"), ("species n: window 5 and stride nan", "above 0")),
}


@pytest.mark.parametrize("name", NEW_SPECIES)
def test_species_that_cannot_be_made(name: str, project: Path, tmp_path: Path, atlas: Command) -> None:
    options, says = NEW_SPECIES[name]
    path, before = write_pose(tmp_path / "a.h5"), tree(project)
    refused(atlas("add", project, path, "--fps", "30", *options), f"{path}: ", *says)
    assert tree(project) == before


BESIDE = {
    "log of another time": ("--temperature", "time_s,temp_C\n1000,20\n2000,21\n", ("1000 to 2000 s", "led_on_frame")),
    "log of words": ("--temperature", "time_s,temp_C\n0,warm\n", ("column temp_C holds 'warm'", "plain numbers")),
    "log without times": ("--temperature", "place,temp_C\na,20\n", ("no column of times", "name one time_s")),
    "log without readings": ("--temperature", "time_s,temp_C\n", ("it holds no reading", "log the temperature again")),
    "log that is empty": ("--temperature", "", ("it is empty", "log the temperature again")),
    "log that goes back": ("--temperature", "time_s,temp_C\n9,20\n5,20\n", ("time falls after 9 s", "sort the rows")),
    "video that is none": ("--video", "frames", ("it is not a video but a text", "give the video")),
}


@pytest.mark.parametrize("name", BESIDE)
def test_files_beside_the_tracks(name: str, project: Path, tmp_path: Path, atlas: Command) -> None:
    option, text, says = BESIDE[name]
    beside, before = write_text(tmp_path / "beside.csv", text), tree(project)
    tracks = write_pose(tmp_path / "a.h5")
    refused(atlas("add", project, tracks, "--species", "fish", "--fps", "30", option, beside), f"{beside}: ", *says)
    assert tree(project) == before


@pytest.mark.parametrize("fps", [(), ("--fps", "30")])
def test_a_video_that_is_not_there(fps: tuple[str, ...], project: Path, tmp_path: Path, atlas: Command) -> None:
    tracks, video, before = write_pose(tmp_path / "a.h5"), tmp_path / "none.mp4", tree(project)
    refused(atlas("add", project, tracks, "--species", "fish", *fps, "--video", video), f"{video}: ", "check the path")
    assert tree(project) == before


def test_a_log_that_overlaps_is_taken(project: Path, tmp_path: Path, atlas: Command) -> None:
    """So the refusals above are not for any log at all."""
    log = write_text(tmp_path / "log.csv", "time_s,temp_C\n0,20\n2000,21\n")
    tracks = write_pose(tmp_path / "a.h5")
    assert atlas("add", project, tracks, "--species", "fish", "--fps", "30", "--temperature", log)[0] == 0
    warm = workflow.load_windows(workflow.read_project(project))[0].table.temperature
    assert np.nanmin(warm) > 20
    assert np.nanmax(warm) < 20.02


TRUNCATED = {
    "sleap.h5": write_pose,
    "hulls.mat": write_hulls,
    "windows.npy": write_windows,
    "windows.npz": write_windows,
    "dlc.csv": lambda path: write_text(path, table(300)),
}


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
@pytest.mark.parametrize("name", TRUNCATED)
def test_files_that_were_cut_short(name: str, share: float, project: Path, tmp_path: Path, atlas: Command) -> None:
    path, before = cut(TRUNCATED[name](tmp_path / name), share), tree(project)
    refused(atlas("add", project, path, "--species", "new", "--fps", "30"), f"{path}: ")
    assert tree(project) == before


@pytest.mark.parametrize(
    "name",
    [
        "deepof/testDLC_sleap.slp",
        "deepof/testDLC_sleap.analysis.h5",
        "dannce/rat_JDM37_save_data_AVG.mat",
        "atlas/fish.npz",
        "deepof/testDLC_sleap_table.npy",
    ],
)
def test_real_files_that_were_cut_short(name: str, shared: Path, project: Path, tmp_path: Path, atlas: Command) -> None:
    content = (shared / "data" / name).read_bytes()
    path, before = write_bytes(tmp_path / Path(name).name, content[: len(content) // 2]), tree(project)
    refused(atlas("add", project, path, "--species", "new", "--fps", "30"), f"{path}: ")
    assert tree(project) == before


VERBS = {
    "add": ("{dir}/good.h5", "--species", "fish", "--name", "again", "--fps", "30"),
    "fit": ("--set", "device=cpu", "--set", "epochs=1"),
    "runs": (),
    "map": (),
    "open": (),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_project_of_a_newer_format(verb: str, project: Path, tmp_path: Path, atlas: Command) -> None:
    toml = project / "project.toml"
    write_text(toml, toml.read_text(encoding="utf-8").replace("format = 1", "format = 99"))
    before = tree(project)
    options = [text.format(dir=tmp_path) for text in VERBS[verb]]
    refused(atlas(verb, project, *options), f"{toml}: ", "format 99 is newer than 1", "update napari-atlas")
    assert tree(project) == before


DAMAGED = {
    "cut in half": (lambda text: text[: text.index("signal = ") + 4], ("it is not valid TOML", "restore a copy")),
    "binary": (lambda text: "\0\1\2" + text, ("it is not valid TOML", "restore a copy")),
    "empty": (lambda text: "", ("format 0 is not known", "write format = 1")),
    "a format that is no number": (lambda t: t.replace("= 1\n", '= "new"\n', 1), ("format 'new'", "write format = 1")),
    "species as a text": (lambda text: 'format = 1\nspecies = "fish"\n', ("a field is wrong", "mend it by hand")),
    "a recording without tracks": (lambda t: re.sub("tracks = .*", "", t), ("missing ('tracks')", "mend it by hand")),
    "a frame rate in words": (lambda t: t.replace("fps = 30.0", 'fps = "fast"'), ("'fast'", "mend it by hand")),
    "a window of nothing": (lambda t: t.replace("window = 5.0", "window = 0.0"), ("window 0", "in seconds")),
    "an unknown species": (
        lambda t: t.replace('species = "fish"', 'species = "fsih"'), ("species fsih", "known species: fish"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("verb", ["runs", "fit", "add", "map"])
@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_project_file(name: str, verb: str, project: Path, tmp_path: Path, atlas: Command) -> None:
    damage, says = DAMAGED[name]
    toml = project / "project.toml"
    sound = toml.read_text(encoding="utf-8")
    write_text(toml, damage(sound))
    assert toml.read_text(encoding="utf-8") != sound
    before = tree(project)
    options = [text.format(dir=tmp_path) for text in VERBS[verb]]
    refused(atlas(verb, project, *options), f"{toml}: ", *says)
    assert tree(project) == before


WRONG_ENTRIES = {
    "an unknown clock": ("fps = 30.0", "", ("recording good: fps: the frame rate is unknown", "give it with --fps")),
    "a clock that is none": ("fps = 30.0", "fps = -1.0", ("recording good: fps: -1.0", "such as 30")),
    "an unknown signal": ('"centroid-speed"', '"heat"', ("recording good: signal: 'heat'", "choose from")),
    "a file that has moved": ("good.h5", "gone.h5", ("gone.h5", "it cannot be read", "check the path in project.toml")),
}


@pytest.mark.parametrize("name", WRONG_ENTRIES)
def test_a_project_file_with_a_wrong_entry(name: str, project: Path, atlas: Command) -> None:
    old, new, says = WRONG_ENTRIES[name]
    toml = project / "project.toml"
    assert old in toml.read_text(encoding="utf-8")
    write_text(toml, toml.read_text(encoding="utf-8").replace(old, new))
    before = tree(project)
    told = atlas("fit", project)
    refused(told, "", *says)
    assert str(project.parent) in told[2]
    assert tree(project) == before


@pytest.mark.parametrize("verb", ["runs", "map"])
def test_a_run_with_a_damaged_file(verb: str, project: Path, atlas: Command) -> None:
    (run,) = (project / "runs").iterdir()
    damaged = {"runs": "history.csv", "map": "latents.npz"}[verb]
    cut(run / damaged, 0.9)
    before = tree(project)
    refused(atlas(verb, project), f"{run / damaged}: ", "damaged", "delete")
    assert tree(project) == before


def test_the_project_that_all_this_is_tried_on_is_sound(project: Path, atlas: Command, tmp_path: Path) -> None:
    before = tree(project)
    assert atlas("runs", project)[0] == 0
    assert tree(project) == before
    options = [text.format(dir=tmp_path) for text in VERBS["add"]]
    assert atlas("add", project, *options) == (0, "added again (fish)\n", "")
    assert tree(project) != before
