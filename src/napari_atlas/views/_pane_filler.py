"""Clips that are read in a thread, one after the other, into the panes that wait for them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from napari_atlas.data.clip import Clip
from napari_atlas.views._worker import Latest

if TYPE_CHECKING:
    from napari_atlas.views._panes import PaneContent, Panes
    from napari_atlas.views.desk import Desk

__all__ = ["PaneFiller"]


class PaneFiller:
    """Show contents, and give each pane its clip as soon as it is read.

    Parameters
    ----------
    desk
        Whose clips they are.
    panes
        Where they are shown.
    """

    def __init__(self, desk: Desk, panes: Panes) -> None:
        self._desk, self._panes = desk, panes
        self._latest = Latest()

    def show(self, contents: tuple[PaneContent, ...], groups: tuple[int, ...] = ()) -> None:
        """Show other contents; what is read for those before is dropped."""
        self._panes.show_contents(contents, groups)
        self.go_on()

    def go_on(self) -> None:
        """Read what is missing, if the panes can be seen."""
        atlas, contents = self._desk.session.atlas, self._panes.contents
        missing = [i for i, c in enumerate(contents) if c.clip is None and not c.fault and c.window >= 0]
        if missing and atlas is not None and self._panes.isVisible():
            work = partial(self._desk.keeper.library.clip, atlas.windows.table, contents[missing[0]].window)
            self._latest.run(work, partial(self._put, contents, missing[0]))

    def drop(self) -> None:
        """Read no more."""
        self._latest.drop()

    def _put(self, contents: tuple[PaneContent, ...], pane: int, found: Clip | Exception) -> None:
        """Show a clip, or that there is none, unless something else is shown meanwhile."""
        if contents is self._panes.contents:
            filled = _with(contents[pane], found)
            self.show((*contents[:pane], filled, *contents[pane + 1 :]), self._panes.groups)


def _with(content: PaneContent, found: Clip | Exception) -> PaneContent:
    if isinstance(found, Clip):
        return replace(content, clip=found)
    return replace(content, fault="cannot be shown", tip=f"{content.tip}\n{found}")
