"""Beside the table of an import: the preview, the form, and how windows are cut."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QTabWidget, QWidget

from napari_atlas.data.plans import PlannedRecording
from napari_atlas.data.species import Species
from napari_atlas.views._canvas import palette_of
from napari_atlas.views._import_draft import Draft, is_thermal
from napari_atlas.views._import_edit import EditForm
from napari_atlas.views._import_look import Look
from napari_atlas.views._import_preview import Preview
from napari_atlas.views._import_windows import WindowsForm

__all__ = ["Inspector"]


class Inspector(QTabWidget):  # type: ignore[misc]
    """Show what is selected, and let it be edited."""

    looked = Signal(object)
    """The `Look` on show; None if there is none."""
    edited = Signal(str, str)
    """Name of a field, and what was typed."""
    cut = Signal(str, dict)
    """Name of a species, and how its windows are to be cut."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("atlas-import-inspector")
        self._preview, self._edit, self._windows = Preview(), EditForm(), WindowsForm()
        self._known: Species | None = None
        for part, name, meaning in (
            (self._preview, "Preview", "A frame with what was tracked, the signal and the temperature"),
            (self._edit, "Edit", "Change the selected recordings, many at once"),
            (self._windows, "Windows", "How the recordings of a new species are cut into windows"),
        ):
            self.setTabToolTip(self.addTab(part, name), meaning)
        self._edit.edited.connect(self.edited)
        self._windows.cut.connect(self.cut)
        self._preview.looked.connect(self._on_look)

    @property
    def look(self) -> Look | None:
        """The recording on show, once it is read."""
        return self._preview.look

    def set_theme(self, theme: str) -> None:
        """Follow a napari theme, given by its id."""
        self._preview.set_theme(theme)
        self._edit.set_fault_color(palette_of(theme).warm)
        self._windows.set_palette(palette_of(theme))

    def show_rows(self, draft: Draft, rows: Sequence[int]) -> None:
        """Let some recordings of a draft be edited."""
        self._edit.show_recordings([draft.plan.recordings[row] for row in rows], draft.plan, is_thermal(draft.plan))

    def show_recording(self, planned: PlannedRecording | None, known: Species | None) -> None:
        """Look at a recording, or at nothing; *known* is its species as the project has it."""
        self._known = known
        self._preview.show_recording(planned, known)

    def say(self, fault: str) -> None:
        """Tell why a value cannot be used."""
        self._edit.say(fault)

    def release(self) -> None:
        """Close the video, and forget the files that were read."""
        self._preview.release()

    def _on_look(self, look: Look | None) -> None:
        self._windows.show_look(look, self._known is not None)
        self.looked.emit(look)
