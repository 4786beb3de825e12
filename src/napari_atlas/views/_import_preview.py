"""A look at one planned recording before it is added: frame, signal, temperature."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSlider, QToolButton, QVBoxLayout, QWidget

from napari_atlas.data.plans import PlannedRecording
from napari_atlas.data.species import Species
from napari_atlas.io.readers import TrackFile
from napari_atlas.views._canvas import palette_of
from napari_atlas.views._import_look import Look, look_at, read_file
from napari_atlas.views._import_picture import Picture, image_of
from napari_atlas.views._import_trace import Trace
from napari_atlas.views._time import clock_text
from napari_atlas.views._worker import Latest

__all__ = ["Preview"]

_KEPT_FILES = 3


class Preview(QWidget):  # type: ignore[misc]
    """Show a frame with pose or outline, a slider, the signal and the temperature; all is read in a thread."""

    looked = Signal(object)
    """The `Look` on show; None if there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-import-preview")
        self._picture, self._trace = Picture(), Trace()
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setObjectName("atlas-import-frame")
        self._slider.setAccessibleName("Frame of the preview")
        self._slider.setToolTip("Frame of the preview")
        self._told = QLabel()
        self._told.setObjectName("atlas-import-frame-text")
        self._wanted: tuple[PlannedRecording, Species | None] | None = None
        self._look: Look | None = None
        self._files: OrderedDict[tuple[Path, Path], TrackFile] = OrderedDict()
        self._looks, self._frames = Latest(), Latest()
        self._lay_out()
        self._slider.valueChanged.connect(self._go)
        self._trace.wanted.connect(self._slider.setValue)
        self.show_recording(None, None)

    @property
    def look(self) -> Look | None:
        """What is on show."""
        return self._look

    @property
    def frame(self) -> int:
        """The frame on show."""
        return int(self._slider.value())

    def set_theme(self, theme: str) -> None:
        """Follow a napari theme, given by its id."""
        self._picture.set_palette(palette_of(theme))
        self._trace.set_palette(palette_of(theme))

    def show_recording(self, planned: PlannedRecording | None, known: Species | None) -> None:
        """Look at a recording, or at nothing; *known* is its species as the project has it."""
        if planned is None:
            self._wanted = None
            self._looks.drop()
            self._clear("Select a recording to see it.")
            return
        wanted = (planned, known)
        if self._wanted is not None and _same(self._wanted, wanted):
            return
        other = self._wanted is None or self._wanted[0].request.tracks != planned.request.tracks
        self._wanted = wanted
        if other:
            self._clear("Reading …")
        self._looks.run(lambda: self._read(planned, known), self._show)

    def release(self) -> None:
        """Close the video, and forget the files that were read."""
        self.show_recording(None, None)
        self._files.clear()

    def _read(self, planned: PlannedRecording, known: Species | None) -> Look:
        """Read a recording, in a thread; the files looked at last are kept."""
        key = (planned.request.tracks, planned.request.mapping)
        file = self._files.get(key) or read_file(planned.request)
        self._files[key] = file
        while len(self._files) > _KEPT_FILES:
            self._files.popitem(last=False)
        return look_at(planned, file, known)

    def _show(self, look: Any) -> None:
        if self._wanted is None:
            return
        if not isinstance(look, Look):
            self._clear(" ".join(str(look).split()))
            return
        before, self._look = self._look, look
        if before is not None:
            before.close()
        middle = look.first_frame + look.recording.timebase.n_samples // 2
        frame = self.frame if before is not None else middle
        self._slider.setRange(0, look.last_frame)
        self._slider.setEnabled(True)
        self._trace.show_look(look)
        self._slider.setValue(min(frame, max(look.n_video_frames - 1, 0)) if look.n_video_frames else frame)
        self._go(self.frame)
        self.looked.emit(look)

    def _clear(self, text: str) -> None:
        if self._look is not None:
            self._look.close()
        self._look = None
        self._frames.drop()
        self._picture.show_text(text)
        self._trace.show_look(None)
        self._told.setText("")
        self._slider.setEnabled(False)
        self.looked.emit(None)

    def _go(self, frame: int) -> None:
        look = self._look
        if look is None:
            return
        self._trace.show_frame(frame)
        self._told.setText(_frame_text(look, frame))

        def draw(image: Any) -> None:
            if self._look is look:
                self._picture.show_frame(look, frame, image if isinstance(image, QImage) else QImage())

        self._frames.run(lambda: _image(look, frame), draw)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(4)
        for name, text, step in (("previous", "◀", -1), ("next", "▶", 1)):
            button = QToolButton()
            button.setText(text)
            button.setAutoRepeat(True)
            button.setObjectName(f"atlas-import-{name}")
            button.setAccessibleName(f"{name} frame")
            button.setToolTip(f"{name.capitalize()} frame")
            button.clicked.connect(lambda _=False, step=step: self._slider.setValue(self.frame + step))
            row.addWidget(button)
        row.addWidget(self._slider, 1)
        row.addWidget(self._told)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._picture, 1)
        layout.addLayout(row)
        layout.addWidget(self._trace)


def _same(a: tuple[PlannedRecording, Species | None], b: tuple[PlannedRecording, Species | None]) -> bool:
    """Whether two wishes look alike."""
    return a[0].request == b[0].request and a[1] == b[1]


def _image(look: Look, frame: int) -> QImage:
    if not 0 <= frame < len(look.video):
        return QImage()
    return image_of(np.asarray(look.video[frame]))


def _frame_text(look: Look, frame: int) -> str:
    clock = look.recording.timebase
    seconds = float(clock.seconds_of_frame(frame))
    told = f"  ·  {clock_text(seconds, 1)}" if clock.known and np.isfinite(seconds) else ""
    beyond = "  ·  no picture" if look.n_video_frames and frame >= look.n_video_frames else ""
    return f"{frame} of {look.last_frame}{told}{beyond}"
