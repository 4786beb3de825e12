"""Scrub classes: Gaussians and means per class that follow the latent as it changes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from napari_atlas.model._scrub_shared import Forgetting, above_chance, exact
from napari_atlas.model.scrubbers import Scrubber, register_scrubber

__all__ = ["MovingMeans", "QuadraticDiscriminant"]

_JITTER = 1e-6
_KEEP = 0.9


@register_scrubber("qd", ("class",), 0.1, "a Gaussian for each class, and one for the rest")
class QuadraticDiscriminant(Scrubber):
    """For each class one Gaussian of its windows and one of all others, in two copies that forget at their own pace.

    The loss is how well they tell the class from the rest. Source: algorithm 2 of SC-VAE.

    Parameters
    ----------
    latent_dim, width
        As in `Scrubber`.
    steady
        Whether a class of few windows borrows from the covariance of the rest, and a dimension that is flat is given
        a little spread. A fit needs this; the published figures are without.
    """

    mean: Tensor
    covariance: Tensor
    members: Tensor

    def __init__(self, latent_dim: int, width: int, steady: bool = True) -> None:
        super().__init__(latent_dim, width)
        self._steady = steady
        self.forgetting = Forgetting(0.2, 0.01, 1e-3, width)
        # The first two dimensions: copies, and the rest (0) or the class (1).
        self.register_buffer("mean", torch.zeros(2, 2, width, latent_dim))
        self.register_buffer("covariance", torch.eye(latent_dim).repeat(2, 2, width, 1, 1))
        self.register_buffer("members", torch.zeros(width))

    def log_densities(self, mu: Tensor) -> Tensor:
        """Return (2, 2, width, n_windows): log density for both copies, of the rest and of the class."""
        covariance = exact(self._steadied(self.covariance) if self._steady else self.covariance)
        root, _ = torch.linalg.cholesky_ex(covariance)
        unit = torch.eye(self.latent_dim, dtype=root.dtype, device=root.device)
        inverse = torch.linalg.solve_triangular(root, unit.expand_as(root), upper=False)
        volume = 2 * root.diagonal(dim1=-2, dim2=-1).log().sum(-1) + self.latent_dim * math.log(2 * math.pi)
        apart = (mu - self.mean[..., None, :]) @ inverse.to(mu).transpose(-2, -1)
        densities: Tensor = -0.5 * (apart.square().sum(-1) + volume.to(mu)[..., None])
        return densities

    def published(self, mu: Tensor, v: Tensor) -> Tensor:
        """Return the loss as SC-VAE has it: a sum over windows that has no limit."""
        rest, mine = self.log_densities(mu).unbind(1)
        return ((2 * v.T - 1) * (mine - rest)).sum(-1).mean()

    def loss(self, mu: Tensor, v: Tensor) -> Tensor:
        """Return log(1 + how far each class's Gaussian is from that of the rest), averaged over copies and classes.

        SC-VAE takes `published`, windows against Gaussians that stand still. It has no lower limit, and an encoder
        that moves faster than they follow swaps the sides to and fro instead of joining them. Here the Gaussians move
        with the batch: their distance is what `published` is on average, half the Kullback-Leibler divergence of each
        from the other, and least where they are equal. Classes that the Gaussians of earlier batches tell no better
        than chance are left alone, and so are those that the batch lacks.
        """
        mean, covariance = self._moved(mu, v)
        rest, mine = covariance.unbind(1)
        inverse = torch.linalg.inv_ex(covariance)[0]
        apart = (mean[:, 1] - mean[:, 0])[..., None]
        spread = (inverse[:, 0] * mine + inverse[:, 1] * rest).sum((-2, -1)) - 2 * self.latent_dim
        evidence = 0.25 * (spread + (apart.mT @ inverse.sum(1) @ apart)[..., 0, 0]).to(mu)
        there = self._there(v)
        return (above_chance(evidence) * (there & self._tells(mu, v))).sum() / (2 * there.sum()).clamp(min=1)

    @torch.no_grad()
    def update(self, mu: Tensor, v: Tensor) -> None:
        """Move the forgetting factors, then take in the batch; classes that it lacks stay as they are."""
        there, inside = self._there(v), v.T > 0.5
        rest, mine = self.log_densities(mu).unbind(1)
        smaller, larger = torch.where(inside, mine, rest).sum(-1)
        self.forgetting.move(smaller > larger, there)
        mean, covariance = _gaussians(mu, v)
        pace = self.forgetting.factors[:, None, :, None] * there[:, None]
        self.mean.lerp_(mean.expand_as(self.mean), pace.expand_as(self.mean))
        self.covariance.lerp_(covariance.expand_as(self.covariance), pace[..., None].expand_as(self.covariance))
        count = v.sum(0)
        self.members.copy_(torch.where(there & (self.members > 0), self.members.lerp(count, 0.2), self.members + count))

    def _moved(self, mu: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and covariances drawn to those of the batch: the further, the more windows it has of a side.

        Those of earlier batches alone would go on pushing what the batch shows to be there already.
        """
        mean, covariance = _gaussians(mu, v)
        count = torch.stack([len(v) - v.sum(0), v.sum(0)])
        share = (count / (count + self.latent_dim))[..., None]
        moved = self.covariance.lerp(covariance.expand_as(self.covariance), share[..., None].expand_as(self.covariance))
        return exact(self.mean.lerp(mean.expand_as(self.mean), share.expand_as(self.mean))), exact(
            self._steadied(moved)
        )

    @torch.no_grad()
    def _tells(self, mu: Tensor, v: Tensor) -> Tensor:
        """Return (2, width) whether windows look like the side that they are of; both sides count the same."""
        rest, mine = self.log_densities(mu).unbind(1)
        sides = [x / x.sum(1, keepdim=True).clamp(min=1) for x in (v.T, 1 - v.T)]
        return ((mine - rest) * (sides[0] - sides[1])).sum(-1) > 0

    def _there(self, v: Tensor) -> Tensor:
        """Return (width,) whether a batch has windows of the class, and of another."""
        return (v.sum(0) > 0) & (v.sum(0) < len(v))

    def _steadied(self, covariance: Tensor) -> Tensor:
        """Return covariances, those of few windows drawn to those of the rest; none is flat."""
        seen = self.members / self.forgetting.factors[0].clamp(min=0.05)
        borrowed = (self.latent_dim / (self.latent_dim + seen))[:, None, None]
        rest, mine = covariance.unbind(1)
        both = torch.stack([rest, mine.lerp(rest, borrowed.expand_as(mine))], dim=1)
        size = both.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None].clamp(min=1e-12)
        return both + _JITTER * size * torch.eye(self.latent_dim, device=both.device)


