"""Covariates beside the temperature that a latent is asked for: which they are, and how well it tells them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas._pretrained import AsItIs, FromWeights, Start
from napari_atlas.data.covariate_columns import CovariateColumn, recoded
from napari_atlas.data.results import json_safe
from napari_atlas.data.scaling import Scaler
from napari_atlas.data.windows import WindowTable
from napari_atlas.errors import InputError

if TYPE_CHECKING:
    from napari_atlas.model.runner import Prepared

__all__ = ["Asked", "ask", "figures_of", "predictions"]


@dataclass(frozen=True)
class Asked:
    """A covariate that the latent is asked for.

    Attributes
    ----------
    name
        Of the covariate.
    classes
        Names of its classes, in the order of the head's codes; empty if it is a number.
    mean, std
        Of a number among the windows that its head was first trained on.
    """

    name: str
    classes: tuple[str, ...] = ()
    mean: float = 0.0
    std: float = 1.0

    @classmethod
    def of(cls, column: CovariateColumn, trained: NDArray[np.bool_]) -> Asked | None:
        """Return what training windows make of a covariate; None if it is the same in all that know it."""
        values = column.values[trained]
        known = values[np.isfinite(values)]
        if not known.size or np.ptp(known) <= 1e-9:
            return None
        if column.classes:
            return cls(column.name, column.classes)
        scaler = Scaler.of_labels(known)
        return cls(column.name, (), float(scaler.mean[0]), float(scaler.std[0]))

    @classmethod
    def from_dict(cls, name: str, known: Mapping[str, Any]) -> Asked:
        """Return what `as_dict` gave."""
        return cls(name, tuple(map(str, known["classes"])), float(known["mean"]), float(known["std"]))

    def as_dict(self) -> dict[str, Any]:
        """Return all but the name, as JSON types."""
        return {"classes": list(self.classes), "mean": self.mean, "std": self.std}

    @property
    def scaler(self) -> Scaler:
        """What z-scores a number."""
        return Scaler(np.array([self.mean]), np.array([self.std]))

    def labels(self, table: WindowTable) -> NDArray[np.float64]:
        """Return the (n_windows,) numbers, or codes of its own classes.

        NaN where unknown, where the class is none of its own, and throughout if a table has a number in place of
        classes or the other way round.
        """
        for column in table.covariates:
            if column.name == self.name and bool(column.classes) == bool(self.classes):
                return recoded(column, self.classes)
        return np.full(len(table), np.nan)

    def in_own_unit(self, said: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what a head says, a number in its own unit."""
        return said if self.classes else self.scaler.undo(said.astype(np.float64)).astype(np.float32)


def ask(prepared: Prepared, start: Start) -> tuple[Prepared, tuple[Asked, ...], tuple[str, ...]]:
    """Return a fit whose latent is asked for what its settings name, what that is, and notes.

    Heads that the weights have stay, and are trained on where the windows hold their covariate.

    Raises
    ------
    InputError
        If the settings name what the windows do not hold, or nothing is left to train.
    """
    columns = {column.name: column for column in prepared.windows.table.covariates}
    _check_there(prepared.config.head_names, columns)
    kept = [head.name for head in prepared.model.architecture.heads]
    known = _known(start)
    asked = {name: known[name] for name in kept if name in known}
    notes = [text for name in kept if (text := _unlike(name, asked.get(name), columns.get(name)))]
    names = [name for name in prepared.config.head_names if name not in kept]
    if start.trains:
        trained = prepared.windows.table.in_split("train")
        new = {name: found for name in names if (found := Asked.of(columns[name], trained))}
        notes += [f"{name} is the same in all training windows: the latent is not asked for it"
                  for name in names if name not in new]  # fmt: skip
        prepared = _with_heads(prepared, asked | new)
        asked |= new
    elif names:
        notes.append(f"nothing is trained, so the latent is not asked for {', '.join(names)}")
    return _named(prepared, [name for name in asked if name in columns]), tuple(asked.values()), tuple(notes)


