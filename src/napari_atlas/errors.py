"""Faults that a user can mend, each told in one line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["AtlasError", "InputError", "NewerFormatError", "StoppedError", "naming"]


class AtlasError(Exception):
    """A fault with a cure; the message names file, field, value and cure.

    It does not derive from ``RuntimeError``: napari's generator workers lose those.
    """


class InputError(AtlasError):
    """Input that cannot be used: a file, a field or a setting."""

    @classmethod
    def of(cls, where: object, what: str, cure: str) -> InputError:
        """Return the error whose text is "where: what; cure".

        Parameters
        ----------
        where
            The file, and the field in it if there is one.
        what
            What is wrong there, with the value.
        cure
            What the user can do about it.
        """
        return cls(f"{where}: {what}; {cure}")


class NewerFormatError(InputError):
    """A project written by a newer version of the program."""


class StoppedError(AtlasError):
    """The user asked for a stop, and there is no result to keep."""


@contextlib.contextmanager
def naming(where: object) -> Iterator[None]:
    """Put a file in front of an `InputError` that does not begin with one of its own."""
    try:
        yield
    except InputError as error:
        if Path(str(error).split(": ")[0]).is_absolute():
            raise
        raise type(error)(f"{where}: {error}") from error
