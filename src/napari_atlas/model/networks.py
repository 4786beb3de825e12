"""Encoder, decoder and head of the ATLAS network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from napari_atlas.model._convolution import convolve, store_for_convolve
from napari_atlas.model.registry import register_decoder, register_encoder

__all__ = ["ConvDecoder", "ConvEncoder", "TemperatureHead", "pooling_matrix"]

_POOLED = 4


def pooling_matrix(n_times: int, n_pooled: int = _POOLED) -> Tensor:
    """Return the (n_times, n_pooled) matrix that averages like an adaptive pool.

    A product with it equals ``nn.AdaptiveAvgPool1d`` and runs on every backend.
    """
    matrix = torch.zeros(n_times, n_pooled)
    for column in range(n_pooled):
        begin = column * n_times // n_pooled
        end = -(-(column + 1) * n_times // n_pooled)
        matrix[begin:end, column] = 1.0 / (end - begin)
    return matrix


@register_encoder("conv")
class ConvEncoder(nn.Module):
    """Windows of one species → the posterior's numbers.

    Parameters
    ----------
    n_times, n_channels
        Shape of a window.
    n_numbers
        How many numbers to give: for a diagonal posterior, μ and log σ².
    """

    pooling: Tensor

    def __init__(self, n_times: int, n_channels: int, n_numbers: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(n_channels, 32, 5, padding=2)
        self.conv2 = nn.Conv1d(32, 64, 3, padding=1)
        self.conv3 = nn.Conv1d(64, 128, 3, padding=1)
        for layer in (self.conv1, self.conv2, self.conv3):
            store_for_convolve(layer)
        self.hidden = nn.Linear(128 * _POOLED, 128)
        self.posterior = nn.Linear(128, n_numbers)
        self.register_buffer("pooling", pooling_matrix(_halved(_halved(n_times))), persistent=False)

    def forward(self, windows: Tensor) -> Tensor:
        """Return (n_windows, n_numbers) of (n_windows, n_times, n_channels) windows."""
        x = convolve(windows, self.conv1, halve=True)
        x = convolve(x, self.conv2, halve=True)
        x = convolve(x, self.conv3, halve=False)
        x = self.pooling.T @ x if x.shape[1] > 1 else x.expand(-1, _POOLED, -1)
        x = x.transpose(1, 2)
        numbers: Tensor = self.posterior(torch.relu(self.hidden(x.flatten(1))))
        return numbers


@register_decoder("conv")
class ConvDecoder(nn.Module):
    """Latent → windows of one species."""

    def __init__(self, n_times: int, n_channels: int, latent_dim: int) -> None:
        super().__init__()
        self.shape = (n_times, n_channels)
        self.hidden = nn.Linear(latent_dim, 128)
        self.out = nn.Linear(128, n_times * n_channels)

    def forward(self, latent: Tensor) -> Tensor:
        """Return (n_windows, n_times, n_channels) windows of (n_windows, latent_dim) latents."""
        windows: Tensor = self.out(torch.relu(self.hidden(latent))).unflatten(1, self.shape)
        return windows


class TemperatureHead(nn.Module):
    """Latent → temperature, z-scored; one set of weights for all species."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(latent_dim, 32)
        self.out = nn.Linear(32, 1)

    def forward(self, latent: Tensor) -> Tensor:
        """Return (n_windows,) temperatures of (n_windows, latent_dim) latents."""
        temperature: Tensor = self.out(torch.relu(self.hidden(latent))).squeeze(1)
        return temperature


def _halved(n_times: int) -> int:
    return max(1, n_times // 2)