def _gaussians(mu: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Return (2, width, latent_dim) means and covariances of a batch, of the rest and of each class; 0 without any."""
    shares = torch.stack([1 - v.T, v.T])
    shares = shares / shares.sum(-1, keepdim=True).clamp(min=1)
    mean = shares @ mu
    apart = mu - mean[:, :, None]
    return mean, (apart * shares[..., None]).mT @ apart


@register_scrubber("moving-average", ("class",), 0.1, "the distance between the classes' means")
class MovingMeans(Scrubber):
    """Keeps the running mean of each class, and draws all of them together."""

    mean: Tensor
    variance: Tensor
    seen: Tensor

    def __init__(self, latent_dim: int, width: int) -> None:
        super().__init__(latent_dim, width)
        self.register_buffer("mean", torch.zeros(width, latent_dim))
        self.register_buffer("variance", torch.ones(latent_dim))
        self.register_buffer("seen", torch.zeros(width, dtype=torch.bool))

    def loss(self, mu: Tensor, v: Tensor) -> Tensor:
        """Return log(1 + the squared distance of the means from their middle, in spreads within classes).

        The running means are drawn to those of the batch: the further, the more windows it has of a class.
        """
        count = v.sum(0)
        share = torch.where(self.seen, count / (count + self.latent_dim), 0.0)
        mean = self.mean + (_means(mu, v) - self.mean) * share[:, None]
        among = self.seen[:, None].float()
        middle = (mean * among).sum(0) / among.sum().clamp(min=1)
        apart = ((mean - middle).square() / self.variance.clamp(min=1e-12)).sum(1) * among[:, 0]
        return above_chance(apart.sum() / among.sum().clamp(min=1))

    def update(self, mu: Tensor, v: Tensor) -> None:
        """Take in the batch; classes that it lacks stay as they are."""
        there, mean = v.sum(0) > 0, _means(mu, v)
        within = (mu - v @ mean).square().mean(0)
        self.variance.copy_(torch.where(self.seen.any(), within.lerp(self.variance, _KEEP), within))
        followed = torch.where(self.seen[:, None], mean.lerp(self.mean, _KEEP), mean)
        self.mean.copy_(torch.where(there[:, None], followed, self.mean))
        self.seen.logical_or_(there)


def _means(mu: Tensor, v: Tensor) -> Tensor:
    """Return (width, latent_dim) means of the classes, 0 where a batch has no window of one."""
    return (v.T @ mu) / v.sum(0)[:, None].clamp(min=1)
