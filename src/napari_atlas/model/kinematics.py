"""Rotations to positions: forward kinematics, and the error of joints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_atlas.data.scaling import Scaler
from napari_atlas.data.signals import Body

__all__ = ["Joints", "forward_kinematics", "joints_of", "matrix_of_six", "six_of_matrix"]

_TINY = 1e-8


def matrix_of_six(six: Tensor) -> Tensor:
    """Return the (…, 3, 3) rotations of (…, 6) numbers, any that are not parallel.

    Source: Zhou et al., On the Continuity of Rotation Representations in Neural Networks, 2019.
    """
    first = torch.nn.functional.normalize(six[..., :3], dim=-1, eps=_TINY)
    second = six[..., 3:] - (first * six[..., 3:]).sum(-1, keepdim=True) * first
    second = torch.nn.functional.normalize(second, dim=-1, eps=_TINY)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)


def six_of_matrix(matrices: Tensor) -> Tensor:
    """Return the (…, 6) numbers of (…, 3, 3) rotations: their first column, then their second."""
    return torch.cat([matrices[..., 0], matrices[..., 1]], dim=-1)


def forward_kinematics(six: Tensor, offsets: Tensor, chains: Sequence[Sequence[int]], root: Tensor) -> Tensor:
    """Return the (…, n_joints, 3) positions of joints.

    A joint's rotation turns the segment that ends in it, and all that comes after it in its chain. Every chain begins
    with the root's rotation, whichever joint it begins at.

    Parameters
    ----------
    six
        (…, n_joints, 6) rotations against the joint before in the chain; of the root against the world.
    offsets
        (…, n_joints, 3) from the joint before to each, unrotated, in the unit that positions are to have.
    chains
        Indices of joints, each chain from a joint that is reached already, the first from the root.
    root
        (…, 3) position of the root.
    """
    turns = matrix_of_six(six)
    where: dict[int, Tensor] = {chains[0][0]: root.expand(*six.shape[:-2], 3)}
    for chain in chains:
        turned = turns[..., chains[0][0], :, :]
        for before, joint in pairwise(chain):
            turned = turned @ turns[..., joint, :, :]
            where[joint] = where[before] + (turned @ offsets[..., joint, :, None])[..., 0]
    return torch.stack([where[joint] for joint in range(six.shape[-2])], dim=-2)


@dataclass(frozen=True, eq=False)
class Joints:
    """How windows of one species become positions of its joints, on the device.

    Attributes
    ----------
    body
        What the channels of its signal mean.
    first
        Channel of the windows at which the signal begins.
    mean, std
        (n_channels,) of the scaler, over all channels of the windows.
    lengths
        (n_tracks, n_joints) lengths of the segments, each animal's own.
    track
        (n_windows,) row of ``lengths`` of each window of the species.
    """

    body: Body
    first: int
    mean: Tensor
    std: Tensor
    lengths: Tensor
    track: Tensor
    _offsets: Tensor
    _fixed: Tensor
    _told: Tensor

    def positions(self, windows: Tensor, rows: Tensor) -> Tensor:
        """Return (n_windows, n_times, n_joints, 3) positions from the root, in the file's own unit.

        The body is tilted as it was; it heads towards +x, unless the signal keeps the heading.

        Parameters
        ----------
        windows
            (n_windows, n_times, n_channels), z-scored.
        rows
            (n_windows,) rows of the species' windows, whose animals' segments are taken.
        """
        values = (windows * self.std + self.mean)[..., self.first : self.first + len(self.body.names)]
        shape = (*values.shape[:2], len(self.body.tree.names), 6)
        told = torch.cat([self._root(values)[..., None, :], self._joints(values)], dim=2)
        six = self._fixed.expand(shape).index_copy(2, self._told, told)
        offsets = (self._offsets * self.lengths[self.track[rows], :, None])[:, None]
        return forward_kinematics(six, offsets, self.body.tree.chains, values.new_zeros(3))

    def error(self, windows: Tensor, reconstruction: Tensor, rows: Tensor) -> Tensor:
        """Return the (n_windows,) squared distance of joints, summed over samples, over joints and axes."""
        missed = self.positions(windows, rows) - self.positions(reconstruction, rows)
        error: Tensor = missed.square().sum((1, 2, 3)) / (3 * missed.shape[2])
        return error

    def distances(self, windows: Tensor, reconstruction: Tensor, rows: Tensor) -> Tensor:
        """Return the (n_windows, n_joints) mean distance of each joint, in the file's own unit."""
        missed = self.positions(windows, rows) - self.positions(reconstruction, rows)
        apart: Tensor = torch.linalg.vector_norm(missed, dim=-1).mean(1)
        return apart

    def _joints(self, values: Tensor) -> Tensor:
        told = values[..., self.body.n_root :]
        return told.reshape(*told.shape[:2], self._told.numel() - 1, 6)

    def _root(self, values: Tensor) -> Tensor:
        """Return the (n_windows, n_times, 6) rotation of the root, from cosines and sines of tilt and heading."""
        n = self.body.n_root
        flat, up = _on_circle(values[..., n - 2 : n])
        if self.body.facing == "midfwd":
            cos, sin = torch.ones_like(flat), torch.zeros_like(flat)
        else:
            cos, sin = _on_circle(values[..., n - 4 : n - 2])
        return torch.stack([flat * cos, flat * sin, up, -sin, cos, torch.zeros_like(cos)], dim=-1)


def joints_of(
    body: Body,
    first: int,
    scaler: Scaler,
    *,
    lengths: NDArray[np.float64],
    track: NDArray[np.int64],
    device: torch.device,
) -> Joints:
    """Return how windows of one species become positions, on a device.

    Parameters
    ----------
    body, first, lengths, track
        As `Joints` has them.
    scaler
        Of the signal.
    device
        That of the windows.
    """
    fixed = np.zeros((len(body.tree.names), 6))
    for joint, six in body.fixed.items():
        fixed[joint] = six
    told = [body.tree.root, *(joint for joint in range(len(fixed)) if joint not in body.fixed)]
    numbers = [
        torch.as_tensor(np.asarray(values), dtype=torch.float32, device=device)
        for values in (scaler.mean, scaler.std, lengths, body.tree.offsets, fixed)
    ]
    mean, std, sizes, offsets, constant = numbers
    rows, joints = (torch.as_tensor(np.asarray(v), dtype=torch.int64, device=device) for v in (track, told))
    return Joints(body, first, mean, std, sizes, rows, offsets, constant, joints)


def _on_circle(pair: Tensor) -> tuple[Tensor, Tensor]:
    return torch.nn.functional.normalize(pair, dim=-1, eps=_TINY).unbind(-1)  # type: ignore[return-value]
