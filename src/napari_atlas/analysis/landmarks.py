"""A map of a few windows, and all others placed between them: soon there, and like the one that takes long."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_atlas.analysis.preservation import Tell, ask_nearest, silent
from napari_atlas.analysis.projection import MapRecipe, project

__all__ = ["FEWEST_FOR_PREVIEW", "n_landmarks", "preview"]

# A map of fewer windows is there about as soon.
FEWEST_FOR_PREVIEW = 5000
_MOST_LANDMARKS = 10_000
_AT_ONCE = 100_000
_EPOCHS = 200
_BETWEEN = 5
# Landmarks this much farther on the map than usual are no neighbours, so nothing lies between them.
_TORN = 4.0


def n_landmarks(n_windows: int) -> int:
    """Return how many windows a preview lays out by themselves; 0 where no preview is worth while."""
    return min(_MOST_LANDMARKS, n_windows // 5) if n_windows >= FEWEST_FOR_PREVIEW else 0


def preview(latents: NDArray[np.float32], recipe: MapRecipe, tell: Tell = silent) -> NDArray[np.float32]:
    """Return coordinates that are close to those of a UMAP, much sooner.

    Landmarks are drawn with the seed and laid out by UMAP. Any other window is placed between the landmarks that are
    nearest to it in the latent, the nearer the heavier. Landmarks that UMAP tore apart do not pull at it.

    Parameters
    ----------
    latents
        (n_windows, n_latent), all finite.
    recipe
        The settings.
    tell
        Told the epochs of the layout, and those in all. What it raises is raised when the layout is over.

    Returns
    -------
    numpy.ndarray
        (n_windows, n_dims).
    """
    chosen = np.random.default_rng(recipe.seed).choice(len(latents), n_landmarks(len(latents)), replace=False)
    chosen.sort()
    landmarks, others = latents[chosen], np.delete(np.arange(len(latents)), chosen)
    map_ = project(landmarks, recipe, tell=tell, n_epochs=_EPOCHS)
    coordinates = np.empty((len(latents), recipe.n_dims), dtype=np.float32)
    coordinates[chosen] = map_
    ask = ask_nearest(landmarks, _BETWEEN)
    for start in range(0, others.size, _AT_ONCE):
        part = others[start : start + _AT_ONCE]
        coordinates[part] = _placed(*ask(latents[part]), map_)
    return coordinates


def _placed(
    distances: NDArray[np.floating], ids: NDArray[np.integer], map_: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the places of windows between their nearest landmarks."""
    beyond = distances - distances[:, :1]
    weights = np.exp(-4 * beyond / np.maximum(beyond[:, -1:], 1e-12))
    corners = map_[ids]
    apart = np.linalg.norm(corners - corners[:, :1], axis=2)
    weights[apart > _TORN * np.median(apart[:, 1:])] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray((weights[:, :, None] * corners).sum(axis=1), dtype=np.float32)
