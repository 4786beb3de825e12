"""Where the camera looks: at the whole picture, or at the animal in focus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_atlas.data.drawing import drawing_of

if TYPE_CHECKING:
    from napari_atlas.data.recording import Recording
    from napari_atlas.session.state import Cursor

__all__ = ["Lens"]

_NEARER = 2.5
_NEAR = 1.05
_STEP = 50  # frames further apart than this are a jump, nearer ones are played


class Lens:
    """Keep the animal in view.

    With `follow`, it stays in the middle. Without, the camera moves only where the user has zoomed in: a jump to
    another place brings the animal there into the middle.

    Parameters
    ----------
    viewer
        The napari viewer.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        # It moved to the scene in napari 0.9.
        self._camera = getattr(viewer, "scene", viewer).camera
        self._whole = 0.0
        self._follow = False
        self._looked: tuple[Recording, int, Cursor] | None = None

    @property
    def follow(self) -> bool:
        """Whether the animal stays in the middle."""
        return self._follow

    def set_follow(self, follow: bool) -> None:
        """Keep the animal in the middle and come nearer, or show the whole picture."""
        self._follow = follow
        if not follow:
            self.show_all()
        elif self._looked is not None:
            if not self._is_near():
                self._camera.zoom = self._whole * _NEARER
            self._centre(*self._looked)

    def show_all(self) -> None:
        """Show the whole picture; while an animal is followed, from as near as before."""
        zoom = self._camera.zoom
        self._viewer.reset_view()
        self._whole = self._camera.zoom
        if self._follow:
            self._camera.zoom = max(zoom, self._whole * _NEARER)

    def look(self, recording: Recording, individual: int, cursor: Cursor) -> None:
        """Look at an animal in a video frame."""
        before = self._looked
        self._looked = (recording, individual, cursor)
        if before is None:
            return
        same = before[0] is recording and before[1] == individual
        jumped = not same or abs(before[2].frame - cursor.frame) > _STEP
        if self._follow or (jumped and self._is_near()):
            self._centre(recording, individual, cursor)

    def _is_near(self) -> bool:
        return bool(self._whole and self._camera.zoom > self._whole * _NEAR)

    def _centre(self, recording: Recording, individual: int, cursor: Cursor) -> None:
        nodes, lines = drawing_of(recording, individual, cursor.frame)
        marks = nodes if len(nodes) else lines[:, 0]
        if len(marks):
            row, column = np.asarray(marks).mean(axis=0)
            self._camera.center = (0.0, float(row), float(column))
