"""Heads: what the latent is asked to tell, beside the window itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from napari_atlas.errors import InputError

__all__ = ["HEADS", "Head", "HeadKind", "Prediction", "masked_cross_entropy", "masked_mse"]


@dataclass(frozen=True)
class Head:
    """A covariate that is told from the latent, by one set of weights for all species.

    Attributes
    ----------
    name
        Of the covariate.
    n_classes
        How many classes it has; 0 if it is a number.
    weight
        Of its error, beside that of the temperature, which counts 1. The setting ``temperature_weight`` then scales
        both, so 0 switches all heads off.
    """

    name: str
    n_classes: int = 0
    weight: float = 1.0

    def __post_init__(self) -> None:
        if self.n_classes < 0 or self.n_classes == 1:
            raise InputError.of(f"head {self.name}", f"{self.n_classes} classes", "give 0 for a number, or 2 and more")

    @property
    def kind(self) -> HeadKind:
        """How it is built and judged."""
        return HEADS["classification" if self.n_classes else "regression"]


@dataclass(frozen=True)
class HeadKind:
    """How heads of one kind are built and judged.

    Attributes
    ----------
    build
        ``(latent_dim, n_classes)`` → a module from (n_windows, latent_dim) to predictions.
    loss
        ``(predictions, labels)`` → mean error over the known labels, 0 if there are none.
    """

    build: Callable[[int, int], nn.Module]
    loss: Callable[[Tensor, Tensor], Tensor]


class Prediction(NamedTuple):
    """What a head says of a batch.

    ``values`` is (n_windows,) for a number, z-scored, and (n_windows, n_classes) logits for classes.
    """

    head: Head
    values: Tensor


def masked_mse(predicted: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean squared error over the labels that are not NaN, 0 if there are none."""
    known = torch.isfinite(wanted)
    error = torch.where(known, predicted - torch.where(known, wanted, 0.0), 0.0)
    return error.square().sum() / known.sum().clamp(min=1)


def masked_cross_entropy(logits: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean cross entropy, in nats, over the known labels, 0 if there are none.

    Parameters
    ----------
    logits
        (n_windows, n_classes).
    wanted
        (n_windows,) classes from 0; −1, or NaN, where unknown.
    """
    known = wanted >= 0
    error = nn.functional.cross_entropy(logits, torch.where(known, wanted, 0.0).long(), reduction="none")
    return torch.where(known, error, 0.0).sum() / known.sum().clamp(min=1)


def _dense(latent_dim: int, n_classes: int) -> nn.Module:
    out = nn.Linear(32, n_classes or 1)
    return nn.Sequential(nn.Linear(latent_dim, 32), nn.ReLU(), out, nn.Identity() if n_classes else nn.Flatten(0))


HEADS = {
    "regression": HeadKind(_dense, masked_mse),
    "classification": HeadKind(_dense, masked_cross_entropy),
}
