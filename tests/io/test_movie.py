"""Films and stills that other programs can read."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from napari_atlas.data.clip import Clip
from napari_atlas.errors import InputError
from napari_atlas.io.movie import write_movie
from napari_atlas.io.painting import beside, painted

PICTURES = [np.full((49, 51, 3), 20 * i, dtype=np.uint8) for i in range(12)]


def test_a_film_has_each_picture_once(tmp_path: Path) -> None:
    write_movie(tmp_path / "deep" / "a.mp4", iter(PICTURES), 12.5)
    with av.open(str(tmp_path / "deep" / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.pix_fmt) == (52, 50, "yuv420p")
        assert stream.average_rate == 12.5
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    assert [round(float(frame[5:40, 5:40].mean()) / 20) for frame in frames] == list(range(12))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.mp4"]


def test_a_gif_and_a_still(tmp_path: Path) -> None:
    write_movie(tmp_path / "a.gif", PICTURES, 10)
    with Image.open(tmp_path / "a.gif") as film:
        assert (film.n_frames, film.size, film.info["duration"]) == (12, (51, 49), 100)
    write_movie(tmp_path / "a.png", PICTURES[3:], 10)
    with Image.open(tmp_path / "a.png") as still:
        assert np.array_equal(np.asarray(still), PICTURES[3])


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a.png"])
def test_a_full_disk_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (4, 64, 64, 3), dtype=np.uint8)
    resource = pytest.importorskip("resource", reason="only some systems can pretend that a disk is full")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(InputError, match=r"cannot be written \(.+\); free some space") as told:
            write_movie(tmp_path / name, noise, 10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "\n" not in str(told.value)
    assert not list(tmp_path.iterdir())


def test_a_place_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_movie(tmp_path / "file" / "a.png", PICTURES, 10)


def clip(note: str = "") -> Clip:
    lines = np.array([[[10, 10], [90, 10]]], dtype=np.float32)
    nodes = np.array([[50, 40], [500, 500]], dtype=np.float32)
    pictures = np.zeros((2, 75, 100, 3), dtype=np.uint8)
    return Clip(
        "r", "0", np.array([7, 8]), pictures, (nodes,) * 2, (lines,) * 2, "#E69F00", np.array([np.nan, 61.0]), note
    )


def test_what_was_tracked_and_a_caption_are_drawn_on() -> None:
    picture = painted(clip(), 1, "mouse", "20.0 °C")
    assert picture[10, 50].tolist() == picture[40, 50].tolist() == [0xE6, 0x9F, 0x00]
    assert picture[76:, :60].max() > 200, "there is a caption"
    assert not picture[20, 50].any()
    untimed = painted(clip(), 0, "mouse", "20.0 °C")
    assert (untimed[75:] != picture[75:]).any(), "the caption tells time and frame"
    assert (painted(clip("no video"), 1, "mouse", "20.0 °C")[60:75] != picture[60:75]).any()


def test_a_long_caption_stays_inside() -> None:
    long = painted(clip(), 0, "a very long name of a species that nobody can pronounce", "")
    assert long.shape[1] == 100
    assert np.ptp(long[75:, -3:], axis=(0, 1)).max() == 0


@pytest.mark.parametrize(("n", "shape"), [(1, (1, 1)), (2, (1, 2)), (5, (2, 3)), (9, (3, 3))])
def test_tiles_lie_in_rows(n: int, shape: tuple[int, int]) -> None:
    sheet = beside([np.full((30, 40, 3), 50 + i, dtype=np.uint8) for i in range(n)])
    assert sheet.shape == (shape[0] * 34 - 4, shape[1] * 44 - 4, 3)
    for i in range(n):
        assert sheet[i // shape[1] * 34 + 5, i % shape[1] * 44 + 5, 0] == 50 + i
