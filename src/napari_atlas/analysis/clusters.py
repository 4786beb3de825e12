"""Windows into clusters by their latents, and how far such clusters can be believed."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.windows import WindowTable
from napari_atlas.errors import InputError

__all__ = ["METHODS", "ClusterRecipe", "Fill", "Stability", "clusters_of", "fill_notes", "fill_of", "stability_of"]

Floats = NDArray[np.floating]
Codes = NDArray[np.int64]
Assign = Callable[[Floats], Codes]

METHODS = {"kmeans": "k-means", "gmm": "Gaussian mixture", "hdbscan": "HDBSCAN"}
# Windows that a method looks at, at most; the others are given to the clusters found.
_MOST = {"kmeans": 200_000, "gmm": 50_000, "hdbscan": 20_000}
_MOST_FOR_STABILITY = 6_000
_HALVINGS = 5
_FEWEST_FOR_STABILITY = 40
# As for active dimensions: the prior's variance is 1.
_ACTIVE = 0.01
_ALONE = 0.95


@dataclass(frozen=True)
class ClusterRecipe:
    """How clusters are made.

    Attributes
    ----------
    method
        One of `METHODS`.
    k
        How many clusters; HDBSCAN finds that out by itself.
    min_size
        Fewest windows of a cluster, for HDBSCAN; 0 takes a fiftieth of all windows, and at least 5.
    seed
        The same seed gives the same clusters.
    """

    method: str = "kmeans"
    k: int = 8
    min_size: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError.of("method", f"{self.method!r} is unknown", f"choose from {', '.join(METHODS)}")
        if not 2 <= self.k <= 1000:
            raise InputError.of("k", f"{self.k} is out of range", "give a number from 2 to 1000")
        if self.min_size and self.min_size < 2:
            raise InputError.of("min-size", f"{self.min_size} is too few", "give at least 2 windows, or 0 for a guess")
        if not 0 <= self.seed < 2**32:
            raise InputError.of("seed", f"{self.seed} is out of range", f"give a value from 0 to {2**32 - 1}")

    def text(self, n_windows: int) -> str:
        """Return how clusters of so many windows are made, in words."""
        told = f"at least {self.least(n_windows)} windows" if self.method == "hdbscan" else f"k={self.k}"
        return f"{METHODS[self.method]} · {told} · seed {self.seed}"

    def least(self, n_windows: int) -> int:
        """Return the fewest windows that HDBSCAN calls a cluster."""
        return self.min_size or max(5, n_windows // 50)

    def check(self, n_windows: int) -> None:
        """Refuse settings that so many windows cannot meet.

        Raises
        ------
        InputError
            If they cannot.
        """
        if n_windows < 3:
            told = f"{n_windows} windows have a latent, and 3 are needed"
            raise InputError.of("clusters", told, "add recordings, or fit again")
        if self.method != "hdbscan" and self.k >= n_windows:
            raise InputError.of("k", f"{self.k} clusters of {n_windows} windows", f"give at most {n_windows - 1}")
        if self.method == "hdbscan" and 2 * self.least(n_windows) > n_windows:
            cure = f"give at most {n_windows // 2}, or use kmeans"
            raise InputError.of("min-size", f"{self.least(n_windows)} of {n_windows} windows", cure)


def clusters_of(latents: Floats, recipe: ClusterRecipe) -> Codes:
    """Return the cluster of each window, the largest first.

    Parameters
    ----------
    latents
        (n_windows, n_latent). Each dimension counts the same; those that carry nothing are left out.
    recipe
        How to make them.

    Returns
    -------
    array
        (n_windows,) from 0; −1 for a window that HDBSCAN puts into no cluster, or whose latent is not known.

    Raises
    ------
    InputError
        If there are too few windows for the recipe, or no cluster is found.
    """
    known = np.flatnonzero(np.isfinite(latents).all(axis=1))
    recipe.check(known.size)
    values = _scaled(latents[known])
    with _alone():
        found = _fitted(_some(values, _MOST[recipe.method], recipe.seed), recipe, recipe.least(known.size))(values)
    if found.min() == found.max() and recipe.method != "hdbscan":
        raise InputError.of("clusters", "the latents of all windows are alike", "fit with a lower beta")
    if found.max() < 0:
        cure = "give a smaller min-size, or use kmeans"
        raise InputError.of("HDBSCAN", f"no cluster of {recipe.least(known.size)} windows or more stands out", cure)
    codes = np.full(len(latents), -1, dtype=np.int64)
    codes[known] = _by_size(found)
    return codes


@dataclass(frozen=True)
class Stability:
    """Whether one half of the animals gives the clusters that the other half gives.

    Attributes
    ----------
    halves
        Adjusted Rand index of both halves' clusters on all windows: 1 is the same clusters, 0 is chance.
    featureless
        The same for windows that were drawn from one Gaussian cloud for each species, of its mean and covariance.
    n_windows
        Windows that were looked at.
    """

    halves: float
    featureless: float
    n_windows: int

    @property
    def text(self) -> str:
        """One sentence: the figure beside that of featureless clouds, and what follows."""
        if not np.isfinite(self.halves):
            return "Too few windows to tell whether these clusters come again."
        figures = f"(agreement {self.halves:.2f}; {self.featureless:.2f} for clouds without any structure)"
        if self.halves < 0.5:
            return f"Half of the animals give other clusters {figures}: do not build on them."
        if self.halves <= self.featureless + 0.05:
            return f"Half of the animals give these clusters again, but so would a featureless cloud {figures}."
        if self.halves < 0.8:
            return f"Half of the animals give part of these clusters again {figures}."
        return f"Half of the animals give these clusters again {figures}."


def stability_of(table: WindowTable, latents: Floats, recipe: ClusterRecipe) -> Stability:
    """Make clusters of one half of the animals and of the other, and compare them on all windows.

    Windows overlap and follow each other, so that random halves of windows would agree by themselves: whole animals go
    into a half, and of a species with one animal the first or the second part of it.

    Parameters
    ----------
    table
        One row per window.
    latents
        (n_windows, n_latent).
    recipe
        How clusters are made.

    Returns
    -------
    Stability
        Means over five halvings of at most 6000 windows; NaN if there are fewer than 40, or a half is too small.
    """
    from sklearn.metrics import adjusted_rand_score

    rng = np.random.default_rng(recipe.seed)
    known = np.flatnonzero(np.isfinite(latents).all(axis=1))
    rows = np.sort(rng.permutation(known)[:_MOST_FOR_STABILITY])
    if rows.size < _FEWEST_FOR_STABILITY:
        return Stability(float("nan"), float("nan"), rows.size)
    species = _species_codes(table)[rows]
    real, blank = _scaled(latents[rows]), _featureless(_scaled(latents[rows]), species, rng)
    least = max(5, recipe.least(known.size) * rows.size // known.size // 2)
    found: dict[str, list[float]] = {"real": [], "blank": []}
    with _alone():
        for _ in range(_HALVINGS):
            first = _half(table, rows, species, rng)
            if min(first.sum(), (~first).sum()) <= max(recipe.k, 2 * least):
                continue
            for name, values in (("real", real), ("blank", blank)):
                one, other = (_fitted(values[half], recipe, least)(values) for half in (first, ~first))
                found[name].append(float(adjusted_rand_score(one, other)))
    means = [float(np.mean(figures)) if figures else float("nan") for figures in found.values()]
    return Stability(means[0], means[1], int(rows.size))


@dataclass(frozen=True, eq=False)
class Fill:
    """What clusters are filled with.

    Attributes
    ----------
    species
        Names.
    counts
        (n_clusters, n_species) windows.
    recordings
        (n_clusters,) how many recordings they come from.
    totals
        (n_species,) windows in all, in a cluster or not.
    """

    species: tuple[str, ...]
    counts: Codes
    recordings: Codes
    totals: Codes

    @property
    def shares(self) -> NDArray[np.float64]:
        """(n_clusters, n_species) what each cluster is made of, as if all species had as many windows; rows sum to 1.

        A cluster without windows has zeros.
        """
        rates = self.counts / np.maximum(self.totals, 1)
        return np.asarray(rates / np.maximum(rates.sum(axis=1, keepdims=True), 1e-12))

    def alone(self, cluster: int) -> str:
        """Return the species that a cluster is made of if there are several and it holds hardly any other, else ""."""
        shares = self.shares[cluster]
        told = shares.size > 1 and shares.max(initial=0.0) >= _ALONE
        return self.species[int(shares.argmax())] if told else ""


def fill_of(table: WindowTable, codes: Codes, n_clusters: int) -> Fill:
    """Return what each cluster is filled with.

    Parameters
    ----------
    table
        One row per window.
    codes
        (n_windows,) cluster of each window, −1 for none.
    n_clusters
        How many there are.
    """
    names, n_tracks = table.species_names(), len(table.keys)
    inside = codes >= 0
    cells = codes[inside] * n_tracks + table.track[inside]
    by_track = np.bincount(cells, minlength=n_clusters * n_tracks).reshape(n_clusters, n_tracks)
    species, recordings = ([getattr(key, part) for key in table.keys] for part in ("species", "recording"))
    by_species = _members(species, names)
    of_recordings = by_track @ _members(recordings, tuple(dict.fromkeys(recordings)))
    totals = np.bincount(table.track, minlength=n_tracks) @ by_species
    return Fill(names, by_track @ by_species, (of_recordings > 0).sum(axis=1), totals)


def fill_notes(fill: Fill, labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return a sentence for all clusters that no two species share, and one for those of a single recording."""
    alone = [label for i, label in enumerate(labels) if fill.alone(i)]
    single = [label for i, label in enumerate(labels) if fill.recordings[i] == 1]
    told = []
    if alone and len(alone) == len(labels):
        told.append("Every cluster holds one species only: they show no behaviour that species share.")
    elif alone:
        told.append(f"{_listed(alone)} one species only: no behaviour that species share.")
    if single:
        told.append(f"{_listed(single)} windows of a single recording: it may be the recording rather than behaviour.")
    return tuple(told)


