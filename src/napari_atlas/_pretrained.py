"""What a run begins with: weights drawn at random, those of a reference, or those of a run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_atlas.data.config import FitConfig
from napari_atlas.data.novelty import Trained, judge
from napari_atlas.data.project import Project
from napari_atlas.data.splits import assign_split
from napari_atlas.data.windows import SPLITS, Windows, WindowTable
from napari_atlas.errors import InputError, NewerFormatError
from napari_atlas.io.atomic import read_json, replacing
from napari_atlas.io.hashes import content_hash, known_hash
from napari_atlas.io.provenance import recipe_hash, recipe_of
from napari_atlas.io.running import process_of
from napari_atlas.io.runs import RunFolder, label_of, list_runs

if TYPE_CHECKING:
    from napari_atlas.model.encoding import Encoded
    from napari_atlas.model.runner import Prepared

__all__ = [
    "AsItIs",
    "FromReference",
    "FromWeights",
    "InitFrom",
    "Origin",
    "Start",
    "find_weights",
    "outside_notes",
    "start_of",
    "start_with",
]

_FORMAT = 1
_SHOWN = 3
_USUAL = "about 2 % would be usual"


class InitFrom(NamedTuple):
    """Weights that a fit begins with.

    ``weights`` is the id or label of a run, a run's folder, or a weight file; ``frozen`` says whether all that was
    trained is kept as it is, so that only what is new is trained.
    """

    weights: str
    frozen: bool = False


@dataclass(frozen=True)
class Origin:
    """Weights of a run.

    Attributes
    ----------
    path
        The file. Beside it, with the ending ``.json``, lies what it was trained on.
    name
        What to call them.
    hash
        Of the file.
    known
        What they were trained on, as JSON types; empty if nothing tells. ``species`` holds what their windows look
        like, ``recordings`` what was not held out, and ``split`` a hash of the windows with their split.
    trained
        What the training windows look like, by species.
    """

    path: Path
    name: str
    hash: str
    known: Mapping[str, Any]
    trained: Mapping[str, Trained]

    @classmethod
    def of(cls, path: Path, name: str) -> Origin:
        """Return the weights in a file, with what lies beside them.

        Raises
        ------
        InputError
            If there are none, or what lies beside them cannot be read.
        """
        if not path.is_file():
            raise InputError.of(path, "there are no weights", "fit the model first, or check the path")
        beside = path.with_suffix(".json")
        known = read_json(beside) if beside.is_file() else {}
        try:
            newer = int(known.get("format", _FORMAT)) > _FORMAT
            trained = {} if newer else {s: Trained.from_dict(found) for s, found in known.get("species", {}).items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError.of(beside, "a value is missing or wrong", "restore a copy, or delete it") from error
        if newer:
            raise NewerFormatError.of(
                beside, f"format {known['format']} is newer than {_FORMAT}", "update napari-atlas"
            )
        return cls(path, name, content_hash(path), known, trained)

    def seen(self, project: Project, table: WindowTable) -> NDArray[np.bool_]:
        """Return (n_windows,) whether each is of a recording that these weights were trained on."""
        trained, marks = set(self.known.get("recordings", ())), _marks(project, {})
        return np.isin(table.of_key("recording"), [name for name, mark in marks.items() if mark in trained])


def find_weights(folder: Path, name: str) -> Origin:
    """Return the weights of a run of this project, by id or label, of a run's folder, or in a file.

    Raises
    ------
    InputError
        If there are none, or a run is being fitted.
    """
    runs, path = list_runs(folder), Path(name)
    named = [run for run in runs if name and name in (run.name, label_of(run))]
    if named:
        run, told = named[0], f"run {named[0].name}"
    elif path.is_dir():
        run, told = RunFolder(path.resolve()), f"run {path.resolve().name}"
    elif path.is_file():
        return Origin.of(path, path.name)
    else:
        known = ", ".join(run.name for run in runs[-_SHOWN:]) or "none yet"
        raise InputError.of(f"weights {name}", "there is no such run, folder or file", f"the newest runs: {known}")
    if pid := process_of(run):
        raise InputError.of(told, f"process {pid} is fitting it at this moment", "wait until it is done")
    return Origin.of(run.weights, told)


@dataclass(frozen=True)
class Start:
    """What a run begins with; here weights that are drawn at random and trained."""

    trains: ClassVar[bool] = True

    def prepare(self, project: Project, windows: Windows, config: FitConfig) -> tuple[Prepared, tuple[str, ...]]:
        """Return the fit, and its notes.

        Raises
        ------
        InputError
            If the windows cannot be fitted as asked.
        """
        split = assign_split(windows.table, config)
        windows = windows.with_split(split.codes)
        prepared = self._begun(windows, config)
        return prepared, (*split.notes, *prepared.notes, *self._cautions(project, windows))

    def record(self) -> dict[str, Any]:
        """Return what the run's settings say of it."""
        return {}

    def keep(self, run: RunFolder) -> None:
        """Keep in the run's folder what a resumed fit begins with again."""

    def describe(
        self, project: Project, record: Mapping[str, Any], table: WindowTable, encoded: Encoded
    ) -> dict[str, Any]:
        """Return what the weights of the new run are trained on, as JSON types; *record* is what made the run."""
        fitted = np.isin(table.split, [SPLITS.index(part) for part in ("train", "validation")])
        trained, species = table.in_split("train"), table.of_key("species")
        learned = trained & np.isfinite(encoded.reconstruction_error) & np.isfinite(encoded.mu).all(axis=1)
        shapes = {
            str(name): Trained.of(encoded.mu[rows], encoded.reconstruction_error[rows]).as_dict()
            for name in np.unique(species[learned])
            for rows in [learned & (species == name)]
        }
        used = set(table.of_key("recording")[fitted])
        marks = _marks(project, record.get("sources") or {})
        recordings = sorted(mark for name, mark in marks.items() if name in used)
        split = _split_hash(str(record.get("recipe")), table)
        recipes = {s.name: recipe_of(s) for s in project.species}
        return {"format": _FORMAT, "species": shapes, "recordings": recordings, "split": split, "recipes": recipes}

    def outside(self, table: WindowTable, encoded: Encoded) -> NDArray[np.bool_]:
        """Return (n_windows,) whether each lies outside what the weights were trained on; empty if nobody asks."""
        return np.empty(0, dtype=bool)

    def _begun(self, windows: Windows, config: FitConfig) -> Prepared:
        from napari_atlas.model.runner import prepare

        return prepare(windows, config)

    def _cautions(self, project: Project, windows: Windows) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True)
