"""Where the rows of all recordings lie, and what is written beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_atlas.views._colors import rgba_of
from napari_atlas.views._timeline_layout import Box, Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_atlas.views._timeline_face import Label
    from napari_atlas.views._timeline_stacked import Stacked
    from napari_atlas.views._timeline_visuals import TimelineVisuals

__all__ = ["Sheet", "row_name"]

_ROW, _MARK, _KIND = 18, 4, 6
_RIGHT, _TOP, _AXIS = 12.0, 2.0, 20.0
_LEFT, _LEFT_SHARE, _LETTER = (110.0, 200.0), 0.17, 6.2


@dataclass(frozen=True, eq=False)
class Sheet:
    """Rows on a canvas.

    Attributes
    ----------
    shown
        What is laid side by side.
    span
        Which part of the axis is on show, counted from its beginning.
    size
        Width and height of the canvas.
    first
        The row at the top.
    """

    shown: Stacked
    span: Span
    size: tuple[float, float]
    first: int

    @property
    def room(self) -> int:
        """How many rows find room."""
        return max(1, int((self.size[1] - _TOP - _AXIS) // _ROW))

    @property
    def rows(self) -> range:
        """The rows in sight."""
        return range(self.first, min(len(self.shown.atlas.tracks), self.first + self.room))

    @property
    def whole(self) -> Box:
        """From the first row in sight to the last."""
        left = float(np.clip(_LEFT_SHARE * self.size[0], *_LEFT))
        return Box(left, _TOP, max(left + 10, self.size[0] - _RIGHT), _TOP + _ROW * len(self.rows))

    @property
    def columns(self) -> NDArray[np.float64]:
        """The places (n_columns + 1,) between which the columns of pixels lie."""
        return self.shown.low + self.span.columns(self.whole)

    def row(self, row: int) -> Box:
        """Return where a row lies."""
        top = _TOP + _ROW * (row - self.first)
        return Box(self.whole.left, top, self.whole.right, top + _ROW - 1)

    def row_at(self, y: float) -> int:
        """Return the row at a pixel; −1 if there is none."""
        row = int((y - _TOP) // _ROW) + self.first
        return row if row in self.rows else -1

    def x(self, value: float) -> float:
        """Return the pixel of a place on the axis."""
        return float(self.span.x(value - self.shown.low, self.whole))

    def value_at(self, x: float) -> float:
        """Return the place on the axis at a pixel, kept inside the part on show."""
        return self.shown.low + self.span.bin_at(float(np.clip(x, self.whole.left, self.whole.right)), self.whole)

    def point_of(self, window: int) -> tuple[float, float]:
        """Return the pixel in the middle of a window; NaN if its row is out of sight or its place is unknown."""
        row = int(self.shown.atlas.windows.table.track[window])
        box = self.row(row)
        return self.x(float(self.shown.values[window])) if row in self.rows else float("nan"), box.top + _ROW / 2

    def draw(self, visuals: TimelineVisuals) -> None:
        """Draw the rows; beside each lies the colour of its species."""
        boxes, atlas = [self.row(row) for row in self.rows], self.shown.atlas
        visuals.set_panels(boxes, [[]] * len(boxes))
        colors = self.shown.colors(self.rows, self.columns)
        picture = np.zeros((len(boxes), _ROW, colors.shape[1] + _KIND, 4), dtype=np.uint8)
        picture[:, 1 : -_MARK - 1, _KIND:] = colors[:, None]
        kinds = {s.name: s.color for s in atlas.windows.species}
        own = 255 * rgba_of([kinds[atlas.tracks[row].key.species] for row in self.rows])
        picture[:, 1:-2, : _KIND - 3] = own.astype(np.uint8)[:, None, None]
        whole = self.whole
        visuals.set_picture(
            "strips",
            picture.reshape(-1, *picture.shape[2:]),
            Box(whole.left - _KIND * whole.width / colors.shape[1], whole.top, whole.right, whole.bottom),
        )

    def draw_selected(self, visuals: TimelineVisuals, chosen: NDArray[np.int64]) -> None:
        """Mark the chosen windows below the colours of each row."""
        held = self.shown.holding(self.rows, self.columns, chosen)
        accent = (255 * rgba_of([visuals.palette.accent])[0]).astype(np.uint8)
        picture = np.zeros((len(held), _ROW, held.shape[1], 4), dtype=np.uint8)
        picture[:, -_MARK - 1 : -2] = (held[..., None] * accent)[:, None]
        visuals.set_picture("marks", picture.reshape(-1, *picture.shape[2:]), self.whole)

    def labels(self) -> tuple[Label, ...]:
        """Return the names of the rows, and the places below."""
        whole, middle, shown = self.whole, self.size[1] - _AXIS / 2, self.shown
        left, letters = whole.left - 10, int((whole.left - 16) / _LETTER)
        names = [(left, self.row(row).top + _ROW / 2, row_name(shown, row, letters), "right") for row in self.rows]
        ends = self.columns[[0, -1]]
        places = shown.ticks(float(ends[0]), float(ends[1]), int(max(2, whole.width // 80)))
        low, high = whole.left + 12, whole.right - 16
        marks = [(float(np.clip(self.x(value), low, high)), middle, text, "centre") for value, text in places]
        return (*names, *marks, (left, middle, {"s": "time", "frames": "frame"}.get(shown.unit, "°C"), "right"))


def row_name(shown: Stacked, row: int, most: int) -> str:
    """Return whose row it is; of a long name the middle is left out. An animal that is alone has no name of its own."""
    key, atlas = shown.atlas.tracks[row].key, shown.atlas
    alone = len(atlas.recordings[key.recording].individuals) == 1
    text = key.recording if alone else f"{key.recording} · {key.individual}"
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[:half]}…{text[-half:]}"
