"""How well variables can be read off a latent: figures, each beside its chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from napari_atlas.data.results import json_safe

__all__ = ["Decoded", "Scores"]


@dataclass(frozen=True)
class Decoded:
    """How well one variable can be told from the latent, or from the signal itself, on held-out windows.

    Attributes
    ----------
    variable
        Its name.
    kind
        ``"number"``, ``"angle"`` or ``"class"``.
    decoder
        ``"linear"`` or ``"mlp"`` (R²) for numbers and angles; ``"logistic"``, ``"qda"`` or ``"mlp"`` (accuracy,
        balanced over the classes) for classes.
    source
        ``"latent"`` or ``"signal"``.
    score
        Mean over the folds; NaN where it is not defined.
    spread
        Standard deviation over the folds.
    chance
        Mean of the same over shuffled variables.
    chance_high
        95th percentile of it over the shuffles.
    n_windows
        Windows that it was taken from.
    scrubbed
        Whether the fit was asked to take the variable out of the latent.
    """

    variable: str
    kind: str
    decoder: str
    source: str
    score: float
    spread: float
    chance: float
    chance_high: float
    n_windows: int
    scrubbed: bool = False


@dataclass(frozen=True)
class Scores:
    """What the verb ``score`` found of one run.

    Attributes
    ----------
    run
        Its id.
    decoded
        In the order of the variables, scrubbed ones first.
    notes
        Plain sentences, such as that a variable goes with the behaviour and cannot be told apart from it.
    more
        Further figures by name, as JSON has them.
    """

    run: str
    decoded: tuple[Decoded, ...] = ()
    notes: tuple[str, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as values that JSON knows, None for NaN."""
        return {name: json_safe(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Scores:
        """Return what `as_dict` gave, once it went through JSON; None stands for NaN."""
        rows: list[dict[str, Any]] = [
            {key: float("nan") if value is None else value for key, value in row.items()}
            for row in values.get("decoded", ())
        ]
        decoded = tuple(Decoded(**row) for row in rows)
        return cls(str(values["run"]), decoded, tuple(values.get("notes", ())), dict(values.get("more", {})))
