"""The settings told to people and to other programs: a page of the manual, a JSON schema."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from napari_atlas.data.config import describe
from napari_atlas.data.presets import PRESETS

__all__ = ["json_schema", "settings_page"]

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}
_PAGE = """# Settings of a fit

`napari-atlas fit PROJECT --set epochs=100` changes one setting. A file of settings, TOML or JSON, is given with
`--config FILE`, and a preset with `--preset NAME`. What comes later wins: preset, then file, then `--set`.
The `config.json` of a run is such a file too, so `--config` with that file fits with the same settings again.

`napari-atlas fit --list-settings` tells this table on the command line, `--toml` writes a file to begin with, and
`--schema` gives a JSON schema for an editor.

## Presets

{presets}
## All settings

{settings}"""


def json_schema() -> dict[str, Any]:
    """Return the JSON schema, draft 2020-12, of a file of settings; every setting may be left out."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of a napari-atlas fit",
        "type": "object",
        "properties": {knob["name"]: _property(knob) for knob in describe()},
        "additionalProperties": False,
    }


def settings_page() -> str:
    """Return the manual's page of presets and settings, in Markdown."""
    presets = [(f"`{name}`", preset.meaning, _values(preset.values)) for name, preset in PRESETS.items()]
    settings = [(f"`{k['name']}`", _shown(k["default"]), _possible(k), k["meaning"]) for k in describe()]
    return _PAGE.format(
        presets=_table(("Preset", "Meaning", "Values"), presets),
        settings=_table(("Setting", "Default", "Possible", "Meaning"), settings),
    )


def _property(knob: dict[str, Any]) -> dict[str, Any]:
    told = {"type": _TYPES[type(knob["default"])], "default": knob["default"], "description": knob["meaning"]}
    names = {"low": "minimum", "high": "maximum", "choices": "enum"}
    limits = {names[key]: knob[key] for key in names if key in knob}
    return told | {key: list(value) if key == "enum" else value for key, value in limits.items()}


def _possible(knob: dict[str, Any]) -> str:
    if "choices" in knob:
        return ", ".join(_shown(choice) for choice in knob["choices"])
    if "low" in knob:
        return f"{_shown(knob['low'])} to {_shown(knob['high'])}"
    return "names" if isinstance(knob["default"], str) else "`true`, `false`"


def _values(values: dict[str, Any]) -> str:
    return ", ".join(f"`{name}={_plain(value)}`" for name, value in values.items())


def _shown(value: Any) -> str:
    return f"`{_plain(value)}`" if value != "" else ""


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
