"""Dimensions of the latent that carry nothing are counted, and a collapse is told with its cure."""

import numpy as np
import pytest

from napari_atlas.analysis.collapse import active_dimensions, collapse_notes
from napari_atlas.data.config import FitConfig


def test_a_dimension_counts_where_windows_differ_in_it() -> None:
    rng = np.random.default_rng(0)
    mu = np.zeros((300, 4), np.float32)
    species = np.repeat(["fish", "jelly", "crab"], 100)
    mu[:100] = rng.normal(5.0, [1.0, 0.2, 0.05, 0.0], (100, 4))
    mu[100:200, 2] = rng.normal(0.0, 0.05, 100)
    mu[200:] = np.nan
    assert active_dimensions(mu, species) == {"fish": 2, "jelly": 0, "crab": 0}


@pytest.mark.parametrize(("active", "n_dims", "says"), [
    (0, 8, "fish: the latent carries nothing (posterior collapse): lower beta, now 2.5"),
    (1, 8, "fish: one of 8 latent dimensions carries all (posterior collapse): lower beta, now 2.5"),
    (2, 8, ""),
    (1, 1, ""),
    (0, 1, "fish: the latent carries nothing"),
])  # fmt: skip
def test_a_collapse_is_told_with_its_cure(active: int, n_dims: int, says: str) -> None:
    told = collapse_notes({"jelly": 5, "fish": active}, FitConfig(latent_dim=n_dims, beta=2.5))
    assert len(told) == bool(says)
    assert all(t.startswith(says) and t.endswith("raise beta_warmup, or set free_bits=0.1") for t in told)
