"""A small picture of an animal with what was tracked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QLineF, QPointF, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPen, QPixmap

if TYPE_CHECKING:
    from napari_atlas.data.clip import Clip

__all__ = ["SIZE", "thumbnail"]

SIZE = (192, 144)
"""Width and height in logical pixels."""
_INK, _NODE = "#10141A", 2.4


def thumbnail(clip: Clip, ratio: float = 1.0) -> QPixmap:
    """Return the picture in the middle of a clip, with pose or outline drawn on it.

    Parameters
    ----------
    clip
        With at least one picture.
    ratio
        Pixels of the picture per logical pixel of the screen.
    """
    middle = clip.at(0.5)
    picture = np.ascontiguousarray(clip.pictures[middle])
    height, width = picture.shape[:2]
    pixmap = QPixmap.fromImage(QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888))
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    lines = [QLineF(*ends.ravel().tolist()) for ends in clip.lines[middle]]
    # A dark stroke below the coloured one keeps it in sight on any picture.
    for color, width_px in ((_INK, 3.2), (clip.color, 1.6)):
        painter.setPen(QPen(QColor(color), width_px * ratio, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLines(lines)
    painter.setPen(QPen(QColor(_INK), 0.8 * ratio))
    painter.setBrush(QColor(clip.color))
    for x, y in clip.nodes[middle].tolist():
        painter.drawEllipse(QPointF(x, y), _NODE * ratio, _NODE * ratio)
    if clip.note:
        painter.setPen(QColor("#E6E8EB"))
        painter.drawText(pixmap.rect().adjusted(6, 0, -6, -6), int(Qt.AlignmentFlag.AlignBottom.value), clip.note)
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
