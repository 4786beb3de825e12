"""The window table, and windows that were cut elsewhere."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_atlas.data.cutting import find_stride, recover_tracks
from napari_atlas.data.scaling import Scaler
from napari_atlas.data.species import Species
from napari_atlas.data.windows import Track, TrackKey, Windows
from napari_atlas.errors import InputError

SPECIES = Species("fish", "array")


def make_track(values: np.ndarray, length: int, stride: int = 1, individual: str = "0", **changes: object) -> Track:
    """Return a track of one bin per second and thirty frames per bin."""
    n_bins = len(values)
    settings = {
        "key": TrackKey("fish", "tank", individual),
        "values": values.reshape(n_bins, -1).astype(float),
        "times": np.arange(n_bins, dtype=float),
        "frames": 30 * np.arange(n_bins + 1),
        "temperature": np.full(n_bins, np.nan),
        "length": length,
        "starts": np.arange(0, n_bins - length + 1, stride),
        "labels": np.empty(0),
    }
    return Track(**(settings | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def archives(shared: Path) -> dict[str, dict[str, np.ndarray]]:
    found = {}
    for name, prefix in (("jellyfish", "jelly"), ("fish", "fish")):
        with np.load(shared / f"data/atlas/{name}.npz") as file:
            found[name] = {"z": file[f"{prefix}_z"], "temps": file[f"{prefix}_temps"]}
    return found


@pytest.fixture(scope="module")
def reference(archives: dict[str, dict[str, np.ndarray]]) -> Windows:
    return Windows.from_arrays(
        {name: a["z"] for name, a in archives.items()}, {name: a["temps"] for name, a in archives.items()}
    )


@pytest.mark.parametrize("species", ["jellyfish", "fish"])
def test_tracks_are_recovered_from_overlap_as_in_golden(species: str, reference: Windows, shared: Path) -> None:
    with np.load(shared / "golden/atlas_tracks.npz") as file:
        wanted = file[f"{species}_track"]
    rows = reference.table.rows_of(species)
    mine = reference.table.track[rows]
    assert np.array_equal(mine - mine[0], wanted)


@pytest.mark.parametrize("species", ["jellyfish", "fish"])
def test_the_files_windows_are_gathered_to_the_last_bit(
    species: str, reference: Windows, archives: dict[str, dict[str, np.ndarray]]
) -> None:
    rows = reference.table.rows_of(species)
    assert np.array_equal(reference.gather(rows), archives[species]["z"])
    assert np.array_equal(reference.table.temperature[rows], archives[species]["temps"])
    assert len(reference.signals[species]) < archives[species]["z"][..., 0].size, "overlap is stored once"


def test_windows_never_reach_into_another_track(reference: Windows) -> None:
    table = reference.table
    for species in reference.species:
        rows, n = table.rows_of(species.name), len(reference.signals[species.name])
        begins = reference.track_offsets[table.track[rows]]
        mine = np.unique(begins)
        ends = dict(zip(mine, [*mine[1:], n], strict=True))
        stops = reference.offsets[rows] + reference.lengths[species.name]
        assert (reference.offsets[rows] >= begins).all()
        assert (stops <= np.array([ends[b] for b in begins])).all()
    assert (table.stop - table.start == np.array([reference.lengths[s] for s in table.of_key("species")])).all()


def test_one_species_is_gathered_at_a_time(reference: Windows) -> None:
    with pytest.raises(InputError, match="2 species"):
        reference.gather(np.array([0, len(reference.table) - 1]))
    with pytest.raises(InputError, match="0 species"):
        reference.gather(np.empty(0, dtype=np.int64))


def test_windows_without_temperatures() -> None:
    rng = np.random.default_rng(0)
    stack = np.stack([rng.random(40)[i : i + 8] for i in range(0, 30, 4)])
    windows = Windows.from_arrays({"a": stack, "b": rng.random((5, 6, 3))}, {"a": np.arange(8.0)})
    table = windows.table
    assert table.has_temperature
    assert np.array_equal(table.temperature[table.rows_of("a")], np.arange(8.0))
    assert np.isnan(table.temperature[table.rows_of("b")]).all()
    assert not Windows.from_arrays({"a": stack}).table.has_temperature
    assert np.isnan(table.seconds).all(), "no clock, so no seconds"


def test_windows_that_do_not_overlap_are_taken_one_after_the_other() -> None:
    stack = np.random.default_rng(0).random((7, 5, 2))
    assert find_stride(stack) == 5
    windows = Windows.from_arrays({"a": stack})
    assert np.array_equal(windows.gather(np.arange(7)), stack)
    assert len(windows.table.keys) == 1


@pytest.mark.parametrize("stride", [1, 3, 7])
def test_the_stride_is_found_with_missing_values(stride: int) -> None:
    rng = np.random.default_rng(stride)
    tracks = [rng.random(60), rng.random(45)]
    for track in tracks:
        track[rng.integers(0, 45, 4)] = np.nan
    stack = np.stack([t[i : i + 10] for t in tracks for i in range(0, t.size - 9, stride)])
    cut = recover_tracks(stack)
    assert len(cut.individuals) == 2
    joined = [t[: v.shape[0]] for t, v in zip(tracks, cut.values, strict=True)]
    for mine, wanted in zip(cut.values, joined, strict=True):
        np.testing.assert_array_equal(mine[:, 0], wanted)
    assert np.array_equal(np.concatenate(cut.rows), np.arange(len(stack)))


def test_stacks_of_another_shape_are_refused() -> None:
    for shape in ((4,), (2, 3, 4, 5), (0, 5, 1)):
        with pytest.raises(InputError, match="windows"):
            recover_tracks(np.zeros(shape))
    with pytest.raises(InputError, match="3 values for 4 windows"):
        recover_tracks(np.zeros((4, 5)), np.zeros(3))


@pytest.mark.parametrize(("n_missing", "stays"), [(0, True), (2, True), (3, True), (4, False), (10, False)])
def test_a_window_with_exactly_thirty_percent_missing_stays(n_missing: int, stays: bool) -> None:
    values = np.arange(10.0)
    values[:n_missing] = np.nan
    windows = Windows.from_tracks([make_track(values, 10)], [SPECIES])
    assert len(windows.table) == int(stays)


@pytest.mark.parametrize("length", [10, 20, 30, 60, 70, 90])
def test_thirty_percent_is_exact_for_any_length(length: int) -> None:
    for extra in (0, 1):
        values = np.arange(float(length))
        values[: length * 3 // 10 + extra] = np.nan
        windows = Windows.from_tracks([make_track(values, length)], [SPECIES])
        assert len(windows.table) == (extra == 0)


def test_missing_values_are_counted_over_all_channels() -> None:
    values = np.ones((10, 2))
    values[:6, 1] = np.nan
    assert len(Windows.from_tracks([make_track(values, 10)], [SPECIES]).table) == 1
    values[0, 0] = np.nan
    assert len(Windows.from_tracks([make_track(values, 10)], [SPECIES]).table) == 0


def test_rows_tell_where_a_window_lies_and_what_it_is_like() -> None:
    temperature = np.array([20, 21, 22, 30, 40, np.nan, np.nan, np.nan, np.nan, np.nan, 5, 6])
    values = np.array([1, np.nan, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12.0])
    table = Windows.from_tracks([make_track(values, 5, 5, temperature=temperature)], [SPECIES]).table
    assert table.start.tolist() == [0, 5]
    assert table.stop.tolist() == [5, 10]
    assert table.first_frame.tolist() == [0, 150]
    assert table.stop_frame.tolist() == [150, 300]
    assert table.centre_frame().tolist() == [75, 225]
    assert table.seconds == pytest.approx([2.5, 7.5])
    np.testing.assert_array_equal(table.temperature, [22, np.nan])
    np.testing.assert_allclose(table.activity, [13 / 4, 8])
    assert table.in_split("train").all()


def test_a_track_shorter_than_a_window_has_none() -> None:
    tracks = [make_track(np.ones(3), 5), make_track(np.arange(6.0), 5, individual="1")]
    windows = Windows.from_tracks(tracks, [SPECIES])
    assert windows.table.track.tolist() == [1, 1]
    assert windows.gather(np.array([1]))[0, :, 0].tolist() == [1, 2, 3, 4, 5]
    empty = Windows.from_tracks([], [SPECIES])
    assert len(empty.table) == 0
    assert empty.table.rows_of("fish").size == 0


def test_recordings_of_one_species_agree_in_length_and_channels() -> None:
    first = make_track(np.ones(9), 5)
    with pytest.raises(InputError, match="4 bins per window"):
        Windows.from_tracks([first, make_track(np.ones(9), 4)], [SPECIES])
    with pytest.raises(InputError, match="2 channels"):
        Windows.from_tracks([first, make_track(np.ones((9, 2)), 5)], [SPECIES])


@pytest.mark.parametrize("seed", range(5))
def test_the_scaler_is_that_of_stacked_windows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tracks = []
    for i in range(3):
        values = rng.gamma(2, 100, (50, 2)) + 1000 * i
        values[rng.random((50, 2)) < 0.1] = np.nan
        tracks.append(make_track(values, 8, 3, individual=str(i)))
    windows = Windows.from_tracks(tracks, [SPECIES])
    ids = np.flatnonzero(rng.random(len(windows.table)) < 0.6)
    stacked = windows.gather(ids).reshape(-1, 2)
    assert np.isnan(stacked).any()
    scaler = Scaler.of_windows(windows, ids)
    np.testing.assert_allclose(scaler.mean, np.nanmean(stacked, axis=0), rtol=1e-12)
    np.testing.assert_allclose(scaler.std, np.nanstd(stacked, axis=0), rtol=1e-12)
    values = np.concatenate(windows.signals["fish"].tracks)
    np.testing.assert_allclose(scaler.undo(scaler.apply(values)), values, rtol=1e-12)
    assert np.array_equal(np.isnan(scaler.apply(values)), np.isnan(values))


def test_a_constant_signal_is_refused_by_name() -> None:
    windows = Windows.from_tracks([make_track(np.full(20, 1e6), 5)], [SPECIES])
    with pytest.raises(InputError, match=r"species fish.*constant"):
        Scaler.of_windows(windows, np.arange(4))


def test_a_channel_without_any_value_is_refused() -> None:
    values = np.random.default_rng(0).random((20, 4))
    values[:, 2] = np.nan
    windows = Windows.from_tracks([make_track(values, 5)], [SPECIES])
    assert len(windows.table), "a quarter missing is allowed"
    with pytest.raises(InputError, match="species fish"):
        Scaler.of_windows(windows, np.arange(len(windows.table)))


def test_the_scaler_of_labels() -> None:
    labels = np.array([20.0, np.nan, 24.0])
    scaler = Scaler.of_labels(labels)
    np.testing.assert_allclose(scaler.apply(labels), [-1, np.nan, 1])
    constant = Scaler.of_labels(np.full(4, 17.0))
    assert constant.apply(np.array([17.0])) == 0
    assert constant.undo(np.array([0.5])) == 17.5
    unknown = Scaler.of_labels(np.full(3, np.nan))
    assert np.isnan(unknown.apply(labels)).all()
    assert np.isnan(unknown.undo(np.zeros(3))).all(), "nothing is predicted in a unit that is not known"


def test_overlapping_windows_cost_hardly_more_than_their_signals() -> None:
    """The short form of ``benchmarks/windows_memory.py``."""

    def tracks() -> Iterator[Track]:
        for number in range(24):
            yield Track(
                key=TrackKey("a", f"r{number}", "x"), values=np.random.default_rng(number).random((1000, 54)),
                times=np.arange(1000) / 30, frames=np.arange(1001), temperature=np.full(1000, 20.0), length=51,
                starts=np.arange(950), labels=np.empty(0),
            )  # fmt: skip

    tracemalloc.start()
    windows = Windows.from_tracks(tracks(), [Species("a", "array", bin_rate=0)])
    gathered = windows.gather(np.arange(900, 1000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(windows.table) == 24 * 950
    assert gathered.shape == (100, 51, 54)
    np.testing.assert_array_equal(gathered[60], windows.signals["a"].tracks[1][10:61])
    assert peak / (24 * 1000 * 54 * 8) < 1.5
