"""Between the session and napari: video, pose or outline, slider, and the line over the video."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.utils.notifications import show_error
from superqt.utils import ensure_main_thread

from napari_atlas import workflow
from napari_atlas.data.atlas import Atlas, RecordingInfo
from napari_atlas.data.drawing import drawing_of
from napari_atlas.data.outline import Outline
from napari_atlas.data.recording import Recording
from napari_atlas.errors import InputError
from napari_atlas.io.prompt_video import PromptVideo
from napari_atlas.io.proxy import open_proxy
from napari_atlas.io.video import open_video
from napari_atlas.session.linking import window_at, window_rank
from napari_atlas.session.session import Cursor, Session
from napari_atlas.views._canvas import Links
from napari_atlas.views._layers import Layers, blank_video
from napari_atlas.views._lens import Lens
from napari_atlas.views._time import clock_text
from napari_atlas.views._worker import call_in_thread

__all__ = ["Bridge", "Shown", "readout"]

_CLICK_PIXELS = 30.0
_UNFITTED = "#9AA5B1"  # of a species that the run on show does not know


@dataclass(frozen=True, eq=False)
class Shown:
    """The recording on show, with its video opened.

    ``info`` is what the atlas told of it when it was loaded. ``video`` is an array (n_frames, height, width, 3);
    ``n_video_frames`` 0 means that there is no video. ``fault`` tells why, or what is wrong with the one there is.
    """

    info: RecordingInfo
    recording: Recording
    video: Any
    n_video_frames: int
    fault: str = ""

    @property
    def note(self) -> str:
        """What to know about the picture on show; empty if it is the frame itself."""
        return self.fault or getattr(self.video, "fault", "") or getattr(self.video, "stand_in", "")

    def close(self) -> None:
        """Close the video."""
        if isinstance(self.video, PromptVideo):
            self.video.close()


def readout(atlas: Atlas, shown: Shown, cursor: Cursor) -> str:
    """Return the line over the video: animal, clock time, temperature, prediction, window."""
    clock = shown.recording.timebase
    seconds = float(clock.seconds_of_frame(cursor.frame))
    parts = [f"frame {cursor.frame}" if math.isnan(seconds) else clock_text(seconds, 1)]
    window = window_at(atlas, cursor)
    parts += _temperature_text(atlas, shown, cursor, window)
    parts += _class_texts(shown.recording, cursor)
    if window >= 0:
        rank, count = window_rank(atlas, window)
        parts.append(f"window {rank} of {count}")
    if shown.note:
        parts.append(shown.note)
    elif not shown.n_video_frames:
        parts.append("no video")
    elif cursor.frame >= shown.n_video_frames:
        parts.append(f"beyond the video's end ({shown.n_video_frames} frames)")
    return f"{cursor.recording}  ·  {cursor.individual}\n" + "  ·  ".join(parts)


class Bridge:
    """Show the session's cursor in a napari viewer, and move it with napari's slider.

    Parameters
    ----------
    viewer
        The napari viewer.
    session
        The shared state.
    """

    def __init__(self, viewer: Any, session: Session) -> None:
        self._viewer = viewer
        self._session = session
        self._layers = Layers(viewer)
        self._shown: Shown | None = None
        self._loading = ""
        self._drawn: tuple[object, ...] = ()
        self._lens = Lens(viewer)
        self._links = Links(
            (session.atlas_changed, self._on_atlas),
            (session.cursor_changed, self._on_cursor),
            (viewer.dims.events.current_step, self._on_slider),
        )
        self._links.connect()
        viewer.mouse_drag_callbacks.append(self._on_mouse)

    @property
    def shown(self) -> Shown | None:
        """The recording on show, once it is loaded."""
        return self._shown

    @property
    def lens(self) -> Lens:
        """Where the camera looks."""
        return self._lens

    def close(self) -> None:
        """Let go of the viewer and the session."""
        self._links.disconnect()
        self._loading = ""
        if self._on_mouse in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._on_mouse)
        _overlay(self._viewer).visible = False
        self._drop()

    def _drop(self) -> None:
        """Close what is on show."""
        if self._shown is not None:
            self._shown.close()
        self._shown, self._drawn = None, ()

    def _show_nothing(self) -> None:
        """Take away the picture and the line over it."""
        self._drop()
        self._layers.clear()
        _overlay(self._viewer).visible = False

    def _on_atlas(self, atlas: Atlas) -> None:
        before = self._shown.info if self._shown is not None else None
        if before is not None and before != atlas.recordings.get(before.name):
            self._drop()
        if before is not None and before.name not in atlas.recordings:
            self._show_nothing()
        self._on_cursor(self._session.cursor)

    def _on_cursor(self, cursor: Cursor) -> None:
        atlas = self._session.atlas
        if atlas is None or not cursor.recording:
            return
        if self._shown is None or self._shown.recording.name != cursor.recording:
            self._load(atlas, cursor.recording)
            return
        step = self._viewer.dims.current_step
        if step and step[0] != cursor.frame:
            self._viewer.dims.set_current_step(0, cursor.frame)
        self._draw(atlas, self._shown, cursor)

    def _on_slider(self, _event: Any = None) -> None:
        cursor, step = self._session.cursor, self._viewer.dims.current_step
        if self._shown is None or self._shown.recording.name != cursor.recording or len(step) < 3:
            return
        last = self._viewer.dims.nsteps[0] - 1
        if step[0] != min(cursor.frame, last):
            self._session.seek(cursor.recording, cursor.individual, step[0])

    def _on_mouse(self, viewer: Any, event: Any) -> Any:
        """Switch to another animal when it is clicked in the video."""
        start = np.array(event.position[-2:])
        yield
        while event.type == "mouse_move":
            yield
        moved = np.linalg.norm(np.array(event.position[-2:]) - start)
        cursor = self._session.cursor
        if self._shown is None or moved > 2 or event.button != 1:
            return
        name = _animal_at(self._shown.recording, cursor.frame, start)
        if name:
            self._session.seek(cursor.recording, name, cursor.frame)

    def _load(self, atlas: Atlas, name: str) -> None:
        """Read the recording and open its video in a worker thread; a later wish overtakes an earlier one."""
        if self._loading == name:
            return
        self._loading = name

        def came() -> bool:
            awaited = self._loading == name
            self._loading = "" if awaited else self._loading
            return awaited

        def done(shown: Shown) -> None:
            if came() and self._session.cursor.recording == name:
                self._show(shown)
            else:
                shown.close()

        def failed(error: Exception) -> None:
            if came() and self._session.cursor.recording == name:  # the picture of another one would pass for it
                self._show_nothing()
            show_error(str(error))

        frame = self._session.cursor.frame
        call_in_thread(lambda: _load_shown(atlas, name, frame), done, failed)

    def _on_picture(self) -> None:
        """Put a frame that took longer to decode in place of its stand-in."""
        if self._shown is not None and self._shown.note:
            self._layers.refresh_video()
            self._on_cursor(self._session.cursor)

    def _show(self, shown: Shown) -> None:
        self._drop()
        if isinstance(shown.video, PromptVideo):
            shown.video.arrived = ensure_main_thread(self._on_picture)
        self._layers.show_video(shown.video, shown.recording.name)
        self._viewer.dims.axis_labels = ("t", "y", "x")[-self._viewer.dims.ndim :]
        self._shown = shown
        self._viewer.dims.set_current_step(0, self._session.cursor.frame)
        self._lens.show_all()
        self._on_cursor(self._session.cursor)

    def _draw(self, atlas: Atlas, shown: Shown, cursor: Cursor) -> None:
        recording = shown.recording
        if cursor.individual in recording.individuals:
            color = next((s.color for s in atlas.windows.species if s.name == recording.species), _UNFITTED)
            marks = (recording.name, cursor, color)
            if marks != self._drawn:
                self._drawn = marks
                individual = recording.individuals.index(cursor.individual)
                self._layers.draw(recording, individual, cursor.frame, color)
                self._lens.look(recording, individual, cursor)
        overlay = _overlay(self._viewer)
        overlay.visible = True
        overlay.position = "top_left"
        overlay.font_size = 8
        overlay.text = readout(atlas, shown, cursor)


def _overlay(viewer: Any) -> Any:
    """Return napari's text overlay, which moved to the canvas in 0.9."""
    canvas = getattr(viewer, "canvas", None)
    return viewer.text_overlay if canvas is None else canvas.overlays.text


