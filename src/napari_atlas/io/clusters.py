"""The clusters of a run on disk, one file for each way of making them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from napari_atlas.data.clusters import Clustering
from napari_atlas.errors import InputError
from napari_atlas.io.atomic import read_arrays, write_arrays
from napari_atlas.io.runs import RunFolder

__all__ = ["check_name", "cluster_names", "clusters_passed_over", "delete_clusters", "read_clusters", "write_clusters"]

_NAME = re.compile(r"[\w .·+()-]{1,80}")
_LONGEST = 200  # bytes: a file system takes 255, and what is being written has a longer name


def check_name(name: str) -> None:
    """Refuse a name of clusters that cannot be that of a file.

    Raises
    ------
    InputError
        If it cannot.
    """
    if not _NAME.fullmatch(name) or name.strip(". ") != name or len(name.encode()) > _LONGEST:
        raise InputError.of(f"clusters {name!r}", "that cannot name a file", "use letters, digits, blanks and dashes")


def write_clusters(run: RunFolder, clustering: Clustering) -> None:
    """Write clusters under their name, in the place of those that had it.

    Raises
    ------
    InputError
        If the name cannot be that of a file, or nothing can be written.
    """
    check_name(clustering.name)
    write_arrays(
        _folder(run) / f"{clustering.name}.npz",
        codes=clustering.codes,
        labels=np.array(clustering.labels, dtype=np.str_),
        colors=np.array(clustering.colors, dtype=np.str_),
        recipe=np.array(clustering.recipe),
        note=np.array(clustering.note),
    )


def read_clusters(run: RunFolder, n_windows: int) -> tuple[Clustering, ...]:
    """Return the clusters of a run, by name; files that are damaged or of other windows are passed over."""
    return tuple(found for found in _read_all(run, n_windows) if isinstance(found, Clustering))


def cluster_names(run: RunFolder) -> tuple[str, ...]:
    """Return the names that are taken, those of files that are passed over too."""
    return tuple(sorted(file.stem for file in _folder(run).glob("*.npz")))


def clusters_passed_over(run: RunFolder, n_windows: int) -> tuple[str, ...]:
    """Return why files of clusters are passed over, a line for each; none if all are well."""
    return tuple(str(found) for found in _read_all(run, n_windows) if isinstance(found, InputError))


def delete_clusters(run: RunFolder, name: str) -> None:
    """Delete clusters; nothing happens if there are none of that name.

    Raises
    ------
    InputError
        If they cannot be deleted.
    """
    file = _folder(run) / f"{name}.npz"
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise InputError.of(file, f"it cannot be deleted ({error.strerror})", "check rights") from error


def _read_all(run: RunFolder, n_windows: int) -> list[Clustering | InputError]:
    found: list[Clustering | InputError] = []
    for file in sorted(_folder(run).glob("*.npz"), key=lambda file: file.stem):
        try:
            found.append(_read(file, n_windows))
        except InputError as error:
            found.append(error)
    return found


def _read(file: Path, n_windows: int) -> Clustering:
    arrays = read_arrays(file)
    try:
        labels, colors = (tuple(str(text) for text in arrays[part].tolist()) for part in ("labels", "colors"))
        codes = arrays["codes"].astype(np.int64, casting="safe")
        if codes.shape != (n_windows,):
            told = f"it is of {codes.shape[0] if codes.ndim else 0} windows, and the run has {n_windows}"
            raise InputError.of(file, told, "delete it, or put it back into the run that it is of")
        return Clustering(file.stem, str(arrays["recipe"]), codes, labels, colors, str(arrays.get("note", "")))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError.of(file, "it does not hold clusters", "delete it and make them again") from error


def _folder(run: RunFolder) -> Path:
    return run.path / "clusters"
