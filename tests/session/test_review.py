"""Going through windows one by one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_atlas.data.atlas import Atlas, RecordingInfo
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.data.windows import Track, TrackKey, Windows
from napari_atlas.session.linking import cursor_of, window_at
from napari_atlas.session.review import go_to, inverted, step
from napari_atlas.session.session import Session


def shown() -> tuple[Session, Atlas]:
    """Return a session on two animals of eight overlapping windows each, at window 0."""
    tracks = [
        Track(
            key=TrackKey("fish", "a", individual),
            values=np.ones((40, 1)),
            times=np.arange(40) / 2,
            frames=np.arange(41) * 10,
            temperature=np.full(40, np.nan),
            length=5,
            starts=np.arange(0, 32, 4),
            labels=np.empty(0),
        )
        for individual in ("0", "1")
    ]
    windows = Windows.from_tracks(tracks, (Species("fish", "centroid-speed"),))
    infos = {"a": RecordingInfo("a", "fish", ("0", "1"), TimeBase(400, fps=20.0))}
    atlas = Atlas(Path("p"), infos, windows, tuple(tracks))
    session = Session()
    session.show(atlas)
    go_to(session, 0)
    return session, atlas


def test_without_a_selection_it_goes_along_the_animal_and_stays_at_its_ends() -> None:
    session, atlas = shown()
    assert step(session, -1) == 0
    assert [step(session, 1) for _ in range(9)] == [1, 2, 3, 4, 5, 6, 7, 7, 7]
    assert session.cursor == cursor_of(atlas, 7)
    assert session.cursor.individual == "0"
    assert step(session, -1) == 6


def test_a_selection_leads_from_animal_to_animal() -> None:
    session, _ = shown()
    session.select(np.array([2, 5, 11]))
    assert [step(session, 1) for _ in range(4)] == [2, 5, 11, 11]
    assert session.cursor.individual == "1"
    assert [step(session, -1) for _ in range(3)] == [5, 2, 2]
    go_to(session, 4)
    assert step(session, -1) == 2, "from beside the selection, the one before"
    go_to(session, 4)
    assert step(session, 1) == 5
    session.seek("nobody", "0", 0)
    assert step(session, -1) == 11, "from nowhere, the last one backwards"


def test_there_is_nowhere_to_go_without_windows() -> None:
    assert step(Session(), 1) == -1
    session, _ = shown()
    session.seek("nobody", "0", 0)
    assert step(session, 1) == -1


def test_going_to_the_window_at_the_cursor_moves_nothing() -> None:
    session, atlas = shown()
    session.seek("a", "0", 3)
    go_to(session, 0)
    assert session.cursor.frame == 3
    go_to(session, 3)
    assert window_at(atlas, session.cursor) == 3


def test_inverting_leaves_windows_out_that_the_map_lacks() -> None:
    _, atlas = shown()
    assert inverted(atlas, np.arange(14)).tolist() == [14, 15]
    coordinates = np.zeros((16, 2), dtype=np.float32)
    coordinates[15] = np.nan
    assert inverted(replace(atlas, coordinates=coordinates), np.arange(13)).tolist() == [13, 14]
