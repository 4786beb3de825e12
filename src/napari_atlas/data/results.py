"""What long work reports, and what it leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Event"]


@dataclass(frozen=True)
class Event:
    """One report of a running verb.

    Attributes
    ----------
    kind
        ``"progress"``, ``"epoch"``, ``"log"``, ``"started"`` or ``"done"``.
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
        """Return the event as one flat JSON object."""
        return {"event": self.kind, "text": self.text, "done": self.done, "total": self.total, **self.data}
