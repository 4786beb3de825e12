"""Where the windows lie on the map: the run's own map, principal components, or latent dimensions as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_atlas.data.atlas import Atlas
    from napari_atlas.session.map_state import MapState

__all__ = ["layout_of", "recipe_of"]


def layout_of(atlas: Atlas, state: MapState) -> NDArray[np.float32]:
    """Return the (n_windows, 2) or (n_windows, 3) places of the windows; NaN for one without latent or coordinates.

    The map of a run that has none yet is that of its principal components. Dimensions that a run does not have are
    left out; a single one is drawn along a line.
    """
    axes = _axes_of(atlas, state)
    if axes == "map":
        solid = state.solid and atlas.coordinates.shape[1] > 2
        return np.ascontiguousarray(atlas.coordinates[:, : 3 if solid else 2], dtype=np.float32)
    dims = _dims_of(atlas, state)
    latents = atlas.latents
    places = (latents @ _components(latents)[:, dims] if axes == "pca" else latents[:, dims]).astype(np.float32)
    missing = np.zeros((len(places), max(0, 2 - len(dims))), dtype=np.float32)
    return np.concatenate([places, missing], axis=1) if missing.size else places


def recipe_of(atlas: Atlas | None, state: MapState | None = None) -> str:
    """Return how the map was made and from which run, in words."""
    if atlas is None:
        return ""
    axes = "map" if state is None else _axes_of(atlas, state)
    if state is None or axes == "map":
        made = atlas.recipe
    else:
        made = f"{'PCA' if axes == 'pca' else 'latent'} {', '.join(str(d + 1) for d in _dims_of(atlas, state))}"
    return " · ".join(word for word in (made, f"run {atlas.run}" if atlas.run else "") if word)


def _axes_of(atlas: Atlas, state: MapState) -> str:
    """Return what is drawn of what is wished."""
    if not atlas.latents.shape[1] or (state.axes == "map" and atlas.has_map):
        return "map"
    return "pca" if state.axes == "map" else state.axes


def _dims_of(atlas: Atlas, state: MapState) -> list[int]:
    return [dim for dim in state.dims if dim < atlas.latents.shape[1]] or [0]


def _components(latents: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (n_latent, n_latent) principal axes as columns, the widest first; their signs do not depend on chance.

    The covariance is small however many windows there are, so its eigenvectors take less time than an svd.
    """
    known = latents[np.isfinite(latents).all(axis=1)]
    if not len(known):
        return np.eye(latents.shape[1], dtype=np.float32)
    centred = known - known.mean(axis=0, dtype=np.float64).astype(np.float32)
    _, vectors = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    axes = vectors[:, ::-1]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    return np.asarray(axes * signs, dtype=np.float32)
