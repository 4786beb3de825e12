"""Tracks survive the cache, to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_atlas.data.columns import Columns
from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import CutWindows, Tracks
from napari_atlas.errors import InputError
from napari_atlas.io.track_cache import load_tracks, save_tracks
from napari_atlas.io.track_file import TrackFile

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8)


def random_names(draw: st.DrawFn, low: int = 1) -> tuple[str, ...]:
    return tuple(draw(st.lists(NAMES, min_size=low, max_size=4, unique=True)))


def random_values(draw: st.DrawFn, *shape: int) -> np.ndarray:
    values = np.random.default_rng(draw(st.integers(0, 99))).normal(size=shape)
    values[values > 1] = np.nan
    return values.astype(draw(st.sampled_from([np.float32, np.float64])))


@st.composite
def poses(draw: st.DrawFn) -> Pose:
    individuals, keypoints = random_names(draw), random_names(draw)
    shape = (draw(st.integers(0, 5)), len(individuals), len(keypoints))
    return Pose(
        positions=random_values(draw, *shape, draw(st.sampled_from([2, 3]))),
        keypoints=keypoints,
        individuals=individuals,
        first_frame=draw(st.integers(0, 50_000)),
        edges=tuple((0, i) for i in range(1, len(keypoints))),
        confidence=random_values(draw, *shape) if draw(st.booleans()) else np.empty(0),
    )


@st.composite
def outlines(draw: st.DrawFn) -> Outline:
    names = random_names(draw, 0)
    counts = [draw(st.lists(st.integers(0, 5), max_size=5)) for _ in names]
    starts = tuple(np.concatenate([[0], np.cumsum(c)]).astype(np.int64) for c in counts)
    vertices = tuple(random_values(draw, int(s[-1]), 2).astype(np.float64) for s in starts)
    return Outline(names, vertices, starts)


@st.composite
def windows(draw: st.DrawFn) -> CutWindows:
    names = random_names(draw)
    length, channels = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    starts = tuple(np.arange(draw(st.integers(1, 4)), dtype=np.int64) * length for _ in names)
    values = tuple(random_values(draw, s.size * length, channels).astype(np.float64) for s in starts)
    degrees = tuple(random_values(draw, s.size).astype(np.float64) for s in starts)
    return CutWindows(names, values, starts, degrees, tuple(s + 3 for s in starts), length)


def assert_equal(found: object, wanted: object) -> None:
    if isinstance(wanted, tuple) and wanted and isinstance(wanted[0], np.ndarray):
        assert isinstance(found, tuple)
        for one, other in zip(found, wanted, strict=True):
            assert_equal(one, other)
    elif isinstance(wanted, np.ndarray):
        assert isinstance(found, np.ndarray)
        assert found.dtype == wanted.dtype
        assert found.shape == wanted.shape
        assert found.tobytes() == np.ascontiguousarray(wanted).tobytes()
    else:
        assert found == wanted


@st.composite
def column_tables(draw: st.DrawFn) -> Columns:
    names = random_names(draw)
    values = random_values(draw, draw(st.integers(0, 5)), 2, len(names)).astype(np.float64)
    return Columns(("a", "b"), names, values)


@settings(max_examples=60, deadline=None)
@given(tracks=st.one_of(poses(), outlines(), windows(), column_tables()), columns=column_tables())
def test_round_trip(tracks: Tracks, columns: Columns, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cache") / "a.npz"
    times = np.arange(3) / 7
    save_tracks(path, TrackFile(tracks, columns=columns, times=times))
    file = load_tracks(path)
    for name in ("names", "individuals", "values"):
        assert_equal(getattr(file.columns, name), getattr(columns, name))
    assert_equal(file.times, times)
    again = file.tracks
    assert type(again) is type(tracks)
    for name in tracks.__dataclass_fields__:
        assert_equal(getattr(again, name), getattr(tracks, name))
    assert [p.name for p in path.parent.iterdir()] == ["a.npz"]


def test_what_is_no_cache_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with pytest.raises(InputError):
        load_tracks(path)
    for content in (b"", b"PK\3\4nothing", b"text"):
        path.write_bytes(content)
        with pytest.raises(InputError):
            load_tracks(path)
    for arrays in (
        {"a": np.zeros(3)},
        {"kind": np.array("pose"), "format": np.array(3)},
        {"kind": np.array("pose"), "format": np.array(2), "individuals": np.array(["a"])},
    ):
        np.savez(path, **arrays)
        with pytest.raises(InputError):
            load_tracks(path)
