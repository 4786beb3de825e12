"""Marks and clusters that the user changes: shown at once, and written to the project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_atlas.data.clusters import Clustering
from napari_atlas.data.marks import Annotations
from napari_atlas.io.annotations import change_annotations
from napari_atlas.io.clips import ClipLibrary
from napari_atlas.io.clusters import delete_clusters, write_clusters
from napari_atlas.io.runs import RunFolder
from napari_atlas.session.session import Session
from napari_atlas.views._worker import InOrder

__all__ = ["Keeper"]


class Keeper:
    """Change marks and clusters, on show and on disk.

    Parameters
    ----------
    session
        Whose marks and clusters they are.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._queue = InOrder()
        self._library = ClipLibrary(Path())

    @property
    def library(self) -> ClipLibrary:
        """The clips of the project on show."""
        folder = self._session.atlas.folder if self._session.atlas else Path()
        if self._library.project != folder:
            self._library.close()
            self._library = ClipLibrary(folder)
        return self._library

    @property
    def busy(self) -> bool:
        """Whether something is still to be written."""
        return self._queue.busy

    def mark(self, change: Callable[[Annotations], Annotations]) -> None:
        """Change the project's selections, tags and notes.

        Parameters
        ----------
        change
            Returns the marks as they are to be; it is called twice, for those on show and for those on disk, which
            another window may have changed.

        Raises
        ------
        InputError
            If the change is refused, such as a name that is taken.
        """
        session, atlas = self._session, self._session.atlas
        if atlas is None:
            return
        session.annotate(change(session.annotations))

        def show(annotations: Annotations) -> None:
            if session.atlas is not None and session.atlas.folder == atlas.folder and not self._queue.busy:
                session.annotate(annotations)

        self._queue.run(lambda: change_annotations(atlas.folder, change), show)

    def group(self, clustering: Clustering, before: str = "") -> None:
        """Keep clusters in the run on show, in the place of those of their name or of the name *before*."""
        old = before or clustering.name
        others = [c for c in self._session.clusterings if c.name not in (old, clustering.name)]
        self._write(
            tuple(sorted((*others, clustering), key=lambda c: c.name)), lambda run: _rewrite(run, clustering, old)
        )

    def ungroup(self, name: str) -> None:
        """Delete clusters of the run on show."""
        left = tuple(c for c in self._session.clusterings if c.name != name)
        self._write(left, lambda run: delete_clusters(run, name))

    def _write(self, clusterings: tuple[Clustering, ...], write: Callable[[RunFolder], Any]) -> None:
        atlas = self._session.atlas
        if atlas is not None and atlas.run:
            run = RunFolder(atlas.folder / "runs" / atlas.run)
            self._session.group(clusterings)
            self._queue.run(lambda: write(run), lambda _: None)


def _rewrite(run: RunFolder, clustering: Clustering, old: str) -> None:
    write_clusters(run, clustering)
    if old != clustering.name:
        delete_clusters(run, old)
