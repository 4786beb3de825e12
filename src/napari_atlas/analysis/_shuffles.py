"""Selections of windows shuffled so that what belongs together stays together."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.windows import WindowTable

__all__ = ["Shuffles"]

_WORK = 2_000_000
_FEWEST = 999
_SAME = 1e-9

Array = NDArray[np.float64]


class Shuffles:
    """Shuffle which windows are selected: between recordings, between animals of one, and along time.

    A selection comes apart into the share of each recording that is selected, by how much that of each animal differs
    from it, and the pattern along time within each animal. The shares are exchanged between recordings, the
    differences between animals of a recording, and the patterns are shifted round in time, by the same part of its
    length for all animals of a recording. The three are drawn apart from each other.

    Parameters
    ----------
    table
        The windows.
    among
        (n_windows,) which of them are compared.
    chosen
        (n_windows,) which of them are selected.
    n
        Shuffles; fewer if there are very many animals.
    seed
        The same seed gives the same shuffles.

    Attributes
    ----------
    n
        Shuffles made.
    """

    def __init__(
        self, table: WindowTable, among: NDArray[np.bool_], chosen: NDArray[np.bool_], n: int, seed: int
    ) -> None:
        tracks, rows = np.unique(table.track[among], return_inverse=True)
        names = [table.keys[track].recording for track in tracks]
        self._unit = np.unique(names, return_inverse=True)[1]
        edges = np.searchsorted(rows, np.arange(tracks.size + 1))
        self._mine = [slice(*edge) for edge in pairwise(edges.tolist())]
        self._picked = chosen[among].astype(np.float64)
        self._sizes = np.diff(edges).astype(np.float64)
        self._unit_sizes = np.bincount(self._unit, self._sizes)
        self.n = min(n, max(_FEWEST, _WORK // tracks.size))
        self._draw(np.random.default_rng(seed))

    def p_values(self, scores: Array) -> tuple[Array, Array]:
        """Return for each column the p of its effect, and the least p that an effect could have had there.

        Parameters
        ----------
        scores
            (n_compared, n_columns) of mean 0; the effect is the mean of the selected ones less that of the others.
        """
        sums = np.stack([scores[mine].sum(axis=0) for mine in self._mine])
        unit_sums = _summed(sums, self._unit, self._unit_sizes.size)
        beside = sums - self._sizes[:, None] * (unit_sums / self._unit_sizes[:, None])[self._unit]
        found = self._shares @ unit_sums + self._extras @ beside
        self._add_shifted(found, scores)
        size = np.abs(found / (self._count * (1.0 - self._count / len(scores)))[:, None])
        real, most = size[0] * (1 - _SAME), size.max(axis=0) * (1 - _SAME)
        return (size >= real).mean(axis=0), (size >= most).mean(axis=0)

    def _draw(self, rng: np.random.Generator) -> None:
        """Draw the shuffles; the first of all is the selection as it is."""
        n, n_units, n_tracks = self.n + 1, self._unit_sizes.size, self._sizes.size
        picked = np.array([self._picked[mine].sum() for mine in self._mine])
        share = np.bincount(self._unit, picked) / self._unit_sizes
        extra = picked / self._sizes - share[self._unit]
        between = np.argsort(rng.random((n, n_units)), axis=1)
        # Sorted by recording first, each animal gets the place of one of the same recording.
        places = np.argsort(self._unit, kind="stable")
        beside = np.argsort(self._unit[places] + 0.999 * rng.random((n, n_tracks)), axis=1)
        between[0], beside[0] = np.arange(n_units), np.arange(n_tracks)
        self._shares = np.take(share, between)
        self._extras = np.empty((n, n_tracks))
        self._extras[:, places] = np.take(extra[places], beside)
        self._count = np.clip(self._shares @ self._unit_sizes + self._extras @ self._sizes, 1, self._picked.size - 1)
        self._shifts = rng.random((n, n_units))
        self._shifts[0] = 0.0

    def _add_shifted(self, found: Array, scores: Array) -> None:
        """Add what each pattern along time gives, shifted round; a pattern that is all alike gives nothing."""
        for mine, unit in zip(self._mine, self._unit, strict=True):
            picked = self._picked[mine]
            if picked.min() < picked.max():
                pattern = np.conj(np.fft.rfft(picked))[:, None]
                pattern[0] = 0.0  # The mean of the animal is counted already.
                given = np.fft.irfft(pattern * np.fft.rfft(scores[mine], axis=0), picked.size, axis=0)
                found += np.take(given, (self._shifts[:, unit] * picked.size).astype(np.int64), axis=0)


def _summed(values: Array, groups: NDArray[np.int64], n_groups: int) -> Array:
    sums = np.zeros((n_groups, values.shape[1]))
    np.add.at(sums, groups, values)
    return sums
