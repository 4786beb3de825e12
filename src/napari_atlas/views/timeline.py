"""The timeline: what the animal at the cursor did, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_atlas.data.windows import SPLITS
from napari_atlas.session import linking
from napari_atlas.views._canvas import Links, paint_later, palette_of
from napari_atlas.views._colors import SPLIT_COLORS
from napari_atlas.views._legend import marker_icon
from napari_atlas.views._timeline_model import channel_names, label_of, track_at
from napari_atlas.views._timeline_plot import TimelinePlot

if TYPE_CHECKING:
    from napari_atlas.data.windows import Track
    from napari_atlas.session.session import Session

__all__ = ["Timeline"]

_PAINT_AFTER_MS = 120


class Timeline(QWidget):  # type: ignore[misc]
    """Shows signal, temperature and windows of the animal at the cursor, over time.

    A click or a drag seeks, the wheel zooms around the mouse (with Shift it scrolls), a double click shows all.

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
        self._palette = palette_of("dark")
        self._track: Track | None = None
        self._icon, self._title, self._splits = QLabel(self), QLabel(self), QLabel(self)
        self._plot = TimelinePlot(session, self._palette, self)
        self._channels = QComboBox(self)
        self._channels.setObjectName("atlas-timeline-channel")
        self._channels.setAccessibleName("channel of the signal")
        self._channels.setToolTip("Which channel of the signal is drawn")
        self._channels.activated.connect(self._on_channel)
        header = QHBoxLayout()
        header.setSpacing(6)
        for widget in (self._icon, self._title, self._channels):
            header.addWidget(widget)
        header.addStretch(1)
        header.addWidget(self._splits)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setSpacing(4)
        layout.addLayout(header)
        layout.addWidget(self._plot, 1)
        self._links = Links(
            (session.atlas_changed, self._on_atlas),
            (session.cursor_changed, self._on_cursor),
            (session.selection_changed, self._on_selection),
        )
        self._links.connect()
        self.destroyed.connect(self._links.disconnect)
        self.set_theme("dark")

    @property
    def canvas_widget(self) -> QWidget:
        """The widget that is drawn on and takes the mouse."""
        return self._plot.native

    def x_of_frame(self, frame: int) -> float:
        """Return where a video frame lies, in logical pixels of `canvas_widget`; NaN while nothing is shown."""
        return self._plot.x_of_frame(frame)

    def title(self) -> str:
        """Return whose track is shown; empty while none is."""
        return str(self._title.text())

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
        self._palette = palette_of(theme)
        self._splits.setStyleSheet(f"color: {self._palette.muted};")
        self._plot.paint(self._palette)
        self._on_atlas(self._session.atlas)

    def closeEvent(self, event: Any) -> None:  # noqa: N802
        """Stop listening."""
        self._links.disconnect()
        super().closeEvent(event)

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Listen again after having been closed."""
        if self._links.connect():
            self._on_atlas(self._session.atlas)
        super().showEvent(event)

    def _on_atlas(self, atlas: object) -> None:
        paint_later(self._plot.native, _PAINT_AFTER_MS)
        self._track = track_at(self._session.atlas, self._session.cursor)
        self._show_header()
        self._show_channels()
        self._plot.load(self._channels.currentIndex() - 1)

    def _on_channel(self, index: int) -> None:
        self._plot.load(index - 1)

    def _on_cursor(self, cursor: object) -> None:
        if track_at(self._session.atlas, self._session.cursor) is self._track:
            self._plot.follow_cursor()
        else:
            self._on_atlas(self._session.atlas)

    def _on_selection(self, selection: object) -> None:
        self._plot.draw_selection()

    def _show_header(self) -> None:
        atlas, track = self._session.atlas, self._track
        for widget in (self._icon, self._splits):
            widget.setVisible(track is not None)
        self._title.setText(label_of(track) if track is not None else "")
        if atlas is None or track is None:
            return
        kind = next(s for s in atlas.windows.species if s.name == track.key.species)
        self._icon.setPixmap(marker_icon(kind.marker, kind.color).pixmap(14, 14))
        ids = linking.windows_of_track(atlas, track.key.recording, track.key.individual)
        present = [SPLITS[code] for code in np.unique(atlas.windows.table.split[ids])]
        words = [f'<span style="color:{SPLIT_COLORS[name]}">■</span> {name}' for name in present]
        self._splits.setText("windows: " + "&nbsp;&nbsp;".join(words) if words else "")

    def _show_channels(self) -> None:
        """Offer the channels of the track, if it has several; the one on show stays if the track has it."""
        names = channel_names(self._track) if self._track is not None else ()
        offered, chosen = ["all channels", *names], self._channels.currentText()
        if offered != [self._channels.itemText(i) for i in range(self._channels.count())]:
            self._channels.clear()
            self._channels.addItems(offered)
            self._channels.setCurrentIndex(offered.index(chosen) if chosen in offered else 0)
        self._channels.setVisible(len(names) > 1)
