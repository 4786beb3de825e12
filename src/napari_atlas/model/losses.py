"""The terms of the objective."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from napari_atlas.model.vae import Output

__all__ = ["Terms", "Weights", "kl_diagonal", "masked_mse", "terms_of", "total"]


class Terms(NamedTuple):
    """Loss terms of one species, each a scalar."""

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


def masked_mse(predicted: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean squared error over the labels that are not NaN, 0 if there are none."""
    known = torch.isfinite(wanted)
    error = torch.where(known, predicted - torch.where(known, wanted, 0.0), 0.0)
    return error.square().sum() / known.sum().clamp(min=1)


def terms_of(output: Output, windows: Tensor, labels: Tensor) -> Terms:
    """Return the loss terms of a batch of one species.

    Parameters
    ----------
    output
        What the network made of it.
    windows
        (n_windows, n_times, n_channels), z-scored.
    labels
        (n_windows,) z-scored temperatures, NaN where unknown.
    """
    reconstruction = torch.nn.functional.mse_loss(output.reconstruction, windows)
    head = masked_mse(output.temperature, labels) if output.temperature.numel() else reconstruction.new_zeros(())
    return Terms(reconstruction, kl_diagonal(output.mu, output.logvar), head)


def total(terms: Terms, weights: Weights) -> Tensor:
    """Return reconstruction + β·KL + λ·temperature."""
    return terms.reconstruction + weights.beta * terms.kl + weights.temperature * terms.temperature
