"""The loss of training and held-out windows, epoch by epoch."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QVBoxLayout, QWidget
from vispy import scene

from napari_atlas.io.runs import RunFolder
from napari_atlas.views._canvas import Overlay, Palette, Text, make_canvas, palette_of
from napari_atlas.views._colors import rgba_of

__all__ = ["LossCurve"]

_LEFT, _RIGHT, _TOP, _BOTTOM = 38.0, 10.0, 22.0, 20.0
_REDRAW_MS = 600
_SERIES = (("train_total", "training"), ("validation_total", "held out"))


class LossCurve(QWidget):  # type: ignore[misc]
    """Draw total loss over epochs, on training and on validation windows, and mark the best epoch."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-loss")
        self.setAccessibleName("Loss of training and held-out windows by epoch")
        self.setMinimumHeight(96)
        self._palette = palette_of("dark")
        self._rows: list[dict[str, Any]] = []
        self._canvas = make_canvas(self, self._palette)
        view = self._canvas.central_widget.add_view()
        self._lines = [scene.Line(parent=view.scene, width=2, antialias=True) for _ in _SERIES]
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
        layout.addWidget(self._canvas.native)
        self._draw()

    def set_theme(self, theme: str) -> None:
        """Follow a napari theme, given by its id."""
        self._palette = palette_of(theme)
        self._canvas.bgcolor = self._palette.canvas
        self._draw()

    def clear(self) -> None:
        """Begin anew."""
        self._rows = []
        self._draw()

    def add_epoch(self, row: dict[str, Any]) -> None:
        """Draw one more epoch soon; *row* has ``epoch``, ``train_total``, ``validation_total`` and ``best``."""
        self._rows.append(row)
        self._draw_soon()

    def draw_now(self) -> None:
        """Draw what waits to be drawn, in the turn in which something else changes anyway."""
        if self._soon.isActive():
            self._soon.stop()
            self._draw()

    def show_run(self, project: Path, run: str) -> None:
        """Draw the history of a run of a project; nothing if it has none."""
        self._rows = list(RunFolder(project / "runs" / run).read_history()) if run else []
        self._draw_soon()

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        """Fit the drawing to the new size, soon."""
        super().resizeEvent(event)
        self._draw_soon()

    def _draw_soon(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def _draw(self) -> None:
        width, height = float(self._canvas.native.width()), float(self._canvas.native.height())
        self._texts.setGeometry(0, 0, int(width), int(height))
        box = (_LEFT, _TOP, width - _RIGHT, height - _BOTTOM)
        values = np.array([[float(row[key]) for key, _ in _SERIES] for row in self._rows]).reshape(-1, 2)
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

    def _curves(self, values: Any, box: tuple[float, ...], limits: tuple[float, float]) -> None:
        n = max(2, len(values))
        x = box[0] + np.arange(len(values)) / (n - 1) * (box[2] - box[0])
        for i, (line, color) in enumerate(zip(self._lines, self._colors(), strict=True)):
            share = np.clip((values[:, i] - limits[0]) / (limits[1] - limits[0]), 0, 1.05)
            points = np.column_stack([x, box[3] - share * (box[3] - box[1])])
            points = points[np.isfinite(points).all(axis=1)]
            line.visible = len(points) > 1
            if line.visible:
                line.set_data(points, color=rgba_of(color)[0])
        best = [i for i, row in enumerate(self._rows) if float(row["best"])]
        self._best.visible = bool(best) and math.isfinite(values[-1, 1])
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
                Text(box[0] + 4, 10, "loss: training", train, "left"),
                Text(box[2], 10, "held out", held_out, "right"),
            )
        )

    def _colors(self) -> tuple[str, str]:
        return _pair(self._palette)


def _pair(palette: Palette) -> tuple[str, str]:
    return palette.accent, palette.warm
