"""What the two faces of the timeline share: one animal over time, and all recordings one above the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_atlas.views._timeline_layout import Span
from napari_atlas.views._timeline_strips import Wishes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_atlas.session.session import Session
    from napari_atlas.views._timeline_layout import Box
    from napari_atlas.views._timeline_strips import Colorings
    from napari_atlas.views._timeline_visuals import TimelineVisuals

__all__ = ["EMPTY", "Brush", "Face", "Label", "selected_of", "shortened"]

Label = tuple[float, float, str, str]
EMPTY = "Nothing is open yet: open a project, or try the sample, in the project dock."
_MOST_LETTERS = 10


@dataclass(frozen=True, eq=False)
class Brush:
    """What a drag selects.

    Attributes
    ----------
    box
        What it covers.
    text
        Its limits and how many windows lie in them.
    ids
        The windows.
    """

    box: Box
    text: str
    ids: NDArray[np.int64]


class Face(ABC):
    """Draws on the visuals of a canvas, and knows what lies where; all places are logical pixels.

    Parameters
    ----------
    session
        What to show.
    visuals
        What to draw with.
    colorings
        Colours of the columns.
    """

    def __init__(self, session: Session, visuals: TimelineVisuals, colorings: Colorings) -> None:
        self._session, self._visuals, self._colorings = session, visuals, colorings
        self._size = (320.0, 240.0)
        self.span = Span.whole(1.0)
        self.wishes = Wishes()

    @abstractmethod
    def load(self, wishes: Wishes) -> None:
        """Take up what the session shows."""

    @abstractmethod
    def draw(self, width: float, height: float) -> tuple[Label, ...]:
        """Draw everything on a canvas of that size; return the texts: x, y, text, anchor."""

    @abstractmethod
    def draw_selection(self) -> None:
        """Mark the selected windows."""

    @abstractmethod
    def draw_cursor(self) -> None:
        """Move the cursor."""

    @abstractmethod
    def follow(self) -> bool:
        """Scroll to the cursor if it is out of sight; return whether all must be drawn again."""

    @abstractmethod
    def seek(self, x: float, y: float) -> None:
        """Go to what lies at a pixel."""

    @abstractmethod
    def window_at(self, x: float, y: float) -> int:
        """Return the window at a pixel; −1 if there is none."""

    @abstractmethod
    def bin_at(self, x: float) -> float:
        """Return the place at a pixel, in the units of `span`."""

    @abstractmethod
    def brush(self, start: tuple[float, float], end: tuple[float, float]) -> Brush | None:
        """Return what a drag from one pixel to another selects; None where nothing can be."""

    @abstractmethod
    def told(self, x: float, y: float) -> str:
        """Return what lies at a pixel, in words; empty if nothing does."""

    @abstractmethod
    def zoom_to(self, ids: NDArray[np.int64], margin: float) -> bool:
        """Show these windows with a margin on both sides; return whether any can be shown."""

    def grip(self) -> Box | None:
        """Return where a drag takes a range of temperatures, if there is such a place."""
        return None


def selected_of(session: Session, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which of some windows that follow each other without a gap are selected, counted from the first."""
    chosen = session.selection.ids
    if not ids.size:
        return ids
    return np.asarray(chosen[slice(*np.searchsorted(chosen, [ids[0], ids[-1] + 1]))] - ids[0])


def shortened(text: str, most: int = _MOST_LETTERS) -> str:
    """Return a text with its end left out if it is long."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
