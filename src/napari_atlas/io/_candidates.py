"""Which of many files may belong with some tracks, told by names and folders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from napari_atlas.data.plans import FoundFile
from napari_atlas.io._names import compare, core, is_rendition, tokens, words_of

__all__ = ["HOW", "NAMED", "Candidate", "Candidates"]

NAMED = 5  # above all likeness of names: the tracks themselves name the file
HOW = {
    NAMED: "the tracks name it",
    4: "same name",
    3: "its name begins the same",
    2: "one name holds the other",
    1: "names alike",
}
_SAME_LENGTH = 2
_COMMON_WORD = 200  # files; a word that more of them share tells nothing
_BESIDE = words_of(
    "video videos movies raw temperature temperatures temp logs log timestamps annot annotation annotations labels data"
    " pose poses tracks tracking dlc sleap csv h5 slp predictions analysis"
)


@dataclass(frozen=True, order=True)
class Candidate:
    """A file that may belong with tracks; the better one is the greater one.

    Attributes
    ----------
    whole
        Whether it is the file itself, not a rendition with something drawn in.
    same_folder
        Whether it lies in the folder of the tracks.
    likeness
        ``NAMED``, or as `compare` tells.
    shared
        Tokens that the names share.
    near
        2 in the same folder or one beside it that is meant for such files, 1 elsewhere.
    same_length
        Whether it has as many frames.
    path
        The file.
    """

    whole: bool
    same_folder: bool
    likeness: int
    shared: int
    near: int
    same_length: bool
    path: Path

    @property
    def rank(self) -> tuple[int, ...]:
        """Return what two candidates are compared by; equal ranks cannot be told apart."""
        return self.whole, self.same_folder, self.likeness, self.shared, self.near, self.same_length

    @property
    def acceptable(self) -> bool:
        """Whether it is good enough to be proposed."""
        if self.near > 1:
            return self.likeness > 1 or (self.likeness == 1 and self.same_folder)
        return self.likeness > 2 and self.same_length


class Candidates:
    """Files of one kind.

    Parameters
    ----------
    files
        Such as all videos.
    """

    def __init__(self, files: Iterable[FoundFile]) -> None:
        self.files = {f.path: f for f in files}
        self.words = {path: tokens(core(path)) for path in self.files}
        self._by_name: dict[str, list[Path]] = {}
        self._by_words: dict[tuple[str, ...], list[Path]] = {}
        self._by_start: dict[tuple[str, ...], list[Path]] = {}
        self._by_word: dict[str, list[Path]] = {}
        self._by_folder: dict[Path, list[FoundFile]] = {}
        for path, words in self.words.items():
            self._by_folder.setdefault(path.parent, []).append(self.files[path])
            self._by_name.setdefault(path.name, []).append(path)
            self._by_words.setdefault(words, []).append(path)
            for n in range(1, len(words) + 1):
                self._by_start.setdefault(words[:n], []).append(path)
            for word in set(words):
                self._by_word.setdefault(word, []).append(path)

    def of(self, tracks: FoundFile) -> list[Candidate]:
        """Return the files whose names are like that of some tracks, acceptable ones first, and the best one of all."""
        words = tokens(core(tracks.path))
        told = {path for name in tracks.video_names for path in self._by_name.get(name, ())}
        begun = [path for n in range(1, len(words)) for path in self._by_words.get(words[:n], ())]
        alike = told.union(begun, self._by_start.get(words, ()))
        if not any(self._rate(tracks, words, path, told).acceptable for path in alike):
            rare = (self._by_word.get(word, ()) for word in words)
            alike = alike.union(*(paths for paths in rare if len(paths) <= _COMMON_WORD))
        rated = (self._rate(tracks, words, path, told) for path in alike)
        return sorted((c for c in rated if c.likeness), key=lambda c: (c.acceptable, c.rank, c.path), reverse=True)

    def in_folder(self, folder: Path) -> list[FoundFile]:
        """Return those that lie in a folder."""
        return self._by_folder.get(folder, [])

    def _rate(self, tracks: FoundFile, words: tuple[str, ...], path: Path, told: set[Path]) -> Candidate:
        likeness, shared = (NAMED, len(words)) if path in told else compare(words, self.words[path])
        n = self.files[path].n_frames
        return Candidate(
            whole=not is_rendition(path),
            same_folder=path.parent == tracks.path.parent,
            likeness=likeness,
            shared=shared,
            near=_near(tracks.path.parent, path.parent),
            same_length=bool(n) and abs(n - tracks.n_frames) <= _SAME_LENGTH,
            path=path,
        )


def _near(folder: Path, other: Path) -> int:
    if folder in (other, other.parent) or other == folder.parent:
        return 2
    meant = any(_BESIDE.intersection(f.name.lower().replace("-", "_").split("_")) for f in (folder, other))
    return 2 if folder.parent == other.parent and meant else 1
