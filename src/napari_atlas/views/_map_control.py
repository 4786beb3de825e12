"""What the user does with the map, turned into verbs of the session."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_atlas.session.review import step
from napari_atlas.views._beside import BesideMenu
from napari_atlas.views._map_deeds import SelectionDeeds
from napari_atlas.views._map_keys import Keys
from napari_atlas.views._map_menu import SelectionMenu
from napari_atlas.views._map_mouse import Mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QWidget

    from napari_atlas.session.selection import Combine
    from napari_atlas.views._colors import Coloring
    from napari_atlas.views._map_bars import MapFooter, MapHeader
    from napari_atlas.views._map_pair import MapPair
    from napari_atlas.views._subset import SubsetBar
    from napari_atlas.views.desk import Desk

__all__ = ["MapControl"]


class MapControl(QObject):  # type: ignore[misc]
    """Listens to the bars, the keys and the menus of a map.

    Parameters
    ----------
    desk
        Whose session is changed.
    parts
        Header, bar of the partial map, maps and footer.
    parent
        The widget that takes the keys.
    """

    def __init__(self, desk: Desk, parts: tuple[MapHeader, SubsetBar, MapPair, MapFooter], parent: QWidget) -> None:
        super().__init__(parent)
        self.coloring: Coloring | None = None
        """The colouring on show."""
        self._session, self._widget = desk.session, parent
        self._header, self._subset, self._maps, self._footer = parts
        self._deeds = SelectionDeeds(desk)
        self._listen()
        beside = BesideMenu(desk, self._footer.say, parent)
        self._footer.compare.setMenu(beside)
        self._maps.closed.connect(beside.close_second)
        own = {
            "Select all": ("Ctrl+A", self._told(self._deeds.everything)),
            "Invert": ("I", self._told(self._deeds.invert)),
            "Clear": ("Esc", self.clear),
            "Zoom to it": ("Z", self._zoom),
            "Keep under a name …": ("Ctrl+S", self._ask_name),
            "Map only these": ("", self._subset.make),
        }
        self._footer.menu.setMenu(SelectionMenu(self._deeds, own, parent))
        self._keys = Keys(parent, {key: deed for key, deed in own.values() if key} | self._other_keys())

    def clear(self) -> None:
        """Select nothing, and let dragging pan again."""
        self._footer.set_mode(Mode.PAN)
        self._deeds.clear()

    def _listen(self) -> None:
        header, footer, session = self._header, self._footer, self._session
        header.column.chosen.connect(session.color)
        header.shown.textActivated.connect(self._show)
        header.axes.arranged.connect(self._arrange)
        header.legend.picked.connect(self._pick)
        header.legend.limits_chosen.connect(self._limit)
        footer.mode_chosen.connect(self._maps.set_mode)
        footer.fit.clicked.connect(self._maps.fit)
        footer.undo.clicked.connect(self._told(self._deeds.undo))
        footer.redo.clicked.connect(self._told(self._deeds.redo))
        footer.name.given.connect(self._save)
        footer.name.opened.connect(self._on_name)
        self._subset.said.connect(footer.say)
        self._maps.clicked_twice.connect(self._select_cluster)

    def _other_keys(self) -> dict[str, Callable[[], object]]:
        footer = self._footer
        undo, redo = self._told(self._deeds.undo), self._told(self._deeds.redo)
        return {
            "F": self._maps.fit,
            "Home": self._maps.fit,
            "L": footer.lasso.click,
            "B": footer.box.click,
            "D": self._header.axes.density.click,
            "J": partial(step, self._session, 1),
            "K": partial(step, self._session, -1),
            "Ctrl+Z": undo,
            "Ctrl+Shift+Z": redo,
            "Ctrl+Y": redo,
        }

    def _told(self, deed: Callable[[], str]) -> Callable[[], None]:
        """Return a deed that says what there is to say."""

        def told() -> None:
            self._footer.say(deed())

        return told

    def _show(self, shown: str) -> None:
        self._session.arrange(shown=shown)

    def _arrange(self, changes: dict[str, Any]) -> None:
        self._session.arrange(**changes)

    def _pick(self, label: str, combine: Combine) -> None:
        if self.coloring is not None:
            self._session.select(self.coloring.members(label), combine, label)

    def _limit(self, limits: tuple[float, float] | None) -> None:
        """Let the scale of the column on show run between two values, or between its own for None."""
        if self.coloring is not None:
            column, state = self.coloring.column, self._session.map_state
            others = {name: ends for name, ends in state.limits.items() if name != column}
            self._session.arrange(limits=others if limits is None else {**others, column: limits})

    def _zoom(self) -> None:
        if len(self._session.selection):
            self._maps.zoom_to_selection()
        else:
            self._footer.say("Select some windows first.")

    def _ask_name(self) -> None:
        if len(self._session.selection):
            self._footer.name.ask(self._session.selection.name, self._deeds.is_taken)
        else:
            self._footer.say("Select some windows first, then keep them under a name.")

    def _save(self, name: str) -> None:
        self._footer.say(self._deeds.save(name))

    def _on_name(self, opened: bool) -> None:
        if not opened:
            self._widget.setFocus()

    def _select_cluster(self, window: int) -> None:
        self._footer.say(self._deeds.cluster_of(window))
