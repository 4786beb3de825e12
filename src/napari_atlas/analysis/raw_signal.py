"""The signal of windows as plain features, which is what a latent is compared with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.windows import Windows

__all__ = ["RawSignal"]

Ids = NDArray[np.int64]
Array = NDArray[np.float64]


class RawSignal:
    """Windows put flat, each channel z-scored per species, 0 where unknown.

    Species whose windows are of other shapes get columns of their own, 0 for the others.

    Parameters
    ----------
    windows
        All of them.
    ids
        (n_ids,) those that means and spreads are taken from.
    """

    def __init__(self, windows: Windows, ids: Ids) -> None:
        self._windows = windows
        self._owners = np.array([key.species for key in windows.table.keys] or [""])
        self._scales: dict[str, tuple[Array, Array]] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        for name, mine in self._of_species(ids):
            values = windows.gather(ids[mine])
            known = np.isfinite(values)
            n = np.maximum(known.sum(axis=(0, 1)), 1)
            mean = np.where(known, values, 0.0).sum(axis=(0, 1)) / n
            spread = np.sqrt(np.where(known, (values - mean) ** 2, 0.0).sum(axis=(0, 1)) / n)
            self._scales[name] = mean, np.where(spread > 1e-12, spread, 1.0)
            self._shapes[name] = values.shape[1:]

    def features(self, ids: Ids) -> Array:
        """Return the (n_ids, n_features) windows."""
        return self.flat(ids, {name: self._windows.gather(ids[mine]) for name, mine in self._of_species(ids)})

    def flat(self, ids: Ids, windows: Mapping[str, Array]) -> Array:
        """Return (n_ids, n_features) of other windows, such as generated ones.

        Parameters
        ----------
        ids
            (n_ids,) windows whose places they take.
        windows
            Per species (n_windows, n_times, n_channels), in the order of the ids of that species.
        """
        shapes = list(dict.fromkeys(self._shapes.values()))
        widths = [int(np.prod(shape)) for shape in shapes]
        edges = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
        found = np.zeros((ids.size, int(edges[-1])))
        for name, mine in self._of_species(ids):
            mean, spread = self._scales[name]
            values = np.nan_to_num((windows[name] - mean) / spread).reshape(mine.size, -1)
            place = shapes.index(self._shapes[name])
            # Each shape weighs the same, however many numbers it has.
            found[mine, edges[place] : edges[place + 1]] = values / np.sqrt(widths[place])
        return found

    def _of_species(self, ids: Ids) -> list[tuple[str, Ids]]:
        """Return the species of these windows, each with its places among them."""
        owners = self._owners[self._windows.table.track[ids]]
        return [(str(name), np.flatnonzero(owners == name)) for name in np.unique(owners)]
