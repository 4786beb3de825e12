"""Windows → latents, reconstructions and predicted temperatures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from napari_atlas.model.batches import Resident, Scaling
from napari_atlas.model.vae import AtlasVAE

__all__ = ["Encoded", "encode", "joint_distances", "read_heads"]

_CHUNK = 4096


class Encoded(NamedTuple):
    """One row per window id.

    ``mu`` and ``logvar`` are (n_windows, latent_dim); ``predicted`` is (n_windows,) in °C, NaN without a head;
    ``reconstruction_error`` is (n_windows,) mean squared error, z-scored. ``residual_square`` and ``total_square`` are
    (n_windows,) sums over the known values of a window, z-scored: of what the reconstruction misses, and of the values
    themselves.
    """

    mu: NDArray[np.float32]
    logvar: NDArray[np.float32]
    predicted: NDArray[np.float32]
    reconstruction_error: NDArray[np.float32]
    residual_square: NDArray[np.float32]
    total_square: NDArray[np.float32]


@torch.no_grad()
def encode(model: AtlasVAE, resident: dict[str, Resident], scaling: dict[str, Scaling]) -> Encoded:
    """Return the latents of all windows, by window id."""
    model.eval()
    n = sum(r.ids.size for r in resident.values())
    latent = model.architecture.latent_dim
    encoded = Encoded(
        np.zeros((n, latent), np.float32), np.zeros((n, latent), np.float32), np.full(n, np.nan, np.float32),
        *(np.zeros(n, np.float32) for _ in range(3)),
    )  # fmt: skip
    for name, data in resident.items():
        for begin in range(0, data.ids.size, _CHUNK):
            rows = torch.arange(begin, min(begin + _CHUNK, data.ids.size), device=data.signal.device)
            windows = data.windows(rows)
            output = model(name, windows, told=model.told(data.variables[rows]))
            ids = data.ids[begin : begin + _CHUNK]
            encoded.mu[ids] = output.mu.cpu().numpy()
            encoded.logvar[ids] = output.logvar.cpu().numpy()
            missed = (output.reconstruction - windows).square()
            # Unknown values were replaced by 0, the mean.
            known = missed * (windows != 0)
            encoded.reconstruction_error[ids] = missed.mean((1, 2)).cpu().numpy()
            encoded.residual_square[ids] = known.sum((1, 2)).cpu().numpy()
            encoded.total_square[ids] = windows.square().sum((1, 2)).cpu().numpy()
            if output.temperature.numel():
                encoded.predicted[ids] = scaling[name].temperature.undo(output.temperature.cpu().numpy()[:, None])[:, 0]
    return encoded


@torch.no_grad()
def read_heads(model: AtlasVAE, mu: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Return by name what the heads beside the temperature say of (n_windows, latent_dim) latents.

    Each is (n_windows,): z-scored numbers, or the codes of the likeliest classes.
    """
    model.eval()
    said = model.predict(torch.from_numpy(mu).to(next(model.parameters()).device))
    return {
        head.name: (values.argmax(1) if head.n_classes else values).cpu().numpy().astype(np.float32)
        for head, values in said
    }


@torch.no_grad()
def joint_distances(model: AtlasVAE, species: str, data: Resident, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the (n_joints,) mean distance of joints in reconstructions from those in their windows.

    Parameters
    ----------
    model, species, data
        A species whose `Resident` has joints.
    rows
        Of its windows.
    """
    model.eval()
    (joints,) = data.joints
    total = torch.zeros(len(joints.body.tree.names), dtype=torch.float64, device=data.signal.device)
    for begin in range(0, rows.size, _CHUNK):
        mine = torch.as_tensor(rows[begin : begin + _CHUNK], device=data.signal.device)
        windows = data.windows(mine)
        drawn = model(species, windows, told=model.told(data.variables[mine])).reconstruction
        total += joints.distances(windows, drawn, mine).double().sum(0)
    return np.asarray((total / max(rows.size, 1)).cpu().numpy())