class FromReference(Start):
    """The weights of a reference checkpoint are taken over, and nothing is trained."""

    path: Path
    trains: ClassVar[bool] = False

    def prepare(self, project: Project, windows: Windows, config: FitConfig) -> tuple[Prepared, tuple[str, ...]]:
        """Return a fit that is over, and its notes; nothing is held out."""
        return super().prepare(project, windows, replace(config, split="none"))

    def record(self) -> dict[str, Any]:
        """Return what the run's settings say of it."""
        return {"reference": str(self.path)}

    def _begun(self, windows: Windows, config: FitConfig) -> Prepared:
        from napari_atlas.model.runner import adopt_reference

        return adopt_reference(windows, config, self.path)


@dataclass(frozen=True)
class FromWeights(Start):
    """The weights of a run are trained on, or what is new beside them."""

    origin: Origin
    frozen: bool = False

    def record(self) -> dict[str, Any]:
        """Return what the run's settings say of it."""
        return {"weights": {"name": self.origin.name, "hash": self.origin.hash, "frozen": self.frozen}}

    def keep(self, run: RunFolder) -> None:
        """Keep in the run's folder what a resumed fit begins with again."""
        _copy(self.origin, run.path / "init.safetensors")
        run.write("init", dict(self.origin.known))

    def describe(
        self, project: Project, record: Mapping[str, Any], table: WindowTable, encoded: Encoded
    ) -> dict[str, Any]:
        """Return what the weights of the new run are trained on: now, and before."""
        now, before = super().describe(project, record, table, encoded), self.origin.known
        recordings = sorted({*now["recordings"], *before.get("recordings", ())})
        both = {name: {**before.get(name, {}), **now[name]} for name in ("species", "recipes")}
        return now | both | {"recordings": recordings}

    def _begun(self, windows: Windows, config: FitConfig) -> Prepared:
        from napari_atlas.model.pretrained import continue_fit

        return continue_fit(windows, config, self.origin.path, self.frozen, self.origin.name)

    def _cautions(self, project: Project, windows: Windows) -> tuple[str, ...]:
        """Say where held-out windows are not new to the weights; the same split as before holds out the same."""
        return (*_unlike(project, self.origin.known), *self._seen_before(project, windows))

    def _seen_before(self, project: Project, windows: Windows) -> tuple[str, ...]:
        held_out = ~windows.table.in_split("train")
        if not held_out.any() or self.origin.known.get("split") == _split_hash(recipe_hash(project), windows.table):
            return ()
        if not self.origin.known:
            return ("nothing tells what these weights were trained on: figures on held-out windows may be too good",)
        known = np.unique(windows.table.of_key("recording")[held_out & self.origin.seen(project, windows.table)])
        if not known.size:
            return ()
        shown = ", ".join(known[:_SHOWN]) + (" …" if known.size > _SHOWN else "")
        return (f"these weights were trained on {shown}: figures on what is held out there are too good",)


