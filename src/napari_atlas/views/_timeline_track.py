"""One animal over time, and what the mouse means there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_atlas.data.results import counted
from napari_atlas.session import linking
from napari_atlas.session.stretch import Scope, in_scope, windows_between, windows_within
from napari_atlas.views import _timeline_model as model
from napari_atlas.views._timeline_drawn import Drawn
from napari_atlas.views._timeline_face import EMPTY, Brush, Face, Label, selected_of
from napari_atlas.views._timeline_layout import Box, Span
from napari_atlas.views._timeline_paint import View, draw_panels, draw_selected, draw_strips, labels_of
from napari_atlas.views._timeline_strips import Wishes, value_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_atlas.data.atlas import Atlas

__all__ = ["TrackFace"]

_CLICK = "Click a point of the map or an animal in the video to see its signal here."
_ALL_OFF = "All rows are switched off: choose some under “Rows”."


class TrackFace(Face):
    """Draws the track at the cursor of a session."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._drawn: Drawn | None = None
        self._known: tuple[Atlas, Wishes] | None = None

    @property
    def view(self) -> View | None:
        """What is drawn where; None while there is no track."""
        return View.of(self._drawn, self._size, self.span) if self._drawn is not None else None

    def load(self, wishes: Wishes) -> None:
        """Take up the track at the cursor; the part on show stays where the track does."""
        session, before = self._session, self._drawn
        atlas, self._drawn = session.atlas, None
        track = model.track_at(atlas, session.cursor)
        if atlas is None or track is None:
            return
        # Other colours or marks leave the lines as they are.
        same = before is not None and self._known == (atlas, wishes) and before.track is track
        drawn = before if before is not None and same else Drawn.of(atlas, track, wishes)
        self.wishes, self._known = wishes, (atlas, wishes)
        self._drawn = replace(drawn, strips=self._colorings.strips(session, wishes, drawn.ids))
        if before is None or before.track.key != track.key or self.span.total != len(track.values):
            self.span = Span.whole(len(track.values))

    def draw(self, width: float, height: float) -> tuple[Label, ...]:
        """Draw everything; return the texts."""
        self._size = (width, height)
        self._visuals.clear()
        view, atlas = self.view, self._session.atlas
        if view is None or atlas is None:
            return ((width / 2, height / 2, EMPTY if atlas is None else _CLICK, "centre"),)
        if not view.drawn.panels and not view.drawn.strips:
            return ((width / 2, height / 2, _ALL_OFF, "centre"),)
        species = view.drawn.track.key.species
        draw_panels(self._visuals, view, next(s.color for s in atlas.windows.species if s.name == species))
        draw_strips(self._visuals, view)
        self.draw_selection()
        self.draw_cursor()
        return labels_of(view)

    def draw_selection(self) -> None:
        """Mark the selected windows, and shade them through the panels."""
        if (view := self.view) is not None:
            draw_selected(self._visuals, view, selected_of(self._session, view.drawn.ids))

    def draw_cursor(self) -> None:
        """Move the cursor line and the span of its window."""
        atlas, cursor, view = self._session.atlas, self._session.cursor, self.view
        if view is None or atlas is None:
            return
        at, table = model.bin_of_frame(view.drawn.track, cursor.frame), atlas.windows.table
        window = linking.window_at(atlas, cursor)
        edges = (float(table.start[window]), float(table.stop[window])) if window >= 0 else (at, at)
        self._visuals.set_cursor(view.x(at), (view.x(edges[0]), view.x(edges[1])), view.layout.whole)

    def follow(self) -> bool:
        """Scroll to the cursor if it has left the bins on show; return whether all must be drawn again."""
        if self._drawn is None:
            return False
        span = self.span.holding(model.bin_of_frame(self._drawn.track, self._session.cursor.frame))
        moved, self.span = span != self.span, span
        return moved

    def seek(self, x: float, y: float) -> None:
        """Go to the frame at a pixel."""
        if (view := self.view) is not None:
            key = view.drawn.track.key
            self._session.seek(key.recording, key.individual, model.frame_of_bin(view.drawn.track, view.bin_at(x)))

    def window_at(self, x: float, y: float) -> int:
        """Return the window drawn at a pixel; −1 if there is none."""
        if (view := self.view) is None:
            return -1
        tile = int(model.tile_at(view.drawn.edges, np.repeat(view.bin_at(x), 2))[0])
        return int(view.drawn.ids[tile]) if tile >= 0 else -1

    def grip(self) -> Box | None:
        """Return the scale beside the temperature, where a drag takes a range of it."""
        box = view.celsius if (view := self.view) is not None else None
        return Box(0, box.top, box.left, box.bottom) if box is not None else None

    def bin_at(self, x: float) -> float:
        """Return the bin at a pixel."""
        return self.view.bin_at(x) if self.view is not None else 0.0

    def brush(self, start: tuple[float, float], end: tuple[float, float]) -> Brush | None:
        """Return what a drag from one pixel to another selects; None while there is nothing to select in."""
        view, atlas, grip = self.view, self._session.atlas, self.grip()
        if view is None or atlas is None:
            return None
        if grip is not None and grip.holds(*start):
            scope = self.wishes.scope
            return _brush_celsius(view, (start[1], end[1]), atlas, in_scope(atlas, self._session.cursor, scope), scope)
        track, whole = view.drawn.track, view.layout.whole
        low, high = sorted(view.bin_at(x) for x in (start[0], end[0]))
        ids = windows_between(atlas, track.key.recording, track.key.individual, low, high)
        told = "–".join(model.time_text(track, at) for at in (low, high))
        return Brush(
            Box(view.x(low), whole.top, view.x(high), whole.bottom), f"{told} · {counted(ids.size, 'window')}", ids
        )

    def told(self, x: float, y: float) -> str:
        """Return what lies at a pixel, in words."""
        view, grip = self.view, self.grip()
        if view is None or x < view.layout.axis.left:
            on_grip = grip is not None and grip.holds(x, y)
            return f"Drag up or down to select windows by temperature, in {self.wishes.scope.value}" if on_grip else ""
        drawn, window = view.drawn, self.window_at(x, y)
        here = [s for s, box in zip(drawn.strips, view.layout.strips, strict=True) if box.top <= y < box.bottom + 1]
        words = (
            [value_text(strip.column, window) for strip in here or drawn.strips] if window >= 0 else ["no window here"]
        )
        return "\n".join([model.time_text(drawn.track, view.bin_at(x)), *words])

    def zoom_to(self, ids: NDArray[np.int64], margin: float) -> bool:
        """Show the windows *ids* that are of the track on show; return whether there are any."""
        atlas, drawn = self._session.atlas, self._drawn
        mine = ids[np.isin(ids, drawn.ids)] if drawn is not None else ids[:0]
        if atlas is None or not mine.size:
            return False
        table = atlas.windows.table
        self.span = self.span.around(float(table.start[mine].min()), float(table.stop[mine].max()), margin)
        return True


def _brush_celsius(
    view: View, ys: tuple[float, float], atlas: Atlas, among: NDArray[np.bool_], scope: Scope
) -> Brush | None:
    if (panel := view.celsius) is None:
        return None
    # What is said is what is selected, so limits are round.
    low, high = sorted(round(view.celsius_at(y), 1) for y in ys)
    ids = windows_within(np.where(among, atlas.windows.table.temperature, np.nan), low, high)
    where = "" if scope is Scope.ALL else f" of {scope.value}"
    box = Box(panel.left - 8, view.y_of_celsius(high), panel.right, view.y_of_celsius(low))
    return Brush(box, f"{low:.1f}–{high:.1f} °C · {counted(ids.size, 'window')}{where}", ids)
