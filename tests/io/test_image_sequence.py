"""Pictures as a video: folders in the order of their numbers, TIFFs of many pages, GIFs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_atlas.errors import InputError
from napari_atlas.io.inspection import inspect_file
from napari_atlas.io.video import frame_times, is_variable_rate, open_video

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 255, (12, 24, 32, 3), dtype=np.uint8)


def save_all(path: Path, pictures: list[Image.Image], **options: object) -> Path:
    pictures[0].save(path, save_all=True, append_images=pictures[1:], **options)
    return path


@pytest.mark.parametrize(("ending", "exact"), [("png", True), ("tif", True), ("JPG", False)])
def test_a_folder_is_sorted_by_number(ending: str, exact: bool, tmp_path: Path) -> None:
    for i, picture in enumerate(PICTURES):
        Image.fromarray(picture).save(tmp_path / f"img{i}.{ending}")
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")
    (tmp_path / ".img99.png").write_bytes(b"left by another program")
    video = open_video(tmp_path, length=15)
    assert video.shape == (15, 24, 32, 3)
    assert video.n_video_frames == 12
    for i in (11, 2, 10, 0, 1):
        told = np.asarray(Image.open(tmp_path / f"img{i}.{ending}").convert("RGB"))
        assert np.array_equal(video[i], told)
        assert np.array_equal(told, PICTURES[i]) == exact
    assert not video[12:].any()
    assert math.isnan(video.fps)
    assert frame_times(tmp_path).size == 0
    assert not is_variable_rate(tmp_path)
    assert np.array_equal(video.latest(5), video[5])


def test_numbers_with_and_without_zeros_and_several_of_them(tmp_path: Path) -> None:
    names = ["cam1_frame2.png", "cam1_frame010.png", "cam1_frame100.png", "cam2_frame1.png", "cam10_frame0.png"]
    for i, name in enumerate(names):
        Image.new("L", (8, 6), 10 * i).save(tmp_path / name)
    video = open_video(tmp_path)
    assert [int(video[i].mean()) for i in range(5)] == [0, 10, 20, 30, 40]


def test_a_tiff_of_many_pages(tmp_path: Path) -> None:
    path = save_all(tmp_path / "stack.tif", [Image.fromarray(p) for p in PICTURES])
    video = open_video(path)
    assert video.codec == "tiff"
    for i in RNG.permutation(12):
        assert np.array_equal(video[i], PICTURES[i])
    assert np.array_equal(video[3:5, ::2], PICTURES[3:5, ::2])
    video.close()
    assert np.array_equal(video[7], PICTURES[7])


def test_sixteen_bits_are_scaled_by_the_first_frame(tmp_path: Path) -> None:
    deep = np.array([[[1000, 2000], [3000, 1500]], [[500, 4000], [2000, 3000]]], dtype=np.uint16)
    path = save_all(tmp_path / "deep.tif", [Image.fromarray(p) for p in deep])
    video = open_video(path)
    assert video[0, ..., 0].tolist() == [[0, 127], [255, 63]]
    assert video[1, ..., 2].tolist() == [[0, 255], [127, 255]]
    flat = save_all(tmp_path / "flat.tif", [Image.fromarray(np.full((2, 2), 700, dtype=np.uint16))])
    assert not open_video(flat)[0].any()


def test_a_gif_of_pillow(tmp_path: Path) -> None:
    greys = [Image.new("L", (32, 24), 20 * i) for i in range(10)]
    path = save_all(tmp_path / "g.gif", greys, duration=40)
    video = open_video(path)
    assert len(video) == 10
    assert [int(video[i].mean()) for i in (9, 0, 4)] == [180, 0, 80]
    assert frame_times(path) == pytest.approx(np.arange(10) * 0.04)


def test_faults_name_the_frame(tmp_path: Path) -> None:
    for i in range(4):
        Image.new("RGB", (20 + (i == 2), 10)).save(tmp_path / f"{i}.png")
    (tmp_path / "3.png").write_bytes((tmp_path / "1.png").read_bytes()[:40])
    video = open_video(tmp_path)
    with pytest.raises(InputError, match=r"2\.png: frame 2 is 21 × 10, the first one 20 × 10; give frames of one size"):
        video[2]
    with pytest.raises(InputError, match=r"3\.png: frame 3 is no picture or video that can be read"):
        video[3]
    assert not video[1].any()
    Image.new("RGB", (20, 10)).save(tmp_path / "9.png")
    with pytest.raises(InputError, match="the pictures have changed or were moved"):
        video[0]


def test_no_pictures_no_tiff(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a folder without pictures, and no video; give a video, or a folder of"):
        open_video(tmp_path)
    (tmp_path / "t.tif").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"t\.tif: frame 0 is no picture"):
        open_video(tmp_path / "t.tif")


def test_inspect_tells_of_them(tmp_path: Path) -> None:
    path = save_all(tmp_path / "stack.tif", [Image.fromarray(p) for p in PICTURES])
    for place in (path, tmp_path):
        found = inspect_file(place)
        assert (found["kind"], found["fps"], found["video"]["width"]) == ("video", None, 32)
    assert inspect_file(path)["n_frames"] == 12
