"""Settings that belong together, under one name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["PRESETS", "Preset"]


@dataclass(frozen=True)
class Preset:
    """Values of some settings.

    Attributes
    ----------
    meaning
        What it is for, in one line.
    values
        By setting; the others keep their default.
    """

    meaning: str
    values: dict[str, Any] = field(default_factory=dict)


PRESETS = {
    "default": Preset("Every setting at its default: something is held out, and the best epoch is kept."),
    "reference": Preset(
        "ATLAS as published: all windows are trained on, and nothing tells when to stop.",
        {
            "latent_dim": 8,
            "encoder": "conv",
            "posterior": "diagonal",
            "epochs": 250,
            "patience": 0,
            "batch_size": 64,
            "optimiser": "adam",
            "learning_rate": 1e-3,
            "weight_decay": 0.0,
            "schedule": "constant",
            "clip": 0.0,
            "averaging": 0.0,
            "beta": 4.0,
            "beta_warmup": 40,
            "beta_cycles": 1,
            "free_bits": 0.0,
            "temperature_weight": 2.0,
            "split": "none",
            "precision": "float32",
        },
    ),
    "quick": Preset(
        "A first look at the map; too short to be believed.",
        {"epochs": 30, "patience": 10, "beta_warmup": 5},
    ),
    "thorough": Preset(
        "More epochs and more patience, for the run that is reported.",
        {"epochs": 1000, "patience": 100, "beta_warmup": 40},
    ),
    "scvae": Preset(
        "SC-VAE: residual networks, full posterior, no temperature head; the latent is not to tell the animal.",
        {"encoder": "residual", "posterior": "full", "temperature_weight": 0.0, "scrub": "individual"},
    ),
    "both": Preset(
        "ATLAS and SC-VAE: residual networks, a temperature head; the latent is not to tell the animal.",
        {"encoder": "residual", "posterior": "full", "temperature_weight": 4.0, "scrub": "individual"},
    ),
}
"""By name; a preset that is to stay as it is whatever the defaults become names all that it depends on."""
