"""What is done to marks of one kind, each deed told in a line and most of them taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.marks import Annotations, Mark, Spans
from napari_atlas.data.results import counted
from napari_atlas.data.species import COLORS
from napari_atlas.errors import AtlasError
from napari_atlas.views._groups_parts import Said
from napari_atlas.views.desk import Desk

__all__ = ["MarkDeeds"]


class MarkDeeds:
    """Put, rename, recolour and delete marks.

    Parameters
    ----------
    desk
        Whose session it is, and what keeps the marks.
    kind
        Of the marks.
    said
        Where it is told what was done.
    """

    def __init__(self, desk: Desk, kind: str, said: Said) -> None:
        self._desk, self._kind, self._said = desk, kind, said

    def put(self, name: str, ids: NDArray[np.int64]) -> bool:
        """Put a mark on windows as well, made if there is none of that name; a saved selection becomes those windows.

        Returns
        -------
        bool
            Whether it was done.
        """
        session, kind = self._desk.session, self._kind
        if session.atlas is None:
            return False
        before, fresh = session.annotations.find(kind, name), _fresh(session.annotations, kind, name)
        spans = Spans.of_windows(session.atlas.windows.table, ids)

        def change(annotations: Annotations) -> Annotations:
            now = annotations.find(kind, name) or fresh
            return annotations.with_mark(replace(now, spans=spans if kind == "selection" else now.spans.joined(spans)))

        done = self._mark(change)
        if done and before is not None:
            way = "saved anew with" if kind == "selection" else "put on"
            self._said.say(f"{name}: {way} {counted(ids.size, 'window')}.", lambda: self._restore(before))
        return done

    def rename(self, name: str, new: str) -> None:
        """Give a mark another name."""
        self._mark(lambda annotations: annotations.renamed(self._kind, name, new))

    def color(self, name: str, color: str) -> None:
        """Give a mark another colour."""

        def change(annotations: Annotations) -> Annotations:
            mark = annotations.find(self._kind, name)
            return annotations if mark is None else annotations.with_mark(replace(mark, color=color))

        self._mark(change)

    def delete(self, names: tuple[str, ...]) -> None:
        """Delete marks."""
        gone = [mark for mark in self._desk.session.annotations.of_kind(self._kind) if mark.name in names]

        def change(annotations: Annotations) -> Annotations:
            for mark in gone:
                annotations = annotations.without(mark.kind, mark.name)
            return annotations

        if gone and self._mark(change):
            what = gone[0].name if len(gone) == 1 else f"{len(gone)} {self._kind}s"
            self._said.say(f"Deleted {what}.", lambda: self._restore(*gone))

    def _restore(self, *marks: Mark) -> None:
        def change(annotations: Annotations) -> Annotations:
            for mark in marks:
                annotations = annotations.with_mark(mark)
            return annotations

        self._mark(change)

    def _mark(self, change: Callable[[Annotations], Annotations]) -> bool:
        """Change marks, or say in one line why that cannot be done."""
        try:
            self._desk.keeper.mark(change)
        except AtlasError as error:
            self._said.say(str(error))
            return False
        self._said.say("")
        return True


def _fresh(annotations: Annotations, kind: str, name: str) -> Mark:
    """Return a mark on nothing; a tag has the first key that is free, and its colour."""
    if kind != "tag":
        return Mark(kind, name)
    taken = {tag.key for tag in annotations.of_kind("tag")}
    key = next((key for key in range(1, 10) if key not in taken), 0)
    return Mark("tag", name, color=COLORS[(key - 1) % len(COLORS)], key=key)
