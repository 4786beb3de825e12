"""The polygons of a stickleback seen from above, bent along its five nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_atlas.sample.simulator import Floats

__all__ = ["Layer", "fish_layers"]

# Corners of one polygon on the canvas, shape (frames, 2 · corners), and its red, green, blue and opacity.
Layer = tuple[NDArray[np.float32], tuple[int, int, int, int]]

_TINTS = ((104, 162, 166), (126, 168, 150), (120, 154, 180), (146, 164, 142))
_NODES = np.array([0.0, 0.2, 0.42, 0.64, 1.0])
_FINE = np.linspace(0.0, 1.0, 16)
_GIRTH = (
    [0.0, 0.04, 0.12, 0.28, 0.45, 0.65, 0.82, 0.90, 1.0],
    [0.018, 0.050, 0.084, 0.115, 0.108, 0.064, 0.024, 0.020, 0.0],
)
_TAIL = ([0.0, 0.80, 0.88, 1.0], [0.0, 0.018, 0.050, 0.090])


@dataclass(frozen=True)
class _Spine:
    """The middle line of a fish: places and unit normals (frames, points, 2), and the body's length in pixels."""

    line: Floats
    normal: Floats
    length: float

    def band(self, halfwidth: Floats, first: int = 0) -> Floats:
        """Return the outline at *halfwidth* px on both sides of the line from point *first* on."""
        offset = halfwidth[first:, None] * self.normal[:, first:]
        line = self.line[:, first:]
        return np.concatenate([line + offset, (line - offset)[:, ::-1]], axis=1)

    def spot(self, point: int, side: float, radius: float) -> Floats:
        """Return a small octagon beside *point*, all lengths in body lengths."""
        turn = np.linspace(0.0, 2 * np.pi, 8, endpoint=False)
        middle = self.line[:, point] + self.length * side * self.normal[:, point]
        return middle[:, None] + self.length * radius * np.column_stack([np.cos(turn), np.sin(turn)])

    def fin(self, point: int, side: float) -> Floats:
        """Return a pectoral fin that leaves the flank at *point* and points backwards; *side* is 1 or −1."""
        root, heel = self.line[:, point], self.line[:, point + 1]
        out = side * self.length * self.normal[:, point]
        back = self.line[:, point + 2] - root
        corners = (root + 0.07 * out, root + 0.9 * back + 0.19 * out, root + 1.3 * back + 0.15 * out, heel + 0.07 * out)
        return np.stack(corners, axis=1)


def fish_layers(points: Floats, index: int, scale: int) -> list[Layer]:
    """Return the polygons of one fish, from below to above.

    Parameters
    ----------
    points
        Five nodes in pixels from snout to tail, shape (frames, 5, 2).
    index
        Number of the fish; chooses its tint.
    scale
        Canvas pixels per video pixel.
    """
    spine = _spine(points)
    tint = _TINTS[index % len(_TINTS)]
    girth, tail = (spine.length * np.interp(_FINE, *profile) for profile in (_GIRTH, _TAIL))
    body = spine.band(girth)
    pale, dark = _blend(tint, (236, 250, 246), 0.62), _blend(tint, (22, 44, 56), 0.62)
    fins = _blend(tint, (240, 250, 240), 0.35)
    parts = [
        (body + np.array([3.0, 4.5]), (14, 60, 72, 62)),
        (spine.fin(4, 1.0), (*fins, 120)),
        (spine.fin(4, -1.0), (*fins, 120)),
        (spine.band(tail, first=12), (*fins, 190)),
        (body, (*pale, 255)),
        (spine.band(0.78 * girth), (*tint, 255)),
        (spine.band(0.42 * girth), (*dark, 200)),
        (spine.spot(2, 0.058, 0.021), (16, 28, 34, 255)),
        (spine.spot(2, -0.058, 0.021), (16, 28, 34, 255)),
    ]
    return [(_on_canvas(corners, scale), colour) for corners, colour in parts]


def _spine(points: Floats) -> _Spine:
    """Return the smooth line through the nodes."""
    from scipy.interpolate import CubicSpline

    weights = CubicSpline(_NODES, np.eye(len(_NODES)))
    line = np.einsum("mn,fnc->fmc", weights(_FINE), points)
    ahead = np.einsum("mn,fnc->fmc", weights(_FINE, 1), points)
    size = np.linalg.norm(ahead, axis=-1, keepdims=True)
    normal = np.stack([-ahead[..., 1], ahead[..., 0]], axis=-1) / np.maximum(size, 1e-9)
    return _Spine(line, normal, float(np.median(size)))


def _on_canvas(corners: Floats, scale: int) -> NDArray[np.float32]:
    """Return *corners* in canvas pixels as Pillow wants them: x and y in turn, counted from a pixel's corner."""
    return ((corners + 0.5) * scale).reshape(len(corners), -1).astype(np.float32)


def _blend(first: tuple[int, int, int], last: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    """Return the colour that lies *share* of the way from *first* to *last*."""
    red, green, blue = (round((1.0 - share) * a + share * b) for a, b in zip(first, last, strict=True))
    return red, green, blue
