from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from napari_atlas.analysis.decodability import Decoding, choose_windows, decode, groupable, labelled_f1
from napari_atlas.analysis.folds import apart, block_length, deal, shuffled, units_of
from napari_atlas.analysis.raw_signal import RawSignal
from napari_atlas.data.score_text import score_lines
from napari_atlas.data.scores import Decoded, Scores
from napari_atlas.data.variables import Measured, table_variable
from napari_atlas.data.windows import SPLITS, TrackKey, Windows, WindowTable

QUICK = Decoding(shuffles=2)


def make_table(n_recordings: int = 2, n_animals: int = 2, n: int = 100, step: int = 10) -> WindowTable:
    """Return windows of 10 bins that begin every *step* bins, all of them test windows."""
    keys = tuple(TrackKey("mouse", f"r{r}", f"m{a}") for r in range(n_recordings) for a in range(n_animals))
    track = np.repeat(np.arange(len(keys)), n).astype(np.int32)
    start = np.tile(np.arange(n) * step, len(keys))
    unknown = np.full(track.size, np.nan)
    split = np.full(track.size, SPLITS.index("test"), np.int8)
    return WindowTable(
        keys, track, start, start + 10, start, start + 10, start / 10.0, unknown, unknown, split, covariates=()
    )


def slow_noise(table: WindowTable, memory: int, seed: int = 0) -> np.ndarray:
    """Return (n_windows, 6) that know nothing, but change slowly along each track."""
    values = np.random.default_rng(seed).normal(size=(len(table), 6))
    if memory > 1:
        kernel = np.ones(memory)
        for track in np.unique(table.track):
            mine = table.track == track
            values[mine] = np.apply_along_axis(lambda v: np.convolve(v, kernel, "same"), 0, values[mine])
    return values / values.std(axis=0)


def by_decoder(rows: list[Decoded]) -> dict[str, Decoded]:
    return {row.decoder: row for row in rows}


def test_windows_that_are_chosen_do_not_overlap() -> None:
    table = make_table(step=3)
    ids = apart(table, np.ones(len(table), dtype=bool))
    for track in range(4):
        starts = table.start[ids[table.track[ids] == track]]
        assert (np.diff(starts) >= 10).all()
        assert starts.size == 25  # every fourth of a hundred


def test_stretches_are_as_long_as_windows_stay_alike_and_are_dealt_whole() -> None:
    table = make_table(n=400)
    ids = np.arange(len(table))
    assert block_length(table, ids, slow_noise(table, 1)) == 1
    length = block_length(table, ids, slow_noise(table, 12))
    assert 8 <= length <= 16
    units = units_of(table, ids, length)
    assert all(np.unique(table.track[ids[units == unit]]).size == 1 for unit in range(int(units.max()) + 1))
    labels = table.track.astype(np.int64)
    folds = deal(units, labels, 5, np.random.default_rng(0))
    assert all(np.unique(folds[units == unit]).size == 1 for unit in range(int(units.max()) + 1))
    shares = np.array([[np.mean(folds[labels == label] == fold) for fold in range(5)] for label in range(4)])
    assert shares.min() > 0.1  # each fold has its share of each animal
    order = shuffled(100, 7, np.random.default_rng(0))
    assert sorted(order) == list(range(100))
    assert np.mean(np.diff(order) % 100 == 1) > 0.8


@pytest.mark.parametrize("memory", [1, 12])
def test_what_the_latent_does_not_know_is_told_by_chance_also_where_it_changes_slowly(memory: int) -> None:
    table = make_table(n=150)
    individual = table_variable(table, "individual")
    chosen = choose_windows(table, individual)
    rows = by_decoder(decode("latent", slow_noise(table, memory)[chosen.ids], chosen, table, QUICK))
    assert set(rows) == {"logistic", "qda", "mlp"}
    for row in rows.values():
        assert row.score == pytest.approx(row.chance, abs=0.12 if memory > 1 else 0.07)
        assert (row.n_windows, row.kind, row.source) == (600, "class", "latent")


def test_each_decoder_finds_what_it_can_find() -> None:
    table = make_table(n=150)
    noise = slow_noise(table, 1)
    individual = table_variable(table, "individual")
    chosen = choose_windows(table, individual, QUICK)
    who = individual.values[:, 0]
    moved = noise + np.where(who == 0, 0.0, 1.5)[:, None]
    assert by_decoder(decode("latent", moved[chosen.ids], chosen, table, QUICK))["logistic"].score > 0.9
    wider = noise * np.where(who == 0, 1.0, 3.0)[:, None]  # the same mean, so that no straight border helps
    rows = by_decoder(decode("latent", wider[chosen.ids], chosen, table, QUICK, scrubbed=True))
    assert rows["qda"].score > 0.9 > 0.65 > rows["logistic"].score
    assert rows["qda"].scrubbed
    assert rows["qda"].chance < 0.6
    again = decode("latent", wider[chosen.ids], chosen, table, QUICK, scrubbed=True)
    assert by_decoder(again) == rows  # the same seed, the same figures


def test_numbers_and_angles_are_told_by_their_share_of_variance() -> None:
    table = make_table(n=150)
    noise, rng = slow_noise(table, 1), np.random.default_rng(1)
    angle = Measured("heading", "angle", rng.uniform(-np.pi, np.pi, (len(table), 1)))
    latent = np.concatenate([np.cos(angle.values), np.sin(angle.values), noise], axis=1)
    chosen = choose_windows(table, angle, QUICK)
    assert by_decoder(decode("latent", latent[chosen.ids], chosen, table, QUICK))["linear"].score > 0.99
    # Two numbers of other units count the same: one is told, the other is not.
    parts = Measured("speed-parts", "number", np.stack([noise[:, 0], 1000 * rng.normal(size=len(table))], axis=1))
    chosen = choose_windows(table, parts, QUICK)
    assert by_decoder(decode("latent", noise[chosen.ids], chosen, table, QUICK))["linear"].score == pytest.approx(
        0.5, abs=0.05
    )
    square = Measured("speed", "number", noise[:, :1] ** 2)
    chosen = choose_windows(table, square, QUICK)
    rows = by_decoder(decode("latent", noise[chosen.ids], chosen, table, QUICK))
    assert rows["linear"].score < 0.1 < 0.8 < rows["mlp"].score
    assert rows["linear"].chance < 0.05


