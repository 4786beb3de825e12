"""What file names tell: which files belong together, and which animal it is."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = [
    "VIEWS",
    "Likeness",
    "compare",
    "core",
    "differ",
    "is_filtered",
    "is_rendition",
    "one_line",
    "species_word",
    "tokens",
    "words_of",
]


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


_SCORER = re.compile(r"(?:DLC|DeepCut)_(?=.*shuffle\d).*$|_superanimal_.*$")
_MEMBER = re.compile(r"[._](?:train_frames|rng|seed|step|ckpt|epoch)=[^.]*")
_LABELS_FILE = re.compile(r"^labels.*?\.\d{3}_")
_FORM = re.compile(
    r"[._ -](?:analysis|predictions?|predicted|filtered|tracked|tracks|table|poses?|smoothed|pkg)$", re.I
)
_GENERIC = words_of(
    "video videos movie mov vid csv table tables annot annotation annotations label labels timestamp timestamps time"
    " times temperature temperatures temp log logs tracked tracks tracking track pose poses hull hulls outline outlines"
    " data mp4 avi frames file analysis predictions predicted filtered sleap dlc deeplabcut camera"
)
VIEWS = words_of("left right top bot bottom side front back above below dorsal ventral lateral body")
_NUMBERED = re.compile(r"([a-z]+)(\d+)")
_SPECIES = {
    "jellyfish": "jellyfish jelly jellies medusa clytia hydra",
    "stickleback": "stickleback sticklebacks",
    "zebrafish": "zebrafish danio",
    "fish": "fish cichlid cichlids medaka killifish guppy",
    "mouse": "mouse mice",
    "rat": "rat rats",
    "larva": "larva larvae",
    "fly": "fly flies drosophila",
    "wasp": "wasp wasps trichogramma",
    "bee": "bee bees honeybee",
    "ant": "ant ants",
    "worm": "worm worms elegans",
    "beetle": "beetle beetles",
    "locust": "locust locusts",
    "monkey": "monkey monkeys macaque marmoset",
    "bird": "bird birds finch zebrafinch",
    "human": "human humans person subject",
}
_WORDS = {word: name for name, words in _SPECIES.items() for word in words.split()}

Likeness = tuple[int, int]  # how alike two names are, 0 not at all to 4 the same; tokens that they share


def core(path: Path) -> str:
    """Return a file's name without what its program and its form put there; never empty.

    ``mouse1DLC_resnet50_…shuffle1_5000_filtered.csv``, ``mouse1.predictions.slp`` and ``labels.v001.000_mouse1.
    analysis.h5`` are all ``mouse1``.
    """
    stem = path.name[: -len(path.suffix)] if path.suffix else path.name
    name = _MEMBER.sub("", _SCORER.sub("", _LABELS_FILE.sub("", stem)))
    while (shorter := _FORM.sub("", name)) != name:
        name = shorter
    return one_line(name.strip(" ._-") or stem)


def one_line(text: str) -> str:
    """Return a text without line breaks and other signs that cannot be shown, each made a space."""
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()


def tokens(text: str) -> tuple[str, ...]:
    """Return the telling words and numbers of a name, in their order, in lower case."""
    return tuple(word for word in re.findall(r"[^\W_]+", text.lower()) if word not in _GENERIC)


def differ(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Whether two names speak of different things: other numbers, or another view."""
    if _clash({t for t in a if t.isdigit()}, {t for t in b if t.isdigit()}) or _clash(VIEWS & {*a}, VIEWS & {*b}):
        return True
    counted_a, counted_b = _numbered(a), _numbered(b)
    return any(_clash(counted_a[word], counted_b[word]) for word in counted_a.keys() & counted_b.keys())


def compare(a: tuple[str, ...], b: tuple[str, ...]) -> Likeness:
    """Return how alike two names are: 4 same, 3 one begins with the other, 2 one holds the other, 1 shared words."""
    shared = {*a} & {*b}
    if not shared or differ(a, b):
        return 0, 0
    short = min(len(a), len(b))
    if a == b:
        return 4, short
    if a[:short] == b[:short]:
        return 3, short
    if len(shared) == min(len({*a}), len({*b})):
        return 2, len(shared)
    telling = len(shared) > 1 and any(any(c.isdigit() for c in word) for word in shared)
    return (1, len(shared)) if telling else (0, 0)


def is_filtered(path: Path) -> bool:
    """Whether a name says that its tracks were filtered or smoothed."""
    return bool(re.search(r"filtered|smoothed", path.name, re.I))


def is_rendition(path: Path) -> bool:
    """Whether a video's name says that something was drawn into it, or that it is a copy made for viewing."""
    return bool(re.search(r"(?:_|\.)(?:labell?ed|overlay|proxy|skeleton)$", path.stem, re.I))


def species_word(text: str) -> str:
    """Return the animal that a name speaks of; empty if none."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    for word in re.findall(r"[a-z]+", apart.lower()):
        if word in _WORDS:
            return _WORDS[word]
    return ""


def _clash(a: set[str] | frozenset[str], b: set[str] | frozenset[str]) -> bool:
    return bool(a and b and not a & b)


def _numbered(words: tuple[str, ...]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for word in words:
        if match := _NUMBERED.fullmatch(word):
            found.setdefault(match[1], set()).add(match[2])
    return found
