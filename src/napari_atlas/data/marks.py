"""What a user marked: named selections, tags and notes, kept by animal and video frame so that they outlive any run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.windows import WindowTable
from napari_atlas.errors import InputError

__all__ = ["KINDS", "Annotations", "Mark", "Spans"]

Animal = tuple[str, str]
KINDS = ("selection", "tag", "note")


@dataclass(frozen=True, eq=False)
class Spans:
    """Stretches of video, by animal.

    Attributes
    ----------
    of
        By (recording, individual), (n_spans, 2) first video frame and the one after the last, rising.
    """

    of: Mapping[Animal, NDArray[np.int64]] = field(default_factory=dict)

    @classmethod
    def of_windows(cls, table: WindowTable, ids: NDArray[np.int64]) -> Spans:
        """Return the spans of windows."""
        tracks = table.track[ids]
        edges = np.stack([table.first_frame[ids], table.stop_frame[ids]], axis=1).astype(np.int64)
        found = {}
        for track in np.unique(tracks):
            key = table.keys[track]
            found[key.recording, key.individual] = edges[tracks == track]
        return cls(found)

    def __len__(self) -> int:
        return sum(len(edges) for edges in self.of.values())

    def windows(self, table: WindowTable) -> NDArray[np.int64]:
        """Return the rising ids of the windows that these spans mean in a table, whichever run it belongs to.

        A span that is a window of the table means that window. Any other one means the windows whose middle lies in
        it; if there is none, the window that its own middle lies in, the nearest one where several overlap. Animals
        that the table does not have are passed over.
        """
        animals = {(key.recording, key.individual): i for i, key in enumerate(table.keys)}
        parts = [_windows_of(table, animals[animal], edges) for animal, edges in self.of.items() if animal in animals]
        return np.unique(np.concatenate([np.empty(0, dtype=np.int64), *parts]))

    def joined(self, other: Spans) -> Spans:
        """Return the spans of both, none twice."""
        animals = dict.fromkeys((*self.of, *other.of))
        return Spans({animal: np.unique(np.concatenate(self._both(other, animal)), axis=0) for animal in animals})

    def without(self, other: Spans) -> Spans:
        """Return the spans that are not among those of *other*."""
        left = {}
        for animal, edges in self.of.items():
            gone = {tuple(edge) for edge in other.of.get(animal, _NONE).tolist()}
            kept = [edge for edge in edges.tolist() if tuple(edge) not in gone]
            if kept:
                left[animal] = np.array(kept, dtype=np.int64)
        return Spans(left)

    def as_list(self) -> list[dict[str, Any]]:
        """Return a JSON value."""
        return [
            {"recording": recording, "individual": individual, "frames": edges.tolist()}
            for (recording, individual), edges in self.of.items()
        ]

    @classmethod
    def from_list(cls, value: list[dict[str, Any]]) -> Spans:
        """Return the spans of a JSON value.

        Raises
        ------
        InputError
            If it is not one of `as_list`.
        """
        try:
            return cls(
                {
                    (str(v["recording"]), str(v["individual"])): np.array(v["frames"], dtype=np.int64).reshape(-1, 2)
                    for v in value
                }
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError.of("spans", "they are not lists of first and last frames", "restore a copy") from error

    def _both(self, other: Spans, animal: Animal) -> list[NDArray[np.int64]]:
        return [spans.of.get(animal, _NONE) for spans in (self, other)]


_NONE = np.empty((0, 2), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Mark:
    """A named selection, a tag or a note.

    Attributes
    ----------
    kind
        One of `KINDS`.
    name
        Its name; of a note its text. Unique within its kind.
    spans
        What is marked.
    color
        As "#rrggbb"; empty leaves it to the view.
    key
        Number key, 1 to 9, that sets the tag; 0 if there is none.
    """

    kind: str
    name: str
    spans: Spans = field(default_factory=Spans)
    color: str = ""
    key: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError.of("mark", f"kind {self.kind!r} is unknown", f"choose from {', '.join(KINDS)}")
        if not self.name.strip():
            raise InputError.of(self.kind, "it has no name", "give it one")
        if not 0 <= self.key <= 9:
            raise InputError.of(f"{self.kind} {self.name}", f"key {self.key} is not a number key", "choose 1 to 9")


@dataclass(frozen=True, eq=False)
class Annotations:
    """All marks of a project, in the order in which they were made."""

    marks: tuple[Mark, ...] = ()

    def of_kind(self, kind: str) -> tuple[Mark, ...]:
        """Return the marks of one kind."""
        return tuple(mark for mark in self.marks if mark.kind == kind)

    def find(self, kind: str, name: str) -> Mark | None:
        """Return a mark; None if there is no such mark."""
        return next((mark for mark in self.of_kind(kind) if mark.name == name), None)

    def with_mark(self, mark: Mark) -> Annotations:
        """Return these marks with another one, in the place of the one of its kind and name if there is one."""
        if self.find(mark.kind, mark.name) is None:
            return Annotations((*self.marks, mark))
        same = (mark.kind, mark.name)
        return Annotations(tuple(mark if (m.kind, m.name) == same else m for m in self.marks))

    def without(self, kind: str, name: str) -> Annotations:
        """Return these marks less one."""
        return Annotations(tuple(m for m in self.marks if (m.kind, m.name) != (kind, name)))

    def renamed(self, kind: str, name: str, new: str) -> Annotations:
        """Return these marks with another name for one.

        Raises
        ------
        InputError
            If another mark of its kind has that name.
        """
        if new != name and self.find(kind, new) is not None:
            raise InputError.of(f"{kind} {new}", "there is one of that name", "choose another name")
        changed = (replace(m, name=new) if (m.kind, m.name) == (kind, name) else m for m in self.marks)
        return Annotations(tuple(changed))


def _windows_of(table: WindowTable, track: int, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    first, stop = np.searchsorted(table.track, [track, track + 1])
    begin, end = table.first_frame[first:stop], table.stop_frame[first:stop]
    middle = (begin + end) // 2
    found: list[NDArray[np.int64]] = []
    for low, high in edges:
        at = int(np.searchsorted(begin, low))
        if at < begin.size and begin[at] == low and end[at] == high:
            found.append(np.array([at]))
            continue
        inside = np.arange(*np.searchsorted(middle, [low, high]))
        found.append(inside if inside.size else _holding(begin, end, (int(low) + int(high)) // 2))
    return np.asarray(first + np.concatenate([np.empty(0, dtype=np.int64), *found]), dtype=np.int64)


def _holding(begin: NDArray[np.int64], end: NDArray[np.int64], frame: int) -> NDArray[np.int64]:
    """Return the window that holds a frame, the one with the nearest middle; none if there is none."""
    holding = np.flatnonzero((begin <= frame) & (frame < end))
    middle = (begin[holding] + end[holding]) // 2
    return holding[[np.argmin(np.abs(middle - frame))]] if holding.size else holding
