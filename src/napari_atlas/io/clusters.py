"""The clusters of a run on disk, one file for each way of making them."""

from __future__ import annotations

import re

import numpy as np

from napari_atlas.data.clusters import Clustering
from napari_atlas.errors import InputError
from napari_atlas.io.atomic import read_arrays, write_arrays
from napari_atlas.io.runs import RunFolder

__all__ = ["delete_clusters", "read_clusters", "write_clusters"]

_NAME = re.compile(r"[\w .·+-]{1,80}")


def write_clusters(run: RunFolder, clustering: Clustering) -> None:
    """Write clusters under their name, in the place of those that had it.

    Raises
    ------
    InputError
        If the name cannot be that of a file.
    """
    if not _NAME.fullmatch(clustering.name) or clustering.name.strip(". ") != clustering.name:
        raise InputError.of(
            f"clusters {clustering.name!r}", "that cannot name a file", "use letters, digits, blanks and dashes"
        )
    write_arrays(
        run.path / "clusters" / f"{clustering.name}.npz",
        codes=clustering.codes,
        labels=np.array(clustering.labels, dtype=np.str_),
        colors=np.array(clustering.colors, dtype=np.str_),
        recipe=np.array(clustering.recipe),
    )


def read_clusters(run: RunFolder, n_windows: int) -> tuple[Clustering, ...]:
    """Return the clusters of a run, by name; files that are damaged or of other windows are passed over."""
    found = []
    for file in sorted((run.path / "clusters").glob("*.npz")):
        try:
            arrays = read_arrays(file)
            labels, colors = (tuple(arrays[part].tolist()) for part in ("labels", "colors"))
            clustering = Clustering(file.stem, str(arrays["recipe"]), arrays["codes"], labels, colors)
        except (InputError, KeyError, ValueError):
            continue
        if clustering.codes.shape == (n_windows,):
            found.append(clustering)
    return tuple(found)


def delete_clusters(run: RunFolder, name: str) -> None:
    """Delete clusters; nothing happens if there are none of that name."""
    (run.path / "clusters" / f"{name}.npz").unlink(missing_ok=True)
