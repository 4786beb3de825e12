"""The rows of the timeline that can be switched on and off, and the colours of its strips."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from napari_atlas.data.window_columns import CLUSTERS
from napari_atlas.session.stretch import Scope
from napari_atlas.views._colors import color_of
from napari_atlas.views._timeline_layout import LATENT, SIGNAL, TEMPERATURE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_atlas.data.window_columns import WindowColumn, WindowColumns
    from napari_atlas.session.session import Session
    from napari_atlas.views._colors import Coloring

__all__ = ["COLOR", "Colorings", "Strip", "Wishes", "legend_text", "row_names", "strip_columns", "value_text"]

COLOR = "color"
_SAME_ALL_ALONG = ("species", "recording", "individual")
_STRIPS = ("split", "tag")
_MOST = 7


@dataclass(frozen=True)
class Wishes:
    """What the user wants to see.

    Attributes
    ----------
    channel
        Channel of the signal; −1 for all of them.
    hidden
        Names of the rows that are switched off.
    scope
        Whose windows a range of temperatures selects.
    """

    channel: int = -1
    hidden: frozenset[str] = field(default_factory=lambda: frozenset({LATENT}))
    scope: Scope = Scope.ALL


@dataclass(frozen=True, eq=False)
class Strip:
    """A strip of colours, one for each window of a track.

    Attributes
    ----------
    label
        Short name, to stand beside it.
    column
        The column that it shows.
    rgba
        (n_windows, 4) of the track, 0 to 255; clear where the value is not known.
    """

    label: str
    column: WindowColumn
    rgba: NDArray[np.uint8]


class Colorings:
    """Colours of columns, each worked out once for as long as the columns stay the same."""

    def __init__(self) -> None:
        self._columns: WindowColumns | None = None
        self._made: dict[tuple[str, tuple[float, float] | None], Coloring] = {}
        self._pixels: dict[str, tuple[Coloring, NDArray[np.uint8]]] = {}

    def of(self, session: Session, name: str) -> Coloring:
        """Return the colours of a column as the map has them."""
        assert session.columns is not None
        if session.columns is not self._columns:
            self._columns, self._made, self._pixels = session.columns, {}, {}
        key = name, session.map_state.limits.get(name)
        if key not in self._made:
            self._made[key] = color_of(session.columns, *key)
        return self._made[key]

    def strips(self, session: Session, wishes: Wishes, ids: NDArray[np.int64]) -> tuple[Strip, ...]:
        """Return the strips of a track, given its windows."""
        rows = strip_columns(session).items() if session.columns is not None else ()
        return tuple(self._strip(session, label, name, ids) for row, (label, name) in rows if row not in wishes.hidden)

    def _strip(self, session: Session, label: str, name: str, ids: NDArray[np.int64]) -> Strip:
        assert session.columns is not None
        column, coloring = session.columns.column(name), self.of(session, name)
        if name not in self._pixels or self._pixels[name][0] is not coloring:
            pixels = (255 * coloring.rgba).astype(np.uint8)
            pixels[~np.isfinite(column.values)] = 0
            self._pixels[name] = coloring, pixels
        return Strip(label, column, self._pixels[name][1][slice(ids[0], ids[-1] + 1) if ids.size else slice(0)])


def strip_columns(session: Session) -> dict[str, tuple[str, str]]:
    """Return by row the label and the column of the strips there can be, from top to bottom."""
    names = session.columns.names if session.columns is not None else ()
    clusters = [name for name in names if name.startswith(CLUSTERS)]
    found = {name: (name.removeprefix(CLUSTERS), name) for name in clusters}
    found |= {name: (name, name) for name in _STRIPS if name in names}
    color = session.color_by
    if color in names and color not in found and color not in _SAME_ALL_ALONG:
        found = {COLOR: (color, color), **found}
    return found


def row_names(session: Session) -> dict[str, str]:
    """Return the rows that can be switched on and off, with what a menu calls them; without those that lack data."""
    atlas = session.atlas
    found = {SIGNAL: "Signal"}
    if atlas is not None and atlas.windows.table.has_temperature:
        found[TEMPERATURE] = "Temperature"
    if atlas is not None and atlas.latents.size:
        found[LATENT] = "Latent dimensions"
    found[COLOR] = "Colour of the map"
    for row in strip_columns(session):
        if row != COLOR:
            found[row] = {"split": "Train, validation, test", "tag": "Tags"}.get(row, row.capitalize())
    return found


def value_text(column: WindowColumn, window: int) -> str:
    """Return what a column says of a window, such as "clusters: k-means: turning"."""
    value = float(column.values[window])
    if not np.isfinite(value):
        said = "none" if column.classes else "not known"
    elif column.classes:
        said = column.classes[int(value)]
    else:
        said = f"{value:.4g} {column.unit}".strip()
    return f"{column.name}: {said}"


def legend_text(coloring: Coloring, present: NDArray[np.int64]) -> str:
    """Return the legend of a colouring as rich text, of classes those that the windows *present* have."""
    if coloring.continuous:
        blocks = "".join(f'<span style="color:{color}">■</span>' for color in coloring.stops)
        digits = max(0, 2 - math.ceil(math.log10((coloring.high - coloring.low) or 1.0)))
        # Adding 0 turns a rounded "-0" into "0".
        low, high = (f"{round(end, digits) + 0.0:.{digits}f}" for end in (coloring.low, coloring.high))
        return f"{escape(coloring.column)}: {low} {blocks} {high} {coloring.unit}".strip()
    shown = [coloring.entries[code] for code in np.unique(coloring.codes[present])]
    words = [f'<span style="color:{entry.color}">■</span> {escape(entry.label)}' for entry in shown[:_MOST]]
    more = [f"and {len(shown) - _MOST} more"] if len(shown) > _MOST else []
    return f"{escape(coloring.column)}: " + "&nbsp;&nbsp;".join([*words, *more]) if words else ""
