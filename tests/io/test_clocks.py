"""Clocks from timestamps, videos and the tracks' own times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_atlas.data.columns import Columns
from napari_atlas.data.project import RecordingEntry
from napari_atlas.errors import InputError
from napari_atlas.io.clocks import clock_notes, is_timestamps, is_uneven, read_timestamps, timebase_of
from napari_atlas.io.track_file import TrackFile

UNEVEN = np.cumsum(np.random.default_rng(0).uniform(0.02, 0.06, 100)) + 12.3


def entry(path: Path = Path(), **more: object) -> RecordingEntry:
    return RecordingEntry("a", "s", Path("a.csv"), timestamps=path, **more)  # type: ignore[arg-type]


def tracks(n: int, times: np.ndarray | None = None) -> TrackFile:
    columns = Columns(("x",), ("speed",), np.zeros((n, 1, 1)))
    return TrackFile(columns, times=np.empty(0) if times is None else times)


def saved(tmp_path: Path, values: np.ndarray = UNEVEN, name: str = "t.npy") -> Path:
    np.save(tmp_path / name, values)
    return tmp_path / name


def test_real_cameras_keep_their_common_clock(shared: Path) -> None:
    folder = shared / "data" / "eks" / "ibl-paw"
    for side, n in (("left", 1000), ("right", 2500)):
        path = next(folder.glob(f"*timestamps.{side}.npy"))
        assert is_timestamps(path)
        clock = timebase_of(Path(), entry(path), tracks(n))
        raw = np.load(path)
        assert np.array_equal(clock.seconds_of_frame(np.arange(n)), raw)
        assert clock.fps == pytest.approx(1 / np.median(np.diff(raw)))
        assert not clock_notes(entry(path), clock)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("time_s\n{}", ""),
        ("frame,timestamp (ms)\n{frames}", ""),
        ("{}", ""),
    ],
)
def test_tables_of_timestamps(text: str, unit: str, tmp_path: Path) -> None:
    rows = "\n".join(f"{t!r}" for t in UNEVEN.tolist())
    frames = "\n".join(f"{i},{t * 1000!r}" for i, t in enumerate(UNEVEN.tolist()))
    path = tmp_path / "t.csv"
    path.write_text(text.format(rows, frames=frames), encoding="utf-8")
    assert is_timestamps(path)
    assert np.allclose(read_timestamps(path, unit), UNEVEN, rtol=1e-12)


def test_the_unit_is_asked_for_where_frames_would_be_far_apart(tmp_path: Path) -> None:
    path = saved(tmp_path, UNEVEN * 1000)
    with pytest.raises(InputError, match="--timestamps-unit"):
        read_timestamps(path)
    assert np.allclose(read_timestamps(path, "ms"), UNEVEN)
    with pytest.raises(InputError, match="'weeks' is not known"):
        read_timestamps(path, "weeks")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.array([0.0, 0.1, 0.1]), "do not rise at row 2"),
        (np.zeros((3, 2)), "shape"),
        (np.array([0.0]), "do not rise"),
    ],
)
def test_what_is_no_list_of_timestamps(values: np.ndarray, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        read_timestamps(saved(tmp_path, values))


def test_what_is_not_taken_for_timestamps(tmp_path: Path) -> None:
    for text in ("frame\n0\n1\n2\n", "time_s,temp_C\n0.5,20\n1.5,21\n2.5,22\n", "", "a\nb\nc\n", "1.5\n1.4\n1.6\n"):
        (tmp_path / "t.csv").write_text(text, encoding="utf-8")
        assert not is_timestamps(tmp_path / "t.csv")


def test_the_led_frame_is_time_zero_and_so_is_the_first_frame_of_a_wall_clock(tmp_path: Path) -> None:
    clock = timebase_of(Path(), entry(saved(tmp_path), led_on_frame=7), tracks(100))
    assert clock.seconds_of_frame(7) == 0
    wall = timebase_of(Path(), entry(saved(tmp_path, UNEVEN + 1.7e9)), tracks(100))
    assert wall.seconds_of_frame(0) == 0
    with pytest.raises(InputError, match="time zero is frame 300"):
        timebase_of(Path(), entry(saved(tmp_path), led_on_frame=300), tracks(100))


def test_the_tracks_own_times_count_from_their_first_frame() -> None:
    clock = timebase_of(Path(), entry(clock="tracks", tracking_start_frame=40), tracks(100, UNEVEN))
    assert clock.seconds_of_frame(40) == UNEVEN[0]
    assert np.isnan(clock.seconds_of_frame(39))
    assert clock.frame_at(UNEVEN[10]) == 50
    assert clock.bin_times(5.0)[0] == UNEVEN[0]


def test_even_and_uneven_times() -> None:
    assert is_uneven(UNEVEN)
    even = np.arange(1000) / 29.97
    assert not is_uneven(even)
    assert not is_uneven(even + np.random.default_rng(0).uniform(0, 0.002, 1000))
    assert is_uneven(np.delete(even, 500))


def test_lengths_that_differ_are_told(tmp_path: Path) -> None:
    clock = timebase_of(Path(), entry(fps=25.0), tracks(901))
    assert clock_notes(entry(fps=25.0, video_frames=901), clock) == ()
    (longer,) = clock_notes(entry(fps=25.0, video_frames=121), clock)
    assert longer == "The tracks reach frame 901, the video 121: later frames have no picture."
    (shorter,) = clock_notes(entry(fps=25.0, video_frames=2000), clock)
    assert shorter == "The video has 2000 frames, the tracks end at 901: later frames have no tracks."
    (unknown,) = clock_notes(entry(), timebase_of(Path(), entry(), tracks(10)))
    assert "frame rate is not known" in unknown
    (few,) = clock_notes(entry(), timebase_of(Path(), entry(saved(tmp_path)), tracks(150)))
    assert few == "There are timestamps for 100 of 150 frames: later frames belong to no window."
