"""The terms of the objective.

The KL term is a mean over windows **and latent dimensions**, as in ATLAS, so β means the same at any size of the
latent. SC-VAE sums it over the dimensions: its figures are ours times ``latent_dim``. Both functions here follow the
one convention, and nothing else in the package computes a KL term.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from napari_atlas.model.heads import HEADS, Head, HeadKind, masked_cross_entropy, masked_mean, masked_mse, shares
from napari_atlas.model.posteriors import Gaussian
from napari_atlas.model.vae import Joint, Output

__all__ = [
    "Labels",
    "PoseError",
    "Terms",
    "Weights",
    "kl_cholesky",
    "kl_diagonal",
    "labels_by_step",
    "masked_cross_entropy",
    "masked_mse",
    "parts_of",
    "terms_of",
    "terms_together",
    "total",
    "total_correlation",
]


PoseError = Callable[[Tensor, Tensor], Tensor]
"""(windows, reconstruction) → (n_windows,) squared distance of joints."""


class Terms(NamedTuple):
    """Loss terms, each a scalar: of one species, or summed over the species.

    ``temperature`` is the squared error of the temperature head, plus the weighted errors of further heads. ``pose``
    is the squared distance of joints, 0 where it is not asked for.
    """

    reconstruction: Tensor
    kl: Tensor
    temperature: Tensor
    pose: Tensor


class Weights(NamedTuple):
    """Weights of the KL term, of the temperature term and of the pose term."""

    beta: float | Tensor
    temperature: float
    pose: float = 0.0


class Labels(NamedTuple):
    """Labels of a batch of several species, one after the other.

    ``values`` is (n_windows, n_heads), 0 where unknown; ``shares`` is of the same shape, how much each counts: 1 in all
    per species. ``sizes`` are the windows of each species in the whole batch, of which this may be a part, and
    ``parts`` is (n_windows, 1), the share of each window in its species.
    """

    values: Tensor
    shares: Tensor
    sizes: tuple[int, ...]
    parts: Tensor


def kl_diagonal(mu: Tensor, logvar: Tensor) -> Tensor:
    """Return the KL divergence from N(μ, σ²) to N(0, 1), averaged over windows and latent dimensions."""
    return _divergence(mu, logvar, logvar.exp()).mean()


def kl_cholesky(mu: Tensor, cholesky: Tensor) -> Tensor:
    """Return the KL divergence from N(μ, LLᵀ) to N(0, 1), averaged over windows and latent dimensions.

    Parameters
    ----------
    mu
        (n_windows, latent_dim).
    cholesky
        (n_windows, latent_dim, latent_dim), the lower triangle L, its diagonal above 0.
    """
    return _divergences(Gaussian(mu, mu, cholesky)).mean()


def _divergences(posterior: Gaussian) -> Tensor:
    """Return (n_windows, latent_dim) shares of the KL divergence from the posterior to N(0, 1)."""
    mu, logvar, cholesky = posterior
    if not cholesky.numel():
        return _divergence(mu, logvar, logvar.exp())
    return _divergence(mu, 2 * cholesky.diagonal(dim1=1, dim2=2).log(), cholesky.square().sum(2))


def _divergence(mu: Tensor, log_spread: Tensor, variance: Tensor) -> Tensor:
    return 0.5 * (mu.square() + variance - log_spread - 1)


def total_correlation(drawn: Tensor, mu: Tensor, variance: Tensor) -> Tensor:
    """Return how far the dimensions of the latent depend on each other, estimated from a batch.

    The estimate leaves log n_windows out, as SC-VAE does, and so is below 0 for small batches.

    Parameters
    ----------
    drawn
        (n_windows, latent_dim) draws from the posteriors.
    mu, variance
        (n_windows, latent_dim) of the posteriors.
    """
    apart = (drawn[:, None] - mu).square() / variance
    density = -0.5 * (apart + variance.log() + math.log(2 * math.pi))
    return (density.sum(2).logsumexp(1) - density.logsumexp(1).sum(1)).mean()


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
    kl = _divergences(Gaussian(output.mu, output.logvar, output.cholesky)).mean()
    columns = labels.unbind(1) if labels.ndim == 2 else (labels,)
    head = masked_mse(output.temperature, columns[0]) if output.temperature.numel() else reconstruction.new_zeros(())
    for (further, values), wanted in zip(output.predictions, columns[1:], strict=False):
        head = head + further.weight * masked_mean(further.kind, values, wanted)
    return Terms(reconstruction, kl, head, torch.zeros_like(kl))


def labels_by_step(labels: Sequence[Tensor], heads: Sequence[Head]) -> tuple[Tensor, Tensor]:
    """Return values and shares of the labels of whole batches, as `Labels` has them, with a dimension for steps first.

    Parameters
    ----------
    labels
        Per species (n_steps, n_windows) temperatures, or (n_steps, n_windows, 1 + n_heads), as `terms_of` takes them.
    heads
        Those beside the temperature.
    """
    kinds = [HEADS["regression"], *(head.kind for head in heads)]
    found = [_known_of(mine if mine.ndim == 3 else mine[..., None], kinds) for mine in labels]
    values, counted = zip(*found, strict=True)
    return torch.cat(values, dim=1), torch.cat(counted, dim=1)


def parts_of(sizes: Sequence[int], device: torch.device) -> Tensor:
    """Return the (n_windows, 1) share of each window in its species, for species one after the other."""
    return torch.cat([torch.full((n, 1), 1.0 / n, device=device) for n in sizes])


def _known_of(labels: Tensor, kinds: Sequence[HeadKind]) -> tuple[Tensor, Tensor]:
    columns = labels.unbind(-1)
    known = [kind.known(column) for kind, column in zip(kinds, columns, strict=False)]
    values = [torch.where(there, column, 0.0) for there, column in zip(known, columns, strict=True)]
    return torch.stack(values, dim=-1), torch.stack([shares(there) for there in known], dim=-1)


def terms_together(
    joint: Joint,
    windows: Mapping[str, Tensor],
    labels: Labels,
    free_bits: float = 0.0,
    posed: Mapping[str, PoseError] | None = None,
) -> Terms:
    """Return the loss terms of a batch of several species, each summed over the species.

    Parameters
    ----------
    joint
        What the network made of it.
    windows
        Per species (n_windows, n_times, n_channels), z-scored.
    labels
        Of the same windows.
    free_bits
        Nats per latent dimension and species below which the KL term is level.
    posed
        Errors of joints, for the species whose pose term is asked for.
    """
    pairs = zip(joint.reconstructions, windows.values(), labels.sizes, strict=True)
    squares = [
        torch.nn.functional.mse_loss(drawn, mine, reduction="sum") / (n * mine[0].numel()) for drawn, mine, n in pairs
    ]
    by_window = _divergences(joint.posterior) * labels.parts
    if free_bits:
        by_species = torch.split(by_window, [len(mine) for mine in windows.values()])
        by_window = torch.stack([mine.sum(0).clamp(min=free_bits) for mine in by_species])
    kl = by_window.sum() / by_window.shape[1]
    return Terms(torch.stack(squares).sum(), kl, _head_error(joint, labels), _pose_error(joint, windows, labels, posed))


def _pose_error(
    joint: Joint, windows: Mapping[str, Tensor], labels: Labels, posed: Mapping[str, PoseError] | None
) -> Tensor:
    error = labels.values.new_zeros(())
    for drawn, (name, mine), n in zip(joint.reconstructions, windows.items(), labels.sizes, strict=True):
        if posed and name in posed:
            error = error + posed[name](mine, drawn).sum() / n
    return error


def _head_error(joint: Joint, labels: Labels) -> Tensor:
    errors = []
    if joint.temperature.numel():
        errors.append((joint.temperature - labels.values[:, 0]).square() * labels.shares[:, 0])
    if len(errors) == 1 and not joint.predictions:
        return errors[0].sum()
    for column, (head, values) in enumerate(joint.predictions[: labels.values.shape[1] - 1], start=1):
        error = head.kind.error(values, labels.values[:, column])
        errors.append(error * (head.weight * labels.shares[:, column]))
    return torch.stack(errors).sum() if errors else labels.values.new_zeros(())


def total(terms: Terms, weights: Weights) -> Tensor:
    """Return reconstruction + β·KL + λ·temperature, plus the weighted pose term where there is one."""
    loss = terms.reconstruction + weights.beta * terms.kl + weights.temperature * terms.temperature
    return loss + weights.pose * terms.pose if weights.pose else loss
