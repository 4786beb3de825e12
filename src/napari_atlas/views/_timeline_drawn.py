"""What of a track is drawn: its panels, windows and strips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_atlas.views import _timeline_model as model
from napari_atlas.views._timeline_layout import LATENT, SIGNAL, TEMPERATURE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_atlas.data.atlas import Atlas
    from napari_atlas.data.windows import Track
    from napari_atlas.views._timeline_strips import Strip, Wishes

__all__ = ["Drawn", "Panel"]

_ENOUGH = 5000
_STEADY = 2.0  # °C that the panel spans at least, so that a steady temperature is drawn as steady, not as noise


@dataclass(frozen=True, eq=False)
class Panel:
    """Lanes that share their kind.

    Attributes
    ----------
    values
        (n, n_lanes) by bin, or by window for the latent.
    names
        Of the lanes; one name for all of them if they are drawn as one picture.
    limits
        Lowest and highest value of each lane; empty where they are drawn as one picture.
    scale
        (2, n_lanes) values drawn faintest and strongest; empty where they are drawn as lines.
    courses
        The lanes one by one, of those that go by bins.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]
    limits: tuple[tuple[float, float], ...]
    scale: NDArray[np.float64]
    courses: tuple[model.Course, ...] = ()

    @classmethod
    def of(cls, values: NDArray[np.float64], names: tuple[str, ...], title: str, all_of: NDArray[np.float64]) -> Panel:
        """Return lanes, or a picture if they are many; scales and limits are those of *all_of*."""
        if len(names) > model.LANES:
            title = f"{title} · {len(names)}, each on its own scale"
            return cls(values, (title,), (), model.heat_scale(all_of))
        limits = tuple(model.value_range(lane) for lane in all_of.T)
        return cls(values, names, limits, np.empty((0, 0)), tuple(model.Course(lane) for lane in values.T))


@dataclass(frozen=True, eq=False)
class Drawn:
    """What is on the canvas: a track with its windows, panels and strips.

    Attributes
    ----------
    track
        The track.
    ids, edges, reach
        Its windows, (n_windows, 2) bins from and to which each is drawn, and those that it truly spans.
    panels
        By kind, those on show.
    predicted
        (n_windows,) °C.
    strips
        Those on show.
    """

    track: Track
    ids: NDArray[np.int64]
    edges: NDArray[np.float64]
    reach: NDArray[np.float64]
    panels: dict[str, Panel]
    predicted: NDArray[np.float64]
    strips: tuple[Strip, ...] = ()

    @classmethod
    def of(cls, atlas: Atlas, track: Track, wishes: Wishes) -> Drawn:
        """Gather what is drawn of a track, without its strips."""
        ids, edges = model.tiles(atlas, track)
        predicted = atlas.predicted[ids].astype(np.float64) if atlas.predicted.size else np.full(ids.size, np.nan)
        panels = {}
        if SIGNAL not in wishes.hidden:
            panels[SIGNAL] = _signal(atlas, track, wishes.channel)
        if TEMPERATURE not in wishes.hidden and np.isfinite(track.temperature).any():
            panels[TEMPERATURE] = _temperature(track, predicted)
        if LATENT not in wishes.hidden and atlas.latents.size:
            names = tuple(f"latent {i + 1}" for i in range(atlas.latents.shape[1]))
            own = atlas.latents[ids].astype(np.float64)
            panels[LATENT] = Panel.of(own, names, "latent dimensions", _some(atlas.latents))
        table = atlas.windows.table
        reach = np.column_stack([table.start[ids], table.stop[ids]]).astype(np.float64)
        return cls(track, ids, edges, reach, panels, predicted)

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest temperature on show."""
        return self.panels[TEMPERATURE].limits[0]


def _some(latents: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return as many latents as tell their range."""
    return np.asarray(latents[:: max(1, len(latents) // _ENOUGH)], dtype=np.float64)


def _signal(atlas: Atlas, track: Track, channel: int) -> Panel:
    values, names = track.values, model.channel_names(track)
    if len(names) == 1:
        names = (model.caption(atlas, track),)
    elif 0 <= channel < len(names):
        values, names = values[:, [channel]], names[channel : channel + 1]
    return Panel.of(values, names, f"{model.caption(atlas, track)} · channels", values)


def _temperature(track: Track, predicted: NDArray[np.float64]) -> Panel:
    low, high = model.value_range(np.concatenate([track.temperature, predicted]), tail=1.0)
    pad = max(0.0, _STEADY - (high - low)) / 2
    said = "temperature (°C)" + (" · dots: predicted" if np.isfinite(predicted).any() else "")
    course, limits = model.Course(track.temperature), ((low - pad, high + pad),)
    return Panel(track.temperature[:, None], (said,), limits, np.empty((0, 0)), (course,))
