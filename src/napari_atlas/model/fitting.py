"""Fit the network: a generator of epoch reports that asks whether to stop."""

from __future__ import annotations

import copy
import functools
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from napari_atlas.data.config import FitConfig
from napari_atlas.data.windows import Windows
from napari_atlas.errors import AtlasError, InputError
from napari_atlas.model.batches import Resident, training_order
from napari_atlas.model.capture import Stepper
from napari_atlas.model.losses import Labels, labels_by_step, parts_of
from napari_atlas.model.steps import Batch, FitState, Share, objective, see, start_fit, step_size
from napari_atlas.model.vae import Architecture, AtlasVAE, SpeciesShape

__all__ = ["EpochReport", "FitState", "beta_of", "choose_device", "fit_epochs", "mps_fault", "set_threads", "start_fit"]

_TERMS = ("total", "reconstruction", "kl", "temperature", "pose", "scrub")
_CHUNK = 4096
_NOTHING = 0.01
_SAME = 1e-3


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
        Mean over the epoch's steps: total, reconstruction, kl, temperature; pose where its weight is above 0, and
        scrub where something is scrubbed.
    validation
        The same on validation windows, total at the final weights and without scrubbing; NaN without any.
    best
        Whether this is the best epoch so far.
    """

    epoch: int
    beta: float
    train: dict[str, float]
    validation: dict[str, float]
    best: bool


def choose_device(asked: str) -> torch.device:
    """Return the device to compute on: what was asked for, or cuda, mps, cpu in this order.

    Unless it was asked for, mps is left aside where `mps_fault` finds one.

    Raises
    ------
    InputError
        If the device that was asked for is not there.
    """
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if asked == "auto":
        return torch.device(next(n for n, there in found.items() if there and not (n == "mps" and mps_fault())))
    if not found[asked]:
        raise InputError.of("setting device", f"{asked} is not available here", "use auto or cpu")
    return torch.device(asked)


@functools.cache
def mps_fault() -> str:
    """Return what is wrong with Apple's GPU, found by a small network there and on the CPU; empty if nothing is.

    Where there is no such GPU, nothing is wrong with it.
    """
    if not torch.backends.mps.is_available():
        return ""
    try:
        here, there = (_tried(torch.device(name)) for name in ("cpu", "mps"))
    except Exception as error:  # noqa: BLE001  whatever a driver raises is a fault of it
        return f"it failed a small test ({(str(error).splitlines() or [type(error).__name__])[0]})"
    return "" if torch.allclose(here, there, rtol=_SAME, atol=_SAME) else "its figures differ from the CPU's"


def _tried(device: torch.device) -> Tensor:
    """Return the loss and the gradients of a small network after one pass each way, on the CPU."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AtlasVAE(Architecture((SpeciesShape("tried", 15, 2),), 3, temperature=True))
        windows, noise = torch.randn(4, 15, 2), torch.randn(4, 3)
    output = model.to(device)("tried", windows.to(device), noise.to(device))
    loss = output.reconstruction.square().mean() + output.temperature.square().mean() + output.logvar.mean()
    loss.backward()
    gradients = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    return torch.cat([loss.detach()[None], *gradients]).cpu()


