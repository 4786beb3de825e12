"""Colour columns: what there is, what stays fixed, and what is never invented."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_atlas.data.window_columns import WindowColumns
from napari_atlas.errors import InputError
from napari_atlas.views._colors import MISSING, SPLIT_COLORS, THERMAL, color_of, rgba_of

if TYPE_CHECKING:
    from napari_atlas.data.atlas import Atlas


def test_temperature_is_offered_only_where_there_is_any(atlas: Atlas, plain_atlas: Atlas) -> None:
    assert "temperature" in WindowColumns(atlas).names
    assert "temperature" not in WindowColumns(plain_atlas).names
    with pytest.raises(InputError, match="no column 'temperature'"):
        color_of(WindowColumns(plain_atlas), "temperature")


def test_every_column_colours_every_window(atlas: Atlas) -> None:
    n = len(atlas.windows.table)
    for column in WindowColumns(atlas).names:
        coloring = color_of(WindowColumns(atlas), column)
        assert coloring.rgba.shape == (n, 4)
        assert coloring.rgba.dtype == np.float32
        assert np.isfinite(coloring.rgba).all()
        assert coloring.continuous == (not coloring.entries)
        if coloring.entries:
            assert sum(entry.count for entry in coloring.entries) == n


def test_species_wear_their_own_colour_and_marker(atlas: Atlas) -> None:
    coloring = color_of(WindowColumns(atlas), "species")
    assert [(e.label, e.color, e.marker) for e in coloring.entries] == [
        ("jellyfish", "#E69F00", "disc"),
        ("stickleback", "#2FB5A0", "triangle_up"),
    ]
    rows = atlas.windows.table.rows_of("stickleback")
    assert np.allclose(coloring.rgba[rows], rgba_of(["#2FB5A0"]))
    assert np.array_equal(coloring.members("stickleback"), rows)
    assert coloring.selected_counts(rows[:5]) == (0, 5)
    assert coloring.members("whale").size == 0


def test_temperature_runs_from_blue_to_red_and_unknown_is_grey(atlas: Atlas) -> None:
    table = atlas.windows.table
    celsius = table.temperature.copy()
    celsius[3] = np.nan
    changed = replace(atlas, windows=replace(atlas.windows, table=replace(table, temperature=celsius)))
    coloring = color_of(WindowColumns(changed), "temperature")
    assert (coloring.low, coloring.high, coloring.unit) == (np.nanmin(celsius), np.nanmax(celsius), "°C")
    assert np.allclose(coloring.rgba[np.nanargmin(celsius)], rgba_of([THERMAL[0]])[0])
    assert np.allclose(coloring.rgba[np.nanargmax(celsius)], rgba_of([THERMAL[-1]])[0])
    assert np.allclose(coloring.rgba[3], rgba_of([MISSING])[0])


def test_activity_is_ranked_within_each_species(atlas: Atlas) -> None:
    table = atlas.windows.table
    louder = table.activity.copy()
    louder[table.rows_of("jellyfish")] *= 1000
    changed = replace(atlas, windows=replace(atlas.windows, table=replace(table, activity=louder)))
    assert np.allclose(
        color_of(WindowColumns(changed), "activity").rgba, color_of(WindowColumns(atlas), "activity").rgba
    )


def test_a_name_keeps_its_colour_when_others_join(atlas: Atlas) -> None:
    colors = {e.label: e.color for e in color_of(WindowColumns(atlas), "recording").entries}
    assert len(set(colors.values())) == len(colors)
    again = {e.label: e.color for e in color_of(WindowColumns(atlas), "recording").entries}
    assert colors == again


def test_split_shows_test_windows_strongly(atlas: Atlas) -> None:
    coloring = color_of(WindowColumns(atlas), "split")
    assert [e.label for e in coloring.entries] == ["train", "test"]
    assert np.allclose(coloring.rgba[atlas.windows.table.in_split("test")], rgba_of([SPLIT_COLORS["test"]]))
