"""Sections, blocks and folds, whatever the tracks are like."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_atlas.data.config import FitConfig
from napari_atlas.data.species import Species
from napari_atlas.data.splits import assign_split
from napari_atlas.data.windows import SPLITS, Track, TrackKey, Windows, WindowTable
from napari_atlas.errors import InputError

TRAIN, VALIDATION, TEST, GAP = range(4)


def make_table(
    shape: tuple[int, int, int], length: int = 5, stride: int = 2, bin_seconds: float = 1.0, species: str = "fish"
) -> WindowTable:
    """Return the windows of (recordings, individuals, bins); NaN for *bin_seconds* leaves the clock unknown."""
    recordings, individuals, n_bins = shape
    bins = np.arange(float(n_bins))
    tracks = [
        Track(
            TrackKey(species, f"r{r:02d}", str(i)), bins[:, None], bins * bin_seconds, np.arange(n_bins + 1),
            15 + r + np.sin(bins / 40 + i), length, np.arange(0, n_bins - length + 1, stride), np.empty(0),
        )
        for r, i in itertools.product(range(recordings), range(individuals))
    ]  # fmt: skip
    return Windows.from_tracks(tracks, [Species(species, "array")]).table


def least_gap(table: WindowTable, codes: np.ndarray) -> int:
    """Return the fewest bins between windows of different parts of the same track; a negative number is an overlap."""
    gaps = [10**6]
    for track in np.unique(table.track):
        mine = (table.track == track) & (codes != GAP)
        for one, other in itertools.permutations(range(3), 2):
            stops, starts = table.stop[mine & (codes == one)], table.start[mine & (codes == other)]
            later = starts[:, None] + table.stop[0] - table.start[0] > stops[None, :]
            gaps += (starts[:, None] - stops[None, :])[later].tolist()
    return min(gaps)


tables = st.builds(
    make_table,
    st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(8, 400)),
    length=st.integers(1, 8),
    stride=st.integers(1, 9),
    bin_seconds=st.sampled_from([0.5, 1.0, 3.0, float("nan")]),
)


@settings(deadline=None, max_examples=60)
@given(tables, st.sampled_from(["block", "sections"]), st.integers(0, 50))
def test_no_window_overlaps_one_of_another_part(table: WindowTable, split: str, seed: int) -> None:
    codes = assign_split(table, FitConfig(split=split, seed=seed)).codes
    assert least_gap(table, codes) >= 0


@settings(deadline=None, max_examples=40)
@given(tables, st.integers(2, 6), st.integers(0, 50))
def test_folds_share_no_time_and_test_each_window_at_most_once(table: WindowTable, folds: int, seed: int) -> None:
    config = FitConfig(split="kfold", folds=folds, seed=seed)
    each = [assign_split(table, replace(config, fold=fold)) for fold in range(folds)]
    tested = np.sum([split.codes == TEST for split in each], axis=0)
    assert tested.max() <= 1
    assert all(least_gap(table, split.codes) >= 0 for split in each)
    if "too little" not in each[0].notes[0]:
        for split in each:
            assert {TRAIN, VALIDATION, TEST} <= set(split.codes.tolist())


@pytest.mark.parametrize(
    ("shape", "key", "words"),
    [((12, 2, 60), "recording", "recording (12 of them)"), ((2, 7, 60), "individual", "individual (14 of them)")],
)
@pytest.mark.parametrize("folds", [2, 3, 5])
def test_each_group_is_tested_exactly_once(shape: tuple[int, int, int], key: str, words: str, folds: int) -> None:
    table = make_table(shape)
    groups = table.of_key("recording") if key == "recording" else table.track
    tested = np.zeros(len(table), dtype=int)
    for fold in range(folds):
        split = assign_split(table, FitConfig(split="kfold", folds=folds, fold=fold))
        assert f"fold {fold} of folds 0 to {folds - 1}, held out by {words}" in split.notes[0]
        assert GAP not in split.codes
        assert all(np.unique(split.codes[groups == group]).size == 1 for group in np.unique(groups))
        assert (split.codes == TEST).mean() == pytest.approx(1 / folds, abs=0.11)
        assert (split.codes == VALIDATION).mean() == pytest.approx(0.125, abs=0.09)
        tested += split.codes == TEST
    assert (tested == 1).all()


def test_too_few_groups_make_folds_of_blocks() -> None:
    table = make_table((2, 1, 600))
    splits = [assign_split(table, FitConfig(split="kfold", fold=fold)) for fold in range(5)]
    assert "held out by blocks of time" in splits[0].notes[0]
    tested = np.sum([split.codes == TEST for split in splits], axis=0)
    assert tested.max() == 1
    assert tested.mean() > 0.6, "only windows at borders are never tested"


def test_many_folds_find_enough_blocks() -> None:
    table = make_table((1, 1, 2000))
    parts = [assign_split(table, FitConfig(split="kfold", folds=50, fold=fold)).codes for fold in (0, 49)]
    assert all((codes == TEST).any() and (codes == TRAIN).any() for codes in parts)


def test_a_fold_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="setting fold: 5 is not below folds=5; choose from 0 to 4"):
        FitConfig(split="kfold", fold=5)


def test_sections_last_a_minute_and_are_dealt_at_random() -> None:
    table = make_table((4, 1, 1200), bin_seconds=0.5)
    split = assign_split(table, FitConfig(split="sections", validation_fraction=0.25, test_fraction=0.25))
    assert "held out by shuffled sections of one minute" in split.notes[0]
    centre = (table.start + table.stop) / 2
    for track, section in itertools.product(range(4), range(10)):
        mine = (table.track == track) & (centre // 120 == section)
        assert len(set(split.codes[mine].tolist()) - {GAP}) <= 1, "a section stays together"
    counts = np.bincount(split.codes, minlength=4)[:3] / (split.codes != GAP).sum()
    assert counts == pytest.approx([0.5, 0.25, 0.25], abs=0.05)
    other = assign_split(table, FitConfig(split="sections", validation_fraction=0.25, test_fraction=0.25, seed=1))
    assert not np.array_equal(split.codes, other.codes)


@pytest.mark.parametrize(
    ("bin_seconds", "length", "says"),
    [
        (float("nan"), 5, "sections of ten windows, since no clock tells the minute"),
        (1.0, 30, "sections of three windows (90 s), since one minute holds fewer"),
        (1.0, 20, "sections of one minute"),
    ],
)
def test_sections_that_cannot_be_a_minute_say_so(bin_seconds: float, length: int, says: str) -> None:
    split = assign_split(make_table((3, 2, 900), length, 5, bin_seconds), FitConfig(split="sections"))
    assert says in split.notes[0]
    assert {SPLITS[code] for code in split.codes} == set(SPLITS)


@pytest.mark.parametrize("split", ["recording", "individual", "block", "sections", "kfold"])
def test_every_part_holds_every_species(split: str) -> None:
    kinds = ("fish", "jelly")
    one, two = (make_table((6, 2, 400), species=name) for name in kinds)
    both = WindowTable(
        one.keys + two.keys,
        np.concatenate([one.track, two.track + len(one.keys)]).astype(np.int32),
        *(np.concatenate([getattr(t, name) for t in (one, two)]) for name in list(one.__dataclass_fields__)[2:]),
    )
    codes = assign_split(both, FitConfig(split=split)).codes
    for name in kinds:
        assert {TRAIN, VALIDATION, TEST} <= set(codes[both.rows_of(name)].tolist())


@pytest.mark.parametrize("split", ["sections", "kfold"])
def test_a_species_without_windows_or_with_one_has_nothing_held_out(split: str) -> None:
    for n_bins in (3, 5):
        split_ = assign_split(make_table((1, 1, n_bins)), FitConfig(split=split))
        assert not split_.codes.any()
        assert "too little to hold anything out" in split_.notes[0]
