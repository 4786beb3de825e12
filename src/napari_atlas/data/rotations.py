"""Rotations as quaternions, matrices and six numbers.

Quaternions are (w, x, y, z). A rotation in six numbers is the first and then the second column of its matrix; any six
numbers that are not parallel become a rotation again when the columns are made orthogonal. So six numbers may be
averaged over a bin, or drawn by a network, and still stand for one.

Source: Zhou et al., On the Continuity of Rotation Representations in Neural Networks, 2019.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["matrix_of_quaternion", "matrix_of_six", "product", "shortest_rotation", "six_of_matrix", "unit"]

Floats = NDArray[np.float64]

_TINY = 1e-12


def shortest_rotation(source: ArrayLike, target: ArrayLike) -> Floats:
    """Return the (…, 4) quaternions of the shortest rotations that take one unit direction to another.

    NaN where either is. Between opposite directions it is half a turn about one of the axes across them.

    Parameters
    ----------
    source, target
        (…, 3).
    """
    pair = np.broadcast_arrays(np.asarray(source, dtype=np.float64), np.asarray(target, dtype=np.float64))
    a, b = (ways.reshape(-1, 3) for ways in pair)
    turned = np.concatenate([1.0 + (a * b).sum(axis=-1, keepdims=True), np.cross(a, b)], axis=-1)
    size = np.linalg.norm(turned, axis=-1)
    opposed = size < 1e-9
    if opposed.any():
        across = np.cross(a[opposed], np.where(np.abs(a[opposed][:, :1]) < 0.9, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]))
        turned[opposed] = np.concatenate([np.zeros((len(across), 1)), across], axis=-1)
        size[opposed] = np.linalg.norm(across, axis=-1)
    return np.asarray((turned / size[:, None]).reshape(*pair[0].shape[:-1], 4))


def matrix_of_quaternion(quaternions: ArrayLike) -> Floats:
    """Return (…, 3, 3) matrices of (…, 4) unit quaternions; NaN where they are."""
    w, x, y, z = np.moveaxis(np.asarray(quaternions, dtype=np.float64), -1, 0)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def six_of_matrix(matrices: ArrayLike) -> Floats:
    """Return the (…, 6) numbers of (…, 3, 3) rotations: their first column, then their second."""
    values = np.asarray(matrices, dtype=np.float64)
    return np.concatenate([values[..., 0], values[..., 1]], axis=-1)


def matrix_of_six(six: ArrayLike) -> Floats:
    """Return the (…, 3, 3) rotations of (…, 6) numbers, whose columns are made orthogonal; NaN where they are."""
    values = np.asarray(six, dtype=np.float64)
    first = unit(values[..., :3])
    second = values[..., 3:] - (first * values[..., 3:]).sum(axis=-1, keepdims=True) * first
    second = unit(second)
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def product(left: Floats, right: Floats) -> Floats:
    """Return the products of (…, 4) quaternions, left before right."""
    a, b, c, d = np.moveaxis(left, -1, 0)
    w, x, y, z = np.moveaxis(right, -1, 0)
    parts = (
        a * w - b * x - c * y - d * z,
        a * x + b * w + c * z - d * y,
        a * y - b * z + c * w + d * x,
        a * z + b * y - c * x + d * w,
    )
    return np.stack(parts, axis=-1)


def unit(vectors: Floats) -> Floats:
    """Return vectors of length 1; NaN where they have none."""
    size = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(size > _TINY, size, np.nan)
