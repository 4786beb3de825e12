"""What a fit shows of itself while it is under way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.atlas import Atlas

__all__ = ["Example", "Live"]


@dataclass(frozen=True, eq=False)
class Example:
    """One window, and what the network makes of it.

    Attributes
    ----------
    species
        Whose window it is.
    held_out
        Whether the network was not trained on it.
    n_channels
        Channels that the window has.
    given, rebuilt
        (n_times, n_shown) its first channels and their reconstruction, z-scored; unknown values are 0, the mean.
    """

    species: str
    held_out: bool
    n_channels: int
    given: NDArray[np.float32]
    rebuilt: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Live:
    """Latents and reconstructions of a fit after one of its epochs.

    Attributes
    ----------
    run
        Folder of the run.
    epoch
        From 1; the epoch whose weights are shown.
    n_windows
        Windows that the project has.
    ids
        (n_shown,) windows that are shown, rising; the same ones throughout a fit.
    coordinates
        (n_shown, 2) places of their latents in a plane that turns slowly, so that points move and do not jump.
    split
        (n_shown,) index into `SPLITS`.
    examples
        Some windows of every species, the same ones throughout a fit.
    under_way
        Whether the fit goes on; if not, the run has latents of its own.
    """

    run: Path
    epoch: int
    n_windows: int
    ids: NDArray[np.int64]
    coordinates: NDArray[np.float32]
    split: NDArray[np.int8]
    examples: tuple[Example, ...] = field(default=())
    under_way: bool = True

    def belongs_to(self, atlas: Atlas) -> bool:
        """Return whether it is a fit under way of these windows."""
        same = self.run.parents[1] == atlas.folder and self.n_windows == len(atlas.windows.table)
        return self.under_way and same

    def over(self, atlas: Atlas) -> Atlas:
        """Return an atlas with these places as its map; windows that are not shown have NaN."""
        coordinates = np.full((self.n_windows, 2), np.nan, dtype=np.float32)
        coordinates[self.ids] = self.coordinates
        split = atlas.windows.table.split.copy()
        split[self.ids] = self.split
        words = ["while training", f"epoch {self.epoch}"]
        if self.ids.size < self.n_windows:
            words.append(f"{self.ids.size} of {self.n_windows} windows")
        recipe = " · ".join([*words, "PCA, aligned"])
        return replace(atlas, windows=atlas.windows.with_split(split), run="", coordinates=coordinates, recipe=recipe)
