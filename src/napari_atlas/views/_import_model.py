"""What was recognised as rows, grouped by species, and their Qt model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qtpy.QtCore import QAbstractItemModel, QModelIndex, Qt
from qtpy.QtGui import QColor, QFont, QIcon

from napari_atlas.data.plans import LeftOver, PlannedRecording
from napari_atlas.data.sources import Source
from napari_atlas.errors import AtlasError
from napari_atlas.io.temperature import temperature_from_name
from napari_atlas.views._canvas import Palette, palette_of
from napari_atlas.views._import_details import grade, grade_color, in_window
from napari_atlas.views._import_draft import Draft
from napari_atlas.views._legend import marker_icon

__all__ = ["COLUMNS", "ImportModel", "Place", "explanation", "temperature_text"]

_ROLE = Qt.ItemDataRole
_NOWHERE = QModelIndex()
_CHECKED = {True: Qt.CheckState.Checked, False: Qt.CheckState.Unchecked}

COLUMNS = (
    ("Recording", "What it is called; a tick means that it will be added"),
    ("Kind", "What the file holds, and its format"),
    ("Animals", "How many animals are tracked"),
    ("Frames", "Tracked frames"),
    ("fps", "Frames per second"),
    ("Video", "The video that belongs to it"),
    ("Temperature", "Where its temperature comes from"),
    ("Conditions", "Labels"),
    ("Notes", "How files were matched, and what is wrong"),
)
TEMPERATURE, CONDITIONS, NOTES = 6, 7, 8
_NUMBERS = (2, 3, 4)


@dataclass(frozen=True)
class Place:
    """What a line of the table stands for.

    Attributes
    ----------
    kind
        ``"recording"``, ``"left"``, ``"group"`` or, for no line at all, empty.
    row
        Place among the plan's recordings or left-over files; for groups, which one.
    """

    kind: str = ""
    row: int = -1


@dataclass(frozen=True)
class _Group:
    name: str
    places: tuple[Place, ...]


class ImportModel(QAbstractItemModel):  # type: ignore[misc]
    """A draft for Qt: species with their recordings, then what is left over.

    Parameters
    ----------
    draft
        What is shown, and told of ticks.
    """

    def __init__(self, draft: Draft, parent: Any = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._groups: tuple[_Group, ...] = ()
        self.palette = palette_of("dark")
        self._dots: dict[str, QIcon] = {}

    def refresh(self) -> bool:
        """Show the draft as it is now, and return whether its lines are others than before."""
        groups = _groups_of(self._draft)
        if groups != self._groups:
            self.beginResetModel()
            self._groups = groups
            self.endResetModel()
            return True
        last = len(COLUMNS) - 1
        for i, group in enumerate(groups):
            above = self.index(i, 0)
            self.dataChanged.emit(above, above)
            self.dataChanged.emit(self.index(0, 0, above), self.index(len(group.places) - 1, last, above))
        return False

    def set_palette(self, palette: Palette) -> None:
        """Take the colours of a theme."""
        self.palette, self._dots = palette, {}
        self.refresh()

    def place(self, index: QModelIndex) -> Place:
        """Return what a line stands for."""
        if not index.isValid():
            return Place()
        if not index.internalId():
            return Place("group", index.row())
        group = self._groups[int(index.internalId()) - 1]
        return group.places[int(index.row())]

    def index_of(self, place: Place) -> QModelIndex:
        """Return the line of a recording or a left-over file; an invalid one if it is not shown."""
        for i, group in enumerate(self._groups):
            if place in group.places:
                return self.index(group.places.index(place), 0, self.index(i, 0))
        return QModelIndex()

    def index(self, row: int, column: int, parent: QModelIndex = _NOWHERE) -> QModelIndex:
        """Return the index of a cell."""
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, parent.row() + 1 if parent.isValid() else 0)

    def parent(self, index: QModelIndex = _NOWHERE) -> Any:
        """Return the group of a line."""
        group = index.internalId() if index.isValid() else 0
        return self.createIndex(group - 1, 0, 0) if group else QModelIndex()

    def rowCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802
        """Return the number of groups, or of the lines of one."""
        if not parent.isValid():
            return len(self._groups)
        return 0 if parent.internalId() or parent.column() else len(self._groups[parent.row()].places)

    def columnCount(self, parent: QModelIndex = _NOWHERE) -> int:  # noqa: N802
        """Return the number of columns."""
        return len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole) -> Any:  # noqa: N802
        """Return a heading, or what it means."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        return {_ROLE.DisplayRole: COLUMNS[section][0], _ROLE.ToolTipRole: COLUMNS[section][1]}.get(role)

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Let lines be selected, and recordings that can be added be ticked."""
        place, flags = self.place(index), Qt.ItemFlag.ItemIsEnabled
        if not place.kind:
            return Qt.ItemFlag.NoItemFlags
        if place.kind != "group":
            flags |= Qt.ItemFlag.ItemIsSelectable
        if index.column() == 0 and any(_tickable(self._draft, p) for p in _within(self._groups, place)):
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        return flags

    def data(self, index: QModelIndex, role: int = _ROLE.DisplayRole) -> Any:
        """Return what a cell shows."""
        place, plan = self.place(index), self._draft.plan
        if place.kind == "group":
            return _group_data(self._draft, self._groups[place.row], index.column(), role)
        if place.kind == "left":
            color = QColor(self.palette.muted)
            return (
                color if role == _ROLE.ForegroundRole else _left_data(plan.left_over[place.row], index.column(), role)
            )
        if place.kind == "recording":
            return self._recording_data(place.row, index.column(), role)
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = _ROLE.EditRole) -> bool:  # noqa: N802
        """Tick a recording, or all of a species."""
        if role != _ROLE.CheckStateRole:
            return False
        places = _within(self._groups, self.place(index))
        self._draft.choose([p.row for p in places if _tickable(self._draft, p)], Qt.CheckState(value) == _CHECKED[True])
        return True

    def _dot(self, name: str) -> QIcon:
        """Return the sign of a grade, which is kept, since it is asked for at every repaint."""
        if name not in self._dots:
            self._dots[name] = marker_icon("disc", grade_color(name, self.palette))
        return self._dots[name]

    def _recording_data(self, row: int, column: int, role: int) -> Any:
        recording, fault = self._draft.plan.recordings[row], self._draft.fault(row)
        added = row in self._draft.added
        value: Any = None
        match role:
            case _ROLE.DisplayRole:
                value = "added" if added and column == NOTES else _cells(recording, fault)[column]
            case _ROLE.ToolTipRole | _ROLE.AccessibleDescriptionRole:
                value = explanation(recording, fault)
            case _ROLE.CheckStateRole if column == 0 and not added:
                value = _CHECKED[recording.ready]
            case _ROLE.ForegroundRole if added:
                value = QColor(self.palette.muted)
            case _ROLE.ForegroundRole if fault and column == NOTES:
                value = QColor(self.palette.warm)
            case _ROLE.DecorationRole if column == NOTES:
                value = self._dot("poor" if fault else grade(recording.quality))
            case _ROLE.TextAlignmentRole if column in _NUMBERS:
                value = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return value


def _within(groups: tuple[_Group, ...], place: Place) -> tuple[Place, ...]:
    return groups[place.row].places if place.kind == "group" else (place,)


def _tickable(draft: Draft, place: Place) -> bool:
    return place.kind == "recording" and draft.addable(place.row)


def _group_data(draft: Draft, group: _Group, column: int, role: int) -> Any:
    if role == _ROLE.FontRole:
        return _bold()
    if column:
        return None
    rows = {place.row for place in group.places if place.kind == "recording"}
    chosen, added = len(rows.intersection(draft.ready)), len(rows.intersection(draft.added))
    match role:
        case _ROLE.DisplayRole:
            told = [f"{added} added"] if added else []
            told += [f"{chosen} of {len(rows) - added} chosen"] if len(rows) > added else []
            return "  ·  ".join([group.name, ", ".join(told) or str(len(group.places))])
        case _ROLE.CheckStateRole if any(_tickable(draft, place) for place in group.places):
            return Qt.CheckState.PartiallyChecked if 0 < chosen < len(rows) - added else _CHECKED[chosen > 0]
    return None


def _left_data(left: LeftOver, column: int, role: int) -> Any:
    match role:
        case _ROLE.DisplayRole:
            return {0: left.found.path.name, 1: _kind_text(left.found.kind), NOTES: left.reason}.get(column, "")
        case _ROLE.ToolTipRole | _ROLE.AccessibleDescriptionRole:
            return f"{left.found.path}\n{left.reason}"
    return None


def explanation(recording: PlannedRecording, fault: str = "") -> str:
    """Return all that is known of a planned recording, a sentence per line, what is wrong first."""
    told = [f"It cannot be added: {fault}"] if fault else []
    return "\n".join([*told, *recording.notes, str(recording.found.path)])


def temperature_text(text: str, folder: str = "") -> str:
    """Return where a temperature comes from, in few words; *folder* is the name of the tracks' folder."""
    if not text:
        return ""
    try:
        source = Source(value=temperature_from_name(folder)) if text == "folder" else Source.of_text(text)
    except AtlasError:
        return text
    if source.has_file:
        return source.file.name
    if source.is_own_column:
        return f"column {source.column}"
    return f"{source.in_celsius().value:.4g} °C" if isinstance(source.value, float) else text


