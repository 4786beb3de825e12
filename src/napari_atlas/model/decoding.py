"""Weights that are loaded once, and asked for windows again and again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from napari_atlas.data.scaling import Scaler
from napari_atlas.data.signals import Body
from napari_atlas.model.checkpoint import load_weights
from napari_atlas.model.kinematics import joints_of
from napari_atlas.model.vae import Architecture

__all__ = ["Decoder", "TreeLayout"]


class Decoder:
    """Latents → windows in the unit of their signal, on the CPU.

    Parameters
    ----------
    weights
        The weight file of a run.

    Raises
    ------
    InputError
        If it cannot be used.
    """

    def __init__(self, weights: Path) -> None:
        self._model, self._scaling = load_weights(weights)
        torch.set_num_threads(1)  # a few windows at a time: to wake further threads takes longer than the sums

    @property
    def architecture(self) -> Architecture:
        """What the network is built of."""
        return self._model.architecture

    @torch.no_grad()
    def decode(self, species: str, latents: NDArray[np.float32], columns: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (n_windows, n_times, n_channels) windows of one species.

        Parameters
        ----------
        species
            Whose decoder is used.
        latents
            (n_windows, latent_dim).
        columns
            (n_windows, n_columns) of all variables of the architecture; NaN is told as unknown.
        """
        told = self._model.told(torch.from_numpy(columns))
        windows = self._model.decode(species, torch.from_numpy(latents), told).double().numpy()
        return self._scaling[species].signal.undo(windows)


class TreeLayout:
    """Where the joints of a kinematic tree stand, by channels that tell their rotations.

    Parameters
    ----------
    body
        What the channels mean.
    first, n_channels
        Channel at which they begin, and how many there are in all.
    lengths
        (n_joints,) lengths of the segments.
    """

    unit = "units of the file"

    def __init__(self, body: Body, first: int, n_channels: int, lengths: NDArray[np.float64]) -> None:
        self.names = body.tree.names
        self.edges = tuple((int(p), joint) for joint, p in enumerate(body.tree.parents) if p >= 0)
        still, device = Scaler.identity(n_channels), torch.device("cpu")
        one = np.zeros(1, dtype=np.int64)
        self._joints = joints_of(body, first, still, lengths=lengths[None], track=one, device=device)

    @torch.no_grad()
    def points(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (..., n_joints, 3) positions from the root that (..., n_times, n_channels) values tell."""
        windows = torch.from_numpy(values.reshape(-1, *values.shape[-2:]).astype(np.float32))
        found = self._joints.positions(windows, torch.zeros(len(windows), dtype=torch.int64))
        return found.double().numpy().reshape(*values.shape[:-1], len(self.names), 3)
