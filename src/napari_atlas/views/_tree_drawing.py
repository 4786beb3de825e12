"""A frame of a pose with the bones of a kinematic tree, each chain in a colour of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_atlas.data.species import COLORS
from napari_atlas.views._canvas import palette_of
from napari_atlas.views._synthesis_draw import Turn
from napari_atlas.views._tree_model import TreeDraft, TreeSource

__all__ = ["TreeDrawing", "chain_colors"]

_DOT = 3.2
_PAD, _SHARE = 24.0, 0.85
# Yellow can hardly be seen on a light background.
_COLORS = tuple(color for color in COLORS if color != "#F0E442")


def chain_colors(draft: TreeDraft, root: str) -> tuple[str, ...]:
    """Return the colour of each joint's chain, *root* for what all chains begin at; empty for one in no chain."""
    found = [root if i in draft.roots else "" for i in range(len(draft.names))]
    for number, chain in enumerate(draft.chains):
        for joint in chain[1:]:
            found[joint] = _COLORS[number % len(_COLORS)]
    return tuple(found)


class TreeDrawing(QWidget):  # type: ignore[misc]
    """Draw one frame of a pose, and the tree over it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-tree-picture")
        self.setAccessibleName("The pose with the bones of the tree")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 220)
        self._palette = palette_of("dark")
        self._source: TreeSource | None = None
        self._draft, self._colors = TreeDraft((), (), ()), tuple[str, ...]()
        self._faulty: frozenset[int] = frozenset()
        self._frame, self._chosen, self._under = 0, -1, -1
        self._turn, self._zoom = Turn(), 1.0

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size that suits most bodies."""
        return QSize(420, 400)

    def set_theme(self, theme: str) -> None:
        """Follow a napari theme, given by its id."""
        self._palette = palette_of(theme)
        self.update()

    def show_source(self, source: TreeSource) -> None:
        """Take the pose that is drawn."""
        self._source = source
        self.update()

    def show_draft(self, draft: TreeDraft, colors: tuple[str, ...], faulty: frozenset[int]) -> None:
        """Draw this tree; the bones of faulty joints are dashed."""
        if draft.names != self._draft.names:
            self._chosen = self._under = -1
        self._draft, self._colors, self._faulty = draft, colors, faulty
        self.update()

    def show_frame(self, frame: int) -> None:
        """Draw another frame."""
        self._frame = frame
        self.update()

    def choose(self, joint: int) -> None:
        """Set a joint off from the others."""
        self._chosen = joint
        self.update()

    def places(self) -> NDArray[np.float64]:
        """Return the (n_joints, 2) places of the draft's joints in the widget, NaN where they are not known."""
        source = self._source
        if source is None or not len(source.points):
            return np.full((len(self._draft.names), 2), np.nan)
        points = source.points[self._frame]
        known = points[np.isfinite(points).all(axis=1)]
        middle = (known.min(axis=0) + known.max(axis=0)) / 2 if len(known) else np.zeros(points.shape[1])
        wide, tall = np.maximum(self._turn.room(source.extent), 1e-9)
        scale = self._zoom * _SHARE * min((self.width() - _PAD) / wide, (self.height() - _PAD) / tall)
        flat = self._turn.flat(points - middle) * scale + (self.width() / 2, self.height() / 2)
        flat = np.vstack([flat, np.full((1, 2), np.nan)])  # the last one stands for joints that are not there
        return np.asarray(flat[list(self._draft.places)])

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        """Draw."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(self._palette.canvas))
        places = self.places()
        if np.isfinite(places).any():
            self._skeleton(painter, places)
            self._bones(painter, places)
            self._joints(painter, places)
        elif self._source is not None:
            painter.setPen(QColor(self._palette.muted))
            painter.drawText(QRectF(self.rect()), Qt.AlignmentFlag.AlignCenter, "Nothing is tracked in this frame.")
        painter.end()

    def _skeleton(self, painter: QPainter, places: NDArray[np.float64]) -> None:
        """Draw the lines of the file's skeleton, faintly."""
        painter.setPen(QPen(QColor(self._palette.line), 1.0))
        joints = {place: joint for joint, place in enumerate(self._draft.places)}
        for a, b in self._source.edges if self._source else ():
            _line(painter, places, joints[a], joints[b])

    def _bones(self, painter: QPainter, places: NDArray[np.float64]) -> None:
        for joint, parent in enumerate(self._draft.parents):
            if parent < 0:
                continue
            faulty = joint in self._faulty
            color = self._palette.warm if faulty else self._colors[joint] or self._palette.muted
            pen = QPen(QColor(color), 5.0 if joint == self._chosen else 2.4)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            pen.setStyle(Qt.PenStyle.DashLine if faulty else Qt.PenStyle.SolidLine)
            painter.setPen(pen)
            _line(painter, places, joint, parent)

    def _joints(self, painter: QPainter, places: NDArray[np.float64]) -> None:
        used = self._draft.used
        for joint, (x, y) in enumerate(places.tolist()):
            if not np.isfinite([x, y]).all():
                continue
            color = QColor(self._colors[joint] or self._palette.muted)
            painter.setPen(QPen(color, 1.2))
            painter.setBrush(color if joint in used else Qt.BrushStyle.NoBrush)
            size = 1.7 * _DOT if joint in self._draft.roots else _DOT
            painter.drawEllipse(QPointF(x, y), size, size)
        if self._chosen >= 0 and np.isfinite(places[self._chosen]).all():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(self._palette.accent), 2.0))
            painter.drawEllipse(QPointF(*places[self._chosen]), 8.0, 8.0)
        self._names(painter, places)

    def _names(self, painter: QPainter, places: NDArray[np.float64]) -> None:
        """Write what the chosen joint and the one below the mouse are called, and what the chosen one hangs on."""
        parent = self._draft.parents[self._chosen] if self._chosen >= 0 else -1
        muted, text = self._palette.muted, self._palette.text
        for joint, color in {parent: muted, self._under: text, self._chosen: text}.items():
            if joint < 0 or not np.isfinite(places[joint]).all():
                continue
            name, (x, y) = self._draft.names[joint], places[joint].tolist()
            width = painter.fontMetrics().horizontalAdvance(name)
            other = parent if joint == self._chosen else self._chosen
            left = other >= 0 and x < places[other, 0]
            x = x - 11 - width if left else x + 11
            painter.setPen(QColor(color))
            painter.drawText(QPointF(min(max(x, 4), self.width() - width - 4), max(y - 7, 14)), name)


def _line(painter: QPainter, places: NDArray[np.float64], a: int, b: int) -> None:
    if np.isfinite(places[[a, b]]).all():
        painter.drawLine(QLineF(*places[a], *places[b]))
