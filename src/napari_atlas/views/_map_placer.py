"""A map that is being made, put on show as it comes: first its preview, then the map itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from napari.utils.notifications import show_error

from napari_atlas import workflow
from napari_atlas.session.session import Session
from napari_atlas.views._worker import Latest

__all__ = ["MapPlacer"]


class _Made(NamedTuple):
    """The map that a verb has written last."""

    folder: Path = Path()
    run: str = ""
    map: str = ""


class MapPlacer:
    """Give the windows on show their places on a new map; selection and cursor stay.

    Parameters
    ----------
    session
        Whose windows they are.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._made = _Made()
        self._places = Latest()

    def expect(self, folder: Path) -> None:
        """Be ready for a map of a project's run."""
        self._made = _Made(folder)

    def hear(self, event: dict[str, Any]) -> None:
        """Take note of a map that was written, and put a preview on show."""
        if event.get("map") and not event.get("part"):
            self._made = self._made._replace(run=event["run"], map=event["map"])
            if event.get("event") == "preview":
                self.place()

    def place(self) -> bool:
        """Put the map that was written last on show; False if it is not of the run on show."""
        made, atlas, session = self._made, self._session.atlas, self._session
        if atlas is None or (atlas.folder, atlas.run) != (made.folder, made.run):
            return False

        def show(found: Any) -> None:
            now = session.atlas
            if isinstance(found, Exception):
                show_error(str(found))
            elif now is not None and (now.folder, now.run) == (made.folder, made.run):
                places = {"coordinates": found.coordinates, "recipe": found.recipe, "kept": found.kept}
                session.show(replace(now, **places, clusterings=session.clusterings), session.live)

        self._places.run(lambda: workflow.with_map(atlas, made.map), show)
        return True
