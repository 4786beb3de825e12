"""What the user chose under napari's Preferences."""

from __future__ import annotations

from typing import Any

__all__ = ["DEFAULTS", "preference"]

# As napari.yaml has them; napari before 0.9 keeps no settings of plugins.
DEFAULTS: dict[str, Any] = {
    "hover_pictures": True,
    "loop_window": False,
    "restore_view": True,
    "n_neighbours": 3,
    "n_clips": 9,
}


def preference(name: str) -> Any:
    """Return one of `DEFAULTS` as the user has set it."""
    try:
        from napari.settings import get_plugin_settings

        return getattr(get_plugin_settings("napari-atlas").explore, name)
    except (ImportError, KeyError, AttributeError):
        return DEFAULTS[name]