def _load_shown(atlas: Atlas, name: str, frame: int) -> Shown:
    """Return a recording with its video, which has decoded the frame to begin with; without one where it cannot be."""
    info, recording = atlas.recordings[name], workflow.load_tracks_of(atlas.folder, name)
    if not recording.has_video:
        return Shown(info, recording, blank_video(recording), 0)
    tracked = recording.timebase.tracking_start_frame + recording.tracks.n_samples
    try:
        video = open_video(recording.video, tracked)
        video.frame(min(frame, len(video) - 1))
    except InputError as error:
        return Shown(info, recording, blank_video(recording), 0, str(error))
    n = video.n_video_frames
    return Shown(info, recording, PromptVideo(video, open_proxy(atlas.folder, video)), n, _another_video(info, n))


def _another_video(info: RecordingInfo, n_frames: int) -> str:
    """Say if a video has another number of frames than the one that was added; empty if it has not."""
    added = info.entry.video_frames if info.entry is not None else 0
    same = added in (0, n_frames)
    return "" if same else f"this video has {n_frames} frames, the one that was added had {added}"


def _animal_at(recording: Recording, frame: int, position: Any) -> str:
    """Return the animal nearest to a (row, column) position, empty if none is close."""
    best, found = _CLICK_PIXELS, ""
    for i, name in enumerate(recording.individuals):
        nodes, lines = drawing_of(recording, i, frame)
        marks = lines[:, 0] if isinstance(recording.tracks, Outline) else nodes
        if len(marks):
            distance = float(np.linalg.norm(marks.mean(axis=0) - position))
            if distance < best:
                best, found = distance, name
    return found


def _class_texts(recording: Recording, cursor: Cursor) -> list[str]:
    """Return the classes that change in the course of a recording, as they are at the cursor."""
    texts = []
    for name, courses in recording.covariates.items():
        own = len(courses) > 1 and cursor.individual in recording.individuals
        course = courses[recording.individuals.index(cursor.individual) if own else 0]
        code = recording.value_at(course, cursor.frame) if course.classes and not course.is_constant else math.nan
        texts += [] if math.isnan(code) else [f"{name}: {course.classes[int(code)]}"]
    return texts


def _temperature_text(atlas: Atlas, shown: Shown, cursor: Cursor, window: int) -> list[str]:
    recording = shown.recording
    now = recording.value_at(recording.temperature, cursor.frame)
    if math.isnan(now) and window >= 0:
        now = float(atlas.windows.table.temperature[window])
    if math.isnan(now):
        return []
    known = window >= 0 and len(atlas.predicted) > 0 and math.isfinite(atlas.predicted[window])
    return [f"{now:.1f} °C" + (f" (predicted {atlas.predicted[window]:.1f})" if known else "")]
