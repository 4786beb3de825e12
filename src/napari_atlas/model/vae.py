"""The multi-species variational autoencoder with one shared latent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from napari_atlas.model.networks import ConvDecoder, ConvEncoder, TemperatureHead

__all__ = ["Architecture", "AtlasVAE", "Output", "SpeciesShape", "module_key"]


@dataclass(frozen=True)
class SpeciesShape:
    """Name of a species and shape of its windows."""

    name: str
    n_times: int
    n_channels: int


@dataclass(frozen=True)
class Architecture:
    """All that is needed to build the network.

    Attributes
    ----------
    species
        Their window shapes.
    latent_dim
        Dimensions of the shared latent.
    temperature
        Whether there is a temperature head.
    """

    species: tuple[SpeciesShape, ...]
    latent_dim: int
    temperature: bool


class Output(NamedTuple):
    """What the network makes of a batch of one species.

    ``reconstruction`` is (n_windows, n_times, n_channels), ``mu`` and ``logvar`` (n_windows, latent_dim),
    ``temperature`` (n_windows,) z-scored, empty without a head.
    """

    reconstruction: Tensor
    mu: Tensor
    logvar: Tensor
    temperature: Tensor


class AtlasVAE(nn.Module):
    """One encoder and decoder per species, one latent and one head for all.

    Source: ``x_s → encoder_s → N(μ, σ²) → z shared → decoder_s(z)``, ``head(z) → temperature``.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        latent = architecture.latent_dim
        shapes = {module_key(s.name): (s.n_times, s.n_channels) for s in architecture.species}
        self.encoders = nn.ModuleDict({key: ConvEncoder(*shape, latent) for key, shape in shapes.items()})
        self.decoders = nn.ModuleDict({key: ConvDecoder(*shape, latent) for key, shape in shapes.items()})
        self.heads = nn.ModuleDict({"temperature": TemperatureHead(latent)} if architecture.temperature else {})

    def encode(self, species: str, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Return μ and log σ², each (n_windows, latent_dim)."""
        mu, logvar = self.encoders[module_key(species)](windows)
        return mu, logvar

    def decode(self, species: str, latent: Tensor) -> Tensor:
        """Return (n_windows, n_times, n_channels) windows of one species."""
        windows: Tensor = self.decoders[module_key(species)](latent)
        return windows

    def temperature(self, latent: Tensor) -> Tensor:
        """Return (n_windows,) z-scored temperatures, or an empty tensor without a head."""
        if "temperature" not in self.heads:
            return latent.new_empty(0)
        temperature: Tensor = self.heads["temperature"](latent)
        return temperature

    def forward(self, species: str, windows: Tensor, noise: Tensor | None = None) -> Output:
        """Return the network's output; the latent is μ + σ·noise, or μ without noise."""
        mu, logvar = self.encode(species, windows)
        latent = mu if noise is None else mu + torch.exp(0.5 * logvar) * noise
        return Output(self.decode(species, latent), mu, logvar, self.temperature(latent))


def module_key(name: str) -> str:
    """Return a module name: torch forbids dots and names that a module already has."""
    return "species-" + name.replace("%", "%25").replace(".", "%2E")
