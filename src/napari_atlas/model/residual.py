"""Residual encoder and decoder, after the network part of SC-VAE."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from napari_atlas.model.registry import register_decoder, register_encoder

__all__ = ["ResidualDecoder", "ResidualEncoder"]

_CHANNELS = (32, 64, 128)
_EPS = 1e-4


@register_encoder("residual")
class ResidualEncoder(nn.Module):
    """Windows of one species → the posterior's numbers, by residual blocks that each halve time.

    Parameters
    ----------
    n_times, n_channels
        Shape of a window; any.
    n_numbers
        How many numbers to give.
    channels
        Channels before the first block and after each.
    """

    def __init__(self, n_times: int, n_channels: int, n_numbers: int, channels: tuple[int, ...] = _CHANNELS) -> None:
        super().__init__()
        self.first = nn.Conv1d(n_channels, channels[0], 7, padding=3)
        self.activation = nn.PReLU()
        self.blocks = nn.Sequential(*(_Down(*pair) for pair in pairwise(channels)))
        self.out = nn.Linear(channels[-1] * _shortest(n_times, channels), n_numbers)

    def forward(self, windows: Tensor) -> Tensor:
        """Return (n_windows, n_numbers) of (n_windows, n_times, n_channels) windows."""
        x = self.blocks(self.activation(self.first(windows.transpose(1, 2))))
        numbers: Tensor = self.out(x.flatten(1))
        return numbers


@register_decoder("residual")
class ResidualDecoder(nn.Module):
    """Latent → windows of one species, the encoder's blocks turned round.

    SC-VAE ends in a tanh, as its poses lie within ±1. Z-scored signals do not, so here the last layer is linear
    unless ``squash`` is set.

    Parameters
    ----------
    n_times, n_channels
        Shape of a window; any.
    latent_dim
        Dimensions of the latent, and of whatever is appended to it.
    channels
        Those of the encoder, from its first to its last.
    squash
        Whether to end in a tanh.
    """

    def __init__(
        self,
        n_times: int,
        n_channels: int,
        latent_dim: int,
        channels: tuple[int, ...] = _CHANNELS,
        squash: bool = False,
    ) -> None:
        super().__init__()
        shortest = _shortest(n_times, channels)
        reached = (shortest - 1) * 2 ** (len(channels) - 1) + 1
        self.first = nn.Linear(latent_dim, channels[-1] * shortest)
        self.shape = (channels[-1], shortest)
        self.blocks = nn.Sequential(*(_Up(*pair) for pair in pairwise(channels[::-1])))
        self.last = nn.ConvTranspose1d(channels[0], n_channels, n_times - reached + 7, padding=3)
        self.squash = squash

    def forward(self, latent: Tensor) -> Tensor:
        """Return (n_windows, n_times, n_channels) windows of (n_windows, latent_dim) latents."""
        x: Tensor = self.last(self.blocks(self.first(latent).unflatten(1, self.shape))).transpose(1, 2)
        return torch.tanh(x) if self.squash else x


class _Down(nn.Module):
    """Half the times, other channels."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        middle = max(1, n_out // 2)
        self.main = nn.Sequential(
            nn.Conv1d(n_in, middle, 5, stride=2, padding=2), nn.BatchNorm1d(middle, _EPS), nn.PReLU(),
            nn.Conv1d(middle, n_out, 5, padding=2),
        )  # fmt: skip
        self.skip = nn.Conv1d(n_in, n_out, 5, stride=2, padding=2)
        self.join = nn.Sequential(nn.BatchNorm1d(n_out, _EPS), nn.PReLU())

    def forward(self, x: Tensor) -> Tensor:
        joined: Tensor = self.join(self.main(x) + self.skip(x))
        return joined


class _Up(nn.Module):
    """Twice the times less one, other channels."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        middle = max(1, n_in // 2)
        self.main = nn.Sequential(
            nn.ConvTranspose1d(n_in, middle, 5, padding=2), nn.BatchNorm1d(middle, _EPS), nn.PReLU(),
            nn.ConvTranspose1d(middle, n_out, 5, stride=2, padding=2),
        )  # fmt: skip
        self.skip = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="linear", align_corners=False), nn.Conv1d(n_in, n_out, 6, padding=2)
        )
        self.join = nn.Sequential(nn.BatchNorm1d(n_out, _EPS), nn.PReLU())

    def forward(self, x: Tensor) -> Tensor:
        joined: Tensor = self.join(self.main(x) + self.skip(x))
        return joined


def _shortest(n_times: int, channels: tuple[int, ...]) -> int:
    """Return the times that are left after all blocks: each halves them and rounds up."""
    return int(-(-n_times // 2 ** (len(channels) - 1)))
