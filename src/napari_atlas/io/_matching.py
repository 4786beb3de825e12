"""Give each tracks file its video, its log, its timestamps and its labels, or none where that is not clear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from napari_atlas.data.plans import FoundFile
from napari_atlas.io._candidates import HOW, Candidate, Candidates
from napari_atlas.io._names import core, differ, tokens

__all__ = ["Matches", "match", "match_alone"]

_SAME_LENGTH = 2
_MANY = 50  # files of a length that say nothing any more
_CERTAIN = 3  # likeness from which several tracks may share a file


@dataclass
class Matches:
    """What was found for tracks, by their paths.

    Attributes
    ----------
    of
        The file, and how it was found.
    notes
        Why there is none, where something comes close.
    """

    of: dict[Path, tuple[FoundFile, str]] = field(default_factory=dict)
    notes: dict[Path, str] = field(default_factory=dict)

    @property
    def used(self) -> dict[Path, list[Path]]:
        """The tracks that each file was given to."""
        found: dict[Path, list[Path]] = {}
        for tracks, (file, _) in self.of.items():
            found.setdefault(file.path, []).append(tracks)
        return found


def match(tracks: Sequence[FoundFile], candidates: Candidates) -> Matches:
    """Return the files that names give to tracks; where two fit equally well, none and a note that names both."""
    matches = Matches()
    claims: dict[Path, list[tuple[Candidate, FoundFile]]] = {}
    for each in tracks:
        ranked = candidates.of(each)
        good = [c for c in ranked if c.acceptable]
        if len(good) > 1 and good[0].rank == good[1].rank:
            matches.notes[each.path] = f"{_named(good[0].path, good[1].path)} fit equally well; choose one"
        elif good:
            claims.setdefault(good[0].path, []).append((good[0], each))
        elif ranked and ranked[0].likeness >= _CERTAIN:
            matches.notes[each.path] = _why_not(ranked[0], candidates.files[ranked[0].path])
    for path, claimants in claims.items():
        _settle(matches, candidates.files[path], claimants)
    return matches


def match_alone(matches: Matches, tracks: Sequence[FoundFile], candidates: Candidates, by_length: bool) -> None:
    """Give files without a like name to the only tracks in their folder that they fit.

    Parameters
    ----------
    matches
        What names gave; it grows.
    tracks, candidates
        As for `match`.
    by_length
        Whether files have to be as long as the tracks, unless one of the two names says nothing at all.
    """
    used = matches.used
    waiting: dict[Path, list[FoundFile]] = {}
    for each in tracks:
        if each.path not in matches.of:
            waiting.setdefault(each.path.parent, []).append(each)
    for folder, here in waiting.items():
        inside = candidates.in_folder(folder)
        free = [f for f in inside if f.path not in used]
        unnamed = len(inside) == len(here) == 1 and not all(tokens(core(f.path)) for f in (*here, *inside))
        pairs = list(_fitting(here, free, by_length and not unnamed))
        counts = Counter(each.path for pair in pairs for each in pair)
        how = "the only one in the folder" if len(free) == 1 else "the only one of this length in the folder"
        for each, file in pairs:
            if counts[each.path] == counts[file.path] == 1:
                matches.of[each.path] = (file, how)
                matches.notes.pop(each.path, None)


def _fitting(
    here: Sequence[FoundFile], free: Sequence[FoundFile], by_length: bool
) -> Iterator[tuple[FoundFile, FoundFile]]:
    """Yield tracks and files whose names do not speak of different things, and that are as long if that is asked."""
    words = {f.path: tokens(core(f.path)) for f in (*here, *free)}
    lengths: dict[int, list[FoundFile]] = {}
    for file in free:
        lengths.setdefault(file.n_frames, []).append(file)
    for tracks in here:
        near = range(max(1, tracks.n_frames - _SAME_LENGTH), tracks.n_frames + _SAME_LENGTH + 1)
        fits = [file for n in near for file in lengths.get(n, ())] if by_length else free
        if len(fits) <= _MANY:
            yield from ((tracks, file) for file in fits if not differ(words[tracks.path], words[file.path]))


def _settle(matches: Matches, file: FoundFile, claimants: Iterable[tuple[Candidate, FoundFile]]) -> None:
    """Give a file to the tracks that claim it: to all that are certain of it, else to the best one alone."""
    ranked = sorted(claimants, key=lambda claim: claim[0].rank, reverse=True)
    certain = [claim for claim in ranked if claim[0].likeness >= _CERTAIN]
    if not certain and len(ranked) > 1 and ranked[0][0].rank == ranked[1][0].rank:
        for _, tracks in ranked:
            matches.notes[tracks.path] = f"{file.path.name} fits {len(ranked)} recordings equally well; choose"
        return
    for candidate, tracks in certain or ranked[:1]:
        where = "" if candidate.same_folder else f", in {file.path.parent.name}"
        matches.of[tracks.path] = (file, HOW[candidate.likeness] + where)


def _why_not(candidate: Candidate, file: FoundFile) -> str:
    length = f" and has {file.n_frames} frames" if file.n_frames else ""
    return f"none; {file.path.name} has a like name but lies in {file.path.parent.name}{length}"


def _named(a: Path, b: Path) -> str:
    first, second = sorted((a, b))
    if first.name == second.name:
        return f"{first.name} in {first.parent.name} and in {second.parent.name}"
    return f"{first.name} and {second.name}"
