"""Clusters of the run on show: made, looked at, named, merged, coloured, deleted."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_atlas.analysis.clusters import Fill, fill_notes, fill_of
from napari_atlas.data.atlas import Atlas
from napari_atlas.data.clusters import Clustering
from napari_atlas.data.results import counted
from napari_atlas.data.window_columns import CLUSTERS
from napari_atlas.io.clusters import clusters_passed_over
from napari_atlas.io.runs import RunFolder
from napari_atlas.session.selection import Combine
from napari_atlas.views._canvas import Links, palette_of
from napari_atlas.views._cluster_deeds import ClusterDeeds
from napari_atlas.views._groups_make import ClusterMaker
from napari_atlas.views._groups_parts import Said, Scrolled, ask_text, button, flowing, named, offer_colors
from napari_atlas.views._groups_rows import GroupRow, GroupsList
from napari_atlas.views._worker import call_in_thread
from napari_atlas.views.desk import Desk

__all__ = ["ClustersPanel"]

_NOWHERE = "in no cluster"
_EMPTY = "No clusters yet. Choose how many above and press Make clusters: windows with alike latents come together."
_NO_RUN = "Clusters are made of a fit's latent: train first. Tags, notes and saved selections work without."


class ClustersPanel(QWidget):  # type: ignore[misc]
    """One way in which the windows are put into clusters, and a choice of ways; it listens only while it can be seen.

    Parameters
    ----------
    desk
        Whose session it is, and what keeps the clusters.
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.setObjectName("atlas-clusters")
        self._desk = desk
        self._make = ClusterMaker(desk)
        self._which: QComboBox = named(QComboBox(), "atlas-clusters-which", "Which clusters are listed")
        self._about, self._empty, self._faults, self._bars = map(_text, ("about", "empty", "faults", "bars"))
        self._told = Scrolled(self._about)
        self._list = GroupsList("atlas-clusters-list", "Clusters: a click selects their windows, F2 renames")
        self._said = Said("atlas-clusters")
        self._deeds = ClusterDeeds(desk, self._said)
        self._buttons = self._make_buttons()
        self._lay_out()
        session = desk.session
        self._links = Links((session.atlas_changed, self._on_atlas), (session.columns_changed, self.refresh))

    def refresh(self, _: object = None) -> None:
        """List what there is."""
        session = self._desk.session
        names = [clustering.name for clustering in session.clusterings]
        if names != [self._which.itemText(i) for i in range(self._which.count())]:
            chosen = self._which.currentText()
            self._which.clear()
            self._which.addItems(names)
            self._which.setCurrentText(chosen if chosen in names else session.color_by.removeprefix(CLUSTERS))
        for widget in (self._which, self._told, self._bars, self._list, *self._buttons.values()):
            widget.setVisible(bool(names))
        self._empty.setText(_EMPTY if session.atlas is not None and len(session.atlas.latents) else _NO_RUN)
        self._empty.setVisible(not names)
        self._fill()

    def set_theme(self, theme: str) -> None:
        """Use the colours that go with a napari theme, given by its id."""
        self._list.set_theme(theme)
        for label in (self._about, self._bars):
            label.setStyleSheet(f"color: {palette_of(theme).muted};")

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Listen, and list anew what may have changed meanwhile."""
        super().showEvent(event)
        if self._links.connect():
            self._on_atlas()

    def hideEvent(self, event: Any) -> None:  # noqa: N802
        """Let go of the session."""
        self._links.disconnect()
        super().hideEvent(event)

    def _make_buttons(self) -> dict[str, QPushButton]:
        deeds = self._deeds

        def merge() -> None:
            deeds.merge(self._name, self._lit)

        def recolor() -> None:
            color = next(row.color for row in self._list.rows if row.name == self._lit[0])
            choose = partial(deeds.recolor, self._name, self._lit)
            offer_colors(self._buttons["color"], "atlas-clusters-colors", color, choose)

        def rename() -> None:
            ask_text(self, "atlas-clusters-ask", self._name, partial(deeds.rename, self._name))

        told = {
            "merge": ("Merge", "Make the lit clusters one; Shift or Ctrl lights several (Ctrl+M)", merge),
            "color": ("Colour…", "Choose another colour for the lit clusters", recolor),
            "map": ("Colour the map", "Colour the map by these clusters", self._color_map),
            "rename": ("Rename all…", "Give these clusters as a whole another name", rename),
            "delete": ("Delete all", "Delete these clusters as a whole", lambda: deeds.delete(self._name)),
        }
        return {key: button(f"atlas-clusters-{key}", *words) for key, words in told.items()}

    def _lay_out(self) -> None:
        row, layout = flowing(), QVBoxLayout(self)
        for made in self._buttons.values():
            row.addWidget(made)
        layout.setContentsMargins(6, 6, 6, 6)
        for widget in (self._make, self._which, self._told, self._empty, self._faults, self._bars):
            layout.addWidget(widget)
        layout.addWidget(self._list, 1)
        layout.addWidget(self._said)
        layout.addLayout(row)
        layout.addStretch(0)
        self._faults.hide()
        self._which.currentTextChanged.connect(self._fill)
        self._make.made.connect(self._on_made)
        self._list.picked.connect(self._pick)
        self._list.renamed.connect(lambda label, new: self._deeds.rename_cluster(self._name, label, new))
        self._list.chosen_changed.connect(self._offer)
        self._list.add_key("Ctrl+M", self._buttons["merge"].click)

    @property
    def _name(self) -> str:
        return str(self._which.currentText())

    @property
    def _lit(self) -> tuple[str, ...]:
        return tuple(label for label in self._list.chosen() if label != _NOWHERE)

    def _fill(self, _: object = None) -> None:
        """List the clusters that are chosen, and what is to be known of them."""
        atlas, clustering = self._desk.session.atlas, self._deeds.find(self._name)
        if atlas is None or clustering is None:
            self._list.show_rows(())
            return
        fill = fill_of(atlas.windows.table, clustering.codes, len(clustering.labels))
        self._list.show_rows(_rows(atlas, clustering, fill))
        about = (clustering.recipe, clustering.note, *fill_notes(fill, clustering.labels))
        self._about.setText("\n".join(text for text in about if text))
        self._told.fit()
        kinds = [
            f'<span style="color:{species.color}">■</span> {escape(species.name)}' for species in atlas.windows.species
        ]
        self._bars.setText("filled by: " + "&nbsp; ".join(kinds))
        self._bars.setVisible(len(kinds) > 1)
        self._offer()

    def _offer(self) -> None:
        self._buttons["merge"].setEnabled(len(self._lit) > 1)
        self._buttons["color"].setEnabled(bool(self._lit))

    def _on_atlas(self, _: object = None) -> None:
        """List anew, and say which files of clusters cannot be shown."""
        self.refresh()
        atlas = self._desk.session.atlas
        self._faults.hide()
        if atlas is None or not atlas.run:
            return
        run, n = RunFolder(atlas.folder / "runs" / atlas.run), len(atlas.windows.table)

        def say(faults: tuple[str, ...]) -> None:
            if self._desk.session.atlas is atlas:
                self._faults.setText("\n".join(faults))
                self._faults.setVisible(bool(faults))

        call_in_thread(lambda: clusters_passed_over(run, n), say, lambda error: None)

    def _on_made(self, name: str) -> None:
        self.refresh()
        self._which.setCurrentText(name)
        self._color_map()

    def _pick(self, labels: list[str], way: Combine) -> None:
        clustering = self._deeds.find(self._name)
        if clustering is not None:
            codes = [clustering.labels.index(label) if label != _NOWHERE else -1 for label in labels]
            name = f"{clustering.name}: {labels[0]}" if len(labels) == 1 and way is Combine.REPLACE else ""
            self._desk.session.select(np.flatnonzero(np.isin(clustering.codes, codes)), way, name)

    def _color_map(self) -> None:
        if self._deeds.find(self._name) is not None:
            self._desk.session.color(CLUSTERS + self._name)


def _rows(atlas: Atlas, clustering: Clustering, fill: Fill) -> tuple[GroupRow, ...]:
    colors = {species.name: species.color for species in atlas.windows.species}
    sizes, rows = fill.counts.sum(axis=1), []
    for i, label in enumerate(clustering.labels):
        shares = list(zip(fill.species, fill.shares[i].tolist(), strict=True))
        told = ", ".join(f"{name} {share:.0%}" for name, share in shares)
        alone = fill.alone(i)
        meaning = f"{told} (as if all species had as many windows); {counted(int(fill.recordings[i]), 'recording')}"
        rows.append(
            GroupRow(
                name=label,
                count=str(int(sizes[i])),
                color=clustering.colors[i],
                meaning=f"{meaning}. {alone} only." if alone else f"{meaning}.",
                bar=tuple((colors[name], share) for name, share in shares) if len(shares) > 1 else (),
            )
        )
    nowhere = int(np.count_nonzero(clustering.codes < 0))
    none = GroupRow(_NOWHERE, str(nowhere), meaning="Windows between the clusters", fixed=True)
    return (*rows, none) if nowhere else tuple(rows)


def _text(name: str) -> QLabel:
    made = QLabel()
    made.setObjectName(f"atlas-clusters-{name}")
    made.setTextFormat(Qt.TextFormat.RichText if name == "bars" else Qt.TextFormat.PlainText)
    made.setWordWrap(True)
    made.setMinimumWidth(1)
    return made
