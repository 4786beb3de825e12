"""One training step: all trainable weights as one tensor, their running mean, and the step size over the fit."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from napari_atlas.data.config import FitConfig
from napari_atlas.model.batches import Resident
from napari_atlas.model.losses import Labels, PoseError, Terms, Weights, terms_together, total
from napari_atlas.model.scrubbing import Scrubbers, make_scrubbers
from napari_atlas.model.vae import AtlasVAE

__all__ = ["Batch", "FitState", "Seen", "Share", "objective", "see", "start_fit", "step_size", "take_step"]

_NOT_KEPT = {"kept": False}


@dataclass(frozen=True)
class Share:
    """The part of every batch that one process has; by default there is one process, and it has all.

    Attributes
    ----------
    rank, size
        Which of how many processes it is.
    add_up
        Replaces a tensor by its sum over all processes.
    """

    rank: int = 0
    size: int = 1
    add_up: Callable[[Tensor], None] = lambda _: None


@dataclass
class FitState:
    """What a fit carries from epoch to epoch.

    Attributes
    ----------
    model
        The network that is trained.
    kept
        The same network with a running mean of the weights over steps; it is what is validated and kept.
    optimiser
        Of the one tensor that holds all trainable weights.
    generator, noise
        Sources of the order of windows, on the CPU, and of the draws from the latent, on the device.
    step, epoch
        How many are over.
    best_epoch, best_loss, best_weights
        Of the best epoch so far.
    weights, mean
        The tensor of trainable weights, and their running mean; parameters of ``model`` and ``kept`` are views of
        them.
    scrubbers
        What takes variables out of the latent, and what they have learnt.
    parameters
        Those of ``model`` that are trained.
    share
        The part of every batch that is computed here.
    """

    model: AtlasVAE
    kept: AtlasVAE
    optimiser: torch.optim.Optimizer
    generator: torch.Generator
    noise: torch.Generator
    step: int = 0
    epoch: int = 0
    best_epoch: int = 0
    best_loss: float = math.inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    scrubbers: Scrubbers = field(default_factory=Scrubbers)
    weights: Tensor = field(kw_only=True, metadata=_NOT_KEPT)
    mean: Tensor = field(kw_only=True, metadata=_NOT_KEPT)
    parameters: list[nn.Parameter] = field(kw_only=True, metadata=_NOT_KEPT)
    share: Share = field(default=Share(), kw_only=True, metadata=_NOT_KEPT)

    def any_asks(self, asked: bool) -> bool:
        """Return whether any process asks for something; all of them hear the same answer."""
        if self.share.size == 1:
            return asked
        votes = torch.tensor([float(asked)], device=self.weights.device)
        self.share.add_up(votes)
        return bool(votes.item())

    def keep_buffers(self) -> None:
        """Bring what is not trained, such as running statistics, over to the network that is kept."""
        for mine, theirs in zip(self.kept.buffers(), self.model.buffers(), strict=True):
            mine.copy_(theirs)


@dataclass(frozen=True)
class Batch:
    """One step's windows, as rows of what is on the device.

    Attributes
    ----------
    rows
        Per species (n_windows,) rows of its `Resident`.
    labels
        Of all species, one after the other.
    part
        Rows of the whole batch that these are, or None if they are all of it.
    """

    rows: dict[str, Tensor]
    labels: Labels
    part: Tensor | None = None


class Seen(NamedTuple):
    """What the objective sees: windows, labels, variables, and the errors of joints that are asked for, by species."""

    windows: dict[str, Tensor]
    labels: Labels
    variables: dict[str, Tensor]
    posed: dict[str, PoseError]


def start_fit(model: AtlasVAE, config: FitConfig, share: Share | None = None) -> FitState:
    """Return the state of a fit before its first epoch."""
    device = next(model.parameters()).device
    kept = copy.deepcopy(model)
    mean = _joined(kept)
    weights = nn.Parameter(_joined(model))
    weights.grad = torch.zeros_like(weights)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.optimiser]
    optimiser = kind(
        [weights],
        lr=torch.tensor(config.learning_rate, device=device) if device.type == "cuda" else config.learning_rate,
        weight_decay=config.weight_decay,
        fused=device.type in ("cpu", "cuda"),
        capturable=device.type == "cuda",
    )
    noise = torch.Generator(device).manual_seed(config.seed)
    generator = torch.Generator().manual_seed(config.seed)
    state = FitState(
        model, kept, optimiser, generator, noise, weights=weights, mean=mean, parameters=_trained(model),
        scrubbers=make_scrubbers(model.architecture, config).to(device),
    )  # fmt: skip
    return state if share is None else replace(state, share=share)


def take_step(
    state: FitState, resident: dict[str, Resident], batch: Batch, config: FitConfig, beta: float | Tensor
) -> Tensor:
    """Train on one batch, and return the (6,) terms, summed over species.

    They are total, reconstruction, kl, temperature, pose and scrub. Scrubbing sets in as β does: a latent that holds
    little yet would be pushed to hold nothing.
    """
    seen = see(resident, batch.rows, batch.labels, config)
    shape = (sum(batch.labels.sizes), state.model.architecture.latent_dim)
    noise = torch.randn(shape, generator=state.noise, device=state.weights.device)
    noise = noise if batch.part is None else noise[batch.part]
    terms, loss, mu = objective(state.model, seen, config, beta, noise)
    variables = torch.cat(list(seen.variables.values()))
    scrub = state.scrubbers(mu, variables)
    loss = loss + scrub * (beta / config.beta if config.beta else 1.0)
    state.share.add_up(_set_gradient(state, loss))
    if config.clip:
        nn.utils.clip_grad_norm_([state.weights], config.clip, foreach=False)
    state.optimiser.step()
    state.scrubbers.update(mu.detach(), variables)
    with torch.no_grad():
        state.mean.lerp_(state.weights, 1.0 - config.averaging if state.step else 1.0)
    state.step += 1
    return torch.stack([loss, *terms, scrub]).detach()


def _set_gradient(state: FitState, loss: Tensor) -> Tensor:
    """Gather the gradients of all trainable weights in one tensor, which is quicker than adding them up one by one."""
    gradients = torch.autograd.grad(loss, state.parameters, allow_unused=True, materialize_grads=True)
    in_order = [
        _in_memory_order(g if g.stride() == p.stride() else torch.empty_like(p).copy_(g))
        for g, p in zip(gradients, state.parameters, strict=True)
    ]
    assert state.weights.grad is not None
    return torch.cat(in_order, out=state.weights.grad)


def see(resident: Mapping[str, Resident], rows: Mapping[str, Tensor], labels: Labels, config: FitConfig) -> Seen:
    """Return what the objective sees of windows, given as rows of each species' data."""
    posed = [(name, joints) for name in rows for joints in resident[name].joints] if config.pose_weight else []
    return Seen(
        windows={name: resident[name].windows(mine) for name, mine in rows.items()},
        labels=labels,
        variables={name: resident[name].variables[mine] for name, mine in rows.items()},
        posed={name: partial(joints.error, rows=rows[name]) for name, joints in posed},
    )


