"""Fit the network: a generator of epoch reports that asks whether to stop."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from napari_atlas.data.config import FitConfig
from napari_atlas.data.windows import Windows
from napari_atlas.errors import AtlasError, InputError
from napari_atlas.model.batches import Resident, training_order
from napari_atlas.model.losses import Terms, Weights, terms_of, total
from napari_atlas.model.vae import AtlasVAE

__all__ = ["EpochReport", "FitState", "choose_device", "fit_epochs", "set_threads", "start_fit"]


@dataclass(frozen=True)
class EpochReport:
    """Loss terms of one epoch, each summed over species.

    Attributes
    ----------
    epoch
        From 1.
    beta
        Weight of the KL term in this epoch.
    train
        Mean over the epoch's steps: total, reconstruction, kl, temperature.
    validation
        The same on validation windows, total at the final weights; NaN without any.
    best
        Whether this is the best epoch so far.
    """

    epoch: int
    beta: float
    train: dict[str, float]
    validation: dict[str, float]
    best: bool


@dataclass
class FitState:
    """What a fit carries from epoch to epoch.

    ``average`` follows ``model`` as a running mean over steps; it is what is validated and kept.
    """

    model: AtlasVAE
    average: AveragedModel
    optimiser: torch.optim.Optimizer
    generator: torch.Generator
    epoch: int = 0
    best_epoch: int = 0
    best_loss: float = math.inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)

    @property
    def kept(self) -> AtlasVAE:
        """The network with averaged weights."""
        kept = self.average.module
        assert isinstance(kept, AtlasVAE)
        return kept


def choose_device(asked: str) -> torch.device:
    """Return the device to compute on: what was asked for, or cuda, mps, cpu in this order.

    Raises
    ------
    InputError
        If the device that was asked for is not there.
    """
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if asked == "auto":
        return torch.device(next(name for name, there in found.items() if there))
    if not found[asked]:
        raise InputError.of("setting device", f"{asked} is not available here", "use auto or cpu")
    return torch.device(asked)


def set_threads() -> int:
    """Leave one core to the window, and return how many threads torch uses."""
    n_threads = max(1, (os.cpu_count() or 2) - 1)
    torch.set_num_threads(n_threads)
    return n_threads


def start_fit(model: AtlasVAE, config: FitConfig) -> FitState:
    """Return the state of a fit before its first epoch."""
    device = next(model.parameters()).device
    optimiser = torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=device.type in ("cpu", "cuda"))
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.averaging))  # type: ignore[no-untyped-call]
    return FitState(model, average, optimiser, torch.Generator().manual_seed(config.seed))


def fit_epochs(
    state: FitState,
    resident: dict[str, Resident],
    windows: Windows,
    config: FitConfig,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[EpochReport]:
    """Train until the last epoch, until patience ends, or until a stop is asked for; yield a report per epoch.

    The validation objective is always taken at the final β, and an epoch can be the best only once β is there.
    At the end the model holds the best epoch's weights.

    Raises
    ------
    AtlasError
        If the loss is no longer a number.
    """
    parts = {name: _rows_in(windows, resident, name) for name in ("train", "validation")}
    held_out = all(r.numel() for r in parts["validation"].values())
    try:
        while not _is_over(state, config) and not should_stop():
            state.epoch += 1
            yield _one_epoch(state, resident, parts, config, held_out)
    finally:
        if state.best_weights:
            state.model.load_state_dict(state.best_weights)


def _is_over(state: FitState, config: FitConfig) -> bool:
    waited = config.patience and state.best_epoch and state.epoch - state.best_epoch >= config.patience
    return bool(waited) or state.epoch >= config.epochs


def _one_epoch(
    state: FitState,
    resident: dict[str, Resident],
    parts: dict[str, dict[str, Tensor]],
    config: FitConfig,
    held_out: bool,
) -> EpochReport:
    beta = config.beta * min(1.0, state.epoch / config.beta_warmup) if config.beta_warmup else config.beta
    train = _train(state, resident, parts["train"], Weights(beta, config.temperature_weight), config.batch_size)
    final = Weights(config.beta, config.temperature_weight)
    validation = _evaluate(state.kept, resident, parts["validation"], final) if held_out else _nan_terms()
    loss = validation["total"] if held_out else train["total"]
    if not math.isfinite(train["total"]) or (held_out and not math.isfinite(loss)):
        raise AtlasError(f"epoch {state.epoch}: the loss is {loss}; lower learning_rate, now {config.learning_rate:g}")
    warm = state.epoch >= min(config.beta_warmup, config.epochs)
    best = warm and (loss < state.best_loss or not held_out)
    if best:
        state.best_epoch, state.best_loss = state.epoch, loss
        state.best_weights = copy.deepcopy(state.kept.state_dict())
    return EpochReport(state.epoch, beta, train, validation, best)


def _rows_in(windows: Windows, resident: dict[str, Resident], part: str) -> dict[str, Tensor]:
    inside = torch.from_numpy(windows.table.in_split(part))
    return {
        name: torch.nonzero(inside[torch.from_numpy(r.ids)]).squeeze(1).to(r.signal.device)
        for name, r in resident.items()
    }


def _train(
    state: FitState, resident: dict[str, Resident], rows: dict[str, Tensor], weights: Weights, batch_size: int
) -> dict[str, float]:
    state.model.train()
    sums = torch.zeros(4, device=next(state.model.parameters()).device)
    n_steps = 0
    for batch in training_order(rows, batch_size, state.generator):
        state.optimiser.zero_grad(set_to_none=True)
        terms = [_noisy_terms(state, resident[name], name, mine) for name, mine in batch.items()]
        loss = torch.stack([total(t, weights) for t in terms]).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        state.optimiser.step()
        state.average.update_parameters(state.model)
        sums += _stacked(loss, terms).detach()
        n_steps += 1
    return _named(sums / n_steps)


def _noisy_terms(state: FitState, data: Resident, species: str, rows: Tensor) -> Terms:
    shape = (rows.numel(), state.model.architecture.latent_dim)
    noise = torch.randn(shape, generator=state.generator).to(rows.device)
    windows = data.windows(rows)
    return terms_of(state.model(species, windows, noise), windows, data.labels[rows])


@torch.no_grad()
def _evaluate(
    model: AtlasVAE, resident: dict[str, Resident], rows: dict[str, Tensor], weights: Weights
) -> dict[str, float]:
    model.eval()
    terms = []
    for name, mine in rows.items():
        windows = resident[name].windows(mine)
        terms.append(terms_of(model(name, windows), windows, resident[name].labels[mine]))
    return _named(_stacked(torch.stack([total(t, weights) for t in terms]).sum(), terms))


def _stacked(loss: Tensor, terms: list[Terms]) -> Tensor:
    return torch.stack([loss, *(torch.stack(column).sum() for column in zip(*terms, strict=True))])


def _named(values: Tensor) -> dict[str, float]:
    return dict(zip(("total", "reconstruction", "kl", "temperature"), values.tolist(), strict=True))


def _nan_terms() -> dict[str, float]:
    return dict.fromkeys(("total", "reconstruction", "kl", "temperature"), math.nan)
