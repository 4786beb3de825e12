"""Times in words."""

from __future__ import annotations

__all__ = ["clock_text"]


def clock_text(seconds: float, decimals: int = 0) -> str:
    """Return a time as m:ss, or h:mm:ss from one hour on, with so many decimals."""
    scale: int = 10**decimals
    units = round(abs(seconds) * scale)
    sign = "−" if seconds < 0 and units else ""
    whole, fraction = divmod(units, scale)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    tail = f".{fraction:0{decimals}d}" if decimals else ""
    return f"{sign}{head}:{rest:02d}{tail}"
