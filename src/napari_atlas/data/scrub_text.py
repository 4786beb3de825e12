"""The settings ``scrub`` and ``condition``: which variables are taken out of the latent, how, and how strongly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from napari_atlas.errors import InputError

__all__ = ["SCRUBBERS", "WAYS", "Scrub", "Way", "names_in", "read_scrubs", "scrub_text"]

SCRUBBERS = ["auto", "none", "mals", "mals-1", "qd", "reversal", "moving-average", "adversary", "mutual-information"]
"""Names of scrubbers; the model's registry appends to them what a lab brings. ``auto`` fits the variable's kind."""


@dataclass(frozen=True)
class Way:
    """A scrubber in the words of a form.

    Attributes
    ----------
    label
        A few words.
    meaning
        One sentence.
    kinds
        Of variables that it can take out: ``"number"``, ``"angle"``, ``"class"``.
    """

    label: str
    meaning: str
    kinds: tuple[str, ...] = ("number", "angle", "class")


_AMOUNTS = ("number", "angle")
WAYS = {
    "auto": Way("automatic", "Curved regression for numbers and angles, class shapes for classes."),
    "mals": Way("regression, curved", "No line and no curve through the latent may tell the value (MALS).", _AMOUNTS),
    "mals-1": Way("regression, straight", "No line through the latent may tell the value (MALS, order 1).", _AMOUNTS),
    "qd": Way("class shapes", "All classes have the same mean and spread in the latent (QD).", ("class",)),
    "reversal": Way("gradient reversal", "Small networks try to tell it, and the encoder learns to mislead them."),
    "moving-average": Way("class means", "All classes have the same mean in the latent.", ("class",)),
    "adversary": Way("adversary", "Small networks try to tell true pairs of latent and variable from shuffled ones."),
    "mutual-information": Way("mutual information", "Latent and value are to share no information.", _AMOUNTS),
    "none": Way("only tell the decoder", "Nothing is taken out: the baseline that scrubbing is compared with."),
}
"""What forms offer, by name of the scrubber."""


@dataclass(frozen=True)
class Scrub:
    """One variable to be taken out of the latent.

    Attributes
    ----------
    name
        Of the variable.
    scrubber
        A name in ``SCRUBBERS``.
    strength
        Weight of its loss, beside that which the scrubber has by itself: 1 is the default, 0 switches it off.
    """

    name: str
    scrubber: str = "auto"
    strength: float = 1.0

    def __str__(self) -> str:
        if self.strength != 1.0:
            return f"{self.name}:{self.scrubber}:{self.strength:g}"
        return self.name if self.scrubber == "auto" else f"{self.name}:{self.scrubber}"


def names_in(text: str) -> tuple[str, ...]:
    """Return the names in a text with commas between, each once."""
    return tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))


def read_scrubs(text: str) -> tuple[Scrub, ...]:
    """Return what the setting ``scrub`` asks for, such as ``individual, speed:mals:2, heading``.

    Raises
    ------
    InputError
        If a part cannot be read, or names a variable twice.
    """
    scrubs = tuple(_read(part) for part in names_in(text))
    twice = [s.name for i, s in enumerate(scrubs) if s.name in (t.name for t in scrubs[:i])]
    if twice:
        raise InputError.of("setting scrub", f"{twice[0]} is there twice", "name each variable once")
    return scrubs


def scrub_text(scrubs: Iterable[Scrub]) -> str:
    """Return the setting that asks for these."""
    return ",".join(map(str, scrubs))


def _read(part: str) -> Scrub:
    words = [word.strip() for word in part.split(":")]
    if not words[0] or len(words) > 3:
        raise InputError.of("setting scrub", f"{part!r} cannot be read", "write NAME, NAME:SCRUBBER or both:STRENGTH")
    strength = 1.0
    if len(words) == 3:
        try:
            strength = float(words[2])
        except ValueError:
            strength = -1.0
        if not 0 <= strength <= 1e4:
            what = f"strength {words[2]!r} of {words[0]}"
            raise InputError.of("setting scrub", what, "give a number from 0 to 10000")
    return Scrub(words[0], (words[1] if len(words) > 1 else "") or "auto", strength)
