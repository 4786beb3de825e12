"""A job is one verb in a child process: its command line, its events, stop and kill; a warm one answers requests."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

from napari_atlas.errors import AtlasError
from napari_atlas.io.running import process_of, running_runs
from napari_atlas.io.runs import RunFolder

__all__ = ["AttachedJob", "Job", "JobError", "WarmRun", "attach", "command_line", "fit_under_way"]

_LOG = logging.getLogger(__name__)
_STOPPED = 3
_LOOK_S = 0.2


class JobError(AtlasError):
    """A job ended with a fault; the message is the job's own line."""


def command_line(verb: str, arguments: Sequence[str]) -> list[str]:
    """Return the command that runs a verb in a child process and tells its events as JSON lines."""
    return [sys.executable, "-m", "napari_atlas", verb, *arguments, "--json"]


class Job:
    """One verb in a child process.

    The child has a session of its own and a lower priority, so that the window stays smooth and closing the
    window or its terminal does not end the job.

    Parameters
    ----------
    verb
        Such as ``"fit"``.
    *arguments
        What follows it on the command line.
    """

    def __init__(self, verb: str, *arguments: str) -> None:
        self.verb = verb
        self.arguments = arguments
        self.run_folder = Path()
        self._asked_to_stop = False
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            command_line(verb, arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
            env=_environment(),
            **_apart(),
        )
        _lower_priority(self._process.pid)

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the child is still there."""
        return self._process.poll() is None

    @property
    def stopped(self) -> bool:
        """Whether it ended because somebody asked it to."""
        return self._asked_to_stop or self._process.returncode == _STOPPED

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the child's events until it ends, null as NaN; lines that are not JSON go to the log.

        Raises
        ------
        JobError
            If the child ended with a fault and nobody had asked it to stop.
        """
        assert self._process.stdout is not None
        with self._errors, self._process.stdout as lines:
            for line in lines:
                event = _parse(line)
                if event.get("event") == "started" and "folder" in event:
                    self.run_folder = Path(event["folder"])
                    if self._asked_to_stop:
                        self.stop()
                if event:
                    yield event
            code = self._process.wait()
            if code not in (0, _STOPPED) and not self._asked_to_stop:
                raise JobError(self._last_error(code))

    def stop(self) -> None:
        """Ask the child to stop: a fit keeps its best weights, anything else is ended and leaves nothing half-done."""
        self._asked_to_stop = True
        if self.verb in ("fit", "demo") and self.run_folder != Path():
            with contextlib.suppress(OSError):
                (self.run_folder / "stop").touch()
        elif self.verb != "fit":
            self._process.terminate()

    def kill(self) -> None:
        """End the child at once."""
        self._asked_to_stop = True
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

    def _last_error(self, code: int) -> str:
        return _last_error(self._errors, f"{self.verb} ended with status {code}")


