"""Every setting of a fit, with default, range and meaning, in one place."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from napari_atlas.errors import InputError

__all__ = ["ENCODERS", "FitConfig", "describe"]

ENCODERS = ["conv", "residual"]
"""Choices of ``encoder``; the model's registry appends to them what a lab brings."""


def _knob(default: Any, meaning: str, **limits: Any) -> Any:
    return field(default=default, metadata={"meaning": meaning, **limits})


@dataclass(frozen=True)
class FitConfig:
    """The settings of one fit; those that exist are within their range."""

    latent_dim: int = _knob(8, "Dimensions of the shared latent.", low=1, high=256)
    encoder: str = _knob("conv", "Network of each species: conv is that of ATLAS.", choices=ENCODERS)
    posterior: str = _knob("diagonal", "Covariance of a window's place in the latent.", choices=("diagonal", "full"))
    epochs: int = _knob(250, "Passes over the longest species, at most.", low=1, high=100_000)
    patience: int = _knob(
        25, "Stop after so many epochs without a better validation loss; 0 never stops.", low=0, high=100_000
    )
    batch_size: int = _knob(64, "Windows of each species per step.", low=2, high=65_536)
    learning_rate: float = _knob(1e-3, "Step size of Adam.", low=1e-7, high=1.0)
    averaging: float = _knob(
        0.99,
        "Share of the past in the running mean of the weights that is kept; 0 keeps single steps.",
        low=0.0,
        high=0.9999,
    )
    beta: float = _knob(4.0, "Weight of the KL term once warmed up.", low=0.0, high=1000.0)
    beta_warmup: int = _knob(20, "Epochs over which beta rises from 0.", low=0, high=100_000)
    temperature_weight: float = _knob(4.0, "Weight of the temperature head; 0 switches it off.", low=0.0, high=1000.0)
    split: str = _knob(
        "auto",
        "What is held out: whole recordings, individuals, or blocks of time; none trains on everything.",
        choices=("auto", "recording", "individual", "block", "none"),
    )
    validation_fraction: float = _knob(0.125, "Share of the windows that chooses the best epoch.", low=0.0, high=0.5)
    test_fraction: float = _knob(0.25, "Share of the windows that is only ever reported.", low=0.0, high=0.5)
    seed: int = _knob(0, "Random seed; on the CPU the same seed gives the same result.", low=0, high=2**31 - 1)
    device: str = _knob("auto", "Where to compute.", choices=("auto", "cpu", "cuda", "mps"))

    def __post_init__(self) -> None:
        for knob in fields(self):
            _check(knob, getattr(self, knob.name))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FitConfig:
        """Return the settings named in *values*, text or numbers; the others keep their default.

        Raises
        ------
        InputError
            If a name is unknown or a value cannot be read or is out of range.
        """
        knobs = {knob.name: knob for knob in fields(cls)}
        unknown = [name for name in values if name not in knobs]
        if unknown:
            raise InputError.of("settings", f"{', '.join(unknown)} is not a setting", f"choose from {', '.join(knobs)}")
        return cls(**{name: _parse(knobs[name], value) for name, value in values.items()})

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON types."""
        return dataclasses.asdict(self)


def describe() -> list[dict[str, Any]]:
    """Return name, default, meaning and limits of every setting, for forms and tables."""
    return [{"name": k.name, "default": k.default, **k.metadata} for k in fields(FitConfig)]


def _parse(knob: dataclasses.Field[Any], value: Any) -> Any:
    kind: Callable[[Any], Any] = type(knob.default)
    try:
        return kind(value)
    except (TypeError, ValueError) as error:
        raise InputError.of(
            f"setting {knob.name}", f"{value!r} is not {type(knob.default).__name__}", f"default {knob.default}"
        ) from error


def _check(knob: dataclasses.Field[Any], value: Any) -> None:
    choices = knob.metadata.get("choices")
    if choices is not None and value not in choices:
        raise InputError.of(f"setting {knob.name}", f"{value!r} is not possible", f"choose from {', '.join(choices)}")
    low, high = knob.metadata.get("low"), knob.metadata.get("high")
    if low is not None and not low <= value <= high:
        raise InputError.of(f"setting {knob.name}", f"{value} is out of range", f"give a value from {low} to {high}")
