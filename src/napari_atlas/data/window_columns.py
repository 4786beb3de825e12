"""Everything that is known of windows, as named columns: what a map can be coloured by, compared in, and exported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from napari_atlas.data.atlas import Atlas
from napari_atlas.data.clusters import Clustering
from napari_atlas.data.marks import Annotations
from napari_atlas.data.windows import SPLITS, WindowTable
from napari_atlas.errors import InputError

__all__ = ["CLUSTERS", "KEPT", "OWN_RANGE", "WindowColumn", "WindowColumns"]

OWN_RANGE = "temperature in own range"
KEPT = "neighbours kept"
CLUSTERS = "clusters: "


@dataclass(frozen=True, eq=False)
class WindowColumn:
    """A named number or class, one per window.

    Attributes
    ----------
    name
        Of the column.
    values
        (n_windows,) numbers, or indices into ``classes``; NaN where unknown.
    classes
        Names of the classes, in their order; empty if it is a number.
    unit
        Unit of the numbers; empty if they have none.
    limits
        Least and greatest value that a scale shows; NaN takes those of the values.
    colors
        One per class as "#rrggbb"; empty leaves them to the view.
    note
        What to know about it, one sentence; empty if nothing.
    """

    name: str
    values: NDArray[np.float64]
    classes: tuple[str, ...] = ()
    unit: str = ""
    limits: tuple[float, float] = (float("nan"), float("nan"))
    colors: tuple[str, ...] = ()
    note: str = ""

    def texts(self) -> NDArray[np.str_]:
        """Return the (n_windows,) class names, empty where unknown."""
        names = np.array(("", *self.classes))
        return names[np.where(np.isfinite(self.values), self.values + 1, 0).astype(np.int64)]


@dataclass(frozen=True, eq=False)
class WindowColumns:
    """The columns of an atlas with its clusters and its marks; each is worked out when it is first asked for.

    Attributes
    ----------
    atlas
        Whose windows they are.
    clusterings
        Ways in which the windows are put into clusters.
    annotations
        Marks of the project.
    """

    atlas: Atlas
    clusterings: tuple[Clustering, ...] = ()
    annotations: Annotations = field(default_factory=Annotations)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns there are, in the order of a menu; those that know nothing of any window are left out."""
        return tuple(self._makers)

    def column(self, name: str) -> WindowColumn:
        """Return one column.

        Raises
        ------
        InputError
            If there is no such column.
        """
        if name not in self._makers:
            raise InputError.of("column", f"there is no column {name!r}", f"choose from {', '.join(self.names)}")
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    @cached_property
    def _made(self) -> dict[str, WindowColumn]:
        return {}

    @cached_property
    def _makers(self) -> dict[str, Callable[[], WindowColumn]]:
        return {**_of_table(self.atlas), **self._of_marks(), **_of_run(self.atlas)}

    def _of_marks(self) -> dict[str, Callable[[], WindowColumn]]:
        makers: dict[str, Callable[[], WindowColumn]] = {}
        for clustering in self.clusterings:
            makers[CLUSTERS + clustering.name] = partial(_of_clusters, clustering)
        if self.annotations.of_kind("tag"):
            makers["tag"] = partial(_of_tags, self.atlas.windows.table, self.annotations)
        return makers


_ACTIVITY_NOTE = "Mean signal of the window, ranked within its species because the units differ"
_OWN_RANGE_NOTE = "Temperature relative to the species' own range, as a percentile"
_KEPT_NOTE = "Share of a window's nearest windows in the latent that are near it on the map too"


def _of_table(atlas: Atlas) -> dict[str, Callable[[], WindowColumn]]:
    table = atlas.windows.table
    makers: dict[str, Callable[[], WindowColumn]] = {"species": partial(_of_key, table, "species")}
    if table.has_temperature:
        makers["temperature"] = partial(WindowColumn, "temperature", table.temperature, unit="°C")
        makers[OWN_RANGE] = partial(_ranked, OWN_RANGE, table, table.temperature, _OWN_RANGE_NOTE)
    if np.isfinite(atlas.predicted).any():
        predicted = atlas.predicted.astype(np.float64)
        makers["predicted temperature"] = partial(WindowColumn, "predicted temperature", predicted, unit="°C")
    makers["activity"] = partial(_ranked, "activity", table, table.activity, _ACTIVITY_NOTE)
    for c in table.covariates:
        if np.isfinite(c.values).any():
            makers[c.name] = partial(WindowColumn, c.name, c.values, c.classes)
    makers |= {name: partial(_of_key, table, name) for name in ("recording", "individual")}
    makers["split"] = partial(WindowColumn, "split", table.split.astype(np.float64), SPLITS)
    return makers


def _of_run(atlas: Atlas) -> dict[str, Callable[[], WindowColumn]]:
    makers: dict[str, Callable[[], WindowColumn]] = {}
    if np.isfinite(atlas.kept).any():
        kept = atlas.kept.astype(np.float64)
        makers[KEPT] = partial(WindowColumn, KEPT, kept, limits=(0.0, 1.0), note=_KEPT_NOTE)
    for i in range(atlas.latents.shape[1]):
        makers[f"latent {i + 1}"] = partial(_latent, atlas, i)
    return makers


def _latent(atlas: Atlas, i: int) -> WindowColumn:
    return WindowColumn(f"latent {i + 1}", atlas.latents[:, i].astype(np.float64))


def _of_key(table: WindowTable, name: str) -> WindowColumn:
    """Return names of the keys as classes; animals are told with their recordings."""
    if name == "individual":
        own = [f"{key.recording} / {key.individual}" for key in table.keys]
    else:
        own = [getattr(key, name) for key in table.keys]
    # Species in the order of the table; other names, of which there may be many, by the alphabet.
    classes = table.species_names() if name == "species" else tuple(sorted(set(own)))
    codes = np.array([classes.index(text) for text in own] or [0], dtype=np.float64)
    return WindowColumn(name, codes[table.track] if len(table) else np.empty(0), classes)


def _ranked(name: str, table: WindowTable, values: NDArray[np.float64], note: str) -> WindowColumn:
    """Return percentiles within each species."""
    percentile = np.full(len(table), np.nan)
    for species in table.species_names():
        rows = table.rows_of(species)
        rows = rows[np.isfinite(values[rows])]
        percentile[rows] = 100.0 * (rankdata(values[rows]) - 0.5) / max(1, rows.size)
    return WindowColumn(name, percentile, unit="percentile", limits=(0.0, 100.0), note=note)


def _of_clusters(clustering: Clustering) -> WindowColumn:
    name = CLUSTERS + clustering.name
    values = np.where(clustering.codes >= 0, clustering.codes, np.nan).astype(np.float64)
    return WindowColumn(name, values, clustering.labels, colors=clustering.colors, note=clustering.recipe)


def _of_tags(table: WindowTable, annotations: Annotations) -> WindowColumn:
    """Return the tag of each window, of several the one that was made last."""
    tags = annotations.of_kind("tag")
    values = np.full(len(table), np.nan)
    for i, tag in enumerate(tags):
        values[tag.spans.windows(table)] = i
    colors = tuple(tag.color for tag in tags)
    return WindowColumn("tag", values, tuple(t.name for t in tags), colors=colors if all(colors) else ())
