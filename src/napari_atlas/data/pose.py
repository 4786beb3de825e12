"""Keypoints of one or several animals."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_atlas.errors import InputError

__all__ = ["Pose"]


@dataclass(frozen=True)
class Pose:
    """Tracked keypoints.

    Attributes
    ----------
    positions
        (n_samples, n_individuals, n_keypoints, n_dims), pixels, x before y; NaN where not tracked.
    keypoints, individuals
        Names along the third and the second axis.
    first_frame
        Video frame of sample 0, as the file tells it.
    edges
        Pairs of keypoint indices that the skeleton joins.
    confidence
        (n_samples, n_individuals, n_keypoints), 0 to 1, or empty where the file holds none.
    """

    positions: NDArray[np.floating]
    keypoints: tuple[str, ...]
    individuals: tuple[str, ...]
    first_frame: int = 0
    edges: tuple[tuple[int, int], ...] = ()
    confidence: NDArray[np.floating] = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        shape = self.positions.shape
        if len(shape) != 4 or shape[1:3] != (len(self.individuals), len(self.keypoints)) or shape[3] not in (2, 3):
            raise InputError.of(
                "positions",
                f"shape {shape} does not fit {len(self.individuals)} individuals and {len(self.keypoints)} keypoints",
                "use (n_samples, n_individuals, n_keypoints, 2 or 3)",
            )

    @property
    def n_samples(self) -> int:
        """Number of tracked samples."""
        return int(self.positions.shape[0])

    @property
    def missing_fraction(self) -> float:
        """Fraction of keypoint positions that are not finite."""
        return float(1.0 - self.present().mean()) if self.positions.size else 1.0

    def present(self) -> NDArray[np.bool_]:
        """Return (n_samples, n_individuals, n_keypoints) whether each keypoint is tracked."""
        known = np.isfinite(self.positions)
        return np.asarray(np.logical_and.reduce([known[..., i] for i in range(known.shape[-1])]))

    def points(self, individual: int, sample: int) -> NDArray[np.float64]:
        """Return the (n_keypoints, n_dims) positions at one sample; all NaN outside the track."""
        if 0 <= sample < self.n_samples:
            return np.asarray(self.positions[sample, individual], dtype=np.float64)
        return np.full(self.positions.shape[2:], np.nan)

    def keypoint_indices(self, names: tuple[str, ...]) -> list[int]:
        """Return the indices of *names*, all keypoints if there are none.

        Raises
        ------
        InputError
            If a name is not a keypoint of this pose.
        """
        unknown = [name for name in names if name not in self.keypoints]
        if unknown:
            raise InputError.of(
                "keypoints", f"no keypoint is called {', '.join(unknown)}", f"choose from {', '.join(self.keypoints)}"
            )
        return [self.keypoints.index(name) for name in names] or list(range(len(self.keypoints)))
