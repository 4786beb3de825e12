"""The clock of one recording."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_atlas.errors import InputError

__all__ = ["TimeBase"]

_ROUNDING = 1e-9


@dataclass(frozen=True)
class TimeBase:
    """Derive every clock of a recording from one integer, the video frame.

    Attributes
    ----------
    n_samples
        Number of tracked samples (pose or outline), one per video frame.
    fps
        Frames per second; NaN where the clock is unknown. Seconds are never invented.
    led_on_frame
        Video frame at which time is zero (the LED, or whatever started the log).
    tracking_start_frame
        Video frame of tracked sample 0.
    """

    n_samples: int
    fps: float = math.nan
    led_on_frame: int = 0
    tracking_start_frame: int = 0

    def __post_init__(self) -> None:
        if self.n_samples < 0:
            raise InputError.of("n_samples", f"{self.n_samples} is negative", "give the number of tracked frames")
        if not (math.isnan(self.fps) or 0 < self.fps < math.inf):
            raise InputError.of("fps", f"{self.fps} is not a frame rate", "give frames per second, such as 30")

    @property
    def known(self) -> bool:
        """Whether frames can be told in seconds."""
        return not math.isnan(self.fps)

    def frame_of_sample(self, sample: ArrayLike) -> NDArray[np.int64]:
        """Return the video frame of each tracked sample."""
        return np.asarray(sample, dtype=np.int64) + self.tracking_start_frame

    def sample_of_frame(self, frame: ArrayLike) -> NDArray[np.int64]:
        """Return the tracked sample of each video frame; below 0 or above n_samples − 1 there is none."""
        return np.asarray(frame, dtype=np.int64) - self.tracking_start_frame

    def seconds_of_frame(self, frame: ArrayLike) -> NDArray[np.float64]:
        """Return seconds since the LED-on frame; NaN where the clock is unknown."""
        return (np.asarray(frame, dtype=np.float64) - self.led_on_frame) / self.fps

    def frame_at(self, seconds: ArrayLike) -> NDArray[np.int64]:
        """Return the video frame on show at each time, in seconds since the LED-on frame.

        Raises
        ------
        InputError
            If the clock is unknown.
        """
        self._require_clock()
        frames = np.asarray(seconds, dtype=np.float64) * self.fps + self.led_on_frame
        return np.floor(frames + _ROUNDING * max(1.0, self.fps)).astype(np.int64)

    def bin_edges(self, bin_rate: float) -> NDArray[np.int64]:
        """Return the (n_bins + 1,) samples at which the bins begin; a trailing partial bin is dropped.

        Parameters
        ----------
        bin_rate
            Bins per second; 0 takes every sample as a bin of its own. A frame rate that is not a whole
            multiple of it is binned by time: bin i holds the samples k with i <= k * bin_rate / fps < i + 1.
        """
        if bin_rate == 0:
            return np.arange(self.n_samples + 1, dtype=np.int64)
        self._require_clock()
        if bin_rate > self.fps:
            raise InputError.of(
                "bin_rate", f"{bin_rate:g} Hz exceeds the {self.fps:g} fps of the recording", "lower it"
            )
        per_bin = self.fps / bin_rate
        n_bins = math.floor(self.n_samples / per_bin + _ROUNDING)
        edges: NDArray[np.int64] = np.ceil(np.arange(n_bins + 1) * per_bin - _ROUNDING * per_bin).astype(np.int64)
        return edges

    def bin_times(self, bin_rate: float) -> NDArray[np.float64]:
        """Return the (n_bins,) start times of the bins in seconds since LED-on; NaN where unknown."""
        n_bins = self.bin_edges(bin_rate).size - 1
        offset = (self.tracking_start_frame - self.led_on_frame) / self.fps
        return np.arange(n_bins) / (bin_rate or self.fps) + offset

    def _require_clock(self) -> None:
        if not self.known:
            raise InputError.of("fps", "the frame rate is unknown", "give it with --fps")
