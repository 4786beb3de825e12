"""Tracks that are there twice: copies, and the same tracks in another form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from napari_atlas.data.plans import FoundFile, LeftOver
from napari_atlas.io._names import compare, core, is_filtered, tokens

__all__ = ["without_twins"]

_FORMATS = (".h5", ".hdf5", ".slp", ".nwb", ".csv", ".mat", ".npz", ".npy")
_BEGINS = 3

Same = Callable[[Path, Path], bool]


def without_twins(tracks: Sequence[FoundFile], same: Same) -> tuple[list[FoundFile], list[LeftOver]]:
    """Return the tracks, each once, and the others with the reason why they are left over.

    Parameters
    ----------
    tracks
        Files with tracks.
    same
        Whether two files hold the same tracks; asked where names alone do not tell.
    """
    kept: list[FoundFile] = []
    left: list[LeftOver] = []
    digests: dict[str, FoundFile] = {}
    known: dict[object, list[FoundFile]] = {}
    for found in sorted(tracks, key=_preference):
        if found.digest in digests:
            other = digests[found.digest]
            left.append(LeftOver(found, f"a copy of {other.path.name}", other.path))
            continue
        if found.digest:
            digests[found.digest] = found
        marks = _marks(found)
        alike = (other for mark in marks for other in known.get(mark, ()))
        twin = next((other for other in alike if _are_twins(found, other, same)), None)
        if twin is None:
            kept.append(found)
            for mark in marks:
                known.setdefault(mark, []).append(found)
        else:
            left.append(LeftOver(found, f"the same tracks as {twin.path.name}", twin.path))
    return sorted(kept, key=lambda f: f.path), left


def _marks(found: FoundFile) -> list[object]:
    """Return what twins have in common at least one of, so that not all pairs have to be compared."""
    words = list(tokens(core(found.path)))
    while len(words) > 1 and words[-1].isalpha():
        words.pop()
    folder = found.path.parent
    return [(folder, core(found.path).lower()), (folder, *words), *((folder, name) for name in found.video_names)]


def _preference(found: FoundFile) -> tuple[object, ...]:
    """Return what files are sorted by; of the same tracks the first one is planned."""
    ending = found.path.suffix.lower()
    rank = _FORMATS.index(ending) if ending in _FORMATS else len(_FORMATS)
    return not _named(found), not is_filtered(found.path), rank, len(found.path.name), found.path


def _are_twins(a: FoundFile, b: FoundFile, same: Same) -> bool:
    if not _alike(a, b):
        return False
    if core(a.path).lower() == core(b.path).lower() or (a.video_names and a.video_names == b.video_names):
        return True
    words = tokens(core(a.path)), tokens(core(b.path))
    extra = max(words, key=len)[min(map(len, words)) :]
    return compare(*words)[0] >= _BEGINS and all(word.isalpha() for word in extra) and same(a.path, b.path)


def _alike(a: FoundFile, b: FoundFile) -> bool:
    """Whether two files have as many frames and animals, and the same keypoints, or as many where one names none."""
    counts = [(f.kind, len(f.individuals), len(f.keypoints)) for f in (a, b)]
    if counts[0] != counts[1] or a.kind == "windows" or abs(a.n_frames - b.n_frames) > 1:
        return False
    names = [{name.lower() for name in f.keypoints} for f in (a, b)]
    return names[0] == names[1] or not (_named(a) and _named(b))


def _named(found: FoundFile) -> bool:
    return found.kind != "pose" or any(not name.startswith("kp-") for name in found.keypoints)
