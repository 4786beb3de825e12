"""How the buttons of the drawn docks look."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_atlas.views._canvas import Palette

__all__ = ["MENU", "button_style"]

MENU = " ▾"
"""What the text of a button ends with that opens a menu."""


def button_style(palette: Palette) -> str:
    """Return a style sheet for tool buttons: calm, filled while on, with a ring where the keys go."""
    on = "#10141A" if palette.dark else "#FFFFFF"
    return (
        f"QToolButton {{ background: {palette.line}; color: {palette.text}; border: 1px solid transparent;"
        f" border-radius: 4px; padding: 3px 8px; }}"
        f" QToolButton:hover {{ border-color: {palette.muted}; }}"
        f" QToolButton:checked {{ background: {palette.accent}; color: {on}; }}"
        f" QToolButton:disabled {{ color: {palette.muted}; background: transparent; border-color: {palette.line}; }}"
        f" QToolButton:focus {{ border-color: {palette.accent}; }}"
        f" QToolButton:checked:focus {{ border-color: {palette.text}; }}"
        " QToolButton::menu-indicator { image: none; width: 0px; }"
    )
