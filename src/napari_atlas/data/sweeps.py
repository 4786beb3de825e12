"""Many fits that differ in a few settings: every combination of values, or values drawn at random."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_atlas.data.config import FitConfig
from napari_atlas.errors import InputError

__all__ = ["MOST_POINTS", "SweepPlan", "plan_sweep"]

MOST_POINTS = 10_000
_KEYS = ("kind", "points", "seed", "settings", "grid")
_RANGE_KEYS = ("low", "high", "scale")


@dataclass(frozen=True)
class SweepPlan:
    """The fits of a sweep.

    Attributes
    ----------
    varied
        Names of the settings that the points differ in.
    points
        Settings of each fit, in a fixed order; no two are the same.
    """

    varied: tuple[str, ...]
    points: tuple[FitConfig, ...]

    def values(self, index: int) -> dict[str, Any]:
        """Return what is special about a point, counted from 0."""
        return {name: getattr(self.points[index], name) for name in self.varied}


@dataclass(frozen=True)
class _Choice:
    values: tuple[Any, ...]

    def draw(self, rng: np.random.Generator) -> Any:
        return self.values[int(rng.integers(len(self.values)))]


@dataclass(frozen=True)
class _Range:
    values: tuple[float, float]
    log: bool
    whole: bool

    def draw(self, rng: np.random.Generator) -> float:
        low, high = self.values
        end = high + 1 if self.whole else high
        drawn = math.exp(rng.uniform(math.log(low), math.log(end))) if self.log else rng.uniform(low, end)
        return min(high, max(low, math.floor(drawn) if self.whole else float(f"{drawn:.6g}")))


def plan_sweep(document: Mapping[str, Any], given: Mapping[str, Any]) -> SweepPlan:
    """Return the fits that a sweep file asks for.

    Parameters
    ----------
    document
        ``kind`` ("grid" or "random"), ``grid`` (a list of values by setting; in a random sweep also a table of
        ``low``, ``high`` and ``scale``), ``settings`` (the same for all), and for a random one ``points`` and ``seed``.
    given
        Further settings, the same for all; they win over those of the file.

    Raises
    ------
    InputError
        If a key or setting is unknown, a value cannot be used, or there is nothing to vary.
    """
    if unknown := [key for key in document if key not in _KEYS]:
        raise InputError.of(", ".join(unknown), "a sweep has no such key", f"choose from {', '.join(_KEYS)}")
    kind = document.get("kind", "grid")
    if kind not in ("grid", "random"):
        raise InputError.of("kind", f"{kind!r} is not known", "choose from grid, random")
    fixed = {**_table(document, "settings"), **given}
    axes = {name: _axis(name, wanted, kind) for name, wanted in _table(document, "grid").items()}
    if not axes:
        raise InputError.of("[grid]", "it is empty", "list values in it, such as beta = [1.0, 4.0]")
    if both := [name for name in axes if name in fixed]:
        raise InputError.of(f"setting {both[0]}", "it is fixed and varied at once", "take it out of one of the two")
    points = _every(fixed, axes) if kind == "grid" else _at_random(fixed, axes, document)
    return SweepPlan(tuple(axes), points)


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key, {})
    if not isinstance(found, Mapping):
        raise InputError.of(key, f"{found!r} is not a table", f"write [{key}] and one setting per line below it")
    return found


def _axis(name: str, wanted: Any, kind: str) -> _Choice | _Range:
    where = f"[grid] {name}"
    if isinstance(wanted, Mapping) and kind == "random":
        return _range(name, wanted)
    if not isinstance(wanted, list):
        raise InputError.of(where, f"{wanted!r} is not a list", 'write [..., ...]; a range needs kind = "random"')
    if not wanted:
        raise InputError.of(where, "the list is empty", "give it a value, or take it out")
    return _Choice(tuple(wanted))


def _range(name: str, wanted: Mapping[str, Any]) -> _Range:
    where, scale = f"[grid] {name}", wanted.get("scale", "linear")
    default = FitConfig().as_dict().get(name, 0.0)
    if isinstance(default, str | bool):
        raise InputError.of(where, "it takes words, not a range", "list them in [ ]")
    if set(wanted) - set(_RANGE_KEYS) or not {"low", "high"} <= set(wanted) or scale not in ("linear", "log"):
        raise InputError.of(where, f"{dict(wanted)} is not a range", 'write {low = 1.0, high = 8.0, scale = "log"}')
    low, high = (getattr(FitConfig.from_dict({name: wanted[end]}), name) for end in ("low", "high"))
    if not low < high or (scale == "log" and low <= 0):
        raise InputError.of(where, f"{low} to {high} is not a range", "low below high, and above 0 on a log scale")
    return _Range((low, high), scale == "log", isinstance(default, int))


def _every(fixed: Mapping[str, Any], axes: Mapping[str, _Choice | _Range]) -> tuple[FitConfig, ...]:
    """Return all combinations; the last setting changes fastest."""
    lists = [axis.values for axis in axes.values()]
    if (n_points := math.prod(len(values) for values in lists)) > MOST_POINTS:
        raise InputError.of("[grid]", f"it has {n_points} points", f"keep it to {MOST_POINTS}, or draw at random")
    combined = (dict(zip(axes, values, strict=True)) for values in itertools.product(*lists))
    return tuple(dict.fromkeys(FitConfig.from_dict({**fixed, **values}) for values in combined))


def _at_random(
    fixed: Mapping[str, Any], axes: Mapping[str, _Choice | _Range], document: Mapping[str, Any]
) -> tuple[FitConfig, ...]:
    """Return points drawn one after the other: more of them begin with the same ones; fewer, if there are no more."""
    n_points = _whole(document, "points", 1)
    rng = np.random.default_rng(_whole(document, "seed", 0))
    found: dict[FitConfig, None] = {}
    for _ in range(100 * n_points):
        found[FitConfig.from_dict({**fixed, **{name: axis.draw(rng) for name, axis in axes.items()}})] = None
        if len(found) == n_points:
            break
    return tuple(found)


def _whole(document: Mapping[str, Any], key: str, least: int) -> int:
    value = document.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST_POINTS:
        raise InputError.of(key, f"{value!r} is not possible", f"write a whole number from {least} to {MOST_POINTS}")
    return value
