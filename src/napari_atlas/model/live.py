"""Look at a fit under way: latents and reconstructions of some windows, always the same ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_atlas.data.live import Example
from napari_atlas.data.windows import Windows
from napari_atlas.model.batches import Resident
from napari_atlas.model.vae import AtlasVAE

__all__ = ["Seen", "Watched", "choose", "look"]

_MOST_WINDOWS = 2000
_MOST_CHANNELS = 64
_CANDIDATES = 256
# One window of middling variance and a lively one.
_RANKS = (0.5, 0.9)


class Watched(NamedTuple):
    """Windows of one species that are looked at, as rows of its `Resident`.

    ``rows`` is (n_watched,), rising; ``examples`` is (n_examples,); ``held_out`` says whether the network is not
    trained on the examples.
    """

    rows: Tensor
    examples: Tensor
    held_out: bool


class Seen(NamedTuple):
    """``ids`` is (n_seen,) window ids, rising; ``mu`` (n_seen, latent_dim)."""

    ids: NDArray[np.int64]
    mu: NDArray[np.float32]
    examples: tuple[Example, ...]


def choose(windows: Windows, resident: dict[str, Resident]) -> dict[str, Watched]:
    """Return the windows to look at: as many of every species, spread evenly, and validation windows as examples."""
    most = _MOST_WINDOWS // max(1, len(resident))
    watched = {}
    for name, data in resident.items():
        validation = np.flatnonzero(windows.table.in_split("validation")[data.ids])
        chosen_from = validation if validation.size else np.flatnonzero(windows.table.in_split("train")[data.ids])
        device = data.signal.device
        rows = torch.from_numpy(_spread(np.arange(data.ids.size), most)).to(device)
        candidates = torch.from_numpy(_spread(chosen_from, _CANDIDATES)).to(device)
        watched[name] = Watched(rows, _examples(data, candidates), bool(validation.size))
    return watched


@torch.no_grad()
def look(model: AtlasVAE, resident: dict[str, Resident], watched: dict[str, Watched]) -> Seen:
    """Return latents and examples as the network has them now; no random number is drawn, nothing is changed."""
    model.eval()
    ids, mu, examples = [], [], []
    for name, mine in watched.items():
        data = resident[name]
        ids.append(data.ids[mine.rows.cpu().numpy()])
        mu.append(model.encode(name, data.windows(mine.rows)).mu.cpu().numpy())
        given = data.windows(mine.examples)
        told = model.told(data.variables[mine.examples])
        rebuilt = model(name, given, told=told).reconstruction[..., :_MOST_CHANNELS].cpu().numpy()
        shown = given[..., :_MOST_CHANNELS].cpu().numpy()
        n_channels = int(given.shape[-1])
        examples += [Example(name, mine.held_out, n_channels, *pair) for pair in zip(shown, rebuilt, strict=True)]
    order = np.argsort(np.concatenate(ids))
    return Seen(np.concatenate(ids)[order], np.concatenate(mu)[order], tuple(examples))


def _spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return at most so many of the rows, evenly spread."""
    if rows.size <= most:
        return rows
    return rows[np.linspace(0, rows.size - 1, most).round().astype(np.int64)]


def _examples(data: Resident, candidates: Tensor) -> Tensor:
    variance = data.windows(candidates).var(dim=(1, 2), correction=0)
    order = candidates[torch.argsort(variance, stable=True)]
    ranks = sorted({int(rank * (order.numel() - 1)) for rank in _RANKS}) if order.numel() else []
    return order[ranks]
