"""Settings: what they take and refuse, and every form that they are told in."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pytest

from napari_atlas.data.config import FitConfig, describe
from napari_atlas.data.config_text import json_schema
from napari_atlas.data.presets import PRESETS
from napari_atlas.errors import InputError

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
WRITE = "from napari_atlas.data.config_text import settings_page; print(settings_page(), end='')"
OTHER = {"latent_dim": 3, "encoder": "residual", "learning_rate": 1e-7, "beta": 0.5}


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("epochs", "12", 12),
        ("epochs", 12.0, 12),
        ("beta", 2, 2.0),
        ("beta", "1e-3", 0.001),
        ("encoder", "residual", "residual"),
    ],
)
def test_a_value_is_kept_as_its_kind(name: str, given: Any, kept: Any) -> None:
    found = getattr(FitConfig.from_dict({name: given}), name)
    assert (found, type(found)) == (kept, type(kept))
    assert FitConfig(**{name: given}) == FitConfig(**{name: kept})


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("epochs", 3.7, "3.7 is not a whole number; write 250"),
        ("epochs", "3.7", "'3.7' is not a whole number"),
        ("epochs", True, "True is not a whole number"),
        ("epochs", math.inf, "inf is not a whole number"),
        ("epochs", None, "None is not a whole number"),
        ("beta", "much", "'much' is not a number; write 2.5"),
        ("beta", True, "True is not a number"),
        ("beta", [1.0], r"[1.0] is not a number"),
        ("beta", "inf", "inf is out of range; give a value from 0.0 to 1000.0"),
        ("beta", math.nan, "nan is out of range"),
        ("encoder", 3, "3 is not a word"),
        ("encoder", "odd", "'odd' is not possible; choose from conv, residual"),
    ],
)
def test_any_other_value_is_refused_with_a_cure(name: str, given: Any, says: str) -> None:
    for make in (FitConfig.from_dict, lambda values: FitConfig(**values)):
        with pytest.raises(InputError) as refused:
            make({name: given})
        assert str(refused.value).startswith(f"setting {name}: {says}")


@dataclass(frozen=True)
class Switched(FitConfig):
    """The settings and one that is on or off."""

    fast: bool = field(default=False, metadata={"meaning": "Faster."})


@pytest.mark.parametrize(
    ("given", "kept"),
    [("true", True), (" Yes ", True), ("1", True), (1, True), ("false", False), ("no", False), ("0", False)],
)
def test_a_switch_is_read(given: Any, kept: bool) -> None:
    config = Switched.from_dict({"fast": given})
    assert config.fast is kept
    assert Switched.from_toml(config.to_toml()) == config


@pytest.mark.parametrize("given", ["maybe", "", 2, 0.5, None])
def test_a_switch_is_on_or_off(given: Any) -> None:
    with pytest.raises(InputError, match=r"setting fast: .* is not true or false; write false, its default, or anoth"):
        Switched.from_dict({"fast": given})


def test_every_number_has_limits_that_its_default_keeps() -> None:
    numbers = [knob for knob in describe() if type(knob["default"]) in (int, float)]
    assert len(numbers) > 10
    assert [k["name"] for k in numbers if not k["low"] <= k["default"] <= k["high"] or k["high"] == math.inf] == []


def test_toml_and_json_give_the_same_settings_back() -> None:
    config = FitConfig(**OTHER)
    assert FitConfig.from_toml(config.to_toml()) == config
    assert FitConfig.from_dict(json.loads(json.dumps(config.as_dict()))) == config
    assert all(knob["meaning"] in config.to_toml() for knob in describe())
    assert FitConfig.from_toml("") == FitConfig()
    with pytest.raises(InputError, match=r"settings: they are not valid TOML .*line 1.*; write key = value"):
        FitConfig.from_toml("epochs 3")
    with pytest.raises(InputError, match=r"settings: epoch is not a setting; choose from latent_dim"):
        FitConfig.from_toml("epoch = 3")


def test_the_schema_knows_every_setting_and_its_limits() -> None:
    schema = json_schema()
    assert list(schema["properties"]) == [knob.name for knob in fields(FitConfig)]
    assert schema["properties"]["epochs"] == {
        "type": "integer",
        "default": 250,
        "description": "Passes over the longest species, at most.",
        "minimum": 1,
        "maximum": 100_000,
    }
    assert {"conv", "residual"} <= set(schema["properties"]["encoder"]["enum"])
    assert schema == json.loads(json.dumps(schema))
    jsonschema = pytest.importorskip("jsonschema")
    check = jsonschema.Draft202012Validator(schema)
    check.check_schema(schema)
    check.validate(FitConfig(**OTHER).as_dict())
    assert not check.is_valid({"epochs": 0})
    assert not check.is_valid({"epoch": 1})


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_can_be_used(name: str) -> None:
    preset = PRESETS[name]
    assert preset.meaning.endswith(".")
    assert {key: getattr(FitConfig(**preset.values), key) for key in preset.values} == preset.values
    assert bool(preset.values) == (name != "default")


def test_the_reference_is_that_of_the_paper() -> None:
    config = FitConfig(**PRESETS["reference"].values)
    assert (config.encoder, config.posterior, config.latent_dim) == ("conv", "diagonal", 8)
    assert (config.epochs, config.patience, config.batch_size, config.learning_rate) == (250, 0, 64, 1e-3)
    assert (config.beta, config.beta_warmup, config.temperature_weight) == (4.0, 40, 2.0)
    assert (config.averaging, config.split) == (0.0, "none")


def test_the_page_of_the_manual_is_that_of_the_settings() -> None:
    # In a process of its own, since other tests register encoders.
    command = [sys.executable, "-X", "utf8", "-c", WRITE]
    made = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8", timeout=60).stdout
    anew = f'write it anew: python -c "{WRITE}" > docs/settings.md'
    assert PAGE.read_text(encoding="utf-8") == made, anew
