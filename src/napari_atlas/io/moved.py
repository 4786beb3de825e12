"""Find a file again that is not where it was."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from napari_atlas.data.project import RecordingEntry

__all__ = ["find_moved", "video_of"]

_MOST_FOLDERS = 200


def find_moved(path: Path, near: Iterable[Path]) -> tuple[Path, ...]:
    """Return the files of the same name in some folders and in the folders directly inside them, sorted.

    Parameters
    ----------
    path
        Where the file was.
    near
        Folders to look in; those that cannot be read are passed over, and no more than 200 are looked into.
    """
    candidates = {folder / path.name for folder in _folders(near)}
    return tuple(sorted(found for found in candidates if found.is_file()))


def video_of(folder: Path, entry: RecordingEntry) -> tuple[Path, tuple[str, ...]]:
    """Return the video of a recording; one that is not where it was is looked for near the tracks and the project."""
    if entry.video == Path() or entry.video.exists():
        return entry.video, ()
    found = find_moved(entry.video, (entry.tracks.parent, folder.absolute().parent, entry.video.parent.parent))
    if len(found) == 1:
        return found[0], (f"The video was not at {entry.video}; the one of that name at {found[0]} is shown.",)
    other = f"; {len(found)} files of that name lie near it" if found else ""
    return entry.video, (f"The video is not at {entry.video}{other}: give its new place.",)


def _folders(near: Iterable[Path]) -> Iterator[Path]:
    seen: set[Path] = set()
    for folder in near:
        for place in (folder, *_inside(folder)):
            if place not in seen and len(seen) < _MOST_FOLDERS:
                seen.add(place)
                yield place


def _inside(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except OSError:
        return []