def _listed(labels: list[str]) -> str:
    if len(labels) == 1:
        return f"Cluster {labels[0]} holds"
    named = f"{', '.join(labels[:-1])} and {labels[-1]}" if len(labels) < 10 else f"{', '.join(labels[:9])} and others"
    return f"Clusters {named} hold"


def _members(names: list[str], of: tuple[str, ...]) -> Codes:
    """Return (n_names, n_groups) ones where a name is that of a group, else zeros."""
    places = {name: i for i, name in enumerate(of)}
    return np.eye(len(of), dtype=np.int64)[[places[name] for name in names]]


def _scaled(latents: Floats) -> NDArray[np.float64]:
    """Return standardised latents without the dimensions that carry nothing, unless none of them carries anything."""
    values = np.asarray(latents, dtype=np.float64)
    variance = values.var(axis=0)
    active = variance > _ACTIVE
    kept = active if active.any() else np.ones_like(active)
    return np.asarray((values[:, kept] - values[:, kept].mean(axis=0)) / np.sqrt(np.maximum(variance[kept], 1e-30)))


def _some(values: NDArray[np.float64], most: int, seed: int) -> NDArray[np.float64]:
    if len(values) <= most:
        return values
    return values[np.sort(np.random.default_rng(seed).choice(len(values), most, replace=False))]


