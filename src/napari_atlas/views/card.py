"""How far a run can be believed, as rich text."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from napari_atlas.analysis.report import score_of, verdict
from napari_atlas.data.atlas import Atlas

__all__ = ["card_text"]

_COLUMNS = ("held out", "shuffled", "training")


def card_text(atlas: Atlas) -> str:
    """Return what a run reports about itself, as rich text for a narrow dock; empty before the first fit."""
    card = atlas.card
    rows = _block("<b>R² of °C</b>", card.get("temperature_r2"), ("test", "shuffled", "train"))
    for head, found in (card.get("heads") or {}).items():
        score = score_of(found)
        title = f"<b>{score[0].upper()}{score[1:]} of {escape(head)}</b>"
        rows += _block(title, found["species"], ("test", "shuffled", "train"))
    rows += _block("<b>R² of signal</b>", card.get("reconstruction_r2"), ("test", "", "train"))
    pairs = card.get("neighbours") or {}
    keys = ("difference", "shuffled", "")
    if len(pairs) == 1:
        (only,) = pairs.values()
        rows += [_row("<b>Neighbours,<br>°C rank apart</b>", [_figure(only, key) for key in keys])]
    else:
        rows += _block("<b>Neighbours, °C rank apart</b>", pairs, keys)
    said = f"<p>{escape(verdict(card))}</p>" if verdict(card) else ""
    return f'{said}<table width="100%">{_row("", _COLUMNS)}{"".join(rows)}</table>' if rows else said


def _block(title: str, figures: Mapping[str, Any] | None, keys: tuple[str, ...]) -> list[str]:
    """Return the rows of one kind of figure below its title; none without figures."""
    rows = [_row(f"&nbsp;&nbsp;{escape(n)}", [_figure(f, key) for key in keys]) for n, f in (figures or {}).items()]
    return [f"<tr><td colspan=4>{title}</td></tr>", *rows] if rows else []


def _row(name: str, cells: tuple[str, ...] | list[str]) -> str:
    told = "".join(f'<td align=right style="white-space:nowrap">&nbsp;{cell}</td>' for cell in cells)
    return f"<tr><td>{name}</td>{told}</tr>"


def _figure(figures: Mapping[str, Any], key: str) -> str:
    """Return a figure, a dash where it is undefined, and nothing where there is none of that name."""
    if not key:
        return ""
    return "–" if figures[key] is None else f"{figures[key]:.2f}".replace("-", "−")
