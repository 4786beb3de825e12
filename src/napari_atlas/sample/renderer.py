"""Calm pictures of the reef that lie exactly over the tracked coordinates.

A pixel's centre has whole coordinates, as trackers and napari count. A bell is one soft sprite, stretched in each
frame so that its edge is the outline; a fish is a few polygons along its nodes, drawn at twice the size.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.sample.fish_shapes import Layer, fish_layers

if TYPE_CHECKING:
    from napari_atlas.sample.simulator import Floats

__all__ = ["HEIGHT", "WIDTH", "Painter", "bell_painter", "shoal_painter", "welcome_frame"]

WIDTH, HEIGHT = 320, 240

Picture = NDArray[np.uint8]
Colour = tuple[float, float, float]
# Draws the video frame of that number, shape (height, width, 3).
Painter = Callable[[int], Picture]

_BELL_TINTS: tuple[Colour, ...] = ((255, 172, 128), (250, 152, 192), (188, 172, 255))
_SPRITE, _REACH = 132, 1.32
_SCALE = 2


def bell_painter(outlines: NDArray[np.float32], seed: int) -> Painter:
    """Return a painter of jellyfish in dark water.

    Parameters
    ----------
    outlines
        Closed outlines in pixels, shape (individuals, frames, vertices, 2), each an affine image of its first frame.
    seed
        Fixes the specks in the water.
    """
    from PIL import Image

    base = Image.fromarray(_deep_water(np.random.default_rng(seed)))
    places = [_fit(outline.astype(np.float64)) for outline in outlines]
    rows = [_bell_sprite(unit, _BELL_TINTS[i % len(_BELL_TINTS)]) for i, (_, _, unit) in enumerate(places)]
    sprites = [Image.frombytes("RGBX", (_SPRITE, _SPRITE), data) for data in rows]

    def paint(frame: int) -> Picture:
        picture = base.copy()
        for sprite, (centre, axes, _) in zip(sprites, places, strict=True):
            _lay(picture, sprite, centre[frame], axes[frame])
        return np.asarray(picture, dtype=np.uint8)

    return paint


def welcome_frame() -> Picture:
    """Return one (height, width, 3) picture of empty water, for the time until there is a video."""
    return _deep_water(np.random.default_rng(0))


def shoal_painter(points: Floats, seed: int) -> Painter:
    """Return a painter of sticklebacks in a light tank, seen from above.

    Parameters
    ----------
    points
        Five nodes in pixels from snout to tail, shape (individuals, frames, 5, 2), without NaN.
    seed
        Fixes the pebbles on the ground.
    """
    from PIL import Image, ImageDraw

    small = Image.fromarray(_light_tank(np.random.default_rng(seed)))
    base = small.resize((WIDTH * _SCALE, HEIGHT * _SCALE), Image.Resampling.NEAREST)
    canvas = base.copy()
    draw = ImageDraw.Draw(canvas, "RGBA")
    fish = [fish_layers(nodes, index, _SCALE) for index, nodes in enumerate(points)]
    boxes = [_boxes(layers) for layers in fish]

    def paint(frame: int) -> Picture:
        picture = small.copy()
        here = [tuple(box[frame].tolist()) for box in boxes]
        for corners, colour in chain.from_iterable(fish):
            draw.polygon(corners[frame].tolist(), fill=colour)
        for box in here:
            picture.paste(canvas.reduce(_SCALE, box), (box[0] // _SCALE, box[1] // _SCALE))
        for box in here:
            canvas.paste(base.crop(box), box)
        return np.asarray(picture, dtype=np.uint8)

    return paint


def _boxes(layers: list[Layer]) -> NDArray[np.int64]:
    """Return left, top, right and bottom on the canvas around all *layers*, whole video pixels, shape (frames, 4)."""
    low = np.min([corners.reshape(len(corners), -1, 2).min(axis=1) for corners, _ in layers], axis=0)
    high = np.max([corners.reshape(len(corners), -1, 2).max(axis=1) for corners, _ in layers], axis=0)
    edge = np.array([WIDTH, HEIGHT])
    first = np.clip(np.floor(low / _SCALE) - 1, 0, edge - 1)
    last = np.clip(np.ceil(high / _SCALE) + 1, first + 1, edge)
    return np.asarray(_SCALE * np.concatenate([first, last], axis=1), dtype=np.int64)


def _grid() -> tuple[Floats, Floats]:
    """Return x and y of every pixel as fractions of the picture, each (height, width)."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return x / WIDTH, y / HEIGHT


