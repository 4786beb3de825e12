"""What several scrubbers need: forgetting that adapts itself, and losses that end at chance."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Forgetting", "above_chance", "exact", "explained"]

_PERFECT = 0.05
_CONSTANT = 1e-6


class Forgetting(nn.Module):
    """The forgetting factors of two copies of a decoder, which move to where decoding is best.

    After each batch both move by a small step: down where the copy with the smaller factor did better, else up. Their
    gap stays, and neither leaves 0 to 1. Source: algorithm 3 of SC-VAE.

    Parameters
    ----------
    start
        The smaller factor at the beginning.
    gap
        Between the two.
    step
        How far they move after a batch.
    n_factors
        How many pairs there are.
    """

    factors: Tensor

    def __init__(self, start: float, gap: float, step: float, n_factors: int = 1) -> None:
        super().__init__()
        self._gap, self._step = gap, step
        self.register_buffer("factors", torch.tensor([[start] * n_factors, [start + gap] * n_factors]))

    def move(self, smaller_won: Tensor, counted: Tensor | None = None) -> None:
        """Move all pairs.

        Parameters
        ----------
        smaller_won
            (n_factors,) whether the copy with the smaller factor did better; False where they were equal.
        counted
            (n_factors,) pairs that stay are False; by default all move.
        """
        low = (self.factors[0] + torch.where(smaller_won, -self._step, self._step)).clamp(0.0, 1.0 - self._gap)
        moved = torch.stack([low, low + self._gap])
        self.factors.copy_(moved if counted is None else torch.where(counted, moved, self.factors))


def exact(statistics: Tensor) -> Tensor:
    """Return statistics in double precision, on the CPU where the device has none."""
    return (statistics.cpu() if statistics.device.type == "mps" else statistics).double()


def explained(answers: Tensor, v: Tensor) -> Tensor:
    """Return what decoders know of a variable, −log of the share that they leave open, summed over columns.

    A squared error has no upper limit, and a network that is rewarded for it would grow it for ever. Here nothing is
    gained beyond chance: a column whose error is as large as its own spread in the batch, or larger, gives 0 and no
    gradient. And the push is against what answers and variable have in common, not towards answers that are large. The
    logarithm makes it about the same whether much or little is known; it ends where 95 % is.

    Parameters
    ----------
    answers
        (n_decoders, n_windows, n_columns) of decoders that have not seen the batch.
    v
        (n_windows, n_columns) the variable; columns that do not differ in the batch count 0.

    Returns
    -------
    Tensor
        (n_decoders,).
    """
    apart = v - v.mean(0)
    spread = apart.square().sum(0)
    common = 2 * (answers * apart).sum(1)
    error = (v - answers).square().sum(1)
    share = ((error + common).detach() - common) / spread.clamp(min=_CONSTANT)
    known = torch.log((1 + _PERFECT) / (share.clamp(0.0, 1.0) + _PERFECT))
    return torch.where(spread > _CONSTANT, known, 0.0).sum(-1)


def above_chance(evidence: Tensor) -> Tensor:
    """Return log(1 + evidence), and 0 without a gradient where there is none.

    Evidence, a mean log-likelihood ratio or a squared distance in spreads, is 0 at chance. Without the limit a network
    would go on to make the ratio negative; without the logarithm classes far apart would outweigh all else.
    """
    return torch.log1p(evidence.clamp(min=0.0))
