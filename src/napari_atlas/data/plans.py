"""What a look at a folder proposes: recordings with the files that belong together, and what is left over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from napari_atlas.data.project import AddRequest
from napari_atlas.errors import InputError

__all__ = ["LABELS", "TRACKS", "FoundFile", "ImportPlan", "LeftOver", "PlannedRecording"]

TRACKS = ("pose", "outline", "windows")
LABELS = "behaviour"  # the covariate that labels of one stream give
_Noun = TypeVar("_Noun")


@dataclass(frozen=True)
class FoundFile:
    """A file, and what a look into it told.

    Attributes
    ----------
    path
        Absolute.
    kind
        ``"pose"``, ``"outline"``, ``"windows"``, ``"temperature"``, ``"timestamps"``, ``"video"``, ``"labels"`` or
        ``"unknown"``.
    format
        Its reader, or the codec of a video.
    n_frames
        Samples of tracks, frames of a video, or values of timestamps; 0 where that is not known.
    fps
        Frames per second; 0 where the file does not tell.
    individuals, keypoints
        Their names.
    size
        Width and height of a video in pixels; (0, 0) otherwise.
    video_names
        Names of videos that the file mentions, without their folders.
    columns
        Of tracks, columns that hold a temperature; of labels, their streams.
    missing
        Fraction of positions that are missing.
    notes
        Plain sentences; for a file that cannot be read, why.
    digest
        Hash of its content; files of equal digest are copies. Empty for files that are not tracks.
    """

    path: Path
    kind: str = "unknown"
    format: str = ""
    n_frames: int = 0
    fps: float = 0.0
    individuals: tuple[str, ...] = ()
    keypoints: tuple[str, ...] = ()
    size: tuple[int, int] = (0, 0)
    video_names: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    missing: float = 0.0
    notes: tuple[str, ...] = ()
    digest: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as values that JSON knows."""
        return dict(_plain(self))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FoundFile:
        """Return what `as_dict` told of."""
        return _made(cls, values)


@dataclass(frozen=True)
class LeftOver:
    """A file that no recording is made of.

    Attributes
    ----------
    found
        The file.
    reason
        Why, in one sentence.
    same_as
        The planned file that holds the same tracks in another form; ``Path()`` where there is none.
        `ImportPlan.swapped` plans this one instead.
    """

    found: FoundFile
    reason: str
    same_as: Path = Path()


