"""Windows: one signal per individual and an index table; the windows themselves are never materialised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_atlas.data.covariate_columns import (
    CovariateColumn,
    bins_of_course,
    covariates_on_bins,
    merged,
    over_windows,
)
from napari_atlas.data.cutting import recover_tracks
from napari_atlas.data.recording import CutWindows, Recording
from napari_atlas.data.signals import BinnedSignal, binned_signal
from napari_atlas.data.species import COLORS, MARKERS, Species
from napari_atlas.data.timebase import TimeBase
from napari_atlas.data.track_signals import TrackSignals
from napari_atlas.errors import InputError

__all__ = ["SPLITS", "Track", "TrackKey", "WindowTable", "Windows", "make_tracks"]

SPLITS = ("train", "validation", "test", "gap")
MAX_MISSING = 0.3


@dataclass(frozen=True)
class TrackKey:
    """Whose signal it is."""

    species: str
    recording: str
    individual: str


@dataclass(frozen=True)
class Track:
    """The binned signal of one individual in one recording.

    Attributes
    ----------
    key
        Species, recording and individual.
    values
        (n_bins, n_channels), NaN where unknown.
    times
        (n_bins,) bin starts in seconds since LED-on; NaN where the clock is unknown.
    frames
        (n_bins + 1,) video frames at which the bins begin.
    temperature
        (n_bins,) °C, NaN where unknown.
    length
        Bins per window.
    starts
        (n_candidates,) first bin of each candidate window.
    labels
        (n_candidates,) °C of each candidate, or empty: then it is the median over the window.
    channels
        Name of each channel, with its unit if it has one; empty where they have no names.
    covariates
        Other numbers and classes, one value per bin.
    """

    key: TrackKey
    values: NDArray[np.float64]
    times: NDArray[np.float64]
    frames: NDArray[np.int64]
    temperature: NDArray[np.float64]
    length: int
    starts: NDArray[np.int64]
    labels: NDArray[np.float64]
    channels: tuple[str, ...] = ()
    covariates: tuple[CovariateColumn, ...] = ()


def make_tracks(
    recording: Recording, species: Species, signal_of: Callable[[Recording, Species], BinnedSignal] = binned_signal
) -> list[Track]:
    """Return one track per individual of a recording.

    Parameters
    ----------
    recording, species
        Whose tracks, and the settings of their signal.
    signal_of
        What gives the binned signal, where it may have been kept from earlier.

    Raises
    ------
    InputError
        If the signal does not fit the tracks, or a needed clock is unknown.
    """
    if isinstance(recording.tracks, CutWindows):
        return [_cut_track(recording, i) for i in range(len(recording.individuals))]
    signal, clock = signal_of(recording, species), recording.timebase
    edges, times = clock.bin_edges(species.bin_rate), clock.bin_times(species.bin_rate)
    rate = (species.bin_rate or clock.fps) if clock.known else 1.0
    length, step = species.bins(species.window, rate), species.bins(species.stride, rate)
    starts = np.arange(0, max(0, edges.size - length), step, dtype=np.int64)
    return [
        Track(
            key=TrackKey(species.name, recording.name, name),
            values=signal.values[i],
            times=times,
            frames=clock.frame_of_sample(edges),
            temperature=bins_of_course(recording.temperature, recording, edges, times),
            length=length,
            starts=starts,
            labels=np.empty(0),
            channels=signal.channels,
            covariates=covariates_on_bins(recording, i, edges, times),
        )
        for i, name in enumerate(recording.individuals)
    ]


@dataclass(frozen=True)
class WindowTable:
    """One row per window; the window id is the row.

    Attributes
    ----------
    keys
        Whose tracks there are.
    track
        (n_windows,) index into ``keys``.
    start, stop
        (n_windows,) first bin and the bin after the last, counted within the track.
    first_frame, stop_frame
        (n_windows,) video frames that the window spans, the second one excluded.
    seconds
        (n_windows,) middle of the window in seconds since LED-on; NaN where unknown.
    temperature
        (n_windows,) °C; NaN where unknown.
    activity
        (n_windows,) mean of the first channel in the signal's own unit.
    split
        (n_windows,) index into ``SPLITS``.
    covariates
        Other numbers and classes, one value per window.
    """

    keys: tuple[TrackKey, ...]
    track: NDArray[np.int32]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    first_frame: NDArray[np.int64]
    stop_frame: NDArray[np.int64]
    seconds: NDArray[np.float64]
    temperature: NDArray[np.float64]
    activity: NDArray[np.float64]
    split: NDArray[np.int8]
    covariates: tuple[CovariateColumn, ...] = ()

    def __len__(self) -> int:
        return int(self.track.size)

    def species_names(self) -> tuple[str, ...]:
        """Return the species, in order of first appearance."""
        return tuple(dict.fromkeys(key.species for key in self.keys))

    def of_key(self, name: str) -> NDArray[np.str_]:
        """Return (n_windows,) names: ``"species"``, ``"recording"`` or ``"individual"`` of each window."""
        names = np.array([getattr(key, name) for key in self.keys] or [""])
        return names[self.track] if len(self) else np.empty(0, dtype=names.dtype)

    def rows_of(self, species: str) -> NDArray[np.int64]:
        """Return the window ids of one species, rising."""
        mine = np.array([key.species == species for key in self.keys], dtype=bool)
        return np.flatnonzero(mine[self.track]) if len(self) else np.empty(0, dtype=np.int64)

    def in_split(self, name: str) -> NDArray[np.bool_]:
        """Return (n_windows,) whether each window belongs to a part, such as ``"test"``."""
        return np.asarray(self.split == SPLITS.index(name))

    def centre_frame(self) -> NDArray[np.int64]:
        """Return the (n_windows,) video frame in the middle of each window."""
        return (self.first_frame + self.stop_frame) // 2

    @property
    def has_temperature(self) -> bool:
        """Whether any window has a temperature."""
        return bool(np.isfinite(self.temperature).any())


@dataclass(frozen=True)
class Windows:
    """Signals and the table that says where the windows lie in them.

    Attributes
    ----------
    table
        One row per window.
    species
        Their settings, in order of first appearance in the table.
    signals
        Per species, those of its tracks.
    offsets
        (n_windows,) row of each window's first bin in its species' signal.
    lengths
        Per species, bins per window.
    track_offsets
        (n_tracks,) row at which each track begins in its species' signal.
    """

    table: WindowTable
    species: tuple[Species, ...]
    signals: Mapping[str, TrackSignals]
    offsets: NDArray[np.int64]
    lengths: Mapping[str, int]
    track_offsets: NDArray[np.int64]

    @classmethod
    def from_tracks(
        cls, tracks: Iterable[Track], species: Iterable[Species], max_missing: float = MAX_MISSING
    ) -> Windows:
        """Return the windows of *tracks*, less those with more than *max_missing* of their values missing."""
        by_name = {s.name: s for s in species}
        order = {name: i for i, name in enumerate(by_name)}
        kept = sorted(tracks, key=lambda t: order[t.key.species])
        names = list(dict.fromkeys(t.key.species for t in kept))
        _check_agreement(kept)
        track_offsets = _track_offsets(kept)
        chosen = [_choose(track, max_missing) for track in kept]
        table = _table(kept, chosen)
        return cls(
            table=table,
            species=tuple(by_name[name] for name in names),
            signals={n: TrackSignals.of(t.values for t in kept if t.key.species == n) for n in names},
            offsets=track_offsets[table.track] + table.start if len(table) else np.empty(0, dtype=np.int64),
            lengths={t.key.species: t.length for t in kept},
            track_offsets=track_offsets,
        )

    @classmethod
    def from_arrays(
        cls, windows: Mapping[str, ArrayLike], temperatures: Mapping[str, ArrayLike] | None = None
    ) -> Windows:
        """Return windows that were cut elsewhere, as one recording per species without video or clock.

        Parameters
        ----------
        windows
            Per species (n_windows, n_times, n_channels) or (n_windows, n_times).
        temperatures
            Per species (n_windows,) °C; a species that is not named has none.
        """
        tracks: list[Track] = []
        species: list[Species] = []
        for i, (name, stack) in enumerate(windows.items()):
            cut = recover_tracks(stack, (temperatures or {}).get(name, ()))
            marker, color = MARKERS[i % len(MARKERS)], COLORS[i % len(COLORS)]
            species.append(Species(name, "array", bin_rate=0, marker=marker, color=color))
            tracks += make_tracks(Recording(name, name, cut, TimeBase(cut.n_samples)), species[-1])
        return cls.from_tracks(tracks, species)

    def gather(self, ids: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the (n_ids, n_times, n_channels) windows of one species, NaN where unknown, in the signal's unit.

        Raises
        ------
        InputError
            If the ids belong to more than one species.
        """
        names = {self.table.keys[t].species for t in np.unique(self.table.track[ids])}
        if len(names) != 1:
            raise InputError.of("window ids", f"they belong to {len(names)} species", "ask for one species at a time")
        name = names.pop()
        return self.signals[name].gather(self.offsets[ids], self.lengths[name])

    def with_split(self, split: NDArray[np.int8]) -> Windows:
        """Return the same windows with another split."""
        return replace(self, table=replace(self.table, split=split))


