"""One job at a time, followed in a worker thread and told to the session."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari.utils.notifications import show_error, show_info
from psygnal import Signal

from napari_atlas.jobs import AttachedJob, Job, attach, fit_under_way
from napari_atlas.session.session import JobState, Session
from napari_atlas.views._worker import follow_in_thread

__all__ = ["JobRunner"]

# Words that change faster than this cannot be read, and each change lays a dock out anew.
_TELL_S = 0.5
_FLEETING = frozenset({"epoch", "progress"})


class JobRunner:
    """Start a verb in a child process, report how it does, and do something once it is done.

    Parameters
    ----------
    session
        Whose ``job`` is kept up to date.
    """

    event = Signal(dict)
    undone = Signal()
    """A job ended without a result."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._job: Job | AttachedJob | None = None
        self._then: Callable[[], None] = _nothing
        self._otherwise: Callable[[str], None] | None = None
        self._told = 0.0
        self._done = False
        self._left = ""

    @property
    def run_folder(self) -> Path:
        """The folder of the run that is being fitted; ``Path()`` if there is none yet."""
        return self._job.run_folder if self._job is not None else Path()

    def run(
        self, verb: str, *arguments: str, then: Callable[[], None], otherwise: Callable[[str], None] | None = None
    ) -> None:
        """Start a verb.

        Parameters
        ----------
        verb, *arguments
            As on the command line.
        then
            Called on the window's thread once it ended well.
        otherwise
            Told why it has no result, in the place of a message to the user.
        """
        if self._job is not None:
            show_info(f"Wait for the {self._job.verb} under way, or stop it.")
            return
        self._otherwise = otherwise
        self._follow(Job(verb, *arguments), "starting …", then)

    def reattach(self, project: Path, then: Callable[[], None]) -> None:
        """Follow a fit of the project that another window or a terminal started, unless a job is under way here."""
        run = fit_under_way(project) if self._job is None else Path()
        if run != Path():
            self._follow(attach(run), "it is under way already …", then)

    def stop(self) -> None:
        """Ask the job under way to stop."""
        if self._job is not None:
            self._job.stop()
            self._session.report(JobState(self._job.verb, "stopping …"))

    def release(self) -> None:
        """Let go of the job under way: a fit goes on by itself, anything else is stopped."""
        if isinstance(self._job, AttachedJob):
            self._then = _nothing
            self._job.leave()
        elif self._job is not None and self._job.verb != "fit":
            self._job.stop()

    def _follow(self, job: Job | AttachedJob, text: str, then: Callable[[], None]) -> None:
        self._job, self._then, self._done, self._left = job, then, False, "nothing was changed"
        self._session.report(JobState(job.verb, text))
        follow_in_thread(job, self._on_event, self._on_end, self._on_error)

    def _on_event(self, event: dict[str, Any]) -> None:
        if self._job is None:
            return
        self._done = event.get("event") == "done"
        if event.get("event") == "preview":
            self._left = "its preview stays"
        fleeting, now = event.get("event") in _FLEETING, time.monotonic()
        if not fleeting or now - self._told >= _TELL_S:
            self._told = now if fleeting else self._told
            done, total = event.get("done", 0), event.get("total", 0)
            self._session.report(JobState(self._job.verb, event.get("text", ""), done, total))
        self.event.emit(event)

    def _on_end(self, _: Any) -> None:
        job, then, done, otherwise = self._job, self._then, self._done, self._otherwise
        self._forget()
        if job is not None and job.stopped and not (job.verb == "fit" and done):
            (otherwise or show_info)(f"The {job.verb} was stopped; {self._left}.")
            self.undone.emit()
        else:
            then()

    def _on_error(self, error: Exception) -> None:
        otherwise = self._otherwise
        self._forget()
        (otherwise or show_error)(str(error))
        self.undone.emit()

    def _forget(self) -> None:
        self._job, self._then, self._otherwise = None, _nothing, None
        self._session.report(JobState())


def _nothing() -> None:
    """Do nothing."""
