"""The card that tells what the point under the mouse is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, Qt, QTimer, Signal
from qtpy.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from napari_atlas.data.clip import Clip
from napari_atlas.views._legend import marker_icon
from napari_atlas.views._map_model import describe, marker_of
from napari_atlas.views._map_source import SessionSource
from napari_atlas.views._preferences import preference
from napari_atlas.views._thumbnail import SIZE, thumbnail
from napari_atlas.views._worker import Latest

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qtpy.QtGui import QPixmap

    from napari_atlas.session.session import Session
    from napari_atlas.views._canvas import Palette
    from napari_atlas.views._keeper import Keeper
    from napari_atlas.views._map_source import MapSource
    from napari_atlas.views._map_visuals import MapVisuals

__all__ = ["Hover", "HoverCard"]

_GAP = 16
_PREVIEW_MS = 125
_NOTHING = np.empty((0, 2), dtype=np.float32)


class HoverCard(QFrame):  # type: ignore[misc]
    """A small card over the canvas; the mouse passes through it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-hover-card")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._icon, self._who, self._when, self._facts = (QLabel(self) for _ in range(4))
        self.picture = QLabel(self)
        self.picture.setObjectName("atlas-hover-picture")
        self.picture.setFixedSize(*SIZE)
        self.picture.setVisible(False)
        self._at = (0.0, 0.0)
        grid = QGridLayout(self)
        grid.setContentsMargins(10, 7, 12, 8)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        grid.addWidget(self._icon, 0, 0)
        for row, label in enumerate((self._who, self._when, self._facts)):
            grid.addWidget(label, row, 1)
        grid.addWidget(self.picture, 3, 0, 1, 2)
        self.hide()

    def paint(self, palette: Palette) -> None:
        """Use the colours of a theme."""
        self.setStyleSheet(
            f"#atlas-hover-card {{ background: {palette.background}; border: 1px solid {palette.accent};"
            f" border-radius: 6px; }} QLabel {{ background: transparent; color: {palette.text}; }}"
        )
        self._facts.setStyleSheet(f"color: {palette.muted};")

    def tell(self, marker: tuple[str, str], texts: tuple[str, str, str]) -> None:
        """Say whose window it is, when it is and what is known of it, beside the marker of the species; no picture."""
        self._icon.setPixmap(marker_icon(*marker).pixmap(14, 14))
        for label, text in zip((self._who, self._when, self._facts), texts, strict=True):
            label.setText(text)
        self.picture.clear()
        self.picture.setVisible(False)
        self.adjustSize()

    def show_picture(self, pixmap: QPixmap) -> None:
        """Show a picture below the words."""
        self.picture.setPixmap(pixmap)
        self.picture.setVisible(True)
        self.adjustSize()
        if self.isVisible():
            self.place(*self._at)

    def place(self, x: float, y: float) -> None:
        """Show the card beside a pixel of the parent, on the side where there is room."""
        self._at = (x, y)
        left = x + _GAP if x + _GAP + self.width() <= self.parent().width() else x - _GAP - self.width()
        top = y + _GAP if y + _GAP + self.height() <= self.parent().height() else y - _GAP - self.height()
        self.move(max(0, round(left)), max(0, round(top)))
        self.show()
        self.raise_()

    def words(self) -> str:
        """Return what the card says, for tests and screen readers."""
        return "\n".join(label.text() for label in (self._who, self._when, self._facts))


class Hover(QObject):  # type: ignore[misc]
    """The window under the mouse: a ring at once, a card a moment later, and its picture when that has been read.

    Parameters
    ----------
    session
        Whose windows they are.
    visuals
        Where the ring is drawn.
    parent
        The widget that carries the card.
    source
        The run that is drawn; None stands for the session's own.
    """

    entered = Signal(int)
    """The window that the mouse came over; −1 when it left."""

    def __init__(self, session: Session, visuals: MapVisuals, parent: QWidget, source: MapSource | None = None) -> None:
        super().__init__(parent)
        self._source, self._visuals = source or SessionSource(session), visuals
        self._window, self._position = -1, _NOTHING
        self._keeper: Keeper | None = None
        self._pictures = Latest()
        self.card = HoverCard(parent)
        self._timer = QTimer(self, singleShot=True, interval=_PREVIEW_MS)
        self._timer.timeout.connect(self._tell)

    def take_pictures_from(self, keeper: Keeper) -> None:
        """Show pictures on the card, from the clips that a keeper has at hand."""
        self._keeper = keeper

    def over(self, window: int, position: NDArray[np.float32]) -> None:
        """Be over a window at a map position (1, 2) or (1, 3)."""
        if window == self._window:
            return
        self._window, self._position = window, position
        self._pictures.drop()
        self.card.hide()
        self._visuals.set_hover(position)
        self._timer.start()
        self.entered.emit(window)

    def clear(self) -> None:
        """Be over none."""
        self._timer.stop()
        if self._window >= 0:
            self._window, self._position = -1, _NOTHING
            self._pictures.drop()
            self.card.hide()
            self._visuals.set_hover(_NOTHING)
            self.entered.emit(-1)

    def ring(self, position: NDArray[np.float32]) -> None:
        """Draw a ring at a map position (1, 2) or (1, 3), or none for no position, and show no card."""
        self._visuals.set_hover(position if np.isfinite(position).all() else _NOTHING)

    def _tell(self) -> None:
        atlas = self._source.atlas
        if atlas is not None and 0 <= self._window < len(atlas.windows.table):
            self.card.tell(marker_of(atlas, self._window), describe(atlas, self._window))
            self.card.place(*self._visuals.view.to_screen(self._position[0]))
            self._ask_for_picture()

    def _ask_for_picture(self) -> None:
        """Read the picture of the window in a worker thread; one that comes too late is not shown."""
        atlas, window = self._source.atlas, self._window
        if atlas is None or self._keeper is None or not preference("hover_pictures"):
            return
        library, table, ratio = self._keeper.library, atlas.windows.table, self.card.devicePixelRatioF()
        size = (round(SIZE[0] * ratio), round(SIZE[1] * ratio))

        def show(clip: object) -> None:
            # A picture that cannot be read is left out: the words are there, and a click tells what is wrong.
            if isinstance(clip, Clip) and window == self._window and atlas is self._source.atlas:
                self.card.show_picture(thumbnail(clip, ratio))

        self._pictures.run(lambda: library.clip(table, window, size, most=1), show)
