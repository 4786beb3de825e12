"""Names for what was found: of species, and of recordings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from napari_atlas.data.plans import FoundFile
from napari_atlas.io._names import VIEWS, core, species_word, tokens

__all__ = ["names_of", "natural", "species_of", "views_of"]

_TREX_ANIMAL = re.compile(r"_fish\d+$")  # TRex calls all animals so
_Skeleton = tuple[str, frozenset[str]]
_TELLING = 2  # keypoints from which a skeleton tells anything


def species_of(tracks: Sequence[FoundFile], sources: Sequence[Path]) -> dict[Path, str]:
    """Return a species for each tracks file: an animal that its name or a folder's speaks of, else the folder.

    Files of one skeleton are of one species, unless their names speak of different animals; two skeletons are two
    species.

    Parameters
    ----------
    tracks
        Files with tracks.
    sources
        The folders that were looked through.
    """
    words = {t.path: _word(t, sources) for t in tracks}
    tops = {t.path: _top(t.path, sources) for t in tracks}
    several = len({top for top in tops.values() if top}) > 1
    groups: dict[tuple[str, _Skeleton], list[FoundFile]] = {}
    for each in tracks:
        groups.setdefault((words[each.path], _skeleton(each)), []).append(each)
    within = {t.path: next((s for s in sources if t.path.is_relative_to(s)), Path()) for t in tracks}
    _join_unnamed(groups, {path: (within[path], top if several else "") for path, top in tops.items()})
    found: dict[Path, str] = {}
    taken: set[str] = set()
    for (word, _), group in groups.items():
        folders = {tops[t.path] for t in group}
        name = word or (folders.pop() if several and len(folders) == 1 else "") or "species"
        free = next(n for n in _numbered(name) if n not in taken)
        taken.add(free)
        found |= {t.path: free for t in group}
    return found


def names_of(tracks: Sequence[FoundFile], taken: Iterable[str]) -> dict[Path, str]:
    """Return a name for each recording, all different: the file's, with its folder's where that is needed."""
    forms = [_forms(t.path) for t in tracks]
    counts = [Counter(names) for names in zip(*forms, strict=True)]
    used, names = set(taken), {}
    for each, choices in zip(tracks, forms, strict=True):
        alone = (name for name, count in zip(choices, counts, strict=True) if count[name] == 1 and name not in used)
        numbered = (name for name in _numbered(choices[-1]) if name not in used)
        names[each.path] = next(alone, "") or next(numbered)
        used.add(names[each.path])
    return names


def views_of(tracks: Sequence[FoundFile]) -> dict[Path, list[Path]]:
    """Return, for tracks that are one view of several of the same animals, the other ones in their folder."""
    groups: dict[tuple[Path, tuple[str, ...]], list[Path]] = {}
    for each in tracks:
        words = tokens(core(each.path))
        if VIEWS.intersection(words):
            groups.setdefault((each.path.parent, tuple(w for w in words if w not in VIEWS)), []).append(each.path)
    return {path: [p for p in group if p != path] for group in groups.values() for path in group if len(group) > 1}


def natural(text: str) -> list[tuple[int, str]]:
    """Return what a name is sorted by, so that 5 comes before 24."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text.lower())]


def _forms(path: Path) -> tuple[str, ...]:
    """Return names that a recording may have, the shortest first."""
    short, folder = core(path), path.parent.name
    return short, f"{folder} {short}", path.stem, f"{folder} {path.stem}"


def _join_unnamed(groups: dict[tuple[str, _Skeleton], list[FoundFile]], places: dict[Path, tuple[Path, str]]) -> None:
    """Put files whose names speak of no animal to those of the same skeleton, where these are of one animal.

    A single keypoint, and those that a program gives to all animals alike, tell no animal apart: such files have to lie
    in the same one of the folders in *places*.
    """
    for word, skeleton in [key for key in groups if not key[0]]:
        named = [key for key in groups if key[0] and key[1] == skeleton and skeleton[1]]
        near = {places[t.path] for t in groups[(word, skeleton)]}
        plain = len(skeleton[1]) < _TELLING or all(t.format.startswith("trex") for t in groups[(word, skeleton)])
        apart = plain and named and near.isdisjoint(places[t.path] for t in groups[named[0]])
        if len(named) == 1 and not apart:
            groups[named[0]] += groups.pop((word, skeleton))


def _skeleton(found: FoundFile) -> _Skeleton:
    return found.kind, frozenset(name.lower() for name in found.keypoints)


def _word(found: FoundFile, sources: Sequence[Path]) -> str:
    """Return the animal that the file's name speaks of, or the folder nearest to it."""
    path = found.path
    name = _TREX_ANIMAL.sub("", path.stem) if found.format.startswith("trex") else path.name
    texts = [name, *(p.name for p in path.parents if any(p.is_relative_to(s) for s in sources))]
    return next((word for text in texts if (word := species_word(text))), "")


def _top(path: Path, sources: Sequence[Path]) -> str:
    """Return the folder directly under the one that was looked through; empty for a file that lies in that itself."""
    for source in sources:
        if path.is_relative_to(source) and len(path.relative_to(source).parts) > 1:
            return path.relative_to(source).parts[0]
    return ""


def _numbered(name: str) -> Iterator[str]:
    if name != "species":
        yield name
    yield from (f"{name}-{i}" for i in range(1 if name == "species" else 2, 10_000))
