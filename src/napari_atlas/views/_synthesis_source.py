"""The child process behind the synthesis dock: begun when it is needed, asked for the newest wish."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_atlas.jobs import WarmRun
from napari_atlas.views._synthesis_facts import Facts
from napari_atlas.views._worker import call_in_thread

__all__ = ["Source"]


class Source(QObject):  # type: ignore[misc]
    """One run at a time, ready to be asked; nothing here waits.

    Parameters
    ----------
    make
        What begins the child process of a run.
    parent
        Qt parent.
    """

    changed = Signal()
    """It has become ready, or has failed, or was stopped."""

    def __init__(self, make: Callable[[Path, str], WarmRun] = WarmRun, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._make = make
        self._child = _Child()
        self._used: tuple[Path, str] | None = None
        self._next: tuple[Callable[[WarmRun], Any], Callable[[Any], None]] | None = None
        self._busy = False
        self.facts: Facts | None = None
        """What can be asked for; None while there is nobody to ask."""
        self.fault = ""
        """Why there is nobody to ask; empty while the child is being started."""
        # Whichever goes first, Qt's object or Python's. Not a lambda: what it holds may be gone by then.
        self.destroyed.connect(self._child.close)
        weakref.finalize(self, self._child.close)

    def use(self, folder: Path, run: str) -> None:
        """Get a run ready, unless it is, or could not be used."""
        if (folder, run) == self._used:
            return
        self.stop()
        self._used = (folder, run)
        warm = self._make(folder, run)
        self._child.warm = warm

        def ready(told: dict[str, Any]) -> None:
            if warm is self._child.warm:
                self.facts = Facts.of(told)
                self.changed.emit()

        call_in_thread(warm.greet, ready, lambda error: self._fail(warm, error))

    def stop(self) -> None:
        """End the child; the next `use` begins another one."""
        self._child.close()
        self._used, self._next, self._busy = None, None, False
        self.facts, self.fault = None, ""

    def ask(self, work: Callable[[WarmRun], Any], then: Callable[[Any], None]) -> None:
        """Do *work* with the child in a thread, then tell its result or its exception on the window's thread.

        Of wishes that come while one is worked on, only the newest is kept.
        """
        self._next = (work, then)
        if not self._busy:
            self._go_on()

    def _go_on(self) -> None:
        warm = self._child.warm
        if self._next is None or warm is None or self.facts is None:
            return
        (work, then), self._next, self._busy = self._next, None, True

        def end(result: Any) -> None:
            if warm is not self._child.warm:
                return
            self._busy = False
            if isinstance(result, Exception) and not warm.running:
                self._fail(warm, result)
                return
            then(result)
            self._go_on()

        call_in_thread(lambda: work(warm), end, end)

    def _fail(self, warm: WarmRun, error: Exception) -> None:
        if warm is self._child.warm:
            used = self._used
            self.stop()
            self._used, self.fault = used, str(error)
            self.changed.emit()


class _Child:
    """The child process that there is, if any."""

    def __init__(self) -> None:
        self.warm: WarmRun | None = None

    def close(self) -> None:
        """End it."""
        warm, self.warm = self.warm, None
        if warm is not None:
            warm.close()