@dataclass(frozen=True)
class PlannedRecording:
    """A recording that could be added.

    Attributes
    ----------
    request
        What `add` is given. It may be edited.
    found
        The file with the tracks.
    told_fps
        Frames per second that tracks, timestamps or video tell; 0 where none does.
    video_frames
        Frames of its video; 0 without one.
    notes
        How video, log and the rest were found, and what differs.
    refused
        Why it cannot be added, whatever its request; empty if it can.
    needs_clock
        Whether its signal needs the frame rate.
    chosen
        Whether it is to be added.
    quality
        What `data.quality.Quality.as_dict` tells; empty where nobody looked.
    """

    request: AddRequest
    found: FoundFile
    told_fps: float = 0.0
    video_frames: int = 0
    notes: tuple[str, ...] = ()
    refused: str = ""
    needs_clock: bool = True
    chosen: bool = True
    quality: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Return what the tracks are: ``"pose"``, ``"outline"`` or ``"windows"``."""
        return self.found.kind

    @property
    def format(self) -> str:
        """Name of the reader."""
        return self.found.format

    @property
    def n_frames(self) -> int:
        """Samples of the tracks."""
        return self.found.n_frames

    @property
    def individuals(self) -> tuple[str, ...]:
        """Names of the animals, as asked for, or else as the file has them."""
        return self.request.animals or self.found.individuals

    @property
    def ready(self) -> bool:
        """Whether it is chosen and can be added."""
        return self.chosen and not self.fault

    @property
    def labels(self) -> Path:
        """File of labelled frames among its covariates; ``Path()`` for none."""
        covariates = self.request.covariates
        text = covariates.get(LABELS) or next((t for t in covariates.values() if "::" in t), "")
        return Path(text if Path(text).is_file() else text.rpartition("::")[0] or text)

    @property
    def fps(self) -> float:
        """Frames per second that it will have; 0 where that is not known."""
        return self.request.fps or self.told_fps

    @property
    def fault(self) -> str:
        """Why it cannot be added as it is; empty if it can."""
        return self.refused or ("the frame rate is not known: give it" if self.needs_clock and not self.fps else "")

    def changed(self, **values: Any) -> PlannedRecording:
        """Return it with other values of its request, such as ``fps=25.0``."""
        return replace(self, request=replace(self.request, **values))


@dataclass(frozen=True)
class ImportPlan:
    """What was found in folders, and what would be added; nothing is written by making one.

    Attributes
    ----------
    sources
        The folders and files that were looked at.
    recordings
        Sorted by species, then by name.
    left_over
        The other files, each with a reason.
    """

    sources: tuple[Path, ...] = ()
    recordings: tuple[PlannedRecording, ...] = ()
    left_over: tuple[LeftOver, ...] = ()

    @property
    def by_species(self) -> dict[str, tuple[PlannedRecording, ...]]:
        """Recordings by the name of their species."""
        names = dict.fromkeys(r.request.species for r in self.recordings)
        return {name: tuple(r for r in self.recordings if r.request.species == name) for name in names}

    @property
    def ready(self) -> tuple[PlannedRecording, ...]:
        """Recordings that are chosen and can be added."""
        return tuple(r for r in self.recordings if r.ready)

    def changed(self, rows: Iterable[int], **values: Any) -> ImportPlan:
        """Return the plan with other values in the requests of some recordings.

        Parameters
        ----------
        rows
            Places in ``recordings``.
        **values
            Of `AddRequest`, such as ``species="mouse"``.
        """
        chosen = set(rows)
        return replace(
            self, recordings=tuple(r.changed(**values) if i in chosen else r for i, r in enumerate(self.recordings))
        )

    def choosing(self, rows: Iterable[int], chosen: bool) -> ImportPlan:
        """Return the plan with some recordings to be added, or not."""
        some = set(rows)
        return replace(
            self,
            recordings=tuple(replace(r, chosen=chosen) if i in some else r for i, r in enumerate(self.recordings)),
        )

    def swapped(self, path: Path) -> ImportPlan:
        """Return the plan with a left-over file in the place of the planned one that holds the same tracks.

        Raises
        ------
        InputError
            If there is no such file, or no recording holds the same tracks.
        """
        new = next((x for x in self.left_over if x.found.path == path and x.same_as != Path()), None)
        old = next((r.found for r in self.recordings if new and r.found.path == new.same_as), None)
        if new is None or old is None:
            raise InputError.of(path, "no recording holds the same tracks", "name a file of which the plan says so")
        return replace(
            self,
            recordings=tuple(_of_file(r, new.found) if r.found == old else r for r in self.recordings),
            left_over=tuple(_swapped_left(x, new, old) for x in self.left_over),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as values that JSON knows; it may be edited and given back."""
        return {
            "sources": [str(p) for p in self.sources],
            "recordings": [_plain(r) for r in self.recordings],
            "left_over": [_plain(x) for x in self.left_over],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ImportPlan:
        """Return the plan that `as_dict` told of.

        Raises
        ------
        InputError
            If a value is missing, unknown, or of the wrong type.
        """
        try:
            return cls(
                tuple(Path(p) for p in values.get("sources", ())),
                tuple(_numbered(i, r) for i, r in enumerate(values["recordings"], start=1)),
                tuple(_left(x) for x in values.get("left_over", ())),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            text = " ".join(str(error).split())
            raise InputError.of("plan", f"it cannot be used ({text})", "make one with --dry-run --json") from error


def _of_file(recording: PlannedRecording, found: FoundFile) -> PlannedRecording:
    return replace(recording, found=found, request=replace(recording.request, tracks=found.path), quality={})


def _swapped_left(left: LeftOver, new: LeftOver, old: FoundFile) -> LeftOver:
    if left.same_as != old.path:
        return left
    reason = left.reason.replace(old.path.name, new.found.path.name)
    return LeftOver(old if left is new else left.found, reason, new.found.path)


def _plain(value: Any) -> Any:
    """Return a noun as JSON knows it; what is at its default is left out of requests."""
    told = asdict(value)
    if isinstance(value, PlannedRecording):
        told["request"] = {k: v for k, v in told["request"].items() if v or k in ("tracks", "species", "name")}
        told["request"] = {k: v for k, v in told["request"].items() if v != Path()}
        told |= {"fps": value.fps, "fault": value.fault}
    return _texts(told)


def _texts(value: Any) -> Any:
    if isinstance(value, Path):
        return "" if value == Path() else str(value)
    if isinstance(value, Mapping):
        return {key: _texts(v) for key, v in value.items()}
    return [_texts(v) for v in value] if isinstance(value, tuple | list) else value


def _numbered(number: int, values: Mapping[str, Any]) -> PlannedRecording:
    """Return a recording of a plan; a fault tells which one it is."""
    try:
        return _recording(values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"recording {number}: {error}") from error


def _recording(values: Mapping[str, Any]) -> PlannedRecording:
    told = {key: value for key, value in values.items() if key not in ("fps", "fault")}
    request, found = _made(AddRequest, told.pop("request")), _made(FoundFile, told.pop("found"))
    return _made(PlannedRecording, {**told, "request": request, "found": found})


def _left(values: Mapping[str, Any]) -> LeftOver:
    return _made(LeftOver, {**values, "found": _made(FoundFile, values["found"])})


def _made(noun: type[_Noun], values: Mapping[str, Any]) -> _Noun:
    """Return a noun of values from JSON: texts as paths and lists as tuples where the noun has those."""
    if not isinstance(values, Mapping):
        raise ValueError(f"{values!r} is no table of fields")
    made: dict[str, Any] = {key: value for key, value in values.items() if value is not None}
    types = {f.name: str(f.type) for f in fields(noun)}  # type: ignore[arg-type]
    unknown = made.keys() - types.keys()
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} is not known")
    return noun(**{name: _typed(name, types[name], value) for name, value in made.items()})


def _typed(name: str, kind: str, value: Any) -> Any:
    """Return a value from JSON as a field of that type takes it; numbers that stand for a text become one."""
    if name == "settings":
        return {k: tuple(v) if isinstance(v, list) else v for k, v in dict(value).items()}
    if kind in ("str", "Path") and isinstance(value, str | int | float) and not isinstance(value, bool):
        return Path(str(value)) if kind == "Path" else str(value)
    if kind.startswith("dict[str, str]") and isinstance(value, Mapping):
        return {str(k): _typed(str(k), "str", v) for k, v in value.items()}
    if kind.startswith("tuple") and isinstance(value, list | tuple):
        return tuple(value)
    plain = {"float": (int, float), "int": (int,), "bool": (bool,), "dict[str, Any]": (Mapping,)}
    fits = isinstance(value, plain.get(kind, ())) and isinstance(value, bool) == (kind == "bool")
    if not fits and kind not in ("FoundFile", "AddRequest"):
        raise ValueError(f"{name} is {value!r}, which is {_NOT[kind.partition('[')[0]]}")
    return value


_NOT = {"str": "no text", "Path": "no path", "dict": "no table", "tuple": "no list"}
_NOT |= {"float": "no number", "int": "no whole number", "bool": "neither true nor false"}
