"""Maps of latents: previews, what a map keeps, and how it tells its steps."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from napari_atlas.analysis import landmarks
from napari_atlas.analysis.landmarks import n_landmarks, preview
from napari_atlas.analysis.preservation import Nearest, kept_neighbours, nearest
from napari_atlas.analysis.projection import MapRecipe, project, project_linearly
from napari_atlas.errors import InputError, StoppedError


def clusters(n: int, n_latent: int = 6, seed: int = 0) -> np.ndarray:
    """Return latents in three far clusters, and which they are in, the last column."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, 3, n)
    latents = rng.normal(0, 8, (3, n_latent))[which] + rng.normal(size=(n, n_latent))
    return np.column_stack([latents, which]).astype(np.float32)


def brute(values: np.ndarray, k: int) -> np.ndarray:
    """Return the *k* nearest others of each value."""
    distances = np.linalg.norm(values[:, None] - values[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1)[:, :k]


def share(latents: np.ndarray, coordinates: np.ndarray, k: int = 15) -> np.ndarray:
    """Return by sets the share of nearest neighbours that is kept."""
    both = zip(brute(latents, k), brute(coordinates, k), strict=True)
    return np.array([len(set(one) & set(other)) / k for one, other in both])


@pytest.fixture(scope="module")
def many() -> np.ndarray:
    return clusters(400)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few windows have a preview too."""
    monkeypatch.setattr(landmarks, "FEWEST_FOR_PREVIEW", 300)


@pytest.mark.parametrize("n_latent", [2, 6, 20])
def test_nearest_windows_are_those_of_a_full_search(n_latent: int) -> None:
    values = np.random.default_rng(0).normal(size=(120, n_latent)).astype(np.float32)
    near = nearest(values, 6)
    assert near.exact
    np.testing.assert_array_equal(near.ids[:, 0], np.arange(120))
    np.testing.assert_array_equal(near.ids[:, 1:], brute(values, 5))
    wanted = np.linalg.norm(values[:, None] - values[near.ids], axis=2)
    np.testing.assert_allclose(near.distances, wanted, atol=2e-3)


def test_a_great_many_windows_are_searched_approximately(many: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def search(values: np.ndarray, k: int, metric: str, *_: Any, **__: Any) -> Any:
        asked.append((k, metric, _[2].randint(1000)))
        return np.zeros((len(values), k), dtype=np.int64), np.ones((len(values), k)), None

    monkeypatch.setattr("napari_atlas.analysis.preservation._MOST_EXACT", 100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        monkeypatch.setattr("umap.umap_.nearest_neighbors", search)
    found = [nearest(many, 8, seed=seed) for seed in (3, 3, 4)]
    assert asked[0] == asked[1] == (8, "euclidean", np.random.RandomState(3).randint(1000))
    assert asked[2] != asked[0]
    assert [near.exact for near in found] == [False] * 3
    assert found[0].ids.dtype == np.int32


def test_kept_neighbours_are_counted_as_sets() -> None:
    latents = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    flat = project_linearly(latents)
    wanted = share(latents, flat)
    np.testing.assert_allclose(kept_neighbours(latents, flat), wanted, atol=1e-6)
    np.testing.assert_allclose(kept_neighbours(latents, flat, nearest(latents, 20)), wanted, atol=1e-6)
    assert (kept_neighbours(latents, latents) == 1).all()
    sampled = kept_neighbours(latents, flat, most=20)
    seen = np.isfinite(sampled)
    assert seen.sum() == 20
    np.testing.assert_allclose(sampled[seen], wanted[seen], atol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 5, 16])
def test_few_windows_keep_their_neighbours(n: int) -> None:
    latents = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    kept = kept_neighbours(latents, latents[:, :2])
    assert np.isnan(kept).all() if n == 1 else (kept == 1).all()


def test_equal_windows_are_no_trouble() -> None:
    same = np.zeros((40, 3), dtype=np.float32)
    assert np.isfinite(kept_neighbours(same, same[:, :2])).all()
    assert nearest(same, 5).ids.shape == (40, 5)
    assert np.isfinite(project(same, MapRecipe())).all()
    twins = np.repeat(clusters(30), 3, axis=0)
    assert np.isfinite(project(twins, MapRecipe(n_neighbors=4))).all()


def test_a_preview_repeats_and_lays_windows_where_their_landmarks_are(many: np.ndarray, soon: None) -> None:
    assert (n_landmarks(299), n_landmarks(300)) == (0, 60)
    latents, which = many[:, :-1], many[:, -1]
    first, again, other = (preview(latents, MapRecipe(seed=seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == (400, 2)
    middles = np.array([np.median(first[which == i], axis=0) for i in range(3)])
    nearest_middle = np.linalg.norm(first[:, None] - middles, axis=2).argmin(axis=1)
    assert (nearest_middle == which).mean() > 0.99
    chance = np.mean(share(latents, np.random.default_rng(0).permutation(first)))
    assert np.mean(share(latents, first)) > 5 * chance


def test_what_a_preview_keeps_is_not_sampled_among_its_landmarks(many: np.ndarray, soon: None) -> None:
    latents = np.random.default_rng(0).normal(size=(2000, 6)).astype(np.float32)
    drawn = np.isfinite(kept_neighbours(latents, latents[:, :2], most=200, seed=0))
    chosen = np.random.default_rng(0).choice(2000, n_landmarks(2000), replace=False)
    assert drawn[chosen].mean() == pytest.approx(0.1, abs=0.04)


def test_a_map_begins_where_its_preview_was(many: np.ndarray, soon: None) -> None:
    latents, recipe = many[:, :-1], MapRecipe()
    begin = preview(latents, recipe)
    full, anew = project(latents, recipe, begin=begin), project(latents, recipe)

    def likeness(map_: np.ndarray) -> float:
        centred = [places - places.mean(axis=0) for places in (begin, map_)]
        one, other = (places / np.linalg.norm(places) for places in centred)
        return float((one * other).sum())

    assert likeness(full) > 0.9
    assert likeness(full) > likeness(anew)


def test_a_map_tells_its_steps_and_stops_when_told_to() -> None:
    latents = clusters(60)
    told: list[tuple[int, int]] = []
    project(latents, MapRecipe(), tell=lambda done, of: told.append((done, of)), n_epochs=50)
    assert told[0] == (0, 50)
    assert told[-1] == (50, 50)

    def stop(done: int, of: int) -> None:
        raise StoppedError("enough")

    with pytest.raises(StoppedError, match="enough"):
        project(latents, MapRecipe(), tell=stop, n_epochs=50)
    assert np.isfinite(project(latents, MapRecipe(), n_epochs=50)).all(), "another map can be made afterwards"


def test_a_map_can_have_three_dimensions() -> None:
    assert project(clusters(60), MapRecipe(n_dims=3), n_epochs=20).shape == (60, 3)
    assert project_linearly(clusters(5, 1)[:, :1], 3).tolist()[0][1:] == [0, 0]
    assert str(MapRecipe(n_dims=3)) == "UMAP 3-D · n=15 · min_dist=0.1 · seed 0"
    assert MapRecipe(n_dims=3).name == "umap-n15-d0.1-s0-3d"
    with pytest.raises(InputError, match="a map of 4 dimensions cannot be drawn"):
        MapRecipe(n_dims=4)


def test_principal_components_are_those_of_the_singular_vectors_and_do_not_flip() -> None:
    latents = np.random.default_rng(2).normal(size=(500, 8)) * np.arange(8, 0, -1) + 100
    centred = latents - latents.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    found = project_linearly(latents, 3)
    np.testing.assert_allclose(np.abs(found), np.abs(centred @ axes[:3].T), rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(project_linearly(latents[:400], 1)[:, 0] @ found[:400, 0] > 0, True)
    latents[7, 3] = np.nan
    placed = project_linearly(latents)
    assert np.isnan(placed[7]).all()
    assert np.isfinite(np.delete(placed, 7, axis=0)).all()
    assert np.isnan(project_linearly(np.full((3, 2), np.nan))).all()


def test_known_neighbours_are_used_as_they_are() -> None:
    latents = clusters(80)[:, :-1]
    near = nearest(latents, 20)
    recipe = MapRecipe(n_neighbors=10)
    np.testing.assert_array_equal(project(latents, recipe, near, n_epochs=30), project(latents, recipe, n_epochs=30))
    moved = Nearest(near.ids[:, ::-1].copy(), near.distances)
    assert not np.array_equal(project(latents, recipe, moved, n_epochs=30), project(latents, recipe, n_epochs=30))


def test_principal_components_keep_distances_in_the_plane() -> None:
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(30, 2)) @ rng.normal(size=(2, 8)) + 5
    flat = project_linearly(plane)
    assert flat.shape == (30, 2)
    assert flat.dtype == np.float32
    wanted = np.linalg.norm(plane[:, None] - plane[None], axis=2)
    np.testing.assert_allclose(np.linalg.norm(flat[:, None] - flat[None], axis=2), wanted, rtol=1e-3, atol=1e-4)
    assert flat[:, 0].var() >= flat[:, 1].var()


@pytest.mark.parametrize("n_latent", [1, 2, 8])
@pytest.mark.parametrize("n", [1, 2, 9])
def test_few_windows_are_laid_out_linearly(n: int, n_latent: int) -> None:
    latents = np.random.default_rng(0).normal(size=(n, n_latent)).astype(np.float32)
    coordinates = project(latents, MapRecipe())
    assert coordinates.shape == (n, 2)
    assert np.isfinite(coordinates).all()
    np.testing.assert_array_equal(coordinates, project_linearly(latents))


def test_a_map_repeats_with_its_seed_and_keeps_groups_apart() -> None:
    rng = np.random.default_rng(0)
    latents = np.concatenate([rng.normal(0, 0.1, (30, 8)), rng.normal(5, 0.1, (30, 8))]).astype(np.float32)
    first, again, other = (project(latents, MapRecipe(n_neighbors=10, seed=s)) for s in (1, 1, 2))
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    near = np.linalg.norm(first[:30] - first[:30].mean(axis=0), axis=1).max()
    assert np.linalg.norm(first[:30].mean(axis=0) - first[30:].mean(axis=0)) > near


def test_more_neighbours_than_windows_are_cut_down() -> None:
    latents = np.random.default_rng(0).normal(size=(12, 3))
    assert np.isfinite(project(latents, MapRecipe(n_neighbors=500))).all()


def test_recipes_say_what_they_are_and_refuse_nonsense() -> None:
    assert str(MapRecipe()) == "UMAP · n=15 · min_dist=0.1 · seed 0"
    for wrong in ({"n_neighbors": 1}, {"min_dist": -0.1}, {"min_dist": 1.5}):
        with pytest.raises(InputError, match="setting"):
            MapRecipe(**wrong)
