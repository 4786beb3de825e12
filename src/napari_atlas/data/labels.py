"""Behaviour labels, one class per video frame and stream."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_atlas.errors import InputError

__all__ = ["Labels"]


@dataclass(frozen=True)
class Labels:
    """The labels of one recording; labels that exist are valid.

    Attributes
    ----------
    streams
        Names, such as ``"S1"`` or an animal's; each stream gives every frame at most one class.
    classes
        Per stream the names of its classes, in order of first appearance.
    codes
        (n_streams, n_frames) index into the stream's classes, −1 where a frame has no label.
    first_frame
        Video frame of the first label, counted from 0.
    fps
        Frames per second; NaN where the file does not tell.
    notes
        Plain sentences for the user.
    """

    streams: tuple[str, ...]
    classes: tuple[tuple[str, ...], ...]
    codes: NDArray[np.int64]
    first_frame: int = 0
    fps: float = math.nan
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.streams or self.codes.ndim != 2 or {len(self.classes), len(self.codes)} != {len(self.streams)}:
            raise InputError.of(
                "labels",
                f"{len(self.classes)} lists of classes and codes of shape {self.codes.shape} for "
                f"{len(self.streams)} streams",
                "use (n_streams, n_frames)",
            )
        for name, classes, codes in zip(self.streams, self.classes, self.codes, strict=True):
            if codes.min(initial=-1) < -1 or codes.max(initial=-1) >= len(classes):
                raise InputError.of(f"labels {name}", "its codes do not fit its classes", "use −1 to n_classes − 1")

    @property
    def n_frames(self) -> int:
        """Number of frames that are covered, labelled or not."""
        return int(self.codes.shape[1])
