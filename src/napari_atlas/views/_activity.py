"""The job under way, in napari's own list of what is going on."""

from __future__ import annotations

from typing import Any

from napari.utils import progress

from napari_atlas.session.state import JobState

__all__ = ["Activity"]


class Activity:
    """Show the progress of jobs in napari's activity dock."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._verb = ""

    def show(self, job: JobState) -> None:
        """Show how a job is doing; one that no longer runs is taken away."""
        if not job.running or job.verb != self._verb:
            self.close()
        if job.running and self._bar is None:
            self._bar, self._verb = progress(total=job.total, desc=f"ATLAS: {job.verb}"), job.verb
        if self._bar is None:
            return
        if job.total and self._bar.total != job.total:
            self._bar.reset(total=job.total)
        self._bar.update(max(0, job.done - self._bar.n))

    def close(self) -> None:
        """Show nothing."""
        if self._bar is not None:
            self._bar.close()
        self._bar, self._verb = None, ""
