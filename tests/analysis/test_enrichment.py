"""What sets selected windows apart: effects against brute force, p against selections of which nothing is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import mannwhitneyu, rankdata

from napari_atlas.analysis._shuffles import Shuffles
from napari_atlas.analysis.enrichment import AGAINST, Difference, Enrichment, corrected, enrichment
from napari_atlas.data.atlas import Atlas
from napari_atlas.data.clusters import Clustering
from napari_atlas.data.covariate_columns import CovariateColumn
from napari_atlas.data.marks import Annotations, Mark, Spans
from napari_atlas.data.species import Species
from napari_atlas.data.window_columns import WindowColumns
from napari_atlas.data.windows import SPLITS, Track, TrackKey, Windows
from napari_atlas.errors import InputError

NAN = float("nan")


def make_columns(n_recordings: int = 6, n_bins: int = 60, kinds: int = 2, animals: int = 1) -> WindowColumns:
    """Return columns of recordings, of the species in turn, whose temperature rises; latents by chance."""
    rng = np.random.default_rng(0)
    species = tuple(Species(f"kind-{i}") for i in range(kinds))

    def track(recording: int, animal: int) -> Track:
        return Track(
            key=TrackKey(species[recording % kinds].name, f"recording-{recording}", f"animal-{animal}"),
            values=rng.normal(size=(n_bins, 2)),
            times=np.arange(n_bins, dtype=np.float64),
            frames=10 * np.arange(n_bins + 1),
            temperature=np.linspace(18, 30, n_bins),
            length=10,
            starts=np.arange(0, n_bins - 9),
            labels=np.empty(0),
            channels=("speed (px/s)", "turn"),
        )

    tracks = [track(i, j) for i in range(n_recordings) for j in range(animals)]
    windows = Windows.from_tracks(tracks, species)
    ordered = tuple(sorted(tracks, key=lambda t: t.key.species))
    latents = rng.normal(size=(len(windows.table), 3)).astype(np.float32)
    return WindowColumns(Atlas(Path("p.atlas"), {}, windows, ordered, run="1", latents=latents))


def with_covariate(columns: WindowColumns, values: NDArray[np.float64], *classes: str) -> WindowColumns:
    windows = columns.atlas.windows
    table = replace(windows.table, covariates=(CovariateColumn("dose", values, classes),))
    return replace(columns, atlas=replace(columns.atlas, windows=replace(windows, table=table)))


def compared(columns: WindowColumns, ids: NDArray[np.int64], against: str = AGAINST[0], n: int = 499) -> Enrichment:
    *parts, last = enrichment(columns, ids, against, n)
    assert last.complete
    assert not any(part.complete for part in parts)
    return last


def row(found: Enrichment, label: str) -> Difference:
    return next(row for row in found.rows if row.label == label)


def warm(columns: WindowColumns, above: float = 26.0) -> NDArray[np.int64]:
    return np.flatnonzero(columns.atlas.windows.table.temperature > above)


@pytest.mark.parametrize("decimals", [0, 6])
def test_effect_is_cliffs_delta(decimals: int) -> None:
    rng = np.random.default_rng(1)
    columns = make_columns()
    n = len(columns.atlas.windows.table)
    values = rng.normal(size=n).round(decimals)
    values[::7] = NAN
    ids = np.flatnonzero(rng.random(n) < 0.3)
    found = row(compared(with_covariate(columns, values), ids), "dose")
    inside, rest = values[ids], np.delete(values, ids)
    inside, rest = inside[np.isfinite(inside)], rest[np.isfinite(rest)]
    delta = np.sign(inside[:, None] - rest[None, :]).mean()
    assert found.effect == pytest.approx(delta)
    assert (found.inside, found.rest) == (np.median(inside), np.median(rest))
    assert found.column == "dose"


def test_of_a_class_the_shares_are_told_and_their_odds() -> None:
    columns = make_columns()
    codes = np.arange(len(columns.atlas.windows.table)) % 2.0
    ids = np.arange(0, 40)
    codes[:30] = 1.0
    found = row(compared(with_covariate(columns, codes, "none", "much"), ids), "dose: much")
    assert found.inside == 35 / 40
    assert found.rest == 0.5
    assert found.effect == pytest.approx(35 / 40 - 0.5)
    assert 2**found.fold == pytest.approx((35.5 / 5.5) / 1.0)


def autocorrelated(rng: np.random.Generator, n_recordings: int, n: int) -> NDArray[np.float64]:
    """Return what changes slowly within recordings that differ from each other."""
    noise = rng.normal(size=(n_recordings, n + 100))
    slow = lfilter([1.0], [1.0, -0.95], noise, axis=1)[:, 100:]
    return (slow + 3 * rng.normal(size=(n_recordings, 1))).ravel()


def test_selections_of_stretches_by_chance_are_not_told_from_the_rest() -> None:
    rng, columns = np.random.default_rng(2), make_columns(8, 129, 1)
    table = columns.atlas.windows.table
    everything, n = np.ones(len(table), dtype=bool), 120
    ours, naive = [], []
    for i in range(200):
        chosen = np.zeros((8, n), dtype=bool)
        for recording in rng.permutation(8)[:4]:
            chosen[recording, (rng.integers(n) + np.arange(rng.integers(10, 40))) % n] = True
        values = autocorrelated(rng, 8, n)
        scores = rankdata(values) - (values.size + 1) / 2
        p, _ = Shuffles(table, everything, chosen.ravel(), 99, i).p_values(scores[:, None])
        ours.append(p[0])
        naive.append(mannwhitneyu(values[chosen.ravel()], values[~chosen.ravel()]).pvalue)
    assert np.mean(np.array(ours) <= 0.05) <= 0.1
    assert np.mean(np.array(naive) <= 0.05) > 0.4


def test_a_difference_that_many_recordings_share_is_found() -> None:
    columns = make_columns()
    found = row(compared(columns, warm(columns)), "temperature")
    assert found.effect == pytest.approx(1.0)
    assert found.corrected < 0.05


@pytest.mark.parametrize(("n_recordings", "told"), [(10, True), (4, False)])
def test_what_is_the_same_throughout_a_recording_needs_recordings(n_recordings: int, told: bool) -> None:
    columns = make_columns(n_recordings, kinds=1)
    treated = (columns.atlas.windows.table.track % 2).astype(np.float64)
    found = row(compared(with_covariate(columns, treated, "no", "yes"), np.flatnonzero(treated)), "dose: yes")
    assert found.effect == 1.0
    assert (found.p < 0.05) == told
    assert ("too few recordings" in found.note) != told


def test_animals_of_one_recording_are_not_counted_as_recordings() -> None:
    """Four animals that see the same temperature say no more than one of them."""
    one, four = make_columns(1, kinds=1), make_columns(1, kinds=1, animals=4)
    p = [row(compared(columns, warm(columns, 28.0), n=1999), "temperature").p for columns in (one, four)]
    assert p[1] == pytest.approx(p[0], abs=0.03)
    assert min(p) > 0.01


def test_what_differs_between_animals_of_recordings_is_tested_between_animals() -> None:
    columns = make_columns(4, kinds=1, animals=4)
    table = columns.atlas.windows.table
    large = (table.track % 4 == 0).astype(np.float64)
    found = row(compared(with_covariate(columns, large, "no", "yes"), np.flatnonzero(large)), "dose: yes")
    assert found.p < 0.02


def test_what_follows_from_the_latent_has_no_p_and_is_not_counted() -> None:
    columns = make_columns()
    clusters = Clustering("k2", "k-means", (columns.atlas.latents[:, 0] > 0).astype(np.int64), ("1", "2"))
    columns = replace(columns, clusterings=(clusters,))
    found = compared(columns, np.flatnonzero(columns.atlas.latents[:, 0] > 0))
    for label in ("latent 1", "k2: 2"):
        assert row(found, label).effect == pytest.approx(1.0)
        assert np.isnan(row(found, label).p)
        assert "follows from the latent" in row(found, label).note
    assert row(found, "k2: 1").column == "clusters: k2"
    assert np.isnan(row(found, "recording: recording-0").p)
    p = [r.p for r in found.rows if np.isfinite(r.p)]
    assert [r.corrected for r in found.rows if np.isfinite(r.p)] == pytest.approx(benjamini_hochberg(p))


def benjamini_hochberg(p: list[float]) -> list[float]:
    order = np.argsort(p)[::-1]
    raised = np.array(p)[order] * len(p) / np.arange(len(p), 0, -1)
    done = np.empty(len(p))
    done[order] = np.minimum.accumulate(raised)
    return list(np.minimum(done, 1.0))


def test_correction_leaves_rows_without_p_alone() -> None:
    rows = [Difference("", "a", 0.1, p=0.01), Difference("", "b", 0.1), Difference("", "c", 0.1, p=0.04)]
    assert [r.corrected for r in corrected(rows)] == pytest.approx([0.02, NAN, 0.04], nan_ok=True)
    assert corrected([rows[1]]) == [rows[1]]


def test_a_tag_is_compared_among_all_windows() -> None:
    columns = make_columns()
    table = columns.atlas.windows.table
    tag = Mark("tag", "turn", Spans.of_windows(table, np.arange(10)))
    found = row(compared(replace(columns, annotations=Annotations((tag,))), np.arange(40)), "tag: turn")
    assert (found.inside, found.rest) == (0.25, 0.0)


def test_signals_are_compared_species_by_species() -> None:
    columns = make_columns()
    windows = columns.atlas.windows
    ids = warm(columns)
    found = compared(columns, ids)
    mine = windows.table.rows_of("kind-1")
    inside, rest = np.intersect1d(mine, ids), np.setdiff1d(mine, ids)
    mean = row(found, "kind-1: speed (px/s), mean")
    assert mean.inside == pytest.approx(np.median(windows.gather(inside)[:, :, 0].mean(axis=1)))
    assert mean.column == "activity"
    spread = row(found, "kind-1: turn, variability")
    assert spread.rest == pytest.approx(np.median(windows.gather(rest)[:, :, 1].std(axis=1)))
    assert spread.column == ""


def test_others_of_the_same_species_and_held_out_ones() -> None:
    columns = make_columns()
    table = columns.atlas.windows.table
    test = np.isin(table.track, [0, 3])
    split = np.where(test, SPLITS.index("test"), SPLITS.index("train")).astype(np.int8)
    columns = replace(columns, atlas=replace(columns.atlas, windows=columns.atlas.windows.with_split(split)))
    ids = np.intersect1d(warm(columns), table.rows_of("kind-0"))
    same = compared(columns, ids, AGAINST[1])
    assert (same.n_inside, same.n_rest) == (ids.size, table.rows_of("kind-0").size - ids.size)
    assert not [
        r for r in same.rows if r.label.startswith(("species", "kind-1", "temperature in own range", "activity"))
    ]
    held_out = compared(columns, ids, AGAINST[2])
    assert held_out.n_inside + held_out.n_rest == test.sum()


def test_a_selection_within_one_recording_is_told() -> None:
    columns = make_columns()
    assert "of one recording: what sets them apart may be that recording" in compared(columns, np.arange(20)).notes[0]
    alone = make_columns(1, kinds=1)
    assert "nothing can be said of any other" in compared(alone, np.arange(20)).notes[0]


def test_the_same_seed_gives_the_same() -> None:
    columns = make_columns()
    assert repr(compared(columns, warm(columns))) == repr(compared(columns, warm(columns)))


def test_rows_come_in_parts() -> None:
    columns = make_columns(40)
    parts = list(enrichment(columns, warm(columns), n_shuffles=99))
    sizes = [len(part.rows) for part in parts]
    assert len(sizes) > 3
    assert sizes[:-1] == sorted(sizes[:-1])
    assert len([r for r in parts[-1].rows if r.column == "recording"]) == 12
    assert parts[-1].smallest_p == 0.01


@pytest.mark.parametrize("n_bins", [10, 11])
def test_one_or_two_windows_to_a_recording(n_bins: int) -> None:
    columns = make_columns(2, n_bins)
    found = compared(columns, np.array([0]))
    assert (found.n_inside, found.n_rest) == (1, len(columns.atlas.windows.table) - 1)
    assert all(not r.p < 0.05 for r in found.rows)


@pytest.mark.parametrize("ids", [np.empty(0, dtype=np.int64), np.arange(306)])
def test_nothing_or_all_is_refused(ids: NDArray[np.int64]) -> None:
    with pytest.raises(InputError, match="select others, or compare with something else"):
        next(enrichment(make_columns(), ids))


def test_windows_of_another_run_are_refused() -> None:
    with pytest.raises(InputError, match="a window is none of these 306; select again in this run"):
        next(enrichment(make_columns(), np.array([3, 306])))


def test_what_to_compare_with_has_to_be_known() -> None:
    with pytest.raises(InputError, match="'nothing' is not known; choose from all other windows"):
        next(enrichment(make_columns(), np.arange(3), "nothing"))


def test_a_column_without_windows_on_one_side_is_left_out() -> None:
    columns = make_columns()
    values = np.full(len(columns.atlas.windows.table), NAN)
    values[:10] = np.arange(10)
    found = compared(with_covariate(columns, values), np.arange(20))
    assert "dose" not in [r.label for r in found.rows]