def objective(
    model: AtlasVAE, seen: Seen, config: FitConfig, beta: float | Tensor, noise: Tensor | None = None
) -> tuple[Terms, Tensor, Tensor]:
    """Return the loss terms, their weighted sum, and the (n_windows, latent_dim) means, of all species in turn."""
    told = {name: model.told(known) for name, known in seen.variables.items()}
    kind = seen.labels.values.device.type
    with torch.autocast(kind, torch.bfloat16, enabled=config.precision == "bfloat16"):
        joint = model.together(seen.windows, noise, told)
    terms = terms_together(joint, seen.windows, seen.labels, config.free_bits, seen.posed)
    weights = Weights(beta, config.temperature_weight, config.pose_weight)
    return terms, total(terms, weights), joint.posterior.mu


def step_size(config: FitConfig, share_done: float) -> float:
    """Return the step size once a share of all steps is done.

    ``one-cycle`` rises over 30 % of the steps from 1/25 of the highest, and falls to 1/250 000 of it, both along a
    cosine. Source: Smith and Topin, Super-convergence, 2019.
    """
    high = config.learning_rate
    if config.schedule == "cosine":
        return _eased(high, 0.0, share_done)
    if config.schedule == "one-cycle":
        rise = 0.3
        if share_done < rise:
            return _eased(high / 25, high, share_done / rise)
        return _eased(high, high / 250_000, (share_done - rise) / (1 - rise))
    return high


def _eased(begin: float, end: float, share: float) -> float:
    return end + (begin - end) * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))


def _trained(model: nn.Module) -> list[nn.Parameter]:
    return [p for p in model.parameters() if p.requires_grad]


def _joined(model: nn.Module) -> Tensor:
    """Return one tensor of all trainable weights, of which the model's are views from now on."""
    joined = torch.cat([_in_memory_order(p.detach()) for p in _trained(model)])
    for parameter, view in zip(_trained(model), _views(joined, model), strict=True):
        parameter.data = view
    return joined


def _views(joined: Tensor, model: nn.Module) -> list[Tensor]:
    parameters = _trained(model)
    parts = torch.split(joined.detach(), [p.numel() for p in parameters])
    return [
        part.as_strided(p.shape, p.stride(), part.storage_offset()) for part, p in zip(parts, parameters, strict=True)
    ]


def _in_memory_order(values: Tensor) -> Tensor:
    """Return all numbers of a tensor without gaps as they lie in memory, so that views can be laid out alike."""
    return values.as_strided((values.numel(),), (1,), values.storage_offset())
