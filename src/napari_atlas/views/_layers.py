"""The few napari layers that show one recording: the video and what was tracked, for the current frame only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.drawing import drawing_of
from napari_atlas.data.outline import Outline
from napari_atlas.data.pose import Pose
from napari_atlas.data.recording import Recording

__all__ = ["Layers", "blank_video"]

VIDEO, NODES, LINES, OTHERS = "video", "keypoints", "outline", "other animals"
_GREY = "#AEB6C2"
_LARGEST = 4096  # pixels of a stand-in: a few wild coordinates must not fill the memory


def blank_video(recording: Recording) -> NDArray[np.uint8]:
    """Return a dark (n_frames, height, width, 3) stand-in for a video, large enough for the tracks, without memory."""
    height, width = 240, 320
    tracks = recording.tracks
    if isinstance(tracks, Pose):
        flat = tracks.positions[..., :2].reshape(-1, 2)
        known = flat[np.isfinite(flat).all(axis=1)]
        width, height = (max(64, int(v) + 20) for v in np.percentile(known, 99.9, axis=0))
    elif isinstance(tracks, Outline):
        width, height = (max(64, int(v) + 20) for v in np.concatenate(tracks.vertices).max(axis=0))
    width, height = min(width, _LARGEST), min(height, _LARGEST)
    n_frames = recording.timebase.tracking_start_frame + max(1, tracks.n_samples)
    return np.broadcast_to(np.array([16, 20, 27], dtype=np.uint8), (n_frames, height, width, 3))


class Layers:
    """Video, the animal in focus and the others, as layers whose data is swapped frame by frame.

    Parameters
    ----------
    viewer
        The napari viewer.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer

    def show_video(self, video: Any, name: str) -> None:
        """Put another video into the same layer."""
        layers = self._viewer.layers
        if VIDEO in layers:
            layers[VIDEO].data = video
        else:
            self._viewer.add_image(video, name=VIDEO, rgb=True, multiscale=False, contrast_limits=(0, 255))
            layers.move(len(layers) - 1, 0)
        layers[VIDEO].metadata["recording"] = name

    def refresh_video(self) -> None:
        """Look at the video's frame again."""
        if VIDEO in self._viewer.layers:
            self._viewer.layers[VIDEO].refresh()

    def draw(self, recording: Recording, individual: int, frame: int, color: str) -> None:
        """Draw the animal in focus in its species' colour and the others in grey."""
        nodes, lines = drawing_of(recording, individual, frame)
        rest = [drawing_of(recording, i, frame) for i in range(len(recording.individuals)) if i != individual]
        other_lines = np.concatenate([np.empty((0, 2, 2)), *(b for _, b in rest)])
        if not len(other_lines) and rest:
            other_lines = _dots(np.concatenate([a for a, _ in rest]))
        self._points(NODES, nodes, color)
        self._vectors(LINES, lines, color, 2.0)
        self._vectors(OTHERS, other_lines, _GREY, 1.2)

    def clear(self) -> None:
        """Take the layers away."""
        for name in (VIDEO, NODES, LINES, OTHERS):
            if name in self._viewer.layers:
                self._viewer.layers.remove(name)

    def _points(self, name: str, data: NDArray[np.float64], color: str) -> None:
        layers = self._viewer.layers
        if name in layers:
            layer = layers[name]
            if layer.selected_data:
                layer.selected_data = set()
            layer.data = data
        elif len(data):
            style = {"face_color": color, "border_color": "#10131A", "border_width": 0.12}
            layer = self._viewer.add_points(data, name=name, size=_size(self._viewer, 0.012), **style)
        else:
            return
        _recolor(layer, "face_color", color)
        _set_visible(layer, len(data) > 0)

    def _vectors(self, name: str, data: NDArray[np.float64], color: str, width: float) -> None:
        layers = self._viewer.layers
        if name in layers:
            layer = layers[name]
            layer.data = data
        elif len(data):
            scale = _size(self._viewer, 0.002)
            layer = self._viewer.add_vectors(
                data, name=name, edge_color=color, edge_width=width * scale, vector_style="line", opacity=0.95
            )
        else:
            return
        _recolor(layer, "edge_color", color)
        _set_visible(layer, len(data) > 0)


def _size(viewer: Any, share: float) -> float:
    return float(max(1.0, share * max(viewer.layers[VIDEO].data.shape[1:3])))


def _set_visible(layer: Any, visible: bool) -> None:
    """Show or hide a layer; napari slices it anew even if nothing changes."""
    if layer.visible != visible:
        layer.visible = visible


def _recolor(layer: Any, attribute: str, color: str) -> None:
    """Give all marks one colour; the shown colour is kept in the metadata, since reading it back is slow."""
    key = (color, len(layer.data))
    if layer.metadata.get("drawn") != key and len(layer.data):
        setattr(layer, attribute, color)
        layer.metadata["drawn"] = key


def _dots(nodes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return short strokes for keypoints without a skeleton."""
    return np.stack([nodes - [0.0, 1.0], np.broadcast_to([0.0, 2.0], nodes.shape)], axis=1)
