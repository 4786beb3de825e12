"""Everything that is known of windows, as one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.atlas import Atlas
from napari_atlas.data.covariate_columns import CovariateColumn
from napari_atlas.data.marks import Annotations
from napari_atlas.data.results import Event, counted, json_safe
from napari_atlas.data.window_columns import OWN_RANGE, WindowColumns
from napari_atlas.data.windows import SPLITS
from napari_atlas.errors import InputError
from napari_atlas.io.annotations import read_annotations
from napari_atlas.io.export import ExportColumn, check_target, format_of, write_export
from napari_atlas.io.runs import RunFolder, label_of, list_runs

__all__ = ["ExportWishes", "write_table"]


@dataclass(frozen=True)
class ExportWishes:
    """What table is wanted.

    Attributes
    ----------
    file
        Where to; a file named alike with ``.json`` after it is written as well.
    format
        One of `io.export.FORMATS`; empty takes what the file's name ends in.
    selection
        Name of a saved selection, of which alone the windows are written; empty writes all.
    windows
        Ids of the windows to be written, in the place of a selection; none writes all.
    force
        Whether a file that is there is replaced.
    """

    file: Path
    format: str = ""
    selection: str = ""
    windows: tuple[int, ...] = ()
    force: bool = False

    def check(self) -> str:
        """Return the format, or raise an `InputError` if the file cannot be written."""
        kind = format_of(self.file, self.format)
        check_target(self.file, kind, self.force)
        return kind


def write_table(atlas: Atlas, wishes: ExportWishes) -> Iterator[Event]:
    """Write a row per window of the run on show, with all that is known of it; a generator of events.

    Raises
    ------
    InputError
        If the file cannot be written, there are no such windows, or the project has runs but this one has no latents
        that go with its windows.
    """
    kind = wishes.check()
    if not atlas.latents.size and any(run.weights.is_file() for run in list_runs(atlas.folder)):
        why = next(iter(atlas.card.get("notes", ())), "its newest run has no latents")
        raise InputError.of(atlas.folder, why, "fit again, or name another run")
    annotations = read_annotations(atlas.folder)
    ids = _wanted(atlas, annotations, wishes)
    told = f"of run {atlas.run}" if atlas.run else "without a latent, since there is no run yet"
    yield Event("started", f"writing {counted(ids.size, 'window')} {told}")
    columns = [replace(column, values=column.values[ids]) for column in _columns(atlas, annotations)]
    write_export(wishes.file, kind, columns, _about(atlas, wishes.selection))
    text = f"wrote {counted(ids.size, 'window')} with {len(columns)} columns to {wishes.file}"
    data = {"file": str(wishes.file), "rows": ids.size, "columns": len(columns), "run": atlas.run}
    yield Event("done", text, ids.size, ids.size, data)


def _wanted(atlas: Atlas, annotations: Annotations, wishes: ExportWishes) -> NDArray[np.int64]:
    table, name = atlas.windows.table, wishes.selection
    if not len(table):
        raise InputError.of(atlas.folder, "it has no windows", "add recordings that are long enough for a window")
    if wishes.windows:
        unknown = [window for window in wishes.windows if not 0 <= window < len(table)]
        if unknown:
            raise InputError.of(f"window {unknown[0]}", "there is no such window", f"choose from 0 to {len(table) - 1}")
        return np.unique(np.array(wishes.windows, dtype=np.int64))
    if not name:
        return np.arange(len(table), dtype=np.int64)
    mark = annotations.find("selection", name)
    if mark is None:
        known = ", ".join(mark.name for mark in annotations.of_kind("selection")) or "none yet"
        raise InputError.of(f"selection {name}", "the project has no such selection", f"known ones: {known}")
    ids = mark.spans.windows(table)
    if not ids.size:
        raise InputError.of(f"selection {name}", "none of its windows is in this run", "choose another run")
    return ids


def _about(atlas: Atlas, selection: str) -> dict[str, Any]:
    """Return where the table comes from."""
    about: dict[str, Any] = {"project": atlas.folder.name, "selection": selection}
    about |= {"written_by": f"napari-atlas {metadata.version('napari-atlas')}"}
    if atlas.run:
        run = RunFolder(atlas.folder / "runs" / atlas.run)
        config = run.config
        about |= {"run": atlas.run, "label": label_of(run), "map": atlas.recipe}
        about |= {name: config[name] for name in ("recipe", "config", "versions") if name in config}
        about["notes"] = [str(note) for note in atlas.card.get("notes", ())]
    return {name: json_safe(value) for name, value in about.items()}


def _columns(atlas: Atlas, annotations: Annotations) -> list[ExportColumn]:
    """Return all columns; of two of one name the later one gets another."""
    columns = WindowColumns(atlas, atlas.clusterings, annotations)
    taken: dict[str, ExportColumn] = {}
    for column in (
        *_of_window(atlas),
        *_of_labels(columns),
        *_of_run(atlas),
        *_of_clusters(atlas),
        *_of_marks(atlas, annotations),
    ):
        name = column.name
        while name in taken:
            name += "_2"
        taken[name] = replace(column, name=name)
    return list(taken.values())


def _of_window(atlas: Atlas) -> Iterator[ExportColumn]:
    table = atlas.windows.table
    yield ExportColumn("window", np.arange(len(table)), "Number of the window; runs of one recipe share it")
    for name in ("recording", "individual", "species"):
        yield ExportColumn(name, table.of_key(name), f"Its {name}")
    yield ExportColumn("first_frame", table.first_frame, "First video frame", "frame")
    yield ExportColumn("last_frame", table.stop_frame - 1, "Last video frame, which belongs to it", "frame")
    yield ExportColumn("seconds", table.seconds, "Its middle since LED-on; empty where the clock is unknown", "s")
    yield ExportColumn("split", np.array(SPLITS)[table.split], "Part of the fit: test windows were held out")


def _of_labels(columns: WindowColumns) -> Iterator[ExportColumn]:
    table = columns.atlas.windows.table
    if table.has_temperature:
        yield ExportColumn("temperature", table.temperature, "Median over the window", "°C")
        own = columns.column(OWN_RANGE)
        yield ExportColumn("temperature_in_own_range", own.values, own.note, own.unit)
    yield ExportColumn("activity", table.activity, "Mean of the first channel of its species' signal, in its own unit")
    for covariate in table.covariates:
        values = covariate.texts() if covariate.classes else covariate.values
        yield ExportColumn(covariate.name, values, "A covariate of the project")


def _of_run(atlas: Atlas) -> Iterator[ExportColumn]:
    """Return what the run tells of the windows; nothing without one."""
    if not atlas.run:
        return
    encoded = RunFolder(atlas.folder / "runs" / atlas.run).read_latents()
    if np.isfinite(atlas.predicted).any():
        yield ExportColumn("temperature_predicted", atlas.predicted, "What the latent tells of the temperature", "°C")
    yield from _of_heads(encoded, atlas.card)
    if "reconstruction_error" in encoded:
        meaning = "Mean squared difference between the window and its reconstruction, both scaled"
        yield ExportColumn("reconstruction_error", encoded["reconstruction_error"], meaning)
    if "outside" in encoded:
        meaning = "Whether it is unlike what the model was trained on"
        yield ExportColumn("outside", encoded["outside"].astype(bool), meaning)
    for axis, values in zip("xyz", atlas.coordinates.T, strict=False):
        yield ExportColumn(f"map_{axis}", values, f"Place on the map ({atlas.recipe})")
    if np.isfinite(atlas.kept).any():
        meaning = "Share of its nearest windows in the latent that are near it on the map too"
        yield ExportColumn("neighbours_kept", atlas.kept, meaning)
    for i, values in enumerate(atlas.latents.T, start=1):
        yield ExportColumn(f"latent_{i}", values, f"Dimension {i} of the latent")


def _of_heads(encoded: Mapping[str, NDArray[Any]], card: Mapping[str, Any]) -> Iterator[ExportColumn]:
    for name, found in card.get("heads", {}).items():
        if f"head/{name}" in encoded:
            told = CovariateColumn(name, encoded[f"head/{name}"], tuple(found["classes"]))
            values = told.texts() if told.classes else told.values
            yield ExportColumn(f"{name}_predicted", values, f"What the latent tells of {name}")


def _of_clusters(atlas: Atlas) -> Iterator[ExportColumn]:
    for clustering in atlas.clusterings:
        names = np.array(("", *clustering.labels))[clustering.codes + 1]
        meaning = f"Its cluster ({clustering.recipe}); empty if it is in none"
        yield ExportColumn(f"cluster_{clustering.name}", names, meaning)


def _of_marks(atlas: Atlas, annotations: Annotations) -> Iterator[ExportColumn]:
    """Return a column of true and false per tag and saved selection, and one with the notes."""
    table = atlas.windows.table
    for kind, meaning in (("tag", "Whether it has the tag"), ("selection", "Whether it is in the saved selection")):
        for mark in annotations.of_kind(kind):
            values = np.zeros(len(table), dtype=bool)
            values[mark.spans.windows(table)] = True
            yield ExportColumn(f"{kind}_{mark.name}", values, f"{meaning} {mark.name}")
    notes = annotations.of_kind("note")
    if notes:
        texts = [""] * len(table)
        for note in notes:
            for window in note.spans.windows(table):
                texts[window] = f"{texts[window]} | {note.name}" if texts[window] else note.name
        yield ExportColumn("note", np.array(texts), "Its notes, with | between")
