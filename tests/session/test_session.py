"""The shared state: selections, setters that stay silent, and links between frames and windows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_atlas.data.atlas import Atlas, RecordingInfo
from napari_atlas.data.live import Live
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.data.windows import Track, TrackKey, Windows
from napari_atlas.session.linking import cursor_of, window_at, window_rank, windows_of_track
from napari_atlas.session.selection import Combine, Selection
from napari_atlas.session.session import Cursor, JobState, Session

ids = st.lists(st.integers(0, 30), max_size=25)
WAYS = {
    Combine.REPLACE: lambda old, new: new,
    Combine.ADD: lambda old, new: old | new,
    Combine.SUBTRACT: lambda old, new: old - new,
    Combine.INTERSECT: lambda old, new: old & new,
    Combine.TOGGLE: lambda old, new: old ^ new,
}


def make_atlas(*, stride: int, length: int = 5, per_bin: int = 30, first_frame: int = 100) -> Atlas:
    """Return two recordings of two animals each, forty bins long; the second animal has a gap in the middle."""
    tracks = []
    for recording in ("a", "b"):
        for individual in ("0", "1"):
            values = np.random.default_rng(0).random((40, 1))
            values[15:26] = np.nan if individual == "1" else values[15:26]
            tracks.append(
                Track(
                    TrackKey("fish", recording, individual), values, np.arange(40.0),
                    first_frame + per_bin * np.arange(41), np.full(40, np.nan), length,
                    np.arange(0, 40 - length + 1, stride), np.empty(0),
                )
            )  # fmt: skip
    clock = TimeBase(40 * per_bin, float(per_bin), tracking_start_frame=first_frame)
    infos = {name: RecordingInfo(name, "fish", ("0", "1"), clock) for name in ("a", "b")}
    return Atlas(Path("p"), infos, Windows.from_tracks(tracks, [Species("fish", "array")]), tuple(tracks))


@settings(deadline=None)
@given(ids, ids, st.sampled_from(list(Combine)))
def test_selections_combine_like_sets(old: list[int], new: list[int], combine: Combine) -> None:
    before = Selection().combined(np.array(old, dtype=np.int64), Combine.REPLACE)
    after = before.combined(np.array(new, dtype=np.int64), combine, "mine")
    assert after.ids.tolist() == sorted(WAYS[combine](set(old), set(new)))
    assert after.ids.dtype == np.int64
    assert after.name == "mine"
    assert before.ids.tolist() == sorted(set(old)), "a selection is a value"
    assert len(after) == after.ids.size


@settings(deadline=None)
@given(ids, ids)
def test_equal_selections_hash_alike(old: list[int], new: list[int]) -> None:
    one, other = (Selection().combined(np.array(v, dtype=np.int64), Combine.ADD) for v in (old, new))
    assert (one == other) == (set(old) == set(new))
    if one == other:
        assert hash(one) == hash(other)
    assert one != "selection"


def test_equal_values_stay_silent() -> None:
    session, heard = Session(), []
    for signal in (session.cursor_changed, session.selection_changed, session.color_by_changed, session.job_changed):
        signal.connect(heard.append)
    for _ in range(3):
        session.select(np.array([4, 2, 2]))
        session.seek("a", "0", 7)
        session.color("temperature")
        session.report(JobState("fit", "epoch 1", 1, 3))
    assert len(heard) == 4
    session.select(np.array([2]), Combine.INTERSECT)
    session.select(np.array([2]), Combine.ADD)
    assert len(heard) == 5
    assert session.selection.ids.tolist() == [2]
    assert session.job.running


def test_showing_the_same_atlas_again_is_silent() -> None:
    session, heard = Session(), []
    session.atlas_changed.connect(heard.append)
    atlas = make_atlas(stride=5)
    session.show(atlas)
    session.show(atlas)
    assert heard == [atlas]


def test_another_run_of_the_same_windows_keeps_selection_and_cursor() -> None:
    session, atlas = Session(), make_atlas(stride=5)
    session.show(atlas)
    session.select(np.array([1, 3]))
    session.seek("b", "1", 400)
    session.show(replace(atlas, run="2"))
    assert session.selection.ids.tolist() == [1, 3]
    assert session.cursor == Cursor("b", "1", 400)
    session.show(make_atlas(stride=2))
    assert len(session.selection) == 0
    assert session.cursor == Cursor("b", "1", 400), "that animal is still there"
    kept = make_atlas(stride=5)
    session.show(replace(kept, recordings={"a": kept.recordings["a"]}))
    assert session.cursor == Cursor()


@pytest.mark.parametrize("length", [1, 4, 5])
@pytest.mark.parametrize("per_bin", [1, 7, 30])
def test_every_window_is_found_again_from_its_middle(length: int, per_bin: int) -> None:
    atlas = make_atlas(stride=length, length=length, per_bin=per_bin)
    assert len(atlas.windows.table) > 20
    for window in range(len(atlas.windows.table)):
        assert window_at(atlas, cursor_of(atlas, window)) == window


def test_every_overlapping_window_is_found_again_from_its_middle() -> None:
    atlas = make_atlas(stride=2)
    for window in range(len(atlas.windows.table)):
        assert window_at(atlas, cursor_of(atlas, window)) == window


def test_where_windows_overlap_the_nearest_centre_counts() -> None:
    atlas = make_atlas(stride=2)
    table = atlas.windows.table
    for frame in range(100, 100 + 40 * 30, 11):
        mine = [w for w in windows_of_track(atlas, "b", "1") if table.first_frame[w] <= frame < table.stop_frame[w]]
        found = window_at(atlas, Cursor("b", "1", frame))
        if not mine:
            assert found == -1
            continue
        distance = {w: abs((table.first_frame[w] + table.stop_frame[w]) // 2 - frame) for w in mine}
        assert distance[found] == min(distance.values())


def test_outside_every_window_there_is_none() -> None:
    atlas = make_atlas(stride=5)
    for cursor in (
        Cursor("a", "0", 99), Cursor("a", "0", 100 + 1200), Cursor("a", "0", -1), Cursor("c", "0", 200),
        Cursor("a", "2", 200), Cursor(), Cursor("a", "1", 100 + 20 * 30),
    ):  # fmt: skip
        assert window_at(atlas, cursor) == -1
    assert window_at(atlas, Cursor("a", "0", 100)) == 0
    assert window_at(atlas, Cursor("a", "0", 100 + 1199)) == 7
    assert windows_of_track(atlas, "nobody", "0").size == 0


def test_a_windows_rank_counts_within_its_animal() -> None:
    atlas = make_atlas(stride=5)
    first = windows_of_track(atlas, "b", "0")
    assert [window_rank(atlas, int(w)) for w in first] == [(i + 1, 8) for i in range(8)]
    assert atlas.track_index("b", "1") == 3
    assert atlas.track_index("b", "2") == -1
    assert not atlas.has_map


def make_live(atlas: Atlas, epoch: int, **changes: object) -> Live:
    """Return every second window of an atlas in a fit under way."""
    ids = np.arange(0, len(atlas.windows.table), 2)
    places = np.full((ids.size, 2), float(epoch), dtype=np.float32)
    split = np.full(ids.size, 2, dtype=np.int8)
    return replace(Live(atlas.folder / "runs" / "9", epoch, len(atlas.windows.table), ids, places, split), **changes)


def test_a_fit_under_way_lends_its_places_to_the_map_and_takes_them_back() -> None:
    session, atlas, heard = Session(), make_atlas(stride=5), []
    atlas = replace(atlas, coordinates=np.ones((len(atlas.windows.table), 2), dtype=np.float32), recipe="UMAP")
    session.live_changed.connect(lambda live: heard.append(live and live.epoch))
    session.show(atlas)
    assert session.mapped is atlas
    for _ in range(2):
        session.watch(make_live(atlas, 3))
    mapped = session.mapped
    assert mapped is not None
    assert mapped.recipe == f"while training · epoch 3 · 14 of {len(atlas.windows.table)} windows · PCA, aligned"
    assert (mapped.coordinates[::2] == 3).all()
    assert np.isnan(mapped.coordinates[1::2]).all()
    assert mapped.windows.table.in_split("test").tolist() == [True, False] * 14
    assert session.atlas is atlas
    session.watch(None)
    assert session.mapped is atlas
    assert heard == [3, None], "equal values stay silent"


def test_what_ended_or_belongs_elsewhere_leaves_the_map_alone() -> None:
    session, atlas = Session(), make_atlas(stride=5)
    session.show(atlas)
    for changes in ({"under_way": False}, {"run": Path("q") / "runs" / "9"}, {"n_windows": 5}):
        session.watch(make_live(atlas, 3, **changes))
        assert session.mapped is atlas, changes
    session.watch(make_live(atlas, 4))
    again, ended = replace(atlas, run="9"), make_live(atlas, 4, under_way=False)
    session.show(again, ended)
    assert session.mapped is again
    assert session.live is ended
