"""Look at folders and add what they hold, each in a child process."""

from __future__ import annotations

import contextlib
import json
import tempfile
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from psygnal import Signal

from napari_atlas.data.plans import ImportPlan
from napari_atlas.errors import AtlasError
from napari_atlas.views.desk import Desk

__all__ = ["ImportJobs"]

# A place for a project that is not there yet; looking at folders writes nothing.
_NO_PROJECT = Path("new.atlas")
_STOPPED = {"look": "Stopped.", "add": "Stopped; what was added stays in the project."}


class ImportJobs:
    """The two jobs of an import, and what they tell.

    Parameters
    ----------
    desk
        Whose runner starts them, and which opens the project afterwards.
    """

    planned = Signal(object)
    """The `ImportPlan` of what was looked at."""
    told = Signal(int, str)
    """A row of the plan was added, or, with a reason, refused."""
    ended = Signal(str)
    """A job is over; why, if it has no result."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.doing = ""
        """``"look"``, ``"add"``, or empty."""
        # Takes the plan's file away after the job, or else when the window is closed.
        self._forget: Callable[[], Any] = _nothing
        self._stopped = False
        self.links = ((desk.runner.event, self._on_event),)

    def look(self, sources: Sequence[Path]) -> None:
        """Look at files and folders; nothing is written."""
        project = self._desk.folder if self._desk.folder != Path() else _NO_PROJECT
        named = [text for source in sources for text in ("--recursive", str(source))]
        self._start("look", str(project), *named, "--dry-run", "--quality")

    def add(self, plan: ImportPlan, rows: Sequence[int]) -> None:
        """Add some recordings of a plan to the project on show."""
        everything = range(len(plan.recordings))
        chosen = plan.choosing(everything, False).choosing(rows, True)
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8", delete=False) as file:
            json.dump(chosen.as_dict(), file)
        self._forget()
        self._forget = weakref.finalize(self, Path(file.name).unlink, missing_ok=True)
        self._start("add", str(self._desk.folder), "--plan", file.name)

    def stop(self) -> None:
        """Ask the job to stop; what was added is kept."""
        if self.doing:
            self._stopped = True
            self._desk.runner.stop()

    def _start(self, doing: str, *arguments: str) -> None:
        if self._desk.session.job.running:
            self.ended.emit(f"Wait for the {self._desk.session.job.verb} under way, or stop it.")
            return
        self.doing, self._stopped = doing, False
        self._desk.runner.run("add", *arguments, then=self._end, otherwise=self._end)

    def _on_event(self, event: dict[str, Any]) -> None:
        if self.doing == "look" and "plan" in event:
            with contextlib.suppress(AtlasError):
                self.planned.emit(ImportPlan.from_dict(event["plan"]))
        elif self.doing == "add" and "row" in event:
            self.told.emit(int(event["row"]), str(event.get("error") or ""))

    def _end(self, problem: str = "") -> None:
        doing, self.doing = self.doing, ""
        if doing == "add":
            self._forget()
            self._desk.open(self._desk.folder)
        self.ended.emit(_STOPPED[doing] if self._stopped else problem)


def _nothing() -> None:
    """Do nothing."""
