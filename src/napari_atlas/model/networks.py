"""Encoder, decoder and head of the ATLAS network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

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
        self.hidden = nn.Linear(128 * _POOLED, 128)
        self.posterior = nn.Linear(128, n_numbers)
        self.register_buffer("pooling", pooling_matrix(_halved(_halved(n_times))), persistent=False)

    def forward(self, windows: Tensor) -> Tensor:
        """Return (n_windows, n_numbers) of (n_windows, n_times, n_channels) windows."""
        x = torch.relu(_halve(_convolve(windows, self.conv1)))
        x = torch.relu(_halve(_convolve(x, self.conv2)))
        x = torch.relu(_convolve(x, self.conv3)).transpose(1, 2) @ self.pooling
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


def _convolve(x: Tensor, layer: nn.Conv1d) -> Tensor:
    """Return (n_windows, n_times, n_out) of (n_windows, n_times, n_in), as the layer with "same" padding would.

    One product of matrices over shifted copies: for windows this short, on the CPU, its backward pass takes half the
    time of the library's convolution.
    """
    kernel, n_times = layer.kernel_size[0], x.shape[1]
    padded = nn.functional.pad(x, (0, 0, kernel // 2, kernel // 2))
    shifted = torch.cat([padded[:, i : i + n_times] for i in range(kernel)], dim=2)
    weight = layer.weight.permute(2, 1, 0).flatten(0, 1)
    assert layer.bias is not None
    return shifted @ weight + layer.bias


def _halve(x: Tensor) -> Tensor:
    """Return the larger of neighbouring times, (n_windows, n_times // 2, …); a single time is left as it is."""
    n_pairs = x.shape[1] // 2
    return x[:, : 2 * n_pairs].reshape(len(x), n_pairs, 2, -1).amax(2) if n_pairs else x
