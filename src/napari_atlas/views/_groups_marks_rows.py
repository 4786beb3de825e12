"""Marks as rows: how many windows of the run on show they mean, and where."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.atlas import Atlas
from napari_atlas.data.marks import Annotations, Mark
from napari_atlas.data.results import counted
from napari_atlas.views._groups_rows import GroupRow
from napari_atlas.views._time import clock_text

__all__ = ["MarkRows"]


class MarkRows:
    """Tell what marks of one kind mean in a run; what is known of a mark is kept until the mark or the run changes.

    Parameters
    ----------
    kind
        Of the marks.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._atlas: Atlas | None = None
        self._known: dict[Mark, tuple[NDArray[np.int64], GroupRow]] = {}

    def rows(self, atlas: Atlas, annotations: Annotations) -> tuple[GroupRow, ...]:
        """Return a row for each mark, tags in the order of their keys, notes the newest first."""
        marks = annotations.of_kind(self._kind)
        if atlas is not self._atlas:
            self._atlas, self._known = atlas, {}
        self._known = {mark: self._known.get(mark) or self._tell(atlas, mark) for mark in marks}
        ordered = marks[::-1] if self._kind == "note" else sorted(marks, key=lambda mark: mark.key or 10)
        return tuple(self._known[mark][1] for mark in ordered)

    def windows(self, atlas: Atlas, annotations: Annotations, names: Iterable[str]) -> NDArray[np.int64]:
        """Return the rising ids of the windows that the marks of these names mean together."""
        self.rows(atlas, annotations)
        known = [ids for mark, (ids, _) in self._known.items() if mark.name in names]
        return np.unique(np.concatenate([np.empty(0, dtype=np.int64), *known]))

    def _tell(self, atlas: Atlas, mark: Mark) -> tuple[NDArray[np.int64], GroupRow]:
        table = atlas.windows.table
        ids, missing = mark.spans.windows(table), mark.spans.elsewhere(table)
        where = _place(atlas, ids) if self._kind == "note" and ids.size else ""
        lost = "" if not missing else "not in this run" if not ids.size else f"{missing} elsewhere"
        meaning = [mark.name, f"{counted(ids.size, 'window')}{f', first at {where}' if where else ''}"]
        if missing:
            meaning.append(f"{counted(missing, 'part')} of the video without a window in this run; kept")
        if mark.key:
            meaning.append(f"key {mark.key}")
        row = GroupRow(
            name=mark.name,
            count=str(ids.size) if ids.size or not missing else "–",
            color=mark.color,
            detail=" · ".join(text for text in (where, lost) if text),
            meaning="\n".join(meaning),
            head=f"{mark.key}" if mark.key else "",
        )
        return ids, row


def _place(atlas: Atlas, ids: NDArray[np.int64]) -> str:
    """Return animal and time of the first of some windows."""
    table, first = atlas.windows.table, int(ids[0])
    key, seconds = table.keys[table.track[first]], float(table.seconds[first])
    animal = key.recording if key.individual in ("", "0") else f"{key.recording} / {key.individual}"
    when = clock_text(seconds) if np.isfinite(seconds) else f"frame {int(table.centre_frame()[first])}"
    return f"{animal} · {when}"
