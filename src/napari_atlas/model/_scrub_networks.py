"""Scrub by small networks that try to read the variable, and are trained beside the fit."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

from napari_atlas.model._scrub_shared import above_chance, explained
from napari_atlas.model.scrubbers import Scrubber, register_scrubber

__all__ = ["Adversary", "Ensemble", "GradientReversal"]

_HIDDEN = ((32,), (64,), (32, 32), (64, 32))
_STEP_SIZE = 5e-3


class Ensemble(nn.Module):
    """Four perceptrons of different width and depth, and the optimiser that trains them.

    All weights are one vector, so that they are saved and moved with the rest of a fit.

    Parameters
    ----------
    n_in, n_out
        Numbers that each takes and gives.
    """

    weights: Tensor
    moments: Tensor
    n_steps: Tensor
    begun: Tensor

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        widths = [(n_in, *hidden, n_out) for hidden in _HIDDEN]
        self._shapes = [list(zip(w[1:], w[:-1], strict=True)) for w in widths]
        size = sum(n * (m + 1) for layers in self._shapes for n, m in layers)
        self.register_buffer("weights", torch.zeros(size))
        self.register_buffer("moments", torch.zeros(2, size))
        self.register_buffer("n_steps", torch.zeros(()))
        self.register_buffer("begun", torch.zeros((), dtype=torch.long))
        self.begin()

    @torch.no_grad()
    def begin(self) -> None:
        """Forget all and start from other random weights, the same ones in every run."""
        generator = torch.Generator().manual_seed(int(self.begun))
        drawn = [
            (2 * torch.rand(n * (m + 1), generator=generator) - 1) * m**-0.5
            for layers in self._shapes
            for n, m in layers
        ]
        self.weights.copy_(torch.cat(drawn))
        self.moments.zero_()
        self.n_steps.zero_()
        self.begun.add_(1)

    def forward(self, values: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the (4, n_windows, n_out) answers to (n_windows, n_in) values.

        Parameters
        ----------
        weights
            Taken in place of those learnt so far.
        """
        left = self.weights if weights is None else weights
        answers = []
        for layers in self._shapes:
            signal = values
            for depth, (n, m) in enumerate(layers):
                mine, bias, left = left.tensor_split((n * m, n * (m + 1)))
                signal = nn.functional.linear(nn.functional.gelu(signal) if depth else signal, mine.view(n, m), bias)
            answers.append(signal)
        return torch.stack(answers)

    def learn(self, error: Callable[[Tensor], Tensor]) -> None:
        """Take one step down a scalar error, a function of the weights."""
        with torch.enable_grad():
            weights = self.weights.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(error(weights), weights)
        adam(
            [self.weights], [gradient], [self.moments[0]], [self.moments[1]], [], [self.n_steps],
            amsgrad=False, beta1=0.9, beta2=0.99, lr=_STEP_SIZE, weight_decay=0.0, eps=1e-8, maximize=False,
        )  # fmt: skip


@register_scrubber("reversal", ("number", "angle", "class"), 0.1, "four networks that read it, and are misled")
class GradientReversal(Scrubber):
    """Four networks learn to read the variable, and the encoder is pushed up where their error falls.

    They begin anew in every epoch, so that the latent cannot hide from what they happen to look at.

    Parameters
    ----------
    latent_dim, width
        As in `Scrubber`.
    n_steps
        That they learn per batch.
    """

    def __init__(self, latent_dim: int, width: int, n_steps: int = 3) -> None:
        super().__init__(latent_dim, width)
        self._n_steps = n_steps
        self.ensemble = Ensemble(latent_dim, width)

    def loss(self, mu: Tensor, v: Tensor) -> Tensor:
        """Return what the networks know of the variable, on average."""
        return explained(self.ensemble(mu), v).mean()

    def update(self, mu: Tensor, v: Tensor) -> None:
        """Train the networks; columns count by their spread, so that rare classes are learnt as well."""
        parts = 1 / v.var(0, correction=0).clamp(min=0.01)
        for _ in range(self._n_steps):
            self.ensemble.learn(lambda weights: ((v - self.ensemble(mu, weights)).square() * parts).mean((1, 2)).sum())

    def begin_epoch(self) -> None:
        """Let all networks begin anew."""
        self.ensemble.begin()


@register_scrubber("adversary", ("number", "angle", "class"), 0.1, "four networks that tell true pairs from shuffled")
class Adversary(Scrubber):
    """Four networks learn to tell a window with its own value from the same window with another one's.

    What they answer is the logarithm of how much likelier the pair is than by chance.

    Parameters
    ----------
    latent_dim, width
        As in `Scrubber`.
    n_steps
        That they learn per batch.
    """

    draws: Tensor

    def __init__(self, latent_dim: int, width: int, n_steps: int = 3) -> None:
        super().__init__(latent_dim, width)
        self._n_steps = n_steps
        self.ensemble = Ensemble(latent_dim + width, 1)
        self.register_buffer("draws", torch.zeros((), dtype=torch.long))

    def loss(self, mu: Tensor, v: Tensor) -> Tensor:
        """Return log(1 + evidence): how much likelier true pairs are than shuffled ones, averaged over networks."""
        true, shuffled = self._ratios(mu, v, self._shuffled(v))
        return above_chance(0.5 * (true.mean(1) - shuffled.mean(1))).mean()

    def update(self, mu: Tensor, v: Tensor) -> None:
        """Train the networks, each time with another shuffle."""
        for _ in range(self._n_steps):
            self.draws.add_(1)
            other = self._shuffled(v)
            self.ensemble.learn(lambda weights: self._error(mu, v, other, weights))  # noqa: B023  used at once

    def _error(self, mu: Tensor, v: Tensor, other: Tensor, weights: Tensor) -> Tensor:
        true, shuffled = self._ratios(mu, v, other, weights)
        error = nn.functional.softplus(-true) + nn.functional.softplus(shuffled)
        return error.mean(1).sum()

    def _ratios(self, mu: Tensor, v: Tensor, other: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return (4, n_windows) log ratios of true pairs, and of shuffled ones."""
        pairs = torch.cat([torch.cat([mu, v], dim=1), torch.cat([mu, other], dim=1)])
        true, shuffled = self.ensemble(pairs, weights)[..., 0].split(len(mu), dim=1)
        return true, shuffled

    def _shuffled(self, v: Tensor) -> Tensor:
        order = torch.randperm(len(v), generator=torch.Generator().manual_seed(int(self.draws)))
        return v[order.to(v.device)]
