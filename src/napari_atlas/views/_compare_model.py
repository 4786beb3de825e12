"""What the compare dock shows, worked out from the windows; nothing of it draws, all of it may run in a thread."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_atlas.analysis.compare import CompareWishes, Nearest, doubts, nearest_windows
from napari_atlas.analysis.exemplars import ExemplarWishes, exemplars
from napari_atlas.data.atlas import Atlas
from napari_atlas.data.clusters import Clustering
from napari_atlas.data.windows import SPLITS
from napari_atlas.views._pane_wall import PaneContent
from napari_atlas.views._time import clock_text

__all__ = ["Answer", "Question", "answer"]

NO_PROJECT = "Open a project. Then the windows of the other species that are nearest to yours play here."
NO_MODEL = "There is no model yet. Press Train in the training dock; then near windows of other species play here."
NO_WINDOW = "The video is in no window here. Click a point on the map, or press J or K."
NO_LATENT = "The model knows no place for this window, so nothing is near it. Go to another one."
_TRAINED = "This window was trained on, so it looks better placed than it is: look at held-out ones."
_BETWEEN = "This window lies between training and held-out windows and shares time with both."
_UNLIKELY = 0.05


@dataclass(frozen=True)
class Question:
    """What to compare.

    Attributes
    ----------
    window
        The window whose nearest ones are wanted; −1 if there is none.
    clusters
        Names of a clustering and of one or two of its clusters, whose typical windows are wanted instead; empty for
        the nearest windows.
    wishes
        How many, and among which.
    """

    window: int = -1
    clusters: tuple[str, ...] = ()
    wishes: CompareWishes = field(default_factory=CompareWishes)


@dataclass(frozen=True, eq=False)
class Answer:
    """What to show.

    Attributes
    ----------
    contents
        One per pane, without clips.
    groups
        How many of the last panes belong together.
    notes
        What to know about them, sentences, the weightiest first.
    empty
        Why there is nothing to show; empty if there is something.
    """

    contents: tuple[PaneContent, ...] = ()
    groups: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    empty: str = ""


def answer(atlas: Atlas | None, clusterings: tuple[Clustering, ...], question: Question) -> Answer:
    """Return what to show for a question."""
    if atlas is None:
        return Answer(empty=NO_PROJECT)
    if question.clusters:
        return _of_clusters(atlas, clusterings, question)
    return _of_window(atlas, question)


def _of_window(atlas: Atlas, question: Question) -> Answer:
    """Return a window beside the nearest ones of each other species."""
    table, window, wishes = atlas.windows.table, question.window, question.wishes
    names = table.species_names()
    if len(names) < 2 and not wishes.own_species:
        return Answer(empty=_one_species(names))
    if len(atlas.latents) != len(table) or not len(table):
        return Answer(empty=NO_MODEL)
    if not 0 <= window < len(table):
        return Answer(empty=NO_WINDOW)
    if not np.isfinite(atlas.latents[window]).all():
        return Answer(empty=NO_LATENT)
    found = nearest_windows(table, atlas.latents, window, wishes)
    traces = _Traces(atlas, np.concatenate([[window], *(near.ids for near in found)]).astype(np.int64))
    lead = _content(traces, window, "this window")
    own = table.keys[table.track[window]].species
    rows = [_row(traces, near, own) for near in found]
    rows = [row for row in rows if row]
    return Answer((lead, *(pane for row in rows for pane in row)), tuple(map(len, rows)), _notes(atlas, window, found))


def _of_clusters(atlas: Atlas, clusterings: tuple[Clustering, ...], question: Question) -> Answer:
    """Return typical windows of each species in one cluster, or in two."""
    name, *labels = question.clusters
    clustering = next((c for c in clusterings if c.name == name), None)
    if clustering is None or clustering.codes.size != len(atlas.windows.table):
        return Answer(empty=f"The clusters {name} are not there any more. Choose others.")
    table, wishes, parts = atlas.windows.table, question.wishes, []
    notes: dict[str, None] = {}
    typical = ExemplarWishes(wishes.k, among=wishes.among, per_recording=int(wishes.one_per_recording))
    for label in labels:
        members = clustering.members(label)
        for species in table.species_names():
            mine = np.intersect1d(members, table.rows_of(species))
            chosen = exemplars(table, atlas.latents, mine, typical)
            notes |= dict.fromkeys(f"{label}, {species}: {note}" for note in chosen.notes)
            parts.append((label, species, mine.size, chosen.ids))
    traces = _Traces(atlas, np.concatenate([ids for *_, ids in parts]).astype(np.int64))
    rows = [_exemplar_row(traces, *part) for part in parts]
    return Answer(tuple(pane for row in rows for pane in row), tuple(map(len, rows)), tuple(notes))


def _notes(atlas: Atlas, window: int, found: tuple[Nearest, ...]) -> tuple[str, ...]:
    """Return what keeps the comparison from being believed."""
    table = atlas.windows.table
    own, split = table.keys[table.track[window]].species, SPLITS[int(table.split[window])]
    told = [doubts(atlas.card, own, near.species) for near in found if near.species != own and near.ids.size]
    told.append({"train": _TRAINED, "gap": _BETWEEN}.get(split, ""))
    told += [near.note or _far(near) for near in found]
    return tuple(filter(None, told))


def _far(near: Nearest) -> str:
    """Say if none of the windows found is near; empty if one is, or if that cannot be told."""
    share = float(near.nearer_than[0]) if near.ids.size else np.nan
    if not share**near.n_candidates < _UNLIKELY:
        return ""
    return f"No window of {near.species} is really near: of {near.n_candidates} random pairs the best is nearer."


def _row(traces: _Traces, near: Nearest, own: str) -> tuple[PaneContent, ...]:
    """Return the panes of one species; one that says so if none was found."""
    if not near.ids.size:
        fault = near.note or f"there is no other window of {near.species}"
        return (PaneContent(None, near.species, fault=fault, tip=fault, color=traces.color(near.species)),)
    chance = 1.0 / (near.n_candidates + 1)
    whose = f"of {own}" if near.species == own else f"of {own} and {near.species}"
    panes = []
    for window, distance, share in zip(near.ids.tolist(), near.distances, near.nearer_than, strict=True):
        apart = (f"nearer than {_percent(share)} · " if np.isfinite(share) else "") + f"{distance:.2f} apart"
        tip = (
            f"{distance:.3f} apart in the latent; nearer than {_percent(share)} of random pairs of windows {whose}.\n"
            f"Searched: {near.n_candidates} windows. The nearest of so many would by luck alone be nearer than about "
            f"{_percent(1 - chance)}."
        )
        panes.append(_content(traces, window, apart, tip))
    return tuple(panes)


def _exemplar_row(traces: _Traces, label: str, species: str, n: int, ids: NDArray[np.int64]) -> tuple[PaneContent, ...]:
    if not n:
        fault = f"no window of {species} is in {label}"
        return (PaneContent(None, f"{label} · {species}", fault=fault, tip=fault, color=traces.color(species)),)
    return tuple(_content(traces, window, f"{label} · {n} windows of {species}") for window in ids.tolist())


def _content(traces: _Traces, window: int, words: str, tip: str = "") -> PaneContent:
    """Return the pane of one window."""
    atlas = traces.atlas
    table = atlas.windows.table
    key = table.keys[table.track[window]]
    celsius = float(table.temperature[window])
    facts = [
        _when(atlas, window),
        *([f"{celsius:.1f} °C"] if np.isfinite(celsius) else []),
        _PARTS[int(table.split[window])],
    ]
    low, high = traces.limits(key.species)
    prefix = [] if key.recording.startswith(key.species) else [key.species]
    signal = f"Line below: {traces.signal(key.species)}, from {low:.3g} to {high:.3g}, one scale for each species."
    return PaneContent(
        clip=None,
        title=" · ".join([*prefix, f"{key.recording} / {key.individual}"]),
        subtitle=" · ".join(facts) + f"\n{words}",
        trace=traces.of(window),
        window=window,
        color=traces.color(key.species),
        limits=(low, high),
        tip="\n".join(filter(None, (f"{key.species}: {key.recording} / {key.individual}", tip, signal))),
    )


def _when(atlas: Atlas, window: int) -> str:
    """Return the middle of a window, and how long it lasts; without a clock in frames."""
    table = atlas.windows.table
    first, stop, seconds = int(table.first_frame[window]), int(table.stop_frame[window]), float(table.seconds[window])
    info = atlas.recordings.get(table.keys[table.track[window]].recording)
    if info is None or not info.timebase.known or not np.isfinite(seconds):
        return f"frame {(first + stop) // 2} ({stop - first} frames)"
    return f"{clock_text(seconds, 1)} ({(stop - first) / info.timebase.fps:.3g} s)"


_PARTS = tuple({"test": "held out", "gap": "gap"}.get(name, name) for name in SPLITS)


class _Traces:
    """The first channel of the signal in some windows; windows of one species share one scale."""

    def __init__(self, atlas: Atlas, ids: NDArray[np.int64]) -> None:
        self.atlas = atlas
        self._species = {kind.name: kind for kind in atlas.windows.species}
        self._values: dict[int, NDArray[np.float64]] = {}
        self._limits: dict[str, tuple[float, float]] = {}
        for name in self._species:
            mine = np.intersect1d(ids, atlas.windows.table.rows_of(name))
            if mine.size:
                stack = atlas.windows.gather(mine)[:, :, 0]
                self._values |= dict(zip(mine.tolist(), stack, strict=True))
                known = stack[np.isfinite(stack)]
                self._limits[name] = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)

    def of(self, window: int) -> NDArray[np.float64]:
        return self._values[window]

    def limits(self, species: str) -> tuple[float, float]:
        return self._limits[species]

    def color(self, species: str) -> str:
        return self._species[species].color

    def signal(self, species: str) -> str:
        """Return the name of what the trace shows."""
        tracks = (track for track in self.atlas.tracks if track.key.species == species and track.channels)
        return next((track.channels[0] for track in tracks), self._species[species].signal)


def _one_species(names: tuple[str, ...]) -> str:
    if not names:
        return "There are no windows yet. Add recordings of two species or more in the import dock."
    cure = "Add recordings of another one in the import dock."
    return f"There is only one species ({names[0]}); comparing needs two. {cure}"


def _percent(share: float) -> str:
    """Return a share as per cent, with a decimal near the end, where it matters; of a sample nothing is 100 %."""
    return f"{100 * min(share, 0.999):.1f} %" if share >= 0.99 else f"{100 * share:.0f} %"
