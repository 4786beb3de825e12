"""Whether decoders do what they are told: windows decoded under another value of a variable, and measured again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_atlas.analysis._decoders import DECODERS, as_columns, one_thread, pooled_r2, prepared, told_right
from napari_atlas.data.variables import Measured

__all__ = ["Gauge", "asked_instead", "obeyed"]

Floats = NDArray[np.floating]


def asked_instead(measured: Measured, seed: int = 0) -> Measured:
    """Return the variable of other windows: each window gets that of another one, so that values stay usual.

    Parameters
    ----------
    measured
        One row per window, known throughout.
    seed
        Of the order.
    """
    return replace(measured, values=measured.values[np.random.default_rng(seed).permutation(len(measured.values))])


def obeyed(decode: Callable[[Measured], Floats], measure: Callable[[Floats], Measured], asked: Measured) -> float:
    """Return how far generated windows have the variable that was asked for: R², or balanced accuracy for classes.

    1 is complete, 0 (or one over the number of classes) that the decoder does not care.

    Parameters
    ----------
    decode
        Gives the windows, or poses, that latents become when the decoder is told the variable.
    measure
        Measures the variable on them, NaN where it cannot.
    asked
        What the decoder is told, one row per window.

    Returns
    -------
    float
        NaN if it can be measured on no window, or the same was asked for throughout.
    """
    found = measure(decode(asked))
    known = asked.known & found.known
    if not known.any():
        return float("nan")
    wanted, got = (as_columns(replace(m, values=m.values[known])) for m in (asked, found))
    if asked.classes:
        return told_right(wanted, got)
    unit = np.maximum(wanted.std(axis=0), 1e-12) if asked.kind == "number" else 1.0
    return pooled_r2(wanted / unit, got / unit)


class Gauge:
    """Measure a variable on any windows, as a decoder that was fitted to real ones tells it.

    For variables that no formula gives, such as who it is.

    Parameters
    ----------
    windows
        (n_windows, n_features) real ones, NaN nowhere.
    measured
        Their variable, known throughout.
    seed
        Of the decoder.
    """

    def __init__(self, windows: Floats, measured: Measured, seed: int = 0) -> None:
        self._windows, self._measured, self._seed = np.asarray(windows, dtype=np.float64), measured, seed

    def __call__(self, windows: Floats) -> Measured:
        """Return the variable of (n_windows, n_features) others."""
        measured, targets = self._measured, as_columns(self._measured)
        decoder = DECODERS[measured.kind][0]
        with one_thread():
            x, others = prepared(self._windows, np.asarray(windows, dtype=np.float64), True, self._seed)
            said = decoder.predict(x, targets, others, self._seed)
        if measured.kind == "angle":
            said = np.arctan2(said[:, 1:], said[:, :1])
        return replace(measured, values=said)