@dataclass(frozen=True)
class AsItIs(Start):
    """The weights of a run are used as they are, on windows that they may never have seen."""

    origin: Origin
    trains: ClassVar[bool] = False

    def prepare(self, project: Project, windows: Windows, config: FitConfig) -> tuple[Prepared, tuple[str, ...]]:
        """Return what is left to encode; windows of recordings that the weights were trained on count as train."""
        from napari_atlas.model.pretrained import adopt_pretrained

        split, note = self._split(project, windows.table)
        prepared = adopt_pretrained(windows.with_split(split), config, self.origin.path, self.origin.name)
        return prepared, (*prepared.notes, *_unlike(project, self.origin.known), note)

    def record(self) -> dict[str, Any]:
        """Return what the run's settings say of it."""
        return {"weights": {"name": self.origin.name, "hash": self.origin.hash, "frozen": True}}

    def describe(
        self, project: Project, record: Mapping[str, Any], table: WindowTable, encoded: Encoded
    ) -> dict[str, Any]:
        """Return what the weights were trained on, which is what it was."""
        return dict(self.origin.known)

    def outside(self, table: WindowTable, encoded: Encoded) -> NDArray[np.bool_]:
        """Return (n_windows,) whether each lies outside what the weights were trained on; empty if nothing tells."""
        if not self.origin.trained:
            return np.empty(0, dtype=bool)
        species = table.of_key("species")
        return judge(encoded.mu, encoded.reconstruction_error, species, self.origin.trained).outside

    def _split(self, project: Project, table: WindowTable) -> tuple[NDArray[np.int8], str]:
        train, test = SPLITS.index("train"), SPLITS.index("test")
        if not self.origin.known:
            note = "nothing tells what these weights were trained on, so no window counts as held out"
            return np.full(len(table), train, dtype=np.int8), note
        seen = self.origin.seen(project, table)
        of_all = f"{int(seen.sum())} of {len(table)} windows"
        note = f"{of_all} are of recordings that the model was trained on (train), the others are not (test)"
        return np.where(seen, train, test).astype(np.int8), note


def start_with(folder: Path, from_reference: Path | None, init_from: InitFrom | None) -> Start:
    """Return what a new run of a project is asked to begin with.

    Raises
    ------
    InputError
        If the weights cannot be found.
    """
    if from_reference is not None:
        return FromReference(from_reference)
    if init_from is not None:
        return FromWeights(find_weights(folder, init_from.weights), init_from.frozen)
    return Start()


def start_of(run: RunFolder, record: Mapping[str, Any]) -> Start:
    """Return what a run was begun with, from what it kept.

    Raises
    ------
    InputError
        If nothing was trained in it, or what it kept was changed.
    """
    weights = record.get("weights")
    kept = run.path / "init.safetensors"
    if record.get("reference"):
        raise InputError.of(f"run {run.name}", "it took the weights of a reference", "take them again in a new fit")
    if not weights:
        return Start()
    if not kept.is_file():
        raise InputError.of(f"run {run.name}", "the weights that it began with are not in it", "make a new run of them")
    origin = Origin.of(kept, str(weights["name"]))
    if origin.hash != weights["hash"]:
        raise InputError.of(kept, "it was changed after the run began", "restore a copy, or fit again")
    return FromWeights(origin, bool(weights["frozen"]))


def outside_notes(table: WindowTable, outside: NDArray[np.bool_]) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the share of each species' windows that lie outside, and the same in words; nothing without flags."""
    if not outside.size:
        return {}, ()
    rows = {name: table.rows_of(name) for name in table.species_names()}
    shares = {name: float(outside[mine].mean()) for name, mine in rows.items() if mine.size}
    told = (f"{n}: {s:.0%} of its windows lie outside what the weights were trained on" for n, s in shares.items())
    return shares, tuple(f"{text} ({_USUAL})" for text in told)


def _unlike(project: Project, known: Mapping[str, Any]) -> tuple[str, ...]:
    """Say which species' windows are made in another way than those that the weights were trained on."""
    notes = []
    for species in project.species:
        before, now = known.get("recipes", {}).get(species.name), recipe_of(species)
        names = sorted(name for name in {**(before or {}), **now} if before and before.get(name) != now.get(name))
        if names:
            told = ", ".join(f"{name} {before.get(name)}, now {now.get(name)}" for name in names[:_SHOWN])
            notes.append(f"{species.name}: the weights were trained on windows made in another way ({told})")
    return tuple(notes)


def _copy(origin: Origin, path: Path) -> None:
    with replacing(path) as file:
        file.write(origin.path.read_bytes())


def _marks(project: Project, sources: Mapping[str, str]) -> dict[str, str]:
    """Return by recording what names it whatever it is called: the hash of its file, and which part of it.

    Hashes that *sources* does not have are taken of the files.
    """
    hashes = {
        entry.name: sources.get(entry.name) or known_hash(project.folder, entry.tracks) for entry in project.recordings
    }
    return {entry.name: f"{hashes[entry.name]} {entry.part}".strip() for entry in project.recordings}


def _split_hash(recipe: str, table: WindowTable) -> str:
    return hashlib.blake2b(recipe.encode() + table.split.tobytes(), digest_size=8).hexdigest()
