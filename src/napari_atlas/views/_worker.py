"""Napari worker threads: one call, the latest of several, or one job's events."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from napari.qt.threading import FunctionWorker, GeneratorWorker, thread_worker
from napari.utils.notifications import show_error

from napari_atlas.errors import AtlasError
from napari_atlas.jobs import AttachedJob, Job

__all__ = ["InOrder", "Latest", "call_in_thread", "follow_in_thread"]


def call_in_thread(
    function: Callable[[], Any], on_result: Callable[[Any], None], on_error: Callable[[Any], None]
) -> Any:
    """Run a function in a worker thread, and tell its result or its exception on the window's thread."""

    def work() -> Any:
        """Hide what the function was given: napari writes a worker's function out in full, and keeps that."""
        return function()

    worker = thread_worker(work, ignore_errors=True, worker_class=_Call)()
    worker.returned.connect(_unless_gone(on_result))
    worker.errored.connect(_unless_gone(on_error))
    worker.start()
    return worker


class _Quiet:
    """Let a worker end in silence where the window is gone; Qt would abort the program."""

    def run(self) -> None:
        """Do the work, in a thread of Qt's pool."""
        with _nobody_listening():
            super().run()  # type: ignore[misc]


class _Call(_Quiet, FunctionWorker):  # type: ignore[misc]
    """One call."""


class _Events(_Quiet, GeneratorWorker):  # type: ignore[misc]
    """A job's events."""


@contextlib.contextmanager
def _nobody_listening() -> Iterator[None]:
    """Pass over the fault that Qt's objects raise once they were deleted."""
    try:
        yield
    except RuntimeError as error:
        if "deleted" not in str(error):
            raise


def _unless_gone(tell: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return a function that tells something, unless the widget that it would change was deleted meanwhile."""

    def told(result: Any) -> None:
        with _nobody_listening():
            tell(result)

    return told


class InOrder:
    """Run all wishes in a worker thread, one after the other; a fault is shown to the user."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []

    @property
    def busy(self) -> bool:
        """Whether anything is left to do."""
        return bool(self._waiting)

    def run(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Do *work* in a thread once all before it is done, then tell its result on the window's thread."""
        self._waiting.append((work, then))
        if len(self._waiting) == 1:
            self._start()

    def _start(self) -> None:
        work, then = self._waiting[0]
        call_in_thread(
            work, lambda result: self._end(lambda: then(result)), lambda e: self._end(lambda: show_error(str(e)))
        )

    def _end(self, tell: Callable[[], Any]) -> None:
        self._waiting.pop(0)
        if self._waiting:
            self._start()
        tell()


class Latest:
    """Run one wish at a time in a worker thread; of those that came meanwhile, only the newest is run."""

    def __init__(self) -> None:
        self._next: tuple[Callable[[], Any], Callable[[Any], None]] | None = None
        self._busy = False

    @property
    def busy(self) -> bool:
        """Whether anything is under way."""
        return self._busy

    def run(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Do *work* in a thread, then tell its result, or its exception, on the window's thread."""
        self._next = (work, then)
        if not self._busy:
            self._start()

    def drop(self) -> None:
        """Forget what waits."""
        self._next = None

    def _start(self) -> None:
        if self._next is None:
            return
        (work, then), self._next, self._busy = self._next, None, True

        def done(result: Any) -> None:
            self._busy = False
            if self._next is None:
                then(result)
            else:
                self._start()

        call_in_thread(work, done, done)


def follow_in_thread(
    job: Job | AttachedJob,
    on_event: Callable[[Any], None],
    on_end: Callable[[Any], None],
    on_error: Callable[[Any], None],
) -> Any:
    """Read a job's events in a worker thread, and tell them on the window's thread until it ends."""
    worker = thread_worker(_events, ignore_errors=True, worker_class=_Events)(job)
    worker.yielded.connect(_unless_gone(on_event))
    worker.returned.connect(_unless_gone(on_end))
    worker.errored.connect(_unless_gone(on_error))
    worker.start()
    return worker


def _events(job: Job | AttachedJob) -> Iterator[dict[str, Any]]:
    """Yield a job's events; a ``RuntimeError`` would vanish in a generator worker, so it leaves as our own."""
    try:
        yield from job.events()
    except RuntimeError as error:
        raise AtlasError(str(error)) from error
