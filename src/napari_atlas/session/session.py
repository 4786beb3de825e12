"""The values that every view shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_atlas.data.atlas import Atlas
from napari_atlas.data.live import Live
from napari_atlas.session.selection import Combine, Selection

__all__ = ["Cursor", "JobState", "Session"]


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


class Session:
    """Observable state; setters stay silent when the value is equal.

    Views listen to the signals and call the verbs below; no view knows another.
    """

    atlas_changed = Signal(object)
    cursor_changed = Signal(Cursor)
    selection_changed = Signal(object)
    color_by_changed = Signal(str)
    job_changed = Signal(JobState)
    live_changed = Signal(object)

    def __init__(self) -> None:
        self._atlas: Atlas | None = None
        self._cursor = Cursor()
        self._selection = Selection()
        self._color_by = "species"
        self._job = JobState()
        self._live: Live | None = None
        self._mapped: Atlas | None = None

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
        return self._selection

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

    def show(self, atlas: Atlas, live: Live | None = None) -> None:
        """Show another project or run; the cursor stays where it still makes sense.

        Parameters
        ----------
        atlas
            What to show.
        live
            What the fit under way does, or else what that of the run showed last.
        """
        if atlas is self._atlas:
            return
        same_windows = self._atlas is not None and _same_windows(self._atlas, atlas)
        self._atlas, before, self._live = atlas, self._live, live
        self._mapped = _mapped(atlas, live)
        if not same_windows:
            self.select(np.empty(0, dtype=np.int64))
        if atlas.track_index(self._cursor.recording, self._cursor.individual) < 0:
            self._cursor = Cursor()
        self.atlas_changed.emit(atlas)
        if _stamp(before) != _stamp(live):
            self.live_changed.emit(live)

    def seek(self, recording: str, individual: str, frame: int) -> None:
        """Go to an animal and a video frame."""
        self._set("_cursor", Cursor(recording, individual, int(frame)), self.cursor_changed)

    def select(self, ids: NDArray[np.int64], combine: Combine = Combine.REPLACE, name: str = "") -> None:
        """Combine the windows *ids* with the selection."""
        self._set("_selection", self._selection.combined(ids, combine, name), self.selection_changed)

    def color(self, column: str) -> None:
        """Colour the map by another column."""
        self._set("_color_by", column, self.color_by_changed)

    def report(self, job: JobState) -> None:
        """Tell how the job under way is doing."""
        self._set("_job", job, self.job_changed)

    def watch(self, live: Live | None) -> None:
        """Look at what a fit does, or at nothing."""
        if _stamp(live) != _stamp(self._live):
            self._live = live
            self._mapped = _mapped(self._atlas, live)
            self.live_changed.emit(live)

    def _set(self, name: str, value: Any, signal: Any) -> None:
        if getattr(self, name) != value:
            setattr(self, name, value)
            signal.emit(value)


def _mapped(atlas: Atlas | None, live: Live | None) -> Atlas | None:
    return live.over(atlas) if atlas and live and live.belongs_to(atlas) else atlas


def _stamp(live: Live | None) -> tuple[object, ...]:
    return (live.run, live.epoch, live.under_way) if live else ()


def _same_windows(before: Atlas, after: Atlas) -> bool:
    return before.folder == after.folder and len(before.windows.table) == len(after.windows.table)
