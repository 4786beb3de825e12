"""How well classes are told: accuracy and balanced accuracy."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.analysis.alignment import held_out_score
from napari_atlas.data.windows import WindowTable

__all__ = ["accuracy", "balanced_accuracy", "class_figures"]

Floats = NDArray[np.floating]


def accuracy(labels: Floats, predicted: Floats) -> float:
    """Return the share of the windows of known class that are told right; NaN ("undefined") if all are of one class."""
    known = np.isfinite(labels) & np.isfinite(predicted)
    if np.unique(labels[known]).size < 2:
        return math.nan
    return float((labels[known] == predicted[known]).mean())


def balanced_accuracy(labels: Floats, predicted: Floats) -> float:
    """Return the mean over the classes of the share told right, so that a rare one counts as much as a common one.

    Only classes that windows have count. NaN ("undefined") if all are of one class.
    """
    known = np.isfinite(labels) & np.isfinite(predicted)
    classes, codes = np.unique(labels[known], return_inverse=True)
    if classes.size < 2:
        return math.nan
    right = np.bincount(codes, labels[known] == predicted[known])
    return float((right / np.bincount(codes)).mean())


def class_figures(table: WindowTable, labels: Floats, predicted: Floats) -> dict[str, dict[str, Any]]:
    """Return how well classes are told in every species that has them.

    Parameters
    ----------
    table
        One row per window.
    labels, predicted
        (n_windows,) codes of the classes; NaN where unknown.

    Returns
    -------
    dict
        By species the balanced accuracy, as `HeldOut` has it, and ``accuracy`` with ``train``, ``validation``,
        ``test`` and ``shuffled``. The shuffled figures are what chance gives.
    """
    balanced, plain = (held_out_score(table, labels, predicted, score) for score in (balanced_accuracy, accuracy))
    names = ("train", "validation", "test", "shuffled")
    return {
        species: asdict(found) | {"accuracy": {name: getattr(plain[species], name) for name in names}}
        for species, found in balanced.items()
    }