def _mix(first: Colour, last: Colour, amount: Floats) -> Floats:
    """Return colours from *first* (amount 0) to *last* (amount 1), with a last axis of 3."""
    share = np.clip(amount, 0.0, 1.0)[..., None]
    return np.asarray((1.0 - share) * np.array(first) + share * np.array(last), dtype=np.float64)


def _deep_water(rng: np.random.Generator) -> Picture:
    """Return dark blue water with a little light from above and a few specks."""
    x, y = _grid()
    picture = _mix((20, 62, 104), (4, 12, 34), y**0.75 + 0.35 * (x - 0.42) ** 2)
    for middle, slant, width in ((0.22, 0.25, 0.06), (0.45, 0.18, 0.04), (0.70, 0.10, 0.07)):
        beam = np.exp(-(((x - middle - slant * y) / (width * (0.6 + y))) ** 2)) * (1.0 - y) ** 1.6
        picture += beam[..., None] * np.array([6.0, 15.0, 20.0])
    for px, py, size, light in rng.uniform((0, 0, 0.4, 8), (1, 1, 1.1, 30), (70, 4)):
        far = ((x - px) * WIDTH) ** 2 + ((y - py) * HEIGHT) ** 2
        picture += np.where(far < 40, light * np.exp(-far / (2 * size**2)), 0.0)[..., None] * np.array([0.6, 0.9, 1.0])
    return np.clip(picture, 0, 255).astype(np.uint8)


def _light_tank(rng: np.random.Generator) -> Picture:
    """Return a blue-green tank with faint ripples of light and pebbles."""
    x, y = _grid()
    picture = _mix((150, 202, 200), (62, 122, 132), 1.5 * ((x - 0.45) ** 2 + (y - 0.4) ** 2) ** 0.75)
    warp = 0.05 * np.sin(9 * y + 5 * x) + 0.04 * np.sin(13 * x - 7 * y + 1.0)
    ripple = np.abs(np.sin(11 * (x + warp) + 4 * y)) + np.abs(np.sin(10 * (y - warp) - 5 * x + 2.0))
    picture += 16 * (np.exp(-4.0 * ripple)[..., None]) * np.array([1.0, 1.0, 0.9])
    for px, py, size, light in rng.uniform((0, 0, 1.0, -16), (1, 1, 4.0, 12), (120, 4)):
        far = ((x - px) * WIDTH) ** 2 + 1.6 * ((y - py) * HEIGHT) ** 2
        picture += (light * np.clip(1.5 * (1.0 - far / size**2), 0.0, 1.0))[..., None] * np.array([1.0, 0.95, 0.8])
    return np.clip(picture, 0, 255).astype(np.uint8)


def _fit(outline: Floats) -> tuple[Floats, Floats, Floats]:
    """Return centres (frames, 2), axes (frames, 2, 2) and the unit outline (vertices − 1, 2) that they stretch."""
    corners = outline[:, :-1]
    centre = corners.mean(axis=1)
    spread = corners - centre[:, None]
    unit = spread[0] / np.sqrt((spread[0] ** 2).sum(axis=1).mean())
    axes = np.einsum("fvi,vj->fij", spread, unit) @ np.linalg.inv(unit.T @ unit)
    return centre, axes, unit


