"""Write files whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import ArrayLike

from napari_atlas.errors import InputError

__all__ = ["arrays_in", "locked", "read_arrays", "read_json", "replacing", "write_arrays", "write_json", "write_text"]


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside *path* that takes its place when all went well."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise InputError.of(
            path, f"it cannot be written ({error.strerror})", "free some space or check rights"
        ) from error
    finally:
        with contextlib.suppress(OSError):  # where a file stands in the place of the folder there is nothing to remove
            temporary.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a text file in one move."""
    with replacing(path) as file:
        file.write(text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file in one move."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Return a JSON file's value, or raise an `InputError`."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError.of(path, "it cannot be read as JSON", "restore a copy or make it again") from error


def write_arrays(path: Path, **arrays: ArrayLike) -> None:
    """Write named arrays to one ``.npz`` in one move."""
    with replacing(path) as file:
        np.savez(file, **{name: np.asarray(a) for name, a in arrays.items()})  # type: ignore[arg-type]


def read_arrays(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays of a ``.npz``, or raise an `InputError`."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise InputError.of(path, "it cannot be read", "delete it and run the step again") from error
    except Exception as error:
        if type(error).__name__ != "BadZipFile":
            raise
        raise InputError.of(path, "it is damaged", "delete it and run the step again") from error


def arrays_in(path: Path) -> frozenset[str]:
    """Return the names of the arrays of a ``.npz`` without reading them; none of a file that is damaged or gone."""
    try:
        with zipfile.ZipFile(path) as file:
            return frozenset(name.removesuffix(".npy") for name in file.namelist())
    except (OSError, zipfile.BadZipFile):
        return frozenset()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the project's lock while writing to it; refuse after ten seconds of waiting."""
    try:
        with FileLock(folder / ".lock", timeout=10):
            yield
    except Timeout as error:
        raise InputError.of(folder, "another program is writing to this project", "wait until it is done") from error
