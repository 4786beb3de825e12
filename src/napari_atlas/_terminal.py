"""Between the command line and the rest: settings from what was typed, tables as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from napari_atlas.analysis.comparison import cell, comparison
from napari_atlas.data.plans import ImportPlan, PlannedRecording
from napari_atlas.data.presets import PRESETS
from napari_atlas.data.project import AddRequest
from napari_atlas.data.results import Event, counted
from napari_atlas.errors import InputError

__all__ = [
    "IMPORT_OPTIONS",
    "check_import",
    "comparison_text",
    "import_events",
    "import_options",
    "plan_text",
    "sweep_text",
    "typed_settings",
]

IMPORT_OPTIONS = ("recursive", "plan", "dry_run", "quality", "dask")

_LONGEST, _NAMED = 72, 4
_PATH = click.Path(path_type=Path)
_SWEEP_PLUMBING = ("note", "validation_reconstruction", "validation_kl", "validation_temperature")


def typed_settings(preset: str, file: Path | None, pairs: Iterable[str]) -> dict[str, Any]:
    """Return the settings that were asked for, not checked; what comes later wins.

    Parameters
    ----------
    preset
        Name of a preset.
    file
        A file of settings, TOML or JSON.
    pairs
        Texts such as ``"beta=2"``.

    Raises
    ------
    InputError
        If the file cannot be read, or there is no "=" in a pair.
    """
    from napari_atlas.io.tables import read_settings

    from_file = read_settings(file) if file else {}
    return {**PRESETS[preset].values, **from_file, **dict(_pair(text) for text in pairs)}


def comparison_text(rows: Sequence[dict[str, Any]]) -> str:
    """Return runs side by side: a column for each, and a line for whatever is known of one of them."""
    return _aligned(comparison(rows)) + (f"\nnote: {rows[0]['note']}" if rows[0]["note"] else "")


def sweep_text(rows: Sequence[dict[str, Any]]) -> str:
    """Return a sweep's table, a line for each point, on lines of its own; nothing without rows."""
    names = [name for name in (rows[0] if rows else ()) if name not in _SWEEP_PLUMBING]
    shown = [name for name in names if any(cell(row[name]) for row in rows)]
    return "\n" + _aligned([shown, *([cell(row[name]) for name in shown] for row in rows)]) if rows else ""


def import_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options in ``IMPORT_OPTIONS``."""
    named: dict[str, Any] = {}
    named["--recursive"] = {"multiple": True, "type": _PATH, "metavar": "FOLDER", "help": "Add all that it holds."}
    named["--plan"] = {"type": _PATH, "help": "Add what this plan says: the JSON of a dry run, edited or not."}
    named["--dry-run"] = {"is_flag": True, "help": "With --recursive, tell what would be added; write nothing."}
    named["--quality"] = {"is_flag": True, "help": "With --recursive, tell how good the tracks are."}
    named["--dask"] = {"default": "", "envvar": "DASK_SCHEDULER_ADDRESS", "help": "A Dask scheduler that reads files."}
    for name, how in reversed(named.items()):
        command = click.option(name, **how)(command)
    return command


def check_import(many: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Refuse values of ``IMPORT_OPTIONS`` that do not go together, or not with the other options of `add`.

    Raises
    ------
    InputError
        If there are any.
    """
    given = [name for name, value in options.items() if value and value not in (Path(), -1)]
    alone = [name for name in given if name in ("tracks", "name", "video", "timestamps", "animals", "start")]
    for name in ("dry_run", "quality"):
        if many[name] and not many["recursive"]:
            raise InputError.of(f"--{name.replace('_', '-')}", "it goes with --recursive", "leave it out")
    if many["recursive"] and many["plan"]:
        raise InputError.of("--plan", "the plan is made already", "leave --recursive out")
    if many["recursive"] and alone:
        raise InputError.of("--recursive", f"{alone[0]} goes with one recording alone", "leave one of the two out")
    if many["plan"] and given:
        raise InputError.of("--plan", f"{given[0]} is not read from here", "write it into the plan")


