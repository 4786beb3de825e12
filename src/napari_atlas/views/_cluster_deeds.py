"""What is done to clusters, each deed told in a line and most of them taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from napari_atlas.data.clusters import Clustering
from napari_atlas.data.window_columns import CLUSTERS
from napari_atlas.errors import AtlasError, InputError
from napari_atlas.io.clusters import check_name
from napari_atlas.views._groups_parts import Said
from napari_atlas.views.desk import Desk

__all__ = ["ClusterDeeds"]


class ClusterDeeds:
    """Rename, recolour, merge and delete clusters.

    Parameters
    ----------
    desk
        Whose session it is, and what keeps the clusters.
    said
        Where it is told what was done.
    """

    def __init__(self, desk: Desk, said: Said) -> None:
        self._desk, self._said = desk, said

    def find(self, name: str) -> Clustering | None:
        """Return clusters by name; None if there are none."""
        return next((c for c in self._desk.session.clusterings if c.name == name), None)

    def rename_cluster(self, clusters: str, label: str, new: str) -> None:
        """Give one cluster another name."""
        self._change(clusters, lambda old: old.renamed(label, new))

    def recolor(self, clusters: str, labels: tuple[str, ...], color: str) -> None:
        """Give clusters another colour."""

        def change(old: Clustering) -> Clustering:
            for label in labels:
                old = old.recolored(label, color)
            return old

        self._change(clusters, change)

    def merge(self, clusters: str, labels: tuple[str, ...]) -> None:
        """Make clusters one, which keeps the name of the first."""
        before = self.find(clusters)
        if before is not None and self._change(clusters, lambda old: old.merged(labels)):
            self._said.say(f"Merged {', '.join(labels)}.", lambda: self._desk.keeper.group(before))

    def rename(self, clusters: str, new: str) -> bool:
        """Give the clusters another name as a whole, and return whether that was done."""
        old, new = self.find(clusters), new.strip()
        try:
            check_name(new)
            if new != clusters and self.find(new) is not None:
                raise InputError.of(f"clusters {new}", "there are some of that name", "choose another name")
        except AtlasError as error:
            self._said.say(str(error))
            return False
        if old is not None and new != clusters:
            self._uncolored(clusters, new, lambda: self._desk.keeper.group(replace(old, name=new), before=clusters))
        return True

    def delete(self, clusters: str) -> None:
        """Delete the clusters as a whole."""
        old = self.find(clusters)
        if old is not None:
            self._uncolored(clusters, "", lambda: self._desk.keeper.ungroup(clusters))
            self._said.say(f"Deleted {clusters}.", lambda: self._desk.keeper.group(old))

    def _change(self, clusters: str, change: Callable[[Clustering], Clustering]) -> bool:
        old = self.find(clusters)
        if old is None:
            return False
        try:
            new = change(old)
        except AtlasError as error:
            self._said.say(str(error))
            return False
        self._said.say("")
        self._desk.keeper.group(new)
        return True

    def _uncolored(self, clusters: str, new: str, change: Callable[[], None]) -> None:
        """Do what takes a column away while the map is coloured by another one."""
        session = self._desk.session
        shown = session.color_by == CLUSTERS + clusters
        if shown:
            session.color("species")
        change()
        if shown and new:
            session.color(CLUSTERS + new)
