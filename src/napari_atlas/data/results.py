"""What long work reports, and what it leaves."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Event", "counted", "json_safe"]


@dataclass(frozen=True)
class Event:
    """One report of a running verb.

    Attributes
    ----------
    kind
        ``"progress"``, ``"epoch"``, ``"log"``, ``"started"``, ``"preview"`` (there is something to be shown already),
        ``"done"``, or in a run's own list ``"error"``.
    text
        One plain sentence for the user.
    done, total
        Steps done and steps in all; ``total`` 0 means unknown.
    data
        Further values, JSON types only.
    """

    kind: str
    text: str
    done: int = 0
    total: int = 0
    data: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the event as one flat JSON object, NaN as null."""
        told = {"event": self.kind, "text": self.text, "done": self.done, "total": self.total, **self.data}
        return {key: json_safe(value) for key, value in told.items()}


def counted(n: int, what: str) -> str:
    """Return a number with its noun, such as "1 file" or "2 files"."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def json_safe(value: Any) -> Any:
    """Return the value with NaN as null, since JSON has no NaN: what is undefined is not a number."""
    if isinstance(value, dict):
        return {key: json_safe(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [json_safe(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
