"""Signals of recordings, kept so that opening a project computes none of them again."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np

from napari_atlas import __version__
from napari_atlas.data.recording import CutWindows, Recording
from napari_atlas.data.signals import BinnedSignal, binned_signal, is_built_in
from napari_atlas.data.species import Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.errors import AtlasError, InputError
from napari_atlas.io._sniff import zip_names
from napari_atlas.io.atomic import read_arrays, write_arrays

__all__ = ["kept_signals", "signal_file"]

FORMAT = 1  # higher whenever a built-in signal, or the cleaning before it, gives other values


def kept_signals(folder: Path, source: str) -> Callable[[Recording, Species], BinnedSignal]:
    """Return a function that gives the binned signal of a recording, and keeps it in a project's folder.

    A cache that is damaged, or cannot be written, is no fault: the signal is computed. Signals that a lab has
    registered itself are computed each time, because their code may change from day to day.

    Parameters
    ----------
    folder
        The project folder; caches lie in its ``signals`` and may be deleted at any time.
    source
        Hash of the file, and of the part of it, that the recording's tracks were read from.
    """

    def signal_of(recording: Recording, species: Species) -> BinnedSignal:
        if isinstance(recording.tracks, CutWindows) or not is_built_in(species.signal):
            return binned_signal(recording, species)
        path = signal_file(folder, source, species, recording.timebase)
        with contextlib.suppress(AtlasError):
            return _load(path, recording, species)
        signal = binned_signal(recording, species)
        with contextlib.suppress(AtlasError):
            _save(path, signal)
        return signal

    return signal_of


def signal_file(folder: Path, source: str, species: Species, clock: TimeBase) -> Path:
    """Return where a signal is kept: another recipe, clock or version of the program has another file."""
    recipe = (species.signal, species.keypoints, species.bin_rate, sorted(species.refinements.items()))
    digest = hashlib.blake2b(repr((FORMAT, __version__, recipe)).encode(), digest_size=8)
    for field in fields(clock):
        value = getattr(clock, field.name)
        digest.update(field.name.encode())
        digest.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    return folder / "signals" / f"{source}-{digest.hexdigest()}.signal.npz"


def _save(path: Path, signal: BinnedSignal) -> None:
    write_arrays(path, channels=np.array(signal.channels, dtype=np.str_), values=np.stack(signal.values))


def _load(path: Path, recording: Recording, species: Species) -> BinnedSignal:
    """Return a kept signal, or raise an `InputError` if there is none that fits the recording."""
    cure = "delete it, it will be made again"
    if not zip_names(path):
        raise InputError.of(path, "there is no readable cache of a signal", cure)
    arrays = read_arrays(path)
    channels, values = arrays.get("channels", np.empty(0)), arrays.get("values", np.empty(0))
    n_bins = recording.timebase.bin_edges(species.bin_rate).size - 1
    if values.shape != (len(recording.individuals), n_bins, channels.size) or values.dtype != np.float64:
        raise InputError.of(path, "it does not fit its recording", cure)
    return BinnedSignal(tuple(str(name) for name in channels), tuple(values))
