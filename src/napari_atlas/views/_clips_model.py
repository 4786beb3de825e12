"""What the wall of clips can show: windows of a selection or a cluster, and what is said of each."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.atlas import Atlas
from napari_atlas.data.clusters import Clustering
from napari_atlas.data.times import clock_text
from napari_atlas.data.windows import SPLITS
from napari_atlas.session.session import Session
from napari_atlas.views._panes import PaneContent

__all__ = ["SELECTED", "Group", "content_of", "groups_of"]

SELECTED = "selected"


@dataclass(frozen=True, eq=False)
class Group:
    """Windows of which clips can be shown.

    Attributes
    ----------
    key
        What it is known by.
    text
        What the user reads.
    ids
        Returns the window ids; to be called in a worker thread.
    """

    key: str
    text: str
    ids: Callable[[], NDArray[np.int64]]


def groups_of(session: Session, selected: NDArray[np.int64]) -> tuple[Group, ...]:
    """Return what can be shown: the selected windows, those of kept selections, and every cluster."""
    atlas = session.atlas
    if atlas is None:
        return ()
    table = atlas.windows.table
    groups = [Group(SELECTED, f"Selected windows ({selected.size})", partial(_itself, selected))]
    marks = session.annotations.of_kind("selection")
    groups += [Group(f"selection {m.name}", f"Selection: {m.name}", partial(m.spans.windows, table)) for m in marks]
    for clustering in session.clusterings:
        groups += _clusters(clustering)
    return tuple(groups)


def _itself(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    return ids


def _clusters(clustering: Clustering) -> list[Group]:
    name, inside = clustering.name, clustering.codes[clustering.codes >= 0]
    counts = np.bincount(inside, minlength=len(clustering.labels))
    return [
        Group(f"cluster {name}/{label}", f"{name}: {label} ({n})", partial(clustering.members, label))
        for label, n in zip(clustering.labels, counts.tolist(), strict=True)
    ]


def content_of(atlas: Atlas, window: int) -> PaneContent:
    """Return what the wall says of a window before its clip is there."""
    table = atlas.windows.table
    key, kinds = table.keys[table.track[window]], {s.name: s.color for s in atlas.windows.species}
    seconds, celsius = float(table.seconds[window]), float(table.temperature[window])
    told = [clock_text(seconds, 1)] if math.isfinite(seconds) else [f"frame {table.centre_frame()[window]}"]
    told += [f"{celsius:.1f} °C"] if math.isfinite(celsius) else []
    split = SPLITS[table.split[window]]
    known = {"train": "the model was trained on it", "test": "held out", "validation": "used to choose the best epoch"}
    tip = [f"{key.species} · {key.recording} · {key.individual}", f"window {window}"]
    tip += [known[split]] if split in known and atlas.run else []
    return PaneContent(
        None,
        f"{key.recording} · {key.individual}",
        " · ".join(told),
        window=window,
        color=kinds.get(key.species, "#9AA5B1"),
        tip="\n".join(tip),
    )
