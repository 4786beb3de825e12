"""What people say of a table's columns, the mapping that this makes, and the recording that it plans."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from napari_atlas.data.mapping import TIME_UNITS, ColumnMapping, KeypointColumns
from napari_atlas.data.plans import TRACKS, FoundFile, ImportPlan, PlannedRecording
from napari_atlas.data.pose import Pose
from napari_atlas.data.project import AddRequest
from napari_atlas.data.quality import quality_of
from napari_atlas.errors import InputError
from napari_atlas.io.pairing import pair_files
from napari_atlas.io.scanning import look_at
from napari_atlas.io.table import guess_mapping, read_mapping, sheet_names, table_columns
from napari_atlas.io.track_file import TrackFile

__all__ = [
    "OF_KEYPOINT",
    "ROLES",
    "Beginning",
    "Said",
    "begin",
    "begin_anew",
    "is_table",
    "keypoint_of",
    "mapping_of",
    "missing_of",
    "place_for",
    "planned_table",
    "said_of",
    "sentence",
]

_ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".parquet")
_SAVED = ".mapping.toml"
_NUMBER = "number"
OF_KEYPOINT = ("x", "y", "z", "confidence")
"""Roles that belong to a keypoint."""
ROLES = {
    "": "not used",
    "frame": "frame number",
    "time:s": "time in s, or a date",
    **{f"time:{unit}": f"time in {unit}" for unit in TIME_UNITS if unit != "s"},
    "individual": "animal",
    **{role: role for role in OF_KEYPOINT},
    _NUMBER: "a number to keep",
}
"""What a column can be, and what users read for it."""

_WORDS = re.compile(r"[ _.:\-\[\]()]+|(?<=[a-z])(?=[A-Z]$)")
_AXES = {"x", "y", "z"}
_SCORES = {"likelihood", "confidence", "conf", "score", "prob", "probability"}
_FILLERS = {"pos", "position", "coord", "coords", "coordinate", "px", "pixel", "pixels", "mm", "cm"}
_ALONE = {"frame": "frame", "frames": "frame", "time": "time:s", "id": "individual", "animal": "individual"}


@dataclass(frozen=True)
class Said:
    """What a column is.

    Attributes
    ----------
    column
        Its name.
    role
        One of `ROLES`.
    keypoint
        Of which keypoint, where the role belongs to one; ``"left/nose"`` is the nose of the animal called left.
    """

    column: str
    role: str = ""
    keypoint: str = ""


@dataclass(frozen=True)
class Beginning:
    """What is known of a table before anybody said what its columns are.

    Attributes
    ----------
    columns
        Their names, in order, with a few values.
    said
        What they are, as far as a saved mapping or their names tell.
    mapping
        The saved mapping, or else one that only tells sheet and rows.
    source
        The file of the saved mapping; ``Path()`` where there was none.
    sheets
        Of a workbook.
    fault
        Why it has no columns; empty if it has.
    """

    columns: Mapping[str, tuple[str, ...]]
    said: tuple[Said, ...] = ()
    mapping: ColumnMapping = field(default_factory=lambda: ColumnMapping(columns=("any",)))
    source: Path = Path()
    sheets: tuple[str, ...] = ()
    fault: str = ""


def is_table(found: FoundFile) -> bool:
    """Whether a file that is left over may be a table, by its ending and by what it was recognised as."""
    return found.path.suffix.lower() in _ENDINGS and found.kind == "unknown"


def begin(path: Path, first: Path = Path()) -> Beginning:
    """Return the columns of a table, as a mapping that was saved for such a table tells them, or else as they stand.

    Parameters
    ----------
    path
        The table.
    first
        A saved mapping that is tried before those that lie beside the table.
    """
    for place in dict.fromkeys([*([first] if first != Path() else []), *_saved_beside(path)]):
        try:
            mapping = read_mapping(place)
            columns = table_columns(path, mapping.sheet, mapping.skip_rows)
        except InputError:
            continue
        if all(name in columns for _, name in mapping.used()):
            return Beginning(columns, said_of(columns, mapping), mapping, place, sheet_names(path))
    return begin_anew(path)


def begin_anew(path: Path, sheet: str = "", skip_rows: int = 0) -> Beginning:
    """Return the columns of a table as they stand, whatever was saved before."""
    plain = ColumnMapping(columns=("any",), sheet=sheet, skip_rows=skip_rows)
    sheets = sheet_names(path)
    try:
        columns = table_columns(path, sheet, skip_rows)
    except InputError as error:
        return Beginning({}, mapping=plain, sheets=sheets, fault=str(error).removeprefix(f"{path}: "))
    return Beginning(columns, said_of(columns, guess_mapping(path, sheet, skip_rows)), plain, sheets=sheets)


def _saved_beside(path: Path) -> list[Path]:
    """Return the saved mappings in a table's folder: its own first, then the newest."""
    try:
        found = [(p.stem.startswith(path.stem), p.stat().st_mtime, p) for p in path.parent.glob(f"*{_SAVED}")]
    except OSError:
        return []
    return [place for _, _, place in sorted(found, reverse=True)]