class AttachedJob:
    """A fit that another window, or a terminal, started: followed by what it writes into its run's folder.

    Parameters
    ----------
    run_folder
        ``runs/<id>``.
    """

    verb = "fit"

    def __init__(self, run_folder: Path) -> None:
        self.run_folder = run_folder
        self._run = RunFolder(run_folder)
        self._asked_to_stop = False
        self._left = threading.Event()
        self._ended: dict[str, Any] = {}

    @property
    def pid(self) -> int:
        """Process id of the fit; 0 once it ended."""
        return process_of(self._run)

    @property
    def running(self) -> bool:
        """Whether the fit is still there."""
        return bool(self.pid)

    @property
    def stopped(self) -> bool:
        """Whether it ended because somebody asked it to."""
        return self._asked_to_stop or bool(self._ended.get("stopped"))

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield all events of the run, the past ones first, until the fit ends or `leave` is called.

        Raises
        ------
        JobError
            If the fit ended with a fault, or was ended from outside.
        """
        self._ended = {}
        for line in self._lines():
            event = _parse(line)
            self._ended = event if event.get("event") in ("done", "error") else {}
            if event and event["event"] != "error":
                yield event
        if self._left.is_set() or self._asked_to_stop:
            return
        if self._ended.get("event") == "error":
            raise JobError(self._ended["text"])
        if not self._ended:
            name = self.run_folder.name
            raise JobError(f"run {name}: its process was ended; continue it with 'napari-atlas fit --resume {name}'")

    def stop(self) -> None:
        """Ask the fit to stop and keep its best weights."""
        self._asked_to_stop = True
        if self.running:
            (self.run_folder / "stop").touch()

    def leave(self) -> None:
        """Follow it no longer; the fit goes on."""
        self._left.set()

    def _lines(self) -> Iterator[str]:
        """Yield whole lines as they are written; the last look is taken after the fit ended."""
        done = 0
        alive = True
        while alive:
            alive = self.running and not self._left.wait(_LOOK_S)
            with contextlib.suppress(FileNotFoundError), self._run.events.open("rb") as file:
                file.seek(done)
                whole, end, _ = file.read().rpartition(b"\n")
                done += len(whole) + len(end)
                yield from whole.decode("utf-8", "replace").splitlines()


class WarmRun:
    """A run whose weights a child process keeps at hand, to decode on request.

    The child ends by itself when this process does. `greet` and `ask` wait for it, so they belong in a thread; `close`
    does not, and ends a request that is waited for.

    Parameters
    ----------
    project
        The project's folder.
    run
        Id of the run.
    """

    def __init__(self, project: Path, run: str) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._asking = threading.Lock()
        self._asked = 0
        self._process = subprocess.Popen(
            command_line("serve", [str(project), "--run", run]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
            env=_environment(),
            **_apart(),
        )

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the child is still there."""
        return self._process.poll() is None

    def greet(self) -> dict[str, Any]:
        """Return what can be asked for, once the weights are loaded; to be called once, before all requests.

        Raises
        ------
        JobError
            If the run cannot be used.
        """
        with self._asking:
            return self._heard()

    def ask(self, **request: Any) -> dict[str, Any]:
        """Return the answer to a request.

        Raises
        ------
        JobError
            If it cannot be answered, or the child is gone.
        """
        with self._asking:
            self._asked += 1
            line = json.dumps({**request, "id": self._asked})
            assert self._process.stdin is not None
            try:
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()
            except (OSError, ValueError) as error:  # ValueError: it was closed
                raise JobError(self._end()) from error
            answer = self._heard()
        if "error" in answer:
            raise JobError(answer["error"])
        return answer

    def close(self) -> None:
        """End the child; it has nothing to lose."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        threading.Thread(target=self._leave, daemon=True).start()

    def _heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        try:
            line = self._process.stdout.readline()
        except ValueError as error:  # it was closed
            raise JobError(self._end()) from error
        if not line:
            raise JobError(self._end())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _end(self) -> str:
        """Return why there is no answer."""
        code = self._process.wait()
        return "it was closed" if self._errors.closed else _last_error(self._errors, f"serve ended with status {code}")

    def _leave(self) -> None:
        self._process.wait()
        with self._asking, self._errors:  # whoever waits for an answer has been told by now
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):
                    assert pipe is not None
                    pipe.close()


def _last_error(errors: IO[bytes], otherwise: str) -> str:
    """Return the last error that a child told, or its last words."""
    errors.seek(0)
    lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    told = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return told[-1] if told else (lines[-1] if lines else otherwise)


def attach(run_folder: Path) -> AttachedJob:
    """Return a fit that is under way as a job, to follow and to stop it."""
    return AttachedJob(run_folder)


def fit_under_way(project: Path) -> Path:
    """Return the folder of the newest run of a project that is being fitted; ``Path()`` if there is none."""
    found = running_runs(project)
    return found[-1].path if found else Path()


def _parse(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        _LOG.info("%s", line.rstrip())
        return {}
    if not isinstance(event, dict):
        return {}
    return {key: math.nan if value is None else value for key, value in event.items()}


def _environment() -> dict[str, str]:
    """Return the child's environment, which leaves one core to the window."""
    threads = str(max(1, (os.cpu_count() or 2) - 1))
    return {"NUMBA_NUM_THREADS": threads, **os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}


def _apart() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _lower_priority(pid: int) -> None:
    low = getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", 19)
    with contextlib.suppress(psutil.Error):
        psutil.Process(pid).nice(low)
