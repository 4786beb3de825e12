"""The whole workspace around one napari viewer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

from napari_atlas.session.review import step
from napari_atlas.session.session import Session
from napari_atlas.views._activity import Activity
from napari_atlas.views._canvas import Links
from napari_atlas.views._memory import Memory
from napari_atlas.views._playing import Player
from napari_atlas.views._preferences import preference
from napari_atlas.views._shortcuts import Shortcuts, keys_dialog
from napari_atlas.views._tagging import Tagger
from napari_atlas.views.bridge import Bridge
from napari_atlas.views.clips import ClipsDock
from napari_atlas.views.compare import CompareDock
from napari_atlas.views.decodability import DecodabilityDock
from napari_atlas.views.desk import Desk
from napari_atlas.views.difference import DifferenceDock
from napari_atlas.views.groups import GroupsDock
from napari_atlas.views.importing import ImportDock
from napari_atlas.views.latent_map import LatentMap
from napari_atlas.views.player import PlayerBar
from napari_atlas.views.project import ProjectDock
from napari_atlas.views.runs import RunsDock
from napari_atlas.views.synthesis import SynthesisDock
from napari_atlas.views.timeline import Timeline
from napari_atlas.views.training import TrainingDock

__all__ = ["PARTS", "Workspace", "workspace_of"]

PARTS = {
    "player": ("ATLAS playback", "top"),
    "project": ("ATLAS project", "left"),
    "training": ("ATLAS training", "left"),
    "map": ("ATLAS latent map", "right"),
    "groups": ("ATLAS groups", "left"),
    "difference": ("ATLAS what differs", "left"),
    "scrubbing": ("ATLAS scrubbing", "left"),
    "timeline": ("ATLAS timeline", "bottom"),
    "compare": ("ATLAS compare", "bottom"),
    "clips": ("ATLAS clips", "bottom"),
    "synthesis": ("ATLAS synthesis", "bottom"),
    "runs": ("ATLAS runs", "bottom"),
    "import": ("ATLAS import", "bottom"),
}

# Which dock is a tab beside which.
_BEHIND = {
    "groups": "training",
    "difference": "training",
    "scrubbing": "training",
    "compare": "timeline",
    "clips": "timeline",
    "synthesis": "timeline",
    "runs": "timeline",
    "import": "timeline",
}

# Width and height at which every dock has room.
_ROOMY = (1560, 940)

_CORNERS = {
    Qt.Corner.TopLeftCorner: Qt.DockWidgetArea.LeftDockWidgetArea,
    Qt.Corner.BottomLeftCorner: Qt.DockWidgetArea.LeftDockWidgetArea,
    Qt.Corner.TopRightCorner: Qt.DockWidgetArea.RightDockWidgetArea,
}


class Workspace:
    """Session, desk and bridge of one viewer, and the docks that were asked for.

    Parameters
    ----------
    viewer
        The napari viewer.
    """

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self.session = Session()
        self.desk = Desk(self.session)
        self.bridge = Bridge(viewer, self.session)
        self.player = Player(self.session)
        self.player.set(loop=preference("loop_window"))
        self.memory = Memory(self.session)
        self._activity = Activity()
        self._shortcuts: Shortcuts | None = None
        self.widgets: dict[str, QWidget] = {}
        self._docks: dict[str, QDockWidget] = {}
        self._links = Links(
            (viewer.events.theme, self._on_theme),
            (self.desk.import_wanted, self.show_import),
            (self.session.job_changed, self._activity.show),
        )
        self._links.connect()

    def widget(self, part: str) -> QWidget:
        """Return one part as a widget, made when it is first asked for."""
        if part not in self.widgets:
            makers = {
                "player": lambda: PlayerBar(self.session, self.player, self.bridge.lens),
                "project": lambda: ProjectDock(self.desk),
                "training": lambda: TrainingDock(self.desk),
                "map": lambda: LatentMap(self.desk),
                "groups": lambda: GroupsDock(self.desk),
                "difference": lambda: DifferenceDock(self.desk),
                "scrubbing": lambda: DecodabilityDock(self.desk),
                "compare": lambda: CompareDock(self.desk),
                "clips": lambda: ClipsDock(self.desk),
                "timeline": lambda: Timeline(self.session),
                "synthesis": lambda: SynthesisDock(self.desk, self.player),
                "runs": lambda: RunsDock(self.desk),
                "import": lambda: ImportDock(self.desk),
            }
            self.widgets[part] = makers[part]()  # type: ignore[no-untyped-call]
            self._on_theme()
        return self.widgets[part]

    def lay_out(self) -> None:
        """Add the docks that are not there yet, in their places."""
        _, _, *size = self.viewer.window.geometry()
        for part, (name, area) in PARTS.items():
            if part not in self._docks:
                widget = self.widget(part)
                dock = self.viewer.window.add_dock_widget(widget, name=name, area=area, add_vertical_stretch=False)
                if part in _WITH_CANVAS:
                    dock.setFeatures(dock.features() & ~QDockWidget.DockWidgetFeature.DockWidgetFloatable)
                # Tabs are narrow; the dock's own bar tells the whole name.
                dock.setWindowTitle(name.removeprefix("ATLAS ").capitalize())
                self._docks[part] = dock
                self._put_behind(part)
                if part == "import":
                    dock.visibilityChanged.connect(self._make_room)
                elif part == "player":
                    dock.setTitleBarWidget(QWidget(dock))
            self._docks[part].show()
        self._share_sides()
        self._take_keys()
        QTimer.singleShot(200, partial(self._proportion, QSize(*size)))

    def open(self, project: Path, run: str = "") -> None:
        """Open a project."""
        self.desk.open(project, run)

    def show_keys(self) -> None:
        """List all keys in a dialog."""
        keys_dialog(self._docks["map"].window() if "map" in self._docks else None).show()

    def show_import(self, sources: tuple[Path, ...] = ()) -> None:
        """Bring the import dock to the front, and look at files and folders if there are any."""
        if "import" not in self._docks:
            self.lay_out()
        self._docks["import"].show()
        self._docks["import"].raise_()
        self.widget("import").take(sources)

    def close(self) -> None:
        """Let go of everything; a fit under way goes on by itself."""
        self.desk.runner.release()
        self.memory.close()
        self.player.close()
        self._activity.close()
        self._links.disconnect()
        if self._shortcuts is not None:
            self._shortcuts.close()
        for widget in self.widgets.values():
            widget.close()
        self._let_go()

    def _let_go(self) -> None:
        """Close the videos and forget the viewer; what plays clips holds many pictures."""
        self.bridge.close()
        self.desk.keeper.library.close()
        _WORKSPACES.pop(self.viewer, None)

    def _on_theme(self, _event: Any = None) -> None:
        for widget in self.widgets.values():
            if hasattr(widget, "set_theme"):
                widget.set_theme(self.viewer.theme)

    def _put_behind(self, part: str) -> None:
        """Make a dock a tab beside another at once: all of them on top of each other would make the window grow."""
        window, dock = self._docks[part].parent(), self._docks[part]
        if window is None:
            return
        if part in _BEHIND:
            window.tabifyDockWidget(self._docks[_BEHIND[part]], dock)
        elif part == "project":
            for name in ("layer controls", "layer list"):
                if (other := window.findChild(QDockWidget, name)) is not None:
                    window.tabifyDockWidget(dock, other)

    def _share_sides(self) -> None:
        """Give the left side the window's full height, and bring to the front what is looked at first."""
        window = self._docks["project"].parent()
        if window is not None:
            for corner, side in _CORNERS.items():
                window.setCorner(corner, side)
        for part in ("project", "training", "timeline"):
            self._docks[part].raise_()

    def _take_keys(self) -> None:
        """Let the keys of the workspace work in the whole window."""
        window = self._docks["map"].parent()
        if self._shortcuts is not None or not isinstance(window, QMainWindow):
            return
        session = self.session
        deeds: dict[str, Callable[[], object]] = {
            "J": lambda: step(session, 1),
            "K": lambda: step(session, -1),
            "O": lambda: self.player.set(loop=not self.player.loop),
            "Ctrl+Z": session.undo,
            "Ctrl+Shift+Z": session.redo,
            "?": self.show_keys,
        }
        deeds |= {str(key): partial(self._tag, key) for key in range(1, 10)}
        self._shortcuts = Shortcuts(window, deeds)
        self._shortcuts.also(window.centralWidget(), "Space", self.player.toggle)
        self.memory.watch(window)
        window.destroyed.connect(self._let_go)
        self.player.setParent(window)

    def _tag(self, key: int) -> None:
        """Set or take a tag, and say so where napari says such things."""
        self.viewer.status = Tagger(self.desk).toggle(key)

    def _make_room(self, imports: bool) -> None:
        """Give the import more height than what it shares its place with, while it is at the front."""
        dock = self._docks["import" if imports else "timeline"]
        window = dock.parent()
        if isinstance(window, QMainWindow) and not dock.isFloating():
            share = 0.56 if imports else 0.26
            window.resizeDocks([dock], [int(share * window.height())], Qt.Orientation.Vertical)

    def _proportion(self, size: QSize) -> None:
        """Give map, timeline and settings their share of the window."""
        docks = self._docks
        window = docks["map"].parent()
        if window is None:
            return
        _fit_screen(window, size)
        width, height = window.width(), window.height()
        left, right = max(250, int(0.2 * width)), int(0.36 * width)
        window.resizeDocks([docks["project"], docks["map"]], [left, right], Qt.Orientation.Horizontal)
        window.resizeDocks([docks["timeline"]], [int(0.26 * height)], Qt.Orientation.Vertical)
        halves = [int(0.28 * height), int(0.64 * height)]
        window.resizeDocks([docks["project"], docks["training"]], halves, Qt.Orientation.Vertical)


def _fit_screen(window: QMainWindow, size: QSize) -> None:
    """Give a window its size from before the docks, or that in which they have room, as far as the screen goes."""
    if window.isMaximized() or window.isFullScreen():
        return
    screen = window.screen().availableGeometry()
    frame = window.frameGeometry().size() - window.size()
    window.resize(size.expandedTo(QSize(*_ROOMY)).boundedTo(screen.size() - frame))
    if not screen.contains(window.frameGeometry()):
        window.move(screen.topLeft())


# A dock that holds a GL canvas may not float: that would destroy the canvas' context.
_WITH_CANVAS = frozenset({"training", "map", "timeline", "compare", "clips", "import"})

_WORKSPACES: WeakKeyDictionary[Any, Workspace] = WeakKeyDictionary()


def workspace_of(viewer: Any) -> Workspace:
    """Return the workspace of a viewer, made when it is first asked for."""
    if viewer not in _WORKSPACES:
        _WORKSPACES[viewer] = Workspace(viewer)
    return _WORKSPACES[viewer]
