"""Variables as columns."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from napari_atlas.data.variables import Measured, Variable, table_variable
from napari_atlas.data.windows import Windows
from napari_atlas.errors import InputError

EVERY = np.ones(4, bool)
SPEED = Measured("speed", "number", np.array([[1.0, 0], [2, 0], [3, 5], [np.nan, 5]]))
HEADING = Measured("heading", "angle", np.array([[0.0], [np.pi / 2], [np.pi], [np.nan]]))
WHO = Measured("individual", "class", np.array([[0.0], [2], [2], [np.nan]]), ("a", "b", "c"))


def test_numbers_are_z_scored_by_training_windows_alone() -> None:
    variable = Variable.of(SPEED, np.array([True, True, False, False]))
    assert variable is not None
    assert variable.width == 2
    columns = variable.columns(SPEED)
    np.testing.assert_allclose(columns[:3, 0], [-1, 1, 3], rtol=1e-6)
    assert np.isnan(columns[3, 0])
    assert columns[2, 1] == 5


def test_angles_have_no_seam() -> None:
    variable = Variable.of(HEADING, EVERY)
    assert variable is not None
    np.testing.assert_allclose(variable.columns(HEADING)[:3], [[1, 0], [0, 1], [-1, 0]], atol=1e-6)
    np.testing.assert_allclose(variable.column(np.pi), variable.column(-np.pi), atol=1e-6)


def test_a_class_that_training_windows_lack_is_unknown() -> None:
    variable = Variable.of(WHO, np.array([True, True, False, False]))
    assert variable is not None
    assert variable.classes == ("a", "c")
    np.testing.assert_array_equal(variable.columns(WHO)[:3], [[1, 0], [0, 1], [0, 1]])
    assert np.isnan(variable.columns(WHO)[3]).all()
    other = dataclasses.replace(WHO, values=np.ones((4, 1)))
    assert np.isnan(variable.columns(other)).all()
    with pytest.raises(InputError, match="'b' is not a class of it"):
        variable.column("b")


def test_what_does_not_vary_is_no_variable() -> None:
    assert Variable.of(WHO, np.array([False, True, True, True])) is None
    assert Variable.of(SPEED, np.array([False, False, False, True])) is None


def test_a_variable_goes_through_json_and_refuses_another_kind() -> None:
    for measured in (SPEED, HEADING, WHO):
        variable = Variable.of(measured, EVERY)
        assert variable is not None
        assert Variable.from_dict(json.loads(json.dumps(dataclasses.asdict(variable)))) == variable
    with pytest.raises(InputError, match="measure it as in the fit"):
        variable.columns(HEADING)


def test_a_table_knows_who_it_was_and_a_made_up_name_is_not_an_identity() -> None:
    windows = Windows.from_arrays({"a": np.random.default_rng(0).normal(size=(6, 5)), "b": np.zeros((3, 5))})
    species, who = table_variable(windows.table, "species"), table_variable(windows.table, "individual")
    assert species is not None
    assert who is not None
    assert species.classes == ("a", "b")
    assert species.labels().tolist() == ["a"] * 6 + ["b"] * 3
    assert who.classes == ("a track-0", "b track-0")
    assert table_variable(windows.table, "nobody") is None
