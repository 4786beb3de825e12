"""Every setting of a fit, with default, range and meaning, in one place."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from napari_atlas.data.scrub_text import Scrub, names_in, read_scrubs, scrub_text
from napari_atlas.errors import InputError

__all__ = ["ENCODERS", "FitConfig", "describe"]

ENCODERS = ["conv", "residual"]
"""Choices of ``encoder``; the model's registry appends to them what a lab brings."""


def _knob(default: Any, meaning: str, **limits: Any) -> Any:
    return field(default=default, metadata={"meaning": meaning, **limits})


@dataclass(frozen=True)
class FitConfig:
    """The settings of one fit; those that exist are of their kind and within their range."""

    latent_dim: int = _knob(8, "Dimensions of the shared latent.", low=1, high=256)
    encoder: str = _knob("conv", "Network of each species: conv is that of ATLAS.", choices=ENCODERS)
    posterior: str = _knob("diagonal", "Covariance of a window's place in the latent.", choices=("diagonal", "full"))
    epochs: int = _knob(250, "Passes over the longest species, at most.", low=1, high=100_000)
    patience: int = _knob(
        25, "Stop after so many epochs without a better validation loss; 0 never stops.", low=0, high=100_000
    )
    batch_size: int = _knob(64, "Windows of each species per step.", low=2, high=65_536)
    optimiser: str = _knob("adam", "How the weights follow the gradient.", choices=("adam", "adamw"))
    learning_rate: float = _knob(1e-3, "Step size, at its highest.", low=1e-7, high=1.0)
    weight_decay: float = _knob(0.0, "Pull of the weights towards 0.", low=0.0, high=1.0)
    schedule: str = _knob(
        "constant", "Step size over the epochs: one-cycle rises and falls.", choices=("constant", "cosine", "one-cycle")
    )
    clip: float = _knob(0.0, "Longest gradient; a longer one is shortened to it; 0 lets all pass.", low=0.0, high=1e6)
    averaging: float = _knob(
        0.995,
        "Share of the past in the running mean of the weights that is kept; 0 keeps single steps.",
        low=0.0,
        high=0.9999,
    )
    beta: float = _knob(2.5, "Weight of the KL term once warmed up.", low=0.0, high=1000.0)
    beta_warmup: int = _knob(20, "Epochs over which beta rises from 0.", low=0, high=100_000)
    beta_cycles: int = _knob(
        1, "How often beta rises from 0 before the last rise holds; 1 is a plain warm-up.", low=1, high=100
    )
    free_bits: float = _knob(
        0.0, "Nats per latent dimension up to which the KL term asks for nothing.", low=0.0, high=100.0
    )
    temperature_weight: float = _knob(
        4.0, "Weight of the temperature head, and of further heads; 0 switches them off.", low=0.0, high=1000.0
    )
    heads: str = _knob("", "Covariates beside the temperature that the latent is asked for, with commas between.")
    scrub: str = _knob(
        "",
        "Variables that are taken out of the latent, with commas between, as NAME, NAME:SCRUBBER or "
        "NAME:SCRUBBER:STRENGTH. The decoders are told them instead.",
    )
    condition: str = _knob("", "Variables that the decoders are told as well, with commas between.")
    pose_weight: float = _knob(
        0.0, "Weight of the squared distance of joints, for species of signal pose-6d.", low=0.0, high=1000.0
    )
    split: str = _knob(
        "auto",
        "What is held out: whole recordings, individuals, blocks of time, shuffled one-minute sections, or one fold "
        "of kfold; none trains on everything.",
        choices=("auto", "recording", "individual", "block", "sections", "kfold", "none"),
    )
    folds: int = _knob(5, "Into how many folds split=kfold deals recordings, individuals or blocks.", low=2, high=50)
    fold: int = _knob(0, "Which fold split=kfold holds out as test, counted from 0.", low=0, high=49)
    validation_fraction: float = _knob(0.125, "Share of the windows that chooses the best epoch.", low=0.0, high=0.5)
    test_fraction: float = _knob(
        0.25, "Share of the windows that is only ever reported; kfold takes a fold instead.", low=0.0, high=0.5
    )
    seed: int = _knob(0, "Random seed; on the CPU the same seed gives the same result.", low=0, high=2**31 - 1)
    device: str = _knob("auto", "Where to compute.", choices=("auto", "cpu", "cuda", "mps"))
    precision: str = _knob(
        "float32",
        "Numbers of the networks' products; bfloat16 is faster on some GPUs.",
        choices=("float32", "bfloat16"),
    )

    def __post_init__(self) -> None:
        for knob in fields(self):
            value = _parse(knob, getattr(self, knob.name))
            _check(knob, value)
            object.__setattr__(self, knob.name, value)
        object.__setattr__(self, "heads", ",".join(self.head_names))
        object.__setattr__(self, "scrub", scrub_text(self.scrubs))
        object.__setattr__(self, "condition", ",".join(names_in(self.condition)))
        self._check_heads()
        if self.fold >= self.folds:
            raise InputError.of(
                "setting fold", f"{self.fold} is not below folds={self.folds}", f"choose from 0 to {self.folds - 1}"
            )

    @property
    def head_names(self) -> tuple[str, ...]:
        """The covariates that ``heads`` names."""
        return names_in(self.heads)

    @property
    def scrubs(self) -> tuple[Scrub, ...]:
        """What ``scrub`` asks for."""
        return read_scrubs(self.scrub)

    @property
    def variable_names(self) -> tuple[str, ...]:
        """The variables that ``scrub`` and ``condition`` name."""
        return tuple(dict.fromkeys((*(scrub.name for scrub in self.scrubs), *names_in(self.condition))))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FitConfig:
        """Return the settings named in *values*, text or numbers; the others keep their default.

        Raises
        ------
        InputError
            If a name is unknown or a value cannot be read or is out of range.
        """
        knobs = [knob.name for knob in fields(cls)]
        unknown = [name for name in values if name not in knobs]
        if unknown:
            raise InputError.of("settings", f"{', '.join(unknown)} is not a setting", f"choose from {', '.join(knobs)}")
        return cls(**values)

    @classmethod
    def from_toml(cls, text: str) -> FitConfig:
        """Return the settings that a TOML document names; the others keep their default.

        Raises
        ------
        InputError
            If it is not TOML, a name is unknown, or a value cannot be read or is out of range.
        """
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InputError.of("settings", f"they are not valid TOML ({error})", "write key = value") from error
        return cls.from_dict(values)

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON types."""
        return dataclasses.asdict(self)

    def to_toml(self) -> str:
        """Return the settings as a TOML document, the meaning of each in front of it."""
        return "\n".join(
            f"# {knob.metadata['meaning']}\n{knob.name} = {json.dumps(getattr(self, knob.name))}\n"
            for knob in fields(self)
        )

    def _check_heads(self) -> None:
        if "temperature" in self.head_names:
            cure = "take it out, and set temperature_weight"
            raise InputError.of("setting heads", "the temperature has a head of its own", cure)
        if self.heads and not self.temperature_weight:
            cure = "give temperature_weight a value above 0"
            raise InputError.of("setting heads", "temperature_weight=0 switches all heads off", cure)


def describe() -> list[dict[str, Any]]:
    """Return name, default, meaning and limits of every setting, for forms and tables."""
    return [{"name": k.name, "default": k.default, **k.metadata} for k in fields(FitConfig)]


def _parse(knob: dataclasses.Field[Any], value: Any) -> Any:
    kind, read = _KINDS[type(knob.default)]
    try:
        return read(value)
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        cure = f"write {json.dumps(knob.default)}, its default, or another"
        raise InputError.of(f"setting {knob.name}", f"{value!r} is not {kind}", cure) from error


def _as_bool(value: Any) -> bool:
    return _WORDS[str(value).strip().lower()]


def _as_int(value: Any) -> int:
    if isinstance(value, bool) or (not isinstance(value, str) and int(value) != value):
        raise TypeError
    return int(value)


def _as_float(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def _as_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_KINDS: dict[type, tuple[str, Callable[[Any], Any]]] = {
    bool: ("true or false", _as_bool),
    int: ("a whole number", _as_int),
    float: ("a number", _as_float),
    str: ("a word", _as_text),
}


def _check(knob: dataclasses.Field[Any], value: Any) -> None:
    choices = knob.metadata.get("choices")
    if choices is not None and value not in choices:
        raise InputError.of(f"setting {knob.name}", f"{value!r} is not possible", f"choose from {', '.join(choices)}")
    low, high = knob.metadata.get("low"), knob.metadata.get("high")
    if low is not None and not low <= value <= high:
        raise InputError.of(f"setting {knob.name}", f"{value} is out of range", f"give a value from {low} to {high}")
