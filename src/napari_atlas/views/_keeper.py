"""Marks and clusters that the user changes: shown at once, and written to the project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari.utils.notifications import show_error, show_info
from psygnal import Signal

from napari_atlas.data.clusters import Clustering
from napari_atlas.data.marks import Annotations
from napari_atlas.errors import AtlasError, InputError
from napari_atlas.io.annotations import change_annotations, mend_annotations, read_annotations
from napari_atlas.io.clips import ClipLibrary
from napari_atlas.io.clusters import delete_clusters, read_clusters, write_clusters
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

    fault_changed = Signal(str)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._queue = InOrder()
        self._library = ClipLibrary(Path())
        self._fault = ""

    @property
    def fault(self) -> str:
        """Why the marks of the project on show cannot be read, and so not be changed; empty if they can."""
        return self._fault

    def tell(self, fault: str) -> None:
        """Take down why marks cannot be read; empty if they can."""
        if fault != self._fault:
            self._fault = fault
            self.fault_changed.emit(fault)

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
        if self._fault:
            raise InputError(self._fault)
        session.annotate(change(session.annotations))
        self._read(lambda: change_annotations(atlas.folder, change))

    def mend(self) -> None:
        """Set the damaged file of marks aside under another name, and go on with what can be read of it."""
        atlas = self._session.atlas

        def done(aside: Path) -> None:
            show_info(f"The damaged file is kept as {aside.name}.")
            self.look_again()

        if atlas is not None:
            self._queue.run(lambda: mend_annotations(atlas.folder), done)

    def look_again(self) -> None:
        """Show what another window has changed meanwhile."""
        atlas = self._session.atlas
        if atlas is not None and not self._queue.busy:
            self._read(lambda: read_annotations(atlas.folder))

    def _read(self, work: Callable[[], Annotations]) -> None:
        """Show the marks that *work*, done in a thread, returns; if it fails, those that are on disk."""
        session, atlas = self._session, self._session.atlas
        folder = atlas.folder if atlas is not None else Path()

        def show(outcome: tuple[Annotations, str, str]) -> None:
            annotations, refused, fault = outcome
            if session.atlas is not None and session.atlas.folder == folder:
                self.tell(fault)
                if not self._queue.busy and not annotations.same(session.annotations):
                    session.annotate(annotations)
            if refused:
                show_error(refused)

        self._queue.run(lambda: _outcome(folder, work), show)

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

    def read_groups(self, then: Callable[[], None]) -> None:
        """Show the clusters that the run on show has on disk by now, and do something afterwards."""
        atlas = self._session.atlas
        if atlas is None or not atlas.run:
            return
        run, n = RunFolder(atlas.folder / "runs" / atlas.run), len(atlas.windows.table)

        def show(found: tuple[Clustering, ...]) -> None:
            if self._session.atlas is atlas:
                self._session.group(found)
                then()

        self._queue.run(lambda: read_clusters(run, n), show)

    def _write(self, clusterings: tuple[Clustering, ...], write: Callable[[RunFolder], Any]) -> None:
        """Show clusters and write them; if that fails, show again those that are on disk."""
        atlas = self._session.atlas
        if atlas is None or not atlas.run:
            return
        run = RunFolder(atlas.folder / "runs" / atlas.run)

        def told(why: str) -> None:
            if why:
                show_error(why)
                self.read_groups(lambda: None)

        def written() -> str:
            try:
                write(run)
            except AtlasError as error:
                return str(error)
            return ""

        self._session.group(clusterings)
        self._queue.run(written, told)


def _rewrite(run: RunFolder, clustering: Clustering, old: str) -> None:
    write_clusters(run, clustering)
    if old != clustering.name:
        delete_clusters(run, old)


def _outcome(folder: Path, work: Callable[[], Annotations]) -> tuple[Annotations, str, str]:
    """Return the marks that there are after some work, why it failed, and why they cannot be read."""
    try:
        return work(), "", ""
    except AtlasError as error:
        refused = str(error)
    try:
        return read_annotations(folder), refused, ""
    except AtlasError as error:
        return Annotations(), refused, str(error)
