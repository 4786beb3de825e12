"""Undo and redo of selections; a history is a value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from napari_atlas.session.selection import Selection

__all__ = ["History"]

_MOST = 100


@dataclass(frozen=True)
class History:
    """Selections before and after the present one.

    Attributes
    ----------
    present
        What is selected.
    past, future
        What undo and redo go to, the nearest last.
    """

    present: Selection = field(default_factory=Selection)
    past: tuple[Selection, ...] = ()
    future: tuple[Selection, ...] = ()

    def then(self, selection: Selection) -> History:
        """Return the history with another selection; an equal one leaves it as it is."""
        if selection == self.present:
            return self
        return History(selection, (*self.past, self.present)[-_MOST:])

    def undone(self) -> History:
        """Return the history one step back; itself if there is none."""
        if not self.past:
            return self
        return replace(self, present=self.past[-1], past=self.past[:-1], future=(*self.future, self.present))

    def redone(self) -> History:
        """Return the history one step forward; itself if there is none."""
        if not self.future:
            return self
        return replace(self, present=self.future[-1], past=(*self.past, self.present), future=self.future[:-1])
