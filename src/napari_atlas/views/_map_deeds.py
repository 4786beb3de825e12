"""What the keys and the menu of the map do with the selection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_atlas.data.marks import Mark, Spans
from napari_atlas.data.window_columns import CLUSTERS
from napari_atlas.errors import AtlasError
from napari_atlas.session.review import inverted
from napari_atlas.session.selection import Combine
from napari_atlas.views._worker import Latest

if TYPE_CHECKING:
    from napari_atlas.data.clusters import Clustering
    from napari_atlas.session.session import Session
    from napari_atlas.views.desk import Desk

__all__ = ["SelectionDeeds"]

_NONE = np.empty(0, dtype=np.int64)


class SelectionDeeds:
    """Select, save and recall windows; each deed returns what to tell the user, which is mostly nothing.

    Parameters
    ----------
    desk
        Whose session it is, and what keeps saved selections.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._session: Session = desk.session
        self._recalls = Latest()

    def everything(self) -> str:
        """Select all windows on the map."""
        return self._select_others_than(_NONE)

    def invert(self) -> str:
        """Select the windows that are not selected."""
        return self._select_others_than(self._session.selection.ids)

    def clear(self) -> str:
        """Select nothing."""
        self._session.select(_NONE)
        return ""

    def undo(self) -> str:
        """Go back to the selection before."""
        nothing = not self._session.history.past
        self._session.undo()
        return "Nothing to undo." if nothing else ""

    def redo(self) -> str:
        """Take an undone selection again."""
        nothing = not self._session.history.future
        self._session.redo()
        return "Nothing to redo." if nothing else ""

    def cluster_of(self, window: int) -> str:
        """Select the cluster of a window, in the clusters that colour the map or else in the first there are."""
        clustering = self._clustering()
        if clustering is None:
            return "No clusters yet: make some in the groups dock, then a double click selects one."
        label = clustering.label_of(window)
        if not label:
            return f"This window is in no cluster of “{clustering.name}”."
        self._session.select(clustering.members(label), Combine.REPLACE, label)
        return ""

    def saved(self) -> tuple[Mark, ...]:
        """Return the selections that are kept in the project."""
        return self._session.annotations.of_kind("selection")

    def is_taken(self, name: str) -> bool:
        """Return whether a saved selection has that name."""
        return self._session.annotations.find("selection", name.strip()) is not None

    def save(self, name: str) -> str:
        """Keep the selection in the project under a name, in the place of one that has it already."""
        atlas, selection = self._session.atlas, self._session.selection
        if atlas is None or not len(selection):
            return "Select some windows first."
        try:
            mark = Mark("selection", name.strip(), Spans.of_windows(atlas.windows.table, selection.ids))
            self._desk.keeper.mark(lambda annotations: annotations.with_mark(mark))
        except AtlasError as error:
            return str(error)
        self._session.select(selection.ids, Combine.REPLACE, mark.name)
        return f"“{mark.name}” is kept in the project."

    def recall(self, mark: Mark, combine: Combine) -> None:
        """Combine a saved selection with the present one; its windows are looked up in a worker thread."""
        atlas = self._session.atlas
        if atlas is None:
            return

        def show(found: object) -> None:
            if isinstance(found, np.ndarray) and self._session.atlas is atlas:
                self._session.select(found, combine, mark.name if combine is Combine.REPLACE else "")

        self._recalls.run(lambda: mark.spans.windows(atlas.windows.table), show)

    def _select_others_than(self, ids: np.ndarray[tuple[int], np.dtype[np.int64]]) -> str:
        if self._session.mapped is not None:
            self._session.select(inverted(self._session.mapped, ids))
        return ""

    def _clustering(self) -> Clustering | None:
        made = self._session.clusterings
        shown = [c for c in made if CLUSTERS + c.name == self._session.color_by]
        return next(iter((*shown, *made)), None)