def predictions(prepared: Prepared, heads: Iterable[Asked], mu: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Return by name (n_windows,) numbers in their own unit, or codes of classes, read off the latent."""
    from napari_atlas.model.encoding import read_heads

    said = read_heads(prepared.model, mu)
    return {head.name: head.in_own_unit(said[head.name]) for head in heads}


def figures_of(
    table: WindowTable, heads: Iterable[Asked], told: Mapping[str, NDArray[np.float32]]
) -> dict[str, dict[str, Any]]:
    """Return the card's ``heads``: by name the classes, and the figures of each species beside their nulls.

    Empty without heads.
    """
    from napari_atlas.analysis.alignment import covariate_r2
    from napari_atlas.analysis.classes import class_figures

    card = {}
    for head in heads:
        labels, said = head.labels(table), told[head.name]
        if head.classes:
            figures = class_figures(table, labels, said)
        else:
            figures = {species: asdict(found) for species, found in covariate_r2(table, labels, said).items()}
        card[head.name] = {"classes": list(head.classes), "species": json_safe(figures)}
    return {"heads": card} if card else {}


def _check_there(names: Iterable[str], columns: Iterable[str]) -> None:
    for name in names:
        if name not in columns:
            known = f"choose from {', '.join(columns)}" if columns else "add one with 'napari-atlas change --covariate'"
            raise InputError.of("setting heads", f"the windows have no covariate {name!r}", known)


def _known(start: Start) -> dict[str, Asked]:
    """Return what the heads of the weights stand for, as far as it is told."""
    if not isinstance(start, AsItIs | FromWeights):
        return {}
    try:
        return {name: Asked.from_dict(name, found) for name, found in start.origin.known.get("heads", {}).items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        beside = start.origin.path.with_suffix(".json")
        raise InputError.of(
            beside, "a value of its heads is missing or wrong", "restore a copy, or delete it"
        ) from error


def _unlike(name: str, asked: Asked | None, column: CovariateColumn | None) -> str:
    """Return in what a head of the weights does not fit the windows; empty if it does, or they do not hold it."""
    if asked is None:
        return f"head {name} of the weights: nothing tells what it stands for, so it is left as it is"
    if column is None:
        return ""
    if bool(column.classes) != bool(asked.classes):
        return f"head {name} of the weights tells {_kind(asked)}, but here it is {_kind(column)}: it is not judged"
    strange = [text for text in column.classes if text not in asked.classes]
    return f"head {name} of the weights does not know {', '.join(strange)}: these are not judged" if strange else ""


def _kind(told: Asked | CovariateColumn) -> str:
    return "a class" if told.classes else "a number"


def _with_heads(prepared: Prepared, asked: Mapping[str, Asked]) -> Prepared:
    """Return a fit with a head for each, and the labels to train it on."""
    from napari_atlas.model.heads import Head
    from napari_atlas.model.pretrained import with_heads

    there, table = {head.name: head for head in prepared.model.architecture.heads}, prepared.windows.table
    heads = {there.get(name) or Head(name, len(head.classes)): head for name, head in asked.items()}
    if heads:
        labels = {head: told.labels(table) for head, told in heads.items()}
        prepared = with_heads(prepared, labels, {name: told.scaler for name, told in asked.items()})
    if not any(weights.requires_grad for weights in prepared.model.parameters()):
        raise InputError.of("setting heads", "all else is frozen, and none of these can be told", "name another one")
    return prepared


def _named(prepared: Prepared, names: Iterable[str]) -> Prepared:
    """Return a fit whose settings name all that its latent is asked for, so that other labels are noticed."""
    config = prepared.config
    if not config.temperature_weight:
        return prepared
    every = dict.fromkeys((*config.head_names, *names))
    return replace(prepared, config=replace(config, heads=",".join(every)))
