"""The loss of training and held-out windows, epoch by epoch."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QVBoxLayout, QWidget
from vispy import scene

from napari_atlas.errors import InputError
from napari_atlas.io.runs import RunFolder
from napari_atlas.views._canvas import Overlay, Palette, Text, make_canvas, palette_of
from napari_atlas.views._colors import rgba_of

__all__ = ["LossCurve"]

_LEFT, _RIGHT, _TOP, _BOTTOM = 38.0, 10.0, 22.0, 20.0
_REDRAW_MS = 600
_APART_PX = 3.0
_TERMS = {
    "total": ("total", "the sum that is minimised"),
    "reconstruction": ("recon.", "reconstruction: how far output lies from input"),
    "kl": ("KL", "KL term: how far the latent lies from a standard normal distribution"),
    "temperature": ("°C", "temperature: how far the predicted one lies from the measured one"),
    "pose": ("joints", "joints: how far they lie from where they were, squared"),
    "scrub": ("scrub", "scrubbing: how well the scrubbers can still tell what is taken out; lower is better hidden"),
    "beta": ("β", "β: weight of the KL term"),
}

_NOT_ALWAYS = ("temperature", "pose", "scrub")
# Held-out windows are judged without scrubbing.
_ONE_COURSE = {"beta": ("beta", ""), "scrub": ("train_scrub", "")}


class LossCurve(QWidget):  # type: ignore[misc]
    """Draw one term of the loss over epochs, on training and on validation windows, and mark the best epoch."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-loss")
        self.setAccessibleName("Loss of training and held-out windows by epoch")
        self.setMinimumHeight(104)
        self._palette = palette_of("dark")
        self._rows: list[dict[str, Any]] = []
        self._term = "total"
        self._choices = _TermChoices(self)
        self._choices.chosen.connect(self._show_term)
        self._canvas = make_canvas(self, self._palette)
        view = self._canvas.central_widget.add_view()
        self._lines = [scene.Line(parent=view.scene, width=2, antialias=True) for _ in range(2)]
        self._best = scene.Line(parent=view.scene, width=1)
        self._frame = scene.Line(parent=view.scene, width=1)
        self._texts = Overlay(self._canvas.native)
        # Epochs can come faster than they are worth drawing.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_REDRAW_MS)
        self._soon.timeout.connect(self._draw)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._choices)
        layout.addWidget(self._canvas.native, 1)
        self._draw()

    def set_theme(self, theme: str) -> None:
        """Follow a napari theme, given by its id."""
        self._palette = palette_of(theme)
        self._canvas.bgcolor = self._palette.canvas
        self._choices.paint(self._palette)
        self._draw()

    def clear(self) -> None:
        """Begin anew."""
        self._rows = []
        self._draw()

    def add_epoch(self, row: dict[str, Any]) -> None:
        """Draw one more epoch soon; *row* is as in a run's history, and takes the place of an equal or later epoch."""
        while self._rows and float(self._rows[-1]["epoch"]) >= float(row["epoch"]):
            self._rows.pop()
        self._rows.append(row)
        self._draw_soon()

    def draw_now(self) -> None:
        """Draw what waits to be drawn, in the turn in which something else changes anyway."""
        if self._soon.isActive():
            self._soon.stop()
            self._draw()

    def show_run(self, run: Path, epochs: int = -1) -> None:
        """Draw the history of a run, given by its folder: its first epochs, or all; nothing if it cannot be read."""
        self._rows = []
        if run != Path():
            with contextlib.suppress(InputError):
                rows = RunFolder(run).read_history()
                self._rows = list(rows[:epochs] if epochs >= 0 else rows)
        self._draw_soon()

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        """Fit the drawing to the new size, soon."""
        super().resizeEvent(event)
        self._draw_soon()

    def _show_term(self, term: str) -> None:
        self._term = term
        self._draw()

    def _draw_soon(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _draw(self) -> None:
        width, height = float(self._canvas.native.width()), float(self._canvas.native.height())
        self._texts.setGeometry(0, 0, int(width), int(height))
        box = (_LEFT, _TOP, width - _RIGHT, height - _BOTTOM)
        values = self._values()
        known = values[np.isfinite(values)]
        self._frame.set_data(
            np.array([[box[0], box[1]], [box[0], box[3]], [box[2], box[3]]]), color=rgba_of(self._palette.line)[0]
        )
        if not known.size:
            for line in (*self._lines, self._best):
                line.visible = False
            self._texts.show_texts(
                (Text(width / 2, height / 2, "the loss appears here", self._palette.muted, "centre"),)
            )
            return
        low, high = float(known.min()), float(np.percentile(known, 98))
        self._curves(values, box, (low, max(high, low + 1e-6)))
        self._labels(box, (low, high))
        self._canvas.update()

    def _values(self) -> Any:
        """Return the (n_epochs, 2) term on training and on validation windows; some terms have one course."""
        self._term = self._choices.offer(self._rows[-1] if self._rows else {})
        keys = _ONE_COURSE.get(self._term, (f"train_{self._term}", f"validation_{self._term}"))
        return np.array([[float(row.get(key, math.nan)) for key in keys] for row in self._rows]).reshape(-1, 2)

    def _curves(self, values: Any, box: tuple[float, ...], limits: tuple[float, float]) -> None:
        n = max(2, len(values))
        x = box[0] + np.arange(len(values)) / (n - 1) * (box[2] - box[0])
        for i, (line, color) in enumerate(zip(self._lines, self._colors(), strict=True)):
            share = np.clip((values[:, i] - limits[0]) / (limits[1] - limits[0]), 0, 1.05)
            points = np.column_stack([x, box[3] - share * (box[3] - box[1])])
            points = _thinned(points[np.isfinite(points).all(axis=1)])
            line.visible = len(points) > 1
            if line.visible:
                line.set_data(points, color=rgba_of(color)[0])
        best = [i for i, row in enumerate(self._rows) if float(row.get("best", 0))]
        self._best.visible = bool(best) and bool(np.isfinite(values[:, 1]).any())
        if self._best.visible:
            at = x[best[-1]]
            self._best.set_data(np.array([[at, box[1]], [at, box[3]]]), color=rgba_of(self._palette.muted)[0])

    def _labels(self, box: tuple[float, ...], limits: tuple[float, float]) -> None:
        muted, (train, held_out) = self._palette.muted, self._colors()
        self._texts.show_texts(
            (
                Text(box[0] - 5, box[1] + 4, f"{limits[1]:.2f}", muted, "right"),
                Text(box[0] - 5, box[3] - 4, f"{limits[0]:.2f}", muted, "right"),
                Text(box[0], box[3] + 11, "1", muted, "left"),
                Text(box[2], box[3] + 11, f"epoch {len(self._rows)}", muted, "right"),
                Text(box[0] + 4, 10, "weight of KL" if self._term == "beta" else "training", train, "left"),
                Text(box[2], 10, "" if self._term in _ONE_COURSE else "held out", held_out, "right"),
            )
        )

    def _colors(self) -> tuple[str, str]:
        return _pair(self._palette)


def _thinned(points: Any) -> Any:
    """Return the points without those that are too near to the one before to be joined by a line, but with the last."""
    step = math.ceil(_APART_PX * len(points) / max(1.0, np.ptp(points[:, 0]))) if len(points) > 1 else 1
    return np.concatenate([points[:-1:step], points[-1:]])


def _pair(palette: Palette) -> tuple[str, str]:
    return palette.accent, palette.warm


class _TermChoices(QWidget):  # type: ignore[misc]
    """A row of buttons, one of which is down."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(3)
        group = QButtonGroup(self)
        self._buttons = {term: _choice(self, term) for term in _TERMS}
        for term, button in self._buttons.items():
            group.addButton(button)
            row.addWidget(button)
            button.clicked.connect(lambda _, term=term: self.chosen.emit(term))
        row.addStretch(1)
        self._buttons["total"].setChecked(True)

    def paint(self, palette: Palette) -> None:
        """Use the colours of a theme."""
        self.setStyleSheet(
            f"QToolButton {{ background: transparent; color: {palette.muted}; border: 1px solid transparent;"
            f" border-radius: 4px; padding: 1px 6px; }}"
            f" QToolButton:hover, QToolButton:focus {{ border-color: {palette.muted}; }}"
            f" QToolButton:checked {{ background: {palette.line}; color: {palette.text}; }}"
        )

    def offer(self, row: dict[str, Any]) -> str:
        """Offer what a row of the history has, and return what is chosen: without a head nothing says °C."""
        for term in _NOT_ALWAYS:
            there = bool(row.get(f"train_{term}", 0))
            self._buttons[term].setVisible(there)
            if not there and self._buttons[term].isChecked():
                self._buttons["total"].setChecked(True)
        return next(term for term, button in self._buttons.items() if button.isChecked())


def _choice(parent: QWidget, term: str) -> QToolButton:
    label, meaning = _TERMS[term]
    button = QToolButton(parent)
    button.setObjectName(f"atlas-loss-{term}")
    button.setText(label)
    button.setToolTip(meaning[0].upper() + meaning[1:])
    button.setAccessibleName(meaning)
    button.setCheckable(True)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return button