def test_recordings_can_be_held_out_where_each_class_is_in_two() -> None:
    table = make_table(n_recordings=4, n=60)
    own = np.random.default_rng(2).normal(size=(4, 6))[table.track // 2] * 2  # each recording has a place of its own
    alternating = Measured("animal", "class", (table.track % 2).astype(float)[:, None], ("a", "b"))
    chosen = choose_windows(table, alternating, QUICK)
    assert groupable(chosen, table)
    recording = choose_windows(table, table_variable(table, "recording"), QUICK)
    assert not groupable(recording, table)
    latent = slow_noise(table, 1) + own + 2 * alternating.values
    grouped = replace(QUICK, grouped=True)
    assert by_decoder(decode("latent", latent[chosen.ids], chosen, table, grouped))["logistic"].score > 0.85
    f1 = labelled_f1("latent", latent[chosen.ids], chosen, table, grouped)
    assert f1["macro_f1"] > 0.85 > 0.65 > f1["chance"]


def test_test_windows_are_used_where_they_suffice_and_all_where_they_do_not() -> None:
    table = make_table(n=100)
    individual = table_variable(table, "individual")
    some = np.zeros(len(table), np.int8)
    some[::2] = SPLITS.index("test")
    assert choose_windows(replace(table, split=some), individual).part == "test"
    one = np.where(table.track == 0, SPLITS.index("test"), 0).astype(np.int8)  # a single animal is held out
    chosen = choose_windows(replace(table, split=one), individual)
    assert (chosen.part, chosen.ids.size) == ("all", 400)
    one[table.track == 1] = SPLITS.index("validation")
    assert choose_windows(replace(table, split=one), individual).part == "held-out"
    assert choose_windows(table, individual, Decoding(most=50)).ids.size == 50


def test_what_cannot_be_told_is_said_in_words_and_undefined() -> None:
    alone = make_table(n_recordings=1, n_animals=1)
    for name, note in (("individual", "one animal only: nothing to tell apart"), ("recording", "one recording only")):
        chosen = choose_windows(alone, table_variable(alone, name))
        assert note in " ".join(chosen.notes)
        rows = decode("latent", slow_noise(alone, 1)[chosen.ids], chosen, alone)
        assert len(rows) == 3
        assert all(math.isnan(row.score) and row.n_windows == 0 for row in rows)
    table = make_table()
    constant = Measured("speed", "number", np.ones((len(table), 1)))
    assert choose_windows(table, constant).notes == ("speed is the same in all windows",)
    unknown = Measured("speed", "number", np.full((len(table), 1), np.nan))
    assert choose_windows(table, unknown).notes == ("speed is not known of any window",)
    rare = Measured("label", "class", np.r_[np.zeros(200), np.ones(197), np.full(3, 2.0)][:, None], ("a", "b", "c"))
    chosen = choose_windows(table, rare)
    assert chosen.notes == ("label: left out for too few windows: c (3)",)
    assert set(chosen.measured.values[:, 0]) == {0, 1}
    partly = Measured("speed", "number", np.where(np.arange(len(table)) < 300, np.nan, np.arange(len(table)))[:, None])
    assert choose_windows(table, partly).ids.min() == 300


def test_windows_of_other_shapes_get_columns_of_their_own_and_unknown_values_are_zero() -> None:
    rng = np.random.default_rng(0)
    stack = rng.normal(5, 2, (30, 8, 1))
    stack[0, 0] = np.nan
    windows = Windows.from_arrays({"a": stack, "b": rng.normal(size=(20, 3, 2))})
    ids = np.arange(len(windows.table))
    raw = RawSignal(windows, ids)
    features = raw.features(ids)
    assert features.shape == (50, 14)
    assert np.isfinite(features).all()
    a = windows.table.of_key("species") == "a"
    assert not features[a, 8:].any()
    assert not features[~a, :8].any()
    assert abs(features[a, :8].mean()) < 1e-9
    given = {name: windows.gather(ids[windows.table.of_key("species") == name]) for name in ("a", "b")}
    assert np.array_equal(raw.flat(ids, given), features)


def test_scores_come_back_from_json_and_read_as_a_table() -> None:
    row = Decoded("individual", "class", "qda", "latent", 0.5, 0.1, 0.25, 0.3, 120, scrubbed=True)
    nothing = Decoded("speed", "number", "mlp", "latent", *(math.nan,) * 4, 0)
    scores = Scores("001", (row, replace(row, source="signal", score=0.9), nothing), ("a note",), {"mmd": {"x": 0.1}})
    text = json.dumps(scores.as_dict(), allow_nan=False)
    back = Scores.from_dict(json.loads(text))
    assert back.decoded[:2] == scores.decoded[:2]
    assert math.isnan(back.decoded[2].score)
    assert (back.run, back.notes, back.more) == ("001", ("a note",), {"mmd": {"x": 0.1}})
    lines = score_lines(back)
    assert lines[1].split() == ["individual", "(scrubbed)", "qda", "0.50", "0.25", "0.90", "120"]
    assert lines[2].split() == ["speed", "mlp", "-", "-", "-", "0"]
    assert lines[3] == "a note"
