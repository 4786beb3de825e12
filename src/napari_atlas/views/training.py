"""The training dock: settings, start and stop, progress, loss curve, and how far the result holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_atlas.data.atlas import Atlas
from napari_atlas.data.live import Live
from napari_atlas.session.session import JobState
from napari_atlas.views._canvas import Links
from napari_atlas.views._fit_form import FitForm
from napari_atlas.views._scrub_form import CandidateFinder
from napari_atlas.views._stacked import Stacked
from napari_atlas.views.card import card_text
from napari_atlas.views.desk import Desk
from napari_atlas.views.loss_curve import LossCurve
from napari_atlas.views.reconstructions import Reconstructions

__all__ = ["TrainingDock"]


class TrainingDock(QWidget):  # type: ignore[misc]
    """Fit the project on show.

    Parameters
    ----------
    desk
        What carries wishes out.
    """

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-training")
        self._desk = desk
        self._form = FitForm()
        self._finder = CandidateFinder(self._form.scrubs)
        self._start = _button("Train", "atlas-train", "Fit the model, then map it", self._on_start)
        self._stop = _button("Stop, keep best", "atlas-stop", "Stop; the best epoch so far is kept", desk.runner.stop)
        self._continue = _button("Continue", "atlas-continue", "", lambda: desk.go_on(desk.unfinished))
        self._bar = QProgressBar()
        self._bar.setObjectName("atlas-progress")
        self._bar.setTextVisible(False)
        self._bar.setMaximumHeight(8)
        policy = self._bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self._bar.setSizePolicy(policy)
        self._status = QLabel()
        self._status.setObjectName("atlas-status")
        self._status.setWordWrap(True)
        self._device = QLabel()
        self._device.setObjectName("atlas-device")
        self._card = QLabel()
        self._card.setObjectName("atlas-card")
        self._card.setWordWrap(True)
        self._card.setTextFormat(Qt.TextFormat.RichText)
        self.curve, self.examples = LossCurve(self), Reconstructions(self)
        self._stacked = Stacked(self.curve, self._card, (2, 3))
        self._lay_out()
        session = desk.session
        self._links = Links(
            (session.atlas_changed, self._on_atlas),
            (session.job_changed, self._on_job),
            (session.live_changed, self._on_live),
            (desk.unfinished_changed, self._on_unfinished),
            (desk.runner.event, self._on_event),
        )
        self._links.connect()
        self._read_session()

    def set_theme(self, theme: str) -> None:
        """Follow a napari theme, given by its id."""
        self.curve.set_theme(theme)
        self.examples.set_theme(theme)

    def settings(self) -> dict[str, Any]:
        """Return the settings in the form, and the others of its preset."""
        return self._form.value()

    def closeEvent(self, event: Any) -> None:  # noqa: N802
        """Let go of the session."""
        self._links.disconnect()
        super().closeEvent(event)

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Listen again after having been closed."""
        if self._links.connect():
            self._read_session()
        super().showEvent(event)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self._start, 1)
        row.addWidget(self._continue, 1)
        row.addWidget(self._stop, 1)
        layout = QVBoxLayout(self)
        layout.addWidget(self._form)
        layout.addLayout(row)
        for widget in (self._bar, _Still(self._status, 2), self._device):
            layout.addWidget(widget)
        tabs = QTabWidget()
        tabs.setObjectName("atlas-training-tabs")
        tabs.addTab(self._stacked, "Loss")
        tabs.addTab(self.examples, "Reconstructions")
        layout.addWidget(tabs, 1)

    def _read_session(self) -> None:
        session = self._desk.session
        self._on_atlas(session.atlas)
        self._on_live(session.live)
        self._on_unfinished(self._desk.unfinished)

    def _on_start(self) -> None:
        self.curve.clear()
        self._device.clear()
        self._desk.fit(self.settings())

    def _on_atlas(self, atlas: object) -> None:
        self._card.setText(card_text(atlas) if isinstance(atlas, Atlas) else "")
        self._stacked.fit()
        self._finder.look(atlas if isinstance(atlas, Atlas) else None)
        self._form.show_temperature(isinstance(atlas, Atlas) and atlas.windows.table.has_temperature)
        tracks = atlas.tracks if isinstance(atlas, Atlas) else ()
        self.examples.name_channels({track.key.species: track.channels for track in tracks})
        if isinstance(atlas, Atlas) and not self._desk.session.job.running:
            device = atlas.card.get("device", "")
            self._device.setText(f"run {atlas.run} · {device}" if device else "")
            self.curve.show_run(atlas.folder / "runs" / atlas.run if atlas.run else Path())
        self._on_job(self._desk.session.job)

    def _on_job(self, job: JobState) -> None:
        atlas = self._desk.session.atlas
        self._start.setEnabled(not job.running and atlas is not None and len(atlas.windows.table) > 0)
        self._stop.setEnabled(job.running)
        self._offer_to_continue()
        self._fill_bar(job)
        # What is known of the run on show says nothing about the one under way.
        self._stacked.show_text(not (job.running and job.verb == "fit"))
        self._status.setText(f"{job.verb}: {job.text}" if job.running else _idle_text(atlas))
        if job.running:
            self.curve.draw_now()

    def _on_live(self, live: Live | None) -> None:
        self.examples.show_examples(live.examples if live else (), live.epoch if live else 0)

    def _on_unfinished(self, run: str) -> None:
        meaning = f"Go on with run {run}, which was stopped or cut off" if run else ""
        self._continue.setToolTip(meaning)
        self._continue.setAccessibleName(meaning)
        self._offer_to_continue()

    def _offer_to_continue(self) -> None:
        """Show the button in the place of the other one, which has nothing to stop then."""
        offered = bool(self._desk.unfinished) and not self._desk.session.job.running
        self._continue.setVisible(offered)
        self._stop.setVisible(not offered)

    def _fill_bar(self, job: JobState) -> None:
        """Move the bar without the repaint at once, or the endless motion, that Qt would give it."""
        self._bar.setUpdatesEnabled(False)
        self._bar.setVisible(job.running and job.total > 0)
        self._bar.setRange(0, max(1, job.total))
        self._bar.setValue(job.done)
        self._bar.setUpdatesEnabled(True)

    def _on_event(self, event: dict[str, Any]) -> None:
        if event.get("event") == "epoch":
            self.curve.add_epoch(event)
        elif event.get("event") == "started" and "device" in event:
            self.curve.clear()
            if event.get("done"):
                self.curve.show_run(self._desk.runner.run_folder, event["done"])
            self._device.setText(f"run {event['run']} · {event['device']}")


