"""The way from the latent of one window to that of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_atlas.session import linking

if TYPE_CHECKING:
    from napari_atlas.session.session import Session
    from napari_atlas.views._synthesis_page import SynthesisPage

__all__ = ["Walk"]

_NOWHERE = -1


class Walk:
    """Stand between two windows: the one where the walk began, and the one that is on show.

    Parameters
    ----------
    session
        Whose latents they are.
    page
        What shows where the walk is, and follows it.
    """

    def __init__(self, session: Session, page: SynthesisPage) -> None:
        self._session, self._page = session, page
        self._begin = self._end = _NOWHERE
        page.bar.pin.toggled.connect(self._pin)
        page.bar.walked.connect(self._stand)

    def lead_to(self, window: int) -> None:
        """Have another window at its end, and stand there."""
        self._end = window
        self._page.latent.forget()
        self._page.bar.put_at_end()
        self._say()

    def _pin(self, on: bool) -> None:
        self._begin = self._end if on else _NOWHERE
        self._say()

    def _stand(self, share: float) -> None:
        atlas = self._session.atlas
        if atlas is None or self._begin < 0 or share == 1.0:
            self._page.latent.forget()
        else:
            begin, end = atlas.latents[self._begin], atlas.latents[self._end]
            self._page.latent.put(((1 - share) * begin + share * end).tolist())
        self._page.changed.emit()

    def _say(self) -> None:
        atlas = self._session.atlas
        if atlas is None or self._begin < 0:
            self._page.bar.say_walk("", False)
            return
        key = atlas.windows.table.keys[atlas.windows.table.track[self._begin]]
        rank, _ = linking.window_rank(atlas, self._begin)
        here = self._begin == self._end
        where = ": click another one to walk to" if here else " to this one"
        self._page.bar.say_walk(f"from window {rank} of {key.recording}{where}", not here)
