"""What a fit will take, told before it starts: weights, memory, time."""

from __future__ import annotations

from dataclasses import dataclass

import psutil
import torch
from torch import Tensor

from napari_atlas.data.config import FitConfig
from napari_atlas.model.batches import Resident
from napari_atlas.model.vae import AtlasVAE

__all__ = ["Needs", "estimate", "free_bytes", "needs_text", "size_text", "time_text", "warning_text"]

# Of the trained weights: themselves, gradient, two moments, running mean, and the best epoch's.
_COPIES = 6
# What is kept on the way forth has a gradient on the way back.
_BOTH_WAYS = 2
_FEW = 2


@dataclass(frozen=True)
class Needs:
    """Memory that a fit needs on its device, in bytes.

    Attributes
    ----------
    n_parameters
        Weights of the network; those that are frozen too.
    signals
        Signals, offsets and labels of all windows. They are on the device before the first step.
    weights
        The weights with all that the optimiser and the running mean keep of them.
    batch
        What one step keeps of its windows.
    """

    n_parameters: int
    signals: int
    weights: int
    batch: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.signals + self.weights + self.batch

    @property
    def still(self) -> int:
        """What is not there yet before the first step."""
        return self.weights + self.batch


def estimate(model: AtlasVAE, resident: dict[str, Resident], config: FitConfig) -> Needs:
    """Return what a fit needs; the network sees a few windows for it, and neither it nor any random number changes."""
    parts = (t for r in resident.values() for t in (r.signal, r.offsets, r.labels, r.span))
    trained = sum(p.numel() * p.element_size() for p in model.parameters() if p.requires_grad)
    whole = sum(t.numel() * t.element_size() for t in model.state_dict().values())
    training = model.training
    model.eval()
    batch = sum(_kept(model, name, r, min(config.batch_size, r.ids.size)) for name, r in resident.items())
    model.train(training)
    return Needs(
        n_parameters=sum(p.numel() for p in model.parameters()),
        signals=sum(t.numel() * t.element_size() for t in parts),
        weights=(whole - trained) * 3 + trained * _COPIES,
        batch=batch * _BOTH_WAYS,
    )


def free_bytes(device: torch.device) -> int:
    """Return the memory that is free on a device."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + cached)
    return int(psutil.virtual_memory().available)


def needs_text(needs: Needs, device: str) -> str:
    """Return in one sentence what a fit needs."""
    size = size_text(needs.total)
    return f"{needs.n_parameters:,} weights to fit with; about {size} are needed on {device}, beside the program itself"


def warning_text(needs: Needs, free: int, config: FitConfig) -> str:
    """Return in one sentence what to do about too little memory; empty if *free* bytes are enough."""
    if needs.still <= free:
        return ""
    cures = f"lower batch_size, now {config.batch_size}" if needs.batch > needs.weights else "lower latent_dim"
    short = f"only {size_text(free)} are free for the {size_text(needs.still)} that are still to come"
    return f"{short}: {cures}, or set a coarser bin_rate"


def time_text(seconds: float, config: FitConfig) -> str:
    """Return in one sentence how long a fit may take, from the time of one epoch."""
    stops = "; often less, since it stops by itself" if config.patience else ""
    per_epoch = f"{seconds:.2g} s" if seconds < 10 else _duration(seconds)
    return f"{per_epoch} per epoch: at most {_duration(seconds * config.epochs)} for {config.epochs} epochs{stops}"


def size_text(n_bytes: float) -> str:
    """Return a size in MB or GB, rounded; at least 1 MB."""
    if n_bytes >= 1e9:
        return f"{n_bytes / 1e9:.1f} GB"
    return f"{max(1, round(n_bytes / 1e6))} MB"


def _duration(seconds: float) -> str:
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.{0 if seconds >= 10 * size else 1}f} {unit}"
    return f"{max(1, round(seconds))} s"


def _kept(model: AtlasVAE, species: str, data: Resident, n_windows: int) -> int:
    """Return the bytes that autograd keeps of so many windows, from what it keeps of twice a few over a few."""
    few = min(_FEW, data.ids.size)
    sizes = [_saved(model, species, data.windows(_rows(data, n))) for n in (few, 2 * few)]
    return max(0, sizes[1] - sizes[0]) * n_windows // few


def _rows(data: Resident, n: int) -> Tensor:
    return torch.arange(n, device=data.signal.device) % data.ids.size


def _saved(model: AtlasVAE, species: str, windows: Tensor) -> int:
    """Return the bytes that autograd keeps of one pass, each piece of memory counted once."""
    found: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        found[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        joint = model.together({species: windows}, windows.new_zeros(len(windows), model.architecture.latent_dim))
        missed = joint.reconstructions[0].square().sum() + joint.temperature.square().sum()
        loss = missed + joint.posterior.mu.square().sum() + joint.posterior.logvar.exp().sum()
    # Until here all of it is alive, so that no piece of memory serves twice.
    del joint, loss
    return sum(found.values())
