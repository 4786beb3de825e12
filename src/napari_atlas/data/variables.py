"""Variables that a latent is scrubbed of, and that the decoders are told: one row per window."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.windows import WindowTable
from napari_atlas.errors import InputError

__all__ = ["KINDS", "TABLE_VARIABLES", "Candidate", "Measured", "Variable", "table_variable"]

KINDS = ("number", "angle", "class")
TABLE_VARIABLES = ("individual", "recording", "species", "temperature", "activity")
"""Variables that every table of windows holds, beside its covariates."""

# Names that trackers give; the same one in another recording is another animal.
_GENERIC = re.compile(r"(animal|track|ind|individual|instance|mouse|rat|fish)?[-_ ]?\d+", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Measured:
    """A variable as it was measured.

    Attributes
    ----------
    name
        Of the variable.
    kind
        One of ``KINDS``.
    values
        (n_windows, n_values): numbers, or one angle in radians, or one code into ``classes``; NaN where unknown.
    classes
        Names of the classes; empty for the other kinds.
    """

    name: str
    kind: str
    values: NDArray[np.float64]
    classes: tuple[str, ...] = ()

    @property
    def known(self) -> NDArray[np.bool_]:
        """(n_windows,) whether all of it is known."""
        return np.asarray(np.isfinite(self.values).all(axis=1))

    def labels(self) -> NDArray[np.str_]:
        """Return the (n_windows,) names of the classes, empty where unknown or of another kind."""
        named = self.known & bool(self.classes)
        return np.array(("", *self.classes))[np.where(named, self.values[:, 0] + 1, 0).astype(np.int64)]


@dataclass(frozen=True)
class Candidate:
    """A variable that could be taken out of a latent.

    Attributes
    ----------
    name
        Of the variable.
    kind
        One of ``KINDS``.
    hindrance
        Why there is nothing to take out, a few words; empty if there is.
    """

    name: str
    kind: str
    hindrance: str = ""


@dataclass(frozen=True)
class Variable:
    """What networks need to know of a variable: how its values become columns.

    Attributes
    ----------
    name
        Of the variable.
    kind
        One of ``KINDS``.
    classes
        Names of the classes among the windows that it was fitted on.
    mean, std
        Of numbers among these windows, one for each value.
    given
        Whether the decoders are told it.
    """

    name: str
    kind: str
    classes: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    given: bool = True

    @classmethod
    def of(cls, measured: Measured, trained: NDArray[np.bool_], given: bool = True) -> Variable | None:
        """Return the variable as training windows have it; None if it is the same in all that know it."""
        values = measured.values[trained & measured.known]
        if not len(values) or not (np.ptp(values, axis=0) > 1e-12).any():
            return None
        if measured.kind == "class":
            there = np.unique(values[:, 0].astype(np.int64))
            return cls(measured.name, "class", tuple(measured.classes[i] for i in there), given=given)
        if measured.kind == "angle":
            return cls(measured.name, "angle", given=given)
        std = values.std(axis=0)
        mean, spread = values.mean(axis=0), np.where(std > 1e-12, std, 1.0)
        return cls(measured.name, "number", (), tuple(mean.tolist()), tuple(spread.tolist()), given)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Variable:
        """Return what `dataclasses.asdict` gave, once it went through JSON."""
        told: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        return cls(**told)

    @property
    def width(self) -> int:
        """Number of its columns: one per number, cosine and sine of an angle, or one per class."""
        return {"number": len(self.mean), "angle": 2, "class": len(self.classes)}[self.kind]

    def columns(self, measured: Measured) -> NDArray[np.float32]:
        """Return (n_windows, width) columns: z-scored numbers, cosine and sine, or 0 and 1 for each class.

        Rows of unknown values, and of classes that training windows do not have, are NaN.

        Raises
        ------
        InputError
            If it was measured as another kind, or has another number of values.
        """
        if measured.kind != self.kind or (self.kind == "number" and measured.values.shape[1] != len(self.mean)):
            told = f"it is {measured.values.shape[1]} of kind {measured.kind} here, and {self.kind} in the weights"
            raise InputError.of(f"variable {self.name}", told, "measure it as in the fit")
        if self.kind == "number":
            return np.asarray((measured.values - np.array(self.mean)) / np.array(self.std), dtype=np.float32)
        if self.kind == "angle":
            return np.concatenate([np.cos(measured.values), np.sin(measured.values)], axis=1).astype(np.float32)
        texts = measured.labels()
        columns = np.stack([texts == name for name in self.classes], axis=1).astype(np.float32)
        columns[columns.sum(axis=1) == 0] = np.nan
        return columns

    def column(self, value: float | str | tuple[float, ...]) -> NDArray[np.float32]:
        """Return the (width,) columns of one value: numbers in their own unit, radians, or the name of a class.

        Raises
        ------
        InputError
            If a class is not known.
        """
        if self.kind == "class":
            if value not in self.classes:
                cure = f"choose from {', '.join(self.classes)}"
                raise InputError.of(f"variable {self.name}", f"{value!r} is not a class of it", cure)
            return np.array([name == value for name in self.classes], np.float32)
        values = np.atleast_2d(np.asarray(value, dtype=np.float64))
        columns: NDArray[np.float32] = self.columns(Measured(self.name, self.kind, values))[0]
        return columns


def table_variable(table: WindowTable, name: str) -> Measured | None:
    """Return a variable that a table of windows holds: one of ``TABLE_VARIABLES``, or a covariate; None if neither.

    An individual whose name a tracker made up, such as ``track_0``, is an animal of its own in each recording.
    """
    if name in ("temperature", "activity"):
        return Measured(name, "number", getattr(table, name)[:, None])
    if name in ("recording", "species", "individual"):
        texts = np.array([_text_of(key, name) for key in table.keys] or [""])
        classes, codes = np.unique(texts, return_inverse=True)
        values = codes[table.track].astype(np.float64) if len(table) else np.empty(0)
        return Measured(name, "class", values[:, None], tuple(classes.tolist()))
    for column in table.covariates:
        if column.name == name:
            kind = "class" if column.classes else "number"
            return Measured(name, kind, column.values[:, None], column.classes)
    return None


def _text_of(key: Any, name: str) -> str:
    if name != "individual":
        return str(getattr(key, name))
    return f"{key.recording} {key.individual}" if _GENERIC.fullmatch(key.individual) else str(key.individual)
