"""The training dock: settings, start and stop, progress, loss curve, and how far the result holds."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_atlas.data.atlas import Atlas
from napari_atlas.data.config import describe
from napari_atlas.session.session import JobState
from napari_atlas.views._canvas import Links
from napari_atlas.views.desk import Desk
from napari_atlas.views.loss_curve import LossCurve

__all__ = ["TrainingDock", "card_text"]

_SHOWN = {
    "latent_dim": "Latent dimensions",
    "epochs": "Epochs, at most",
    "beta": "β (KL weight)",
    "temperature_weight": "Temperature weight",
    "seed": "Seed",
}


def card_text(atlas: Atlas) -> str:
    """Return what a run reports about itself, as rich text."""
    figures = atlas.card.get("temperature_r2") or {}
    rows = "".join(
        f"<tr><td>{name}&nbsp;&nbsp;</td><td align=right><b>{_figure(f['test'])}</b>&nbsp;&nbsp;</td>"
        f"<td align=right>{_figure(f['shuffled'])}&nbsp;&nbsp;</td><td align=right>{_figure(f['train'])}</td></tr>"
        for name, f in figures.items()
    )
    table = (
        "<table><tr><td>R² of °C</td><td align=right>held out&nbsp;&nbsp;</td><td align=right>shuffled&nbsp;&nbsp;</td>"
        f"<td align=right>training</td></tr>{rows}</table>"
        if rows
        else ""
    )
    verdict = _verdict(figures)
    return table + (f"<p>{verdict}</p>" if verdict else "")


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
        self._knobs = {knob["name"]: _editor(knob) for knob in describe() if knob["name"] in _SHOWN}
        self._start = _button("Train", "atlas-train", "Fit the model, then map it", self._on_start)
        self._stop = _button("Stop, keep best", "atlas-stop", "Stop; the best epoch so far is kept", desk.runner.stop)
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
        self.curve = LossCurve(self)
        self._lay_out()
        session = desk.session
        self._links = Links(
            (session.atlas_changed, self._on_atlas),
            (session.job_changed, self._on_job),
            (desk.runner.event, self._on_event),
        )
        self._links.connect()
        self._on_atlas(session.atlas)
        self._on_job(session.job)

    def set_theme(self, theme: str) -> None:
        """Follow a napari theme, given by its id."""
        self.curve.set_theme(theme)

    def settings(self) -> dict[str, Any]:
        """Return the settings in the form."""
        return {name: editor.value() for name, editor in self._knobs.items()}

    def closeEvent(self, event: Any) -> None:  # noqa: N802
        """Let go of the session."""
        self._links.disconnect()
        super().closeEvent(event)

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Listen again after having been closed."""
        if self._links.connect():
            self._on_atlas(self._desk.session.atlas)
            self._on_job(self._desk.session.job)
        super().showEvent(event)

    def _lay_out(self) -> None:
        form = QFormLayout()
        for name, editor in self._knobs.items():
            form.addRow(_SHOWN[name], editor)
        row = QHBoxLayout()
        row.addWidget(self._start, 1)
        row.addWidget(self._stop, 1)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addLayout(row)
        for widget in (self._bar, _Still(self._status, 2), self._device):
            layout.addWidget(widget)
        layout.addWidget(self.curve, 1)
        layout.addWidget(self._card)

    def _on_start(self) -> None:
        self.curve.clear()
        self._device.clear()
        self._desk.fit(self.settings())

    def _on_atlas(self, atlas: object) -> None:
        self._card.setText(card_text(atlas) if isinstance(atlas, Atlas) else "")
        if isinstance(atlas, Atlas) and atlas.card.get("device"):
            self._device.setText(f"run {atlas.run} · {atlas.card['device']}")
        if isinstance(atlas, Atlas) and not self._desk.session.job.running:
            self.curve.show_run(atlas.folder, atlas.run)
        self._on_job(self._desk.session.job)

    def _on_job(self, job: JobState) -> None:
        atlas = self._desk.session.atlas
        self._start.setEnabled(not job.running and atlas is not None and len(atlas.windows.table) > 0)
        self._stop.setEnabled(job.running)
        self._fill_bar(job)
        self._status.setText(f"{job.verb}: {job.text}" if job.running else _idle_text(atlas))
        if job.running:
            self.curve.draw_now()

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
            if not event.get("done"):
                self.curve.clear()
            self._device.setText(f"run {event['run']} · {event['device']}")


class _Still(QWidget):  # type: ignore[misc]
    """Hold a label of a fixed number of lines, so that its changing words do not lay the whole window out anew."""

    def __init__(self, label: QLabel, n_lines: int) -> None:
        super().__init__()
        self._label = label
        label.setParent(self)
        label.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setFixedHeight(n_lines * label.fontMetrics().lineSpacing() + 2)

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        """Give the label all the room."""
        super().resizeEvent(event)
        self._label.setGeometry(self.rect())


def _idle_text(atlas: Atlas | None) -> str:
    if atlas is None:
        return "Open a project first."
    if not len(atlas.windows.table):
        return "Add recordings first."
    return "Training uses all recordings of the project." if not atlas.run else ""


def _verdict(figures: dict[str, Any]) -> str:
    known = [f for f in figures.values() if f["test"] is not None]
    if not known:
        return "Nothing was held out, so nothing is known about animals it has not seen." if figures else ""
    worst, best = min(f["test"] for f in known), max(f["test"] for f in known)
    beaten = any(f["shuffled"] is not None and f["test"] <= f["shuffled"] for f in known)
    if best < 0.05:
        return "On animals it has not seen, the latent tells nothing about temperature: do not read the map by °C."
    if worst < 0.1 or beaten:
        return "On animals it has not seen, temperature is hardly better than chance in one species: mistrust °C there."
    if worst < 0.6:
        return "Part of what the map shows by °C holds for animals it has not seen, and part does not."
    return "The map by °C holds for animals it has not seen."


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _editor(knob: dict[str, Any]) -> Any:
    editor = QDoubleSpinBox() if isinstance(knob["default"], float) else QSpinBox()
    editor.setObjectName(f"atlas-{knob['name']}")
    editor.setAccessibleName(knob["meaning"])
    editor.setToolTip(knob["meaning"])
    editor.setRange(knob["low"], min(knob["high"], 10**6))
    editor.setValue(knob["default"])
    return editor


def _button(text: str, name: str, meaning: str, action: Any) -> QPushButton:
    button = QPushButton(text)
    button.setObjectName(name)
    button.setToolTip(meaning)
    button.setAccessibleName(meaning)
    button.clicked.connect(action)
    return button
