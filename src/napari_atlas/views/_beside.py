"""Another run of the project, for a second map."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QMenu, QWidget

from napari_atlas import workflow
from napari_atlas.data.atlas import Atlas
from napari_atlas.io.runs import label_of, list_runs
from napari_atlas.views._worker import Latest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_atlas.session.session import Session
    from napari_atlas.views.desk import Desk

__all__ = ["Beside", "BesideMenu"]


class Beside:
    """Show another run in a second map.

    Parameters
    ----------
    session
        Whose maps they are.
    say
        Tells the user something.
    """

    def __init__(self, session: Session, say: Callable[[str], None]) -> None:
        self._session, self._say = session, say
        self._runs = Latest()

    def open(self, run: str) -> None:
        """Show a run beside the one on show, once it has been read in a worker thread."""
        atlas = self._session.atlas
        if atlas is None:
            return
        self._say(f"Reading run {run} …")
        folder = atlas.folder

        def show(found: object) -> None:
            if not isinstance(found, Atlas):
                self._say(str(found))
            elif not found.has_map:
                self._say(f"Run {run} has no map to show.")
            elif self._session.atlas is not None and self._session.atlas.folder == folder:
                self._session.show_beside(found)

        self._runs.run(lambda: workflow.load_atlas(folder, run), show)

    def close(self) -> None:
        """Show one map again."""
        self._runs.drop()
        self._session.show_beside(None)


class BesideMenu(QMenu):  # type: ignore[misc]
    """Lists the other fitted runs of the project, and shows the chosen one beside the one on show.

    Parameters
    ----------
    desk
        Whose session it is.
    say
        Tells the user something.
    parent
        Qt parent.
    """

    def __init__(self, desk: Desk, say: Callable[[str], None], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-map-runs")
        self._session, self._beside = desk.session, Beside(desk.session, say)
        self._lists = Latest()
        self.open, self.close_second = self._beside.open, self._beside.close
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """List the runs there are now; they are read in a worker thread."""
        atlas = self._session.atlas
        if atlas is None or not atlas.run:
            self._offer([])
            return
        self._tell("reading the runs …")
        folder, shown = atlas.folder, atlas.run
        self._lists.run(lambda: _others(folder, shown), self._offer)

    def _offer(self, found: object) -> None:
        if not isinstance(found, list):
            self._tell(str(found))
            return
        self._tell("" if found else "No other fitted run in this project")
        for name, text in found:
            self.addAction(text, partial(self.open, name))
        if self._session.beside is not None:
            self.addSeparator()
            self.addAction("close the second map", self.close_second)

    def _tell(self, text: str) -> None:
        """Begin anew, with a line that cannot be chosen."""
        self.clear()
        if text:
            self.addAction(text).setEnabled(False)


def _others(folder: Path, shown: str) -> list[tuple[str, str]]:
    """Return id and name of the runs that were fitted to their end, the newest first, without the one on show."""
    fitted = [run for run in list_runs(folder) if run.name != shown and (run.path / "latents.npz").is_file()]
    return [(run.name, f"{label_of(run)} ({run.name})" if label_of(run) else run.name) for run in reversed(fitted)]