def _bell_sprite(unit: Floats, tint: Colour) -> bytes:
    """Return the bell as rows of red, green, blue and opacity; its edge is the *unit* outline."""
    steps = ((np.arange(_SPRITE) + 0.5) / _SPRITE * 2.0 - 1.0) * _REACH
    x, y = np.meshgrid(steps, steps)
    angle = np.arctan2(y, x)
    edge = np.interp(angle, *_radius(unit), period=2 * np.pi)
    far = np.hypot(x, y) / edge
    body = 1.0 / (1.0 + np.exp((far - 1.0) / 0.012))
    canals = 0.10 * np.cos(16 * angle) * np.clip(far - 0.45, 0.0, 0.4)
    lappets = 0.16 * np.exp(-(((far - 0.95) / 0.045) ** 2)) * (0.75 + 0.25 * np.cos(32 * angle))
    margin = 0.30 * np.exp(-(((far - 0.87) / 0.10) ** 2))
    dome = 0.30 + 0.10 * np.exp(-((x + 0.35) ** 2 + (y + 0.4) ** 2) / 0.12)
    rings = _gonads(x, y, float(np.arctan2(unit[0, 1], unit[0, 0])))
    halo = 0.20 * np.exp(-np.clip(far - 1.0, 0.0, None) / 0.11) * np.clip((_REACH - far) / 0.12, 0.0, 1.0)
    cover = body * (dome + canals + lappets + margin) + (1.0 - body) * halo
    cover = np.clip(cover + 0.62 * body * rings, 0.0, 0.96)
    colour = _mix(tint, (255, 236, 232), 0.30 * np.exp(-((far / 0.5) ** 2)) + 0.55 * rings + 2.2 * lappets * body)
    rgba = np.concatenate([colour, 255.0 * cover[..., None]], axis=-1)
    return np.ascontiguousarray(np.clip(rgba, 0, 255).astype(np.uint8)).tobytes()


def _radius(unit: Floats) -> tuple[Floats, Floats]:
    """Return angles and radii of the straight-sided *unit* outline, finely sampled."""
    closed = np.concatenate([unit, unit[:1]])
    share = np.linspace(0.0, 1.0, 12, endpoint=False)[:, None, None]
    dense = ((1.0 - share) * closed[:-1] + share * closed[1:]).reshape(-1, 2)
    return np.arctan2(dense[:, 1], dense[:, 0]), np.hypot(*dense.T)


def _gonads(x: Floats, y: Floats, angle: float) -> Floats:
    """Return the light of the four horseshoe rings around the mouth, 0 to 1."""
    light = np.zeros_like(x)
    for turn in np.arange(4) * np.pi / 2 + angle:
        dx, dy = x - 0.30 * np.cos(turn), y - 0.30 * np.sin(turn)
        inwards = (dx * np.cos(turn) + dy * np.sin(turn)) / np.maximum(np.hypot(dx, dy), 1e-9)
        ring = np.exp(-(((np.hypot(dx, dy) - 0.165) / 0.045) ** 2))
        light = np.maximum(light, ring * (0.58 + 0.42 * inwards))
    return light


def _lay(picture: Any, sprite: Any, centre: Floats, axes: Floats) -> None:
    """Blend *sprite* into *picture* so that its unit outline, stretched by *axes*, lies around *centre*."""
    from PIL import Image

    (a, b), (c, d) = axes.tolist()
    reach_x, reach_y = _REACH * (a * a + b * b) ** 0.5, _REACH * (c * c + d * d) ** 0.5
    cx, cy = centre.tolist()
    left, top = max(0, int(cx - reach_x)), max(0, int(cy - reach_y))
    right, bottom = min(WIDTH, int(cx + reach_x) + 2), min(HEIGHT, int(cy + reach_y) + 2)
    if right <= left or bottom <= top:
        return
    half = 0.5 * _SPRITE
    zoom = half / (_REACH * (a * d - b * c))
    # Pillow counts from a pixel's corner, the coordinates from its centre: hence the half pixels.
    x0, y0 = left - 0.5 - cx, top - 0.5 - cy
    row_x = (zoom * d, -zoom * b, half + zoom * (d * x0 - b * y0))
    row_y = (-zoom * c, zoom * a, half + zoom * (a * y0 - c * x0))
    size = (right - left, bottom - top)
    patch = sprite.transform(size, Image.Transform.AFFINE, row_x + row_y, Image.Resampling.BILINEAR)
    picture.paste(patch.convert("RGB"), (left, top), patch.getchannel("X"))
