"""Signals: pure functions from tracks to numbers over time, one set of channels per individual."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data._signal_columns import COLUMN, column_kind
from napari_atlas.data._signal_outline import hull_area_rate, outline_shape
from napari_atlas.data._signal_pose import centroid_speed, egocentric_pose, joint_angles, keypoint_speed
from napari_atlas.data._signal_registry import SIGNALS, SOURCES, SignalKind, register_signal
from napari_atlas.data._signal_tree import POSE_6D, Body, body_of, pose_6d
from napari_atlas.data.cleaning import clean
from napari_atlas.data.columns import NO_COLUMNS, Columns
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import CutWindows, Recording, Tracks
from napari_atlas.data.species import Species
from napari_atlas.errors import InputError

__all__ = [
    "POSE_6D",
    "SIGNALS",
    "BinnedSignal",
    "Body",
    "SignalKind",
    "bin_mean",
    "binned_signal",
    "body_of",
    "centroid_speed",
    "egocentric_pose",
    "hull_area_rate",
    "is_built_in",
    "joint_angles",
    "keypoint_speed",
    "outline_shape",
    "pose_6d",
    "register_signal",
    "signal_kind",
    "signal_kinds",
    "signal_label",
    "signals_for",
]


@dataclass(frozen=True)
class BinnedSignal:
    """The signal of a recording's individuals.

    Attributes
    ----------
    channels
        Names of the channels, each with its unit if it has one.
    values
        Per individual (n_bins, n_channels); NaN where unknown.
    """

    channels: tuple[str, ...]
    values: tuple[NDArray[np.float64], ...]


def signal_kind(name: str) -> SignalKind:
    """Return the signal of that name, or raise an `InputError` that lists them."""
    if name.startswith(COLUMN) and name != COLUMN:
        return column_kind(name.removeprefix(COLUMN))
    if name not in SIGNALS:
        known = f"{', '.join(SIGNALS)}, {COLUMN}NAME"
        raise InputError.of("signal", f"{name!r} is not known", f"choose from {known}, or several with ' + ' between")
    return SIGNALS[name]


def signal_kinds(text: str) -> tuple[SignalKind, ...]:
    """Return the signal of that name, or several with `` + `` between, or raise an `InputError`."""
    return tuple(signal_kind(name) for name in _names(text))


def signal_label(text: str) -> str:
    """Return what users read for a signal, or for several with `` + `` between; an unknown name is its own label."""
    return " + ".join(_label(name) for name in _names(text))


def is_built_in(text: str) -> bool:
    """Return whether a signal, or each of several with `` + `` between, came with the program.

    Raises
    ------
    InputError
        If one of them is not known.
    """
    package = __name__.split(".", maxsplit=1)[0]
    kinds = [signal_kind(name) for name in _names(text) if not name.startswith(COLUMN)]
    return all(kind.function.__module__.split(".", maxsplit=1)[0] == package for kind in kinds)


def signals_for(tracks: Tracks, columns: Columns = NO_COLUMNS, species: Species | None = None) -> tuple[str, ...]:
    """Return the signals that can be computed from these tracks, by name.

    Parameters
    ----------
    tracks, columns
        What a file holds.
    species
        Settings to compute them with, such as the ends of the body axis; the defaults, if it is left out.
    """
    if isinstance(tracks, CutWindows):
        return ("array",)
    settings = species or Species("any")
    held = tracks if isinstance(tracks, Columns) else columns
    registered = sorted(SIGNALS, key=lambda name: SIGNALS[name].needs is Columns)
    names = (*registered, *(COLUMN + name for name in held.names))
    return tuple(name for name in names if _fits(signal_kind(name), tracks, held, settings))


def binned_signal(recording: Recording, species: Species) -> BinnedSignal:
    """Return the signal of a recording's individuals, cleaned and binned as their species' settings say.

    Raises
    ------
    InputError
        If the signal is not known or does not fit the tracks, a setting does not fit, or a needed clock is unknown.
    """
    kinds, clock = signal_kinds(species.signal), recording.timebase
    tracks = clean(recording.tracks, species) if isinstance(recording.tracks, Pose) else recording.tracks
    sources = [_source(kind, tracks, recording.columns, species) for kind in kinds]
    edges = clock.bin_edges(species.bin_rate)
    pairs = list(zip(kinds, sources, strict=True))
    return BinnedSignal(
        channels=tuple(name for kind, source in pairs for name in kind.channels(source, species)),
        values=tuple(
            np.concatenate([bin_mean(kind(source, i, clock, species), edges) for kind, source in pairs], axis=1)
            for i in range(len(recording.individuals))
        ),
    )


def bin_mean(values: NDArray[np.float64], edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean of the known values in each bin.

    Parameters
    ----------
    values
        (n_samples, n_channels).
    edges
        (n_bins + 1,) samples at which the bins begin.

    Returns
    -------
    NDArray
        (n_bins, n_channels); NaN where a bin holds no known value.
    """
    n_bins = edges.size - 1
    if n_bins <= 0:
        return np.empty((0, values.shape[1]))
    means = np.full((n_bins, values.shape[1]), np.nan)
    filled = np.flatnonzero(np.diff(edges) > 0)
    if filled.size:
        inside = values[: edges[-1]]
        known = np.isfinite(inside)
        sums = np.add.reduceat(np.where(known, inside, 0.0), edges[filled], axis=0)
        counts = np.add.reduceat(known.astype(np.int64), edges[filled], axis=0)
        means[filled] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return means


def _label(name: str) -> str:
    try:
        return signal_kind(name).label
    except InputError:
        return name


def _names(text: str) -> list[str]:
    return re.split(r"\s+\+\s+", text.strip())


def _source(kind: SignalKind, tracks: Tracks, columns: Columns, species: Species) -> Tracks:
    """Return what a signal is computed from, or raise an `InputError` that lists the signals that fit."""
    if kind.needs is Columns and columns.names:
        return columns
    if isinstance(tracks, kind.needs):
        return tracks
    fit = ", ".join(signals_for(tracks, columns, species)[:20])
    raise InputError.of(
        f"species {species.name}",
        f"signal {kind.name} needs {SOURCES[kind.needs]}",
        f"choose another signal from {fit}",
    )


def _fits(kind: SignalKind, tracks: Tracks, columns: Columns, species: Species) -> bool:
    try:
        kind.channels(columns if kind.needs is Columns else tracks, species)
    except InputError:
        return False
    return kind.needs is not Columns or bool(columns.names)
