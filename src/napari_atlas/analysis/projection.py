"""Latents → a map in two dimensions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.errors import InputError

__all__ = ["FEWEST_FOR_UMAP", "MapRecipe", "project", "project_linearly"]


# Below this, there are no neighbourhoods to speak of.
FEWEST_FOR_UMAP = 10


@dataclass(frozen=True)
class MapRecipe:
    """How a map is made.

    Attributes
    ----------
    n_neighbors
        Neighbours that UMAP looks at; fewer where there are fewer windows.
    min_dist
        How tightly UMAP packs points.
    seed
        The same seed gives the same map.
    """

    n_neighbors: int = 15
    min_dist: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n_neighbors < 2:
            raise InputError.of("setting n_neighbors", f"{self.n_neighbors} is too few", "give at least 2")
        if not 0 <= self.min_dist <= 1:
            raise InputError.of("setting min_dist", f"{self.min_dist:g} is out of range", "give a value from 0 to 1")
        if not 0 <= self.seed < 2**32:
            raise InputError.of("setting seed", f"{self.seed} is out of range", f"give a value from 0 to {2**32 - 1}")

    def __str__(self) -> str:
        return f"UMAP · n={self.n_neighbors} · min_dist={self.min_dist:g} · seed {self.seed}"


def project(latents: NDArray[np.floating], recipe: MapRecipe) -> NDArray[np.float32]:
    """Return (n_windows, 2) UMAP coordinates of (n_windows, n_latent) latents.

    Very few windows are laid out by their principal components, since UMAP needs neighbours. The neighbours are
    exact: in the few dimensions of a latent a tree finds them sooner than the approximate search compiles.
    """
    if len(latents) < FEWEST_FOR_UMAP:
        return project_linearly(latents)
    values = np.ascontiguousarray(latents, dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sklearn.neighbors import NearestNeighbors
        from umap import UMAP

        n_neighbors = min(recipe.n_neighbors, len(values) - 1)
        distances, indices = NearestNeighbors(n_neighbors=n_neighbors).fit(values).kneighbors(values)
        reducer = UMAP(
            n_neighbors=n_neighbors,
            min_dist=recipe.min_dist,
            random_state=recipe.seed,
            n_jobs=1,
            precomputed_knn=(indices.astype(np.int32), distances.astype(np.float32), None),
            force_approximation_algorithm=True,
        )
        coordinates = reducer.fit_transform(values)
    return np.ascontiguousarray(coordinates, dtype=np.float32)


def project_linearly(latents: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return (n_windows, 2) principal components of (n_windows, n_latent) latents."""
    centred = np.asarray(latents, dtype=np.float64) - latents.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    scores = centred @ axes[:2].T
    padded = np.zeros((len(latents), 2), dtype=np.float32)
    padded[:, : scores.shape[1]] = scores
    return padded
