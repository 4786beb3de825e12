"""Signals of outlines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data._signal_registry import register_signal, step
from napari_atlas.data.outline import Outline
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase

__all__ = ["hull_area_rate", "outline_shape"]

Floats = NDArray[np.float64]

_BLOCK = 4096  # polygons that are described at once
_TRIANGLE = 3
_THIN = 1e-9  # a polygon of less area than this, in squares of its perimeter, has none


@register_signal("hull-area-rate", "px²/frame", Outline, "Change of the hull's area")
def hull_area_rate(outline: Outline, individual: int, timebase: TimeBase, species: Species) -> Floats:
    """Return |area difference| between neighbouring frames.

    Returns
    -------
    NDArray
        (n_samples, 1) in px²/frame, the first NaN; NaN where either frame has no hull.
    """
    return np.abs(step(outline.areas(individual)[:, None]))


def _orders(n_descriptors: int) -> list[int]:
    """Return the orders of the Fourier descriptors: 2, −2, 3, −3 and so on."""
    return [sign * order for order in range(2, n_descriptors + 3) for sign in (1, -1)][:n_descriptors]


def _shape_names(outline: Outline, species: Species) -> tuple[str, ...]:
    return ("area (ln px²)", "elongation", *(f"shape {order:+d}" for order in _orders(species.n_descriptors)))


@register_signal("outline-shape", "", Outline, "Shape of the outline", _shape_names)
def outline_shape(outline: Outline, individual: int, timebase: TimeBase, species: Species) -> Floats:
    """Return area, elongation and Fourier descriptors of the outline.

    The descriptors are the sizes of the contour's Fourier coefficients of orders 2, −2, 3, −3 …, over that of the
    first order. They depend neither on where the animal is, how it is turned and how big it is, nor on the vertex at
    which the contour begins, the way it runs round, and how densely straight parts of it are sampled.

    Returns
    -------
    NDArray
        (n_samples, 2 + n_descriptors): logarithm of the area in px²; elongation, 1 less the ratio of the axes of the
        ellipse with the same second moments, 0 for a disc; descriptors, without unit. NaN where there is no outline,
        or it has no area.
    """
    xy, starts = outline.vertices[individual], outline.starts[individual]
    shapes = np.full((outline.n_samples, 2 + species.n_descriptors), np.nan)
    for begin in range(0, starts.size - 1, _BLOCK):
        edges = starts[begin : begin + _BLOCK + 1]
        block = shapes[begin : begin + edges.size - 1]
        block[:] = _shapes(np.asarray(xy[edges[0] : edges[-1]], dtype=np.float64), np.diff(edges), block.shape[1] - 2)
    return shapes


def _shapes(xy: Floats, counts: NDArray[np.int64], n_descriptors: int) -> Floats:
    """Return (n_polygons, 2 + n_descriptors) of polygons that lie one after the other."""
    shapes = np.full((counts.size, 2 + n_descriptors), np.nan)
    owner = np.repeat(np.arange(counts.size), counts)
    lost = np.bincount(owner[~np.isfinite(xy).all(axis=1)], minlength=counts.size)
    good = (counts >= _TRIANGLE) & (lost == 0)
    if not good.any():
        return shapes
    xy, counts = xy[good[owner]], counts[good]
    first = np.cumsum(counts) - counts
    here = xy - np.repeat(xy[first], counts, axis=0)
    following = np.arange(1, len(xy) + 1)
    following[first + counts - 1] = first
    there = here[following]
    lengths = np.linalg.norm(there - here, axis=1)
    perimeter = np.add.reduceat(lengths, first)
    area, elongation = _moments(here, there, first)
    described = np.column_stack([area, elongation, _descriptors(here, there, first, n_descriptors)])
    described[area <= _THIN * perimeter**2] = np.nan
    described[:, 0] = np.log(described[:, 0])
    shapes[good] = described
    return shapes


def _moments(here: Floats, there: Floats, first: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the (n_polygons,) areas and elongations; elongation is NaN where there is no area."""
    (x, y), (u, v) = here.T, there.T
    cross = x * v - u * y

    def total(values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values * cross, first), dtype=np.float64)

    twice = np.add.reduceat(cross, first)
    whole = np.where(twice == 0, np.nan, twice)
    middle_x, middle_y = total(x + u) / (3 * whole), total(y + v) / (3 * whole)
    wide = total(x * x + x * u + u * u) / (6 * whole) - middle_x**2
    high = total(y * y + y * v + v * v) / (6 * whole) - middle_y**2
    skew = total(x * v + 2 * x * y + 2 * u * v + u * y) / (12 * whole) - middle_x * middle_y
    half, apart = (wide + high) / 2, np.hypot((wide - high) / 2, skew)
    # Contours that cross themselves may have moments that no ellipse has.
    long = np.where(half + apart > 0, half + apart, np.nan)
    return np.abs(twice) / 2, 1 - np.sqrt(np.clip((half - apart) / long, 0, 1))


def _descriptors(here: Floats, there: Floats, first: NDArray[np.int64], n_descriptors: int) -> Floats:
    """Return (n_polygons, n_descriptors) sizes of Fourier coefficients over that of the first order.

    The contour is a function z(t) of the share t of its perimeter. Along each edge its slope is constant, so that the
    integral of z(t)·exp(−2πikt) is a sum over edges, without sampling.
    """
    lengths = np.linalg.norm(there - here, axis=1)
    counts = np.diff(np.append(first, len(here)))
    perimeter = np.repeat(np.add.reduceat(lengths, first), counts)
    ends = np.cumsum(lengths)
    share = (ends - np.repeat(ends[first] - lengths[first], counts)) / np.where(perimeter > 0, perimeter, np.nan)
    turn = np.exp(-2j * np.pi * share)
    before = np.roll(turn, 1)
    before[first] = 1.0
    edge = (there - here) @ np.array([1, 1j])
    slope = edge / np.where(lengths > 0, lengths, 1.0)
    sizes = {}
    power, power_before = np.ones_like(turn), np.ones_like(turn)
    for order in range(1, max(2, 2 + (n_descriptors + 1) // 2)):
        power, power_before = power * turn, power_before * before
        change = power - power_before
        sizes[order] = np.abs(np.add.reduceat(slope * change, first)) / order**2
        sizes[-order] = np.abs(np.add.reduceat(slope * change.conj(), first)) / order**2
    # Which of the two first orders is the larger one tells the way round.
    backwards, main = sizes[-1] > sizes[1], np.maximum(sizes[1], sizes[-1])
    main = np.where(main > 0, main, np.nan)
    orders = _orders(n_descriptors)
    return np.stack([np.where(backwards, sizes[-order], sizes[order]) / main for order in orders], axis=1)
