"""What a fit shows of itself, in its run's folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_atlas.data.live import Example, Live
from napari_atlas.errors import InputError
from napari_atlas.io.atomic import read_arrays, write_arrays

__all__ = ["LIVE_FILE", "read_live", "write_live"]

LIVE_FILE = "live.npz"
_PARTS = ("epoch", "n_windows", "ids", "coordinates", "split")


def write_live(live: Live) -> None:
    """Write it over the one before."""
    arrays = {name: np.asarray(getattr(live, name)) for name in _PARTS}
    arrays["species"] = np.array([e.species for e in live.examples], dtype=np.str_)
    arrays["held_out"] = np.array([e.held_out for e in live.examples], dtype=bool)
    arrays["n_channels"] = np.array([e.n_channels for e in live.examples], dtype=np.int64)
    for i, example in enumerate(live.examples):
        arrays[f"example_{i}"] = np.stack([example.given, example.rebuilt])
    write_arrays(live.run / LIVE_FILE, **arrays)


def read_live(run: Path, under_way: bool) -> Live | None:
    """Return what the fit of a run showed last; None if there is nothing, or nothing that can be read.

    Parameters
    ----------
    run
        Folder of the run.
    under_way
        Whether its fit goes on.
    """
    try:
        found = read_arrays(run / LIVE_FILE)
        columns = (found["species"], found["held_out"], found["n_channels"])
        examples = tuple(
            Example(str(species), bool(held_out), int(n_channels), *found[f"example_{i}"])
            for i, (species, held_out, n_channels) in enumerate(zip(*columns, strict=True))
        )
        epoch, n_windows, ids, coordinates, split = (found[name] for name in _PARTS)
    except (InputError, KeyError, TypeError, ValueError):
        # It is a picture of what is kept elsewhere, and no reason not to open the run.
        return None
    return Live(run, int(epoch), int(n_windows), ids, coordinates, split, examples, under_way)
