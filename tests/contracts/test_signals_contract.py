"""What every registered signal owes."""

from __future__ import annotations

import re

import numpy as np
import pytest

from napari_atlas.data.columns import Columns
from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.signals import SIGNALS, SignalKind, signal_kind, signals_for
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase

N = 80
CLOCK = TimeBase(N, 50.0)
SPECIES = Species("mouse", n_descriptors=5)
NAMES = ("nose", "left ear", "right ear", "tail base")
EDGES = ((0, 1), (0, 2), (1, 3), (2, 3))
UNIT = re.compile(r"px/ms|px²/frame|body lengths|px²|unit 1|file's own unit")

# Signals that stay as they are when the animal is elsewhere, and when it is turned and mirrored by nothing.
INVARIANT = (
    "centroid-speed",
    "hull-area-rate",
    "keypoint-speed",
    "egocentric-pose",
    "joint-angles",
    "outline-shape",
    "pose-6d",
)


def make_pose(dims: int = 2) -> Pose:
    """Return two animals that walk, turn and wobble; some positions are missing."""
    rng = np.random.default_rng(1)
    body = np.zeros((4, dims))
    body[:, :2] = [(30, 0), (15, 12), (15, -12), (-30, 1)]
    angle = np.cumsum(rng.normal(0, 0.1, (N, 2)), axis=0)
    x, y = body[:, 0], body[:, 1]
    positions = np.zeros((N, 2, 4, dims))
    positions[..., 0] = np.cos(angle)[..., None] * x - np.sin(angle)[..., None] * y
    positions[..., 1] = np.sin(angle)[..., None] * x + np.cos(angle)[..., None] * y
    positions += np.cumsum(rng.normal(0, 2, (N, 2, 1, dims)), axis=0) + rng.normal(0, 1, positions.shape)
    positions[rng.random(positions.shape[:3]) < 0.1] = np.nan
    positions[10:13] = np.nan
    return Pose(positions, NAMES, ("a", "b"), edges=EDGES)


def make_outline() -> Outline:
    """Return two animals of changing shape, some samples without a hull."""
    rng = np.random.default_rng(2)
    vertices, starts = [], []
    for _ in range(2):
        counts = rng.integers(8, 30, N)
        counts[[3, 40]] = 0, 2
        angles = [np.sort(rng.random(n)) * 2 * np.pi for n in counts]
        rings = [np.stack([40 * np.cos(a), 25 * np.sin(a)], axis=1) for a in angles]
        rings = [ring * rng.uniform(0.8, 1.2, (len(ring), 1)) for ring in rings]
        vertices.append(np.concatenate(rings) + 500)
        starts.append(np.cumsum([0, *counts]).astype(np.int64))
    return Outline(("a", "b"), tuple(vertices), tuple(starts))


def make_columns() -> Columns:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(N, 2, 3))
    values[5, :, 1] = np.nan
    values[6, :, 0] = np.inf
    return Columns(("a", "b"), ("speed", "angle", "area"), values)


def tracks_for(kind: SignalKind) -> list[Pose | Outline | Columns]:
    poses = [make_pose(3)] if kind.name == "pose-6d" else [make_pose(), make_pose(3)]
    return {Pose: poses, Outline: [make_outline()], Columns: [make_columns()]}[kind.needs]


def moved(tracks: Pose | Outline, angle: float, shift: float) -> Pose | Outline:
    """Return tracks turned about the origin, in the plane, and moved."""
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    if isinstance(tracks, Outline):
        return Outline(tracks.individuals, tuple(v @ turn + shift for v in tracks.vertices), tracks.starts)
    positions = tracks.positions.copy()
    positions[..., :2] = positions[..., :2] @ turn + shift
    return Pose(positions, tracks.keypoints, tracks.individuals, edges=tracks.edges)


def arrays_of(tracks: Pose | Outline | Columns) -> list[np.ndarray]:
    if isinstance(tracks, Outline):
        return [*tracks.vertices, *tracks.starts]
    return [tracks.positions if isinstance(tracks, Pose) else tracks.values]


@pytest.fixture(params=[*SIGNALS, "column:angle"])
def kind(request: pytest.FixtureRequest) -> SignalKind:
    return signal_kind(request.param)


def test_shape_names_and_missing_values(kind: SignalKind) -> None:
    for tracks in tracks_for(kind):
        before = [array.copy() for array in arrays_of(tracks)]
        channels = kind.channels(tracks, SPECIES)
        assert len(set(channels)) == len(channels) > 0
        for individual in range(2):
            values = kind(tracks, individual, CLOCK, SPECIES)
            assert values.shape == (N, len(channels))
            assert values.dtype == np.float64
            assert not np.isinf(values).any()
            assert np.isnan(values).any(), "what is missing stays missing"
            assert np.isfinite(values).mean() > 0.4
            again = kind(tracks, individual, CLOCK, SPECIES)
            assert np.array_equal(values, again, equal_nan=True)
        for array, kept in zip(arrays_of(tracks), before, strict=True):
            assert np.array_equal(array, kept, equal_nan=True), "the input is left as it is"


def test_no_value_where_nothing_is_known(kind: SignalKind) -> None:
    for tracks in tracks_for(kind):
        empty: Pose | Outline | Columns
        if isinstance(tracks, Outline):
            empty = Outline(("a",), (np.empty((0, 2)),), (np.zeros(N + 1, dtype=np.int64),))
        elif isinstance(tracks, Pose):
            empty = Pose(np.full((N, 1, *tracks.positions.shape[2:]), np.nan), NAMES, ("a",), edges=EDGES)
        else:
            empty = Columns(("a",), tracks.names, np.full((N, 1, 3), np.nan))
        assert np.isnan(kind(empty, 0, CLOCK, SPECIES)).all()


@pytest.mark.parametrize(("angle", "shift"), [(0.0, 123.0), (1.1, -40.0), (np.pi, 0.0)])
@pytest.mark.parametrize("name", INVARIANT)
def test_neither_place_nor_direction_matter(name: str, angle: float, shift: float) -> None:
    kind = signal_kind(name)
    for tracks in tracks_for(kind):
        assert not isinstance(tracks, Columns)
        here, there = (kind(t, 0, CLOCK, SPECIES) for t in (tracks, moved(tracks, angle, shift)))
        np.testing.assert_allclose(there, here, rtol=1e-7, atol=1e-8, equal_nan=True)


def test_the_documentation_tells_the_unit(kind: SignalKind) -> None:
    if kind.name in SIGNALS:
        assert UNIT.search(kind.function.__doc__ or ""), kind.name
    assert kind.label != kind.name


def test_signals_are_offered_where_they_can_be_computed() -> None:
    pose, outline, columns = make_pose(), make_outline(), make_columns()
    named = ("columns", "column:speed", "column:angle", "column:area")
    of_pose = ("centroid-speed", "keypoint-speed", "egocentric-pose", "joint-angles")
    assert set(signals_for(pose)) == set(of_pose)
    assert set(signals_for(make_pose(3))) == {*of_pose, "pose-6d"}
    assert set(signals_for(pose, columns)) == {*of_pose, *named}
    assert set(signals_for(outline)) == {"hull-area-rate", "outline-shape"}
    assert signals_for(columns) == named
    bare = Pose(pose.positions, ("a", "b", "c", "d"), pose.individuals)
    assert set(signals_for(bare)) == {"centroid-speed", "keypoint-speed"}
    told = Species("mouse", front="a", back="d", angles=(("a", "b", "c"),))
    assert set(signals_for(bare, species=told)) == set(of_pose)
