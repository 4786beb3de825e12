"""Channels of an egocentric pose become keypoints again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_atlas.data._signal_pose import egocentric_pose
from napari_atlas.data.pose import Pose
from napari_atlas.data.pose_layout import egocentric_layout, signal_parts
from napari_atlas.data.recording import Recording
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase

NODES = ("snout", "ear", "middle", "tailbase")


def posed(n_dims: int, seed: int = 0) -> Pose:
    """Return a pose of noise round four keypoints in a row."""
    row = np.zeros((4, n_dims))
    row[:, 0] = (10, 6, 0, -8)
    noise = np.random.default_rng(seed).normal(0, 1, (30, 1, 4, n_dims))
    return Pose(row + noise, NODES, ("0",), edges=((0, 1), (1, 2), (2, 3)))


def seen_from(pose: Pose, species: Species) -> np.ndarray:
    """Return all keypoints centred, turned and scaled, none left out."""
    points = pose.positions[:, 0]
    ahead = points[:, 0] - points[:, 3]
    length = np.median(np.linalg.norm(ahead, axis=1))
    origin = points[:, pose.keypoints.index(species.center)] if species.center else (points[:, 0] + points[:, 3]) / 2
    away, angle = (points - origin[:, None]) / length, np.arctan2(ahead[:, 1], ahead[:, 0])[:, None]
    x, y = away[..., 0] * np.cos(angle) + away[..., 1] * np.sin(angle), away[..., 1] * np.cos(angle)
    flat = np.stack([x, y - away[..., 0] * np.sin(angle)], axis=2)
    return np.concatenate([flat, away[..., 2:]], axis=2)


@pytest.mark.parametrize("n_dims", [2, 3])
@pytest.mark.parametrize("center", ["", "middle", "snout", "tailbase"])
def test_what_the_signal_leaves_out_is_put_back(n_dims: int, center: str) -> None:
    pose, species = posed(n_dims), Species("mouse", "egocentric-pose", center=center)
    values = egocentric_pose(pose, 0, TimeBase(30, fps=10), species)
    layout = egocentric_layout(pose, species)
    assert (layout.names, layout.edges) == (NODES, pose.edges)
    np.testing.assert_allclose(layout.points(values), seen_from(pose, species), atol=1e-9)


def test_of_chosen_keypoints_only_edges_between_them_are_kept() -> None:
    pose, species = posed(2), Species("mouse", "egocentric-pose", keypoints=("tailbase", "middle", "ear"))
    values = egocentric_pose(pose, 0, TimeBase(30, fps=10), species)
    layout = egocentric_layout(pose, species)
    assert (layout.names, layout.edges) == (species.keypoints, ((2, 1), (1, 0)))
    np.testing.assert_allclose(layout.points(values), seen_from(pose, species)[:, [3, 2, 1]], atol=1e-9)


def test_an_unknown_channel_hides_its_own_keypoint_alone() -> None:
    pose, species = posed(2), Species("mouse", "egocentric-pose")
    values = egocentric_pose(pose, 0, TimeBase(30, fps=10), species)
    values[4, 2] = np.nan  # ear y: snout has x alone
    told = egocentric_layout(pose, species).points(values)
    assert np.argwhere(np.isnan(told)).tolist() == [[4, 1, 1]]


def test_other_signals_beside_it_are_passed_over() -> None:
    pose = posed(2)
    species = Species("mouse", "centroid-speed + egocentric-pose + keypoint-speed")
    recording = Recording("r", "mouse", pose, TimeBase(30, fps=10))
    parts = list(signal_parts(recording, species))
    assert parts == [("centroid-speed", 0, 1), ("egocentric-pose", 1, 6), ("keypoint-speed", 6, 10)]
    alone = egocentric_pose(pose, 0, TimeBase(30, fps=10), replace(species, signal="egocentric-pose"))
    wide = np.concatenate([np.full((30, 1), 7.0), alone, np.full((30, 4), np.nan)], axis=1)
    np.testing.assert_allclose(egocentric_layout(pose, species, 1).points(wide), seen_from(pose, species), atol=1e-9)
