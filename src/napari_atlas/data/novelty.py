"""Which windows lie outside what a model was trained on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Novelty", "mahalanobis", "novelty"]

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
    found = Novelty(np.full(errors.size, np.nan), np.ones(errors.size, bool), np.ones(errors.size, bool))
    for name in np.unique(names):
        mine = names == name
        learned = mine & known & np.isfinite(errors) & np.isfinite(latents).all(axis=1)
        if not learned.any():
            continue
        found.distance[mine] = mahalanobis(latents[mine], latents[learned])
        found.badly_rebuilt[mine] = ~(errors[mine] <= np.percentile(errors[learned], percentile))
        found.far[mine] = ~(found.distance[mine] <= np.percentile(found.distance[learned], percentile))
    return found


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
    covariance = centred.T @ centred / len(cloud)
    n_dims = covariance.shape[0]
    ridge = _RIDGE * np.trace(covariance) / n_dims + np.finfo(float).tiny ** 0.5
    lower = np.linalg.cholesky(covariance + ridge * np.eye(n_dims))
    whitened = np.linalg.solve(lower, (points - cloud.mean(axis=0)).T)
    return np.asarray(np.sqrt((whitened**2).sum(axis=0)))
