"""What an encoder's numbers mean: a Gaussian over the latent, with a diagonal or a full covariance."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from napari_atlas.errors import InputError

__all__ = ["POSTERIORS", "DiagonalPosterior", "FullPosterior", "Gaussian", "make_posterior"]

_SMALLEST = 1e-7


class Gaussian(NamedTuple):
    """The posterior of a batch of windows, N(μ, LLᵀ).

    ``mu`` and ``logvar`` are (n_windows, latent_dim), the second one the logarithm of each dimension's variance.
    ``cholesky`` is (n_windows, latent_dim, latent_dim), the lower triangle L; empty if the covariance is diagonal.
    """

    mu: Tensor
    logvar: Tensor
    cholesky: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """Return μ + L·noise, (n_windows, latent_dim), of standard normal noise of the same shape."""
        if self.cholesky.numel():
            return self.mu + (self.cholesky @ noise.unsqueeze(-1)).squeeze(-1)
        return self.mu + torch.exp(0.5 * self.logvar) * noise


class DiagonalPosterior(nn.Module):
    """Independent dimensions: the numbers are μ and log σ²."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.n_numbers = 2 * latent_dim

    def forward(self, numbers: Tensor) -> Gaussian:
        """Return the posterior of (n_windows, n_numbers) numbers."""
        mu, logvar = numbers.chunk(2, dim=1)
        return Gaussian(mu, logvar, mu.new_empty(0))


class FullPosterior(nn.Module):
    """Correlated dimensions: the numbers are μ and the lower triangle of L, row after row.

    Softplus keeps the diagonal of L above 0. Source: the network part of SC-VAE.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        rows, columns = torch.tril_indices(latent_dim, latent_dim)
        self.n_numbers = latent_dim + rows.numel()
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns, persistent=False)

    def forward(self, numbers: Tensor) -> Gaussian:
        """Return the posterior of (n_windows, n_numbers) numbers."""
        mu, triangle = numbers[:, : self.latent_dim], numbers[:, self.latent_dim :]
        raw = numbers.new_zeros(len(numbers), self.latent_dim, self.latent_dim)
        raw[:, self.rows, self.columns] = triangle
        spread = nn.functional.softplus(raw.diagonal(dim1=1, dim2=2)) + _SMALLEST
        cholesky = raw.tril(-1) + torch.diag_embed(spread)
        return Gaussian(mu, cholesky.square().sum(2).log(), cholesky)


POSTERIORS: dict[str, type[DiagonalPosterior] | type[FullPosterior]] = {
    "diagonal": DiagonalPosterior,
    "full": FullPosterior,
}


def make_posterior(name: str, latent_dim: int) -> DiagonalPosterior | FullPosterior:
    """Return the posterior of that name.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in POSTERIORS:
        raise InputError.of(f"posterior {name!r}", "it is not known", f"choose from {', '.join(POSTERIORS)}")
    return POSTERIORS[name](latent_dim)
