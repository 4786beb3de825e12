"""The values that every view shares, and the verbs that change them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_atlas.data.atlas import Atlas
from napari_atlas.data.clusters import Clustering
from napari_atlas.data.live import Live
from napari_atlas.data.marks import Annotations
from napari_atlas.data.window_columns import WindowColumns
from napari_atlas.session.history import History
from napari_atlas.session.map_state import MapState
from napari_atlas.session.selection import Combine
from napari_atlas.session.state import Cursor, JobState, SharedState

__all__ = ["Cursor", "JobState", "Session"]


class Session(SharedState):
    """Observable state; setters stay silent when the value is equal.

    Views listen to the signals and call the verbs below; no view knows another. ``columns_changed`` tells of other
    clusters or marks; with another atlas there are other columns as well, and ``atlas_changed`` alone tells of it.
    """

    atlas_changed = Signal(object)
    cursor_changed = Signal(Cursor)
    selection_changed = Signal(object)
    color_by_changed = Signal(str)
    job_changed = Signal(JobState)
    live_changed = Signal(object)
    columns_changed = Signal(object)
    map_state_changed = Signal(MapState)
    beside_changed = Signal(object)

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
        before_folder = self._atlas.folder if self._atlas is not None else Path()
        same_windows = self._atlas is not None and _same_windows(self._atlas, atlas)
        self._atlas, before, self._live = atlas, self._live, live
        self._mapped = _mapped(atlas, live)
        annotations = self.annotations if before_folder == atlas.folder else Annotations()
        self._columns = WindowColumns(atlas, atlas.clusterings, annotations)
        if not same_windows:
            self._set_history(History())
        if self._beside is not None and not _goes_with(self._beside, atlas):
            self.show_beside(None)
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
        self._set_history(self._history.then(self.selection.combined(ids, combine, name)))

    def undo(self) -> None:
        """Go back to the selection before."""
        self._set_history(self._history.undone())

    def redo(self) -> None:
        """Take an undone selection again."""
        self._set_history(self._history.redone())

    def annotate(self, annotations: Annotations) -> None:
        """Show other marks; `Desk.mark` keeps them in the project as well."""
        if self._columns is not None and annotations is not self._columns.annotations:
            self._set("_columns", replace(self._columns, annotations=annotations), self.columns_changed)

    def group(self, clusterings: tuple[Clustering, ...]) -> None:
        """Show other clusters; `Desk.group` keeps them in the project as well."""
        if self._columns is not None and clusterings is not self._columns.clusterings:
            self._set("_columns", replace(self._columns, clusterings=clusterings), self.columns_changed)

    def arrange(self, **changes: Any) -> None:
        """Change how the map is laid out and drawn, by the fields of `MapState`."""
        self._set("_map_state", replace(self._map_state, **changes), self.map_state_changed)

    def show_beside(self, atlas: Atlas | None) -> None:
        """Show another run in a second map, or none."""
        if atlas is not self._beside:
            self._beside = atlas
            self.beside_changed.emit(atlas)

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

    def _set_history(self, history: History) -> None:
        changed = history.present != self._history.present
        self._history = history
        if changed:
            self.selection_changed.emit(history.present)

    def _set(self, name: str, value: Any, signal: Any) -> None:
        if getattr(self, name) != value:
            setattr(self, name, value)
            signal.emit(value)


def _mapped(atlas: Atlas | None, live: Live | None) -> Atlas | None:
    return live.over(atlas) if atlas and live and live.belongs_to(atlas) else atlas


def _stamp(live: Live | None) -> tuple[object, ...]:
    return (live.run, live.epoch, live.under_way) if live else ()


def _goes_with(beside: Atlas, atlas: Atlas) -> bool:
    """Return whether another run is of the project on show, and all its recordings are still there."""
    return beside.folder == atlas.folder and beside.recordings.keys() <= atlas.recordings.keys()


def _same_windows(before: Atlas, after: Atlas) -> bool:
    return before.folder == after.folder and len(before.windows.table) == len(after.windows.table)
