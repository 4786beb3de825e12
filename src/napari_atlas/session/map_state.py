"""How the latent is laid out and drawn; the same for two maps side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["AXES", "SHOWN", "MapState"]

AXES = ("map", "pca", "latent")
# Windows of which splits the map brings forward; the others turn grey.
SHOWN = ("all windows", "held-out (test)", "train")


@dataclass(frozen=True)
class MapState:
    """What the user chose for the map.

    Attributes
    ----------
    axes
        One of `AXES`: the run's map (UMAP), principal components, or latent dimensions as they are.
    dims
        Which components or latent dimensions, from 0; two or three.
    density
        Whether a picture of how many windows lie where takes the place of the points.
    shown
        One of `SHOWN`.
    limits
        By column, the least and the greatest value that its scale runs between; others have those of their values.
    """

    axes: str = "map"
    dims: tuple[int, ...] = (0, 1)
    density: bool = False
    shown: str = SHOWN[0]
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def solid(self) -> bool:
        """Whether it has three dimensions."""
        return len(self.dims) == 3
