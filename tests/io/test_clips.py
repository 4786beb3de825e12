"""Clips of a project: the right frames, cut out and drawn on in the right place."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from napari_atlas import workflow
from napari_atlas.data.windows import WindowTable
from napari_atlas.errors import InputError
from napari_atlas.io import clips as module
from napari_atlas.io.clips import ClipLibrary
from napari_atlas.io.project import read_project
from napari_atlas.io.proxy import make_proxies

SIZE = (96, 64)
Number = Callable[[object], int]


@pytest.fixture
def table(striped_project: Path) -> WindowTable:
    return workflow.load_windows(read_project(striped_project))[0].table


def window_of(table: WindowTable, recording: str, first: int) -> int:
    mine = table.of_key("recording") == recording
    return int(np.flatnonzero(mine & (table.first_frame == first))[0])


def test_every_frame_of_the_window(striped_project: Path, table: WindowTable, number_of: Number) -> None:
    library = ClipLibrary(striped_project)
    for first in (48, 108, 264):
        clip = library.clip(table, window_of(table, "a", first), SIZE)
        assert clip.pictures.shape == (25, 64, 96, 3)
        assert clip.note == ""
        assert [number_of(picture) for picture in clip.pictures] == clip.frames.tolist() == [*range(first, first + 25)]
        assert clip.seconds == pytest.approx(clip.frames / 25)


def test_a_few_frames_and_one(striped_project: Path, table: WindowTable, number_of: Number) -> None:
    library, window = ClipLibrary(striped_project), window_of(table, "a", 108)
    few = library.clip(table, window, SIZE, 3)
    assert [number_of(picture) for picture in few.pictures] == few.frames.tolist() == [108, 120, 132]
    one = library.clip(table, window, SIZE, 1)
    assert [number_of(picture) for picture in one.pictures] == one.frames.tolist() == [120]


def test_keypoints_lie_in_the_picture(striped_project: Path, table: WindowTable) -> None:
    library = ClipLibrary(striped_project)
    clip = library.clip(table, window_of(table, "a", 108), (192, 128))
    assert clip.nodes[0] == pytest.approx(np.array([[0.5, 0.5], [190.5, 126.5]]))
    assert clip.color == read_project(striped_project).species_called("mouse").color
    missing = library.clip(table, window_of(table, "a", 0), SIZE)
    assert [len(nodes) for nodes in missing.nodes] == [1] * 25


def test_without_a_video(striped_project: Path, table: WindowTable) -> None:
    clip = ClipLibrary(striped_project).clip(table, window_of(table, "b", 108), SIZE)
    assert clip.note == "no video"
    assert not clip.pictures.any()
    placed = np.concatenate(clip.nodes)
    assert len(placed) == 50
    assert (placed > 0).all()
    assert (placed < SIZE).all()


def test_beyond_the_end_of_the_video(striped_project: Path, table: WindowTable, number_of: Number) -> None:
    library = ClipLibrary(striped_project)
    ends = library.clip(table, window_of(table, "a", 288), SIZE)
    assert ends.note == "the video ends before"
    assert [number_of(picture) for picture in ends.pictures] == [*range(288, 300), *[0] * 13]
    beyond = library.clip(table, window_of(table, "a", 312), SIZE)
    assert beyond.note == "after the video's end"
    assert not beyond.pictures.any()


def test_the_copy_for_scrubbing_is_read(
    striped_project: Path, table: WindowTable, number_of: Number, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    frame = module.VideoArray.frame

    def watched(video: module.VideoArray, number: int) -> np.ndarray:
        read.append(video.path)
        return frame(video, number)

    monkeypatch.setattr(module.VideoArray, "frame", watched)
    library = ClipLibrary(striped_project)
    library.clip(table, window_of(table, "a", 48), SIZE)
    read.clear()
    list(make_proxies(striped_project, ("a",)))
    clip = library.clip(table, window_of(table, "a", 60), SIZE)
    assert [number_of(picture) for picture in clip.pictures] == clip.frames.tolist()
    assert {path.parent.name for path in read} == {"proxies"}
    library.clip(table, window_of(table, "a", 72), SIZE)
    shutil.rmtree(striped_project / "proxies")
    clip = library.clip(table, window_of(table, "a", 84), SIZE)
    assert [number_of(picture) for picture in clip.pictures] == clip.frames.tolist(), "the video itself is read"


def test_a_video_that_goes_while_it_is_shown(
    striped_project: Path, table: WindowTable, striped_video: Path, tmp_path: Path
) -> None:
    moved = Path(shutil.copy(striped_video, tmp_path / "v.mp4"))
    workflow.change(striped_project, ("a",), {"video": moved})
    library = ClipLibrary(striped_project)
    assert library.clip(table, window_of(table, "a", 60), SIZE).pictures.any()
    moved.write_bytes(b"something else")
    gone = library.clip(table, window_of(table, "a", 72), SIZE)
    assert gone.note == "the video has changed"
    assert not gone.pictures.any()
    moved.unlink()
    gone = library.clip(table, window_of(table, "a", 84), SIZE)
    assert gone.note == "the video cannot be read"
    assert len(gone.nodes[0]) == 2
    shutil.copy(striped_video, moved)
    assert library.clip(table, window_of(table, "a", 72), SIZE).note == ""


def test_a_recording_that_is_removed_or_renamed(striped_project: Path, table: WindowTable) -> None:
    library, window = ClipLibrary(striped_project), window_of(table, "a", 60)
    library.clip(table, window, SIZE)
    workflow.change(striped_project, ("a",), {"animals": ("Ann",)})
    with pytest.raises(InputError, match=r"has no animal .* any more; open the project again"):
        library.clip(table, window, SIZE)
    workflow.remove(striped_project, ("a",))
    with pytest.raises(InputError, match="recording a: the project does not hold it"):
        library.clip(table, window, SIZE)


def test_many_threads_and_closing_meanwhile(striped_project: Path, table: WindowTable, number_of: Number) -> None:
    library = ClipLibrary(striped_project)
    windows = [window_of(table, name, first) for first in range(36, 276, 12) for name in "ab"]
    begun = threading.Event()

    def read(window: int) -> bool:
        clip = library.clip(table, window, SIZE, 5)
        begun.set()
        return clip.recording == "b" or [number_of(p) for p in clip.pictures] == clip.frames.tolist()

    with ThreadPoolExecutor(6) as pool:
        told = [pool.submit(read, window) for window in windows]
        begun.wait(30)
        library.close()
        assert all(future.result() for future in told)


def test_clips_are_kept_up_to_a_bound(
    striped_project: Path, table: WindowTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLIP_BYTES", 3 * 5 * 96 * 64 * 3)
    library = ClipLibrary(striped_project)
    windows = [window_of(table, "b", first) for first in (36, 48, 60, 72)]
    kept = [library.clip(table, window, SIZE, 5) for window in windows]
    assert library.clip(table, windows[-1], SIZE, 5) is kept[-1]
    assert library.clip(table, windows[1], SIZE, 5) is kept[1]
    assert library.clip(table, windows[0], SIZE, 5) is not kept[0]
