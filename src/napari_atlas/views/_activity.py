"""The job under way, in napari's own list of what is going on."""

from __future__ import annotations

from typing import Any

from napari.utils import progress
from qtpy.QtCore import QObject, QTimer

from napari_atlas.session.state import JobState

__all__ = ["Activity"]

_AFTER_MS = 200


class Activity(QObject):  # type: ignore[misc]
    """Show the progress of jobs in napari's activity dock, a moment late.

    napari handles waiting events whenever a bar of its dock moves. Were that done while an event is being told, the
    next event would overtake it; so the bar moves by a timer, on its own.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bar: Any = None
        self._verb, self._job = "", JobState()
        self._timer = QTimer(self, singleShot=True, interval=_AFTER_MS)
        self._timer.timeout.connect(self._draw)

    def show(self, job: JobState) -> None:
        """Show how a job is doing; one that no longer runs is taken away."""
        self._job = job
        if not self._timer.isActive():
            self._timer.start()

    def close(self) -> None:
        """Show nothing."""
        self._timer.stop()
        self._take_away()

    def _draw(self) -> None:
        job = self._job
        if not job.running or job.verb != self._verb:
            self._take_away()
        if job.running and self._bar is None:
            self._verb = job.verb
            self._bar = progress(total=job.total, desc=f"ATLAS: {job.verb}")
        bar = self._bar
        if bar is None:
            return
        if job.total and bar.total != job.total:
            bar.reset(total=job.total)
        bar.update(max(0, job.done - bar.n))

    def _take_away(self) -> None:
        bar, self._bar, self._verb = self._bar, None, ""
        if bar is not None:
            bar.close()
