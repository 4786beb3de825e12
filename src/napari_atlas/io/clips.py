"""Clips of a project's recordings."""

from __future__ import annotations

from pathlib import Path

from napari_atlas.data.clip import Clip
from napari_atlas.data.windows import WindowTable

__all__ = ["ClipLibrary"]


class ClipLibrary:
    """Read clips of a project, from any thread; recordings and videos that were used last stay open.

    Parameters
    ----------
    project
        The project folder.
    """

    def __init__(self, project: Path) -> None:
        self.project = project

    def clip(self, table: WindowTable, window: int, size: tuple[int, int] = (240, 180), most: int = 60) -> Clip:
        """Return the clip of a window.

        Parameters
        ----------
        table, window
            The window and its table.
        size
            Width and height of the pictures.
        most
            Pictures at most; of a longer window evenly spread ones.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Close the videos."""
