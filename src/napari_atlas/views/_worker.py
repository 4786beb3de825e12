"""Napari worker threads: one call, or one job's events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from napari.qt.threading import thread_worker

from napari_atlas.errors import AtlasError
from napari_atlas.jobs import AttachedJob, Job

__all__ = ["call_in_thread", "follow_in_thread"]


def call_in_thread(
    function: Callable[[], Any], on_result: Callable[[Any], None], on_error: Callable[[Any], None]
) -> Any:
    """Run a function in a worker thread, and tell its result or its exception on the window's thread."""
    worker = thread_worker(function, ignore_errors=True)()
    worker.returned.connect(on_result)
    worker.errored.connect(on_error)
    worker.start()
    return worker


def follow_in_thread(
    job: Job | AttachedJob,
    on_event: Callable[[Any], None],
    on_end: Callable[[Any], None],
    on_error: Callable[[Any], None],
) -> Any:
    """Read a job's events in a worker thread, and tell them on the window's thread until it ends."""
    worker = thread_worker(_events, ignore_errors=True)(job)
    worker.yielded.connect(on_event)
    worker.returned.connect(on_end)
    worker.errored.connect(on_error)
    worker.start()
    return worker


def _events(job: Job | AttachedJob) -> Iterator[dict[str, Any]]:
    """Yield a job's events; a ``RuntimeError`` would vanish in a generator worker, so it leaves as our own."""
    try:
        yield from job.events()
    except RuntimeError as error:
        raise AtlasError(str(error)) from error