def import_events(
    project: Path, many: Mapping[str, Any], options: Mapping[str, Any], should_stop: Callable[[], bool]
) -> Iterator[tuple[Event, str]]:
    """Plan what folders hold and add it, or add what a plan says; yield events with what a person should read of them.

    Parameters
    ----------
    project
        The project.
    many
        Values of ``IMPORT_OPTIONS``.
    options
        What holds for all recordings: fields of `AddRequest`.
    should_stop
        Asked all the time.

    Raises
    ------
    InputError
        If a source, plan or project cannot be used.
    """
    from napari_atlas import workflow

    if many["plan"]:
        plan = workflow.read_plan(many["plan"])
    else:
        request = AddRequest(**{**options, "tracks": Path(), "species": options.get("species", "")})
        wishes = workflow.ImportWishes(request, many["quality"])
        for event in workflow.plan_import(project, many["recursive"], wishes, should_stop):
            if event.kind == "done":
                plan = ImportPlan.from_dict(event.data["plan"])
                yield event if many["dry_run"] else replace(event, kind="plan"), plan_text(plan)
            else:
                yield event, event.text if event.kind == "started" else ""
    if not many["dry_run"]:
        for event in workflow.add_many(project, plan, should_stop, many["dask"]):
            yield event, event.text


def plan_text(plan: ImportPlan) -> str:
    """Return a plan as tables, one for each species, with the notes and then the files that are left over."""
    lines: list[str] = []
    for species, recordings in plan.by_species.items():
        logged = any(r.request.temperature for r in recordings)
        head = ["name", "kind", "animals", "frames", "fps", "video", *(["temperature"] if logged else [])]
        rows = [_planned_row(r)[: len(head)] for r in recordings]
        lines += [f"{species}:", *_indented(_aligned([head, *rows]))]
        remarks = _together((each.request.name, _remarks(each)) for each in recordings)
        for names, texts in remarks:
            lines += [f"  {names}", *(f"    - {text}" for text in texts)] if texts else []
    if plan.left_over:
        reasons = _together((left.found.path.name, (left.reason,)) for left in plan.left_over)
        lines += ["left over:", *(f"  {names}: {reason}" for names, (reason,) in reasons)]
    n, faults = len(plan.recordings), sum(bool(r.fault) for r in plan.recordings)
    waiting = f", {faults} of them cannot be added yet" if faults else ""
    return "\n".join([*lines, f"{counted(n, 'recording')}{waiting}, {counted(len(plan.left_over), 'file')} left over"])


def _together(told: Iterable[tuple[str, tuple[str, ...]]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield names, of which the first few are told, with the texts that all of them share."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, texts in told:
        groups.setdefault(texts, []).append(shortened(name))
    for texts, names in groups.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED + 1 else ""
        yield ", ".join(names[:_NAMED] if more else names) + more, texts


def shortened(name: str) -> str:
    """Return a name on one line, without the middle of a very long one."""
    name = "".join(sign if sign.isprintable() else " " for sign in name)
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 20]}…{name[-19:]}"


def _planned_row(planned: PlannedRecording) -> list[str]:
    request = planned.request
    fps = f"{planned.fps:g}" if planned.fps else "?"
    told = Path(request.temperature).name
    return [
        shortened(request.name),
        planned.kind,
        str(len(planned.individuals)),
        str(planned.n_frames),
        fps,
        shortened(request.video.name) or "-",
        shortened(told) or "-",
    ]


def _remarks(planned: PlannedRecording) -> tuple[str, ...]:
    fault = (f"not yet: {planned.fault}",) if planned.fault else ()
    judged = planned.quality.get("sentences", ())
    return (*fault, *planned.notes, *(text for text in judged if not any(text in note for note in planned.notes)))


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]


def _pair(text: str) -> tuple[str, str]:
    key, mark, value = text.partition("=")
    if not mark:
        raise InputError.of(f"--set {text}", "there is no = in it", "write --set key=value")
    return key.strip(), value.strip()


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)
