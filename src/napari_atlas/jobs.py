"""A job is one verb in a child process: its command line, its events, stop and kill."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

from napari_atlas.errors import AtlasError

__all__ = ["Job", "JobError", "command_line"]

_LOG = logging.getLogger(__name__)
_STOPPED = 3


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
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        told = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
        return told[-1] if told else (lines[-1] if lines else f"{self.verb} ended with status {code}")


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
