"""Latents → a map in two or three dimensions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.analysis.preservation import Nearest, Tell, nearest, silent
from napari_atlas.errors import AtlasError, InputError

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
    n_dims
        Dimensions of the map, 2 or 3.
    """

    n_neighbors: int = 15
    min_dist: float = 0.1
    seed: int = 0
    n_dims: int = 2

    def __post_init__(self) -> None:
        if self.n_neighbors < 2:
            raise InputError.of("setting n_neighbors", f"{self.n_neighbors} is too few", "give at least 2")
        if not 0 <= self.min_dist <= 1:
            raise InputError.of("setting min_dist", f"{self.min_dist:g} is out of range", "give a value from 0 to 1")
        if not 0 <= self.seed < 2**32:
            raise InputError.of("setting seed", f"{self.seed} is out of range", f"give a value from 0 to {2**32 - 1}")
        if self.n_dims not in (2, 3):
            raise InputError.of("setting n_dims", f"a map of {self.n_dims} dimensions cannot be drawn", "give 2 or 3")

    def __str__(self) -> str:
        return f"{self.method} · n={self.n_neighbors} · min_dist={self.min_dist:g} · seed {self.seed}"

    @property
    def method(self) -> str:
        """What the map is called."""
        return "UMAP" if self.n_dims == 2 else "UMAP 3-D"

    @property
    def name(self) -> str:
        """The same as a name for a file."""
        solid = "" if self.n_dims == 2 else "-3d"
        return f"umap-n{self.n_neighbors}-d{self.min_dist:g}-s{self.seed}{solid}"


def project(
    latents: NDArray[np.floating],
    recipe: MapRecipe,
    near: Nearest | None = None,
    begin: NDArray[np.float32] | None = None,
    *,
    tell: Tell = silent,
    n_epochs: int | None = None,
) -> NDArray[np.float32]:
    """Return the UMAP coordinates of latents.

    Parameters
    ----------
    latents
        (n_windows, n_latent), all finite. Very few windows, or windows that are all the same, are laid out by their
        principal components, since UMAP needs neighbours.
    recipe
        The settings.
    near
        The nearest windows of each, with itself, if they are known already.
    begin
        (n_windows, n_dims) coordinates to begin with, such as a preview; else the spectral ones.
    tell
        Told the epochs of the layout, and those in all. What it raises is raised when the layout is over.
    n_epochs
        Of the layout; None is UMAP's own choice, 500 up to 10 000 windows and 200 beyond.

    Returns
    -------
    numpy.ndarray
        (n_windows, n_dims).
    """
    if len(latents) < FEWEST_FOR_UMAP or not np.ptp(latents, axis=0).any():
        return project_linearly(latents, recipe.n_dims)
    values = np.ascontiguousarray(latents, dtype=np.float32)
    n_neighbors = min(recipe.n_neighbors, len(values) - 1)
    near, epochs = near or nearest(values, n_neighbors, recipe.seed), _Epochs(tell)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap import UMAP

        reducer = UMAP(
            n_neighbors=n_neighbors,
            n_components=recipe.n_dims,
            min_dist=recipe.min_dist,
            n_epochs=n_epochs,
            init="spectral" if begin is None else begin,
            random_state=recipe.seed,
            n_jobs=1,
            precomputed_knn=(*(np.ascontiguousarray(a[:, :n_neighbors]) for a in (near.ids, near.distances)), None),
            force_approximation_algorithm=True,
            tqdm_kwds={"disable": False, "file": epochs, "bar_format": "{n}/{total}", "mininterval": 1.0},
        )
        coordinates = np.ascontiguousarray(reducer.fit_transform(values), dtype=np.float32)
    epochs.end()
    if not np.isfinite(coordinates).all():
        raise AtlasError("UMAP found no layout: choose another seed, or more neighbours")
    return coordinates


def project_linearly(latents: NDArray[np.floating], n_dims: int = 2) -> NDArray[np.float32]:
    """Return (n_windows, n_dims) principal components of (n_windows, n_latent) latents, about their mean.

    Windows whose latents are not finite are NaN; components that a latent of few dimensions does not have are 0.
    Each axis points to where its largest coefficient is positive, so that the picture does not flip.
    """
    values = np.asarray(latents, dtype=np.float64)
    known = np.isfinite(values).all(axis=1)
    placed = np.where(known, 0, np.nan).astype(np.float32)[:, None].repeat(n_dims, axis=1)
    if known.any():
        centred = values - values[known].mean(axis=0)
        within = centred if known.all() else centred[known]
        _, axes = np.linalg.eigh(within.T @ within)
        axes = axes[:, ::-1][:, :n_dims]
        axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] < 0, -1, 1)
        placed[:, : axes.shape[1]] = centred @ axes
    return placed


class _Epochs:
    """What UMAP's progress bar writes to, as if it were a file.

    An exception must not leave while it writes: tqdm would hold its lock for ever, and the next map wait for it.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._raised: AtlasError | None = None

    def write(self, text: str) -> None:
        """Pass on what is written, such as "7/200"."""
        done, _, total = text.strip().partition("/")
        if done.isdecimal() and total.isdecimal() and self._raised is None:
            try:
                self._tell(int(done), int(total))
            except AtlasError as error:
                self._raised = error

    def flush(self) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Raise what was raised meanwhile."""
        if self._raised is not None:
            raise self._raised
