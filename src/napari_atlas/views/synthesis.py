"""The window at the cursor as another animal, faster, heading elsewhere, or of another species."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_atlas.jobs import WarmRun
from napari_atlas.session import linking, review
from napari_atlas.views._behind import hide_behind_tabs
from napari_atlas.views._canvas import Links
from napari_atlas.views._synthesis_facts import Facts, made_of
from napari_atlas.views._synthesis_page import SynthesisPage
from napari_atlas.views._synthesis_source import Source
from napari_atlas.views._synthesis_walk import Walk

if TYPE_CHECKING:
    from napari_atlas.views._playing import Player
    from napari_atlas.views.desk import Desk

__all__ = ["SynthesisDock"]

_SETTLE_MS, _REST_MS = 80, 120_000
_LOOP_S = (0.8, 4.0)
_NOWHERE = -1
_NO_PROJECT = "No project is open."
_NO_RUN = "No fit is on show. Fit a model, or choose a run: then its windows can be generated anew here."
_NO_WINDOW = "The cursor is in no window. Click a point on the map, or move the video."
_STARTING = "Starting the model …"


@dataclass(frozen=True)
class _Wish:
    """What is to be generated; an empty species or latent is that of the window."""

    window: int
    species: str
    variables: dict[str, Any]
    latent: tuple[float, ...]

    def asked_of(self, warm: WarmRun) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the window as it was recorded, and what is made of it."""
        other = {name: value for name in ("species", "latent") if (value := getattr(self, name))}
        made = warm.ask(do="decode", window=self.window, variables=self.variables, **other)
        return warm.ask(do="window", window=self.window), made


class SynthesisDock(QWidget):  # type: ignore[misc]
    """Decode the window at the cursor as it is, or with something changed, and play both in phase.

    A child process holds the model. It is begun when the dock is seen with a run on show, and ended when the dock is
    closed or has not been seen for two minutes.

    Parameters
    ----------
    desk
        Whose session is shown.
    player
        What plays the video; while it does, both stay with it.
    make
        What begins the child process.
    parent
        Qt parent.
    """

    def __init__(
        self,
        desk: Desk,
        player: Player,
        make: Callable[[Path, str], WarmRun] = WarmRun,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-synthesis")
        self.setAccessibleName("synthesis")
        self._session, self._player = desk.session, player
        self._source = Source(make, self)
        self._facts: Facts | None = None
        self._window, self.shown = _NOWHERE, _NOWHERE
        self.page = SynthesisPage(self)
        self._walk = Walk(desk.session, self.page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.page)
        self._settle = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._connect()
        self.set_theme("dark")

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
        self.page.set_theme(theme)

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Listen, and catch up with what has changed meanwhile."""
        super().showEvent(event)
        hide_behind_tabs(self)
        self._rest.stop()
        self._links.connect()
        self._refresh()
        self._on_player()

    def hideEvent(self, event: Any) -> None:  # noqa: N802
        """Let go of the session; the model is kept for a while."""
        self._links.disconnect()
        self._settle.stop()
        self._rest.start()
        super().hideEvent(event)

    def closeEvent(self, event: Any) -> None:  # noqa: N802
        """End the child process."""
        self._rest.stop()
        self._source.stop()
        super().closeEvent(event)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Play, go back to what is, begin a walk, step."""
        deeds = {
            Qt.Key.Key_Space: self.page.stage.toggle,
            Qt.Key.Key_R: self.page.forget,
            Qt.Key.Key_W: self.page.bar.pin.toggle,
            Qt.Key.Key_J: partial(review.step, self._session, 1),
            Qt.Key.Key_K: partial(review.step, self._session, -1),
        }
        if event.key() in deeds:
            deeds[event.key()]()
        else:
            super().keyPressEvent(event)

    def _connect(self) -> None:
        self._links = Links(
            (self._session.atlas_changed, self._refresh),
            (self._session.cursor_changed, self._on_cursor),
            (self._player.changed, self._on_player),
        )
        self._source.changed.connect(self._refresh)
        self._settle.timeout.connect(self._go)
        self._rest.timeout.connect(self._source.stop)
        self.page.changed.connect(self._ask)
        self.page.again.clicked.connect(self._begin_again)

    def _refresh(self, _: object = None) -> None:
        """Get the run on show ready, and say what there is to wait for."""
        atlas, source = self._session.atlas, self._source
        if atlas is None or not atlas.run or not len(atlas.latents):
            source.stop()
            self.page.say(_NO_PROJECT if atlas is None else _NO_RUN)
            return
        source.use(atlas.folder, atlas.run)
        if source.facts is None:
            fault = f"The model of this run cannot be used.\n{source.fault}" if source.fault else ""
            self.page.say(fault or _STARTING, again=bool(fault))
            return
        if source.facts is not self._facts:
            self._facts, self._window, self.shown = source.facts, _NOWHERE, _NOWHERE
            self.page.offer(source.facts)
            self.page.bar.pin.setChecked(False)
        self._go()

    def _begin_again(self) -> None:
        self._source.stop()
        self._refresh()

    def _go(self) -> None:
        """Generate the window at the cursor, as soon as the model is ready."""
        atlas = self._session.atlas
        if atlas is None or self._source.facts is None:
            return
        window = linking.window_at(atlas, self._session.cursor)
        if window < 0:
            self.page.say(_NO_WINDOW)
            return
        if window != self._window:
            self._window = window
            self._walk.lead_to(window)
        self._ask()

    def _ask(self) -> None:
        if self._window >= 0 and self._facts is not None and self._session.atlas is not None:
            page, table = self.page, self._session.atlas.windows.table
            own = table.keys[table.track[self._window]].species
            page.told.offer(self._facts.species[page.bar.species or own].variables)
            wish = _Wish(self._window, page.bar.species, page.told.values(), page.latent.wished)
            self._source.ask(wish.asked_of, partial(self._show, wish, self._facts))

    def _show(self, wish: _Wish, facts: Facts, found: Any) -> None:
        """Show what was made, unless another window or run is wanted meanwhile."""
        atlas = self._session.atlas
        if facts is not self._facts or wish.window != self._window or atlas is None:
            return
        if isinstance(found, Exception):
            self.page.say(str(found))
            return
        own, made = found
        self.page.told.show_own(own["variables"])
        if self.shown != wish.window:
            self.shown = wish.window
            self.page.latent.show_own(own["latent"])
        seconds = next(s.window for s in atlas.windows.species if s.name == own["species"])
        self.page.say("")
        self.page.stage.show_made(made_of(own, facts), made_of(made, facts), min(max(seconds, _LOOP_S[0]), _LOOP_S[1]))

    def _on_cursor(self, cursor: object) -> None:
        """Wait until the cursor has settled in another window; within the same one stay with the video."""
        atlas = self._session.atlas
        if atlas is not None and linking.window_at(atlas, self._session.cursor) != self._window:
            if not self._settle.isActive():
                self._settle.start()
        elif self._player.playing:
            self._on_player()

    def _on_player(self) -> None:
        """Be where the video is while it plays."""
        atlas = self._session.atlas
        if atlas is None or not self._player.playing or self._window < 0:
            self.page.stage.lead()
            return
        table = atlas.windows.table
        first, stop = int(table.first_frame[self._window]), int(table.stop_frame[self._window])
        share = (self._session.cursor.frame - first) / max(1, stop - first)
        self.page.stage.follow(min(max(share, 0.0), 0.999))
