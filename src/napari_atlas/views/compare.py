"""What the other species do that is nearest to the window at the cursor, playing together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_atlas.session import linking, review
from napari_atlas.views._behind import hide_behind_tabs
from napari_atlas.views._canvas import Links
from napari_atlas.views._compare_bar import CompareBar
from napari_atlas.views._compare_model import Question, answer
from napari_atlas.views._compare_page import ComparePage
from napari_atlas.views._worker import Latest

if TYPE_CHECKING:
    from napari_atlas.data.atlas import Atlas
    from napari_atlas.data.clusters import Clustering
    from napari_atlas.session.session import Cursor
    from napari_atlas.views.desk import Desk

__all__ = ["CompareDock"]

_SETTLE_MS = 150
_NOWHERE = -1


Wanted = tuple["Atlas | None", tuple["Clustering", ...], Question]


class CompareDock(QWidget):  # type: ignore[misc]
    """Show the window at the cursor beside the nearest ones of each other species; or clusters side by side.

    All play in phase. A click on a pane selects its window on the map, a double click goes there, so that it becomes
    the window that the others are compared with. Nothing is read while the dock cannot be seen.

    Parameters
    ----------
    desk
        Whose session is shown, and whose clips are played.
    parent
        Qt parent.
    """

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-compare")
        self.setAccessibleName("compare")
        self._desk, self._session = desk, desk.session
        self._pinned: Cursor | None = None
        self._asked: Wanted | None = None
        self._coming: Wanted | None = None
        self._latest = Latest()
        self.bar, self.page = CompareBar(self), ComparePage(desk, self)
        self.panes = self.page.panes
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setSpacing(4)
        layout.addWidget(self.bar)
        layout.addWidget(self.page, 1)
        self._timer = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._timer.timeout.connect(self._ask)
        self._connect()
        self.set_theme("dark")

    @property
    def target(self) -> int:
        """The window that the others are compared with; −1 if there is none."""
        atlas = self._session.atlas
        return linking.window_at(atlas, self._pinned or self._session.cursor) if atlas is not None else _NOWHERE

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
        self.page.set_theme(theme)

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Listen, and catch up with what has changed meanwhile."""
        super().showEvent(event)
        hide_behind_tabs(self)
        self._links.connect()
        self._refresh()

    def hideEvent(self, event: Any) -> None:  # noqa: N802
        """Let go of the session."""
        self._links.disconnect()
        self._timer.stop()
        self._latest.drop()
        self.page.filler.drop()
        self._asked = None
        super().hideEvent(event)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Play, pause, step, and stay."""
        deeds = {
            Qt.Key.Key_Space: self.panes.toggle,
            Qt.Key.Key_J: partial(review.step, self._session, 1),
            Qt.Key.Key_K: partial(review.step, self._session, -1),
            Qt.Key.Key_P: self.bar.pin.toggle,
        }
        if event.key() in deeds:
            deeds[event.key()]()
        else:
            super().keyPressEvent(event)

    def _connect(self) -> None:
        session, bar, panes = self._session, self.bar, self.panes
        self._links = Links(
            (session.atlas_changed, self._refresh),
            (session.columns_changed, self._refresh),
            (session.cursor_changed, self._on_cursor),
        )
        bar.changed.connect(self._ask)
        bar.stepped.connect(partial(review.step, session))
        bar.pin.toggled.connect(self._pin)
        bar.play.clicked.connect(panes.toggle)
        panes.clicked.connect(self._select)
        panes.opened.connect(self._go_to)
        panes.playing_changed.connect(bar.say_playing)

    def _refresh(self, changed: object = None) -> None:
        """Look at other windows or clusters; a kept window that is not there any more is given up."""
        if self._pinned is not None and self.target < 0:
            self.bar.pin.setChecked(False)
        self.bar.offer(self._session.clusterings)
        self._ask()

    def _on_cursor(self, cursor: object) -> None:
        """Wait until the cursor has settled in another window; within the same one there is nothing to do."""
        wanted = self._wanted()
        if wanted == self._asked:
            self._timer.stop()
        elif not self._timer.isActive() or wanted != self._coming:
            self._timer.start()
        self._coming = wanted

    def _wanted(self) -> Wanted:
        clusters = self.bar.clusters
        grouped = self._session.clusterings if clusters else ()
        window = _NOWHERE if clusters else self.target
        return self._session.atlas, grouped, Question(window, clusters, self.bar.wishes)

    def _ask(self) -> None:
        """Work out in a thread what to show, unless it is shown already."""
        self._timer.stop()
        wanted = self._wanted()
        if not self.isVisible():
            return
        if wanted != self._asked:
            self._asked = wanted
            self._latest.run(partial(answer, *wanted), self.page.show_answer)

    def _select(self, pane: int) -> None:
        window = self.panes.contents[pane].window
        if window >= 0:
            self._session.select(np.array([window]))

    def _go_to(self, pane: int) -> None:
        """Go to the window of a pane; one that was kept is given up for it."""
        window = self.panes.contents[pane].window
        if window >= 0:
            review.go_to(self._session, window)
            self._pin(self._pinned is not None)

    def _pin(self, pinned: bool) -> None:
        self._pinned = self._session.cursor if pinned else None
        self._ask()
