"""Tags that number keys set, on the selection or on the window at the cursor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.marks import Annotations, Mark, Spans
from napari_atlas.data.results import counted
from napari_atlas.data.species import COLORS
from napari_atlas.errors import AtlasError
from napari_atlas.session.linking import window_at
from napari_atlas.session.session import Session
from napari_atlas.views.desk import Desk

__all__ = ["Tagger", "meant", "meant_text"]


def meant(session: Session) -> NDArray[np.int64]:
    """Return the windows that a mark is put on: the selected ones, else the one at the cursor, if there is one."""
    if len(session.selection):
        return session.selection.ids
    window = window_at(session.atlas, session.cursor) if session.atlas is not None else -1
    return np.array([window] if window >= 0 else [], dtype=np.int64)


def meant_text(session: Session) -> str:
    """Return which windows `meant` means, in words."""
    n = len(session.selection)
    return f"the {counted(n, 'selected window')}" if n else "the window at the cursor"


class Tagger:
    """Set and unset tags.

    Parameters
    ----------
    desk
        Whose session is tagged, and what keeps the tags.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def toggle(self, key: int) -> str:
        """Set or unset the tag of a number key, and return what was done; a tag is made when its key is first used."""
        tags = self._desk.session.annotations.of_kind("tag")
        tag = next((tag for tag in tags if tag.key == key), None)
        return self.toggle_tag(tag or Mark("tag", _free(f"tag {key}", tags), color=COLORS[(key - 1) % 8], key=key))

    def toggle_tag(self, tag: Mark) -> str:
        """Take a tag off the windows that are meant if all have it, else put it on all; return what was done."""
        session = self._desk.session
        atlas, ids = session.atlas, meant(session)
        if atlas is None or not ids.size:
            return "Select windows, or move the cursor into one: a tag needs a window."
        table = atlas.windows.table
        on = Spans.of_windows(table, ids)
        found = session.annotations.find("tag", tag.name)
        off = found is not None and bool(np.isin(ids, found.spans.windows(table)).all())

        def change(annotations: Annotations) -> Annotations:
            now = annotations.find("tag", tag.name) or tag
            spans = now.spans.less(table, ids) if off else now.spans.joined(on)
            return annotations.with_mark(replace(now, spans=spans))

        try:
            self._desk.keeper.mark(change)
        except AtlasError as error:
            return str(error)
        return f"{tag.name}: {'taken off' if off else 'put on'} {counted(ids.size, 'window')}."


def _free(name: str, tags: tuple[Mark, ...]) -> str:
    taken = {tag.name for tag in tags}
    tries = (name if i == 1 else f"{name} ({i})" for i in range(1, len(taken) + 2))
    return next(free for free in tries if free not in taken)
