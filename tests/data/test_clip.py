"""What a clip shows: which frames, and which part of the video."""

from __future__ import annotations

import numpy as np
import pytest

from napari_atlas.data.clip import Crop, crop_round, frames_between
from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import Recording, Tracks
from napari_atlas.data.timebase import TimeBase


def recording(tracks: Tracks, start: int = 0) -> Recording:
    return Recording("r", "s", tracks, TimeBase(tracks.n_samples, tracking_start_frame=start))


def walking(xy: np.ndarray) -> Pose:
    """Return a pose of two keypoints, 10 pixels apart, the first at (n_samples, 2) positions."""
    return Pose(np.stack([xy, xy + np.array([10, 0])], axis=1)[:, None], ("a", "b"), ("0",))


@pytest.mark.parametrize(
    ("span", "most", "wanted"),
    [
        ((5, 9), 60, [5, 6, 7, 8]),
        ((0, 101), 3, [0, 50, 100]),
        ((10, 20), 1, [15]),
        ((7, 8), 60, [7]),
        ((7, 7), 60, [7]),
    ],
)
def test_frames_are_evenly_spread(span: tuple[int, int], most: int, wanted: list[int]) -> None:
    assert frames_between(*span, most).tolist() == wanted


def test_no_frame_twice() -> None:
    for most in range(1, 40):
        assert (np.diff(frames_between(3, 40, most)) > 0).all()


def test_the_crop_holds_the_path_and_lies_in_the_video() -> None:
    xy = np.stack([np.linspace(30, 130, 50), np.full(50, 40.0)], axis=1)
    crop = crop_round(recording(walking(xy), start=100), 0, (100, 150), (240, 180), (640, 480))
    assert crop.width / crop.height == pytest.approx(4 / 3)
    assert crop.left <= 30
    assert crop.left + crop.width >= 140
    assert crop.width < 300
    assert crop.left >= 0
    assert crop.top >= 0
    elsewhere = crop_round(recording(walking(xy), start=100), 0, (100, 110), (240, 180), (640, 480))
    assert elsewhere.width < crop.width


def test_one_slip_of_the_tracking_does_not_widen_the_crop() -> None:
    xy = np.full((400, 2), 300.0) + np.arange(400)[:, None] % 20
    xy[200] = 4000
    crop = crop_round(recording(walking(xy)), 0, (0, 400), (240, 180), (640, 480))
    assert crop.width < 120


def test_a_still_point_is_not_a_blur() -> None:
    pose = Pose(np.full((9, 1, 1, 2), 100.0), ("a",), ("0",))
    assert crop_round(recording(pose), 0, (0, 9), (240, 180), (640, 480)).width >= 64


@pytest.mark.parametrize("xy", [np.full((9, 2), np.nan), np.full((9, 2), np.inf)])
def test_without_positions_it_is_the_whole_video(xy: np.ndarray) -> None:
    here = np.concatenate([xy, np.ones((9, 2))])
    crop = crop_round(recording(walking(here)), 0, (0, 9), (240, 180), (640, 480))
    assert crop == Crop(0, 0, 640, 480, (240, 180))


def test_a_path_over_the_whole_video_leaves_no_dark_border() -> None:
    xy = np.array([[-50.0, -50.0], [630.0, 479.0]] * 9)
    crop = crop_round(recording(walking(xy)), 0, (0, 18), (240, 180), (640, 480))
    assert (crop.left, crop.top, crop.width, crop.height) == (0, 0, 640, 480)


def test_another_shape_than_the_video_is_filled_with_dark() -> None:
    here = np.concatenate([np.full((9, 2), np.nan), np.ones((9, 2))])
    crop = crop_round(recording(walking(here)), 0, (0, 9), (100, 100), (640, 480))
    assert (crop.left, crop.top, crop.width, crop.height) == (0, -80, 640, 640)


def test_without_a_video_it_is_round_the_animal() -> None:
    square = np.array([[0.0, 0.0], [0.4, 0.0], [0.4, 0.4], [0.0, 0.4]]) - 7
    outline = Outline(("0",), (np.tile(square, (5, 1)),), (np.arange(6) * 4,))
    crop = crop_round(recording(outline), 0, (0, 5), (240, 180), (0, 0))
    assert crop.height == pytest.approx(0.4 * 1.4)
    placed = crop.place(square)
    assert (placed > 0).all()
    assert (placed < (240, 180)).all()
    assert crop_round(recording(outline), 0, (50, 90), (240, 180), (0, 0)).height == 1.0


def test_points_lie_where_their_pixels_are() -> None:
    crop = Crop(10, 20, 40, 30, (80, 60))
    assert crop.place(np.array([[10.0, 20.0]])).tolist() == [[0.5, 0.5]]
    assert crop.place(np.array([[9.5, 19.5], [49.5, 49.5]])).tolist() == [[-0.5, -0.5], [79.5, 59.5]]
