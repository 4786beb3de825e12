"""What is marked means the same stretch of video in every run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_atlas.data.clusters import Clustering
from napari_atlas.data.marks import Annotations, Mark, Spans
from napari_atlas.data.species import Species
from napari_atlas.data.windows import Track, TrackKey, Windows, WindowTable
from napari_atlas.errors import InputError

FLY = Species("fly", "centroid-speed")


def table_of(length: int, step: int, *animals: tuple[str, str], n: int = 100) -> WindowTable:
    """Return windows of so many frames every so many frames, of *n* frames for each animal."""
    tracks = [
        Track(
            key=TrackKey("fly", recording, individual),
            values=np.zeros((n, 1)),
            times=np.arange(n, dtype=np.float64),
            frames=np.arange(n + 1),
            temperature=np.full(n, np.nan),
            length=length,
            starts=np.arange(0, n - length + 1, step),
            labels=np.empty(0),
        )
        for recording, individual in animals or (("a", "0"), ("b", "0"))
    ]
    return Windows.from_tracks(tracks, [FLY]).table


def edges(table: WindowTable, ids: Any) -> list[list[int]]:
    return [[int(table.first_frame[i]), int(table.stop_frame[i])] for i in ids]


def brute_force(spans: Spans, table: WindowTable) -> list[int]:
    """Return what spans mean, span by span and window by window."""
    middle, found = table.centre_frame(), set()
    keys = [(key.recording, key.individual) for key in table.keys]
    for animal, pairs in spans.of.items():
        rows = [i for i in range(len(table)) if keys[table.track[i]] == animal]
        for low, high in pairs.tolist():
            exact = [i for i in rows if (table.first_frame[i], table.stop_frame[i]) == (low, high)]
            inside = exact[:1] or [i for i in rows if low <= middle[i] < high]
            centre = (low + high) // 2
            held = [i for i in rows if table.first_frame[i] <= centre < table.stop_frame[i]]
            found.update(inside or sorted(held, key=lambda i: abs(middle[i] - centre))[:1])
    return sorted(found)


def test_windows_come_back_from_their_own_spans() -> None:
    table = table_of(10, 4)
    ids = np.array([0, 3, 4, 23, 24, 40])
    spans = Spans.of_windows(table, ids[::-1])
    assert len(spans) == ids.size
    np.testing.assert_array_equal(spans.windows(table), ids)
    assert spans.elsewhere(table) == 0
    assert Spans.from_list(spans.as_list()).same(spans)


def test_a_span_from_another_run_means_the_windows_there() -> None:
    coarse, fine = table_of(20, 20), table_of(10, 5)
    spans = Spans.of_windows(coarse, np.array([1]))  # Frames 20 to 40.
    assert edges(fine, spans.windows(fine)) == [[15, 25], [20, 30], [25, 35], [30, 40]]
    back = Spans.of_windows(fine, np.array([5]))  # Frames 25 to 35: less than one coarse window.
    assert edges(coarse, back.windows(coarse)) == [[20, 40]]


@pytest.mark.parametrize(("length", "step"), [(10, 4), (7, 7), (30, 3), (90, 90), (5, 20)])
def test_spans_mean_what_a_search_window_by_window_finds(length: int, step: int) -> None:
    rng, table = np.random.default_rng(length), table_of(length, step)
    starts = np.sort(rng.integers(0, 95, 60))
    pairs = np.stack([starts, starts + rng.integers(1, 60, 60)], axis=1)
    spans = Spans({("a", "0"): pairs[:40], ("b", "0"): pairs[40:], ("gone", "0"): pairs[:3]})
    assert spans.windows(table).tolist() == brute_force(spans, table)


def test_animals_that_a_run_lacks_are_kept_and_counted() -> None:
    table, smaller = table_of(10, 5, ("a", "0"), ("b", "0")), table_of(10, 5, ("a", "0"))
    spans = Spans.of_windows(table, np.array([0, 1, 19, 20]))
    assert spans.windows(smaller).tolist() == [0, 1]
    assert spans.elsewhere(smaller) == 2
    taken = spans.less(smaller, np.array([0, 1]))
    assert set(taken.of) == {("b", "0")}, "what is not in this run is not taken off"


def test_taking_one_window_off_a_longer_span_leaves_the_others() -> None:
    coarse, fine = table_of(20, 20), table_of(10, 5)
    spans = Spans.of_windows(coarse, np.array([1, 6]))
    meant = spans.windows(fine)
    left = spans.less(fine, meant[1:2])
    assert left.windows(fine).tolist() == np.delete(meant, 1).tolist()
    assert left.windows(coarse).tolist() == [1, 6], "in the run that it was made in, it is still there"
    assert len(spans.less(fine, meant)) == 0


def test_no_windows_at_all() -> None:
    table = table_of(200, 5)
    assert len(table) == 0
    spans = Spans({("a", "0"): np.array([[0, 10]])})
    assert spans.windows(table).size == 0
    assert spans.elsewhere(table) == 1
    assert len(Spans.of_windows(table, np.empty(0, dtype=np.int64))) == 0
    assert spans.less(table, np.empty(0, dtype=np.int64)).same(spans)


@pytest.mark.parametrize("frames", [[[5, 5]], [[9, 2]], [[1]], [[1.5, 2.0]], "ab", [[1, 2**70]], None])
def test_spans_that_are_none_are_refused(frames: Any) -> None:
    with pytest.raises(InputError, match="first and last frames"):
        Spans.from_list([{"recording": "a", "individual": "0", "frames": frames}])


def test_an_animal_told_twice_keeps_both() -> None:
    item = {"recording": "a", "individual": "0"}
    spans = Spans.from_list([{**item, "frames": [[20, 30], [0, 10]]}, {**item, "frames": [[0, 10], [5, 15]]}])
    assert spans.of["a", "0"].tolist() == [[0, 10], [5, 15], [20, 30]]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (("tag", "x", Spans(), "red"), "no colour"),
        (("tag", "x", Spans(), "", 12), "number key"),
        (("flag", "x"), "unknown"),
        (("note", "  "), "no name"),
    ],
)
def test_marks_that_are_none_are_refused(values: tuple[Any, ...], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Mark(*values)


def test_names_are_their_own_within_a_kind() -> None:
    both = Annotations((Mark("tag", "x"), Mark("note", "x"), Mark("tag", "y")))
    with pytest.raises(InputError, match="choose another name"):
        both.renamed("tag", "x", "y")
    assert [m.name for m in both.renamed("tag", "x", "z").marks] == ["z", "x", "y"]
    assert both.same(Annotations(both.marks))
    assert not both.same(both.without("tag", "y"))


def test_merged_clusters_keep_the_first_name_and_say_so() -> None:
    made = Clustering("m", "k-means", np.array([0, 1, 2, 2, -1]), ("1", "2", "3"), note="They come again.")
    merged = made.merged(("2", "3"))
    assert merged.labels == ("1", "2")
    assert merged.codes.tolist() == [0, 1, 1, 1, -1]
    assert merged.colors == made.colors[:2]
    assert merged.recipe == merged.merged(("1", "2")).recipe == "k-means · merged by hand"
    assert merged.note == ""


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"labels": ("1", "1")}, "one name"),
        ({"labels": ("1", " ")}, "no name"),
        ({"colors": ("#000000",)}, "colour"),
        ({"colors": ("#000000", "blue")}, "colour"),
        ({"codes": np.array([2])}, "not named"),
    ],
)
def test_clusters_that_are_none_are_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Clustering(**{"name": "m", "recipe": "", "codes": np.array([0, 1]), "labels": ("1", "2"), **changes})


def test_many_clusters_have_colours_of_their_own() -> None:
    colors = Clustering("m", "", np.empty(0, dtype=np.int64), tuple(map(str, range(24)))).colors
    assert len(set(colors)) == 24
