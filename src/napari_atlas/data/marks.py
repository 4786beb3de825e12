"""What a user marked: named selections, tags and notes, kept by animal and video frame so that they outlive any run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
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
        By (recording, individual), (n_spans, 2) first video frame and the one after the last, rising; none twice.
    """

    of: Mapping[Animal, NDArray[np.int64]] = field(default_factory=dict)

    @classmethod
    def of_windows(cls, table: WindowTable, ids: NDArray[np.int64]) -> Spans:
        """Return the spans of windows."""
        rising = _rising(table, [ids])
        begins = np.flatnonzero(np.diff(table.track[rising])) + 1
        found = {}
        for own in np.split(rising, begins) if rising.size else ():
            key = table.keys[table.track[own[0]]]
            edges = np.stack([table.first_frame[own], table.stop_frame[own]], axis=1).astype(np.int64)
            found[key.recording, key.individual] = _sorted(edges)
        return cls(found)

    def __len__(self) -> int:
        return sum(len(edges) for edges in self.of.values())

    def windows(self, table: WindowTable) -> NDArray[np.int64]:
        """Return the rising ids of the windows that these spans mean in a table, whichever run it belongs to.

        A span that is a window of the table means that window. Any other one means the windows whose middle lies in
        it; if there is none, the window that its own middle lies in, the nearest one where several overlap. Animals
        that the table does not have are passed over.
        """
        return _rising(table, (windows for *_, windows in self._meant(table)))

    def elsewhere(self, table: WindowTable) -> int:
        """Return how many spans mean no window of a table, such as those of recordings that a run does not have."""
        return len(self) - sum(int(np.count_nonzero(np.bincount(which))) for _, which, _ in self._meant(table))

    def joined(self, other: Spans) -> Spans:
        """Return the spans of both, none twice."""
        animals = dict.fromkeys((*self.of, *other.of))
        return Spans({animal: _sorted(np.concatenate(self._both(other, animal))) for animal in animals})

    def less(self, table: WindowTable, ids: NDArray[np.int64]) -> Spans:
        """Return the spans that mean these windows of a table no longer.

        Spans from another run mean several windows at times; of one that loses some, the others become its spans.
        Spans that mean no window of the table are kept.
        """
        left = dict(self.of)
        for animal, which, windows in self._meant(table):
            gone = np.isin(windows, ids)
            hit = np.unique(which[gone])
            rest = Spans.of_windows(table, windows[~gone & np.isin(which, hit)])
            parts = np.delete(left[animal], hit, axis=0), rest.of.get(animal, _NONE)
            left[animal] = _sorted(np.concatenate(parts))
        return Spans({animal: edges for animal, edges in left.items() if len(edges)})

    def same(self, other: Spans) -> bool:
        """Return whether others are the same stretches of the same animals."""
        there = other.of
        return self.of.keys() == there.keys() and all(np.array_equal(own, there[k]) for k, own in self.of.items())

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
        found = cls()
        try:
            for item in value:
                animal, frames = (str(item["recording"]), str(item["individual"])), np.array(item["frames"])
                edges = frames.reshape(-1, 2).astype(np.int64, casting="safe") if frames.size else _NONE
                if (edges[:, 0] >= edges[:, 1]).any():
                    raise ValueError("a span ends before it begins")
                found = found.joined(cls({animal: edges}))
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            raise InputError.of("spans", "they are not lists of first and last frames", "restore a copy") from error
        return found

    def _both(self, other: Spans, animal: Animal) -> list[NDArray[np.int64]]:
        return [spans.of.get(animal, _NONE) for spans in (self, other)]

    def _meant(self, table: WindowTable) -> Iterator[tuple[Animal, NDArray[np.int64], NDArray[np.int64]]]:
        """Yield for each animal of the table which spans mean which windows, as two rows of one length."""
        animals = {(key.recording, key.individual): i for i, key in enumerate(table.keys)}
        for animal, edges in self.of.items():
            if animal in animals:
                yield animal, *_windows_of(table, animals[animal], edges)


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
        if self.color and not re.fullmatch(r"#[0-9a-fA-F]{6}", self.color):
            raise InputError.of(f"{self.kind} {self.name}", f"{self.color!r} is no colour", "write it as #rrggbb")
        if not 0 <= self.key <= 9:
            raise InputError.of(f"{self.kind} {self.name}", f"key {self.key} is not a number key", "choose 1 to 9")

    def same(self, other: Mark) -> bool:
        """Return whether another mark says the same."""
        plain = [(mark.kind, mark.name, mark.color, mark.key) for mark in (self, other)]
        return plain[0] == plain[1] and self.spans.same(other.spans)


@dataclass(frozen=True, eq=False)
class Annotations:
    """All marks of a project, in the order in which they were made."""

    marks: tuple[Mark, ...] = ()

    def same(self, other: Annotations) -> bool:
        """Return whether others say the same in the same order."""
        pairs = zip(self.marks, other.marks, strict=False)
        return len(self.marks) == len(other.marks) and all(one.same(two) for one, two in pairs)

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


def _rising(table: WindowTable, parts: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the rising ids of windows that are given in any order; this is quicker than sorting them."""
    there = np.zeros(len(table), dtype=bool)
    for ids in parts:
        there[ids] = True
    return np.flatnonzero(there)


def _sorted(edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return spans in their order, none twice; this is quicker than `numpy.unique` of rows."""
    low, high = np.diff(edges, axis=0).T
    if ((low > 0) | ((low == 0) & (high > 0))).all():
        return edges
    ordered = edges[np.lexsort((edges[:, 1], edges[:, 0]))]
    fresh = np.concatenate([[True], (np.diff(ordered, axis=0) != 0).any(axis=1)])
    return np.asarray(ordered[fresh])


def _windows_of(
    table: WindowTable, track: int, edges: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which spans of an animal mean which windows of its track."""
    first, stop = np.searchsorted(table.track, [track, track + 1])
    begin, end = table.first_frame[first:stop], table.stop_frame[first:stop]
    if not begin.size:
        return begin, begin
    middle, (low, high) = (begin + end) // 2, edges.T
    at = np.minimum(np.searchsorted(begin, low), begin.size - 1)
    exact = (begin[at] == low) & (end[at] == high)
    if exact.all():
        return np.arange(at.size), first + at
    from_, to = np.searchsorted(middle, low), np.searchsorted(middle, high)
    centre = (low + high) // 2
    nearest = _nearest(middle, centre)
    held = (begin[nearest] <= centre) & (centre < end[nearest])
    between = from_ == to
    from_ = np.where(exact, at, np.where(between, nearest, from_))
    to = np.where(exact, at + 1, np.where(between, nearest + held, to))
    return _expanded(from_, to, int(first))


def _nearest(rising: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which of some rising numbers is nearest to each value, the lower of two."""
    after = np.minimum(np.searchsorted(rising, values), rising.size - 1)
    before = np.maximum(after - 1, 0)
    return np.asarray(np.where(np.abs(values - rising[before]) <= np.abs(rising[after] - values), before, after))


def _expanded(
    from_: NDArray[np.int64], to: NDArray[np.int64], first: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers of all ranges, one after the other, and which range each is of."""
    counts = to - from_
    which = np.repeat(np.arange(counts.size), counts)
    within = np.arange(which.size) - np.repeat(np.cumsum(counts) - counts, counts)
    return which, first + from_[which] + within
