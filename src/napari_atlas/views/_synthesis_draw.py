"""Where the lines of a recorded or generated window lie in a box."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QLineF, QPointF, QRectF
from qtpy.QtGui import QPolygonF

from napari_atlas.views._synthesis_facts import Made, SpeciesFacts

__all__ = ["Turn", "body", "box_of", "traces"]

_LANES = 6
_LEAST_LANE = 22.0


@dataclass(frozen=True)
class Turn:
    """From where a pose in three dimensions is seen.

    Attributes
    ----------
    azimuth, elevation
        Degrees round the upright axis, and above the ground.
    """

    azimuth: float = 30.0
    elevation: float = 20.0

    def by(self, right: float, up: float) -> Turn:
        """Return the view from further right and further up."""
        return Turn((self.azimuth + right) % 360.0, min(max(self.elevation + up, -90.0), 90.0))

    def room(self, extent: NDArray[np.float64]) -> tuple[float, float]:
        """Return the width and height that something of this extent needs, from whatever side it is seen."""
        if len(extent) == 2:
            return float(extent[0]), float(extent[1])
        around, above = float(np.hypot(*extent[:2])), math.radians(abs(self.elevation))
        return around, around * math.sin(above) + float(extent[2]) * math.cos(above)

    def flat(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the (..., 2) places, right and down, of (..., 2 or 3) points; those of two dimensions stay."""
        if points.shape[-1] == 2:
            return points.astype(np.float64)
        around, above = math.radians(self.azimuth), math.radians(self.elevation)
        x, y, z = np.moveaxis(points.astype(np.float64), -1, 0)
        right = x * math.cos(around) + y * math.sin(around)
        away = y * math.cos(around) - x * math.sin(around)
        return np.stack([right, -(z * math.cos(above) - away * math.sin(above))], axis=-1)


def body(made: Made, index: int, turn: Turn, box: QRectF) -> tuple[list[QPointF], list[QLineF]]:
    """Return the joints that are known at a time, and the lines of the skeleton between them.

    The scale is that of the species, the same for every window.

    Parameters
    ----------
    made
        A pose.
    index
        Which time.
    turn
        From where it is seen.
    box
        Where it is drawn.
    """
    low, high = np.array(made.species.low), np.array(made.species.high)
    middle = (low + high) / 2
    wide, tall = np.maximum(turn.room(high - low), 1e-9)
    scale = 0.92 * min(box.width() / wide, box.height() / tall)
    flat = turn.flat(made.points[index] - middle) * scale + (box.center().x(), box.center().y())
    known = np.isfinite(flat).all(axis=1)
    places = [QPointF(*place) for place in flat.tolist()]
    lines = [QLineF(places[a], places[b]) for a, b in made.species.edges if known[a] and known[b]]
    return [place for place, there in zip(places, known, strict=True) if there], lines


def box_of(made: Made, box: QRectF) -> list[tuple[int, QRectF]]:
    """Return the channels that there is room for, each with its lane of a box."""
    n = min(made.values.shape[1], _LANES, max(1, int(box.height() / _LEAST_LANE)))
    height = box.height() / n
    return [(i, QRectF(box.x(), box.y() + i * height + 2, box.width(), height - 4)) for i in range(n)]


def traces(made: Made, channel: int, box: QRectF) -> Iterator[QPolygonF]:
    """Yield the stretches of a channel in which it is known; the scale is that of the species."""
    values, species = made.values[:, channel].astype(np.float64), made.species
    low, high = _ends(species, channel)
    x = box.left() + (np.arange(values.size) + 0.5) / values.size * box.width()
    y = box.bottom() - np.clip((values - low) / (high - low), -0.1, 1.1) * box.height()
    known = np.flatnonzero(np.isfinite(values))
    for stretch in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
        yield QPolygonF([QPointF(*place) for place in zip(x[stretch].tolist(), y[stretch].tolist(), strict=True)])


def _ends(species: SpeciesFacts, channel: int) -> tuple[float, float]:
    low, high = species.low[channel], species.high[channel]
    return (low, high) if high > low else (low - 0.5, low + 0.5)
