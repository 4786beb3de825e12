"""Clips as pictures: the animal's outline or skeleton and a caption drawn on, and several beside one another."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.clip import Clip
from napari_atlas.data.times import clock_text

__all__ = ["beside", "painted"]

_FONTS = ("DejaVuSans.ttf", "Arial.ttf", "arial.ttf", "Helvetica.ttc")
_TEXT, _MUTED, _BACK = "#F2F3F5", "#A9AFB8", "#15161A"
_GAP = 4


def painted(clip: Clip, at: int, title: str, told: str) -> NDArray[np.uint8]:
    """Return one picture of a clip, what was tracked and the clip's note drawn on it, and two lines of caption below.

    Parameters
    ----------
    clip, at
        Which picture.
    title
        First line.
    told
        What the second line says behind time and frame.
    """
    from PIL import Image, ImageDraw

    height, width, _ = clip.pictures.shape[1:]
    letters = max(9, round(height / 18))
    image = Image.new("RGB", (width, height + 3 * letters + 2), _BACK)
    image.paste(Image.fromarray(clip.pictures[at]), (0, 0))
    draw = ImageDraw.Draw(image)
    stroke, radius = max(1, round(height / 150)), max(1.5, height / 110)
    for line in clip.lines[at].tolist():
        draw.line([tuple(point) for point in line], fill=clip.color, width=stroke)
    for x, y in clip.nodes[at].tolist():
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=clip.color)
    # What was drawn of an animal that leaves the picture must not cover the caption.
    draw.rectangle((0, height, width, image.height), fill=_BACK)
    seconds, font = float(clip.seconds[at]), _font(letters)
    time = [clock_text(seconds, 1)] if math.isfinite(seconds) else []
    below = " · ".join([*time, f"frame {clip.frames[at]}", *([told] if told else [])])
    for text, color, down in ((clip.note, _MUTED, -1.5), (title, _TEXT, 0.3), (below, _MUTED, 1.65)):
        draw.text((4, height + down * letters), _shortened(text, font, width - 8), fill=color, font=font)
    return np.asarray(image)


def beside(tiles: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return pictures of one size in rows, about as many rows as columns, the first at the upper left."""
    columns = math.ceil(math.sqrt(len(tiles)))
    rows = math.ceil(len(tiles) / columns)
    height, width, _ = tiles[0].shape
    sheet = np.empty((rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, 3), dtype=np.uint8)
    sheet[:] = [int(_BACK[i : i + 2], 16) for i in (1, 3, 5)]
    for i, tile in enumerate(tiles):
        top, left = i // columns * (height + _GAP), i % columns * (width + _GAP)
        sheet[top : top + height, left : left + width] = tile
    return sheet


@functools.cache
def _font(size: int) -> Any:
    from PIL import ImageFont

    for name in _FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def _shortened(text: str, font: Any, width: float) -> str:
    """Return a text that is no wider than *width*, its end left out where it has to be."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