def _groups_of(draft: Draft) -> tuple[_Group, ...]:
    plan = draft.plan
    species = dict.fromkeys(r.request.species for r in plan.recordings)
    groups = [
        _Group(name, tuple(Place("recording", i) for i, r in enumerate(plan.recordings) if r.request.species == name))
        for name in species
    ]
    left = tuple(Place("left", i) for i in range(len(plan.left_over)))
    return (*groups, _Group("Not used", left)) if left else tuple(groups)


def _cells(recording: PlannedRecording, fault: str) -> tuple[str, ...]:
    request = recording.request
    video = "" if request.video == Path() else request.video.name
    notes = in_window(fault) or " ".join([*recording.quality.get("sentences", ())[:1], *recording.notes])
    return (
        request.name or recording.found.path.stem,
        recording.format or _kind_text(recording.kind),
        str(len(recording.individuals)),
        str(recording.n_frames),
        f"{recording.fps:.4g}" if recording.fps else "?",
        video,
        temperature_text(request.temperature, request.tracks.parent.name),
        ", ".join(request.conditions.values()),
        " ".join(notes.split()),
    )


def _kind_text(kind: str) -> str:
    return {"timestamps": "frame times", "labels": "labels", "unknown": "not known"}.get(kind, kind)


def _bold() -> QFont:
    font = QFont()
    font.setBold(True)
    return font
