"""The variables of a fit: measured in a project, and given to the networks that are to forget them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_atlas._pretrained import Start
from napari_atlas.data.config import FitConfig
from napari_atlas.data.motion import MOTIONS, measure_motion
from napari_atlas.data.pose import Pose
from napari_atlas.data.project import Project
from napari_atlas.data.variables import TABLE_VARIABLES, Candidate, Measured, Variable, table_variable
from napari_atlas.data.windows import WindowTable
from napari_atlas.errors import InputError
from napari_atlas.io.loading import load_recording

if TYPE_CHECKING:
    from napari_atlas.model.runner import Prepared

__all__ = ["candidates", "know", "measurable", "measure"]


def measurable(project: Project, table: WindowTable) -> tuple[str, ...]:
    """Return the names of the variables that can be measured for these windows."""
    named = [name for name in TABLE_VARIABLES if name != "temperature" or table.has_temperature]
    posed = any(isinstance(load_recording(project, e).tracks, Pose) for e in project.recordings)
    return (*named, *(column.name for column in table.covariates), *(MOTIONS if posed else ()))


def candidates(project: Project, table: WindowTable) -> tuple[Candidate, ...]:
    """Return what could be taken out of the latent, and why it cannot where all windows are alike.

    The species is left out where there is but one.
    """
    there = {key.recording for key in table.keys}
    readable = replace(project, recordings=tuple(e for e in project.recordings if e.name in there))
    found = []
    for name in measurable(readable, table):
        measured = table_variable(table, name)
        if measured is None:  # it moves with every window
            found.append(Candidate(name, "angle" if name == "heading" else "number"))
        elif name != "species" or len(measured.classes) > 1:
            alike = Variable.of(measured, np.ones(len(table), np.bool_)) is None
            found.append(Candidate(name, measured.kind, _hindrance(measured) if alike else ""))
    return tuple(found)


def _hindrance(measured: Measured) -> str:
    if not measured.known.any():
        return "not known of any window"
    what = {"individual": "one animal only", "recording": "one recording only"}
    return f"{what.get(measured.name, 'the same in all windows')}: nothing to scrub"


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
    held = there.intersection(measurable(project, table)) if there else ()
    measured = measure(project, table, [*asked, *held])
    trained = table.in_split("train")
    found = {name: Variable.of(measured[name], trained, given=name != "species") for name in asked}
    notes = [f"{name} is the same in all training windows: there is nothing to scrub"
             for name, variable in found.items() if variable is None]  # fmt: skip
    notes += _confounded(table, config, measured)
    new = [variable for variable in found.values() if variable is not None]
    before = bool(there) or type(start) is not Start
    return with_variables(prepared, new, measured, before), tuple(notes)


def _confounded(table: WindowTable, config: FitConfig, measured: Mapping[str, Measured]) -> list[str]:
    """Return a sentence for each variable that cannot be scrubbed without what was done, or what heads ask for."""
    from napari_atlas.analysis.confounding import behaviour_among, confounded

    kept = (behaviour_among(column.name for column in table.covariates), *config.head_names)
    kept = (*kept, *(("temperature",) if config.temperature_weight else ()))
    wanted = [found for name in dict.fromkeys(kept) if (found := table_variable(table, name)) is not None]
    scrubbed = [measured[scrub.name] for scrub in config.scrubs if scrub.strength and scrub.name in measured]
    pairs = [(one, other) for one in scrubbed for other in wanted if one.name != other.name]
    return [told for one, other in pairs if (told := confounded(one, other))]
