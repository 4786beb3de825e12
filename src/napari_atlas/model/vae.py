"""The multi-species variational autoencoder with one shared latent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from napari_atlas.data.variables import Variable
from napari_atlas.errors import InputError
from napari_atlas.model import residual  # noqa: F401  registers its encoder and decoder
from napari_atlas.model.heads import Head, Prediction
from napari_atlas.model.networks import TemperatureHead
from napari_atlas.model.posteriors import Gaussian, make_posterior
from napari_atlas.model.registry import make_decoder, make_encoder

__all__ = ["Architecture", "AtlasVAE", "Joint", "Output", "SpeciesShape", "head_key", "module_key"]


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
    encoder
        Registered name of the encoder, and of the decoder that goes with it.
    posterior
        ``"diagonal"`` or ``"full"``.
    heads
        Covariates beside the temperature that are told from the latent.
    variables
        What the latent is scrubbed of, and what the decoders are told.
    """

    species: tuple[SpeciesShape, ...]
    latent_dim: int
    temperature: bool
    encoder: str = "conv"
    posterior: str = "diagonal"
    heads: tuple[Head, ...] = ()
    variables: tuple[Variable, ...] = ()

    @property
    def n_told(self) -> int:
        """How many numbers the decoders are told beside the latent."""
        return sum(variable.width for variable in self.variables if variable.given)


class Output(NamedTuple):
    """What the network makes of a batch of one species.

    ``reconstruction`` is (n_windows, n_times, n_channels), ``mu`` and ``logvar`` (n_windows, latent_dim),
    ``temperature`` (n_windows,) z-scored, empty without a head. ``cholesky`` is (n_windows, latent_dim, latent_dim),
    empty for a diagonal posterior, and ``predictions`` has one entry per further head.
    """

    reconstruction: Tensor
    mu: Tensor
    logvar: Tensor
    temperature: Tensor
    cholesky: Tensor
    predictions: tuple[Prediction, ...] = ()


class Joint(NamedTuple):
    """What the network makes of a batch of several species, one after the other.

    ``reconstructions`` has one tensor per species; ``posterior``, ``temperature`` and ``predictions`` have the rows
    of all species in the same order.
    """

    reconstructions: tuple[Tensor, ...]
    posterior: Gaussian
    temperature: Tensor
    predictions: tuple[Prediction, ...]


