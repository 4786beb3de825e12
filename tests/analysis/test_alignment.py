"""How few courses limit what can be shown, and how well windows are drawn again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_atlas.analysis.alignment import covariate_r2, held_out_r2, reconstruction_r2, smallest_p
from napari_atlas.data.species import Species
from napari_atlas.data.windows import SPLITS, Track, TrackKey, Windows, WindowTable


def make_table(*levels: float, slope: float = 0.0, n: int = 10) -> WindowTable:
    """Return one recording per level, two animals each; the first is for training, all others are for the test."""
    tracks = [
        Track(
            TrackKey("fish", f"r{r}", f"animal-{i}"), np.ones((n, 1)), np.arange(float(n)), np.arange(n + 1),
            level + slope * (r + 1) * np.arange(n), 1, np.arange(n), np.empty(0),
        )
        for r, level in enumerate(levels)
        for i in range(2)
    ]  # fmt: skip
    table = Windows.from_tracks(tracks, [Species("fish", "array")]).table
    return replace(table, split=np.where(table.track < 2, 0, SPLITS.index("test")).astype(np.int8))


@pytest.mark.parametrize(
    ("levels", "slope", "orders"),
    [
        ((17, 18, 19, 20, 21), 1.0, 24),
        ((17, 17, 17, 22.5, 22.5), 0.0, 6),
        ((17, 17, 17, 17, 17), 0.0, 1),
        ((17, 18), 1.0, 1),
    ],
)
def test_the_smallest_p_counts_the_orders_that_differ(levels: tuple[float, ...], slope: float, orders: int) -> None:
    table = make_table(*levels, slope=slope)
    (figures,) = held_out_r2(table, table.temperature, n_shuffles=2).values()
    assert figures.n_courses == len(levels) - 1, "two animals of a recording share one course"
    assert figures.smallest_p == pytest.approx(1 / orders)
    assert smallest_p(table, table.temperature, np.flatnonzero(table.in_split("test"))) == figures.smallest_p


def test_any_covariate_has_its_figures() -> None:
    table = make_table(17, 18, 19, slope=1.0)
    light = np.random.default_rng(0).random(len(table))
    (figures,) = covariate_r2(table, light, light + 0.1).values()
    assert figures.test == pytest.approx(1 - 0.01 / light[table.in_split("test")].var())
    assert not covariate_r2(table, np.full(len(table), np.nan), light)


def test_reconstruction_is_told_by_part() -> None:
    table = make_table(17, 18, 19)
    test = table.in_split("test")
    total = np.full(len(table), 4.0, np.float32)
    figures = reconstruction_r2(table, np.where(test, 3.0, 1.0).astype(np.float32), total)["fish"]
    assert figures["train"] == pytest.approx(0.75)
    assert figures["test"] == pytest.approx(0.25)
    assert np.isnan(figures["validation"]), "no window there"
    assert np.isnan(reconstruction_r2(table, total, np.zeros_like(total))["fish"]["test"]), "nothing to explain"
