"""Times and ticks in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_atlas.data.times import clock_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["clock_text", "nice_step", "ticks"]

_CLOCK_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


def nice_step(span: float, wanted: int, clock: bool = False) -> float:
    """Return a round tick step that gives at most about *wanted* ticks over *span*; with *clock*, one of seconds."""
    rough = max(span / max(wanted, 1), 1e-12)
    if clock and rough > _CLOCK_STEPS[0]:
        return float(next((s for s in _CLOCK_STEPS if s >= rough), 86400 * np.ceil(rough / 86400)))
    power = 10.0 ** np.floor(np.log10(rough))
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9)))


def ticks(low: float, high: float, step: float) -> NDArray[np.float64]:
    """Return the multiples of *step* from low to high."""
    first, last = np.ceil(low / step - 1e-6), np.floor(high / step + 1e-6)
    # Adding zero turns −0 into 0.
    return np.asarray(np.arange(first, last + 1) * step + 0.0, dtype=np.float64)
