"""Hashes of files' contents, remembered in the project so that large files are read once."""

from __future__ import annotations

import contextlib
import hashlib
from functools import lru_cache
from pathlib import Path

from napari_atlas.errors import AtlasError, InputError
from napari_atlas.io._entries import relative
from napari_atlas.io.atomic import read_json, write_json

__all__ = ["content_hash", "known_hash"]

_MEMORY = Path("signals") / "hashes.json"


def content_hash(path: Path) -> str:
    """Return the first 16 hex digits of a file's BLAKE2 hash, or raise an `InputError`."""
    digest = hashlib.blake2b(digest_size=8)
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise InputError.of(path, f"it cannot be read ({error.strerror})", "check the path in project.toml") from error
    return digest.hexdigest()


def known_hash(folder: Path, path: Path, remember: bool = True) -> str:
    """Return the hash of a recording's file; one that is gone has the hash that it had last.

    Parameters
    ----------
    folder
        The project. It remembers hashes by size and time of change; where nothing can be written they are not
        remembered.
    path
        The file.
    remember
        Whether the project may be written to.

    Raises
    ------
    InputError
        If the file cannot be read and its hash is not remembered.
    """
    memory = _remembered(folder)
    key = relative(folder, path)
    kept = memory.get(key, [0, 0, ""])
    try:
        state = path.stat()
    except OSError:
        return str(kept[2]) or content_hash(path)
    stamp = [state.st_size, state.st_mtime_ns]
    if kept[:2] == stamp:
        return str(kept[2])
    found = _hash_at(path, *stamp)
    with contextlib.suppress(AtlasError):
        if remember:
            write_json(folder / _MEMORY, {**memory, key: [*stamp, found]})
    return found


@lru_cache(maxsize=4096)
def _hash_at(path: Path, size: int, changed: int) -> str:
    """Return the hash of a file of this size and time of change, read once by a process that asks several times."""
    return content_hash(path)


def _remembered(folder: Path) -> dict[str, list[int | str]]:
    try:
        memory = read_json(folder / _MEMORY)
    except AtlasError:
        return {}
    return memory if isinstance(memory, dict) else {}
