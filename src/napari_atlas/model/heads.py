"""Heads: what the latent is asked to tell, beside the window itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from napari_atlas.errors import InputError

__all__ = ["HEADS", "Head", "HeadKind", "Prediction", "masked_cross_entropy", "masked_mean", "masked_mse", "shares"]


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
    known
        ``labels`` → (n_windows,) whether each label is known.
    error
        ``(predictions, labels)`` → (n_windows,) error of each window; labels that are not known are 0.
    """

    build: Callable[[int, int], nn.Module]
    known: Callable[[Tensor], Tensor]
    error: Callable[[Tensor, Tensor], Tensor]


class Prediction(NamedTuple):
    """What a head says of a batch.

    ``values`` is (n_windows,) for a number, z-scored, and (n_windows, n_classes) logits for classes.
    """

    head: Head
    values: Tensor


def masked_mse(predicted: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean squared error over the labels that are not NaN, 0 if there are none."""
    return masked_mean(HEADS["regression"], predicted, wanted)


def masked_cross_entropy(logits: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean cross entropy, in nats, over the known labels, 0 if there are none.

    Parameters
    ----------
    logits
        (n_windows, n_classes).
    wanted
        (n_windows,) classes from 0; −1, or NaN, where unknown.
    """
    return masked_mean(HEADS["classification"], logits, wanted)


def masked_mean(kind: HeadKind, predicted: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean error over the known labels, 0 if there are none."""
    known = kind.known(wanted)
    return (kind.error(predicted, torch.where(known, wanted, 0.0)) * shares(known)).sum()


def shares(known: Tensor) -> Tensor:
    """Return how much each label counts: all known ones of a row of (…, n_windows) the same, 1 together."""
    return known / known.sum(-1, keepdim=True).clamp(min=1)


def _dense(latent_dim: int, n_classes: int) -> nn.Module:
    out = nn.Linear(32, n_classes or 1)
    return nn.Sequential(nn.Linear(latent_dim, 32), nn.ReLU(), out, nn.Identity() if n_classes else nn.Flatten(0))


def _squared_error(predicted: Tensor, wanted: Tensor) -> Tensor:
    return (predicted - wanted).square()


def _cross_entropy(logits: Tensor, wanted: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits, wanted.long(), reduction="none")


HEADS = {
    "regression": HeadKind(_dense, torch.isfinite, _squared_error),
    "classification": HeadKind(_dense, lambda labels: labels >= 0, _cross_entropy),
}
