"""Covariates on bins and on windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_atlas.data.covariate_columns import CovariateColumn, bins_of_course, merged, over_windows
from napari_atlas.data.covariates import Course
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import Recording
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.data.windows import Windows, make_tracks
from napari_atlas.errors import InputError

NAN = np.nan


def recording(**more: object) -> Recording:
    xy = np.random.default_rng(0).normal(size=(40, 2, 1, 2)).cumsum(axis=0)
    pose = Pose(xy, ("nose",), ("Ada", "Ben"))
    clock = TimeBase(40, 10.0, tracking_start_frame=5)
    return Recording("r", "mouse", pose, clock, source=Path("x"), **more)  # type: ignore[arg-type]


def test_values_per_frame_are_averaged_and_classes_are_those_of_the_middle_frame() -> None:
    edges, times = recording().timebase.bin_edges(1.0), recording().timebase.bin_times(1.0)
    values = np.arange(40.0)
    values[[0, 1, 12]] = NAN
    values[30:] = NAN
    numbers = bins_of_course(Course.per_frame(values, 5), recording(), edges, times)
    assert numbers[:3] == pytest.approx([np.mean(np.arange(2, 10)), np.nanmean(values[10:20]), 24.5])
    assert np.isnan(numbers[3])
    codes = np.repeat([0.0, 1.0, NAN, 1.0], 10)
    found = bins_of_course(Course.per_frame(codes, 5, ("rest", "run")), recording(), edges, times)
    assert np.array_equal(found, [0, 1, NAN, 1], equal_nan=True)


def test_a_window_has_the_median_number_and_the_class_that_it_has_most_of() -> None:
    number = CovariateColumn("dose", np.array([1.0, NAN, 3.0, 9.0, NAN, NAN]))
    assert np.array_equal(over_windows(number, np.array([0, 1, 4]), 2).values, [1, 3, NAN], equal_nan=True)
    label = CovariateColumn("b", np.array([0, 1, 1, NAN, NAN, NAN]), ("rest", "run"))
    found = over_windows(label, np.array([0, 1, 3]), 3)
    assert found.texts().tolist() == ["run", "run", ""]


def test_classes_of_several_recordings_are_one_list() -> None:
    one = CovariateColumn("b", np.array([0.0, 1.0]), ("run", "rest"))
    other = CovariateColumn("b", np.array([0.0, NAN]), ("jump",))
    (found,) = merged([([one], 2), ([], 1), ([other], 2)])
    assert found.classes == ("jump", "rest", "run")
    assert found.texts().tolist() == ["run", "rest", "", "jump", ""]
    with pytest.raises(InputError, match="number in one recording and a class in another"):
        merged([([one], 2), ([CovariateColumn("b", np.zeros(1))], 1)])


def test_each_animal_has_its_own_course_and_both_share_a_single_one() -> None:
    per_animal = tuple(Course.per_frame(np.full(40, float(i)), 5) for i in (1, 2))
    made = recording(covariates={"size": per_animal, "arena": (Course.constant_class("left"),)})
    species = Species("mouse", window=1.0, stride=1.0, bin_rate=5.0)
    table = Windows.from_tracks(make_tracks(made, species), [species]).table
    size, arena = table.covariates
    ada = table.of_key("individual") == "Ada"
    assert (size.values[ada] == 1).all()
    assert (size.values[~ada] == 2).all()
    assert set(arena.texts()) == {"left"}


def test_a_course_is_told_where_it_is_known_and_nowhere_else() -> None:
    log = Course(np.array([0.0, 10.0]), np.array([20.0, 30.0]))
    assert log.at([0, 5, 10]).tolist() == [20, 25, 30]
    assert np.isnan(log.at([-1, 11, NAN])).all()
    longer = Course(log.times, log.values, extended=True)
    assert longer.at([-1, 11]).tolist() == [20, 30]
    label = Course(np.array([0.0, 10.0, 20.0]), np.array([0.0, NAN, 1.0]), ("a", "b"))
    assert np.array_equal(label.at([0, 9.9, 10, 20, 21]), [0, 0, NAN, 1, NAN], equal_nan=True)
    frames = Course.per_frame(np.array([1.0, 2.0]), 7)
    assert np.array_equal(frames.at([6, 7, 8, 9]), [NAN, 1, 2, NAN], equal_nan=True)
