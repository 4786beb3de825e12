"""A run's folder: settings, history, events, latents, maps."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.errors import InputError
from napari_atlas.io.atomic import arrays_in, locked, read_arrays, read_json, write_arrays, write_json
from napari_atlas.io.tables import write_rows

__all__ = ["RunFolder", "check_map_name", "find_run", "label_of", "list_runs", "new_run"]

_NAME = re.compile(r"\w[\w .()+-]{0,99}(?<![. ])")
_LONGEST = 200  # bytes: a file system takes 255, and what is being written has a longer name


@dataclass(frozen=True)
class RunFolder:
    """Paths and parts of one run.

    Attributes
    ----------
    path
        ``runs/<id>``.
    """

    path: Path

    @property
    def name(self) -> str:
        """Id of the run."""
        return self.path.name

    @property
    def weights(self) -> Path:
        """Where the weights are."""
        return self.path / "weights.safetensors"

    @property
    def events(self) -> Path:
        """Where the run's events are appended."""
        return self.path / "events.jsonl"

    @property
    def stop_file(self) -> Path:
        """The file whose presence asks the run to stop."""
        return self.path / "stop"

    @property
    def config(self) -> dict[str, Any]:
        """Settings, versions and data hashes of the run."""
        file = self.path / "config.json"
        value = read_json(file)
        if not isinstance(value, dict):
            raise InputError.of(file, "it holds no settings", "restore a copy, or delete its run")
        return value

    @property
    def card(self) -> dict[str, Any]:
        """What the run reported; empty before it ended."""
        file = self.path / "card.json"
        value = read_json(file) if file.is_file() else {}
        if not isinstance(value, dict):
            raise InputError.of(file, "it holds no report", "delete it, or fit again")
        return value

    @property
    def map_recipes(self) -> tuple[str, ...]:
        """Names of the run's maps of all windows, the newest first, previews after the others."""
        files = sorted((self.path / "maps").glob("*.npz"), key=lambda f: f.stat().st_mtime, reverse=True)
        parts = {file.stem: arrays_in(file) for file in files}
        whole = [name for name in parts if "ids" not in parts[name]]
        return tuple(sorted(whole, key=lambda name: "preview" in parts[name]))

    def write(self, part: str, value: dict[str, Any]) -> None:
        """Write the ``"config"`` (settings, versions, data hashes), the ``"card"`` (its report) or the ``"label"``."""
        write_json(self.path / f"{part}.json", value)

    def write_history(self, rows: list[dict[str, float]]) -> None:
        """Write one row per epoch."""
        if rows:
            write_rows(self.path / "history.csv", rows)

    def read_history(self) -> list[dict[str, float]]:
        """Return one row per epoch; none if the run has no history."""
        file = self.path / "history.csv"
        if not file.is_file():
            return []
        try:
            with file.open(encoding="utf-8", newline="") as lines:
                return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(lines)]
        except (OSError, TypeError, ValueError) as error:
            raise InputError.of(file, "it is damaged or cut short", "restore a copy, or delete its run") from error

    def append_event(self, event: dict[str, Any]) -> None:
        """Append one event."""
        with self.events.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event, ensure_ascii=False) + "\n")

    def write_latents(self, **arrays: NDArray[np.generic]) -> None:
        """Write latents and what goes with them, one row per window."""
        write_arrays(self.path / "latents.npz", **arrays)

    def read_latents(self) -> dict[str, NDArray[Any]]:
        """Return latents and what goes with them; nothing if the run has none yet."""
        file = self.path / "latents.npz"
        return read_arrays(file) if file.is_file() else {}

    def write_map(self, name: str, text: str, **arrays: NDArray[np.generic]) -> None:
        """Write a map, in the place of the one of its name if there is one.

        Parameters
        ----------
        name
            What it is called, and its file.
        text
            How it was made, in words.
        **arrays
            ``coordinates`` (n_windows, n_dims), NaN where a window has no place; ``kept`` (n_windows,), the share of
            nearest windows in the latent that are near on the map too; ``ids`` (n_windows,) for a map of some of the
            windows; ``preview`` for a map that another one is to replace.

        Raises
        ------
        InputError
            If the name cannot name a file, the run was deleted meanwhile, or nothing can be written.
        """
        check_map_name(name)
        if not self.path.is_dir():
            raise InputError.of(f"run {self.name}", "it was deleted meanwhile", "map another run")
        write_arrays(self.path / "maps" / f"{name}.npz", recipe=np.array(text), **arrays)

    def read_map(self, name: str) -> dict[str, NDArray[Any]]:
        """Return the ``recipe`` of a map and its arrays as they were written, or raise an `InputError`."""
        file = self.path / "maps" / f"{name}.npz"
        if not file.is_file():
            known = ", ".join(sorted(f.stem for f in file.parent.glob("*.npz"))) or "none yet"
            raise InputError.of(f"map {name}", f"run {self.name} has no such map", f"known maps: {known}")
        return read_arrays(file)


def check_map_name(name: str) -> None:
    """Refuse a name of a map that cannot name a file.

    Raises
    ------
    InputError
        If it cannot.
    """
    if not _NAME.fullmatch(name) or len(name.encode()) > _LONGEST:
        raise InputError.of(f"map {name!r}", "that cannot name a file", "use letters, digits, blanks and dashes")


def label_of(run: RunFolder) -> str:
    """Return what people call a run; empty where nobody named it."""
    file = run.path / "label.json"
    value = read_json(file) if file.is_file() else {}
    return str(value.get("label", "")) if isinstance(value, dict) else ""


def list_runs(project: Path) -> list[RunFolder]:
    """Return the runs of a project, the oldest first."""
    folders = [p.parent for p in (project / "runs").glob("*/config.json")]
    return [RunFolder(p) for p in sorted(folders, key=lambda p: p.name)]


def find_run(project: Path, name: str = "") -> RunFolder:
    """Return a run by id or label, or the newest one that ended; if none did, the newest one with weights.

    Raises
    ------
    InputError
        If there is none.
    """
    runs = list_runs(project)
    if name:
        named = [run for run in runs if run.name == name] or [run for run in runs if label_of(run) == name]
        if named:
            return named[0]
        known = ", ".join(r.name for r in runs) or "none yet"
        raise InputError.of(f"run {name}", f"the project {project} has no such run", f"known runs: {known}")
    fitted = [run for run in runs if run.weights.is_file()]
    if not fitted:
        raise InputError.of(project, "it has no fitted run", "fit one with 'napari-atlas fit PROJECT'")
    ended = [run for run in fitted if (run.path / "latents.npz").is_file()]
    return (ended or fitted)[-1]


def new_run(project: Path) -> RunFolder:
    """Make the folder of a new run; an old one is never taken again."""
    with locked(project):
        taken = [int(m.group(1)) for p in (project / "runs").glob("*") if (m := re.match(r"(\d+)-", p.name))]
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        path = project / "runs" / f"{max(taken, default=0) + 1:03d}-{stamp}"
        (path / "maps").mkdir(parents=True)
        return RunFolder(path)
