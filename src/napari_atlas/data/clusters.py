"""Windows in groups."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.species import COLORS
from napari_atlas.errors import InputError

__all__ = ["Clustering"]

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_BY_HAND = " · merged by hand"


@dataclass(frozen=True, eq=False)
class Clustering:
    """A way to put the windows of a run into clusters.

    Attributes
    ----------
    name
        What it is called; it names its file, so letters, digits, blanks, dots and dashes only.
    recipe
        How it was made, in words, such as "k-means · k=8 · seed 0".
    codes
        (n_windows,) index into ``labels``; −1 for a window in no cluster.
    labels
        Names of the clusters, each another one.
    colors
        One per cluster, as "#rrggbb".
    note
        What is known of how well they hold, one sentence; empty if nothing.
    """

    name: str
    recipe: str
    codes: NDArray[np.int64]
    labels: tuple[str, ...]
    colors: tuple[str, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        if not self.colors:
            object.__setattr__(self, "colors", tuple(map(_color, range(len(self.labels)))))
        where = f"clusters {self.name}"
        if len(set(self.labels)) < len(self.labels):
            raise InputError.of(where, "two have one name", "give each another name")
        if not all(label.strip() for label in self.labels):
            raise InputError.of(where, "one has no name", "give it one")
        if len(self.colors) != len(self.labels) or not all(map(_HEX.fullmatch, self.colors)):
            raise InputError.of(where, "a colour is missing or is not #rrggbb", "make them again")
        if self.codes.size and not -1 <= self.codes.min() <= self.codes.max() < len(self.labels):
            raise InputError.of(where, "a window is in a cluster that is not named", "make them again")

    def members(self, label: str) -> NDArray[np.int64]:
        """Return the window ids of one cluster, rising; empty if there is no such cluster."""
        found = label in self.labels
        return np.flatnonzero(self.codes == self.labels.index(label)) if found else np.empty(0, dtype=np.int64)

    def label_of(self, window: int) -> str:
        """Return the cluster of a window; empty if it is in none."""
        code = int(self.codes[window])
        return self.labels[code] if code >= 0 else ""

    def renamed(self, label: str, new: str) -> Clustering:
        """Return these clusters with another name for one; two of one name are refused."""
        return replace(self, labels=tuple(new if name == label else name for name in self.labels))

    def recolored(self, label: str, color: str) -> Clustering:
        """Return these clusters with another colour for one."""
        pairs = zip(self.labels, self.colors, strict=True)
        return replace(self, colors=tuple(color if name == label else old for name, old in pairs))

    def merged(self, labels: tuple[str, ...]) -> Clustering:
        """Return these clusters with some made one, which has the name, the colour and the place of the first.

        The recipe tells of it, and the note goes: what was found out held for the clusters as they were made.
        """
        into = self.labels.index(labels[0])
        target = np.array([into if name in labels else i for i, name in enumerate(self.labels)])
        kept = sorted(set(target.tolist()))
        codes = np.full(self.codes.size, -1, dtype=np.int64)
        inside = self.codes >= 0
        codes[inside] = np.searchsorted(kept, target[self.codes[inside]])
        names, colors = tuple(self.labels[i] for i in kept), tuple(self.colors[i] for i in kept)
        recipe = self.recipe.removesuffix(_BY_HAND) + _BY_HAND
        return replace(self, recipe=recipe, codes=codes, labels=names, colors=colors, note="")


def _color(place: int) -> str:
    """Return a colour of the palette, or a darker one each time that they are used up."""
    color, dark = COLORS[place % len(COLORS)], 0.72 ** (place // len(COLORS) % 4)
    return "#" + "".join(f"{round(int(color[i : i + 2], 16) * dark):02X}" for i in (1, 3, 5))
