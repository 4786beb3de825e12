"""The values that every view reads."""

from __future__ import annotations

from dataclasses import dataclass

from napari_atlas.data.atlas import Atlas
from napari_atlas.data.clusters import Clustering
from napari_atlas.data.live import Live
from napari_atlas.data.marks import Annotations
from napari_atlas.data.window_columns import WindowColumns
from napari_atlas.session.history import History
from napari_atlas.session.map_state import MapState
from napari_atlas.session.selection import Selection

__all__ = ["Cursor", "JobState", "SharedState"]


@dataclass(frozen=True)
class Cursor:
    """Where the user is: an animal and a video frame.

    Attributes
    ----------
    recording, individual
        Names; empty before anything is open.
    frame
        Video frame.
    """

    recording: str = ""
    individual: str = ""
    frame: int = 0


@dataclass(frozen=True)
class JobState:
    """The job under way, as far as views need to know.

    Attributes
    ----------
    verb
        Such as ``"fit"``; empty when nothing runs.
    text
        Its latest sentence.
    done, total
        Its progress; ``total`` 0 means unknown.
    """

    verb: str = ""
    text: str = ""
    done: int = 0
    total: int = 0

    @property
    def running(self) -> bool:
        """Whether a job is under way."""
        return bool(self.verb)


class SharedState:
    """What is open, where the cursor is, what is selected; to be read by all and changed by `Session` alone."""

    def __init__(self) -> None:
        self._atlas: Atlas | None = None
        self._cursor = Cursor()
        self._history = History()
        self._color_by = "species"
        self._job = JobState()
        self._live: Live | None = None
        self._mapped: Atlas | None = None
        self._columns: WindowColumns | None = None
        self._map_state = MapState()
        self._beside: Atlas | None = None

    @property
    def atlas(self) -> Atlas | None:
        """The project and run on show, if any."""
        return self._atlas

    @property
    def cursor(self) -> Cursor:
        """The animal and video frame on show."""
        return self._cursor

    @property
    def selection(self) -> Selection:
        """The selected windows."""
        return self._history.present

    @property
    def history(self) -> History:
        """The selections before and after it, for undo and redo."""
        return self._history

    @property
    def columns(self) -> WindowColumns | None:
        """What is known of the windows, clusters and marks included; None before anything is open."""
        return self._columns

    @property
    def annotations(self) -> Annotations:
        """The marks of the project on show."""
        return self._columns.annotations if self._columns else Annotations()

    @property
    def clusterings(self) -> tuple[Clustering, ...]:
        """The ways in which the windows on show are put into clusters."""
        return self._columns.clusterings if self._columns else ()

    @property
    def map_state(self) -> MapState:
        """How the map is laid out and drawn."""
        return self._map_state

    @property
    def beside(self) -> Atlas | None:
        """Another run of the project on show, for a second map beside the first; None if there is none."""
        return self._beside

    @property
    def color_by(self) -> str:
        """The column that colours the map."""
        return self._color_by

    @property
    def job(self) -> JobState:
        """The job under way."""
        return self._job

    @property
    def live(self) -> Live | None:
        """What the fit under way, or else the run on show, was last seen to do."""
        return self._live

    @property
    def mapped(self) -> Atlas | None:
        """The atlas as the map shows it: while its windows are being fitted, with the places that they have now."""
        return self._mapped
