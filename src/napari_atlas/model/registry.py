"""Encoders and decoders by name, so that a lab can bring its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from torch import nn

from napari_atlas.data.config import ENCODERS as CHOICES
from napari_atlas.errors import InputError

__all__ = ["DECODERS", "ENCODERS", "Builder", "make_decoder", "make_encoder", "register_decoder", "register_encoder"]

Builder = Callable[[int, int, int], nn.Module]
"""``(n_times, n_channels, n_numbers)`` → a module; ``n_numbers`` is what an encoder gives and a decoder takes."""

B = TypeVar("B", bound=Builder)

ENCODERS: dict[str, Builder] = {}
DECODERS: dict[str, Builder] = {}


def register_encoder(name: str) -> Callable[[B], B]:
    """Return the decorator that enters an encoder, which then is a choice of the setting ``encoder``.

    An encoder is built as ``encoder(n_times, n_channels, n_numbers)`` and maps (n_windows, n_times, n_channels)
    z-scored windows, in which 0 stands for unknown values, to (n_windows, n_numbers) numbers. It need not know what
    they mean: the posterior makes mean and spread of them.

    Parameters
    ----------
    name
        What weight files and settings call it. It stays for as long as there are weights of it.

    Raises
    ------
    InputError
        If another encoder has the name.
    """

    def enter(builder: B) -> B:
        _enter(ENCODERS, "encoder", name, builder)
        if name not in CHOICES:
            CHOICES.append(name)
        return builder

    return enter


def register_decoder(name: str) -> Callable[[B], B]:
    """Return the decorator that enters the decoder which belongs to the encoder of that name.

    A decoder is built as ``decoder(n_times, n_channels, latent_dim)`` and maps (n_windows, latent_dim) latents to
    (n_windows, n_times, n_channels) z-scored windows. An encoder without one is given the dense decoder of ``conv``.

    Parameters
    ----------
    name
        The encoder's.

    Raises
    ------
    InputError
        If another decoder has the name.
    """

    def enter(builder: B) -> B:
        _enter(DECODERS, "decoder", name, builder)
        return builder

    return enter


def make_encoder(name: str, shape: tuple[int, int], n_numbers: int) -> nn.Module:
    """Return a new encoder for windows of ``shape``, which is (n_times, n_channels).

    Raises
    ------
    InputError
        If no encoder has the name.
    """
    if name not in ENCODERS:
        raise InputError.of(
            f"encoder {name!r}", "it is not registered here", f"import its module, or use {', '.join(ENCODERS)}"
        )
    return ENCODERS[name](*shape, n_numbers)


def make_decoder(name: str, shape: tuple[int, int], latent_dim: int) -> nn.Module:
    """Return a new decoder to go with the encoder of that name; the dense one where it has none of its own."""
    return DECODERS.get(name, DECODERS["conv"])(*shape, latent_dim)


def _enter(table: dict[str, Builder], kind: str, name: str, builder: Builder) -> None:
    """Enter a builder; the same definition may come again, as when a notebook cell is run twice."""
    there = table.get(name, builder)
    if getattr(there, "__qualname__", "") != getattr(builder, "__qualname__", ""):
        raise InputError.of(f"{kind} {name!r}", "the name is taken", "choose another one")
    table[name] = builder
