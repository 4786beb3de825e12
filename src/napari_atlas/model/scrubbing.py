"""All scrubbers of one fit together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from napari_atlas.data.config import FitConfig
from napari_atlas.data.variables import Variable
from napari_atlas.model import (  # noqa: F401  they enter themselves
    _scrub_classes,
    _scrub_kernel,
    _scrub_least_squares,
    _scrub_networks,
)
from napari_atlas.model.scrubbers import Scrubber, scrubber_kind
from napari_atlas.model.vae import Architecture

__all__ = ["Scrubbers", "make_scrubbers"]

_FLAT = 1e-8
_FURTHEST = 4.0  # what a window's gradient may be, in shares of an even push of all windows by one spread


class Scrubbers(nn.Module):
    """The scrubbers of a fit, none or several, each for one variable.

    Parameters
    ----------
    variables
        Of the architecture, in its order.
    scrubbers
        By name of the variable.
    weights
        Of their losses, by name of the variable.
    """

    def __init__(
        self,
        variables: Sequence[Variable] = (),
        scrubbers: dict[str, Scrubber] | None = None,
        weights: dict[str, float] | None = None,
    ) -> None:
        super().__init__()
        found = scrubbers or {}
        self._variables = tuple(variables)
        self._names = tuple(variable.name for variable in variables if variable.name in found)
        self._weights = weights or {}
        self.parts = nn.ModuleList(found[name] for name in self._names)

    def __len__(self) -> int:
        return len(self._names)

    def forward(self, mu: Tensor, variables: Tensor) -> Tensor:
        """Return the weighted sum of all losses.

        Parameters
        ----------
        mu
            (n_windows, latent_dim) means of all species, one after the other.
        variables
            (n_windows, n_columns) columns of all variables; rows that are NaN for a variable do not count for it.
        """
        loss = mu.new_zeros(())
        for name, part, mine, known in self._each(mu, variables):
            weight = self._weights[name]
            loss = loss + weight * part.loss(_held(mine, _FURTHEST * weight / len(mine)), known)
        return loss

    @torch.no_grad()
    def update(self, mu: Tensor, variables: Tensor) -> None:
        """Let all of them learn from a batch of detached means."""
        for _, part, mine, known in self._each(mu, variables):
            part.update(mine, known)

    def begin_epoch(self) -> None:
        """Tell all of them that an epoch begins."""
        for part in self.parts:
            cast(Scrubber, part).begin_epoch()

    def _each(self, mu: Tensor, variables: Tensor) -> Iterator[tuple[str, Scrubber, Tensor, Tensor]]:
        """Give name, scrubber, means and columns of each, for the windows whose variable is known."""
        if not self._names:
            return
        mu = _even(mu.float())
        columns = dict(
            zip(
                (v.name for v in self._variables),
                torch.split(variables, [v.width for v in self._variables], dim=1),
                strict=True,
            )
        )
        for name, part in zip(self._names, self.parts, strict=True):
            known = columns[name].isfinite().all(dim=1)
            if int(known.sum()) > 1:
                yield name, cast(Scrubber, part), mu[known], columns[name][known]


def _even(mu: Tensor) -> Tensor:
    """Return the means z-scored in the batch, each dimension, with gradients as if their spread had been 1.

    What can be read from a dimension is the same at any scale. So scrubbers must neither reward a latent that merely
    shrinks, nor push the harder the smaller a dimension is: both end in a latent that holds nothing.
    """
    share = mu.detach().std(0, correction=0).clamp(max=1.0)
    mu = mu * share + (mu * (1 - share)).detach()
    return (mu - mu.mean(0)) / (mu.var(0, correction=0) + _FLAT).sqrt()


def _held(mu: Tensor, most: float) -> Tensor:
    """Return the same means; the gradient of a window that is longer than ``most`` is shortened to it.

    Classes that lie far apart would else be pushed so hard that nothing is left of what the network has learnt.
    """
    if not mu.requires_grad:
        return mu
    held = mu.clone()
    held.register_hook(lambda pushed: pushed * (most / pushed.norm(dim=1, keepdim=True).clamp(min=most)))  # type: ignore[no-untyped-call]
    return held


def make_scrubbers(architecture: Architecture, config: FitConfig) -> Scrubbers:
    """Return what the settings ask for, for those of the architecture's variables that they name.

    Raises
    ------
    InputError
        If a scrubber is not known or does not fit the kind of its variable.
    """
    by_name = {variable.name: variable for variable in architecture.variables}
    scrubbers, weights = {}, {}
    for scrub in config.scrubs:
        variable = by_name.get(scrub.name)
        if variable is None:
            continue
        kind = scrubber_kind(scrub.scrubber, variable.kind)
        if kind.weight and scrub.strength:
            scrubbers[scrub.name] = kind.build(architecture.latent_dim, variable.width)
            weights[scrub.name] = kind.weight * scrub.strength
    return Scrubbers(architecture.variables, scrubbers, weights)
