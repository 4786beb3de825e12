"""Scrubbers: what makes the latent forget a variable. Each is one class, entered here by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from napari_atlas.data.scrub_text import SCRUBBERS as CHOICES
from napari_atlas.errors import InputError

__all__ = ["AUTO", "SCRUBBERS", "NoScrubber", "Scrubber", "ScrubberKind", "register_scrubber", "scrubber_kind"]

AUTO = {"number": "mals", "angle": "mals", "class": "qd"}
"""What ``auto`` stands for, by the kind of the variable."""


class Scrubber(nn.Module):
    """Takes one variable out of the latent.

    All that it learns is in its ``state_dict``, so that a fit that was cut off goes on as if nothing had happened.

    Parameters
    ----------
    latent_dim
        Dimensions of the latent.
    width
        Columns of the variable: z-scored numbers, cosine and sine of an angle, or 0 and 1 for each class.
    """

    def __init__(self, latent_dim: int, width: int) -> None:
        super().__init__()
        self.latent_dim, self.width = latent_dim, width

    def loss(self, mu: Tensor, v: Tensor) -> Tensor:
        """Return what is added to the objective, a scalar: the lower, the less the latent tells of the variable.

        Its gradient reaches ``mu`` only, and nothing that the scrubber has learnt changes.

        Parameters
        ----------
        mu
            (n_windows, latent_dim) means; a fit z-scores each dimension in the batch.
        v
            (n_windows, width) columns of the variable, all known; at least two windows.
        """
        raise NotImplementedError

    def update(self, mu: Tensor, v: Tensor) -> None:
        """Learn from a batch, after the network's step; the tensors are detached and as `loss` has them."""

    def begin_epoch(self) -> None:
        """Do what is done once per epoch."""


@dataclass(frozen=True)
class ScrubberKind:
    """A registered scrubber.

    Attributes
    ----------
    name
        What settings call it.
    build
        ``(latent_dim, width)`` → a scrubber.
    kinds
        Of variables that it can scrub: ``"number"``, ``"angle"``, ``"class"``.
    weight
        Of its loss at strength 1.
    label
        What users read.
    """

    name: str
    build: Callable[[int, int], Scrubber]
    kinds: tuple[str, ...]
    weight: float
    label: str


SCRUBBERS: dict[str, ScrubberKind] = {}


def register_scrubber(
    name: str, kinds: tuple[str, ...], weight: float, label: str
) -> Callable[[Callable[[int, int], Scrubber]], Callable[[int, int], Scrubber]]:
    """Return the decorator that enters a scrubber; parameters as in `ScrubberKind`.

    Raises
    ------
    InputError
        If another scrubber has the name.
    """

    def enter(build: Callable[[int, int], Scrubber]) -> Callable[[int, int], Scrubber]:
        there = SCRUBBERS.get(name)
        if there is not None and getattr(there.build, "__qualname__", "") != getattr(build, "__qualname__", ""):
            raise InputError.of(f"scrubber {name!r}", "the name is taken", "choose another one")
        SCRUBBERS[name] = ScrubberKind(name, build, kinds, weight, label)
        if name not in CHOICES:
            CHOICES.append(name)
        return build

    return enter


def scrubber_kind(name: str, kind: str) -> ScrubberKind:
    """Return the scrubber of that name for a kind of variable.

    Raises
    ------
    InputError
        If there is none, or it cannot scrub such a variable.
    """
    found = SCRUBBERS.get(AUTO[kind] if name == "auto" else name)
    fit = ", ".join(k.name for k in SCRUBBERS.values() if kind in k.kinds)
    if found is None:
        raise InputError.of("setting scrub", f"{name!r} is not a scrubber", f"for a {kind}, choose from {fit}")
    if kind not in found.kinds:
        raise InputError.of("setting scrub", f"{name} cannot scrub a {kind}", f"choose from {fit}")
    return found


@register_scrubber("none", ("number", "angle", "class"), 0.0, "nothing: the decoders are told it, and that is all")
class NoScrubber(Scrubber):
    """The baseline: a conditional autoencoder without scrubbing."""

    def loss(self, mu: Tensor, v: Tensor) -> Tensor:
        """Return 0."""
        return mu.new_zeros(())