class AtlasVAE(nn.Module):
    """One encoder and decoder per species, one latent and one set of heads for all.

    Source: ``x_s → encoder_s → N(μ, σ²) → z shared → decoder_s(z)``, ``head(z) → temperature``.

    Parameters
    ----------
    architecture
        Window shapes and parts.

    Raises
    ------
    InputError
        If a part is not registered.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        latent, name = architecture.latent_dim, architecture.encoder
        wide = latent + architecture.n_told
        shapes = {module_key(s.name): (s.n_times, s.n_channels) for s in architecture.species}
        self.shapes = shapes
        self.posterior = make_posterior(architecture.posterior, latent)
        n_numbers = self.posterior.n_numbers
        self.encoders = nn.ModuleDict({key: make_encoder(name, shape, n_numbers) for key, shape in shapes.items()})
        self.decoders = nn.ModuleDict({key: make_decoder(name, shape, wide) for key, shape in shapes.items()})
        self.heads = nn.ModuleDict({"temperature": TemperatureHead(latent)} if architecture.temperature else {})
        self.heads.update({head_key(h.name): h.kind.build(latent, h.n_classes) for h in architecture.heads})

    def train(self, mode: bool = True) -> AtlasVAE:
        """Set training mode, save for frozen parts: their running statistics must not move either."""
        super().train(mode)
        for parts in (self.encoders, self.decoders, self.heads):
            for part in parts.values():
                weights = list(part.parameters())
                part.train(mode and not (weights and not any(w.requires_grad for w in weights)))
        return self

    def encode(self, species: str, windows: Tensor) -> Gaussian:
        """Return the posterior of (n_windows, n_times, n_channels) windows.

        Raises
        ------
        InputError
            If the encoder gives other than the numbers that it was asked for.
        """
        posterior: Gaussian = self.posterior(self._numbers(species, windows))
        return posterior

    def decode(self, species: str, latent: Tensor, told: Tensor | None = None) -> Tensor:
        """Return (n_windows, n_times, n_channels) windows of one species.

        Parameters
        ----------
        species
            Whose windows.
        latent
            (n_windows, latent_dim).
        told
            (n_windows, n_told) columns of the variables that the decoders are told, as `told` gives them; without
            it, all are unknown.

        Raises
        ------
        InputError
            If the decoder gives windows of another shape.
        """
        key, n_told = module_key(species), self.architecture.n_told
        if n_told:
            known = latent.new_zeros(len(latent), n_told) if told is None else told.to(latent.dtype)
            latent = torch.cat([latent, known], dim=1)
        windows: Tensor = self.decoders[key](latent)
        _check_shape(self.architecture.encoder, "decoder", windows, self.shapes[key])
        return windows

    def told(self, variables: Tensor) -> Tensor:
        """Return the (n_windows, n_told) columns that the decoders are told.

        Parameters
        ----------
        variables
            (n_windows, n_columns) columns of all variables of the architecture; NaN where unknown, told as 0.
        """
        parts = torch.split(variables, [variable.width for variable in self.architecture.variables], dim=1)
        given = [part for part, of in zip(parts, self.architecture.variables, strict=True) if of.given]
        return torch.nan_to_num(torch.cat(given, dim=1)) if given else variables[:, :0]

    def temperature(self, latent: Tensor) -> Tensor:
        """Return (n_windows,) z-scored temperatures, or an empty tensor without a head."""
        if "temperature" not in self.heads:
            return latent.new_empty(0)
        temperature: Tensor = self.heads["temperature"](latent)
        return temperature

    def predict(self, latent: Tensor) -> tuple[Prediction, ...]:
        """Return what the heads beside the temperature say of (n_windows, latent_dim) latents."""
        return tuple(Prediction(head, self.heads[head_key(head.name)](latent)) for head in self.architecture.heads)

    def forward(self, species: str, windows: Tensor, noise: Tensor | None = None, told: Tensor | None = None) -> Output:
        """Return the network's output; the latent is drawn with the noise, or is μ without noise.

        Parameters
        ----------
        species
            Whose windows they are.
        windows
            (n_windows, n_times, n_channels), z-scored, 0 where unknown.
        noise
            (n_windows, latent_dim), standard normal.
        told
            (n_windows, n_told) what the decoder is told; without it, nothing is known.
        """
        posterior = self.encode(species, windows)
        latent = posterior.mu if noise is None else posterior.sample(noise)
        return Output(
            reconstruction=self.decode(species, latent, told),
            mu=posterior.mu,
            logvar=posterior.logvar,
            temperature=self.temperature(latent),
            cholesky=posterior.cholesky,
            predictions=self.predict(latent),
        )

    def together(
        self, windows: Mapping[str, Tensor], noise: Tensor | None = None, told: Mapping[str, Tensor] | None = None
    ) -> Joint:
        """Return the network's output for windows of several species at once, which saves many small operations.

        Parameters
        ----------
        windows
            Per species (n_windows, n_times, n_channels), z-scored, 0 where unknown.
        noise
            (n_windows of all species, latent_dim), standard normal; without it the latent is μ.
        told
            Per species (n_windows, n_told) what its decoder is told; without it, nothing is known.
        """
        numbers = [self._numbers(name, mine) for name, mine in windows.items()]
        posterior: Gaussian = self.posterior(torch.cat(numbers).float())
        latent = posterior.mu if noise is None else posterior.sample(noise)
        parts = torch.split(latent, [len(mine) for mine in numbers])
        known = told or {}
        drawn = tuple(
            self.decode(name, part, known.get(name)).float() for name, part in zip(windows, parts, strict=True)
        )
        said = tuple(Prediction(head, values.float()) for head, values in self.predict(latent))
        return Joint(drawn, posterior, self.temperature(latent).float(), said)

    def _numbers(self, species: str, windows: Tensor) -> Tensor:
        numbers: Tensor = self.encoders[module_key(species)](windows)
        _check_shape(self.architecture.encoder, "encoder", numbers, (self.posterior.n_numbers,))
        return numbers


def module_key(name: str) -> str:
    """Return a module name: torch forbids dots and names that a module already has."""
    return "species-" + name.replace("%", "%25").replace(".", "%2E")


def head_key(name: str) -> str:
    """Return the module name of a head beside the temperature."""
    return "covariate-" + name.replace("%", "%25").replace(".", "%2E")


def _check_shape(name: str, part: str, values: Tensor, wanted: tuple[int, ...]) -> None:
    if values.shape[1:] != wanted:
        raise InputError.of(
            f"{part} {name!r}", f"it gives {tuple(values.shape[1:])} per window instead of {wanted}", f"mend the {part}"
        )
