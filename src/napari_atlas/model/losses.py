"""The terms of the objective.

The KL term is a mean over windows **and latent dimensions**, as in ATLAS, so β means the same at any size of the
latent. SC-VAE sums it over the dimensions: its figures are ours times ``latent_dim``. Both functions here follow the
one convention, and nothing else in the package computes a KL term.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from napari_atlas.model.heads import masked_cross_entropy, masked_mse
from napari_atlas.model.vae import Output

__all__ = [
    "Terms",
    "Weights",
    "kl_cholesky",
    "kl_diagonal",
    "masked_cross_entropy",
    "masked_mse",
    "terms_of",
    "total",
]


class Terms(NamedTuple):
    """Loss terms of one species, each a scalar.

    ``temperature`` is the squared error of the temperature head, plus the weighted errors of further heads.
    """

    reconstruction: Tensor
    kl: Tensor
    temperature: Tensor


class Weights(NamedTuple):
    """Weights of the KL term and of the temperature term."""

    beta: float
    temperature: float


def kl_diagonal(mu: Tensor, logvar: Tensor) -> Tensor:
    """Return the KL divergence from N(μ, σ²) to N(0, 1), averaged over windows and latent dimensions."""
    return -0.5 * torch.mean(1 + logvar - mu.square() - logvar.exp())


def kl_cholesky(mu: Tensor, cholesky: Tensor) -> Tensor:
    """Return the KL divergence from N(μ, LLᵀ) to N(0, 1), averaged over windows and latent dimensions.

    Parameters
    ----------
    mu
        (n_windows, latent_dim).
    cholesky
        (n_windows, latent_dim, latent_dim), the lower triangle L, its diagonal above 0.
    """
    log_spread = cholesky.diagonal(dim1=1, dim2=2).log()
    return -0.5 * torch.mean(1 + 2 * log_spread - mu.square() - cholesky.square().sum(2))


def terms_of(output: Output, windows: Tensor, labels: Tensor) -> Terms:
    """Return the loss terms of a batch of one species.

    Parameters
    ----------
    output
        What the network made of it.
    windows
        (n_windows, n_times, n_channels), z-scored.
    labels
        (n_windows,) z-scored temperatures, NaN where unknown, and further heads are not trained; or
        (n_windows, 1 + n_heads), where a column for each further head follows in the architecture's order: z-scored
        numbers, NaN where unknown, or classes, −1 where unknown.
    """
    reconstruction = torch.nn.functional.mse_loss(output.reconstruction, windows)
    kl = kl_cholesky(output.mu, output.cholesky) if output.cholesky.numel() else kl_diagonal(output.mu, output.logvar)
    columns = labels.unbind(1) if labels.ndim == 2 else (labels,)
    head = masked_mse(output.temperature, columns[0]) if output.temperature.numel() else reconstruction.new_zeros(())
    for (further, values), wanted in zip(output.predictions, columns[1:], strict=False):
        head = head + further.weight * further.kind.loss(values, wanted)
    return Terms(reconstruction, kl, head)


def total(terms: Terms, weights: Weights) -> Tensor:
    """Return reconstruction + β·KL + λ·temperature."""
    return terms.reconstruction + weights.beta * terms.kl + weights.temperature * terms.temperature