def set_threads() -> int:
    """Leave one core to the window, share the others among the processes here, and return how many torch uses."""
    n_threads = max(1, ((os.cpu_count() or 2) - 1) // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
    torch.set_num_threads(n_threads)
    return n_threads


def beta_of(config: FitConfig, epoch: int) -> float:
    """Return the weight of the KL term in an epoch, counted from 1.

    It rises from 0 over ``beta_warmup`` epochs, ``beta_cycles`` times over, and then stays.
    """
    rise = config.beta_warmup
    if epoch >= rise * config.beta_cycles:
        return config.beta
    return config.beta * ((epoch - 1) % rise + 1) / rise


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
    stepper = Stepper(state, resident, config)
    try:
        while not _is_over(state, config) and not state.any_asks(should_stop()):
            state.epoch += 1
            train = _train(state, resident, parts["train"], config, stepper)
            validation = _evaluate(state, resident, parts["validation"], config) if held_out else None
            yield _judge(state, config, train, validation)
    finally:
        if state.best_weights:
            state.model.load_state_dict(state.best_weights)


def _is_over(state: FitState, config: FitConfig) -> bool:
    waited = config.patience and state.best_epoch and state.epoch - state.best_epoch >= config.patience
    return bool(waited) or state.epoch >= config.epochs


def _judge(
    state: FitState, config: FitConfig, train: dict[str, float], validation: dict[str, float] | None
) -> EpochReport:
    """Report on an epoch, and keep its weights if it is the best so far."""
    loss = train["total"] if validation is None else validation["total"]
    if not math.isfinite(train["total"]) or not math.isfinite(loss):
        raise AtlasError(
            f"epoch {state.epoch}: the loss is no longer a number; lower learning_rate, now "
            f"{config.learning_rate:g}, or shorten the gradient with clip=1"
        )
    warm = state.epoch >= min(config.beta_warmup * config.beta_cycles, config.epochs)
    best = warm and (loss < state.best_loss or validation is None)
    if best:
        state.best_epoch, state.best_loss = state.epoch, loss
        state.best_weights = copy.deepcopy(state.kept.state_dict())
    return EpochReport(state.epoch, beta_of(config, state.epoch), train, validation or _unknown(train), best)


def _rows_in(windows: Windows, resident: dict[str, Resident], part: str) -> dict[str, Tensor]:
    inside = torch.from_numpy(windows.table.in_split(part))
    return {
        name: torch.nonzero(inside[torch.from_numpy(r.ids)]).squeeze(1).to(r.signal.device)
        for name, r in resident.items()
    }


def _train(
    state: FitState, resident: dict[str, Resident], rows: dict[str, Tensor], config: FitConfig, stepper: Stepper
) -> dict[str, float]:
    state.model.train()
    state.scrubbers.begin_epoch()
    orders = training_order(rows, config.batch_size, state.generator)
    values, counted = labels_by_step(
        [resident[name].labels[order] for name, order in orders.items()], state.model.architecture.heads
    )
    sizes = tuple(order.shape[1] for order in orders.values())
    n_steps, beta = len(values), beta_of(config, state.epoch)
    sums = torch.zeros(len(_TERMS), device=values.device)
    mine, part = _part_of(state.share, sizes, values.device)
    parts = parts_of(sizes, values.device)
    if part is not None:
        values, counted, parts = values[:, part], counted[:, part], parts[part]
    for i in range(n_steps):
        _set_step_size(state, config, n_steps)
        labels = Labels(values[i], counted[i], sizes, parts)
        sums += stepper(Batch({name: order[i, mine] for name, order in orders.items()}, labels, part), beta)
    state.share.add_up(sums)
    state.keep_buffers()
    return _named(sums / n_steps, state, config)


def _part_of(share: Share, sizes: tuple[int, ...], device: torch.device) -> tuple[slice, Tensor | None]:
    """Return which of each species' windows of a step are this process's, and which rows of the batch these are."""
    mine = slice(share.rank, None, share.size)
    if share.size == 1:
        return mine, None
    rows = torch.arange(sum(sizes), device=device)
    return mine, torch.cat([part[mine] for part in torch.split(rows, list(sizes))])


def _set_step_size(state: FitState, config: FitConfig, n_steps: int) -> None:
    if config.schedule == "constant":
        return
    group, size = state.optimiser.param_groups[0], step_size(config, state.step / (n_steps * config.epochs))
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(size)
    else:
        group["lr"] = size


@torch.no_grad()
def _evaluate(
    state: FitState, resident: dict[str, Resident], rows: dict[str, Tensor], config: FitConfig
) -> dict[str, float]:
    """Return the terms of all windows, a few thousand at a time, at the final weights and without free bits."""
    state.kept.eval()
    exact = replace(config, free_bits=0.0, precision="float32")
    sums = torch.zeros(len(_TERMS), device=state.weights.device)
    for name, mine in rows.items():
        data = resident[name]
        values, counted = labels_by_step([data.labels[mine][None]], state.model.architecture.heads)
        shares = parts_of([len(mine)], values.device)
        for begin in range(0, len(mine), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            labels = Labels(values[0, part], counted[0, part], (len(mine),), shares[part])
            seen = see(resident, {name: mine[part]}, labels, exact)
            terms, loss, _ = objective(state.kept, seen, exact, config.beta)
            sums += torch.stack([loss, *terms, loss.new_zeros(())])
    return _named(sums, state, config)


def _named(values: Tensor, state: FitState, config: FitConfig) -> dict[str, float]:
    """Return the terms by name; those of joints and of scrubbers only where they are asked for."""
    left_out = {name for name, asked in (("pose", config.pose_weight), ("scrub", len(state.scrubbers))) if not asked}
    return {name: value for name, value in zip(_TERMS, values.tolist(), strict=True) if name not in left_out}


def _unknown(train: dict[str, float]) -> dict[str, float]:
    return dict.fromkeys(train, math.nan)
