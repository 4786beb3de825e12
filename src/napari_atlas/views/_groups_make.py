"""Make clusters: the method, how many, and the verb in a child process."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QSpinBox, QVBoxLayout, QWidget

from napari_atlas.session.session import JobState
from napari_atlas.views._canvas import Links
from napari_atlas.views._groups_parts import Said, button, named
from napari_atlas.views.desk import Desk

__all__ = ["ClusterMaker"]

_METHODS = {
    "k-means": ("kmeans", "k-means cuts the windows into round groups, as many as you say"),
    "Gaussian mixture": ("gmm", "A Gaussian mixture takes long and narrow groups too, as many as you say"),
    "HDBSCAN": ("hdbscan", "HDBSCAN finds dense groups, however many; windows between them are in none"),
}
# Room for a number between the signs for more and less.
_SPIN_PX = 112


class ClusterMaker(QWidget):  # type: ignore[misc]
    """Settings and a button; ``made`` tells the name of new clusters once the session has them.

    Parameters
    ----------
    desk
        What runs the verb.
    """

    made = Signal(str)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._new = desk, ""
        self._method: QComboBox = named(QComboBox(), "atlas-clusters-method", "How clusters are found")
        self._k: QSpinBox = named(QSpinBox(), "atlas-clusters-k", "How many clusters")
        self._least: QSpinBox = named(QSpinBox(), "atlas-clusters-least", "Fewest windows of a cluster")
        self._go = button("atlas-clusters-make", "Make clusters", "", self._run)
        self._stop = button("atlas-clusters-stop", "Stop", "Stop; nothing is changed", desk.runner.stop)
        self._said = Said("atlas-clusters-make")
        self._lay_out()
        session = desk.session
        self._links = Links(
            (session.atlas_changed, self._offer),
            (session.job_changed, self._offer),
            (desk.runner.event, self._on_event),
        )
        self._links.connect()
        self._offer()

    def _lay_out(self) -> None:
        for text, (_, meaning) in _METHODS.items():
            self._method.addItem(text)
            self._method.setItemData(self._method.count() - 1, meaning, 3)
        self._k.setRange(2, 100)
        self._k.setValue(8)
        self._k.setPrefix("k = ")
        self._k.setMinimumWidth(_SPIN_PX)
        self._least.setRange(0, 100_000)
        self._least.setSpecialValueText("size: auto")
        self._least.setPrefix("size ≥ ")
        self._least.setSingleStep(5)
        self._least.setMinimumWidth(_SPIN_PX)
        row, layout = QHBoxLayout(), QVBoxLayout(self)
        for widget in (self._k, self._least, self._go, self._stop):
            row.addWidget(widget)
        row.setStretchFactor(self._go, 1)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._method)
        layout.addLayout(row)
        layout.addWidget(self._said)
        self._method.currentTextChanged.connect(self._offer)

    def _offer(self, _: object = None) -> None:
        """Show what the method needs, and let the button be pressed where it can do something."""
        atlas, job = self._desk.session.atlas, self._desk.session.job
        dense = self._verb == "hdbscan"
        self._k.setVisible(not dense)
        self._least.setVisible(dense)
        why = f"Wait for the {job.verb} under way" if job.running else ""
        if atlas is None or not len(atlas.latents):
            why = "Fit the project first: clusters are made of its latent"
        own = job.verb == "cluster"
        self._go.setEnabled(not why)
        self._go.setText(_doing(job) if own else "Make clusters")
        for told in (self._go.setToolTip, self._go.setAccessibleName):
            told(why or "Put all windows of this run into clusters by their latent")
        self._stop.setVisible(own)
        self._method.setToolTip(_METHODS[self._method.currentText()][1])

    @property
    def _verb(self) -> str:
        return _METHODS[self._method.currentText()][0]

    def _run(self) -> None:
        desk, atlas, method = self._desk, self._desk.session.atlas, self._verb
        if atlas is None:
            return
        options = ["--run", atlas.run, "--method", method]
        if method != "hdbscan":
            options += ["--k", str(self._k.value())]
        elif self._least.value():
            options += ["--min-size", str(self._least.value())]
        self._new = ""
        self._said.say("")
        desk.runner.run("cluster", str(atlas.folder), *options, then=self._done, otherwise=self._said.say)

    def _on_event(self, event: dict[str, Any]) -> None:
        if event.get("event") == "done" and "clusters" in event:
            self._new = event["clusters"]

    def _done(self) -> None:
        new = self._new
        self._desk.keeper.read_groups(lambda: self.made.emit(new))


def _doing(job: JobState) -> str:
    return "Comparing halves …" if job.done else "Making …"
