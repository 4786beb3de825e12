"""Whether a latent carries anything."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.config import FitConfig

__all__ = ["active_dimensions", "collapse_notes"]

_ACTIVE = 0.01


def active_dimensions(mu: NDArray[np.floating], species: NDArray[np.str_]) -> dict[str, int]:
    """Return how many dimensions of the latent tell the windows of each species apart.

    A dimension counts if the variance of μ over windows is above 0.01; the prior's is 1. Source: Burda, Grosse and
    Salakhutdinov, Importance weighted autoencoders, 2016.

    Parameters
    ----------
    mu
        (n_windows, latent_dim). NaN counts as nothing.
    species
        (n_windows,) names.
    """
    return {str(name): int((mu[species == name].var(axis=0) > _ACTIVE).sum()) for name in np.unique(species)}


def collapse_notes(active: Mapping[str, int], config: FitConfig) -> tuple[str, ...]:
    """Return a sentence with a cure for each species of which the latent carries nothing, or all but nothing."""
    cure = f"(posterior collapse): lower beta, now {config.beta:g}, raise beta_warmup, or set free_bits=0.1"
    told = []
    for name, n in active.items():
        if n == 0:
            told.append(f"{name}: the latent carries nothing {cure}")
        elif n == 1 < config.latent_dim:
            told.append(f"{name}: one of {config.latent_dim} latent dimensions carries all {cure}")
    return tuple(told)
