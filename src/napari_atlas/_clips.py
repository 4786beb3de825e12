"""Clips of windows, written as films and stills."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_atlas.analysis.exemplars import ExemplarWishes, exemplars
from napari_atlas.data.clip import Clip
from napari_atlas.data.results import Event, counted, json_safe
from napari_atlas.data.windows import SPLITS, WindowTable
from napari_atlas.errors import InputError, StoppedError
from napari_atlas.io.annotations import read_annotations
from napari_atlas.io.atomic import write_json
from napari_atlas.io.clips import ClipLibrary
from napari_atlas.io.clusters import read_clusters
from napari_atlas.io.loading import load_windows
from napari_atlas.io.movie import FORMS, write_movie
from napari_atlas.io.painting import beside, painted
from napari_atlas.io.project import read_project
from napari_atlas.io.provenance import as_fitted, recipe_hash
from napari_atlas.io.runs import RunFolder, find_run, list_runs

__all__ = ["ClipWishes", "make_clips"]

_PICTURES = 250
_BYTES = 256 * 2**20  # of the clips that a grid holds at once
_FEWEST = 12  # pictures of each clip in a grid
_LIST = "clips.json"
_LONGEST = 120  # letters of a file name
_CLUSTER = "cluster "


@dataclass(frozen=True)
class ClipWishes:
    """Which windows are filmed, and how. One of the first three says which; without any it is all windows.

    Attributes
    ----------
    of
        ``"cluster NAME/LABEL"``: those in a cluster.
    selection
        Name of a selection that was kept in the project.
    windows
        Window ids, each of which is shown, in this order.
    exemplars
        Of many windows, which are shown.
    fps
        Pictures per second of the films.
    size
        Width and height of one clip in pixels, without its caption.
    form
        ``"mp4"``, ``"gif"`` or ``"png"``, the last for a still of the middle of each window.
    grid
        Whether all clips play beside one another in one film.
    """

    of: str = ""
    selection: str = ""
    windows: tuple[int, ...] = ()
    exemplars: ExemplarWishes = field(default_factory=ExemplarWishes)
    fps: float = 25.0
    size: tuple[int, int] = (320, 240)
    form: str = "mp4"
    grid: bool = False

    def __post_init__(self) -> None:
        if sum(map(bool, (self.of, self.selection, self.windows))) > 1:
            raise InputError.of("clips", "they are asked for in two ways", "give one of --of, --selection, --windows")
        if not 0.1 <= self.fps <= 240:
            raise InputError.of("fps", f"{self.fps:g} pictures per second", "give 0.1 to 240")
        if not all(32 <= n <= 4096 for n in self.size):
            raise InputError.of("size", f"{self.size[0]}x{self.size[1]} pixels", "give 32 to 4096, such as 320x240")
        if f".{self.form}" not in FORMS:
            raise InputError.of("format", f"{self.form!r} is unknown", "choose from mp4, gif, png")


@dataclass(frozen=True)
class _Found:
    """The windows of a project, as a run sees them if there is one."""

    folder: Path
    table: WindowTable
    run: RunFolder | None
    latents: NDArray[np.floating]


def make_clips(
    folder: Path, out: Path, wishes: ClipWishes, run: str = "", should_stop: Callable[[], bool] = lambda: False
) -> Iterator[Event]:
    """Write films or stills of a project's windows; a generator of events.

    Parameters
    ----------
    folder
        The project.
    out
        Folder for the films; ``clips.json`` in it lists which video frames each shows.
    wishes
        Which windows, and how.
    run
        Id or label of the run whose windows, latents and clusters are meant; else the newest.
    should_stop
        Asked between two clips; films that are whole are kept.

    Raises
    ------
    InputError
        If there is no such project, run, cluster, selection or window, or nothing can be written.
    StoppedError
        If a stop was asked for.
    """
    if out.suffix in FORMS:
        raise InputError.of(out, "it names a film, but a folder is made", f"write {out.with_suffix('')}")
    found = _found(folder, run, needed=bool(wishes.of))
    ids, notes = _windows(found, wishes)
    data = {"windows": ids.tolist(), "out": str(out)}
    yield Event("started", f"making clips of {counted(ids.size, 'window')}", 0, ids.size, data)
    for note in notes:
        yield Event("log", note)
    _make(out)
    library, listed = ClipLibrary(folder), _Listed(out, found, wishes, notes)
    yield from (_one_film if wishes.grid else _many_films)(library, listed, ids, should_stop)
    yield Event("done", f"{counted(ids.size, 'clip')} in {out}", ids.size, ids.size, {"files": listed.files, **data})


class _Listed:
    """The films in a folder, and their list."""

    def __init__(self, out: Path, found: _Found, wishes: ClipWishes, notes: Sequence[str]) -> None:
        self.out, self.found, self.wishes = out, found, wishes
        self._told: dict[str, Any] = {
            "format": 1,
            "run": found.run.name if found.run else "",
            "of": wishes.of or wishes.selection,
            "fps": wishes.fps,
            "notes": list(notes),
        }
        self._clips: list[dict[str, Any]] = []

    @property
    def files(self) -> list[str]:
        """Names of the films."""
        return list(dict.fromkeys(clip["file"] for clip in self._clips))

    def write(self, name: str, clips: Sequence[tuple[int, Clip]]) -> None:
        """Write a film of clips, side by side where there are several, and put it on the list."""
        name = f"{name}.{self.wishes.form}"
        n_pictures = max(_n_pictures(clip, self.wishes.fps) for _, clip in clips)
        phases = ((np.arange(n_pictures) + 0.5) / n_pictures).tolist()
        titles = [(clip, *self._caption(window, clip, len(phases))) for window, clip in clips]
        pictures = (beside([painted(clip, clip.at(phase), *texts) for clip, *texts in titles]) for phase in phases)
        write_movie(self.out / name, pictures, self.wishes.fps)
        self._clips += [json_safe(self._entry(name, window, clip, phases)) for window, clip in clips]
        write_json(self.out / _LIST, {**self._told, "clips": self._clips})

    def _caption(self, window: int, clip: Clip, n_pictures: int) -> tuple[str, str]:
        table = self.found.table
        celsius, key = float(table.temperature[window]), table.keys[table.track[window]]
        told = [f"{celsius:.1f} °C"] if math.isfinite(celsius) else []
        speed = (clip.seconds[-1] - clip.seconds[0]) / max(1, n_pictures - 1) * self.wishes.fps
        told += [f"speed ×{speed:.2g}"] if n_pictures > 1 and math.isfinite(speed) and abs(speed - 1) > 0.1 else []
        return f"{key.species} · {key.recording} · {key.individual}", " · ".join(told)

    def _entry(self, name: str, window: int, clip: Clip, phases: Sequence[float]) -> dict[str, Any]:
        table = self.found.table
        return {
            "file": name,
            "window": window,
            "species": table.keys[table.track[window]].species,
            "recording": clip.recording,
            "individual": clip.individual,
            "split": SPLITS[table.split[window]],
            "first_frame": int(table.first_frame[window]),
            "stop_frame": int(table.stop_frame[window]),
            "seconds": float(table.seconds[window]),
            "temperature": float(table.temperature[window]),
            "note": clip.note,
            "frames": [int(clip.frames[clip.at(phase)]) for phase in phases],
        }


def _n_pictures(clip: Clip, fps: float) -> int:
    """Return how many pictures show a clip at the speed of life; all of them where they are fewer."""
    lasting = float(clip.seconds[-1] - clip.seconds[0]) * fps
    return min(len(clip.frames), round(lasting) + 1) if lasting > 0 else len(clip.frames)


def _many_films(
    library: ClipLibrary, listed: _Listed, ids: NDArray[np.int64], should_stop: Callable[[], bool]
) -> Iterator[Event]:
    table, wishes = listed.found.table, listed.wishes
    for i, window in enumerate(ids.tolist(), start=1):
        _stop_if(should_stop)
        clip = library.clip(table, window, wishes.size, 1 if wishes.form == "png" else _PICTURES)
        name = f"{i:0{len(str(ids.size))}d} {clip.recording} {clip.individual} {clip.frames[0]}"
        listed.write(re.sub(r"[^\w.-]+", "_", name)[:_LONGEST], [(window, clip)])
        yield Event("progress", f"clip {i} of {ids.size}", i, ids.size)


def _one_film(
    library: ClipLibrary, listed: _Listed, ids: NDArray[np.int64], should_stop: Callable[[], bool]
) -> Iterator[Event]:
    table, wishes = listed.found.table, listed.wishes
    width, height = wishes.size
    most = 1 if wishes.form == "png" else min(_PICTURES, _BYTES // (3 * width * height * ids.size))
    if most < _FEWEST and wishes.form != "png":
        raise InputError.of("grid", f"{ids.size} clips of {width}x{height} are too many", "ask for fewer or smaller")
    clips: list[tuple[int, Clip]] = []
    for i, window in enumerate(ids.tolist(), start=1):
        _stop_if(should_stop)
        clips.append((window, library.clip(table, window, wishes.size, most)))
        yield Event("progress", f"clip {i} of {ids.size}", i, ids.size)
    _stop_if(should_stop)
    listed.write("grid", clips)


def _found(folder: Path, run: str, needed: bool) -> _Found:
    """Return the windows as a run sees them; without a run, or with one out of date that is not needed, without it."""
    project = read_project(folder)
    fitted = [r for r in list_runs(folder) if r.weights.is_file()]
    if not run and not fitted:
        return _Found(folder, load_windows(project)[0].table, None, np.empty((0, 0)))
    chosen = find_run(folder, run)
    project = as_fitted(project, chosen.config)
    if chosen.config.get("recipe") != recipe_hash(project):
        if not run and not needed:
            return _Found(folder, load_windows(project)[0].table, None, np.empty((0, 0)))
        raise InputError.of(f"run {chosen.name}", "its recordings or settings have changed since", "fit again")
    windows, latents = load_windows(project)[0], chosen.read_latents()
    if "split" in latents and len(latents["split"]) == len(windows.table):
        windows = windows.with_split(latents["split"])
    mu = latents.get("mu", np.empty((0, 0)))
    return _Found(folder, windows.table, chosen, mu if len(mu) == len(windows.table) else np.empty((0, 0)))


def _windows(found: _Found, wishes: ClipWishes) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the windows that are shown, and what is to be known of the choice."""
    n = len(found.table)
    if wishes.windows:
        unknown = [window for window in wishes.windows if not 0 <= window < n]
        if unknown:
            raise InputError.of("--windows", f"there is no window {unknown[0]}", f"give numbers from 0 to {n - 1}")
        return np.array(wishes.windows, dtype=np.int64), ()
    if wishes.selection:
        ids = _selected(found, wishes.selection)
    else:
        ids = _cluster(found, wishes.of) if wishes.of else np.arange(n)
    if not ids.size:
        raise InputError.of(wishes.of or wishes.selection or found.folder, "there is no window in it", "choose another")
    chosen = exemplars(found.table, found.latents, ids, wishes.exemplars)
    return chosen.ids, chosen.notes