def said_of(columns: Iterable[str], mapping: ColumnMapping | None) -> tuple[Said, ...]:
    """Return what columns are by a mapping; without one, by what each of their names speaks of."""
    if mapping is None:
        told = list(map(_hinted, columns))
        kinds = [s.role.partition(":")[0] for s in told]
        return tuple(
            s if kind in OF_KEYPOINT or kinds.index(kind) == i else Said(s.column)
            for i, (s, kind) in enumerate(zip(told, kinds, strict=True))
        )
    said = {name: Said(name, _NUMBER) for name in mapping.columns}
    for role, name in (("individual", mapping.individual), (f"time:{mapping.time_unit}", mapping.time)):
        said[name] = Said(name, role)
    said[mapping.frame] = Said(mapping.frame, "frame")
    for point in mapping.keypoints:
        keypoint = f"{point.individual}/{point.keypoint}" if point.individual else point.keypoint
        said |= {name: Said(name, role, keypoint) for role in OF_KEYPOINT if (name := getattr(point, role))}
    return tuple(said.get(name, Said(name)) for name in columns)


def _hinted(name: str) -> Said:
    words = [word for word in _WORDS.split(name) if word]
    plain = [word.lower() for word in words]
    if plain and plain[0] in _ALONE:
        unit = plain[-1] if plain[-1] in TIME_UNITS else "s"
        return Said(name, f"time:{unit}" if plain[0] == "time" else _ALONE[plain[0]])
    axis = next((word for word in (*plain[-1:], *plain[:1], *plain[1:-1]) if word in _AXES), "")
    role = axis or ("confidence" if len(plain) > 1 and _SCORES.intersection(plain) else "")
    return Said(name, role, keypoint_of(name) if role else "")


def keypoint_of(column: str) -> str:
    """Return the keypoint that a column's name speaks of: ``"nose_x"`` → ``"nose"``, ``"snout down"`` → ``"snout"``."""
    words = [word for word in _WORDS.split(column) if word]
    kept = [word for word in words if word.lower() not in _AXES | _SCORES | _FILLERS]
    return "_".join(kept if len(kept) < len(words) else kept[:-1]) or "centroid"


def mapping_of(said: Sequence[Said], plain: ColumnMapping) -> ColumnMapping:
    """Return the mapping that people's words make.

    Parameters
    ----------
    said
        What each column is.
    plain
        Tells frame rate, sheet, rows above the header and what stands for missing values.

    Raises
    ------
    InputError
        If nothing is used, two columns are the same thing, or a keypoint is not whole.
    """
    numbers = tuple(s.column for s in said if s.role == _NUMBER)
    points = _points(s for s in said if s.role in OF_KEYPOINT)
    if not numbers and not points:
        raise InputError.of("columns", "none holds a position or a number", "say which ones are x and y")
    time = _one([s for s in said if s.role.startswith("time:")], "the time")
    return replace(
        plain,
        keypoints=points,
        columns=numbers,
        frame=_one([s for s in said if s.role == "frame"], "the frame number").column,
        time=time.column,
        time_unit=time.role.partition(":")[2] or "s",
        individual=_one([s for s in said if s.role == "individual"], "the animal").column,
    )


def _one(said: Sequence[Said], what: str) -> Said:
    if len(said) > 1:
        raise InputError.of(f"{said[0].column} and {said[1].column}", f"both are {what}", "leave it at one of them")
    return said[0] if said else Said("")


