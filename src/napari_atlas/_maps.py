"""Maps of a run: made, made of some of its windows, put on show."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_atlas._fit import assemble
from napari_atlas.data.atlas import Atlas
from napari_atlas.data.results import Event, counted
from napari_atlas.data.windows import WindowTable
from napari_atlas.errors import InputError, StoppedError
from napari_atlas.io.annotations import read_annotations
from napari_atlas.io.atomic import read_json
from napari_atlas.io.loading import load_windows
from napari_atlas.io.project import read_project
from napari_atlas.io.provenance import as_fitted, recipe_hash
from napari_atlas.io.runs import RunFolder, check_map_name, find_run

if TYPE_CHECKING:
    from napari_atlas.analysis.projection import MapRecipe

__all__ = ["MapWishes", "make_map", "with_map"]

Tell = Callable[[str, int, int], None]
Result = TypeVar("Result")
# Of so many windows a preview tells what it keeps; all of them would take longer than the preview itself.
_SAMPLED = 5000
_PREVIEW = "-preview"
_NONE = np.empty(0, dtype=np.float32)


@dataclass(frozen=True)
class MapWishes:
    """Of what a map is made, and how far.

    Attributes
    ----------
    only
        A file of window ids, a JSON list or plain text, or the name of a saved selection; "" is all windows.
    name
        What the map is called; "" makes a name.
    preview_only
        Whether the preview is enough, if there are so many windows that there is one.
    """

    only: str = ""
    name: str = ""
    preview_only: bool = False


@dataclass(frozen=True)
class _Plan:
    """Where a map goes, and of which windows it is.

    Attributes
    ----------
    ids
        (n_ids,) windows of the map.
    known
        Which of them have a latent that is finite.
    values
        (n_known, n_latent) latents.
    part
        Whether others are left out.
    """

    run: RunFolder
    recipe: MapRecipe
    name: str
    ids: NDArray[np.int64]
    known: NDArray[np.bool_]
    values: NDArray[np.float32]
    part: bool

    def write(self, coordinates: NDArray[np.float32], kept: NDArray[np.float32], text: str, ending: str = "") -> None:
        """Write a map whole; windows without a latent have no place on it."""
        arrays: dict[str, NDArray[Any]] = {"ids": self.ids} if self.part else {}
        if ending:
            arrays["preview"] = np.array(True)
        told = text.replace(" · ", f" of {counted(len(self.ids), 'window')} · ", 1) if self.part else text
        arrays |= {"coordinates": self._whole(coordinates), "kept": self._whole(kept)}
        self.run.write_map(self.name + ending, told, **arrays)

    def _whole(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        whole = np.full((len(self.known), *values.shape[1:]), np.nan, dtype=np.float32)
        whole[self.known] = values
        return whole


def make_map(
    folder: Path,
    recipe: MapRecipe,
    run: str = "",
    should_stop: Callable[[], bool] = lambda: False,
    wishes: MapWishes | None = None,
) -> Iterator[Event]:
    """Lay a run's latents out and write the map beside them; a generator of events.

    Many windows get a preview first, which an event of kind "preview" tells of; the map begins from there and takes
    its place. Older maps stay as they are.

    Parameters
    ----------
    folder
        The project.
    recipe
        The settings.
    run
        Id or label; "" is the newest one.
    should_stop
        Asked between two steps; the preview, if it is there, and older maps are kept.
    wishes
        Which windows, and what the map is called; none is all of them.

    Raises
    ------
    InputError
        If there is no such run, file or selection, or the run has no latents.
    StoppedError
        If a stop was asked for.
    """
    from napari_atlas.analysis.landmarks import n_landmarks

    wishes = wishes or MapWishes()
    whole, chosen = read_project(folder), find_run(folder, run)
    fitted, latents = as_fitted(whole, chosen.config), chosen.read_latents()
    if chosen.config.get("recipe") != recipe_hash(fitted):
        raise InputError.of(f"run {chosen.name}", "its recordings or settings have changed since", "fit again")
    if not latents:
        raise InputError.of(f"run {chosen.name}", "it has no latents yet", "wait for the fit, or fit again")
    windows = load_windows(fitted)[0]
    plan = _plan(chosen, recipe, latents["mu"], _wanted(folder, wishes.only, windows.table), wishes)
    n, told = len(plan.ids), {"run": chosen.name, "part": plan.part}
    yield Event("started", f"mapping {counted(n, 'window')} of run {chosen.name}", data=told)
    begin, name = None, plan.name
    if n_landmarks(len(plan.values)):
        begin = yield from _followed(lambda tell: _preview(plan, tell), should_stop)
        name = plan.name + _PREVIEW
        yield Event("preview", "a preview is there; the map itself takes longer", data={**told, "map": name})
    if begin is None or not wishes.preview_only:
        yield from _followed(lambda tell: _full(plan, begin, tell), should_stop)
        (chosen.path / "maps" / f"{plan.name}{_PREVIEW}.npz").unlink(missing_ok=True)
        name = plan.name
    if not plan.part:
        assemble(windows, chosen)
    yield Event("done", f"map {name} of run {chosen.name}: {counted(n, 'window')}", n, n, {**told, "map": name})


def with_map(atlas: Atlas, name: str = "") -> Atlas:
    """Return an atlas with another map of its run.

    Parameters
    ----------
    atlas
        What is on show; without latents it stays as it is.
    name
        Of the map. Windows that it leaves out have NaN coordinates. "" is the newest map of all windows, a preview if
        there is no other, the principal components if there is none.

    Raises
    ------
    InputError
        If there is no such map, it is damaged, or it is of other windows.
    """
    if not len(atlas.latents):
        return atlas
    run = RunFolder(atlas.folder / "runs" / atlas.run)
    called = name or next(iter(run.map_recipes), "")
    if not called:
        from napari_atlas.analysis.projection import project_linearly

        return replace(atlas, coordinates=project_linearly(atlas.latents), recipe="PCA", kept=_NONE)
    arrays = run.read_map(called)
    try:
        ids, kept, n = arrays.get("ids"), arrays.get("kept", _NONE), len(atlas.latents)
        return replace(
            atlas,
            coordinates=_spread(arrays["coordinates"], ids, n),
            recipe=str(arrays["recipe"]),
            kept=_spread(kept, ids, n) if kept.size else _NONE,
        )
    except (KeyError, IndexError, ValueError) as error:
        told = "it is not of the windows that the run has now"
        raise InputError.of(f"map {called} of run {run.name}", told, "delete its file, and map again") from error


def _spread(values: NDArray[Any], ids: NDArray[np.integer] | None, n: int) -> NDArray[np.float32]:
    """Return one row per window, NaN for a window that is left out."""
    if ids is None and len(values) != n:
        raise ValueError(len(values))
    whole = np.full((n, *values.shape[1:]), np.nan, dtype=np.float32)
    whole[slice(None) if ids is None else ids] = values
    return whole


def _plan(
    run: RunFolder, recipe: MapRecipe, mu: NDArray[np.float32], ids: NDArray[np.int64], wishes: MapWishes
) -> _Plan:
    known = np.asarray(np.isfinite(mu[ids]).all(axis=1))
    if not known.any():
        raise InputError.of(f"run {run.name}", "none of these windows has a latent", "choose others, or fit again")
    part = bool(wishes.only)
    name = wishes.name or (f"{recipe.name}-part" if part else recipe.name)
    check_map_name(name)
    return _Plan(run, recipe, name, ids, known, mu[ids[known]], part)


def _wanted(folder: Path, only: str, table: WindowTable) -> NDArray[np.int64]:
    """Return the rising ids of the windows that are wished for: all, those of a file, or of a saved selection."""
    if not only:
        return np.arange(len(table))
    file = Path(only)
    if file.suffix in (".json", ".txt") and file.is_file():
        ids = _ids_of(file)
        if ids.size and not 0 <= ids[0] <= ids[-1] < len(table):
            told = f"window {ids[0] if ids[0] < 0 else ids[-1]} is not one of the run's {len(table)}"
            raise InputError.of(file, told, f"give ids from 0 to {len(table) - 1}")
    else:
        marks = read_annotations(folder)
        mark = marks.find("selection", only)
        if mark is None:
            known = ", ".join(m.name for m in marks.of_kind("selection")) or "none yet"
            raise InputError.of(only, "it is neither a file of window ids nor a saved selection", f"saved: {known}")
        ids = mark.spans.windows(table)
    if not ids.size:
        raise InputError.of(only, "it holds no window of this run", "choose other windows")
    return ids


def _ids_of(file: Path) -> NDArray[np.int64]:
    try:
        listed = file.suffix == ".json"
        found = read_json(file) if listed else file.read_text(encoding="utf-8").replace(",", " ").split()
        return np.unique(np.array([_whole_number(value) for value in found], dtype=np.int64))
    except (TypeError, ValueError, OSError, OverflowError) as error:
        raise InputError.of(file, "it is no list of window ids", "write whole numbers, as [3, 14, 15]") from error


def _whole_number(value: Any) -> int:
    if isinstance(value, float | bool):
        raise TypeError(value)
    return int(value)


def _preview(plan: _Plan, tell: Tell) -> NDArray[np.float32]:
    """Write the preview and return its coordinates."""
    from napari_atlas.analysis.landmarks import n_landmarks, preview
    from napari_atlas.analysis.preservation import kept_neighbours

    recipe = plan.recipe
    coordinates = preview(plan.values, recipe, lambda done, of: tell("preview: step", done, of))
    kept = kept_neighbours(plan.values, coordinates, most=_SAMPLED, seed=recipe.seed)
    landmarks = f"{n_landmarks(len(plan.values)):,}".replace(",", " ")
    text = f"{recipe.method} preview · {landmarks} landmarks · n={recipe.n_neighbors} · seed {recipe.seed}"
    tell("preview: file", 1, 1)
    plan.write(coordinates, kept, text, _PREVIEW)
    return coordinates


def _full(plan: _Plan, begin: NDArray[np.float32] | None, tell: Tell) -> None:
    """Write the map."""
    from napari_atlas.analysis.preservation import K_KEPT, kept_neighbours, nearest
    from napari_atlas.analysis.projection import FEWEST_FOR_UMAP, project

    recipe, values = plan.recipe, plan.values
    k = min(max(recipe.n_neighbors, K_KEPT + 1), len(values))
    near = nearest(values, k, recipe.seed, lambda done, of: tell("nearest windows:", done, of))
    coordinates = project(values, recipe, near, begin, tell=lambda done, of: tell("map: step", done, of))
    text = str(recipe) if len(values) >= FEWEST_FOR_UMAP else "PCA · too few windows for UMAP"
    text += "" if near.exact else " · neighbours found approximately"
    kept = kept_neighbours(values, coordinates, near)
    tell("map: file", 1, 1)
    plan.write(coordinates, kept, text)


def _followed(work: Callable[[Tell], Result], should_stop: Callable[[], bool]) -> Generator[Event, None, Result]:
    """Do work in a thread, and yield what it tells meanwhile.

    A stop is taken at once. The thread writes nothing any more, and ends after its step or with the process.
    """
    told: queue.SimpleQueue[Event] = queue.SimpleQueue()
    left = threading.Event()
    future: Future[Result] = Future()

    def tell(what: str, done: int, total: int) -> None:
        if left.is_set():
            raise StoppedError("stopped")
        told.put(Event("progress", f"{what} {done} of {total}", done, total))

    def do() -> None:
        try:
            future.set_result(work(tell))
        except BaseException as error:  # noqa: BLE001
            future.set_exception(error)

    threading.Thread(target=do, daemon=True).start()
    try:
        while not (future.done() and told.empty()):
            if should_stop():
                raise StoppedError("the map was stopped; the maps that were there before are kept")
            with contextlib.suppress(queue.Empty):
                yield told.get(timeout=0.05)
        return future.result()
    finally:
        left.set()