def _selected(found: _Found, name: str) -> NDArray[np.int64]:
    annotations = read_annotations(found.folder)
    mark = annotations.find("selection", name)
    if mark is None:
        known = ", ".join(m.name for m in annotations.of_kind("selection")) or "none yet"
        raise InputError.of(f"selection {name}", "the project has no such selection", f"it has: {known}")
    return mark.spans.windows(found.table)


def _cluster(found: _Found, of: str) -> NDArray[np.int64]:
    name, _, label = of.removeprefix(_CLUSTER).strip().partition("/")
    if not of.startswith(_CLUSTER) or not label:
        raise InputError.of(f"--of {of}", "it names no cluster", "write --of 'cluster NAME/LABEL'")
    known = read_clusters(found.run, len(found.table)) if found.run else ()
    clustering = next((c for c in known if c.name == name), None)
    if clustering is None:
        names = ", ".join(c.name for c in known) or "none yet, make some with 'napari-atlas cluster PROJECT'"
        raise InputError.of(f"clusters {name}", "the run has none of that name", f"it has: {names}")
    if label not in clustering.labels:
        labels = ", ".join(clustering.labels)
        raise InputError.of(f"cluster {label}", f"clusters {name} have none of that name", f"they are: {labels}")
    return clustering.members(label)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError.of(folder, f"it cannot be made ({error.strerror})", "choose another folder") from error


def _stop_if(should_stop: Callable[[], bool]) -> None:
    if should_stop():
        raise StoppedError("stopped; films that were whole are kept")
