"""The verb clips: films that show what they say they show."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from napari_atlas import workflow
from napari_atlas.analysis.exemplars import ExemplarWishes
from napari_atlas.data.clusters import Clustering
from napari_atlas.data.config import FitConfig
from napari_atlas.data.marks import Mark, Spans
from napari_atlas.errors import StoppedError
from napari_atlas.io.annotations import change_annotations
from napari_atlas.io.clusters import write_clusters
from napari_atlas.io.project import read_project
from napari_atlas.io.provenance import provenance
from napari_atlas.io.runs import RunFolder, new_run

Atlas = Callable[..., tuple[int, str, str]]
Number = Callable[[object], int]
SMALL = ("--size", "96x64")


def films(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def listed(out: Path) -> list[dict[str, object]]:
    return list(json.loads((out / "clips.json").read_text(encoding="utf-8"))["clips"])


@pytest.fixture
def run(striped_project: Path) -> RunFolder:
    """Return a run with latents in two groups, in which the windows of "a" are held out."""
    project = read_project(striped_project)
    windows, _ = workflow.load_windows(project)
    made, n = new_run(striped_project), len(windows.table)
    made.write("config", provenance(project, FitConfig(), windows))
    made.weights.touch()
    held_out = windows.table.of_key("recording") == "a"
    latents = np.stack([np.arange(n) % 2 * 10.0, np.arange(n) / n], axis=1).astype(np.float32)
    split = np.where(held_out, 2, 0).astype(np.int8)
    made.write_latents(mu=latents, predicted=np.full(n, np.nan), split=split)
    write_clusters(made, Clustering("two kinds", "by hand", np.arange(n) % 2, ("even", "odd")))
    return made


def test_a_film_decodes_to_the_frames_on_its_list(
    atlas: Atlas, striped_project: Path, number_of: Number, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    code, told, _ = atlas("clips", striped_project, out, "--windows", "9,4", *SMALL, "--json")
    events = [json.loads(line) for line in told.splitlines()]
    assert code == 0
    assert [event["event"] for event in events] == ["started", "progress", "progress", "done"]
    clips = listed(out)
    assert [clip["window"] for clip in clips] == [9, 4]
    assert events[-1]["files"] == [clip["file"] for clip in clips]
    for clip in clips:
        pictures = films(out / str(clip["file"]))
        assert clip["frames"] == [*range(clip["first_frame"], clip["stop_frame"])]  # type: ignore[call-overload]
        assert [number_of(picture[:64]) for picture in pictures] == clip["frames"]
        assert clip["recording"] == "a"
        assert clip["note"] == ""
        assert clip["temperature"] is None


def test_half_the_pictures_at_half_the_rate(
    atlas: Atlas, striped_project: Path, number_of: Number, tmp_path: Path
) -> None:
    """A film plays at the speed of life."""
    atlas("clips", striped_project, tmp_path / "out", "--windows", "9", "--fps", "12.5", *SMALL)
    (clip,) = listed(tmp_path / "out")
    path = tmp_path / "out" / str(clip["file"])
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == 12.5
    assert len(clip["frames"]) == 13  # type: ignore[arg-type]
    assert [number_of(picture[:64]) for picture in films(path)] == clip["frames"]


def test_a_grid_plays_all_in_phase(atlas: Atlas, striped_project: Path, number_of: Number, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert atlas("clips", striped_project, out, "--windows", "5,9,13,30", "--grid", *SMALL)[0] == 0
    clips, pictures = listed(out), films(out / "grid.mp4")
    height = (pictures[0].shape[0] - 4) // 2 + 4
    for i, clip in enumerate(clips):
        top, left = i // 2 * height, i % 2 * 100
        shown = [number_of(picture[top : top + 64, left : left + 96]) for picture in pictures]
        wanted = [0] * 25 if clip["recording"] == "b" else clip["frames"]
        assert clip["file"] == "grid.mp4"
        assert shown == wanted
    assert sorted(path.name for path in out.iterdir()) == ["clips.json", "grid.mp4"]


@pytest.mark.parametrize("grid", [(), ("--grid",)])
def test_stills(grid: tuple[str, ...], atlas: Atlas, striped_project: Path, number_of: Number, tmp_path: Path) -> None:
    out = tmp_path / "out"
    atlas("clips", striped_project, out, "--windows", "9,10", "--format", "png", *grid, *SMALL)
    first = listed(out)[0]
    with Image.open(out / str(first["file"])) as still:
        assert [number_of(np.asarray(still)[:64, :96])] == first["frames"] == [120]


def test_an_animated_picture(atlas: Atlas, striped_project: Path, number_of: Number, tmp_path: Path) -> None:
    out = tmp_path / "out"
    atlas("clips", striped_project, out, "--windows", "9", "--format", "gif", *SMALL)
    (clip,) = listed(out)
    with Image.open(out / str(clip["file"])) as film:
        shown = []
        for i in range(film.n_frames):
            film.seek(i)
            shown.append(number_of(np.asarray(film.convert("RGB"))[:64]))
    assert shown == clip["frames"]


def test_of_a_cluster_the_held_out_windows(atlas: Atlas, striped_project: Path, run: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    of = ("--of", "cluster two kinds/odd", "--n", "3", "--format", "png", *SMALL)
    assert atlas("clips", striped_project, out, *of)[0] == 0
    clips = listed(out)
    assert len(clips) == 3
    assert all(clip["window"] % 2 == 1 and clip["split"] == "test" for clip in clips)  # type: ignore[operator]
    atlas("clips", striped_project, out, *of, "--among", "train")
    assert {clip["recording"] for clip in listed(out)} == {"b"}


def test_of_a_selection_with_or_without_a_run(atlas: Atlas, striped_project: Path, tmp_path: Path) -> None:
    table = workflow.load_windows(read_project(striped_project))[0].table
    mark = Mark("selection", "my favourites", Spans.of_windows(table, np.array([3, 7])))
    change_annotations(striped_project, lambda marks: marks.with_mark(mark))
    out = tmp_path / "out"
    code, told, _ = atlas("clips", striped_project, out, "--selection", "my favourites", "--format", "png", *SMALL)
    assert code == 0
    assert "None of these windows is in the test part" in told
    assert [clip["window"] for clip in listed(out)] == [3, 7]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--of", "odd"], "write --of 'cluster NAME/LABEL'"),
        (["--of", "cluster three/odd"], "it has: two kinds"),
        (["--of", "cluster two kinds/red"], "they are: even, odd"),
        (["--selection", "none"], "no such selection; it has: none yet"),
        (["--windows", "3,5000"], "there is no window 5000; give numbers from 0 to"),
        (["--windows", "3,x"], "no list of numbers"),
        (["--windows", "3", "--selection", "x"], "asked for in two ways"),
        (["--run", "old"], "no such run"),
        (["--n", "0"], "0 windows cannot be shown"),
        (["--size", "320"], "write 320x240"),
        (["--size", "1x1"], "give 32 to 4096"),
        (["--fps", "0"], "give 0.1 to 240"),
        (["--grid", "--size", "4000x4000", "--windows", "1,2,3"], "ask for fewer or smaller"),
    ],
)
def test_what_cannot_be_shown(
    options: list[str], words: str, atlas: Atlas, striped_project: Path, run: RunFolder, tmp_path: Path
) -> None:
    code, _, errors = atlas("clips", striped_project, tmp_path / "out", *options)
    assert code == 2
    assert words in errors
    assert errors.count("\n") == 1


def test_a_folder_that_cannot_be_made(atlas: Atlas, striped_project: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out, words in ((tmp_path / "file", "cannot be made"), (tmp_path / "a.mp4", "it names a film")):
        code, _, errors = atlas("clips", striped_project, out, "--windows", "1")
        assert code == 2
        assert words in errors
        assert errors.count("\n") == 1


def test_a_stop_keeps_whole_films_and_their_list(striped_project: Path, tmp_path: Path) -> None:
    wishes = workflow.ClipWishes(windows=(5, 6, 7), size=(96, 64), exemplars=ExemplarWishes())
    events = workflow.make_clips(striped_project, tmp_path / "out", wishes, "", lambda: asked)
    asked = False
    assert [next(events).kind, next(events).kind] == ["started", "progress"]
    asked = True
    with pytest.raises(StoppedError, match="films that were whole are kept"):
        next(events)
    assert [clip["window"] for clip in listed(tmp_path / "out")] == [5]
    assert len(list((tmp_path / "out").glob("*.mp4"))) == 1
    assert not list((tmp_path / "out").glob(".*"))


def test_a_real_recording(atlas: Atlas, shared: Path, tmp_path: Path) -> None:
    """A mouse whose table is one frame longer than its video."""
    folder, data = tmp_path / "p.atlas", shared / "data" / "vame"
    workflow.new(folder)
    add = ("--species", "mouse", "--video", data / "cropped_video.mp4", "--window", "2", "--stride", "1")
    assert atlas("add", folder, data / "cropped_video.csv", *add)[0] == 0
    code, _, errors = atlas("clips", folder, tmp_path / "out", "--n", "2", "--grid")
    assert code == 0, errors
    assert len(films(tmp_path / "out" / "grid.mp4")) == len(listed(tmp_path / "out")[0]["frames"])  # type: ignore[arg-type]