def _fitted(values: NDArray[np.float64], recipe: ClusterRecipe, least: int) -> Assign:
    """Return what gives any windows to the clusters that these windows make."""
    if recipe.method == "kmeans":
        from sklearn.cluster import KMeans

        fitted = KMeans(recipe.k, n_init=10, random_state=recipe.seed).fit(values)
        return lambda all_of_them: np.asarray(fitted.predict(all_of_them), dtype=np.int64)
    if recipe.method == "gmm":
        from sklearn.mixture import GaussianMixture

        mixture = GaussianMixture(recipe.k, n_init=3, max_iter=300, random_state=recipe.seed, reg_covar=1e-4)
        mixture.fit(values)
        return lambda all_of_them: np.asarray(mixture.predict(all_of_them), dtype=np.int64)
    return _dense(values, least)


def _dense(values: NDArray[np.float64], least: int) -> Assign:
    from sklearn.cluster import HDBSCAN

    codes = HDBSCAN(min_cluster_size=least, copy=True).fit(values).labels_.astype(np.int64)

    def assign(windows: Floats) -> Codes:
        """Give each window to the cluster of the nearest one that was looked at; that one may be in none."""
        from scipy.spatial import cKDTree

        return np.asarray(codes if windows is values else codes[cKDTree(values).query(windows)[1]])

    return assign


def _by_size(found: Codes) -> Codes:
    """Number clusters anew, the largest first, of equals the one that begins first; −1 stays."""
    inside = found[found >= 0]
    names, first, place, counts = np.unique(inside, return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(names.size, dtype=np.int64)
    rank[np.lexsort((first, -counts))] = np.arange(names.size)
    codes = np.full(found.size, -1, dtype=np.int64)
    codes[found >= 0] = rank[place]
    return codes


def _species_codes(table: WindowTable) -> Codes:
    names = table.species_names()
    return np.array([names.index(key.species) for key in table.keys], dtype=np.int64)[table.track]


def _featureless(values: NDArray[np.float64], species: Codes, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return as many windows, drawn from one Gaussian for each species."""
    drawn = np.empty_like(values)
    for code in np.unique(species):
        own = values[species == code]
        spread = np.atleast_2d(np.cov(own.T)) if len(own) > 1 else np.zeros((own.shape[1], own.shape[1]))
        drawn[species == code] = rng.multivariate_normal(own.mean(axis=0), spread, len(own), check_valid="ignore")
    return drawn


def _half(table: WindowTable, rows: Codes, species: Codes, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return (n_rows,) which windows are in the first half."""
    tracks, first = table.track[rows], np.zeros(rows.size, dtype=bool)
    for code in np.unique(species):
        own = np.flatnonzero(species == code)
        animals = rng.permutation(np.unique(tracks[own]))
        if animals.size == 1:
            early = table.start[rows[own]] < np.median(table.start[rows[own]])
            first[own] = early if rng.random() < 0.5 else ~early
        else:
            first[own] = np.isin(tracks[own], animals[: animals.size // 2])
    return first


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Keep to one thread, since sums of several come out in another order each time; and be quiet.

    What is warned of, clusters that do not settle or have no windows, shows in the result.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
