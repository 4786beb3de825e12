"""Pictures of very many points, made without the graphics card, so that a thread can make them.

A picture does not depend on the order of its points: what lies behind shines through each of them by its strength, so
the strengths of a pixel's points add up, and its colour is the mean of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_atlas.views._colors import rgba_of
from napari_atlas.views._map_model import GREY, shrink_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_atlas.views._colors import Rgba
    from napari_atlas.views._map_model import Cloud

__all__ = ["Frame", "Scale", "density_picture", "points_picture"]

_AT_A_TIME = 100_000
_OPAQUE = 0.97
# Logical pixels that the density is smoothed over where there are very few points, and very many.
_SMOOTHEST, _SHARPEST = 9.0, 3.0
# Of the pixels with windows, this percentage is as strong as can be, so that a crowded one does not pale all others.
_CROWDED = 0.5
# The larger, the better seen is what is sparse.
_CONTRAST = 20.0
# Points that are fainter are grey ones.
_FAINT = 0.2


@dataclass(frozen=True, eq=False)
class Frame:
    """The rectangle of a plane that a picture shows.

    Attributes
    ----------
    matrix
        (n_dimensions, 2) by which map coordinates are multiplied.
    offset
        (2,) what is added, to have pixels of the picture from its upper left corner.
    width, height
        Pixels of the picture.
    scale
        Its pixels per logical pixel of the canvas.
    """

    matrix: NDArray[np.float32]
    offset: NDArray[np.float32]
    width: int
    height: int
    scale: float = 1.0

    def coarser(self, by: int) -> Frame:
        """Return the same rectangle with larger pixels."""
        less = np.float32(1 / by)
        width, height = -(-self.width // by), -(-self.height // by)
        return Frame(self.matrix * less, self.offset * less, width, height, self.scale / by)

    def cells(self, positions: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the (n,) pixel of each place, counted along the rows; −1 outside."""
        cells = np.empty(len(positions), dtype=np.int32)
        for rows in _parts(len(positions)):
            x, y = (positions[rows] @ self.matrix + self.offset).T
            inside = (x >= 0) & (x < self.width) & (y >= 0) & (y < self.height)
            # What lies outside may be too far away for a whole number.
            x, y = np.where(inside, x, 0).astype(np.int32), np.where(inside, y, 0).astype(np.int32)
            cells[rows] = np.where(inside, y * self.width + x, -1)
        return cells


@dataclass(frozen=True, eq=False)
class Scale:
    """Numbers to take the mean of.

    Attributes
    ----------
    shares
        (n_windows,) from 0 to 1; NaN where unknown.
    stops
        Colours from 0 to 1, evenly spaced, as "#rrggbb".
    """

    shares: NDArray[np.float32]
    stops: tuple[str, ...]


def points_picture(cloud: Cloud, cells: NDArray[np.int32], frame: Frame, each: int = 1) -> NDArray[np.uint8]:
    """Return the (height, width, 4) picture of points as discs.

    Parameters
    ----------
    cloud
        The points.
    cells
        (n_drawn,) the pixels that they are in; −1 for none.
    frame
        What is shown.
    each
        How many points each of them stands for.
    """
    layers = np.zeros((4, frame.height * frame.width), dtype=np.float32)
    for _, at, faces in _inside(cloud, cells):
        strength = -each * np.log1p(-np.minimum(faces[:, 3], _OPAQUE))
        _add(layers, at, strength, faces)
    n_inside = int(np.count_nonzero(cells >= 0))
    diameter = float(cloud.sizes.mean()) * shrink_of(each * n_inside) * frame.scale if n_inside else 0.0
    stamped = _stamped(layers.reshape(4, frame.height, frame.width), _disc(diameter))
    return _rgba(stamped[:3], stamped[3], -np.expm1(-stamped[3]))


