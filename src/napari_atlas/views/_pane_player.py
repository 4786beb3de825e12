"""The clock of panes that play together."""

from __future__ import annotations

import time

from qtpy.QtCore import QObject, QTimer, Signal

__all__ = ["Player"]

_STEP_MS, _SLOWEST_MS = 50, 250


class Player(QObject):  # type: ignore[misc]
    """Count a phase from 0 to 1 over and over; after a stall it goes on where it would be, so nothing slows down.

    Attributes
    ----------
    period
        Seconds from 0 to 1.
    phase
        Where it is.
    """

    phase_changed = Signal(float)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.period, self.phase = 2.0, 0.0
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(_STEP_MS)
        self._timer.timeout.connect(self._tick)

    @property
    def running(self) -> bool:
        """Whether it counts."""
        return bool(self._timer.isActive())

    def start(self) -> None:
        """Go on from where it is."""
        if not self.running:
            self._last = time.monotonic()
            self._timer.start()

    def stop(self) -> None:
        """Stay where it is."""
        self._timer.stop()

    def go_to(self, phase: float) -> None:
        """Be at a phase; 1 is 0 again."""
        self.phase = phase % 1.0
        self.phase_changed.emit(self.phase)

    def _tick(self) -> None:
        now = time.monotonic()
        passed, self._last = now - self._last, now
        # Where drawing takes long, as much time is left to the rest of the window.
        late = 1000 * passed - self._timer.interval()
        self._timer.setInterval(round(min(max(_STEP_MS, _STEP_MS + late), _SLOWEST_MS)))
        self.go_to(self.phase + passed / self.period)
