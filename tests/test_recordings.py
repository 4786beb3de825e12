"""Recordings are added with all that belongs to them, changed and removed, and nothing else in the project is."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_atlas import workflow
from napari_atlas.data.project import AddRequest
from napari_atlas.data.sources import Source
from napari_atlas.errors import InputError
from napari_atlas.io.project import read_project

Command = Callable[..., tuple[int, str, str]]
SETTINGS: dict[str, object] = {"window": 2.0, "stride": 1.0, "bin_rate": 5.0}


def write_tracks(path: Path, n: int = 200, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    rows = np.column_stack([np.arange(n), rng.normal(100, 5, (n, 2)).cumsum(axis=0) / 10, np.ones(n)])
    header = "scorer,a,a,a\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(header + "\n".join(",".join(map(str, row)) for row in rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "p.atlas"
    workflow.new(folder)
    for i, name in enumerate(("a", "b")):
        path = write_tracks(tmp_path / f"{name}.csv", seed=i)
        workflow.add(folder, AddRequest(path, "mouse", fps=20.0, settings=SETTINGS))
    return folder


def windows_of(project: Path) -> workflow.Windows:
    return workflow.load_windows(read_project(project))[0]


def test_everything_that_belongs_to_a_recording_is_kept_and_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "p.atlas"
    workflow.new(folder)
    times = np.cumsum(np.random.default_rng(0).uniform(0.03, 0.07, 200))
    np.save(tmp_path / "t.npy", times)
    (tmp_path / "log.csv").write_text("Date Time,temp\n2026-05-03 10:00:00,68F\n2026-05-03 10:05:00,86F\n", "utf-8")
    (tmp_path / "rh.csv").write_text("time_s,rh\n0,40\n100,60\n", "utf-8")
    request = AddRequest(
        write_tracks(tmp_path / "a.csv"),
        "mouse",
        timestamps=tmp_path / "t.npy",
        start="2026-05-03 09:59:00",
        temperature=str(tmp_path / "log.csv"),
        extend=True,
        animals=("Ada",),
        conditions={"treatment": "heat"},
        covariates={"humidity": str(tmp_path / "rh.csv"), "dose": "3.5"},
        settings=SETTINGS,
    )
    (entry,) = workflow.add(folder, request)
    assert read_project(folder).recordings == (entry,)
    assert entry.temperature == Source(file=tmp_path / "log.csv", extend=True)
    recording = workflow.load_tracks_of(folder, "a")
    assert recording.individuals == ("Ada",)
    assert np.array_equal(recording.timebase.seconds_of_frame(np.arange(200)), times)
    assert recording.temperature.at([0, 60, 360]) == pytest.approx([20, 20, 30])
    table = windows_of(folder).table
    found = {column.name: column for column in table.covariates}
    assert sorted(found) == ["dose", "humidity", "treatment"]
    assert set(found["treatment"].texts()) == {"heat"}
    assert (found["dose"].values == 3.5).all()
    # Temperature and humidity are the medians over the window, that is their value in its middle.
    middle = table.seconds - 0.1
    assert found["humidity"].values == pytest.approx(40 + 0.2 * middle, abs=0.05)


def test_a_changed_recording_keeps_what_was_not_changed_and_what_people_wrote(project: Path) -> None:
    path = project / "project.toml"
    text = path.read_text("utf-8").replace('name = "a"', 'name = "a" # the shy one\nnote = "left-handed"')
    path.write_text(text, "utf-8")
    before = windows_of(project)
    (changed,) = workflow.change(project, ["a"], {"temperature": "20", "conditions": {"treatment": "heat"}})
    assert changed.temperature == Source(value=20.0)
    after = path.read_text("utf-8")
    assert "# the shy one" in after
    assert 'note = "left-handed"' in after
    windows = windows_of(project)
    mine = windows.table.of_key("recording") == "a"
    assert (windows.table.temperature[mine] == 20).all()
    assert np.isnan(windows.table.temperature[~mine]).all()
    assert windows.table.covariates[0].texts().tolist() == ["heat" if it else "" for it in mine]
    assert np.array_equal(windows.table.seconds, before.table.seconds)
    workflow.change(project, ["a"], {"temperature": "", "conditions": {"treatment": ""}})
    assert tomllib.loads(path.read_text("utf-8")) == tomllib.loads(text)
    assert "# the shy one" in path.read_text("utf-8")
    workflow.change(project, ["a", "b"], {"fps": 10.0})
    assert [entry.fps for entry in read_project(project).recordings] == [10.0, 10.0]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"species": "rat"}, "the project does not know it"),
        ({"fps": 0.5}, "bin_rate"),
        ({"temperature": "warm"}, "neither a number nor a file"),
        ({"animals": ("x", "y")}, "2 names for 1 animals"),
        ({"covariates": {"split": "3"}}, "the name is taken"),
        ({"tracks": Path("x")}, "tracks cannot be changed"),
        ({"timestamps_unit": "ms", "timestamps": Path("none.npy")}, "none.npy"),
    ],
)
def test_a_change_that_cannot_be_made_changes_nothing(project: Path, given: dict[str, object], says: str) -> None:
    text = (project / "project.toml").read_text("utf-8")
    with pytest.raises(InputError, match=says) as caught:
        workflow.change(project, ["a"], given)
    assert "\n" not in str(caught.value)
    assert (project / "project.toml").read_text("utf-8") == text


def test_a_removed_recording_is_gone_and_its_files_stay(project: Path, tmp_path: Path) -> None:
    workflow.remove(project, ["a"])
    assert [entry.name for entry in read_project(project).recordings] == ["b"]
    assert (tmp_path / "a.csv").is_file()
    with pytest.raises(InputError, match="recording a"):
        workflow.remove(project, ["b", "a"])
    assert [entry.name for entry in read_project(project).recordings] == ["b"]
    workflow.add(project, AddRequest(tmp_path / "a.csv", "mouse", fps=20.0))
    assert [entry.name for entry in read_project(project).recordings] == ["b", "a"]


def test_a_number_here_and_a_class_there_is_refused(project: Path) -> None:
    workflow.change(project, ["a"], {"covariates": {"dose": "3"}})
    with pytest.raises(InputError, match="covariate dose: it is a number in one recording and a class in another"):
        workflow.change(project, ["b"], {"covariates": {"dose": "high"}})


def test_tracks_that_are_gone_are_shown_from_the_cache(project: Path, tmp_path: Path) -> None:
    before = windows_of(project)
    (tmp_path / "a.csv").unlink()
    after = windows_of(project)
    assert np.array_equal(before.gather(np.arange(len(before.table))), after.gather(np.arange(len(after.table))))


def test_a_project_that_cannot_be_written_to_is_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for cache in (project / "signals").iterdir():
        cache.unlink()

    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(Path, "replace", refuse)
    assert len(windows_of(project).table)
    monkeypatch.undo()
    assert not list((project / "signals").iterdir())


def test_a_file_that_grows_while_it_is_read_is_refused(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_atlas.io import loading

    path = write_tracks(tmp_path / "c.csv", seed=3)
    read = loading.read_tracks

    def read_and_grow(*args: object) -> object:
        found = read(*args)
        path.write_text(path.read_text("utf-8") + "200,1,1,1\n", "utf-8")
        return found

    monkeypatch.setattr(loading, "read_tracks", read_and_grow)
    with pytest.raises(InputError, match="it changed while it was read"):
        workflow.add(project, AddRequest(path, "mouse", fps=20.0))


@pytest.mark.parametrize("name", ["größe 鼠 🐭.csv", "x" * 196 + ".csv", "a b,c;d.csv"])
def test_unusual_names(project: Path, tmp_path: Path, name: str) -> None:
    path = write_tracks(tmp_path / "Ünïcode folder" / name)
    (entry,) = workflow.add(project, AddRequest(path, "mouse", fps=20.0))
    assert entry.name == path.stem
    assert read_project(project).recording_called(path.stem).tracks == path
    assert path.stem in set(windows_of(project).table.of_key("recording"))


def test_a_video_that_moved_is_found_where_there_is_one_of_that_name(project: Path, tmp_path: Path) -> None:
    from napari_atlas.io.moved import find_moved

    text = (project / "project.toml").read_text("utf-8")
    (project / "project.toml").write_text(text.replace('name = "a"', 'name = "a"\nvideo = "../gone/v.mp4"'), "utf-8")
    recording = workflow.load_tracks_of(project, "a")
    assert recording.video == tmp_path / "gone" / "v.mp4"
    assert recording.notes[0] == f"The video is not at {recording.video}: give its new place."
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "v.mp4").write_bytes(b"x")
    recording = workflow.load_tracks_of(project, "a")
    assert recording.video == tmp_path / "videos" / "v.mp4"
    assert "was not at" in recording.notes[0]
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "v.mp4").write_bytes(b"y")
    recording = workflow.load_tracks_of(project, "a")
    assert recording.video == tmp_path / "gone" / "v.mp4"
    assert "2 files of that name lie near it" in recording.notes[0]
    assert find_moved(Path("v.mp4"), [tmp_path / "nowhere"]) == ()


def test_the_verbs_add_change_and_remove(tmp_path: Path, atlas: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_tracks(tmp_path / "a.csv")
    np.save(tmp_path / "t.npy", np.arange(200) / 21.5)
    assert atlas("new", "p.atlas")[0] == 0
    told = atlas(
        *("add", "p.atlas", "a.csv", "--species", "mouse", "--timestamps", "t.npy", "--animals", "Ada"),
        *("--temperature", "68F", "--condition", "treatment=heat", "--condition", "cage=3", "--covariate", "dose=3.5"),
        *("--window", "2", "--stride", "1", "--bin-rate", "5"),
    )
    assert told == (0, "added a (mouse)\n", "")
    (entry,) = read_project(tmp_path / "p.atlas").recordings
    assert (entry.animals, entry.conditions) == (("Ada",), {"treatment": "heat", "cage": "3"})
    assert (entry.temperature, entry.covariates) == (Source(value=20.0), {"dose": Source(value=3.5)})
    assert entry.timestamps == tmp_path / "t.npy"
    assert atlas("change", "p.atlas", "a", "--timestamps", "", "--fps", "20", "--condition", "cage=")[0] == 0
    (entry,) = read_project(tmp_path / "p.atlas").recordings
    assert (entry.timestamps, entry.fps, entry.conditions) == (Path(), 20.0, {"treatment": "heat"})
    assert (
        atlas("change", "p.atlas", "a")[2]
        == "error: change: nothing says what to change; give an option, such as --fps 30\n"
    )
    assert "write --condition name=value" in atlas("change", "p.atlas", "a", "--condition", "x")[2]
    assert atlas("remove", "p.atlas", "b")[0] == 2
    assert atlas("remove", "p.atlas", "a") == (0, "removed a\n", "")
    assert not read_project(tmp_path / "p.atlas").recordings


def test_a_file_is_hashed_once_and_not_at_all_by_the_next_process(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_atlas.io import hashes

    asked: list[Path] = []
    read = hashes.content_hash
    monkeypatch.setattr(hashes, "content_hash", lambda path: asked.append(path) or read(path))
    path = write_tracks(tmp_path / "c.csv", seed=5)
    workflow.add(project, AddRequest(path, "mouse", fps=20.0))
    windows_of(project)
    assert asked == [path]
    hashes._hash_at.cache_clear()
    windows_of(project)
    assert asked == [path]
    write_tracks(path, seed=6)
    windows_of(project)
    assert asked == [path, path]
