"""Clusters: found again where they are, and not believed where they are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_atlas.analysis.clusters import ClusterRecipe, clusters_of, fill_notes, fill_of, stability_of
from napari_atlas.data.species import Species
from napari_atlas.data.windows import Track, TrackKey, Windows, WindowTable
from napari_atlas.errors import InputError

METHODS = ("kmeans", "gmm", "hdbscan")


def table_of(n_windows: int, animals: int = 4, species: tuple[str, ...] = ("jelly", "fish")) -> WindowTable:
    """Return as many windows of each of so many animals of each species."""
    tracks = [
        Track(
            key=TrackKey(name, f"{name}-{i}", "0"),
            values=np.zeros((10 * n_windows, 1)),
            times=np.arange(10.0 * n_windows),
            frames=np.arange(10 * n_windows + 1),
            temperature=np.full(10 * n_windows, np.nan),
            length=10,
            starts=np.arange(0, 10 * n_windows, 10),
            labels=np.empty(0),
        )
        for name in species
        for i in range(animals)
    ]
    return Windows.from_tracks(tracks, [Species(name, "centroid-speed") for name in species]).table


def blobs(n: int, n_blobs: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return latents of unequal, well separated clouds in five dimensions, two of them empty, and the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(n_blobs, n, p=np.arange(n_blobs, 0, -1) / sum(range(n_blobs + 1)))
    centres = 8 * np.eye(n_blobs, 3)
    latents = np.zeros((n, 5))
    latents[:, :3] = centres[truth] + rng.normal(0, 0.5, (n, 3))
    latents[:, 3:] = rng.normal(0, 0.01, (n, 2))
    return latents, truth


@pytest.mark.parametrize("method", METHODS)
def test_clouds_are_found_the_largest_first_and_the_same_each_time(method: str) -> None:
    latents, truth = blobs(600)
    recipe = ClusterRecipe(method, k=3, seed=4)
    codes = clusters_of(latents, recipe)
    inside = codes >= 0
    assert inside.mean() > 0.95
    assert (codes[inside] == truth[inside]).mean() > 0.99, "the largest cloud is the first"
    assert np.all(np.diff(np.bincount(codes[inside])) <= 0)
    np.testing.assert_array_equal(codes, clusters_of(latents, recipe))


@pytest.mark.parametrize("method", METHODS)
def test_windows_without_a_latent_are_in_no_cluster(method: str) -> None:
    latents, _ = blobs(300)
    latents[::50, 1] = np.nan
    codes = clusters_of(latents, ClusterRecipe(method, k=3))
    assert (codes[::50] == -1).all()
    assert codes.max() == 2


def test_a_method_that_looks_at_part_of_many_windows_gives_all_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    latents, truth = blobs(900)
    for method in METHODS:
        monkeypatch.setitem(clusters_of.__globals__["_MOST"], method, 200)
        codes = clusters_of(latents, ClusterRecipe(method, k=3, min_size=15))
        assert (codes == truth).mean() > 0.95


@pytest.mark.parametrize(
    ("n", "changes", "told"),
    [
        (0, {}, "0 windows"),
        (1, {}, "1 window"),
        (2, {"k": 2}, "2 windows"),
        (5, {"k": 8}, "give at most 4"),
        (8, {"method": "gmm"}, "give at most 7"),
        (8, {"method": "hdbscan"}, "or use kmeans"),
        (50, {"method": "som"}, "choose from kmeans"),
        (50, {"k": 1}, "from 2 to 1000"),
        (50, {"min_size": 1}, "at least 2"),
        (50, {"seed": -1}, "from 0"),
    ],
)
def test_what_cannot_be_done_is_one_line(n: int, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told) as refused:
        clusters_of(blobs(n)[0], ClusterRecipe(**changes))
    assert "\n" not in str(refused.value)


def test_latents_that_are_all_alike_are_refused() -> None:
    for method, told in (("kmeans", "alike"), ("gmm", "alike"), ("hdbscan", "stands out")):
        with pytest.raises(InputError, match=told):
            clusters_of(np.ones((60, 4)), ClusterRecipe(method, k=3))


@pytest.mark.parametrize("method", METHODS)
def test_clouds_come_again_and_beat_clouds_without_structure(method: str) -> None:
    table = table_of(60)
    latents, _ = blobs(len(table))
    found = stability_of(table, latents, ClusterRecipe(method, k=3))
    assert found.halves > 0.9
    assert found.halves > found.featureless + 0.2
    assert "again (agreement" in found.text


def test_clusters_cut_out_of_one_cloud_are_not_believed() -> None:
    table = table_of(60)
    rng = np.random.default_rng(0)
    latents = 3 * rng.normal(size=(len(table), 1)) + rng.normal(size=(len(table), 4))
    halves = stability_of(table, latents, ClusterRecipe(k=2))
    assert halves.halves > 0.5, "a long cloud is always cut across"
    assert "so would a featureless cloud" in halves.text
    assert "do not build on them" in stability_of(table, latents, ClusterRecipe("hdbscan", min_size=5)).text


def test_species_that_lie_apart_are_no_structure() -> None:
    """Two species, each one cloud: clusters that tell them apart come again, but say nothing beyond the species."""
    table = table_of(60)
    latents = np.random.default_rng(0).normal(size=(len(table), 3))
    latents[table.rows_of("fish")] += 20
    found = stability_of(table, latents, ClusterRecipe(k=2))
    assert found.halves > 0.95
    assert "so would a featureless cloud" in found.text
    codes = clusters_of(latents, ClusterRecipe(k=2))
    assert fill_notes(fill_of(table, codes, 2), ("1", "2")) == (
        "Every cluster holds one species only: they show no behaviour that species share.",
    )


def test_clusters_of_one_animal_each_do_not_come_again() -> None:
    """Latents that tell animals apart: windows drawn at random would agree, animals do not."""
    table = table_of(60, animals=6)
    rng = np.random.default_rng(1)
    latents = 6 * rng.normal(size=(len(table.keys), 3))[table.track] + rng.normal(0, 0.3, (len(table), 3))
    found = stability_of(table, latents, ClusterRecipe(k=12))
    assert found.halves < 0.8
    codes = clusters_of(latents, ClusterRecipe(k=12))
    assert any("single recording" in note for note in fill_notes(fill_of(table, codes, 12), tuple("abcdefghijkl")))


def test_one_animal_of_a_species_is_halved_in_time_and_few_windows_are_not_judged() -> None:
    table = table_of(60, animals=1)
    latents, _ = blobs(len(table))
    assert stability_of(table, latents, ClusterRecipe(k=3)).halves > 0.9
    few = table_of(5, animals=1)
    found = stability_of(few, blobs(len(few))[0], ClusterRecipe(k=3))
    assert np.isnan(found.halves)
    assert found.text == "Too few windows to tell whether these clusters come again."


def test_shares_do_not_depend_on_how_many_windows_a_species_has() -> None:
    table = table_of(40, animals=2)
    jelly, fish = table.rows_of("jelly"), table.rows_of("fish")
    codes = np.full(len(table), -1)
    codes[jelly[:40]], codes[jelly[40:]], codes[fish[:20]] = 0, 1, 0
    fill = fill_of(table, codes, 3)
    assert fill.counts.tolist() == [[40, 20], [40, 0], [0, 0]]
    np.testing.assert_allclose(fill.shares[0], [0.5 / 0.75, 0.25 / 0.75])
    assert [fill.alone(i) for i in range(3)] == ["", "jelly", ""]
    assert fill.recordings.tolist() == [2, 1, 0]
    assert fill_notes(fill, ("a", "b", "c")) == (
        "Cluster b holds one species only: no behaviour that species share.",
        "Cluster b holds windows of a single recording: it may be the recording rather than behaviour.",
    )


def test_a_single_species_is_not_told_to_be_alone() -> None:
    table = table_of(20, species=("fly",))
    fill = fill_of(table, np.zeros(len(table), dtype=np.int64), 1)
    assert fill.alone(0) == ""
    assert fill_notes(fill, ("1",)) == ()
