"""One fit from windows to weights and latents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from napari_atlas.data.config import FitConfig
from napari_atlas.data.scaling import Scaler
from napari_atlas.data.windows import Windows
from napari_atlas.errors import AtlasError, InputError
from napari_atlas.model.batches import Resident, Scaling, fit_scaling, make_resident, shapes_of
from napari_atlas.model.checkpoint import save_weights
from napari_atlas.model.cluster import join
from napari_atlas.model.encoding import Encoded, encode
from napari_atlas.model.estimate import estimate, free_bytes, needs_text, size_text, warning_text
from napari_atlas.model.fitting import (
    EpochReport,
    FitState,
    choose_device,
    fit_epochs,
    mps_fault,
    set_threads,
    start_fit,
)
from napari_atlas.model.reference import load_reference
from napari_atlas.model.resume import load_resume
from napari_atlas.model.vae import Architecture, AtlasVAE

__all__ = ["Prepared", "adopt", "adopt_reference", "begin", "encode_all", "foretell", "prepare", "train"]


@dataclass(frozen=True, eq=False)
class Prepared:
    """Everything that a fit needs, on its device.

    Attributes
    ----------
    windows
        With their split.
    config
        Settings.
    model
        The network.
    scaling
        Scalers by species.
    resident
        Data by species.
    device
        What is computed on, in words.
    notes
        Sentences for the user, such as a smaller batch.
    """

    windows: Windows
    config: FitConfig
    model: AtlasVAE
    scaling: dict[str, Scaling]
    resident: dict[str, Resident]
    device: str
    notes: tuple[str, ...]


def prepare(windows: Windows, config: FitConfig) -> Prepared:
    """Return a fit that is ready to start.

    Raises
    ------
    InputError
        If a species has too few training windows or a constant signal, or the device is not there.
    """
    device = choose_device(config.device)
    n_threads = set_threads()
    scaling = fit_scaling(windows)
    trained = windows.table.in_split("train")
    with_head = bool(config.temperature_weight) and bool(np.isfinite(windows.table.temperature[trained]).any())
    torch.manual_seed(config.seed)
    architecture = Architecture(
        shapes_of(windows), config.latent_dim, with_head, encoder=config.encoder, posterior=config.posterior
    )
    model = AtlasVAE(architecture).to(device)
    return Prepared(
        windows=windows,
        config=config,
        model=model,
        scaling=scaling,
        resident=_reside(windows, scaling, device),
        device=_device_name(device, n_threads),
        notes=(*_notes(windows, config, with_head), *_device_notes(config)),
    )


def adopt_reference(windows: Windows, config: FitConfig, path: Path) -> Prepared:
    """Return a fit that is over: the weights of a reference checkpoint.

    Windows that were cut elsewhere are taken as z-scored already, as the reference stores them.
    """
    scaling = {
        s.name: Scaling(Scaler.identity(windows.signals[s.name].n_channels), scaled.temperature)
        if s.signal == "array"
        else scaled
        for s, scaled in zip(windows.species, fit_scaling(windows).values(), strict=True)
    }
    model = load_reference(path, shapes_of(windows))
    latent = model.architecture.latent_dim
    config = replace(config, latent_dim=latent, encoder="conv", posterior="diagonal", device="cpu")
    note = f"weights taken from {path.name}: nothing was held out when they were made"
    return adopt(windows, config, model, scaling, note)


def adopt(windows: Windows, config: FitConfig, model: AtlasVAE, scaling: dict[str, Scaling], note: str) -> Prepared:
    """Return a fit that is over: a network that is used as it is.

    Raises
    ------
    InputError
        If the device is not there.
    """
    device = choose_device(config.device)
    name, resident = _device_name(device, set_threads()), _reside(windows, scaling, device)
    return Prepared(windows, config, model.to(device), scaling, resident, name, (note, *_device_notes(config)))


def begin(prepared: Prepared, resume: Path | None = None) -> FitState:
    """Return the state of a fit before its first epoch, or where a file of `save_resume` left it.

    Raises
    ------
    InputError
        If that file cannot be used.
    """
    share = join()
    _check_shares(prepared, share.size)
    state = start_fit(prepared.model, prepared.config, share)
    if resume is not None:
        load_resume(resume, state)
    return state


def foretell(prepared: Prepared) -> tuple[str, ...]:
    """Return in words what a fit needs, with a warning if there is too little of it."""
    needs = estimate(prepared.model, prepared.resident, prepared.config)
    free = free_bytes(next(prepared.model.parameters()).device)
    told = (needs_text(needs, prepared.device), warning_text(needs, free, prepared.config))
    return tuple(filter(None, told))


def train(
    prepared: Prepared, weights: Path, should_stop: Callable[[], bool], state: FitState | None = None
) -> Iterator[EpochReport]:
    """Train from the first epoch or from a state, keep the best weights on disk, and yield a report per epoch.

    Raises
    ------
    AtlasError
        If the device fails or runs out of memory.
    """
    state = begin(prepared) if state is None else state
    try:
        for report in fit_epochs(state, prepared.resident, prepared.windows, prepared.config, should_stop):
            if report.best:
                save_weights(weights, state.kept, prepared.scaling)
            yield report
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise AtlasError(
            f"the fit failed on {prepared.device}: {reason}; lower batch_size or set device=cpu"
        ) from error
    if state.epoch:
        save_weights(weights, prepared.model, prepared.scaling)


def encode_all(prepared: Prepared) -> Encoded:
    """Return the latents of all windows, by window id."""
    return encode(prepared.model, prepared.resident, prepared.scaling)


def _reside(windows: Windows, scaling: dict[str, Scaling], device: torch.device) -> dict[str, Resident]:
    """Bring the signals to the device, or say how much room they need there."""
    try:
        return make_resident(windows, scaling, device)
    except (MemoryError, RuntimeError) as error:
        size = size_text(4 * sum(len(signals) * signals.n_channels for signals in windows.signals.values()))
        reason = (str(error).splitlines() or ["no room is left"])[0]
        raise AtlasError(
            f"the signals, {size}, cannot be brought to {device.type}: {reason}; set a coarser bin_rate or device=cpu"
        ) from error


def _check_shares(prepared: Prepared, n_processes: int) -> None:
    """Refuse what several processes cannot compute as one would."""
    if n_processes == 1:
        return
    if prepared.config.free_bits:
        raise InputError.of("setting free_bits", f"it needs whole batches, not {n_processes} parts", "set free_bits=0")
    if prepared.config.scrub:
        raise InputError.of("setting scrub", f"it needs whole batches, not {n_processes} parts", "start one process")
    trained = prepared.windows.table.in_split("train")
    for name, data in prepared.resident.items():
        n = min(prepared.config.batch_size, int(trained[data.ids].sum()))
        if n < n_processes:
            raise InputError.of(f"species {name}", f"a batch of {n} for {n_processes} processes", "start fewer of them")


def _device_name(device: torch.device, n_threads: int) -> str:
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"{device.type} ({n_threads} thread{'s' if n_threads > 1 else ''})" if device.type == "cpu" else device.type


def _device_notes(config: FitConfig) -> tuple[str, ...]:
    fault = mps_fault() if config.device == "auto" and not torch.cuda.is_available() else ""
    return (f"Apple's GPU (mps) is left aside, since {fault}",) if fault else ()


def _notes(windows: Windows, config: FitConfig, with_head: bool) -> tuple[str, ...]:
    notes = []
    trained = windows.table.in_split("train")
    for species in windows.species:
        n = int(trained[windows.table.rows_of(species.name)].sum())
        if n < config.batch_size:
            notes.append(f"{species.name}: {n} training windows, so its batch is {n} instead of {config.batch_size}")
    if not with_head and not config.heads:
        notes.append("no temperature head: the species share the latent, but nothing ties one to the other")
    return tuple(notes)
