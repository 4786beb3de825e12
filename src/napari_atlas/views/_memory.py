"""What a project's window looked like, kept with the project and found again."""

from __future__ import annotations

import base64
import contextlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QByteArray, QEvent, QObject, QTimer
from qtpy.QtWidgets import QMainWindow

from napari_atlas.data.marks import Spans
from napari_atlas.errors import InputError
from napari_atlas.io.recent import remember_project
from napari_atlas.io.view_state import read_view, write_view
from napari_atlas.session.map_state import AXES, SHOWN, MapState
from napari_atlas.views._preferences import preference
from napari_atlas.views._worker import InOrder, call_in_thread

if TYPE_CHECKING:
    from napari_atlas.data.atlas import Atlas
    from napari_atlas.session.session import Session

__all__ = ["Memory", "told", "use"]

_AFTER_MS = 800
_MOST_SELECTED = 20_000  # of more, the selection is not kept: it would take long to write


def told(session: Session) -> dict[str, Any]:
    """Return what is on show as a JSON value: cursor, selection, colour, and how the map is laid out."""
    atlas, cursor, selection = session.atlas, session.cursor, session.selection
    few = atlas is not None and len(selection) <= _MOST_SELECTED
    spans = Spans.of_windows(atlas.windows.table, selection.ids) if atlas is not None and few else Spans()
    return {
        "color_by": session.color_by,
        "cursor": asdict(cursor),
        "selection": {"name": selection.name, "spans": spans.as_list()},
        "map": asdict(session.map_state),
    }


def use(session: Session, view: dict[str, Any]) -> None:
    """Show what `told` told, as far as it still makes sense; anything else is passed over."""
    atlas, columns = session.atlas, session.columns
    if atlas is None or columns is None:
        return
    if view.get("color_by") in columns.names:
        session.color(view["color_by"])
    session.arrange(**_map_state(view.get("map"), atlas))
    cursor = view.get("cursor")
    if isinstance(cursor, dict) and _is_there(atlas, cursor):
        session.seek(cursor["recording"], cursor["individual"], int(cursor["frame"]))
    selection = view.get("selection")
    if isinstance(selection, dict):
        try:
            ids = Spans.from_list(selection.get("spans", [])).windows(atlas.windows.table)
        except InputError:
            return
        session.select(ids, name=str(selection.get("name", "")))


class Memory(QObject):  # type: ignore[misc]
    """Keep the view of the project on show, a moment after it has changed, and show it when it is opened again.

    Parameters
    ----------
    session
        What is on show.
    parent
        Qt parent.
    """

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._folder = Path()
        self._queue = InOrder()
        self._timer = QTimer(self, singleShot=True, interval=_AFTER_MS)
        self._timer.timeout.connect(self._keep)
        self._signals = (
            session.cursor_changed,
            session.selection_changed,
            session.color_by_changed,
            session.map_state_changed,
        )
        session.atlas_changed.connect(self._on_atlas)
        for signal in self._signals:
            signal.connect(self._on_change)

    def watch(self, window: Any) -> None:
        """Keep the places of a main window's docks as well, and keep all when it is closed."""
        self.setParent(window)
        window.installEventFilter(self)

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802
        """Keep what has changed before the window goes."""
        if event.type() == QEvent.Type.Close:
            self._keep_now()
        return False

    def close(self) -> None:
        """Keep what is to be kept, and listen no more."""
        self._keep_now()
        self._session.atlas_changed.disconnect(self._on_atlas)
        for signal in self._signals:
            signal.disconnect(self._on_change)

    def _on_atlas(self, atlas: Atlas) -> None:
        """Find the view of a project that was not on show before."""
        if atlas.folder == self._folder:
            return
        self._timer.stop()
        self._folder = Path()
        folder = atlas.folder

        def show(view: dict[str, Any]) -> None:
            if self._session.atlas is not None and self._session.atlas.folder == folder:
                if view and preference("restore_view"):
                    use(self._session, view)
                    self._restore(view.get("docks", ""))
                self._folder = folder

        call_in_thread(lambda: _found(folder), show, lambda error: None)

    def _on_change(self, _: object) -> None:
        if self._folder != Path():
            self._timer.start()

    def _keep_now(self) -> None:
        if self._folder != Path():
            self._timer.stop()
            write_view(self._folder, self._view())

    def _keep(self) -> None:
        folder, view = self._folder, self._view()
        self._queue.run(lambda: write_view(folder, view), lambda _: None)

    def _view(self) -> dict[str, Any]:
        docks, window = "", self.parent()
        if isinstance(window, QMainWindow):
            docks = base64.b64encode(window.saveState().data()).decode()
        return {**told(self._session), "docks": docks}

    def _restore(self, docks: Any) -> None:
        window = self.parent()
        if isinstance(window, QMainWindow) and isinstance(docks, str) and docks:
            with contextlib.suppress(ValueError):
                window.restoreState(QByteArray(base64.b64decode(docks)))


def _found(folder: Path) -> dict[str, Any]:
    remember_project(folder)
    return read_view(folder)


def _is_there(atlas: Atlas, cursor: dict[str, Any]) -> bool:
    info = atlas.recordings.get(str(cursor.get("recording")))
    return info is not None and cursor.get("individual") in info.individuals and isinstance(cursor.get("frame"), int)


def _map_state(value: Any, atlas: Atlas) -> dict[str, Any]:
    """Return the fields of a map state that are sound for an atlas."""
    if not isinstance(value, dict):
        return {}
    sound: dict[str, Any] = {}
    dims, n_latent = value.get("dims"), atlas.latents.shape[1]
    if (
        isinstance(dims, list)
        and len(dims) in (2, 3)
        and all(isinstance(d, int) and 0 <= d < max(3, n_latent) for d in dims)
    ):
        sound["dims"] = tuple(dims)
    sound |= {"axes": value["axes"]} if value.get("axes") in AXES else {}
    sound |= {"shown": value["shown"]} if value.get("shown") in SHOWN else {}
    sound |= {"density": value["density"]} if isinstance(value.get("density"), bool) else {}
    limits = value.get("limits")
    if isinstance(limits, dict):
        pairs = {str(k): v for k, v in limits.items() if isinstance(v, list) and len(v) == 2}
        sound["limits"] = {k: (float(v[0]), float(v[1])) for k, v in pairs.items()}
    return {key: item for key, item in sound.items() if key in MapState.__dataclass_fields__}
