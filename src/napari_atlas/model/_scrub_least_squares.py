"""Scrub numbers and angles: least squares that follow the latent as it changes."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_atlas.model._scrub_shared import Forgetting, exact, explained
from napari_atlas.model.scrubbers import Scrubber, register_scrubber

__all__ = ["MovingLeastSquares", "linear", "quadratic"]


class MovingLeastSquares(Scrubber):
    """Two decoders by least squares over all batches, of which old ones count ever less.

    They read the variable from μ, or from μ and all products of two of its dimensions. The loss is what they know of
    it; that the latent becomes undecodable for both is the aim. Source: algorithm 1 of SC-VAE.

    Parameters
    ----------
    latent_dim, width
        As in `Scrubber`.
    order
        1 reads μ, 2 products as well.
    l2
        Ridge penalty; the constant term is exempt.
    """

    second: Tensor
    cross: Tensor

    def __init__(self, latent_dim: int, width: int, order: int = 2, l2: float = 1e-3) -> None:
        super().__init__(latent_dim, width)
        self._order, self._l2 = order, l2
        self._rows, self._columns = torch.triu_indices(latent_dim, latent_dim).tolist()
        n = latent_dim + (len(self._rows) if order == 2 else 0) + 1
        self.forgetting = Forgetting(0.9, 0.1, 1e-4)
        self.register_buffer("second", torch.eye(n).repeat(2, 1, 1))
        self.register_buffer("cross", torch.zeros(2, n, width))

    def errors(self, mu: Tensor, v: Tensor) -> Tensor:
        """Return the (2, width) squared errors of both decoders, summed over windows."""
        return (v - self._answers(mu)).square().sum(1)

    def loss(self, mu: Tensor, v: Tensor) -> Tensor:
        """Return what both decoders know of the variable, on average; SC-VAE takes minus their errors instead."""
        return explained(self._answers(mu), v).mean()

    def update(self, mu: Tensor, v: Tensor) -> None:
        """Move the forgetting factors, then take in the batch."""
        smaller, larger = self.errors(mu, v).sum(1)
        self.forgetting.move((smaller < larger)[None])
        features = self._features(mu)
        keep = self.forgetting.factors[:, :, None]
        self.second.mul_(keep).add_(features.T @ features)
        self.cross.mul_(keep).add_(features.T @ v)

    def _answers(self, mu: Tensor) -> Tensor:
        return self._features(mu) @ self._solve()

    def _features(self, mu: Tensor) -> Tensor:
        """Return (n_windows, n_features): μ, the products scaled so that their number does not count, and 1."""
        parts = [mu]
        if self._order == 2:
            parts.append(mu[:, self._rows] * mu[:, self._columns] * (self.latent_dim / len(self._rows)))
        return torch.cat([*parts, mu.new_ones(len(mu), 1)], dim=1)

    def _solve(self) -> Tensor:
        """Return (2, n_features, width) weights of the decoders."""
        ridge = torch.full((self.second.shape[1],), float(self._l2))
        ridge[-1] = 0.0
        second = exact(self.second)
        weights: Tensor = torch.linalg.solve_ex(second + torch.diag(ridge).to(second), exact(self.cross))[0]
        return weights.to(self.cross)


@register_scrubber("mals", ("number", "angle"), 0.08, "least squares on the latent and its products")
def quadratic(latent_dim: int, width: int) -> MovingLeastSquares:
    """Return decoders that read products of two dimensions as well."""
    return MovingLeastSquares(latent_dim, width)


@register_scrubber("mals-1", ("number", "angle"), 0.1, "least squares on the latent")
def linear(latent_dim: int, width: int) -> MovingLeastSquares:
    """Return decoders that read the dimensions alone."""
    return MovingLeastSquares(latent_dim, width, order=1)
