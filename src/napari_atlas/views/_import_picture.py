"""One video frame with what was tracked drawn over it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_atlas.data.drawing import drawing_of
from napari_atlas.data.species import COLORS
from napari_atlas.views._canvas import Palette, palette_of
from napari_atlas.views._import_look import Look

__all__ = ["Picture", "image_of"]

_MOST_PX = 960


def image_of(frame: NDArray[np.uint8]) -> QImage:
    """Return a (height, width, 3) frame as an image of at most 960 pixels a side; made in any thread."""
    pixels = np.ascontiguousarray(frame)
    height, width = pixels.shape[:2]
    image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    if max(width, height) <= _MOST_PX:
        return image.copy()
    return image.scaled(
        _MOST_PX, _MOST_PX, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )


class Picture(QWidget):  # type: ignore[misc]
    """Draw a frame as large as there is room, the animals over it, and a line of text where there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-import-picture")
        self.setAccessibleName("A frame of the recording with what was tracked")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 110)
        self._look: Look | None = None
        self._frame = 0
        self._image = QImage()
        self._text = ""
        self._palette = palette_of("dark")

    def set_palette(self, palette: Palette) -> None:
        """Take the colours of a theme."""
        self._palette = palette
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size that suits most videos."""
        return QSize(320, 220)

    def show_frame(self, look: Look, frame: int, image: QImage) -> None:
        """Draw a frame of a recording."""
        self._look, self._frame, self._image, self._text = look, frame, image, ""
        self.update()

    def show_text(self, text: str) -> None:
        """Say something in the place of a picture."""
        self._look, self._text = None, text
        self.update()

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        """Draw."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), QColor(self._palette.canvas))
        if self._look is None:
            painter.setPen(QColor(self._palette.muted))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()).adjusted(12, 12, -12, -12), int(flags), self._text)
        else:
            self._draw(painter, self._look)
        painter.end()

    def _draw(self, painter: QPainter, look: Look) -> None:
        height, width = look.video.shape[1:3]
        scale = min(self.width() / width, self.height() / height)
        box = QRectF(0, 0, width * scale, height * scale)
        box.moveCenter(QRectF(self.rect()).center())
        if not self._image.isNull():
            painter.drawImage(box, self._image)
        painter.setClipRect(box)
        painter.translate(box.topLeft())
        several = len(look.recording.individuals) > 1
        for i in range(len(look.recording.individuals)):
            color = QColor(COLORS[i % len(COLORS)] if several else look.species.color)
            self._animal(painter, look, i, (scale, color))

    def _animal(self, painter: QPainter, look: Look, animal: int, style: tuple[float, QColor]) -> None:
        scale, color = style
        nodes, lines = drawing_of(look.recording, animal, self._frame)
        painter.setPen(QPen(color, 1.6))
        for (row, column), (down, right) in lines:
            painter.drawLine(QLineF(column * scale, row * scale, (column + right) * scale, (row + down) * scale))
        painter.setPen(QPen(QColor("#10131A"), 0.8))
        painter.setBrush(color)
        for row, column in nodes:
            painter.drawEllipse(QPointF(column * scale, row * scale), 2.8, 2.8)
