"""The menu of the map's selection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QMenu, QWidget

from napari_atlas.session.selection import Combine

if TYPE_CHECKING:
    from napari_atlas.data.marks import Mark
    from napari_atlas.views._map_deeds import SelectionDeeds

__all__ = ["SelectionMenu"]

_WAYS = {
    "Select these": Combine.REPLACE,
    "Add to the selection": Combine.ADD,
    "Keep what is in both": Combine.INTERSECT,
    "Take away from the selection": Combine.SUBTRACT,
}


class SelectionMenu(QMenu):  # type: ignore[misc]
    """What can be done with the selection, and the selections that are kept in the project; made anew when opened.

    Parameters
    ----------
    deeds
        What it does.
    own
        By text, the key and what is done.
    parent
        Qt parent.
    """

    def __init__(
        self, deeds: SelectionDeeds, own: Mapping[str, tuple[str, Callable[[], object]]], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-map-menu")
        self.setAccessibleName("selection")
        self._deeds, self._own = deeds, own
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """List what there is now."""
        self.clear()
        for ways in self.findChildren(QMenu):
            ways.deleteLater()
        for text, (key, deed) in self._own.items():
            # The key is told, not bound: the map itself listens for it, and for it alone.
            self.addAction(f"{text}\t{key}" if key else text, deed)
        self.addSeparator()
        saved = self._deeds.saved()
        heading = self.addAction("Kept in the project" if saved else "Nothing is kept in the project yet")
        heading.setEnabled(False)
        for mark in saved:
            self._add_saved(mark)

    def _add_saved(self, mark: Mark) -> None:
        ways = self.addMenu(mark.name.replace("&", "&&"))
        for text, combine in _WAYS.items():
            ways.addAction(text, partial(self._deeds.recall, mark, combine))
