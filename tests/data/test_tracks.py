"""Poses, outlines, temperatures, recordings and species."""

from __future__ import annotations

import numpy as np
import pytest

from napari_atlas.data.covariates import NO_COURSE, Course
from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.project import Project, RecordingEntry
from napari_atlas.data.recording import CutWindows, Recording
from napari_atlas.data.signals import SIGNALS, bin_mean, signal_kind
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.data.windows import make_tracks
from napari_atlas.errors import InputError

Polygons = list[list[np.ndarray]]


def make_outline(polygons: Polygons) -> Outline:
    """Return the outline of [individual][sample] polygons, each (n_vertices, 2)."""
    starts = tuple(np.cumsum([0, *(len(p) for p in mine)]).astype(np.int64) for mine in polygons)
    vertices = tuple(np.concatenate([np.empty((0, 2)), *mine]) for mine in polygons)
    return Outline(tuple(f"animal-{i}" for i in range(len(polygons))), vertices, starts)


def shoelace(polygon: np.ndarray) -> float:
    """Return the area of one polygon, vertex by vertex; NaN without one."""
    if len(polygon) < 3:
        return np.nan
    twice = 0.0
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        twice += x0 * y1 - x1 * y0
    return abs(twice) / 2


def random_polygons(seed: int, n_samples: int) -> list[np.ndarray]:
    """Return polygons of 0 to 8 vertices, some far from the origin; those of fewer than 3 are no polygons."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n_samples):
        n = int(rng.integers(0, 9))
        angles = np.sort(rng.random(n)) * 2 * np.pi
        found.append(np.stack([np.cos(angles), np.sin(angles)], axis=1) * rng.uniform(1, 50) + rng.uniform(0, 3000))
    return found


@pytest.mark.parametrize("seed", range(20))
def test_areas_equal_the_shoelace_formula(seed: int) -> None:
    polygons = [random_polygons(seed, 40), random_polygons(seed + 100, 25)]
    outline = make_outline(polygons)
    assert outline.n_samples == 40
    for i, mine in enumerate(polygons):
        wanted = np.full(40, np.nan)
        wanted[: len(mine)] = [shoelace(p) for p in mine]
        np.testing.assert_allclose(outline.areas(i), wanted, rtol=1e-9, atol=1e-9)


def test_areas_of_known_shapes_and_gaps() -> None:
    square = np.array([[0, 0], [4, 0], [4, 4], [0, 4]], dtype=float)
    none, line = np.empty((0, 2)), square[:2]
    outline = make_outline([[none, square, line, square[::-1], none], [none] * 5])
    np.testing.assert_array_equal(outline.areas(0), [np.nan, 16, np.nan, 16, np.nan])
    assert np.isnan(outline.areas(1)).all()
    assert outline.missing_fraction == pytest.approx(0.8)
    assert np.array_equal(outline.polygon(0, 1), square)
    for sample in (0, 2, 5, -1):
        assert outline.polygon(0, sample).shape == (0, 2)


def test_hull_area_rate_is_unknown_beside_a_gap() -> None:
    sizes = [1.0, 3.0, None, 4.0, 10.0]
    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=float)
    outline = make_outline([[np.empty((0, 2)) if s is None else unit * np.sqrt(s) for s in sizes]])
    signal = signal_kind("hull-area-rate")(outline, 0, TimeBase(5, 30.0), Species("jellyfish"))
    np.testing.assert_allclose(signal[:, 0], [np.nan, 2, np.nan, np.nan, 6], rtol=1e-12)


def test_a_pose_checks_its_shape() -> None:
    Pose(np.zeros((5, 2, 3, 2)), ("a", "b", "c"), ("x", "y"))
    for shape in ((5, 2, 3), (5, 3, 3, 2), (5, 2, 4, 2), (5, 2, 3, 4), (5, 2, 3, 1)):
        with pytest.raises(InputError, match="positions"):
            Pose(np.zeros(shape), ("a", "b", "c"), ("x", "y"))


def test_a_pose_tells_what_is_missing_and_where_points_are() -> None:
    positions = np.arange(24, dtype=float).reshape(4, 1, 3, 2)
    positions[1, 0, 0, 1] = np.nan
    pose = Pose(positions, ("a", "b", "c"), ("x",))
    assert pose.missing_fraction == pytest.approx(1 / 12)
    assert pose.n_samples == 4
    assert np.array_equal(pose.points(0, 2), positions[2, 0])
    for sample in (-1, 4):
        assert np.isnan(pose.points(0, sample)).all()
        assert pose.points(0, sample).shape == (3, 2)
    assert pose.keypoint_indices(("c", "a")) == [2, 0]
    assert pose.keypoint_indices(()) == [0, 1, 2]
    with pytest.raises(InputError, match="choose from a, b, c"):
        pose.keypoint_indices(("a", "nose"))


def test_centroid_speed_of_a_steady_walk() -> None:
    walk = np.zeros((6, 1, 2, 2))
    walk[:, 0, :, 0] = np.arange(6)[:, None] * 3
    walk[:, 0, :, 1] = np.arange(6)[:, None] * 4
    walk[3, 0] = np.nan
    walk[:, 0, 1] += 100
    pose = Pose(walk, ("a", "b"), ("x",))
    speed = signal_kind("centroid-speed")(pose, 0, TimeBase(6, 100.0), Species("fish"))
    wanted = 5 * 100 / 1000
    np.testing.assert_allclose(speed[:, 0], [np.nan, wanted, wanted, np.nan, np.nan, wanted])
    with pytest.raises(InputError, match="--fps"):
        signal_kind("centroid-speed")(pose, 0, TimeBase(6), Species("fish"))


def test_signals_refuse_tracks_of_another_kind() -> None:
    pose = Pose(np.zeros((3, 1, 1, 2)), ("a",), ("x",))
    with pytest.raises(InputError, match="outline"):
        signal_kind("hull-area-rate")(pose, 0, TimeBase(3, 30.0), Species("fish"))
    with pytest.raises(InputError, match="choose from " + ", ".join(SIGNALS)):
        signal_kind("nothing")


def test_bin_mean_ignores_what_is_missing() -> None:
    values = np.array([[1.0, 1.0], [3.0, np.nan], [np.nan, np.nan], [np.nan, 8.0], [5.0, 9.0]])
    binned = bin_mean(values, np.array([0, 2, 4]))
    np.testing.assert_array_equal(binned, [[2, 1], [np.nan, 8]])
    assert bin_mean(values, np.array([0])).shape == (0, 2)


def test_a_constant_temperature_holds_at_all_times() -> None:
    course = Course.constant(22.5)
    assert course.present
    assert course.at([-1e6, 0.0, 1e6]).tolist() == [22.5] * 3


def test_a_log_is_interpolated_and_unknown_beyond_its_ends() -> None:
    course = Course(np.array([10.0, 20.0, 40.0]), np.array([20.0, 30.0, 10.0]))
    np.testing.assert_allclose(
        course.at([9.999, 10, 15, 20, 30, 40, 40.001, np.nan]), [np.nan, 20, 25, 30, 20, 10, np.nan, np.nan]
    )


def test_no_temperature_is_nan_everywhere() -> None:
    assert not NO_COURSE.present
    assert np.isnan(NO_COURSE.at(np.arange(3.0))).all()
    with pytest.raises(InputError, match="2 times but 1 values"):
        Course(np.array([0.0, 1.0]), np.array([20.0]))


def test_a_recording_without_positions_does_not_exist() -> None:
    lost = Pose(np.full((4, 1, 2, 2), np.nan), ("a", "b"), ("x",))
    with pytest.raises(InputError, match="every position is missing"):
        Recording("r", "fish", lost, TimeBase(4, 30.0))
    with pytest.raises(InputError, match="no track"):
        Recording("r", "fish", CutWindows((), (), (), (), (), 5), TimeBase(0))


def test_species_refuse_impossible_recipes() -> None:
    for wrong in ({"name": " "}, {"bin_rate": -1.0}, {"window": 0.0}, {"stride": -2.0}):
        with pytest.raises(InputError):
            Species(**{"name": "fish", **wrong})  # type: ignore[arg-type]
    assert Species("fish").bins(0.2, 10.0) == 2
    assert Species("fish").bins(0.01, 10.0) == 1


def test_projects_refuse_repeated_names_and_unknown_species() -> None:
    from pathlib import Path

    project = Project(Path("p"), "p").with_species(Species("fish")).with_species(Species("jellyfish"))
    fish, jellyfish = project.species
    assert fish.color != jellyfish.color
    assert fish.marker != jellyfish.marker
    entry = RecordingEntry("one", "fish", Path("a.h5"))
    grown = project.with_recording(entry)
    assert grown.recording_called("one") is entry
    with pytest.raises(InputError, match="--name"):
        grown.with_recording(entry)
    with pytest.raises(InputError, match="known species: fish, jellyfish"):
        project.with_recording(RecordingEntry("two", "bird", Path("a.h5")))
    with pytest.raises(InputError, match="recording two"):
        grown.recording_called("two")


def test_tracks_of_a_recording_carry_frames_times_and_temperature() -> None:
    rng = np.random.default_rng(0)
    pose = Pose(rng.random((305, 2, 3, 2)), ("a", "b", "c"), ("x", "y"))
    clock = TimeBase(305, 30.0, led_on_frame=60, tracking_start_frame=30)
    log = Course(np.array([0.0, 100.0]), np.array([20.0, 30.0]))
    first, second = make_tracks(Recording("r", "fish", pose, clock, log), Species("fish", window=4.0, stride=2.0))
    assert (first.key.individual, second.key.individual) == ("x", "y")
    assert first.values.shape == (10, 1)
    assert first.frames.tolist() == list(range(30, 331, 30))
    assert first.times == pytest.approx(np.arange(10) - 1.0)
    np.testing.assert_allclose(first.temperature, [np.nan, *(20 + 0.1 * np.arange(9))])
    assert first.starts.tolist() == [0, 2, 4, 6]
    assert first.length == 4