def density_picture(
    cloud: Cloud, cells: NDArray[np.int32], frame: Frame, each: int = 1, scale: Scale | None = None
) -> NDArray[np.uint8]:
    """Return the (height, width, 4) picture of how many points lie where.

    Its colours are those of the points by their shares, or of the mean of their numbers where there is a *scale*; the
    strength grows with the logarithm of the count. Grey points count by their alpha.

    Parameters
    ----------
    cloud
        The points.
    cells
        (n_drawn,) the pixels that they are in; −1 for none.
    frame
        What is shown.
    each
        How many points each of them stands for.
    scale
        Numbers of the windows.
    """
    shape = (-1, frame.height, frame.width)
    layers = np.zeros((4, frame.height * frame.width), dtype=np.float32)
    told = np.zeros((2, frame.height * frame.width), dtype=np.float32)
    for rows, at, faces in _inside(cloud, cells):
        counted = faces[:, 3] > _FAINT
        _add(layers, at, np.where(counted, np.float32(1.0), faces[:, 3]), faces)
        if scale is not None:
            shares = scale.shares[cloud.ids[rows]]
            known = counted & np.isfinite(shares)
            np.add.at(told[0], at[known], shares[known])
            np.add.at(told[1], at[known], np.float32(1.0))
    sigma = frame.scale * float(np.interp(shrink_of(each * cells.size), (0.4, 1.0), (_SHARPEST, _SMOOTHEST)))
    smooth = np.stack([gaussian_filter(layer, sigma) for layer in layers.reshape(shape)])
    colors, count = smooth[:3], smooth[3]
    if scale is not None:
        total, n = (gaussian_filter(layer, sigma) for layer in told.reshape(shape))
        colors = _of_mean(total, n, scale.stops) + GREY[:3, None, None] * np.maximum(count - n, 0.0)
    filled = count[count > 1e-3 * count.max()]
    peak = float(np.percentile(filled, 100 - _CROWDED)) if filled.size else 1.0
    return _rgba(colors, count, np.log1p(_CONTRAST * np.minimum(count / peak, 1.0)) / np.log1p(_CONTRAST))


def _inside(
    cloud: Cloud, cells: NDArray[np.int32]
) -> Iterator[tuple[slice | NDArray[np.int64], NDArray[np.int32], Rgba]]:
    """Yield the rows of the points that are in the picture, their pixels and their colours, many at a time."""
    for part in _parts(cells.size):
        inside = cells[part] >= 0
        # Most often all of them are in the picture, and need not be copied.
        rows = part if inside.all() else np.flatnonzero(inside) + part.start
        yield rows, cells[rows], cloud.faces[rows]


def _parts(n: int) -> Iterator[slice]:
    """Yield slices that are short enough for the window to go on in between."""
    return (slice(begin, min(n, begin + _AT_A_TIME)) for begin in range(0, n, _AT_A_TIME))


def _add(layers: NDArray[np.float32], at: NDArray[np.int32], weight: NDArray[np.float32], faces: Rgba) -> None:
    """Add points to the three colours and the weight, each at its pixel."""
    for i in range(3):
        np.add.at(layers[i], at, weight * faces[:, i])
    np.add.at(layers[3], at, weight)


def _disc(diameter: float) -> NDArray[np.float32]:
    """Return how much of each pixel round its centre a disc covers."""
    reach = int(np.ceil(max(diameter, 1.0) / 2 - 0.5))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    covered = np.clip(max(diameter, 1.0) / 2 + 0.5 - np.hypot(x, y), 0.0, 1.0)
    return np.asarray(covered, dtype=np.float32)


def _stamped(layers: NDArray[np.float32], disc: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return layers (n_layers, height, width) with every pixel spread over a disc."""
    reach = len(disc) // 2
    height, width = layers.shape[1:]
    wide = np.pad(layers, ((0, 0), (reach, reach), (reach, reach)))
    out, part = np.zeros_like(layers), np.empty((height, width), dtype=np.float32)
    # One layer after the other, because a layer fits into the processor's cache.
    for i, source in enumerate(wide):
        for y, x in np.argwhere(disc > 0):
            out[i] += np.multiply(source[y : y + height, x : x + width], disc[y, x], out=part)
    return out


def _of_mean(total: NDArray[np.float32], n: NDArray[np.float32], stops: tuple[str, ...]) -> NDArray[np.float32]:
    """Return (3, height, width) the colours of total / n, times n."""
    mean = np.clip(total / np.maximum(n, 1e-6), 0.0, 1.0)
    places = np.linspace(0.0, 1.0, len(stops))
    return np.stack([np.interp(mean, places, part) * n for part in rgba_of(stops)[:, :3].T]).astype(np.float32)


def _rgba(colors: NDArray[np.float32], weight: NDArray[np.float32], alpha: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return (height, width, 4) of colours (3, height, width) that were multiplied by a weight."""
    picture = np.empty((*weight.shape, 4), dtype=np.uint8)
    for i in range(3):
        picture[..., i] = 255 * np.clip(colors[i] / np.maximum(weight, 1e-6), 0.0, 1.0) + 0.5
    picture[..., 3] = 255 * alpha + 0.5
    return picture