def _points(said: Iterable[Said]) -> tuple[KeypointColumns, ...]:
    found: dict[str, dict[str, Said]] = {}
    for each in said:
        axes = found.setdefault(each.keypoint.strip() or "centroid", {})
        _one([*([axes[each.role]] if each.role in axes else []), each], f"{each.role} of {each.keypoint}")
        axes[each.role] = each
    return tuple(_point(name, {role: each.column for role, each in axes.items()}) for name, axes in found.items())


def _point(name: str, columns: Mapping[str, str]) -> KeypointColumns:
    for axis in ("x", "y"):
        if axis not in columns:
            raise InputError.of(name, f"no column is its {axis}", "say which one is")
    animal, _, keypoint = name.rpartition("/")
    return KeypointColumns(keypoint, **columns, individual=animal)


def missing_of(text: str) -> tuple[float | str, ...]:
    """Return what stands for missing values, of numbers and words with commas between."""

    def value(word: str) -> float | str:
        try:
            return float(word)
        except ValueError:
            return word

    return tuple(value(word.strip()) for word in text.split(",") if word.strip())


def sentence(file: TrackFile) -> str:
    """Return how much was read of a table, in one line."""
    tracks = file.tracks
    told = [_several(len(tracks.individuals), "animal")]
    told += [_several(len(tracks.keypoints), "keypoint")] if isinstance(tracks, Pose) else []
    told += [_several(len(file.columns.names), "further number")] if file.columns.names else []
    told += [_several(tracks.n_samples, "frame")]
    rate = f" at {file.fps:.4g} per second" if math.isfinite(file.fps) else ""
    lost = f"; {tracks.missing_fraction:.0%} missing" if tracks.missing_fraction >= 0.005 else ""
    return " ".join([f"{', '.join(told)}{rate}{lost}.", *file.notes])


def _several(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}".replace(",", "\u202f")


def place_for(path: Path, mapping: ColumnMapping, source: Path) -> tuple[Path, bool]:
    """Return where a table's mapping is to be saved, and whether it stands there already; nothing else is replaced.

    Parameters
    ----------
    path
        The table.
    mapping
        How it is read.
    source
        A saved mapping that may be the same; ``Path()`` for none.
    """
    for place in [*([source] if source != Path() else []), path.with_suffix(_SAVED)]:
        if place.exists() and _holds(place, mapping):
            return place, True
    return next(place for place in _places(path) if not place.exists()), False


def _places(path: Path) -> Iterator[Path]:
    yield path.with_suffix(_SAVED)
    yield from (path.with_name(f"{path.stem}-{i}{_SAVED}") for i in count(2))


def _holds(place: Path, mapping: ColumnMapping) -> bool:
    try:
        return _told(read_mapping(place)) == _told(mapping)
    except InputError:
        return False


def _told(mapping: ColumnMapping) -> str:
    """Return all that a mapping says, whatever its order; as text, since a rate that is not known is NaN."""
    return repr(
        replace(mapping, keypoints=tuple(sorted(mapping.keypoints, key=repr)), columns=tuple(sorted(mapping.columns)))
    )


def planned_table(path: Path, file: TrackFile, place: Path, plan: ImportPlan) -> PlannedRecording:
    """Return the recording that a table would be, named and paired beside those of a plan.

    Parameters
    ----------
    path, file
        The table, and what was read of it.
    place
        The saved mapping.
    plan
        Its left-over files may belong to the table.
    """
    found = look_at(path, place)
    if found.kind not in TRACKS:
        raise InputError.of(path, "it cannot be read so any more", "look at its folder again")
    others = [r.found for r in plan.recordings if r.found.path != path]
    left = [x.found for x in plan.left_over if x.found.path != path and x.found.kind not in (*TRACKS, "unknown")]
    names = [r.request.name for r in plan.recordings if r.found.path != path]
    paired = pair_files(
        plan.sources, [found, *others, *left], AddRequest(Path(), "", mapping=place), names, lambda *_: False
    )
    made = next(r for r in paired.recordings if r.found.path == path)
    size = next((x.size for x in left if x.path == made.request.video), (0, 0))
    return replace(made, quality=quality_of(file.tracks, made.video_frames, size).as_dict())
