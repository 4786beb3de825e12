"""Where panes lie on a canvas, and what of a pane its picture and its trace take up; all in logical pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

__all__ = ["LINE", "Box", "Place", "Style", "lay_out"]

LINE = 15.0
"""Height of a line of text."""
_GAP, _PAD = 8.0, 4.0
_TRACE, _TALLEST_TRACE = 24.0, 56.0
_ASPECT = 4.0 / 3.0
_LEAD_SHARE = 0.36
_ABOVE_WIDTH, _BESIDE_WIDTH = 220.0, 116.0  # of texts that are to be read in full


@dataclass(frozen=True)
class Style:
    """What a pane holds beside its picture.

    Attributes
    ----------
    n_lines
        Lines of text above the picture.
    traced
        Whether there is a trace.
    beside
        Whether only the first line is above the picture, and the others and the trace stand to its right: what is low
        and wide has larger pictures so.
    """

    n_lines: int
    traced: bool
    beside: bool = False


@dataclass(frozen=True)
class Box:
    """A rectangle."""

    left: float
    top: float
    width: float
    height: float

    def holds(self, x: float, y: float) -> bool:
        """Return whether a point lies in it."""
        return self.left <= x < self.left + self.width and self.top <= y < self.top + self.height


@dataclass(frozen=True)
class Place:
    """The place of one pane, and of its parts; without a trace that one has no height."""

    whole: Box
    title: Box
    texts: Box
    picture: Box
    trace: Box

    @classmethod
    def of(cls, whole: Box, style: Style) -> Place:
        """Return the parts of a pane."""
        left, top, width = whole.left + _PAD, whole.top + 2, max(1.0, whole.width - 2 * _PAD)
        title = Box(left, top, width, LINE)
        return (cls._beside if style.beside else cls._below)(whole, title, style)

    @classmethod
    def _below(cls, whole: Box, title: Box, style: Style) -> Place:
        """Stack all; where the picture cannot use all of the height, the trace gets some of it."""
        texts = replace(title, top=title.top + LINE, height=(style.n_lines - 1) * LINE)
        top = texts.top + texts.height
        room = max(2.0, whole.top + whole.height - _PAD - top)
        spare = room - title.width / _ASPECT
        below = min(max(spare, min(_TRACE, room / 3)), _TALLEST_TRACE) if style.traced else 0.0
        height = min(room - below, max(1.0, title.width / _ASPECT))
        picture = Box(title.left, top, title.width, height)
        return cls(whole, title, texts, picture, Box(title.left, top + height, title.width, below))

    @classmethod
    def _beside(cls, whole: Box, title: Box, style: Style) -> Place:
        top = title.top + LINE
        height = max(2.0, whole.top + whole.height - _PAD - top)
        width = max(1.0, min(height * _ASPECT, title.width - _BESIDE_WIDTH))
        picture = Box(title.left, top, width, height)
        below = min(_TALLEST_TRACE, height / 3) if style.traced else 0.0
        texts = Box(title.left + width + _GAP, top, max(1.0, title.width - width - _GAP), height - below)
        return cls(whole, title, texts, picture, Box(texts.left, top + texts.height, texts.width, below))


def lay_out(size: tuple[float, float], n_panes: int, groups: tuple[int, ...], style: Style) -> tuple[Place, ...]:
    """Return a place for each pane, such that the pictures are as large as they can be.

    Parameters
    ----------
    size
        Width and height of the canvas.
    n_panes
        How many panes there are.
    groups
        How many of the last panes belong together and stay in one row. Panes before them stand at the left, over the
        whole height. Without groups the panes fill a grid.
    style
        What else there is to be room for; whether it stands beside the pictures is left to what suits them.
    """
    if not n_panes:
        return ()
    area, groups = Box(0.0, 0.0, *size), tuple(filter(None, groups))
    options = [_styled(area, n_panes, groups, replace(style, beside=beside)) for beside in (False, True)]
    return max(options, key=lambda places: min(map(_scale, places)))


def _styled(area: Box, n_panes: int, groups: tuple[int, ...], style: Style) -> tuple[Place, ...]:
    if not groups:
        grids = [[columns] * math.ceil(n_panes / columns) for columns in range(1, n_panes + 1)]
        return _best(area, grids, style)[:n_panes]
    n_lead = n_panes - sum(groups)
    rest = area
    lead: tuple[Place, ...] = ()
    if n_lead:
        width = min(_width_for(area.height, style), _LEAD_SHARE * area.width)
        lead = _places(replace(area, width=width), [n_lead], style)
        rest = Box(width + _GAP, 0.0, max(1.0, area.width - width - _GAP), area.height)
    return (*lead, *_best(rest, _rows_of(groups), style))


def _rows_of(groups: tuple[int, ...]) -> list[list[int]]:
    """Return the ways to put whole groups into rows, each as how many panes each row has."""
    options = []
    for n_rows in range(1, len(groups) + 1):
        per = math.ceil(len(groups) / n_rows)
        options.append([sum(groups[i : i + per]) for i in range(0, len(groups), per)])
    return options


def _best(area: Box, options: list[list[int]], style: Style) -> tuple[Place, ...]:
    return max((_places(area, rows, style) for rows in options), key=lambda places: _scale(places[0]))


def _scale(place: Place) -> float:
    """Return how high a picture becomes."""
    return min(place.picture.height, place.picture.width / _ASPECT)


def _width_for(height: float, style: Style) -> float:
    """Return the width of a pane whose picture takes the height that there is, and whose texts can be read."""
    picture = Place.of(Box(0.0, 0.0, 1e6, height), style).picture.height * _ASPECT + 2 * _PAD
    return picture + _GAP + _BESIDE_WIDTH if style.beside else max(picture, _ABOVE_WIDTH)


def _places(area: Box, rows: list[int], style: Style) -> tuple[Place, ...]:
    """Return the places of panes in rows; all are of one width, and no wider than they need."""
    height = (area.height - _GAP * (len(rows) - 1)) / len(rows)
    columns = max(rows)
    width = min((area.width - _GAP * (columns - 1)) / columns, _width_for(height, style))
    return tuple(
        Place.of(Box(area.left + column * (width + _GAP), area.top + row * (height + _GAP), width, height), style)
        for row, n in enumerate(rows)
        for column in range(n)
    )
