"""Latents that change are laid out so that points move and do not jump."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from napari_atlas.analysis.live import Follower
from napari_atlas.analysis.projection import project_linearly

BASE = np.linalg.qr(np.random.default_rng(0).normal(size=(300, 4)))[0] * np.sqrt(300)


def latents(spread, turn=0.0):
    """Return (300, 4) latents of given standard deviations, turned in the plane of the first and the last axis."""
    rotation = np.eye(4)
    rotation[[0, 0, 3, 3], [0, 3, 0, 3]] = np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn)
    return BASE * np.array(spread) @ rotation


def step(before, after):
    """Return how far points moved, as a share of their spread."""
    return float(np.sqrt(((after - before) ** 2).sum(1).mean() / (before**2).sum(1).mean()))


def test_the_first_picture_is_that_of_the_principal_components():
    first = latents((3, 1, 2, 0.1))
    placed, expected = Follower().place(first), project_linearly(first)
    assert placed.dtype == np.float32
    assert np.allclose(np.abs(placed), np.abs(expected), atol=1e-3)


def test_two_directions_that_change_places_do_not_make_points_jump():
    follower, pictures, linear = Follower(), [], []
    for k in np.linspace(-1, 1, 21):
        now = latents((3, 1 - 0.3 * k, 1 + 0.3 * k, 0.1))
        pictures.append(follower.place(now))
        linear.append(np.abs(project_linearly(now)))
    moved = [step(a, b) for a, b in pairwise(pictures)]
    assert max(moved) < 0.12
    assert max(step(a, b) for a, b in pairwise(linear)) > 2 * max(moved)


def test_the_plane_comes_to_the_widest_directions_in_the_end():
    follower = Follower()
    follower.place(latents((3, 2, 0.3, 0.1)))
    for _ in range(12):
        placed = follower.place(latents((3, 0.3, 2, 0.1), turn=0.2))
    assert placed.var(axis=0).sum() == pytest.approx(9 + 4, rel=0.02)


def test_flat_and_lone_latents_are_no_fault():
    follower = Follower()
    follower.place(latents((3, 2, 1, 1)))
    assert np.isfinite(follower.place(np.zeros((5, 4)))).all()
    assert np.isfinite(Follower().place(np.zeros((5, 4)))).all()
    assert np.isfinite(Follower().place(np.ones((1, 4)))).all()
    single = Follower()
    for _ in range(2):
        placed = single.place(BASE[:, :1])
        assert placed.shape == (300, 2)
        assert not placed[:, 1].any()
