"""What a signal is, and the list of those that there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.columns import Columns
from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.errors import InputError

__all__ = ["SIGNALS", "SOURCES", "SignalKind", "per_millisecond", "register_signal", "step"]

Source = type[Pose] | type[Outline] | type[Columns]
SignalFunction = Callable[[Any, int, TimeBase, Species], NDArray[np.float64]]
ChannelNames = Callable[[Any, Species], tuple[str, ...]]

SOURCES: dict[Source, str] = {Pose: "pose tracks", Outline: "outline tracks", Columns: "named columns"}


@dataclass(frozen=True)
class SignalKind:
    """A registered signal.

    Attributes
    ----------
    name
        What project files call it.
    unit
        Unit of its values; empty where they have none, or where the names of the channels tell.
    needs
        What it reads: keypoints, outlines, or the named columns of the file.
    function
        (tracks, individual, timebase, species) → (n_samples, n_channels) at the native rate.
    names
        (tracks, species) → names of the channels, without the unit.
    label
        What users read.
    """

    name: str
    unit: str
    needs: Source
    function: SignalFunction
    names: ChannelNames
    label: str

    def __call__(self, tracks: object, individual: int, timebase: TimeBase, species: Species) -> NDArray[np.float64]:
        """Return the (n_samples, n_channels) signal of one individual, NaN where it is not known.

        Raises
        ------
        InputError
            If the tracks are of another kind than the signal needs, or the species' settings do not fit them.
        """
        self._check(tracks, species)
        return self.function(tracks, individual, timebase, species)

    def channels(self, tracks: object, species: Species) -> tuple[str, ...]:
        """Return the names of the channels, each with its unit if it has one.

        Raises
        ------
        InputError
            If the tracks are of another kind than the signal needs, or the species' settings do not fit them.
        """
        self._check(tracks, species)
        return tuple(f"{name} ({self.unit})" if self.unit else name for name in self.names(tracks, species))

    def _check(self, tracks: object, species: Species) -> None:
        if not isinstance(tracks, self.needs):
            fit = [kind.name for kind in SIGNALS.values() if isinstance(tracks, kind.needs)]
            raise InputError.of(
                f"species {species.name}",
                f"signal {self.name} needs {SOURCES[self.needs]}",
                f"choose another signal from {', '.join(fit or SIGNALS)}",
            )


SIGNALS: dict[str, SignalKind] = {}


def register_signal(
    name: str, unit: str, needs: Source, label: str = "", names: ChannelNames | None = None
) -> Callable[[SignalFunction], SignalFunction]:
    """Return the decorator that enters a function in ``SIGNALS``.

    Parameters
    ----------
    name, unit, needs, label, names
        See `SignalKind`; without *names* there is one channel of the signal's own name.
    """

    def enter(function: SignalFunction) -> SignalFunction:
        SIGNALS[name] = SignalKind(name, unit, needs, function, names or (lambda _, __: (name,)), label or name)
        return function

    return enter


def step(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how values differ from those one sample earlier, along the first axis; the first is NaN."""
    before = np.full_like(values[:1], np.nan)
    return np.concatenate([before, np.diff(values, axis=0)])[: len(values)]


def per_millisecond(steps: NDArray[np.float64], timebase: TimeBase, signal: str) -> NDArray[np.float64]:
    """Return (n_samples, n_channels) steps between samples as changes per millisecond.

    Raises
    ------
    InputError
        If the frame rate is unknown.
    """
    if not timebase.known:
        raise InputError.of("fps", f"{signal} needs the frame rate", "give it with --fps")
    if timebase.even:
        return steps * timebase.fps / 1000.0
    seconds = timebase.seconds_of_frame(timebase.frame_of_sample(np.arange(len(steps))))
    return steps / (1000.0 * step(seconds))[:, None]
