"""What all verbs share: how they speak, and how they are stopped."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from napari_atlas.analysis import report
from napari_atlas.data.results import Event

__all__ = ["PATH", "Stop", "answer_requests", "follow", "json_flag", "leave_if_stopped", "say", "say_all"]

PATH = click.Path(path_type=Path)
json_flag = click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")


class Stop:
    """Whether Ctrl-C or a termination signal asked for a stop."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked

    def listen(self) -> Stop:
        """Listen from now on, and return itself."""
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._ask)
        return self

    def _ask(self, *_: object) -> None:
        self.asked = True


def leave_if_stopped(stop: Stop) -> None:
    """End with status 3 if a stop was asked for."""
    if stop.asked:
        raise click.exceptions.Exit(3)


def follow(events: Iterable[Event], as_json: bool) -> None:
    """Say events as they come."""
    for event in events:
        say(event.as_dict(), "\n  ".join([event.text, *report.lines(event.data)]), as_json)


def say_all(rows: list[dict[str, Any]], as_text: Callable[[list[dict[str, Any]]], str], as_json: bool) -> None:
    """Say rows, one JSON object for each, or all of them in one text."""
    for row in rows if as_json else ():
        say(row, "", as_json)
    if not as_json:
        say({}, as_text(rows), as_json)


def answer_requests(serve: Callable[[Iterable[str]], Iterable[dict[str, Any]]]) -> None:
    """Write what *serve* makes of the lines of the input, one JSON object a line and nothing else.

    It ends with the input, with whoever reads the answers, or with the process that started this one.
    """
    answers = sys.stdout
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.redirect_stdout(sys.stderr), contextlib.suppress(BrokenPipeError):
        for answer in serve(sys.stdin):
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


def _end_with_parent() -> None:
    """End this process as soon as its parent has ended."""
    import psutil

    try:
        psutil.Process(os.getppid()).wait()
    except psutil.NoSuchProcess:
        pass  # it has ended already
    except psutil.Error:
        return  # it cannot be looked at; the end of the input is left to go by
    os._exit(0)


def say(value: dict[str, Any], text: str, as_json: bool) -> None:
    """Print a line; a reader that went away is no reason to stop."""
    try:
        print(json.dumps(value, ensure_ascii=False, default=str) if as_json else text, flush=True)  # noqa: T201
    except (BrokenPipeError, OSError):
        sys.stdout = open("/dev/null" if sys.platform != "win32" else "NUL", "w", encoding="utf-8")  # noqa: PTH123, SIM115
