"""What is held out, and that nothing of it leaks into training."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from napari_atlas.data.config import FitConfig, describe
from napari_atlas.data.species import Species
from napari_atlas.data.splits import assign_split
from napari_atlas.data.windows import SPLITS, Track, TrackKey, Windows, WindowTable
from napari_atlas.errors import InputError


def make_table(
    recordings: int, individuals: int, n_bins: int, *, length: int = 5, stride: int = 2, courses: bool = True
) -> WindowTable:
    """Return the windows of one species whose recordings differ in temperature, or that has none."""
    tracks = []
    for r, i in itertools.product(range(recordings), range(individuals)):
        times = np.arange(n_bins, dtype=float)
        warmth = 15 + r + times / n_bins if courses else np.full(n_bins, np.nan)
        tracks.append(
            Track(
                TrackKey("fish", f"r{r:02d}", str(i)), times[:, None], times, 30 * np.arange(n_bins + 1), warmth,
                length,
                np.arange(0, n_bins - length + 1, stride), np.empty(0),
            )
        )  # fmt: skip
    return Windows.from_tracks(tracks, [Species("fish", "array")]).table


def parts_of(table: WindowTable, codes: np.ndarray, key: str) -> list[set[str]]:
    """Return the parts in which each recording or track has windows."""
    groups = table.track if key == "track" else table.of_key(key)
    return [{SPLITS[c] for c in codes[groups == g]} for g in np.unique(groups)]


def shares(codes: np.ndarray) -> np.ndarray:
    return np.bincount(codes, minlength=4) / codes.size


@pytest.mark.parametrize("stride", [1, 2, 5, 7])
@pytest.mark.parametrize("n_bins", [60, 200, 1000])
def test_blocks_share_no_bin_with_another_part(n_bins: int, stride: int) -> None:
    table = make_table(2, 2, n_bins, stride=stride)
    codes = assign_split(table, FitConfig(split="block")).codes
    assert {SPLITS[c] for c in codes} >= {"train", "validation", "test"}
    for track in range(len(table.keys)):
        mine = np.flatnonzero((table.track == track) & (codes != SPLITS.index("gap")))
        used = [
            {b for w in mine[codes[mine] == part] for b in range(table.start[w], table.stop[w])} for part in range(3)
        ]
        for one, other in itertools.combinations(used, 2):
            assert not one & other
            if one and other:
                assert min(abs(a - b) for a in one for b in other) > 5, "the guard gap is one window long"


def test_blocks_hold_about_the_asked_share_out() -> None:
    table = make_table(2, 2, 5000)
    part = shares(assign_split(table, FitConfig(split="block")).codes)
    assert part[1] == pytest.approx(0.125, abs=0.05)
    assert part[2] == pytest.approx(0.25, abs=0.08)


@pytest.mark.parametrize("split", ["recording", "auto"])
def test_whole_recordings_stay_together(split: str) -> None:
    table = make_table(16, 2, 60)
    result = assign_split(table, FitConfig(split=split))
    assert all(len(parts) == 1 for parts in parts_of(table, result.codes, "recording"))
    assert "by recording (16 of them)" in result.notes[0]
    assert shares(result.codes) == pytest.approx([10 / 16, 2 / 16, 4 / 16, 0])


@pytest.mark.parametrize("split", ["individual", "auto"])
def test_whole_individuals_stay_together(split: str) -> None:
    table = make_table(4, 6, 60)
    result = assign_split(table, FitConfig(split=split))
    assert all(len(parts) == 1 for parts in parts_of(table, result.codes, "track"))
    assert any(len(parts) > 1 for parts in parts_of(table, result.codes, "recording"))
    assert "by individual (24 of them)" in result.notes[0]
    assert shares(result.codes) == pytest.approx([15 / 24, 3 / 24, 6 / 24, 0])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("temperatures", [(17.0, 22.5), (17.0, 17.0, 17.0, 22.5), (15.0, 17.0, 20.0, 22.5)])
def test_constant_recordings_are_dealt_so_that_parts_span_temperatures(
    temperatures: tuple[float, ...], seed: int
) -> None:
    table = make_table(16, 2, 60)
    recording = np.array([int(name[1:]) for name in table.of_key("recording")])
    table = replace(table, temperature=np.array(temperatures)[recording % len(temperatures)])
    result = assign_split(table, FitConfig(seed=seed))
    for part in range(3):
        assert np.unique(table.temperature[result.codes == part]).size >= 2


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("recordings", "individuals", "n_bins"), [(12, 2, 40), (3, 4, 40), (2, 2, 400), (8, 1, 80)])
def test_every_part_has_windows_and_several_temperatures(
    recordings: int, individuals: int, n_bins: int, seed: int
) -> None:
    table = make_table(recordings, individuals, n_bins)
    codes = assign_split(table, FitConfig(seed=seed)).codes
    for part in range(3):
        assert np.unique(table.temperature[codes == part]).size >= 2


def test_a_grouping_that_cannot_cover_gives_way_to_blocks_and_says_so() -> None:
    table = make_table(2, 1, 400)
    result = assign_split(table, FitConfig(split="recording"))
    assert "held out by blocks of time" in result.notes[0]
    assert {SPLITS[c] for c in result.codes} == set(SPLITS)


@pytest.mark.parametrize(("recordings", "individuals", "by"), [(5, 1, "recording (5"), (1, 5, "individual (5")])
def test_few_groups_are_held_out_where_blocks_are_too_short(recordings: int, individuals: int, by: str) -> None:
    table = make_table(recordings, individuals, 20)
    result = assign_split(table, FitConfig())
    assert f"held out by {by}" in result.notes[0]
    assert all(len(parts) == 1 for parts in parts_of(table, result.codes, "track"))
    assert {0, 1, 2} == set(result.codes.tolist())


def test_without_temperature_groups_need_windows_alone() -> None:
    table = make_table(8, 1, 60, courses=False)
    result = assign_split(table, FitConfig())
    assert "by recording" in result.notes[0]
    assert (shares(result.codes)[:3] > 0).all()


def test_each_species_is_held_out_in_its_own_way() -> None:
    windows = Windows.from_arrays(
        {
            "many": np.stack([np.random.default_rng(t).random(30)[i : i + 10] for t in range(12) for i in (0, 5, 10)]),
            "one": np.stack([np.random.default_rng(0).random(400)[i : i + 5] for i in range(0, 395, 2)]),
        }
    )
    result = assign_split(windows.table, FitConfig())
    assert result.notes[0].startswith("many: held out by individual")
    assert result.notes[1].startswith("one: held out by blocks of time")
    for name in ("many", "one"):
        assert {0, 1, 2} <= set(result.codes[windows.table.rows_of(name)].tolist())


def test_none_holds_nothing_out() -> None:
    result = assign_split(make_table(10, 2, 60), FitConfig(split="none"))
    assert not result.codes.any()
    assert result.notes[0].startswith("Nothing is held out")


def test_shares_of_zero_are_kept_at_zero() -> None:
    codes = assign_split(make_table(10, 2, 60), FitConfig(validation_fraction=0.0, test_fraction=0.3)).codes
    assert not (codes == SPLITS.index("validation")).any()
    assert (codes == SPLITS.index("test")).mean() == pytest.approx(0.3)


def test_the_seed_decides() -> None:
    table = make_table(1, 24, 60)
    first, again = (assign_split(table, FitConfig(seed=3)).codes for _ in range(2))
    assert np.array_equal(first, again)
    others = [assign_split(table, FitConfig(seed=s)).codes for s in range(4)]
    assert any(not np.array_equal(first, other) for other in others)


def test_too_little_to_hold_out_is_said() -> None:
    table = make_table(2, 1, 20)
    result = assign_split(table, FitConfig())
    assert not result.codes.any()
    assert "too little to hold anything out" in result.notes[0]
    assert "0 validation, 0 test" in result.notes[0]


def test_settings_are_read_from_text() -> None:
    config = FitConfig.from_dict({"epochs": "3", "learning_rate": "1e-2", "split": "block"})
    assert (config.epochs, config.learning_rate, config.split) == (3, 0.01, "block")
    assert config.batch_size == FitConfig().batch_size
    assert FitConfig.from_dict(config.as_dict()) == config


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"epoch": 3}, "epoch is not a setting; choose from latent_dim, encoder"),
        ({"epochs": "many"}, "setting epochs: 'many' is not a whole number"),
        ({"epochs": None}, "setting epochs: None is not a whole number"),
        ({"epochs": 0}, "setting epochs: 0 is out of range; give a value from 1"),
        ({"learning_rate": "nan"}, "setting learning_rate: nan is out of range"),
        ({"beta": -1}, "setting beta: -1.0 is out of range"),
        ({"split": "tank"}, "setting split: 'tank' is not possible; choose from auto, recording"),
        ({"device": "tpu"}, "setting device"),
        ({"test_fraction": 0.9}, "setting test_fraction"),
    ],
)
def test_wrong_settings_name_field_value_and_cure(values: dict[str, object], says: str) -> None:
    with pytest.raises(InputError) as caught:
        FitConfig.from_dict(values)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_setting_is_described() -> None:
    for knob in describe():
        assert knob["meaning"].endswith(".")
        assert "choices" in knob or knob["default"] == "" or knob["low"] <= knob["default"] <= knob["high"]
