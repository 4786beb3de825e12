"""atlas.h5ad: one run as an AnnData file, for scanpy and the like."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.clusters import Clustering
from napari_atlas.data.covariate_columns import CovariateColumn
from napari_atlas.data.windows import SPLITS, WindowTable

__all__ = ["write_h5ad"]


def write_h5ad(
    path: Path,
    table: WindowTable,
    encoded: Mapping[str, NDArray[Any]],
    coordinates: NDArray[np.float32],
    card: dict[str, Any],
    *,
    clusterings: Sequence[Clustering] = (),
) -> None:
    """Write latents (X), the window table with clusters (obs), the map (obsm X_umap) and the card (uns) in one move.

    Parameters
    ----------
    path
        Where to.
    table
        One row per window.
    encoded
        ``mu`` (n_windows, n_latent) and ``predicted`` (n_windows,) °C, left out if all NaN; ``outside`` (n_windows,)
        if it is known which windows lie outside what the weights were trained on; ``head/<name>`` (n_windows,) what
        a head says: numbers, or codes of the classes that the card names.
    coordinates
        (n_windows, 2), or empty before the first map.
    card
        What the fit reported; stored as JSON text.
    clusterings
        Ways in which the windows are put into clusters; each becomes a column ``clusters: <name>``, empty for a
        window in no cluster.
    """
    latents = encoded["mu"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import anndata
        import pandas as pd

        columns = _columns(table, encoded, card) | {f"clusters: {c.name}": _texts(c) for c in clusterings}
        obs = pd.DataFrame(columns, index=[str(i) for i in range(len(table))])
        data = anndata.AnnData(X=latents, obs=obs)
        data.var_names = [f"latent-{i + 1}" for i in range(latents.shape[1])]
        if len(coordinates):
            data.obsm["X_umap"] = coordinates
        data.uns["atlas_card"] = json.dumps(card)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
        data.write_h5ad(temporary)
        temporary.replace(path)


def _texts(clustering: Clustering) -> NDArray[np.str_]:
    return np.array(("", *clustering.labels))[clustering.codes + 1]


def _columns(table: WindowTable, encoded: Mapping[str, NDArray[Any]], card: Mapping[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {name: table.of_key(name) for name in ("species", "recording", "individual")}
    columns |= {
        "start": table.start,
        "stop": table.stop,
        "first_frame": table.first_frame,
        "frame": table.centre_frame(),
        "stop_frame": table.stop_frame,
        "seconds": table.seconds,
        "activity": table.activity,
        "split": np.array(SPLITS)[table.split],
    }
    if table.has_temperature:
        columns["temperature"] = table.temperature
    if np.isfinite(encoded["predicted"]).any():
        columns["temperature_predicted"] = encoded["predicted"]
    columns |= {c.name: c.texts() if c.classes else c.values for c in table.covariates}
    for name, found in card.get("heads", {}).items():
        told = CovariateColumn(name, encoded[f"head/{name}"], tuple(found["classes"]))
        columns[f"{name}_predicted"] = told.texts() if told.classes else told.values
    if "outside" in encoded:
        columns["outside"] = encoded["outside"]
    return columns
