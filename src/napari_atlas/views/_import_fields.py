"""What can be edited of planned recordings, as texts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_atlas.data.plans import PlannedRecording
from napari_atlas.errors import InputError
from napari_atlas.io.clocks import CLOCK_UNITS
from napari_atlas.io.logs import wall_clock

__all__ = ["FIELDS", "Field", "common_text"]


@dataclass(frozen=True)
class Field:
    """One editable value of a planned recording.

    Attributes
    ----------
    key
        Its name in `AddRequest`.
    label, meaning
        What users read, and its explanation.
    text
        Its value as it is typed; empty where it was left open.
    told
        What holds where it is left open.
    values
        What is typed → values for `PlannedRecording.changed`; raises an `InputError` for what cannot be meant.
    kind
        For files: the kind of those that fit; empty for what is typed alone.
    choices
        What can be picked; ``("yes",)`` is a tick.
    beside
        The field that has to name a file for this one to mean anything; empty for none.
    """

    key: str
    label: str
    meaning: str
    text: Callable[[PlannedRecording], str]
    told: Callable[[PlannedRecording], str]
    values: Callable[[str], dict[str, Any]]
    kind: str = ""
    choices: tuple[str, ...] = ()
    beside: str = ""

    def wanted(self, recordings: Sequence[PlannedRecording]) -> bool:
        """Whether it means anything for some of these recordings."""
        if not self.beside:
            return True
        return any(_names_file(str(getattr(r.request, self.beside))) for r in recordings)


def _names_file(text: str) -> bool:
    """Whether what is typed for a file or a temperature names a file: one has an ending, a number is none."""
    if text in ("", ".", "folder") or text.startswith("column:"):
        return False
    try:
        float(text.replace(",", "."))
    except ValueError:
        return bool(Path(text.rpartition("::")[0] or text).suffix)
    return False


def common_text(texts: Sequence[str]) -> tuple[str, bool]:
    """Return the text that all share, empty where they differ, and whether they differ."""
    differ = len(set(texts)) > 1
    return ("" if differ or not texts else texts[0]), differ


def _number(label: str, text: str, example: str) -> float:
    try:
        value = float(text.replace(",", ".")) if text else 0.0
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise InputError.of(label, f"{text!r} cannot be used", f"give a number such as {example}")
    return value


def _fps(text: str) -> dict[str, Any]:
    return {"fps": _number("Frames per second", text, "25")}


def _frame(key: str, label: str, open_value: int) -> Callable[[str], dict[str, Any]]:
    def values(text: str) -> dict[str, Any]:
        number = _number(label, text, "120")
        if number != int(number):
            raise InputError.of(label, f"{text!r} is no whole number", "give a frame such as 120")
        return {key: int(number) if text else open_value}

    return values


def _names(text: str) -> dict[str, Any]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if len(set(names)) < len(names):
        raise InputError.of("Animals", "two have the same name", "give each animal a name of its own")
    return {"animals": names}


def _conditions(text: str) -> dict[str, Any]:
    pairs = [part.partition("=") for part in text.replace(";", ",").split(",") if part.strip()]
    if any(not key.strip() or not value.strip() for key, _, value in pairs):
        raise InputError.of("Conditions", f"{text!r} cannot be used", "write them as treatment = heat, sex = f")
    return {"conditions": {key.strip(): value.strip() for key, _, value in pairs}}


def _species(text: str) -> dict[str, Any]:
    if not text:
        raise InputError.of("Species", "it is empty", "give a name such as stickleback")
    return {"species": text}


def _path(key: str) -> Callable[[str], dict[str, Any]]:
    def values(text: str) -> dict[str, Any]:
        path = Path(text) if text else Path()
        if text and not path.exists():
            raise InputError.of(path, "there is no such file", "check the path, or choose another file")
        return {key: path}

    return values


def _shown(path: Path) -> str:
    return "" if path == Path() else str(path)


def _fps_told(recording: PlannedRecording) -> str:
    return f"{recording.fps:g}, as the files tell" if recording.fps else "the files do not tell"


def _frame_told(recording: PlannedRecording) -> str:
    return "as the files tell"


def _nothing(recording: PlannedRecording) -> str:
    return "none"


_UNITS = {"": "", "°C": "C", "°F": "F", "K": "K"}
_SHOWN_UNITS = {unit: shown for shown, unit in _UNITS.items()}


def _start(text: str) -> dict[str, Any]:
    if text and math.isnan(wall_clock(text)):
        raise InputError.of("Wall-clock start", f"{text!r} is no time", "write it like 2026-05-03 10:00:00")
    return {"start": text}


def _clock_unit(text: str) -> dict[str, Any]:
    if text and text not in CLOCK_UNITS:
        known = ", ".join(CLOCK_UNITS)
        raise InputError.of("Unit of frame times", f"{text!r} is not known", f"choose from {known}")
    return {"timestamps_unit": text}


_ALL = (
    Field(
        "species",
        "Species",
        "What kind of animal, or which rig, it is; windows of one species are cut alike",
        lambda r: r.request.species,
        _nothing,
        _species,
    ),
    Field(
        "name",
        "Name",
        "What the recording is called in the project",
        lambda r: r.request.name,
        lambda r: r.found.path.stem,
        lambda text: {"name": text},
    ),
    Field(
        "fps",
        "Frames per second",
        "How fast the camera was; empty takes what the files tell",
        lambda r: f"{r.request.fps:g}" if r.request.fps else "",
        _fps_told,
        _fps,
    ),
    Field(
        "animals",
        "Animals",
        "Names for the tracks, in their order, with commas between",
        lambda r: ", ".join(r.request.animals),
        lambda r: ", ".join(r.found.individuals) or "as in the file",
        _names,
    ),
    Field(
        "conditions",
        "Conditions",
        "Labels such as: treatment = heat, sex = f",
        lambda r: ", ".join(f"{key} = {value}" for key, value in r.request.conditions.items()),
        _nothing,
        _conditions,
    ),
    Field("video", "Video", "The video of it", lambda r: _shown(r.request.video), _nothing, _path("video"), "video"),
    Field(
        "timestamps",
        "Frame times",
        "A file with the time of each video frame",
        lambda r: _shown(r.request.timestamps),
        _nothing,
        _path("timestamps"),
        "timestamps",
    ),
    Field(
        "timestamps_unit",
        "Unit of frame times",
        "Only needed where the file does not tell",
        lambda r: r.request.timestamps_unit,
        lambda r: "as the file tells",
        _clock_unit,
        choices=tuple(CLOCK_UNITS),
        beside="timestamps",
    ),
    Field(
        "temperature",
        "Temperature",
        "A number, a log, or column:NAME for a column of the tracks' file",
        lambda r: r.request.temperature,
        _nothing,
        lambda text: {"temperature": text},
        "temperature",
    ),
    Field(
        "temperature_unit",
        "Unit of the log",
        "Only needed where the log does not tell",
        lambda r: _SHOWN_UNITS.get(r.request.temperature_unit, r.request.temperature_unit),
        lambda r: "as the log tells",
        lambda text: {"temperature_unit": _UNITS.get(text, text)},
        choices=("°C", "°F", "K"),
    ),
    Field(
        "start",
        "Wall-clock start",
        "When time zero was, for a log that tells clock times; such as 2026-05-03 10:00:00",
        lambda r: r.request.start,
        _nothing,
        _start,
        beside="temperature",
    ),
    Field(
        "extend",
        "Hold the log's ends",
        "Let the first and the last reading hold before and after the log",
        lambda r: "yes" if r.request.extend else "",
        lambda r: "",
        lambda text: {"extend": text == "yes"},
        choices=("yes",),
        beside="temperature",
    ),
    Field(
        "tracking_start_frame",
        "First tracked frame",
        "Video frame of the first tracked position",
        lambda r: str(r.request.tracking_start_frame) if r.request.tracking_start_frame >= 0 else "",
        _frame_told,
        _frame("tracking_start_frame", "First tracked frame", -1),
    ),
    Field(
        "led_on_frame",
        "Time zero at frame",
        "Video frame at which the clock, and the log, begin; the frame of the LED, for instance",
        lambda r: str(r.request.led_on_frame) if r.request.led_on_frame else "",
        lambda r: "0",
        _frame("led_on_frame", "Time zero at frame", 0),
    ),
)
FIELDS = {field.key: field for field in _ALL}
"""By their name in `AddRequest`, in the order of the form."""
