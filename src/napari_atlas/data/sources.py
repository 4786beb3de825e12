"""Where a covariate's values come from."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from napari_atlas.errors import InputError

__all__ = ["NOWHERE", "UNITS", "Source", "celsius"]

UNITS = {"c": "C", "°c": "C", "degc": "C", "celsius": "C", "f": "F", "°f": "F", "degf": "F", "fahrenheit": "F"}
UNITS |= {"k": "K", "kelvin": "K"}
_WITH_UNIT = re.compile(r"(?P<number>[-+]?\d+(?:\.\d+)?)\s*(?P<unit>°?\s*[A-Za-z]+)?")


@dataclass(frozen=True)
class Source:
    """A constant, a column of a log, a column of the tracks' own file, or a file of labels.

    Attributes
    ----------
    value
        A number, or the name of a class, that stays the same; empty if it comes from a file.
    file
        A log, or a file of labels; ``Path()`` where there is none.
    column
        A column of that file, or, without a file, of the tracks' own file; empty to find it out.
    unit
        "C", "F" or "K" for a temperature whose file does not tell.
    time
        The column of times of a log; empty to find it out.
    extend
        Whether the first and the last reading hold beyond the ends of a log.
    """

    value: float | str = ""
    file: Path = Path()
    column: str = ""
    unit: str = ""
    time: str = ""
    extend: bool = False

    def __post_init__(self) -> None:
        if self.unit and self.unit.lower() not in UNITS:
            raise InputError.of("unit", f"{self.unit!r} is no unit of temperature", "give C, F or K")

    @property
    def present(self) -> bool:
        """Whether it says anything."""
        return self.value != "" or self.has_file or bool(self.column)

    @property
    def has_file(self) -> bool:
        """Whether it names a file."""
        return self.file != Path()

    @property
    def is_own_column(self) -> bool:
        """Whether it is a column of the tracks' own file."""
        return bool(self.column) and not self.has_file

    @classmethod
    def of_text(cls, text: str) -> Source:
        """Return what a user typed: a number, ``column:NAME``, ``FILE``, ``FILE::COLUMN``, or the name of a class.

        A text is a file if there is one of that name; a number may be followed by its unit, such as ``72F``.
        """
        text = text.strip()
        if text.startswith("column:"):
            return cls(column=text.removeprefix("column:").strip())
        if text and Path(text).is_file():
            return cls(file=Path(text).absolute())
        name, _, column = text.rpartition("::")
        if name and column:
            return cls(file=Path(name).absolute(), column=column)
        found = _WITH_UNIT.fullmatch(text)
        if found and (found["unit"] is None or found["unit"].replace(" ", "").lower() in UNITS):
            return cls(value=float(found["number"]), unit=UNITS.get((found["unit"] or "").replace(" ", "").lower(), ""))
        try:
            return cls(value=float(text))
        except ValueError:
            return cls(value=text)

    def in_celsius(self) -> Source:
        """Return a constant temperature in °C, whatever its unit was."""
        if not isinstance(self.value, float):
            return self
        return replace(self, value=celsius(self.value, self.unit), unit="")


def celsius(value: float, unit: str) -> float:
    """Return a temperature in °C; without a unit it is one."""
    known = UNITS.get(unit.lower(), "C") if unit else "C"
    if known == "F":
        return (value - 32.0) / 1.8
    return value - 273.15 if known == "K" else value


NOWHERE = Source()
