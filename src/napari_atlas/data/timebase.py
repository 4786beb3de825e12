"""The clock of one recording."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_atlas.errors import InputError

__all__ = ["TimeBase"]

_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class TimeBase:
    """Derive every clock of a recording from one integer, the video frame.

    Attributes
    ----------
    n_samples
        Number of tracked samples (pose or outline), one per video frame.
    fps
        Frames per second; NaN where the clock is unknown. Seconds are never invented.
    led_on_frame
        Video frame at which time is zero (the LED, or whatever started the log). Not used where ``frame_times`` tell.
    tracking_start_frame
        Video frame of tracked sample 0.
    frame_times
        (n_times,) seconds since time zero at which video frames were taken, rising, where they were recorded; a
        camera that drops frames or runs at a variable rate has them. Empty where frames are evenly spaced at ``fps``.
        Other frames have no time.
    first_timed_frame
        Video frame that the first of ``frame_times`` belongs to; never after the tracking starts.
    """

    n_samples: int
    fps: float = math.nan
    led_on_frame: int = 0
    tracking_start_frame: int = 0
    frame_times: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    first_timed_frame: int = 0

    def __post_init__(self) -> None:
        if self.n_samples < 0:
            raise InputError.of("n_samples", f"{self.n_samples} is negative", "give the number of tracked frames")
        times = self.frame_times
        if times.size and not (np.isfinite(times).all() and (np.diff(times) > 0).all()):
            raise InputError.of("timestamps", "they do not rise from frame to frame", "give one rising time per frame")
        if times.size and self.tracking_start_frame < self.first_timed_frame:
            told = f"{self.tracking_start_frame} lies before the first timestamp, of frame {self.first_timed_frame}"
            raise InputError.of("tracking_start_frame", told, "give the frame of the first tracked sample")
        if math.isnan(self.fps) and times.size > 1:
            object.__setattr__(self, "fps", float(1.0 / np.median(np.diff(times))))
        if not (math.isnan(self.fps) or 0 < self.fps < math.inf):
            raise InputError.of("fps", f"{self.fps} is not a frame rate", "give frames per second, such as 30")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TimeBase):
            return NotImplemented
        pairs = [(getattr(self, field.name), getattr(other, field.name)) for field in fields(self)]
        return all(np.array_equal(mine, theirs, equal_nan=True) for mine, theirs in pairs)

    __hash__ = None  # type: ignore[assignment]

    @property
    def known(self) -> bool:
        """Whether frames can be told in seconds."""
        return not math.isnan(self.fps)

    @property
    def even(self) -> bool:
        """Whether frames are evenly spaced."""
        return not self.frame_times.size

    def frame_of_sample(self, sample: ArrayLike) -> NDArray[np.int64]:
        """Return the video frame of each tracked sample."""
        return np.asarray(sample, dtype=np.int64) + self.tracking_start_frame

    def sample_of_frame(self, frame: ArrayLike) -> NDArray[np.int64]:
        """Return the tracked sample of each video frame; below 0 or above n_samples − 1 there is none."""
        return np.asarray(frame, dtype=np.int64) - self.tracking_start_frame

    def seconds_of_frame(self, frame: ArrayLike) -> NDArray[np.float64]:
        """Return seconds since time zero; NaN where the clock is unknown and for frames without a recorded time."""
        frames = np.asarray(frame, dtype=np.float64)
        if self.even:
            return (frames - self.led_on_frame) / self.fps
        rows = frames.astype(np.int64) - self.first_timed_frame
        inside = (rows >= 0) & (rows < self.frame_times.size)
        return np.where(inside, self.frame_times[np.clip(rows, 0, self.frame_times.size - 1)], np.nan)

    def frame_at(self, seconds: ArrayLike) -> NDArray[np.int64]:
        """Return the video frame on show at each time, in seconds since time zero.

        Before the first of ``frame_times`` it is the frame before theirs, after the last one their last.

        Raises
        ------
        InputError
            If the clock is unknown.
        """
        self._require_clock()
        times = np.asarray(seconds, dtype=np.float64)
        if not self.even:
            rows = np.searchsorted(self.frame_times, times + _ROUNDING, side="right") - 1
            return np.asarray(rows + self.first_timed_frame, dtype=np.int64)
        frames = times * self.fps + self.led_on_frame
        return np.floor(frames + _ROUNDING * max(1.0, self.fps)).astype(np.int64)

    def bin_edges(self, bin_rate: float) -> NDArray[np.int64]:
        """Return the (n_bins + 1,) samples at which the bins begin; a trailing partial bin is dropped.

        Parameters
        ----------
        bin_rate
            Bins per second; 0 takes every sample as a bin of its own. A frame rate that is not a whole
            multiple of it is binned by time: bin i holds the samples k with i <= k * bin_rate / fps < i + 1, or
            those whose recorded time lies in it. Where frames were dropped for longer than a bin, it holds none.
        """
        if bin_rate == 0:
            return np.arange(self.n_samples + 1, dtype=np.int64)
        self._require_clock()
        if bin_rate > self.fps * (1 + _ROUNDING):
            raise InputError.of(
                "bin_rate", f"{bin_rate:g} Hz exceeds the {self.fps:g} fps of the recording", "lower it"
            )
        if not self.even:
            return self._edges_by_time(bin_rate)
        per_bin = self.fps / bin_rate
        n_bins = math.floor(self.n_samples / per_bin + _ROUNDING)
        edges: NDArray[np.int64] = np.ceil(np.arange(n_bins + 1) * per_bin - _ROUNDING * per_bin).astype(np.int64)
        return edges

    def bin_times(self, bin_rate: float) -> NDArray[np.float64]:
        """Return the (n_bins,) start times of the bins in seconds since time zero; NaN where unknown."""
        n_bins = self.bin_edges(bin_rate).size - 1
        if not self.even:
            times = self._sample_times()
            if bin_rate == 0:
                return np.concatenate([times, np.full(n_bins - times.size, np.nan)])
            return np.arange(n_bins) / bin_rate + (times[0] if times.size else math.nan)
        offset = (self.tracking_start_frame - self.led_on_frame) / self.fps
        return np.arange(n_bins) / (bin_rate or self.fps) + offset

    def bin_of_sample(self, sample: ArrayLike, bin_rate: float) -> NDArray[np.int64]:
        """Return the bin that holds each sample; −1 before the first and n_bins beyond the last whole bin."""
        edges = self.bin_edges(bin_rate)
        return np.asarray(np.searchsorted(edges, np.asarray(sample), side="right") - 1, dtype=np.int64)

    def _sample_times(self) -> NDArray[np.float64]:
        """Return the recorded times of the samples that have one; they are the first ones."""
        start = self.tracking_start_frame - self.first_timed_frame
        return self.frame_times[start : start + self.n_samples]

    def _edges_by_time(self, bin_rate: float) -> NDArray[np.int64]:
        times = self._sample_times()
        if not times.size:
            return np.zeros(1, dtype=np.int64)
        elapsed = times - times[0]
        n_bins = math.floor((elapsed[-1] + 1.0 / self.fps) * bin_rate + _ROUNDING)
        begins = np.arange(n_bins + 1) / bin_rate
        return np.asarray(np.searchsorted(elapsed, begins - _ROUNDING, side="left"), dtype=np.int64)

    def _require_clock(self) -> None:
        if not self.known:
            raise InputError.of("fps", "the frame rate is unknown", "give it with --fps")
