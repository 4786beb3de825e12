"""The variables of a fit: measured in a project, and given to the networks that are to forget them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from napari_atlas._pretrained import Start
from napari_atlas.data.motion import MOTIONS, measure_motion
from napari_atlas.data.pose import Pose
from napari_atlas.data.project import Project
from napari_atlas.data.variables import TABLE_VARIABLES, Measured, Variable, table_variable
from napari_atlas.data.windows import WindowTable
from napari_atlas.errors import InputError
from napari_atlas.io.loading import load_recording

if TYPE_CHECKING:
    from napari_atlas.model.runner import Prepared

__all__ = ["know", "measure", "measurable"]


def measurable(project: Project, table: WindowTable) -> tuple[str, ...]:
    """Return the names of the variables that can be measured for these windows."""
    named = [name for name in TABLE_VARIABLES if name != "temperature" or table.has_temperature]
    posed = {e.name for e in project.recordings if isinstance(load_recording(project, e).tracks, Pose)}
    return (*named, *(column.name for column in table.covariates), *(MOTIONS if posed else ()))


def measure(project: Project, table: WindowTable, names: Iterable[str]) -> dict[str, Measured]:
    """Return variables by name, one row per window.

    Raises
    ------
    InputError
        If the windows have no such variable.
    """
    wanted = list(names)
    found = {name: column for name in wanted if (column := table_variable(table, name)) is not None}
    moving = [name for name in wanted if name not in found and name in MOTIONS]
    if moving:
        poses = {e.name: recording for e in project.recordings
                 if isinstance((recording := load_recording(project, e)).tracks, Pose)}  # fmt: skip
        species = {s.name: s for s in project.species}
        found |= {name: measure_motion(name, table, poses, species) for name in moving}
    for name in wanted:
        if name not in found:
            known = ", ".join(measurable(project, table))
            raise InputError.of("setting scrub", f"the windows have no variable {name!r}", f"choose from {known}")
    return found


def know(project: Project, prepared: Prepared, start: Start) -> tuple[Prepared, tuple[str, ...]]:
    """Return a fit whose networks know the variables that its settings and its weights name, and notes.

    Raises
    ------
    InputError
        If a variable is not there, or a scrubber does not fit it.
    """
    from napari_atlas.model.conditioning import with_variables

    config, table = prepared.config, prepared.windows.table
    there = {variable.name for variable in prepared.model.architecture.variables}
    asked = [name for name in config.variable_names if name not in there] if start.trains else []
    if not there and not asked:
        return prepared, ()
    measured = measure(project, table, [*asked, *(name for name in there if _has(project, table, name))])
    trained = table.in_split("train")
    found = {name: Variable.of(measured[name], trained, given=name != "species") for name in asked}
    notes = [f"{name} is the same in all training windows: there is nothing to scrub"
             for name, variable in found.items() if variable is None]  # fmt: skip
    new = [variable for variable in found.values() if variable is not None]
    before = bool(there) or not _is_new(start)
    return with_variables(prepared, new, measured, before), tuple(notes)


def _has(project: Project, table: WindowTable, name: str) -> bool:
    return name in measurable(project, table)


def _is_new(start: Start) -> bool:
    return type(start) is Start