def _cut_track(recording: Recording, individual: int) -> Track:
    cut = recording.tracks
    assert isinstance(cut, CutWindows)
    values, clock = cut.values[individual], recording.timebase
    samples = np.arange(len(values) + 1, dtype=np.int64)
    return Track(
        key=TrackKey(recording.species, recording.name, cut.individuals[individual]),
        values=values,
        times=clock.seconds_of_frame(clock.frame_of_sample(samples[:-1])),
        frames=clock.frame_of_sample(samples),
        temperature=_spread(cut, individual),
        length=cut.length,
        starts=cut.starts[individual],
        labels=cut.temperatures[individual],
        covariates=covariates_on_bins(recording, individual, samples, np.arange(len(values), dtype=np.float64)),
    )


def _spread(cut: CutWindows, individual: int) -> NDArray[np.float64]:
    """Return (n_samples,) °C for drawing: each window's label at its middle, joined by lines."""
    labels, n = cut.temperatures[individual], len(cut.values[individual])
    known = np.isfinite(labels)
    if not known.any():
        return np.full(n, np.nan)
    return np.interp(np.arange(n), cut.starts[individual][known] + cut.length / 2, labels[known])


def _choose(track: Track, max_missing: float) -> NDArray[np.int64]:
    """Return which candidate windows are complete enough."""
    missing = np.concatenate([[0], np.cumsum(np.isnan(track.values).sum(axis=1))])
    inside = np.flatnonzero(track.starts + track.length <= len(track.values))
    starts = track.starts[inside]
    allowed = max_missing * track.length * track.values.shape[1]
    enough = missing[starts + track.length] - missing[starts] <= allowed + 1e-9
    return np.asarray(inside[enough])


