"""Windows put into clusters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_atlas._fit import assemble
from napari_atlas.data.clusters import Clustering
from napari_atlas.data.results import Event, counted
from napari_atlas.data.windows import WindowTable
from napari_atlas.errors import InputError
from napari_atlas.io.clusters import check_name, cluster_names, write_clusters
from napari_atlas.io.loading import load_windows
from napari_atlas.io.project import read_project
from napari_atlas.io.provenance import as_fitted, recipe_hash
from napari_atlas.io.runs import RunFolder, find_run

if TYPE_CHECKING:
    from napari_atlas.analysis.clusters import ClusterRecipe

__all__ = ["cluster"]


def cluster(
    folder: Path, recipe: ClusterRecipe, run: str = "", name: str = "", *, replace: bool = False
) -> Iterator[Event]:
    """Put the windows of a run into clusters by their latents and write them into the run; a generator of events.

    Parameters
    ----------
    folder
        The project.
    recipe
        How to make them.
    run
        Id or label; "" is the newest one.
    name
        What they are called; "" makes a name of the recipe, another one each time.
    replace
        Write over clusters of that name.

    Raises
    ------
    InputError
        If there is no such run, it has no latents, its windows are too few for the recipe, or the name is taken.
    """
    from napari_atlas.analysis.clusters import clusters_of, stability_of

    whole, chosen = read_project(folder), find_run(folder, run)
    called = _name(chosen, recipe, name, replace)
    fitted, latents = as_fitted(whole, chosen.config), chosen.read_latents()
    if chosen.config.get("recipe") != recipe_hash(fitted):
        raise InputError.of(f"run {chosen.name}", "its recordings or settings have changed since", "fit again")
    if not latents:
        raise InputError.of(f"run {chosen.name}", "it has no latents yet", "wait for the fit, or fit again")
    mu = latents["mu"]
    yield Event("started", f"clustering {len(mu)} windows of run {chosen.name}", 0, 2, {"run": chosen.name})
    codes = clusters_of(mu, recipe)
    yield Event("progress", "looking whether half of the animals give the same clusters", 1, 2)
    windows = load_windows(fitted)[0]
    stability = stability_of(windows.table, mu, recipe)
    labels = tuple(str(i + 1) for i in range(codes.max() + 1))
    made = Clustering(called, recipe.text(len(mu)), codes, labels, note=stability.text)
    write_clusters(chosen, made)
    assemble(windows, chosen)
    figures = {"halves": stability.halves, "featureless": stability.featureless}
    text, told = _report(windows.table, made)
    yield Event("done", text, 2, 2, {"run": chosen.name, "clusters": called, **told, **figures})


def _name(run: RunFolder, recipe: ClusterRecipe, name: str, replace: bool) -> str:
    taken = cluster_names(run)
    if name:
        check_name(name)
        if name in taken and not replace:
            raise InputError.of(f"clusters {name}", "there are some of that name", "choose another, or write --replace")
        return name
    plain = recipe.method if recipe.method == "hdbscan" else f"{recipe.method}-{recipe.k}"
    return next(free for i in range(1, len(taken) + 2) if (free := plain if i == 1 else f"{plain}-{i}") not in taken)


def _report(table: WindowTable, made: Clustering) -> tuple[str, dict[str, Any]]:
    """Return what is told of clusters, in a sentence and in figures."""
    from napari_atlas.analysis.clusters import fill_notes, fill_of

    fill = fill_of(table, made.codes, len(made.labels))
    sizes = [int(size) for size in fill.counts.sum(axis=1)]
    nowhere = int(np.count_nonzero(made.codes < 0))
    lines = [made.note]
    for i, label in enumerate(made.labels):
        shares = ", ".join(f"{name} {share:.0%}" for name, share in zip(fill.species, fill.shares[i], strict=True))
        size, recordings = counted(sizes[i], "window"), counted(int(fill.recordings[i]), "recording")
        lines.append(f"{label}: {size} of {recordings}; {shares}")
    told = {
        "sizes": sizes,
        "in_none": nowhere,
        "species": {name: [int(n) for n in fill.counts[:, i]] for i, name in enumerate(fill.species)},
        "lines": [*lines, *fill_notes(fill, made.labels)],
    }
    none = f", {counted(nowhere, 'window')} in none" if nowhere else ""
    return f"clusters {made.name}: {len(sizes)} of {sum(sizes)} windows{none}", told
