"""Which run a map draws, and how its windows are told to the session."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from napari_atlas.data.window_columns import WindowColumns
from napari_atlas.session import linking

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_atlas.data.atlas import Atlas
    from napari_atlas.session.session import Cursor, Session

__all__ = ["BesideSource", "MapSource", "SessionSource"]


class MapSource(ABC):
    """A run to draw, whose windows have ids of their own; the session's selection is in the session's ids.

    Parameters
    ----------
    session
        Whose cursor and selection are shown.
    """

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def cursor(self) -> Cursor:
        """Where the user is."""
        return self.session.cursor

    @property
    def fitting(self) -> bool:
        """Whether the places are those of a fit under way."""
        return False

    @property
    @abstractmethod
    def atlas(self) -> Atlas | None:
        """The run that is drawn, if any."""

    @property
    @abstractmethod
    def columns(self) -> WindowColumns | None:
        """What its windows can be coloured by."""

    @abstractmethod
    def to_session(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the session's windows, rising, that mean the same as windows of the run that is drawn."""

    @abstractmethod
    def from_session(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the windows of the run that is drawn, rising, that mean the same as the session's windows."""


class SessionSource(MapSource):
    """The session's own run; while it is being fitted, with the places that its windows have now."""

    @property
    def fitting(self) -> bool:
        """Whether the places are those of a fit under way."""
        return self.session.mapped is not self.session.atlas

    @property
    def atlas(self) -> Atlas | None:
        """The run on show."""
        return self.session.mapped

    @property
    def columns(self) -> WindowColumns | None:
        """The columns of the session, those of a fit under way with its own split."""
        columns, atlas = self.session.columns, self.session.mapped
        if columns is None or atlas is None or columns.atlas is atlas:
            return columns
        return WindowColumns(atlas, columns.clusterings, columns.annotations)

    def to_session(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return them as they are."""
        return ids

    def from_session(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return them as they are."""
        return ids


class BesideSource(MapSource):
    """The run that the session shows beside its own."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._columns: WindowColumns | None = None
        self._pair: tuple[object, object] = (None, None)
        self._there = self._here = np.empty(0, dtype=np.int64)

    @property
    def atlas(self) -> Atlas | None:
        """The run beside the one on show."""
        return self.session.beside

    @property
    def columns(self) -> WindowColumns | None:
        """Its columns, with its own clusters and the marks of the project."""
        beside, marks = self.session.beside, self.session.annotations
        if beside is None:
            return None
        if self._columns is None or self._columns.atlas is not beside or self._columns.annotations is not marks:
            self._columns = WindowColumns(beside, beside.clusterings, marks)
        return self._columns

    def to_session(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the session's windows of the same stretches of video; those that it lacks are left out."""
        self._match()
        return _translated(self._there, ids)

    def from_session(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return this run's windows of the same stretches of video; those that it lacks are left out."""
        self._match()
        return _translated(self._here, ids)

    def _match(self) -> None:
        """Match the windows of both runs, unless they are those of before."""
        own, beside = self.session.atlas, self.session.beside
        if self._pair == (own, beside):
            return
        self._pair = (own, beside)
        if own is None or beside is None:
            self._there = self._here = np.empty(0, dtype=np.int64)
        else:
            self._there, self._here = linking.matched(beside, own), linking.matched(own, beside)


def _translated(table: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what a table of partners says of some ids, rising and once each."""
    partners = table[ids[ids < table.size]]
    return np.unique(partners[partners >= 0])
