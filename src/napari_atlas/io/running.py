"""Runs under way: which process fits them, and what it takes to go on with one that was cut off."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil

from napari_atlas.errors import InputError
from napari_atlas.io.atomic import locked, read_json, write_json, write_text
from napari_atlas.io.runs import RunFolder, find_run, label_of, list_runs

__all__ = [
    "claimed",
    "delete_run",
    "find_resumable",
    "process_of",
    "rename_run",
    "reopen",
    "resumable",
    "resume_file",
    "running_runs",
]

# A clock that is set while a process runs moves the time at which the process seems to have begun.
_CLOCK_S = 5.0
_LONGEST_LABEL = 60


def resume_file(run: RunFolder) -> Path:
    """Return where the whole state of a fit is that is under way, was stopped, or was cut off."""
    return run.path / "resume.safetensors"


@contextlib.contextmanager
def claimed(run: RunFolder) -> Iterator[None]:
    """Mark a run as being fitted by this process for as long as the block lasts.

    Raises
    ------
    InputError
        If a living process is fitting it.
    """
    with locked(_project(run)):
        _refuse_if_running(run)
        mine = {"pid": os.getpid(), "created": psutil.Process().create_time(), "host": platform.node()}
        write_json(_mark(run), mine)
    try:
        yield
    finally:
        _mark(run).unlink(missing_ok=True)


def process_of(run: RunFolder) -> int:
    """Return the id of the living process that fits a run; 0 if there is none.

    A process on another machine cannot be looked at, and counts as alive until it takes its mark away.
    """
    try:
        mark = read_json(_mark(run))
        pid, created, host = int(mark["pid"]), float(mark["created"]), str(mark["host"])
    except (InputError, KeyError, TypeError, ValueError):
        return 0
    if host != platform.node():
        return pid
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - created) < _CLOCK_S and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return 0
    return pid if same else 0


def running_runs(project: Path) -> list[RunFolder]:
    """Return the runs of a project that are being fitted, the oldest first."""
    marked = (RunFolder(mark.parent) for mark in (project / "runs").glob("*/running.json"))
    return sorted((run for run in marked if process_of(run)), key=lambda run: run.name)


def resumable(run: RunFolder) -> bool:
    """Return whether there is something left to fit: the run was stopped or cut off."""
    return resume_file(run).is_file() or not (run.path / "card.json").is_file()


def find_resumable(project: Path, name: str = "") -> RunFolder:
    """Return a run that was stopped or cut off, by id, or the newest one.

    Raises
    ------
    InputError
        If there is none, or the one named is complete.
    """
    if name:
        run = find_run(project, name)
        if not resumable(run):
            raise InputError.of(f"run {name}", "it is complete", "fit again to get another one")
        return run
    for run in reversed(list_runs(project)):
        if resumable(run):
            return run
    raise InputError.of(project, "no run of it was stopped or cut off", "fit one with 'napari-atlas fit PROJECT'")


def reopen(run: RunFolder, epoch: int) -> list[dict[str, float]]:
    """Make the folder ready for a fit that goes on after an epoch, and return the history up to it.

    What was made of the earlier weights, and what a kill left half-written, is taken away.

    Raises
    ------
    InputError
        If the history does not reach that epoch.
    """
    history = run.path / "history.csv"
    rows = [{**row, "epoch": int(row.get("epoch", 0))} for row in run.read_history()][:epoch]
    if [row["epoch"] for row in rows] != list(range(1, epoch + 1)):
        raise InputError.of(history, f"it does not reach epoch {epoch}", "restore a copy, or fit again")
    for name in ("card.json", "latents.npz", "weights.json", "atlas.h5ad", "stop"):
        (run.path / name).unlink(missing_ok=True)
    for file in (*run.path.glob("*.part"), *(run.path / "maps").glob("*")):
        file.unlink(missing_ok=True)
    if rows:
        run.write_history(rows)
    else:
        history.unlink(missing_ok=True)
        run.weights.unlink(missing_ok=True)
    if run.events.is_file():
        whole, end, _ = run.events.read_bytes().rpartition(b"\n")
        write_text(run.events, (whole + end).decode("utf-8", "replace"))
    return rows


def delete_run(run: RunFolder) -> None:
    """Delete a run with all that belongs to it.

    Raises
    ------
    InputError
        If it is being fitted.
    """
    with locked(_project(run)):
        _refuse_if_running(run)
        # Without it the run is no longer listed, however far the rest comes.
        (run.path / "config.json").unlink(missing_ok=True)
        shutil.rmtree(run.path, ignore_errors=True)


def rename_run(run: RunFolder, label: str) -> None:
    """Give a run a label to be shown beside its id, which stays; an empty one takes it away.

    Raises
    ------
    InputError
        If the label is longer than 60 characters, goes over several lines, or is that of another run.
    """
    wanted = label.strip()
    where = f"label {wanted!r} of run {run.name}"
    if len(wanted) > _LONGEST_LABEL or not wanted.isprintable():
        raise InputError.of(where, "it is too long, or not one line of text", f"use up to {_LONGEST_LABEL} characters")
    with locked(_project(run)):
        for other in list_runs(_project(run)):
            if wanted and wanted in (other.name, label_of(other)) and other.name != run.name:
                raise InputError.of(where, f"run {other.name} is called that", "choose another name")
        run.write("label", {"label": wanted})


def _project(run: RunFolder) -> Path:
    return run.path.parents[1]


def _mark(run: RunFolder) -> Path:
    return run.path / "running.json"


def _refuse_if_running(run: RunFolder) -> None:
    if pid := process_of(run):
        raise InputError.of(
            f"run {run.name}",
            f"process {pid} is fitting it at this moment",
            f"wait or stop it; if it is gone, delete {_mark(run)}",
        )
