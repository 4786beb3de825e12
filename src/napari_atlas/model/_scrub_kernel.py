"""Scrub numbers and angles: the mutual information of latent and variable, by Gaussian kernels."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from napari_atlas.model.scrubbers import Scrubber, register_scrubber

__all__ = ["MutualInformation"]

_MOST = 512
_NEVER = -1e30  # a logarithm that leaves gradients finite, unlike −∞


@register_scrubber("mutual-information", ("number", "angle"), 0.2, "mutual information with the batch before")
class MutualInformation(Scrubber):
    """Asks how much likelier latent and variable are together than apart, among the windows of the batch before.

    The densities are sums of Gaussians around up to 512 windows. Their width goes by how far these windows lie apart in
    the median.
    """

    before: Tensor
    values: Tensor
    there: Tensor

    def __init__(self, latent_dim: int, width: int) -> None:
        super().__init__(latent_dim, width)
        self.register_buffer("before", torch.zeros(_MOST, latent_dim))
        self.register_buffer("values", torch.zeros(_MOST, width))
        self.register_buffer("there", torch.zeros(_MOST, dtype=torch.bool))

    def loss(self, mu: Tensor, v: Tensor) -> Tensor:
        """Return the mean of log p(μ, v) / p(μ) p(v), never below 0; 0 before the first batch."""
        of_mu, of_v = _kernel(mu, self.before, self.there), _kernel(v, self.values, self.there)
        together = torch.logsumexp(of_mu + of_v, 1)
        apart = torch.logsumexp(of_mu, 1) + torch.logsumexp(of_v, 1)
        outside = torch.where(self.there, 0.0, _NEVER).logsumexp(0)
        mean = (together - apart + outside).mean()
        return torch.where(self.there.any(), mean, 0.0).clamp(min=0.0)

    def update(self, mu: Tensor, v: Tensor) -> None:
        """Keep the batch."""
        n = min(len(mu), _MOST)
        rows = torch.arange(n, device=mu.device) * len(mu) // n
        self.before[:n].copy_(mu[rows])
        self.values[:n].copy_(v[rows])
        self.there.copy_(torch.arange(_MOST, device=mu.device) < n)


def _kernel(values: Tensor, centres: Tensor, there: Tensor) -> Tensor:
    """Return (n_windows, n_centres) log kernels, very low for centres that are not there."""
    apart = torch.cdist(values, centres, compute_mode="donot_use_mm_for_euclid_dist").square()
    wide = torch.where(there, apart.detach(), math.nan).nanmedian()
    wide = wide.nan_to_num(1.0).clamp(min=1e-12)
    count = there.sum().clamp(min=2)
    wide = 0.5 * wide * count ** (-2 / (values.shape[1] + 4))
    return torch.where(there, -0.5 * apart / wide, _NEVER)