def _labels(track: Track, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    if track.labels.size:
        return track.labels[chosen]
    if not np.isfinite(track.temperature).any() or not chosen.size:
        return np.full(chosen.size, np.nan)
    bins = track.temperature[track.starts[chosen][:, None] + np.arange(track.length)]
    known = np.isfinite(bins).any(axis=1)
    labels = np.full(chosen.size, np.nan)
    labels[known] = np.nanmedian(bins[known], axis=1)
    return labels


def _activity(track: Track, starts: NDArray[np.int64]) -> NDArray[np.float64]:
    first = track.values[:, 0]
    known = np.isfinite(first)
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, first, 0.0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    n = counts[starts + track.length] - counts[starts]
    mean: NDArray[np.float64] = (sums[starts + track.length] - sums[starts]) / np.maximum(n, 1)
    return np.where(n > 0, mean, np.nan)


def _table(tracks: list[Track], chosen: list[NDArray[np.int64]]) -> WindowTable:
    starts = [t.starts[c] for t, c in zip(tracks, chosen, strict=True)]
    pairs = list(zip(tracks, starts, strict=True))

    def column(kind: type[np.generic], parts: Iterable[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([np.empty(0, dtype=kind), *parts]).astype(kind, copy=False)

    return WindowTable(
        keys=tuple(t.key for t in tracks),
        track=column(np.int32, (np.full(s.size, i, dtype=np.int32) for i, s in enumerate(starts))),
        start=column(np.int64, starts),
        stop=column(np.int64, (s + t.length for t, s in pairs)),
        first_frame=column(np.int64, (t.frames[s] for t, s in pairs)),
        stop_frame=column(np.int64, (t.frames[s + t.length] for t, s in pairs)),
        seconds=column(np.float64, ((t.times[s] + t.times[s + t.length - 1] + _bin_seconds(t)) / 2 for t, s in pairs)),
        temperature=column(np.float64, (_labels(t, c) for t, c in zip(tracks, chosen, strict=True))),
        activity=column(np.float64, (_activity(t, s) for t, s in pairs)),
        split=np.zeros(sum(s.size for s in starts), dtype=np.int8),
        covariates=merged([([over_windows(c, s, t.length) for c in t.covariates], s.size) for t, s in pairs]),
    )


def _bin_seconds(track: Track) -> float:
    return float(track.times[1] - track.times[0]) if track.times.size > 1 else 0.0


def _track_offsets(tracks: list[Track]) -> NDArray[np.int64]:
    ends: dict[str, int] = {}
    offsets = np.zeros(len(tracks), dtype=np.int64)
    for i, track in enumerate(tracks):
        offsets[i] = ends.get(track.key.species, 0)
        ends[track.key.species] = int(offsets[i]) + len(track.values)
    return offsets


def _check_agreement(tracks: list[Track]) -> None:
    """Refuse a species whose recordings differ in window length or channels."""
    seen: dict[str, Track] = {}
    for track in tracks:
        first = seen.setdefault(track.key.species, track)
        for what, mine, theirs in (
            ("bins per window", track.length, first.length),
            ("channels", track.values.shape[1], first.values.shape[1]),
        ):
            if mine != theirs:
                raise InputError.of(
                    f"recording {track.key.recording}",
                    f"{mine} {what}, but recording {first.key.recording} of the same species has {theirs}",
                    "give it a species name of its own",
                )
        for i, (mine, theirs) in enumerate(zip(track.channels, first.channels, strict=False)):
            if mine != theirs:
                raise InputError.of(
                    f"recording {track.key.recording}",
                    f"channel {i + 1} is {mine}, but in recording {first.key.recording} of the same species {theirs}",
                    "name the keypoints of the species, or give it a species name of its own",
                )
