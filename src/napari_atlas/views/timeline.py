"""The timeline: what the animal at the cursor did, and when; or all animals, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_atlas.data.results import counted
from napari_atlas.session import linking
from napari_atlas.session.stretch import Axis
from napari_atlas.views._canvas import Links, paint_later, palette_of
from napari_atlas.views._legend import marker_icon
from napari_atlas.views._timeline_bar import TimelineBar
from napari_atlas.views._timeline_keys import TimelineKeys
from napari_atlas.views._timeline_model import channel_names, label_of, track_at
from napari_atlas.views._timeline_plot import TimelinePlot
from napari_atlas.views._timeline_strips import legend_text, row_names, strip_columns

if TYPE_CHECKING:
    from napari_atlas.data.windows import Track
    from napari_atlas.session.session import Session

__all__ = ["Timeline"]

_PAINT_AFTER_MS = 120


class Timeline(QWidget):  # type: ignore[misc]
    """Shows signal, temperature, latent and groups of the animal at the cursor over time, or all animals in rows.

    A click or a drag seeks, the wheel zooms around the mouse (with Shift it scrolls), a double click shows all. While
    "select" is on, or with Shift (adds) or Alt (subtracts), a drag selects the windows whose middle lies in it. A drag
    along the scale of the temperature selects by temperature.

    Keys: left and right go from window to window, with Shift from bin to bin; Return selects the window at the cursor,
    with Shift or Alt as well; T select, W window, S selection, 0 or Home all, A all recordings, there up and down go
    from row to row; Esc clears.

    Parameters
    ----------
    session
        What to show, and whose verbs to call.
    parent
        Qt parent.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-timeline")
        self.setAccessibleName("timeline")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._session = session
        self._track: Track | None = None
        self._bar, self._plot = TimelineBar(self), TimelinePlot(session, palette_of("dark"), self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setSpacing(4)
        layout.addWidget(self._bar)
        layout.addWidget(self._plot, 1)
        self._keys = TimelineKeys(session, self._bar, self._plot)
        self._bar.wishes_changed.connect(self._on_columns)
        self._bar.axis_chosen.connect(self._on_axis)
        self._bar.stack.toggled.connect(self._on_columns)
        self._links = Links(
            (session.atlas_changed, self._on_atlas),
            (session.columns_changed, self._on_columns),
            (session.color_by_changed, self._on_columns),
            (session.map_state_changed, self._on_columns),
            (session.cursor_changed, self._on_cursor),
            (session.selection_changed, self._plot.draw_selection),
        )
        self._links.connect()
        self.set_theme("dark")

    @property
    def canvas_widget(self) -> QWidget:
        """The widget that is drawn on and takes the mouse."""
        return self._plot.native

    def x_of_frame(self, frame: int) -> float:
        """Return where a video frame lies, in logical pixels of `canvas_widget`; NaN while no animal is shown."""
        view = self._plot.track.view
        return view.x_of_frame(frame) if view is not None else float("nan")

    def point_of(self, window: int) -> QPoint:
        """Return where a window lies, in logical pixels of `canvas_widget`; (−1, −1) while it is not on show."""
        place = self._plot.stack.sheet if self._bar.stack.isChecked() else self._plot.track.view
        x, y = place.point_of(window) if place is not None else (float("nan"), 0.0)
        return QPoint(round(x), round(y)) if np.isfinite(x) else QPoint(-1, -1)

    def point_of_celsius(self, celsius: float) -> QPoint:
        """Return where a temperature lies on its scale, in logical pixels of `canvas_widget`; (−1, −1) without one."""
        view = self._plot.track.view
        y = view.y_of_celsius(celsius) if view is not None else float("nan")
        return QPoint(30, round(y)) if np.isfinite(y) else QPoint(-1, -1)

    def title(self) -> str:
        """Return whose track is shown; empty while none is."""
        return self._bar.title

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
        palette = palette_of(theme)
        self._bar.paint(palette)
        self._plot.paint(palette)
        self._on_atlas()

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Answer the keys of the timeline; other keys go on to the window."""
        if not self._keys.answer(event.key(), event.modifiers()):
            super().keyPressEvent(event)

    def closeEvent(self, event: Any) -> None:  # noqa: N802
        """Stop listening."""
        self._links.disconnect()
        super().closeEvent(event)

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Listen again after having been closed."""
        if self._links.connect():
            self._on_atlas()
        super().showEvent(event)

    def _on_atlas(self, change: object = None) -> None:
        paint_later(self._plot.native, _PAINT_AFTER_MS)
        self._on_columns()

    def _on_columns(self, change: object = None) -> None:
        session, plot = self._session, self._plot
        self._track = track_at(session.atlas, session.cursor)
        names = channel_names(self._track) if self._track is not None and not self._bar.stack.isChecked() else ()
        self._bar.show_channels(names)
        thermal = session.atlas is not None and session.atlas.windows.table.has_temperature
        self._bar.show_rows(row_names(session), thermal)
        plot.turn(plot.stack if self._bar.stack.isChecked() else plot.track, self._bar.wishes)
        self._bar.show_axes(tuple(Axis) if self._bar.stack.isChecked() and thermal else (), plot.stack.axis)
        _show_title(session, self._bar, plot)

    def _on_axis(self, axis: Axis) -> None:
        self._plot.stack.axis = axis
        self._on_columns()

    def _on_cursor(self, cursor: object) -> None:
        if self._bar.stack.isChecked() or track_at(self._session.atlas, self._session.cursor) is self._track:
            self._plot.follow_cursor()
        else:
            self._on_atlas()


def _show_title(session: Session, bar: TimelineBar, plot: TimelinePlot) -> None:
    """Say whose timeline it is, and what the colours of the first strip mean, or of the rows."""
    atlas, shown, track = session.atlas, plot.stack.shown, track_at(session.atlas, session.cursor)
    bar.show_title("")
    bar.show_legend("")
    if atlas is not None and bar.stack.isChecked():
        bar.show_title(counted(len(atlas.tracks), "animal"))
        bar.show_legend(legend_text(shown.coloring, np.arange(len(atlas.windows.table))) if shown is not None else "")
    elif atlas is not None and track is not None:
        kind = next(s for s in atlas.windows.species if s.name == track.key.species)
        bar.show_title(label_of(track), marker_icon(kind.marker, kind.color))
        ids = linking.windows_of_track(atlas, track.key.recording, track.key.individual)
        strips = [name for row, (_, name) in strip_columns(session).items() if row not in bar.wishes.hidden]
        bar.show_legend(legend_text(plot.colorings.of(session, strips[0]), ids) if strips else "")
