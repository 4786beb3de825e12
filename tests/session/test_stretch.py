"""Windows in a stretch of time or of temperature."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_atlas.data.atlas import Atlas, RecordingInfo
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.data.windows import Track, TrackKey, Windows
from napari_atlas.session.linking import window_at
from napari_atlas.session.session import Cursor
from napari_atlas.session.stretch import Axis, Scope, in_scope, places, stepped, windows_between, windows_within


def make_atlas(clock: bool = True) -> Atlas:
    """Return three recordings of 40 bins and 8 windows of 5; the second one lacks temperature."""
    species = (Species("fish", "array"), Species("worm", "array"))
    tracks = [
        Track(
            TrackKey(kind, name, "0"), np.ones((40, 1)), np.arange(40.0) / 2 if clock else np.full(40, np.nan),
            100 * i + 10 * np.arange(41), np.full(40, np.nan) if name == "b" else 20 + np.arange(40) / 10, 5,
            np.array([0, 5, 10, 20, 25, 30, 35]), np.empty(0),
        )
        for i, (kind, name) in enumerate([("fish", "a"), ("fish", "b"), ("worm", "c")])
    ]  # fmt: skip
    base = TimeBase(1000, 20.0)
    infos = {t.key.recording: RecordingInfo(t.key.recording, t.key.species, ("0",), base) for t in tracks}
    return Atlas(Path("x"), infos, Windows.from_tracks(tracks, species), tuple(tracks))


def test_a_window_is_where_its_middle_is() -> None:
    atlas = make_atlas()
    assert windows_between(atlas, "a", "0", 2.5, 12.5).tolist() == [0, 1]
    assert windows_between(atlas, "b", "0", 0, 40).tolist() == list(range(7, 14))
    assert windows_between(atlas, "a", "0", 15, 22).size == 0
    assert windows_between(atlas, "nobody", "0", 0, 40).size == 0


def test_a_range_of_temperature_has_both_ends_and_no_unknown() -> None:
    atlas = make_atlas()
    celsius = places(atlas, Axis.TEMPERATURE)
    assert windows_within(celsius, celsius[1], celsius[2]).tolist() == [1, 2, 15, 16]
    assert windows_within(celsius, -100, 100).size == 14


@pytest.mark.parametrize(("scope", "n"), [(Scope.ALL, 21), (Scope.SPECIES, 14), (Scope.RECORDING, 7)])
def test_scope(scope: Scope, n: int) -> None:
    assert in_scope(make_atlas(), Cursor("a", "0", 0), scope).sum() == n
    assert in_scope(make_atlas(), Cursor(), scope).sum() == (21 if scope is Scope.ALL else 0)


def test_places_on_time_are_seconds_or_frames_since_the_first() -> None:
    assert places(make_atlas(), Axis.TIME)[:3].tolist() == [1.25, 3.75, 6.25]
    frames = places(make_atlas(clock=False), Axis.TIME)
    assert frames[:3].tolist() == frames[7:10].tolist() == [25, 75, 125]


def test_steps_go_to_the_next_window_even_from_between_two() -> None:
    atlas = make_atlas()
    assert [stepped(atlas, Cursor("a", "0", 60), by) for by in (-1, 0, 1, 99)] == [0, 1, 2, 6]
    assert window_at(atlas, Cursor("a", "0", 170)) == -1
    assert [stepped(atlas, Cursor("a", "0", 170), by) for by in (-1, 1)] == [2, 3]
    assert stepped(atlas, Cursor("nobody", "0", 170), 1) == -1
