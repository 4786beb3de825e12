"""Many small tasks in child processes that stay warm, or on the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from napari_atlas.errors import AtlasError, InputError

__all__ = ["guarded", "n_children", "run_tasks", "serve", "through_dask"]

_MOST = 8
_LOOK_S = 0.1

Task = dict[str, Any]
Reply = dict[str, Any]
Perform = Callable[[Task], Reply]


def n_children() -> int:
    """Return how many child processes to use: one core is left to the window, and eight are enough."""
    return min(_MOST, max(1, (os.cpu_count() or 2) - 1))


def guarded(perform: Perform, task: Task) -> Reply:
    """Return what a task gives; a fault is a reply too, with the text under ``"error"``."""
    try:
        return perform(task)
    except AtlasError as error:
        return {"error": str(error)}
    except Exception as error:  # noqa: BLE001 - one file must not end the others
        return {"error": f"{task['path']}: {' '.join(f'{type(error).__name__}: {error}'.split())}"}


def serve(perform: Perform) -> None:
    """Answer the tasks that come as JSON lines on stdin, one line each on stdout, until stdin ends."""
    replies = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        for line in sys.stdin:
            replies.write(json.dumps({"reply": guarded(perform, json.loads(line))}) + "\n")
            replies.flush()


def run_tasks(tasks: Sequence[Task], should_stop: Callable[[], bool], n: int) -> Iterator[tuple[int, Reply]]:
    """Yield the place of each task and its reply, in the order in which they end.

    A child that dies costs the task it was at; another one goes on. A stop ends the children at once.

    Parameters
    ----------
    tasks
        What `serve` in a child is given; each names its file as ``"path"``.
    should_stop
        Asked many times a second.
    n
        How many children.
    """
    pool = _Pool(tasks)
    for _ in range(min(n, len(tasks))):
        pool.start()
    try:
        for _ in tasks:
            while not should_stop():
                with contextlib.suppress(queue.Empty):
                    yield pool.replies.get(timeout=_LOOK_S)
                    break
            else:
                return
    finally:
        pool.end()


def through_dask(
    address: str, perform: Perform, tasks: Sequence[Task], should_stop: Callable[[], bool]
) -> Iterator[tuple[int, Reply]]:
    """Yield as `run_tasks` does, from the workers of a Dask cluster.

    Raises
    ------
    InputError
        If Dask is not installed, or nothing answers at the address.
    """
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError as error:
        cure = "install 'napari-atlas[cluster]'"
        raise InputError.of("--dask", "the package distributed is not installed", cure) from error
    try:
        client = distributed.Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise InputError.of("--dask", f"no scheduler answers at {address}", "check the address") from error
    with client:
        places = {client.submit(guarded, perform, task, pure=False): i for i, task in enumerate(tasks)}
        for future in distributed.as_completed(places):
            if should_stop():
                client.cancel(list(places))
                return
            yield places[future], future.result()


class _Pool:
    """Threads that each hold a child and hand it one task after the other.

    Parameters
    ----------
    tasks
        All tasks.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.replies: queue.Queue[tuple[int, Reply]] = queue.Queue()
        self._tasks = iter(enumerate(tasks))
        self._lock = threading.Lock()
        self._children: list[subprocess.Popen[str]] = []
        self._threads: list[threading.Thread] = []
        self._ended = False

    def start(self) -> None:
        """Start one more thread with a child."""
        thread = threading.Thread(target=self._work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def end(self) -> None:
        """End all children and wait until their threads are gone."""
        with self._lock:
            self._ended = True
            for child in self._children:
                child.kill()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        child = None
        while (at := self._next()) is not None:
            place, task = at
            if child is None or child.poll() is not None:
                child = self._child()
            reply = _ask(child, task) if child is not None else {"error": f"{task['path']}: not read"}
            self.replies.put((place, reply))
        if child is not None:
            _close(child)

    def _next(self) -> tuple[int, Task] | None:
        with self._lock:
            return None if self._ended else next(self._tasks, None)

    def _child(self) -> subprocess.Popen[str] | None:
        with self._lock:
            if self._ended:
                return None
            child = subprocess.Popen(
                [sys.executable, "-m", "napari_atlas", "_tasks"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
                **_apart(),
            )
            self._children.append(child)
            return child


def _ask(child: subprocess.Popen[str], task: Task) -> Reply:
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(OSError, ValueError):
        child.stdin.write(json.dumps(task) + "\n")
        child.stdin.flush()
        for line in child.stdout:
            with contextlib.suppress(ValueError):
                told = json.loads(line)
                if isinstance(told, dict) and "reply" in told:
                    reply: Reply = told["reply"]
                    return reply
    _close(child)
    return {"error": f"{task['path']}: the process that read it ended ({child.returncode}); the file may be damaged"}


def _close(child: subprocess.Popen[str]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    child.wait()


def _apart() -> dict[str, Any]:
    """Keep Ctrl-C from the children: whoever started them ends them."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
