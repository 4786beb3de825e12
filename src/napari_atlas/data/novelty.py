"""Which windows lie outside what a model was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Novelty", "Trained", "judge", "mahalanobis", "novelty"]

_RIDGE = 1e-6


class Novelty(NamedTuple):
    """How strange each window is, one row per window.

    ``distance`` is the Mahalanobis distance of μ from the training windows of the window's species, without unit.
    ``badly_rebuilt`` says whether the reconstruction error exceeds that of nearly all of them, ``far`` the same of
    the distance; ``outside`` is either. A species without training windows has the distance NaN, and all of its
    windows are outside.
    """

    distance: NDArray[np.float64]
    badly_rebuilt: NDArray[np.bool_]
    far: NDArray[np.bool_]

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Whether either sign is there, (n_windows,)."""
        return self.badly_rebuilt | self.far


@dataclass(frozen=True, eq=False)
class Trained:
    """What the training windows of one species look like to a model.

    Attributes
    ----------
    mean, covariance
        Of their latents, (latent_dim,) and (latent_dim, latent_dim).
    farthest
        Limit of the Mahalanobis distance, without unit.
    worst
        Limit of the reconstruction error, z-scored and squared.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    farthest: float
    worst: float

    @classmethod
    def of(cls, mu: ArrayLike, error: ArrayLike, percentile: float = 99.0) -> Trained:
        """Return what (n_windows, latent_dim) latents and (n_windows,) errors, all finite, look like.

        Both limits are the percentile of these windows themselves; there must be at least one.
        """
        latents, errors = np.asarray(mu, float), np.asarray(error, float)
        mean = latents.mean(axis=0)
        covariance = (latents - mean).T @ (latents - mean) / len(latents)
        farthest = np.percentile(_distance(latents, mean, covariance), percentile)
        return cls(mean, covariance, float(farthest), float(np.percentile(errors, percentile)))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Trained:
        """Return what `as_dict` gave.

        Raises
        ------
        KeyError, TypeError, ValueError
            If a value is missing, or is not of its kind.
        """
        mean, covariance = np.array(values["mean"], float), np.array(values["covariance"], float)
        if covariance.shape != (mean.size, mean.size):
            raise ValueError("the covariance is of another latent than the mean")
        return cls(mean, covariance, float(values["farthest"]), float(values["worst"]))

    def as_dict(self) -> dict[str, Any]:
        """Return the values as JSON types."""
        shape = {"mean": self.mean.tolist(), "covariance": self.covariance.tolist()}
        return {**shape, "farthest": self.farthest, "worst": self.worst}


def judge(mu: ArrayLike, error: ArrayLike, species: ArrayLike, trained: Mapping[str, Trained]) -> Novelty:
    """Compare every window with what the training windows of its species look like; the rest is as in `novelty`.

    Parameters
    ----------
    mu, error, species
        (n_windows, latent_dim), (n_windows,) and (n_windows,).
    trained
        By species.
    """
    latents, errors, names = np.asarray(mu, float), np.asarray(error, float), np.asarray(species)
    found = Novelty(np.full(errors.size, np.nan), np.ones(errors.size, bool), np.ones(errors.size, bool))
    for name in np.unique(names):
        known, mine = trained.get(str(name)), names == name
        if known is not None:
            found.distance[mine] = _distance(latents[mine], known.mean, known.covariance)
            found.badly_rebuilt[mine] = ~(errors[mine] <= known.worst)
            found.far[mine] = ~(found.distance[mine] <= known.farthest)
    return found


def novelty(
    mu: ArrayLike, error: ArrayLike, species: ArrayLike, trained: ArrayLike, percentile: float = 99.0
) -> Novelty:
    """Compare every window with the training windows of its species.

    Both limits are percentiles of the training windows themselves, so at 99 about one in a hundred of those lies
    beyond each. Windows overlap, and new animals differ from the trained ones without being wrong: flags say where
    to look, not what is true.

    Parameters
    ----------
    mu
        (n_windows, latent_dim) latents. NaN in a row counts as far, and the row is not learned from.
    error
        (n_windows,) reconstruction errors, z-scored and squared. NaN counts as badly rebuilt.
    species
        (n_windows,) names.
    trained
        (n_windows,) whether each is a training window. To judge new recordings, stack theirs below those of the run.
    percentile
        Of the training windows, above 0 and up to 100.

    Returns
    -------
    Novelty
        One row per window, in the order given.

    Raises
    ------
    ValueError
        If the lengths differ or the percentile is out of range.
    """
    latents, errors = np.asarray(mu, float), np.asarray(error, float)
    names, known = np.asarray(species), np.asarray(trained, bool)
    if latents.ndim != 2 or not len(latents) == errors.size == names.size == known.size:
        raise ValueError("mu, error, species and trained must have one row per window")
    if not 0 < percentile <= 100:
        raise ValueError(f"percentile is {percentile}; give one above 0 and up to 100")
    trained_on = {}
    for name in np.unique(names):
        learned = (names == name) & known & np.isfinite(errors) & np.isfinite(latents).all(axis=1)
        if learned.any():
            trained_on[str(name)] = Trained.of(latents[learned], errors[learned], percentile)
    return judge(latents, errors, names, trained_on)


def mahalanobis(points: NDArray[np.float64], cloud: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each point lies from a cloud's mean, in the cloud's own spreads.

    A small ridge, a millionth of the mean variance, keeps the distance finite where the cloud has no spread, as
    with fewer points than dimensions.

    Parameters
    ----------
    points
        (n_points, n_dims); a row with NaN has the distance NaN.
    cloud
        (n_cloud, n_dims), finite, at least one row.
    """
    centred = cloud - cloud.mean(axis=0)
    return _distance(points, cloud.mean(axis=0), centred.T @ centred / len(cloud))


def _distance(
    points: NDArray[np.float64], mean: NDArray[np.float64], covariance: NDArray[np.float64]
) -> NDArray[np.float64]:
    n_dims = mean.size
    ridge = _RIDGE * np.trace(covariance) / n_dims + np.finfo(float).tiny ** 0.5
    lower = np.linalg.cholesky(covariance + ridge * np.eye(n_dims))
    whitened = np.linalg.solve(lower, (points - mean).T)
    return np.asarray(np.sqrt((whitened**2).sum(axis=0)))
