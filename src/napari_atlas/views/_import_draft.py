"""The import as it stands in the window: a plan, what was edited in it, and what was added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from psygnal import Signal

from napari_atlas.data.plans import LABELS, FoundFile, ImportPlan, LeftOver, PlannedRecording
from napari_atlas.data.project import AddRequest
from napari_atlas.views._import_fields import FIELDS

__all__ = ["USES", "Draft", "is_thermal", "uses_of"]

USES = {
    "video": "video",
    "timestamps": "frame times",
    "temperature": "temperature",
    "labels": "labelled intervals",
}
"""What a file can be to a recording, and what users read for it."""


def uses_of(found: FoundFile) -> tuple[str, ...]:
    """Return what a left-over file could be used as; for one that nobody recognised, all."""
    if found.kind in USES:
        return (found.kind,)
    return tuple(USES) if found.kind == "unknown" else ()


def is_thermal(plan: ImportPlan) -> bool:
    """Whether there is any temperature: a log, a column or a number."""
    logs = any(left.found.kind == "temperature" for left in plan.left_over)
    return logs or any(r.request.temperature for r in plan.recordings)


class Draft:
    """A plan that is being edited; nothing is written by it.

    Views listen to ``changed`` and call the verbs below. Rows are places in ``plan.recordings``; they stay the same
    until other files are looked at.
    """

    changed = Signal()

    def __init__(self) -> None:
        self._plan = ImportPlan()
        self._first = ImportPlan()
        self.added: frozenset[int] = frozenset()
        """Rows that the project holds by now."""
        self._refusals: dict[int, str] = {}

    @property
    def plan(self) -> ImportPlan:
        """The plan as it was edited."""
        return self._plan

    @property
    def ready(self) -> tuple[int, ...]:
        """Rows that would be added."""
        return tuple(i for i, r in enumerate(self._plan.recordings) if r.ready and i not in self.added)

    @property
    def refused(self) -> frozenset[int]:
        """Rows that were to be added and could not be."""
        return frozenset(self._refusals)

    def addable(self, row: int) -> bool:
        """Whether a recording can be ticked: nothing is known to be wrong with it, and it is not added yet."""
        return row not in self.added and not self._plan.recordings[row].fault

    def fault(self, row: int) -> str:
        """Return why a recording was not, or cannot be, added; empty if it can."""
        return self._refusals.get(row, "") or self._plan.recordings[row].fault

    def take(self, plan: ImportPlan) -> None:
        """Begin with a new plan; what was edited before stays so for recordings that are in it again."""
        unknown = {left.found.path for left in plan.left_over}
        for row, first in enumerate(self._first.recordings):
            if first.request.mapping != Path() and first.found.path in unknown and row not in self.added:
                plan = _with_table(plan, first)
        edited = {
            now.found.path: (now, first)
            for now, first in zip(self._plan.recordings, self._first.recordings, strict=True)
            if (now.request, now.chosen) != (first.request, first.chosen)
        }
        kept = tuple(_edited_again(r, *edited[r.found.path]) if r.found.path in edited else r for r in plan.recordings)
        self._first, self.added, self._refusals = plan, frozenset(), {}
        self._set(replace(plan, recordings=kept))

    def edit(self, rows: Iterable[int], key: str, text: str) -> None:
        """Give a field of some recordings another value.

        Raises
        ------
        InputError
            If the text cannot be meant; nothing is changed then.
        """
        rows = [row for row in rows if row not in self.added]
        before = self._plan
        plan = before.changed(rows, **FIELDS[key].values(text.strip()))
        for row in rows if key in ("video", "timestamps") else ():
            plan = _with_file(plan, row, key, getattr(before.recordings[row].request, key))
        self._set(plan, rows)

    def choose(self, rows: Iterable[int], chosen: bool) -> None:
        """Let some recordings be added, or not."""
        rows = [row for row in rows if self.addable(row)]
        self._set(self._plan.choosing(rows, chosen), rows)

    def use(self, path: Path, use: str, row: int) -> None:
        """Use a left-over file for a recording, as one of `USES`."""
        if use == "labels":
            covariates = {**self._plan.recordings[row].request.covariates, LABELS: str(path)}
            self._set(self._plan.changed([row], covariates=covariates), [row])
        else:
            self.edit([row], use, str(path))
        self._set(_without(self._plan, path))

    def swap(self, path: Path) -> None:
        """Take a left-over file in the place of the one that holds the same tracks."""
        self._set(self._plan.swapped(path))

    def put(self, table: PlannedRecording) -> int:
        """Plan a recording of a table whose columns somebody named, or name them anew; return its row."""
        self._first = _with_table(self._first, table)
        plan = _with_table(self._plan, table)
        row = next(i for i, r in enumerate(plan.recordings) if r.found.path == table.found.path)
        self._set(plan, [row] if row < len(self._plan.recordings) else [])
        return row

    def cut(self, species: str, settings: Mapping[str, Any]) -> None:
        """Say how the windows of a new species are cut."""
        rows = [i for i, r in enumerate(self._plan.recordings) if r.request.species == species]
        self._set(self._plan.changed(rows, settings=dict(settings)), rows)

    def tell(self, row: int, refusal: str) -> None:
        """Take note that a recording was added, or why it was not."""
        if refusal:
            self._refusals[row] = refusal
        else:
            self.added |= {row}
        self._set(self._plan.choosing([row], False))

    def _set(self, plan: ImportPlan, mended: Iterable[int] = ()) -> None:
        """Show a plan; a recording that was refused and changed since is tried again."""
        again = [row for row in mended if self._refusals.pop(row, "")]
        changed = [row for row in again if plan.recordings[row].request != self._plan.recordings[row].request]
        self._plan = plan.choosing(changed, True)
        self.changed.emit()


def _edited_again(new: PlannedRecording, now: PlannedRecording, first: PlannedRecording) -> PlannedRecording:
    """Return a recording of a new plan with what was edited of it in the one before."""
    values = {
        field.name: getattr(now.request, field.name)
        for field in fields(AddRequest)
        if getattr(now.request, field.name) != getattr(first.request, field.name)
    }
    again = replace(new.changed(**values), chosen=now.chosen)
    return replace(again, video_frames=now.video_frames) if "video" in values else again


def _with_file(plan: ImportPlan, row: int, key: str, before: Path) -> ImportPlan:
    """Return the plan with the facts of a file that was changed by hand; the one from before is left over."""
    recording = plan.recordings[row]
    now: Path = getattr(recording.request, key)
    if now == before:
        return plan
    found = next((left.found for left in plan.left_over if left.found.path == now), FoundFile(now))
    notes = tuple(note for note in recording.notes if before == Path() or before.name not in note)
    told = replace(
        recording,
        told_fps=recording.told_fps or found.fps,
        # A file that nobody looked into may tell the frame rate; adding finds it out.
        needs_clock=recording.needs_clock and (now == Path() or found.fps > 0),
        notes=notes if now == Path() else (*notes, f"You chose the {USES[key]} {now.name}."),
    )
    if key == "video":
        told = replace(told, video_frames=found.n_frames)
    plan = replace(plan, recordings=tuple(told if i == row else r for i, r in enumerate(plan.recordings)))
    plan = _without(plan, now)
    return plan if before == Path() else _with_left(plan, recording, key, before)


def _with_table(plan: ImportPlan, table: PlannedRecording) -> ImportPlan:
    """Return the plan with a table as a recording; of one that is planned already, with how it is read now."""
    path, request = table.found.path, table.request
    for i, old in enumerate(plan.recordings):
        if old.found.path == path:
            told_fps = table.found.fps or (0.0 if old.told_fps == old.found.fps else old.told_fps)
            now = replace(old.changed(mapping=request.mapping), told_fps=told_fps, found=table.found)
            now = replace(now, quality=table.quality, refused="")
            return replace(plan, recordings=(*plan.recordings[:i], now, *plan.recordings[i + 1 :]))
    plan = replace(plan, recordings=(*plan.recordings, table))
    for used in (path, request.video, request.timestamps, Path(request.temperature), table.labels):
        plan = _without(plan, used)
    return plan


def _with_left(plan: ImportPlan, recording: PlannedRecording, key: str, path: Path) -> ImportPlan:
    """Return the plan with a file left over that was taken from a recording, unless another one has it too."""
    if any(getattr(r.request, key) == path for r in plan.recordings):
        return plan
    old = FoundFile(path, key, n_frames=recording.video_frames if key == "video" else 0)
    reason = f"You took it from {recording.request.name or recording.found.path.stem}."
    return replace(plan, left_over=(*plan.left_over, LeftOver(old, reason)))


def _without(plan: ImportPlan, path: Path) -> ImportPlan:
    return replace(plan, left_over=tuple(left for left in plan.left_over if left.found.path != path))