class _Still(QWidget):  # type: ignore[misc]
    """Hold a label of a fixed number of lines, so that its changing words do not lay the whole window out anew."""

    def __init__(self, label: QLabel, n_lines: int) -> None:
        super().__init__()
        self._label, self._n_lines = label, n_lines
        label.setParent(self)
        label.setAlignment(Qt.AlignmentFlag.AlignTop)

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Take the height of the lines, which the window's style has by now settled."""
        self._label.ensurePolished()
        margin = 2 * self._label.contentsMargins().top() + 4
        self.setFixedHeight(self._n_lines * self._label.fontMetrics().lineSpacing() + margin)
        super().showEvent(event)

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        """Give the label all the room."""
        super().resizeEvent(event)
        self._label.setGeometry(self.rect())


def _idle_text(atlas: Atlas | None) -> str:
    if atlas is None:
        return "Open a project first."
    if not len(atlas.windows.table):
        return "Add recordings first."
    if not atlas.run:
        return "Training uses all recordings of the project."
    best, n = atlas.card.get("best_epoch"), atlas.card.get("epochs")
    kept = f"epoch {best} of {n}" if best and n and best < n else f"the last of {n} epochs"
    return f"Kept: {kept}, the best on windows that were held out." if best and n else ""


def _button(text: str, name: str, meaning: str, action: Any) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(meaning)
    button.setAccessibleName(meaning)
    button.clicked.connect(action)
    return button
